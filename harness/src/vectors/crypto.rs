//! Raw signatures by the algorithms of RFC 9421 §3.3, from keys as JWK. It shares nothing with the engine.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512, RsaEncoding, RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A key as JWK.
pub type Jwk = serde_json::Map<String, serde_json::Value>;

/// The algorithms of the RFC's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// §3.3.1
    RsaPssSha512,
    /// §3.3.2
    RsaV15Sha256,
    /// §3.3.3
    HmacSha256,
    /// §3.3.4
    EcdsaP256Sha256,
    /// §3.3.5
    EcdsaP384Sha384,
    /// §3.3.6
    Ed25519,
}

/// Why a key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// A member of the JWK is not there, or no Base64url.
    #[error("the JWK has no proper `{0}`")]
    Member(&'static str),
    /// The key is of another kind.
    #[error("{algorithm} needs a key with {needs}, this one has {has}")]
    Kind {
        /// The algorithm.
        algorithm: Algorithm,
        /// `kty`, and `crv` where there is one.
        needs: &'static str,
        /// The same of the key.
        has: String,
    },
    /// The cryptographic library refused.
    #[error("the cryptographic library refuses the key")]
    Refused,
}

impl Algorithm {
    /// All of them, in the order of the RFC.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::RsaPssSha512,
        Algorithm::RsaV15Sha256,
        Algorithm::HmacSha256,
        Algorithm::EcdsaP256Sha256,
        Algorithm::EcdsaP384Sha384,
        Algorithm::Ed25519,
    ];

    /// Its name in the registry.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::RsaPssSha512 => "rsa-pss-sha512",
            Algorithm::RsaV15Sha256 => "rsa-v1_5-sha256",
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Algorithm::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Algorithm::Ed25519 => "ed25519",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether a key is of the kind that it needs.
    pub fn fits(self, jwk: &Jwk) -> bool {
        kind(jwk) == self.needs()
    }

    fn needs(self) -> &'static str {
        match self {
            Algorithm::RsaPssSha512 | Algorithm::RsaV15Sha256 => "RSA",
            Algorithm::HmacSha256 => "oct",
            Algorithm::EcdsaP256Sha256 => "EC P-256",
            Algorithm::EcdsaP384Sha384 => "EC P-384",
            Algorithm::Ed25519 => "OKP Ed25519",
        }
    }

    /// Whether it is this key's signature over these bytes.
    ///
    /// # Errors
    /// The key can't be used.
    pub fn verifies(self, public: &Jwk, base: &[u8], signature: &[u8]) -> Result<bool, CryptoError> {
        self.check(public)?;
        Ok(match self {
            Algorithm::RsaPssSha512 => rsa_verifies(&RSA_PSS_2048_8192_SHA512, public, base, signature)?,
            Algorithm::RsaV15Sha256 => rsa_verifies(&RSA_PKCS1_2048_8192_SHA256, public, base, signature)?,
            Algorithm::HmacSha256 => constant_time::verify_slices_are_equal(&mac(public, base)?, signature).is_ok(),
            Algorithm::EcdsaP256Sha256 => raw_verifies(&ECDSA_P256_SHA256_FIXED, &point(public)?, base, signature),
            Algorithm::EcdsaP384Sha384 => raw_verifies(&ECDSA_P384_SHA384_FIXED, &point(public)?, base, signature),
            Algorithm::Ed25519 => raw_verifies(&ED25519, &member(public, "x")?, base, signature),
        })
    }

    /// Signs these bytes.
    ///
    /// # Errors
    /// The key can't be used, or is not private.
    pub fn sign(self, private: &Jwk, base: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.check(private)?;
        match self {
            Algorithm::RsaPssSha512 => rsa_sign(&RSA_PSS_SHA512, private, base),
            Algorithm::RsaV15Sha256 => rsa_sign(&RSA_PKCS1_SHA256, private, base),
            Algorithm::HmacSha256 => mac(private, base),
            Algorithm::EcdsaP256Sha256 => ecdsa_sign(&ECDSA_P256_SHA256_FIXED_SIGNING, private, base),
            Algorithm::EcdsaP384Sha384 => ecdsa_sign(&ECDSA_P384_SHA384_FIXED_SIGNING, private, base),
            Algorithm::Ed25519 => {
                let (seed, public) = (member(private, "d")?, member(private, "x")?);
                let key = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).map_err(|_| CryptoError::Refused)?;
                Ok(key.sign(base).as_ref().to_vec())
            }
        }
    }

    fn check(self, jwk: &Jwk) -> Result<(), CryptoError> {
        let has = kind(jwk);
        if has == self.needs() { Ok(()) } else { Err(CryptoError::Kind { algorithm: self, needs: self.needs(), has }) }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn kind(jwk: &Jwk) -> String {
    let text = |name: &str| jwk.get(name).and_then(|value| value.as_str());
    let parts: Vec<&str> = [text("kty"), text("crv")].into_iter().flatten().collect();
    if parts.is_empty() { "no `kty`".to_owned() } else { parts.join(" ") }
}

fn member(jwk: &Jwk, name: &'static str) -> Result<Vec<u8>, CryptoError> {
    let text = jwk.get(name).and_then(|value| value.as_str()).ok_or(CryptoError::Member(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| CryptoError::Member(name))
}

fn raw_verifies(algorithm: &'static dyn VerificationAlgorithm, public: &[u8], base: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(algorithm, public).verify(base, signature).is_ok()
}

/// SEC 1: an uncompressed point.
fn point(jwk: &Jwk) -> Result<Vec<u8>, CryptoError> {
    Ok([vec![4], member(jwk, "x")?, member(jwk, "y")?].concat())
}

fn mac(jwk: &Jwk, base: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &member(jwk, "k")?);
    Ok(hmac::sign(&key, base).as_ref().to_vec())
}

fn rsa_verifies(
    parameters: &'static RsaParameters,
    jwk: &Jwk,
    base: &[u8],
    signature: &[u8],
) -> Result<bool, CryptoError> {
    let public = PublicKeyComponents { n: member(jwk, "n")?, e: member(jwk, "e")? };
    Ok(public.verify(parameters, base, signature).is_ok())
}

fn rsa_sign(encoding: &'static dyn RsaEncoding, jwk: &Jwk, base: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let part = |name| member(jwk, name);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: part("n")?, e: part("e")? },
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dP: part("dp")?,
        dQ: part("dq")?,
        qInv: part("qi")?,
    };
    let key = RsaKeyPair::from_components(&components).map_err(|_| CryptoError::Refused)?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), base, &mut signature).map_err(|_| CryptoError::Refused)?;
    Ok(signature)
}

fn ecdsa_sign(algorithm: &'static EcdsaSigningAlgorithm, jwk: &Jwk, base: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &member(jwk, "d")?, &point(jwk)?);
    let signature = key.map_err(|_| CryptoError::Refused)?.sign(&SystemRandom::new(), base);
    Ok(signature.map_err(|_| CryptoError::Refused)?.as_ref().to_vec())
}

#[cfg(test)]
mod tests;
