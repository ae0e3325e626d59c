//! Raw signatures over given bytes, from keys in PEM.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ED25519, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA512,
    RsaKeyPair, UnparsedPublicKey,
};
use aws_lc_rs::{hmac, rsa};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// Why a key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RawKeyError {
    /// No PKCS#8 private key, or no SPKI public key, in PEM.
    #[error("not a key in PEM (PKCS#8 or SPKI)")]
    Pem,
    /// Neither Ed25519 nor RSA.
    #[error("neither an Ed25519 nor an RSA key")]
    Kind,
    /// The cryptographic library refused to sign.
    #[error("the cryptographic library can't sign with this key")]
    Sign,
}

/// A private key that signs whatever it is given.
pub enum RawKey {
    /// `ed25519` (RFC 9421 §3.3.6).
    Ed25519(Ed25519KeyPair),
    /// `rsa-pss-sha512` (RFC 9421 §3.3.1).
    RsaPss(RsaKeyPair),
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By its own algorithm: `ed25519` or `rsa-pss-sha512`.
    Own,
    /// An RSA key by `rsa-v1_5-sha256` (RFC 9421 §3.3.2).
    RsaV15Sha256,
    /// An RSA key by PSS with SHA-256, which has no name in RFC 9421.
    RsaPssSha256,
}

impl RawKey {
    /// Reads a PKCS#8 private key in PEM.
    ///
    /// # Errors
    /// No such key in the text, or one of another kind.
    pub fn from_pkcs8_pem(pem: &str) -> Result<RawKey, RawKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| RawKeyError::Pem)?;
        let der = der.secret_pkcs8_der();
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(RawKey::Ed25519(key));
        }
        RsaKeyPair::from_pkcs8(der).map(RawKey::RsaPss).map_err(|_| RawKeyError::Kind)
    }

    /// The algorithm's name in the registry of RFC 9421 §6.2.
    pub fn algorithm(&self) -> &'static str {
        match self {
            RawKey::Ed25519(_) => "ed25519",
            RawKey::RsaPss(_) => "rsa-pss-sha512",
        }
    }

    /// Signs these bytes by the key's own algorithm.
    ///
    /// # Errors
    /// The cryptographic library fails.
    pub fn sign(&self, base: &[u8]) -> Result<Vec<u8>, RawKeyError> {
        self.sign_as(Manner::Own, base)
    }

    /// Signs these bytes in this manner.
    ///
    /// # Errors
    /// The key can't sign like that, or the cryptographic library fails.
    pub fn sign_as(&self, manner: Manner, base: &[u8]) -> Result<Vec<u8>, RawKeyError> {
        let (key, padding): (_, &dyn signature::RsaEncoding) = match (self, manner) {
            (RawKey::Ed25519(key), Manner::Own) => return Ok(key.sign(base).as_ref().to_vec()),
            (RawKey::Ed25519(_), _) => return Err(RawKeyError::Sign),
            (RawKey::RsaPss(key), Manner::Own) => (key, &RSA_PSS_SHA512),
            (RawKey::RsaPss(key), Manner::RsaV15Sha256) => (key, &RSA_PKCS1_SHA256),
            (RawKey::RsaPss(key), Manner::RsaPssSha256) => (key, &RSA_PSS_SHA256),
        };
        let mut signature = vec![0; key.public_modulus_len()];
        let signed = key.sign(padding, &SystemRandom::new(), base, &mut signature);
        signed.map(|()| signature).map_err(|_| RawKeyError::Sign)
    }
}

/// HMAC-SHA256 with any secret: for the attack that uses a public key as one.
pub fn hmac_sha256(secret: &[u8], base: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), base).as_ref().to_vec()
}

/// Whether the signature over these bytes is of this public key (SPKI in PEM), by the algorithm that fits the key.
///
/// # Errors
/// The public key can't be read.
pub fn verifies(public_key_pem: &str, base: &[u8], signature: &[u8]) -> Result<bool, RawKeyError> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(public_key_pem.as_bytes()).map_err(|_| RawKeyError::Pem)?;
    let algorithm = algorithm_of(&der)?;
    Ok(UnparsedPublicKey::new(algorithm, der.as_ref()).verify(base, signature).is_ok())
}

/// The name of the algorithm that fits a public key (SPKI in PEM).
///
/// # Errors
/// The public key can't be read.
pub fn algorithm_name(public_key_pem: &str) -> Result<&'static str, RawKeyError> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(public_key_pem.as_bytes()).map_err(|_| RawKeyError::Pem)?;
    Ok(if is_ed25519(&der) { "ed25519" } else { "rsa-pss-sha512" })
}

fn algorithm_of(
    der: &SubjectPublicKeyInfoDer<'_>,
) -> Result<&'static dyn signature::VerificationAlgorithm, RawKeyError> {
    if is_ed25519(der) {
        return Ok(&ED25519);
    }
    match rsa::PublicEncryptingKey::from_der(der.as_ref()) {
        Ok(_) => Ok(&RSA_PSS_2048_8192_SHA512),
        Err(_) => Err(RawKeyError::Kind),
    }
}

/// The SubjectPublicKeyInfo of Ed25519 is these twelve bytes and the key (RFC 8410 §4).
fn is_ed25519(der: &[u8]) -> bool {
    der.len() == 44 && der.starts_with(&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00])
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    /// RFC 9421 §B.1.4, `test-key-ed25519`.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n";

    /// RFC 9421 §B.2.6.
    const BASE: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
        \"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\
        \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
        ;created=1618884473;keyid=\"test-key-ed25519\"";
    const SIGNATURE: &str = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";

    #[test]
    fn the_rfc_s_own_signature_comes_out() {
        let key = RawKey::from_pkcs8_pem(PRIVATE).unwrap();
        assert_eq!(STANDARD.encode(key.sign(BASE.as_bytes()).unwrap()), SIGNATURE);
        let signature = STANDARD.decode(SIGNATURE).unwrap();
        assert!(verifies(PUBLIC, BASE.as_bytes(), &signature).unwrap());
        assert!(!verifies(PUBLIC, &BASE.as_bytes()[1..], &signature).unwrap());
        assert_eq!(algorithm_name(PUBLIC), Ok("ed25519"));
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        assert!(matches!(RawKey::from_pkcs8_pem(PUBLIC), Err(RawKeyError::Pem)));
        assert!(matches!(verifies("hello", b"", b""), Err(RawKeyError::Pem)));
    }
}
