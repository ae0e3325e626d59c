//! Keys: read from PEM, DER and JWK, bound to one algorithm each.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{self as aws, KeyPair as _, ParsedPublicKey};
use aws_lc_rs::{hmac, rand, rsa};
use ed25519_dalek as dalek;
use ed25519_dalek::Signer as _;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, Reader, element};
use super::kind::{EC_PUBLIC_KEY, ED25519_ALGORITHM, Kind, RSA_ALGORITHM, pkcs8};

/// Why a key can't be read or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Neither PEM nor DER of a known container.
    #[error("not a key in PEM or DER")]
    Malformed,
    /// A kind of key that no algorithm of the registry uses.
    #[error("the kind of key is not supported")]
    Unsupported,
    /// The key is well-formed but must not be used (an RSA modulus out of bounds, a weak point).
    #[error("the key is not acceptable")]
    Rejected,
    /// The algorithm is not one for this kind of key.
    #[error("the algorithm does not fit the key")]
    WrongAlgorithm,
    /// A shared secret has no such form.
    #[error("a shared secret has no such form")]
    SharedSecret,
    /// The cryptographic library failed.
    #[error("the key could not be made")]
    Failed,
    /// No JSON object with the members of a JWK, or one of them twice; where reading it ended.
    #[error("not a JWK (line {line}, column {column})")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A member of a JWK and what is wrong with it.
    #[error("the JWK's member {0} {1}")]
    Member(&'static str, &'static str),
    /// The JWK's member of that name (`use`, `key_ops`) doesn't allow what the key is wanted for.
    #[error("the JWK's {0} does not allow to use the key for this")]
    Forbidden(&'static str),
    /// The JWK's `alg` is `none`, or none that does the same as an algorithm of the registry.
    #[error("the JWS algorithm is not supported: EdDSA, Ed25519, ES256, ES384, PS512, RS256 and HS256 are")]
    JwsAlgorithm,
    /// A private key where a public one is wanted.
    #[error("a private key where a public one is wanted")]
    Private,
    /// The public key that stands beside a private one is another's.
    #[error("the public key is not that of the private key")]
    Mismatch,
}

/// A key that verifies signatures, bound to one algorithm (RFC 9421 §3.2 step 6.2: the algorithm is known from the key).
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kind: Kind,
    verifier: Verifier,
    /// SubjectPublicKeyInfo; empty for a shared secret.
    spki: Arc<[u8]>,
    kid: Option<Arc<str>>,
    /// Whether a JWK names the algorithm.
    jws: bool,
}

#[derive(Clone)]
enum Verifier {
    Ed25519(Box<dalek::VerifyingKey>),
    Parsed(Arc<ParsedPublicKey>),
    Hmac(Arc<hmac::Key>),
}

