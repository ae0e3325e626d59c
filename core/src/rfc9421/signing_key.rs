//! Keys that sign.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{self as aws, KeyPair as _};
use aws_lc_rs::{hmac, rand, rsa};
use ed25519_dalek as dalek;
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, Reader, element};
use super::keys::{KeyError, VerifyingKey};
use super::kind::{EC_PUBLIC_KEY, ED25519_ALGORITHM, Kind, RSA_ALGORITHM, pkcs8};

/// A key that makes signatures, bound to one algorithm. Its `Debug` shows no key material.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    signer: Signer,
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
    verifying: VerifyingKey,
}

#[derive(Clone)]
enum Signer {
    Ed25519(Arc<dalek::SigningKey>),
    Rsa(Arc<rsa::KeyPair>),
    Ecdsa(Arc<aws::EcdsaKeyPair>),
    Hmac(Arc<hmac::Key>),
}

impl SigningKey {
    /// Reads `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1), unencrypted. An RSA key
    /// is bound to `rsa-pss-sha512`; see [`SigningKey::with_algorithm`].
    ///
    /// # Errors
    /// No such block, or a key that can't be used.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        // A public key in front of it (as in the RFC's own examples) is passed over.
        let start = pem.find("PRIVATE KEY-----").and_then(|at| pem[..at].rfind("-----BEGIN "));
        match der::pem(&pem[start.ok_or(KeyError::Malformed)?..]).ok_or(KeyError::Malformed)? {
            ("PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY", der) => Self::from_der(&der),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Reads PKCS#8, PKCS#1 or SEC1 in DER.
    ///
    /// # Errors
    /// None of them, or a key that can't be used.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let mut outer = Reader::new(der);
        let mut inner = outer.sequence().filter(|_| outer.is_empty()).ok_or(KeyError::Malformed)?;
        inner.take(der::INTEGER).ok_or(KeyError::Malformed)?;
        match inner.peek() {
            Some(der::SEQUENCE) => {
                let identifier = inner.take(der::SEQUENCE).ok_or(KeyError::Malformed)?;
                let key = inner.take(der::OCTET_STRING).ok_or(KeyError::Malformed)?;
                Self::assemble(Kind::of(identifier)?, identifier, key)
            }
            Some(der::INTEGER) => Self::assemble(Kind::Rsa, RSA_ALGORITHM, der),
            Some(der::OCTET_STRING) => {
                inner.take(der::OCTET_STRING).ok_or(KeyError::Malformed)?;
                let curve = inner.take(0xa0).ok_or(KeyError::Malformed)?;
                let identifier = [EC_PUBLIC_KEY, curve].concat();
                Self::assemble(Kind::of(&identifier)?, &identifier, der)
            }
            _ => Err(KeyError::Malformed),
        }
    }

