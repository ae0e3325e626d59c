//! Signatures by crates that our engine does not use, and ([`spoil`]) signatures that are wrong on purpose. All of it is
//! deterministic: ECDSA by RFC 6979, the salt of PSS from the message.

mod spoil;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::vectors::corpus::Key;
use ed25519_dalek::Signer as _;
use hmac::Hmac;
use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

pub use spoil::spoil;

/// Signs as the key's algorithm says; a key that is bound to none has that of its type.
///
/// # Errors
/// The key does not fit.
pub fn sign(key: &Key, message: &[u8]) -> Result<Vec<u8>, String> {
    sign_as(Scheme::of(algorithm(key)?), key, message)
}

/// The algorithm of a key.
///
/// # Errors
/// A type of key that no algorithm of RFC 9421 uses.
pub fn algorithm(key: &Key) -> Result<&str, String> {
    if let Some(alg) = &key.alg {
        return Ok(alg);
    }
    match (text(key, "kty")?, key.jwk.get("crv").and_then(|crv| crv.as_str())) {
        ("OKP", Some("Ed25519")) => Ok("ed25519"),
        ("EC", Some("P-256")) => Ok("ecdsa-p256-sha256"),
        ("EC", Some("P-384")) => Ok("ecdsa-p384-sha384"),
        ("RSA", None) => Ok("rsa-pss-sha512"),
        ("oct", None) => Ok("hmac-sha256"),
        (kty, crv) => Err(format!("no algorithm for keys of type {kty} {}", crv.unwrap_or_default())),
    }
}

/// Whether equal messages have equal signatures, whoever makes them.
pub fn is_deterministic(algorithm: &str) -> bool {
    matches!(algorithm, "ed25519" | "hmac-sha256" | "rsa-v1_5-sha256")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Ed25519,
    P256,
    P384,
    Pss,
    V1_5,
    Hmac,
}

impl Family {
    /// Families with one type of key.
    fn kind(self) -> u8 {
        match self {
            Family::Ed25519 => 0,
            Family::P256 => 1,
            Family::P384 => 2,
            Family::Pss | Family::V1_5 => 3,
            Family::Hmac => 4,
        }
    }
}

/// How to sign, in all that can be wrong about it.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    name: &'static str,
    family: Family,
    hash: Hash,
    mgf1: Hash,
    salt: usize,
}

impl Scheme {
    fn of(algorithm: &str) -> Scheme {
        let (name, family, hash) = match algorithm {
            "rsa-pss-sha512" => ("rsa-pss-sha512", Family::Pss, Hash::Sha512),
            "rsa-v1_5-sha256" => ("rsa-v1_5-sha256", Family::V1_5, Hash::Sha256),
            "ecdsa-p256-sha256" => ("ecdsa-p256-sha256", Family::P256, Hash::Sha256),
            "ecdsa-p384-sha384" => ("ecdsa-p384-sha384", Family::P384, Hash::Sha384),
            "hmac-sha256" => ("hmac-sha256", Family::Hmac, Hash::Sha256),
            _ => ("ed25519", Family::Ed25519, Hash::Sha512),
        };
        Scheme { name, family, hash, mgf1: hash, salt: 64 }
    }
}

fn sign_as(scheme: Scheme, key: &Key, message: &[u8]) -> Result<Vec<u8>, String> {
    match scheme.family {
        Family::Ed25519 => {
            let seed: [u8; 32] = secret(key, "d")?.try_into().map_err(|_| "an Ed25519 key has 32 bytes".to_owned())?;
            Ok(ed25519_dalek::SigningKey::from_bytes(&seed).sign(message).to_bytes().to_vec())
        }
        Family::P256 => {
            let key = p256::ecdsa::SigningKey::from_slice(&secret(key, "d")?).map_err(text_of)?;
            let signature: p256::ecdsa::Signature = key.sign_prehash(&scheme.hash.of(message)).map_err(text_of)?;
            Ok(signature.to_bytes().to_vec())
        }
        Family::P384 => {
            let key = p384::ecdsa::SigningKey::from_slice(&secret(key, "d")?).map_err(text_of)?;
            let signature: p384::ecdsa::Signature = key.sign_prehash(&scheme.hash.of(message)).map_err(text_of)?;
            Ok(signature.to_bytes().to_vec())
        }
        Family::Pss => rsa(key, |bits| pss(scheme, message, bits - 1)),
        Family::V1_5 => rsa(key, |bits| v1_5(scheme.hash, message, bits.div_ceil(8))),
        Family::Hmac => {
            let secret = decoded(text(key, "k")?)?;
            Ok(match scheme.hash {
                Hash::Sha1 => mac::<Hmac<Sha1>>(&secret, message),
                Hash::Sha256 => mac::<Hmac<Sha256>>(&secret, message),
                Hash::Sha384 => mac::<Hmac<Sha384>>(&secret, message),
                Hash::Sha512 => mac::<Hmac<Sha512>>(&secret, message),
            })
        }
    }
}

