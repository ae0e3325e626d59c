//! Keys that verify, bound to one algorithm each, and what can be wrong with a key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self as aws, ParsedPublicKey};
use ed25519_dalek as dalek;
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, Reader, element};
use super::kind::{Kind, RSA_ALGORITHM};

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
                let numbers = Reader::new(key).sequence().filter(|inner| inner.peek() == Some(der::INTEGER));
                numbers.ok_or(KeyError::Malformed)?;
                // Refuses an exponent that is even or 1, too.
                let bits = aws::RsaParameters::public_modulus_len(key).map_err(|_| KeyError::Rejected)?;
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