impl VerifyingKey {
    /// Reads `PUBLIC KEY` (SubjectPublicKeyInfo) or `RSA PUBLIC KEY` (PKCS#1). An RSA key is bound to
    /// `rsa-pss-sha512`; see [`VerifyingKey::with_algorithm`].
    ///
    /// # Errors
    /// No such block, or a key that can't be used.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        match der::pem(pem).ok_or(KeyError::Malformed)? {
            ("PUBLIC KEY" | "RSA PUBLIC KEY", der) => Self::from_der(&der),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Reads SubjectPublicKeyInfo or PKCS#1 in DER.
    ///
    /// # Errors
    /// Neither of them, or a key that can't be used.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let mut outer = Reader::new(der);
        let mut inner = outer.sequence().filter(|_| outer.is_empty()).ok_or(KeyError::Malformed)?;
        if inner.peek() == Some(der::INTEGER) {
            return Self::assemble(Kind::Rsa, RSA_ALGORITHM, der);
        }
        let identifier = inner.take(der::SEQUENCE).ok_or(KeyError::Malformed)?;
        let bits = inner.take(der::BIT_STRING).and_then(|bits| bits.strip_prefix(&[0]));
        let key = bits.filter(|_| inner.is_empty()).ok_or(KeyError::Malformed)?;
        Self::assemble(Kind::of(identifier)?, identifier, key)
    }

    /// A shared secret for `hmac-sha256`.
    pub fn from_shared_secret(secret: &[u8]) -> Self {
        VerifyingKey {
            algorithm: Algorithm::HmacSha256,
            kind: Kind::Secret,
            verifier: Verifier::Hmac(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret))),
            spki: Arc::new([]),
            kid: None,
            jws: false,
        }
    }

    /// The same key bound to another algorithm that it can be used with (RSA: `rsa-v1_5-sha256`). What a JWK says in
    /// `alg` can't be changed, but stated again: then it counts as the algorithm of the registry, and a signature may
    /// name it (see [`VerifyingKey::has_jws_algorithm`]).
    ///
    /// # Errors
    /// The algorithm is not one for this key.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        if self.algorithm == algorithm {
            return Ok(VerifyingKey { jws: false, ..self });
        }
        if self.jws {
            return Err(KeyError::WrongAlgorithm);
        }
        self.kind.allows(algorithm)?;
        let Verifier::Parsed(key) = &self.verifier else { return Err(KeyError::WrongAlgorithm) };
        let verifier = Verifier::Parsed(parse(algorithm, key.as_ref().as_ref())?);
        Ok(VerifyingKey { algorithm, verifier, ..self })
    }

    /// The same key as a JWK names it.
    pub(super) fn named(self, kid: Option<&str>, algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let key = match algorithm {
            Some(algorithm) => self.with_algorithm(algorithm)?,
            None => self,
        };
        Ok(VerifyingKey { kid: kid.map(Arc::from), jws: algorithm.is_some(), ..key })
    }

    /// `identifier`: content of the AlgorithmIdentifier; `key`: content of the BIT STRING.
    pub(super) fn assemble(kind: Kind, identifier: &[u8], key: &[u8]) -> Result<Self, KeyError> {
        let algorithm = kind.algorithm();
        let verifier = match kind {
            Kind::Ed25519 => {
                let bytes = key.try_into().map_err(|_| KeyError::Malformed)?;
                let key = dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Rejected)?;
                // RFC 8032 §5.1.3: a y that is not below p is no encoding of a point; the library takes it.
                if key.is_weak() || key.to_edwards().compress().as_bytes() != bytes {
                    return Err(KeyError::Rejected);
                }
                Verifier::Ed25519(Box::new(key))
            }
            Kind::Rsa | Kind::RsaPss => {
                let bits = aws::RsaParameters::public_modulus_len(key).map_err(|_| KeyError::Malformed)?;
                if !(2048..=8192).contains(&bits) {
                    return Err(KeyError::Rejected);
                }
                Verifier::Parsed(parse(algorithm, key)?)
            }
            _ => Verifier::Parsed(parse(algorithm, key)?),
        };
        let spki = Arc::from(&spki(identifier, key)[..]);
        Ok(VerifyingKey { algorithm, kind, verifier, spki, kid: None, jws: false })
    }

    /// The algorithm that this key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `kid` of the JWK that the key was read from.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the algorithm is a JWS algorithm, named by the JWK. RFC 9421 §3.3.7: "the explicit `alg` signature
    /// parameter is not used at all when using JOSE signing algorithms", so a signature must not have one.
    pub fn has_jws_algorithm(&self) -> bool {
        self.jws
    }

    /// Whether this is the public key with these bits.
    pub(super) fn is_of(&self, identifier: &[u8], key: &[u8]) -> bool {
        *self.spki == **spki(identifier, key)
    }

    /// The SubjectPublicKeyInfo in PEM: LF line ends, one trailing LF.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`].
    pub fn public_key_pem(&self) -> Result<String, KeyError> {
        if self.kind == Kind::Secret {
            return Err(KeyError::SharedSecret);
        }
        Ok(der::to_pem("PUBLIC KEY", &self.spki).to_string())
    }

    /// `HTTP_VERIFY`: whether the signature is this key's over the message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            // verify_strict: no small-order points, so that one signature fits one key and message only.
            Verifier::Ed25519(key) => dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Verifier::Parsed(key) => key.verify_sig(message, signature).is_ok(),
            // Constant time, and only a whole MAC.
            Verifier::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Equality of the public keys and their algorithms; a shared secret equals nothing.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.kind != Kind::Secret && self.algorithm == other.algorithm && self.spki == other.spki
    }
}

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
        Ok(SigningKey { algorithm: verifying.algorithm, verifying, ..self })
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

/// SubjectPublicKeyInfo.
fn spki(identifier: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let identifier = element(der::SEQUENCE, &[identifier]);
    let bits = element(der::BIT_STRING, &[&[0], key]);
    element(der::SEQUENCE, &[&identifier, &bits])
}

fn parse(algorithm: Algorithm, key: &[u8]) -> Result<Arc<ParsedPublicKey>, KeyError> {
    let scheme: &'static dyn aws::VerificationAlgorithm = match algorithm {
        Algorithm::RsaPssSha512 => &aws::RSA_PSS_2048_8192_SHA512,
        Algorithm::RsaV1_5Sha256 => &aws::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::EcdsaP256Sha256 => &aws::ECDSA_P256_SHA256_FIXED,
        Algorithm::EcdsaP384Sha384 => &aws::ECDSA_P384_SHA384_FIXED,
        Algorithm::Ed25519 | Algorithm::HmacSha256 => return Err(KeyError::WrongAlgorithm),
    };
    ParsedPublicKey::new(scheme, key).map(Arc::new).map_err(|_| KeyError::Rejected)
}