fn mac<M: hmac::Mac + hmac::KeyInit>(secret: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length will do (RFC 2104 §2).
    let mac = <M as hmac::KeyInit>::new_from_slice(secret)
        .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec());
    mac.unwrap_or_default()
}

/// RSASP1 (RFC 8017 §5.2.1) on an encoded message.
fn rsa(key: &Key, encode: impl Fn(usize) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let modulus = modulus(key)?;
    let bits = modulus.bits() as usize;
    let exponent = BigUint::from_bytes_be(&secret(key, "d")?);
    let encoded = BigUint::from_bytes_be(&encode(bits)?);
    Ok(fixed(&encoded.modpow(&exponent, &modulus), bits.div_ceil(8)))
}

/// EMSA-PSS-ENCODE (RFC 8017 §9.1.1), with a salt that follows from the message.
fn pss(scheme: Scheme, message: &[u8], bits: usize) -> Result<Vec<u8>, String> {
    let length = bits.div_ceil(8);
    let hash_length = scheme.hash.length();
    let Some(padding) = length.checked_sub(hash_length + scheme.salt + 2) else {
        return Err(format!("a salt of {} bytes is too long for the key", scheme.salt));
    };
    let salt = mgf1(Hash::Sha512, &[b"salt", message].concat(), scheme.salt);
    let hash = scheme.hash.of(&[&[0; 8], &scheme.hash.of(message)[..], &salt].concat());
    let block = [&vec![0; padding][..], &[1], &salt].concat();
    let mask = mgf1(scheme.mgf1, &hash, block.len());
    let mut masked: Vec<u8> = block.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    masked[0] &= 0xff >> (8 * length - bits);
    Ok([&masked[..], &hash, &[0xbc]].concat())
}

/// MGF1 (RFC 8017 B.2.1).
fn mgf1(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|counter| hash.of(&[seed, &counter.to_be_bytes()].concat()));
    blocks.flatten().take(length).collect()
}

/// EMSA-PKCS1-v1_5-ENCODE (RFC 8017 §9.2).
fn v1_5(hash: Hash, message: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let info = [hash.digest_info(), &hash.of(message)].concat();
    let padding = length.checked_sub(info.len() + 3).ok_or("the key is too short")?;
    Ok([&[0, 1], &vec![0xff; padding][..], &[0], &info].concat())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn named(name: &str) -> Result<Hash, String> {
        match name {
            "sha1" => Ok(Hash::Sha1),
            "sha256" => Ok(Hash::Sha256),
            "sha384" => Ok(Hash::Sha384),
            "sha512" => Ok(Hash::Sha512),
            _ => Err(format!("`{name}` is no hash; there are sha1, sha256, sha384 and sha512")),
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(message).to_vec(),
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn length(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// The beginning of a DigestInfo (RFC 8017 §9.2, note 1).
    fn digest_info(self) -> &'static [u8] {
        match self {
            Hash::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Hash::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Hash::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Hash::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        }
    }
}

fn fixed(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; length - bytes.len()], bytes].concat()
}

fn modulus(key: &Key) -> Result<BigUint, String> {
    Ok(BigUint::from_bytes_be(&decoded(text(key, "n")?)?))
}

fn text<'k>(key: &'k Key, name: &str) -> Result<&'k str, String> {
    key.jwk.get(name).and_then(|value| value.as_str()).ok_or_else(|| format!("the key's JWK has no `{name}`"))
}

fn secret(key: &Key, name: &str) -> Result<Vec<u8>, String> {
    let value = key.private_jwk.as_ref().and_then(|jwk| jwk.get(name)).and_then(|value| value.as_str());
    decoded(value.ok_or_else(|| format!("the key's private JWK has no `{name}`"))?)
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| format!("a part of the key's JWK is no base64url: {error}"))
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}