    /// A new Ed25519 key.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate_ed25519() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut *seed).map_err(|_| KeyError::Failed)?;
        Self::assemble(Kind::Ed25519, ED25519_ALGORITHM, &element(der::OCTET_STRING, &[&*seed]))
    }

    /// A new RSA key of 2048, 3072, 4096 or 8192 bits, bound to `rsa-pss-sha512`. Takes seconds.
    ///
    /// # Errors
    /// Another size.
    pub fn generate_rsa(bits: usize) -> Result<Self, KeyError> {
        let size = match bits {
            2048 => rsa::KeySize::Rsa2048,
            3072 => rsa::KeySize::Rsa3072,
            4096 => rsa::KeySize::Rsa4096,
            8192 => rsa::KeySize::Rsa8192,
            _ => return Err(KeyError::Unsupported),
        };
        let pair = rsa::KeyPair::generate(size).map_err(|_| KeyError::Failed)?;
        let pkcs8 = pair.as_der().map_err(|_| KeyError::Failed)?;
        Self::from_der(pkcs8.as_ref())
    }

    /// A shared secret for `hmac-sha256`.
    pub fn from_shared_secret(secret: &[u8]) -> Self {
        SigningKey {
            algorithm: Algorithm::HmacSha256,
            signer: Signer::Hmac(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret))),
            pkcs8: Arc::default(),
            verifying: VerifyingKey::from_shared_secret(secret),
        }
    }

    /// The same key bound to another algorithm; see [`VerifyingKey::with_algorithm`].
    ///
    /// # Errors
    /// The algorithm is not one for this key.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        let verifying = self.verifying.with_algorithm(algorithm)?;
        Ok(SigningKey { algorithm, verifying, ..self })
    }

    /// The same key as a JWK names it.
    pub(super) fn named(self, kid: Option<&str>, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let verifying = self.verifying.named(kid, algorithm)?;
        Ok(SigningKey { algorithm: verifying.algorithm(), verifying, ..self })
    }

    /// `identifier`: content of the AlgorithmIdentifier; `key`: content of the PKCS#8 `privateKey`.
    pub(super) fn assemble(kind: Kind, identifier: &[u8], key: &[u8]) -> Result<Self, KeyError> {
        let (signer, verifying) = match kind {
            Kind::Ed25519 => {
                let seed = Reader::new(key).take(der::OCTET_STRING).ok_or(KeyError::Malformed)?;
                let seed = seed.try_into().map_err(|_| KeyError::Malformed)?;
                let pair = dalek::SigningKey::from_bytes(seed);
                let public = VerifyingKey::assemble(kind, identifier, pair.verifying_key().as_bytes())?;
                (Signer::Ed25519(Arc::new(pair)), public)
            }
            Kind::Rsa | Kind::RsaPss => {
                let pair = rsa::KeyPair::from_der(key).map_err(|_| KeyError::Rejected)?;
                let public = VerifyingKey::assemble(kind, identifier, pair.public_key().as_ref())?;
                (Signer::Rsa(Arc::new(pair)), public)
            }
            Kind::P256 | Kind::P384 => {
                let scheme = if kind == Kind::P256 {
                    &aws::ECDSA_P256_SHA256_FIXED_SIGNING
                } else {
                    &aws::ECDSA_P384_SHA384_FIXED_SIGNING
                };
                let pair =
                    aws::EcdsaKeyPair::from_pkcs8(scheme, &pkcs8(identifier, key)).map_err(|_| KeyError::Rejected)?;
                let public = VerifyingKey::assemble(kind, identifier, pair.public_key().as_ref())?;
                (Signer::Ecdsa(Arc::new(pair)), public)
            }
            Kind::Secret => return Err(KeyError::Unsupported),
        };
        let pkcs8 = Arc::new(pkcs8(identifier, key));
        Ok(SigningKey { algorithm: kind.algorithm(), signer, pkcs8, verifying })
    }

    /// The algorithm that this key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `kid` of the JWK that the key was read from.
    pub fn kid(&self) -> Option<&str> {
        self.verifying.kid()
    }

    /// Whether the algorithm is a JWS algorithm; see [`VerifyingKey::has_jws_algorithm`].
    pub fn has_jws_algorithm(&self) -> bool {
        self.verifying.has_jws_algorithm()
    }

    /// The public half (of a shared secret: the secret itself).
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// The private key as PKCS#8 in PEM, in memory that is wiped afterwards.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        match self.signer {
            Signer::Hmac(_) => Err(KeyError::SharedSecret),
            _ => Ok(der::to_pem("PRIVATE KEY", &self.pkcs8)),
        }
    }

    /// The public key's SubjectPublicKeyInfo in PEM: LF line ends, one trailing LF.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`].
    pub fn public_key_pem(&self) -> Result<String, KeyError> {
        self.verifying.public_key_pem()
    }

    /// `HTTP_SIGN`: the signature over a message.
    ///
    /// # Errors
    /// The cryptographic library failed.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = rand::SystemRandom::new();
        match &self.signer {
            Signer::Ed25519(pair) => Ok(pair.sign(message).to_bytes().to_vec()),
            Signer::Rsa(pair) => {
                let padding: &'static dyn aws::RsaEncoding = match self.algorithm {
                    Algorithm::RsaV1_5Sha256 => &aws::RSA_PKCS1_SHA256,
                    _ => &aws::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(|_| KeyError::Failed)?;
                Ok(signature)
            }
            Signer::Ecdsa(pair) => Ok(pair.sign(&random, message).map_err(|_| KeyError::Failed)?.as_ref().to_vec()),
            Signer::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
