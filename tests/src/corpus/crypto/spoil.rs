//! Signatures that are wrong in one way: their bytes are tampered with, or they are made otherwise than they must be.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::vectors::corpus::Key;
use hmac::Hmac;
use num_bigint::BigUint;
use sha2::Sha256;

use super::{Family, Hash, Scheme, algorithm, fixed, mac, modulus, sign, sign_as, text_of};

const KINDS: &str = "flip-first-bit, flip-last-bit, truncated, extended, empty, zeros, padded, padded:N, der, swapped, \
    negated-s, noncanonical-s, base64:TEXT, mac:N, salt:N, salt:max, mgf1:HASH, hash:HASH, prehash:HASH, \
    encoded:base64url, alg:NAME, key:NAME";

/// A wrong signature of a message instead of the good one; `other` gives keys by name.
///
/// # Errors
/// A kind that is not known or does not go with the key.
pub fn spoil(
    kind: &str,
    key: &Key,
    message: &[u8],
    good: Vec<u8>,
    other: impl Fn(&str) -> Result<Key, String>,
) -> Result<Vec<u8>, String> {
    let scheme = Scheme::of(algorithm(key)?);
    let (word, argument) = kind.split_once(':').map_or((kind, None), |(word, argument)| (word, Some(argument)));
    if let Some(tampered) = tampered(word, argument, &scheme, &good) {
        return tampered;
    }
    if let ("key", Some(name)) = (word, argument) {
        return sign(&other(name)?, message);
    }
    if let Some(argument) = argument
        && let Some(made) = made_otherwise(word, argument, scheme, key, message)
    {
        return made;
    }
    let known = KINDS.split(", ").any(|known| known.split(':').next() == Some(word));
    Err(match known {
        true => format!("the signature `{kind}` does not go with a key for {}", scheme.name),
        false => format!("`{kind}` is no kind of wrong signature; there are {KINDS}"),
    })
}

/// The good one with its bytes changed.
fn tampered(word: &str, argument: Option<&str>, scheme: &Scheme, good: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let mut it = good.to_vec();
    // Those of ECDSA are two numbers.
    let (r, s) = good.split_at(good.len() / 2);
    Some(Ok(match (word, argument, scheme.family) {
        ("flip-first-bit", None, _) => {
            *it.first_mut()? ^= 0x80;
            it
        }
        ("flip-last-bit", None, _) => {
            *it.last_mut()? ^= 1;
            it
        }
        ("truncated", None, _) => it[..it.len() - 1].to_vec(),
        ("extended", None, _) => [&it[..], &[0]].concat(),
        ("empty", None, _) => Vec::new(),
        ("zeros", None, _) => vec![0; it.len()],
        ("padded", None, _) => [&[0], &it[..]].concat(),
        ("base64", Some(text), _) => {
            return Some(STANDARD.decode(text).map_err(|error| format!("`{text}` is no base64: {error}")));
        }
        ("padded", Some(length), Family::P256 | Family::P384) => {
            let Some(zeros) = length.parse().ok().and_then(|length: usize| length.checked_sub(r.len())) else {
                return Some(Err(format!("r and s can't be padded to `{length}` bytes")));
            };
            let zeros = vec![0; zeros];
            [&zeros, r, &zeros, s].concat()
        }
        ("der", None, Family::P256) => {
            return Some(
                p256::ecdsa::Signature::from_slice(good).map_err(text_of).map(|it| it.to_der().as_bytes().into()),
            );
        }
        ("der", None, Family::P384) => {
            return Some(
                p384::ecdsa::Signature::from_slice(good).map_err(text_of).map(|it| it.to_der().as_bytes().into()),
            );
        }
        ("swapped", None, Family::P256 | Family::P384) => [s, r].concat(),
        ("negated-s", None, Family::P256) => [r, &negated(P256_ORDER, s)].concat(),
        ("negated-s", None, Family::P384) => [r, &negated(P384_ORDER, s)].concat(),
        ("noncanonical-s", None, Family::Ed25519) => {
            let mut more = (BigUint::from_bytes_le(s) + number(ED25519_ORDER)).to_bytes_le();
            more.resize(s.len(), 0);
            [r, &more].concat()
        }
        ("mac", Some(length), Family::Hmac) => match length.parse().ok().and_then(|length: usize| good.get(..length)) {
            Some(cut) => cut.to_vec(),
            None => return Some(Err(format!("a MAC can't be cut to `{length}` bytes"))),
        },
        _ => return None,
    }))
}

/// One that is made in another way.
fn made_otherwise(
    word: &str,
    argument: &str,
    scheme: Scheme,
    key: &Key,
    message: &[u8],
) -> Option<Result<Vec<u8>, String>> {
    let sign_with = |scheme: Result<Scheme, String>| Some(scheme.and_then(|scheme| sign_as(scheme, key, message)));
    match (word, scheme.family) {
        ("salt", Family::Pss) => {
            let longest = |key| Ok(modulus(key)?.bits().div_ceil(8) as usize - scheme.hash.length() - 2);
            let salt = match argument {
                "max" => longest(key),
                length => length.parse().map_err(|_| format!("`{length}` is no salt length")),
            };
            sign_with(salt.map(|salt| Scheme { salt, ..scheme }))
        }
        ("mgf1", Family::Pss) => sign_with(Hash::named(argument).map(|mgf1| Scheme { mgf1, ..scheme })),
        // Ed25519 has its hash inside.
        ("hash", Family::Ed25519) => None,
        ("hash", _) => {
            let with = |hash: Hash| Scheme { hash, mgf1: hash, salt: hash.length(), ..scheme };
            sign_with(Hash::named(argument).map(with))
        }
        ("prehash", _) => Some(Hash::named(argument).and_then(|hash| sign_as(scheme, key, &hash.of(message)))),
        ("encoded", _) if argument == "base64url" => Some(sign(key, URL_SAFE_NO_PAD.encode(message).as_bytes())),
        // What a verifier does that takes the algorithm from the message: the public key as a shared secret.
        ("alg", family) if argument == "hmac-sha256" && family != Family::Hmac => {
            let pem = key.pem.as_deref().ok_or_else(|| "the key has no PEM".to_owned());
            Some(pem.map(|pem| mac::<Hmac<Sha256>>(pem.as_bytes(), message)))
        }
        ("alg", family) => {
            let wanted = Scheme::of(argument);
            let goes = wanted.name == argument && wanted.family != family && wanted.family.kind() == family.kind();
            goes.then(|| sign_as(wanted, key, message))
        }
        _ => None,
    }
}

const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const ED25519_ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

/// The other `s` that verifies: order − s.
fn negated(order: &str, s: &[u8]) -> Vec<u8> {
    fixed(&(number(order) - BigUint::from_bytes_be(s)), s.len())
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap_or_default()
}
