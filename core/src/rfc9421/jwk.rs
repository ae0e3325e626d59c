//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037): taken apart, checked, and handed on in the containers that
//! PEM files hold, too.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::der::{self, element};
use super::keys::{KeyError, VerifyingKey};
use super::kind::{EC_PUBLIC_KEY, ED25519_ALGORITHM, Kind, P256_CURVE, P384_CURVE, RSA_ALGORITHM};
use super::signing_key::SigningKey;

impl VerifyingKey {
    /// Reads a public key (`kty` `OKP`, `EC` or `RSA`) or a shared secret (`oct`) from the JSON of a JWK. Without
    /// `alg` an RSA key is bound to `rsa-pss-sha512`, as from PEM.
    ///
    /// ```
    /// use portal_core::rfc9421::{Algorithm, KeyError, VerifyingKey};
    ///
    /// let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"me","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// let key = VerifyingKey::from_jwk(jwk)?;
    /// assert_eq!((key.algorithm(), key.kid()), (Algorithm::Ed25519, Some("me")));
    ///
    /// let encrypts = jwk.replace("\"kty\"", "\"use\":\"enc\",\"kty\"");
    /// assert_eq!(VerifyingKey::from_jwk(&encrypts), Err(KeyError::Forbidden("use")));
    /// # Ok::<(), KeyError>(())
    /// ```
    ///
    /// # Errors
    /// No JWK, a private one, or one that can't or must not be used to verify.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(json)?;
        let parts = jwk.public()?;
        let key = match parts.kind {
            Kind::Secret => VerifyingKey::from_shared_secret(&parts.key),
            kind => VerifyingKey::assemble(kind, &parts.identifier, &parts.key)?,
        };
        key.named(jwk.kid(), parts.algorithm)
    }
}

impl SigningKey {
    /// Reads a private key (`kty` `OKP`, `EC` or `RSA`, with all of its numbers) or a shared secret (`oct`) from the
    /// JSON of a JWK. Without `alg` an RSA key is bound to `rsa-pss-sha512`, as from PEM.
    ///
    /// # Errors
    /// No JWK, a public one, one whose public key is not its own, or one that can't or must not be used to sign.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(json)?;
        let parts = jwk.private()?;
        let key = match parts.kind {
            Kind::Secret => SigningKey::from_shared_secret(&parts.key),
            kind => SigningKey::assemble(kind, &parts.identifier, &parts.key)?,
        };
        match &parts.public {
            Some(public) if !key.verifying_key().is_of(&parts.identifier, public) => Err(KeyError::Mismatch),
            _ => key.named(jwk.kid(), parts.algorithm),
        }
    }
}

/// A key as its JWK states it. A member that occurs twice is an error (RFC 7517 §4); unknown ones are passed over.
#[derive(Deserialize)]
struct Jwk<'j> {
    #[serde(borrow)]
    kty: Text<'j>,
    #[serde(borrow, default, deserialize_with = "stated")]
    crv: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    alg: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    kid: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated", rename = "use")]
    public_use: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    key_ops: Option<Vec<Text<'j>>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    x: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    y: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    n: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    e: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    d: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    p: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    q: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    dp: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    dq: Option<Text<'j>>,
    #[serde(borrow, default, deserialize_with = "stated")]
    qi: Option<Text<'j>>,
    #[serde(default)]
    oth: Option<serde::de::IgnoredAny>,
    #[serde(borrow, default, deserialize_with = "stated")]
    k: Option<Text<'j>>,
}

/// A string of the JWK: not copied, unless it has escapes.
#[derive(Deserialize)]
struct Text<'j>(#[serde(borrow)] Cow<'j, str>);

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            zeroize::Zeroize::zeroize(text);
        }
    }
}

/// A member that is there has a value: `null` is none.
fn stated<'j, D: Deserializer<'j>, T: Deserialize<'j>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What a key is to be used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Sign,
    Verify,
}

/// The parts that a key is assembled from.
struct Parts {
    kind: Kind,
    /// The content of the AlgorithmIdentifier.
    identifier: Cow<'static, [u8]>,
    /// What the containers hold: of a private key the `privateKey` of PKCS#8, of a public one the bits of
    /// SubjectPublicKeyInfo, else the secret.
    key: Zeroizing<Vec<u8>>,
    /// The bits of SubjectPublicKeyInfo that stand beside a private key, which must be its own.
    public: Option<Zeroizing<Vec<u8>>>,
    /// The algorithm that `alg` names.
    algorithm: Option<Algorithm>,
}

impl<'j> Jwk<'j> {
    fn parse(json: &'j str) -> Result<Self, KeyError> {
        // An array with the members' values in order would do for the parser.
        if !json.trim_start().starts_with('{') {
            return Err(KeyError::Json { line: 1, column: 1 });
        }
        // The parser's own words might quote the secret.
        serde_json::from_str(json).map_err(|error| KeyError::Json { line: error.line(), column: error.column() })
    }

    fn kid(&self) -> Option<&str> {
        self.kid.as_ref().map(|kid| &*kid.0)
    }

    /// The parts of a key that verifies.
    fn public(&self) -> Result<Parts, KeyError> {
        self.permits(Operation::Verify)?;
        if self.d.is_some() {
            return Err(KeyError::Private);
        }
        self.parts()
    }

    /// The parts of a key that signs.
    fn private(&self) -> Result<Parts, KeyError> {
        self.permits(Operation::Sign)?;
        let public = self.parts()?;
        if public.kind == Kind::Secret {
            return Ok(public);
        }
        let d = self.d.as_ref().ok_or(KeyError::Member("d", "is missing: this is no private key"))?;
        let key = match public.kind {
            Kind::Ed25519 => element(der::OCTET_STRING, &[&octets("d", d, 32)?]),
            Kind::P256 | Kind::P384 => {
                let size = if public.kind == Kind::P256 { 32 } else { 48 };
                // SEC1 without the public key, which is compared with the one that follows from `d`.
                let secret = element(der::OCTET_STRING, &[&octets("d", d, size)?]);
                element(der::SEQUENCE, &[&[der::INTEGER, 1, 1], &secret])
            }
            _ => self.rsa_private(d)?,
        };
        Ok(Parts { key, public: Some(public.key), ..public })
    }

    /// `use` and `key_ops` (RFC 7517 §4.2, §4.3): what they don't name, the key isn't for.
    fn permits(&self, operation: Operation) -> Result<(), KeyError> {
        if self.public_use.as_ref().is_some_and(|public_use| public_use.0 != "sig") {
            return Err(KeyError::Forbidden("use"));
        }
        let Some(operations) = &self.key_ops else { return Ok(()) };
        if (1..operations.len()).any(|at| operations[..at].iter().any(|known| known.0 == operations[at].0)) {
            return Err(KeyError::Member("key_ops", "has a value twice"));
        }
        let signing = |known: &Text<'_>| matches!(&*known.0, "sign" | "verify");
        if self.public_use.is_some() && !operations.iter().all(signing) {
            return Err(KeyError::Member("key_ops", "contradicts use"));
        }
        let wanted = if operation == Operation::Sign { "sign" } else { "verify" };
        match operations.iter().any(|known| known.0 == wanted) {
            true => Ok(()),
            false => Err(KeyError::Forbidden("key_ops")),
        }
    }

    /// The public parts (of a shared secret, the secret).
    fn parts(&self) -> Result<Parts, KeyError> {
        let parts = match &*self.kty.0 {
            "OKP" => self.okp(),
            "EC" => self.ec(),
            "RSA" => self.rsa(),
            "oct" => self.secret(),
            _ => Err(KeyError::Unsupported),
        }?;
        let Some(alg) = &self.alg else { return Ok(parts) };
        let algorithm = jws(&alg.0)?;
        // RFC 7518 §3.2: "A key of the same size as the hash output [...] or larger MUST be used".
        if (parts.kind, algorithm) == (Kind::Secret, Algorithm::HmacSha256) && parts.key.len() < 32 {
            return Err(KeyError::Member("k", "is shorter than HS256 wants it: 32 bytes"));
        }
        Ok(Parts { algorithm: Some(algorithm), ..parts })
    }

    fn okp(&self) -> Result<Parts, KeyError> {
        let kind = match text("crv", &self.crv)? {
            "Ed25519" => Kind::Ed25519,
            _ => return Err(KeyError::Unsupported),
        };
        let key = octets("x", member("x", &self.x)?, 32)?;
        Ok(Parts::public(kind, Cow::Borrowed(ED25519_ALGORITHM), key))
    }

    fn ec(&self) -> Result<Parts, KeyError> {
        let (kind, curve, size) = match text("crv", &self.crv)? {
            "P-256" => (Kind::P256, P256_CURVE, 32),
            "P-384" => (Kind::P384, P384_CURVE, 48),
            _ => return Err(KeyError::Unsupported),
        };
        // RFC 7518 §6.2.1.2: the full size of a coordinate, zeros in front included.
        let x = octets("x", member("x", &self.x)?, size)?;
        let y = octets("y", member("y", &self.y)?, size)?;
        let mut point = Zeroizing::new(Vec::with_capacity(1 + 2 * size));
        point.push(4);
        point.extend_from_slice(&x);
        point.extend_from_slice(&y);
        Ok(Parts::public(kind, Cow::Owned([EC_PUBLIC_KEY, curve].concat()), point))
    }

    fn rsa(&self) -> Result<Parts, KeyError> {
        let n = integer("n", member("n", &self.n)?)?;
        let e = integer("e", member("e", &self.e)?)?;
        Ok(Parts::public(Kind::Rsa, Cow::Borrowed(RSA_ALGORITHM), element(der::SEQUENCE, &[&n, &e])))
    }

    /// `RSAPrivateKey` of PKCS#1; the library checks that its numbers belong together.
    fn rsa_private(&self, d: &Text<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        // RFC 7518 §6.3.2.7: who doesn't support more than two primes must not use such a key.
        if self.oth.is_some() {
            return Err(KeyError::Unsupported);
        }
        let mut parts = vec![Zeroizing::new(vec![der::INTEGER, 1, 0])];
        let d = Some(d);
        for (name, value) in [
            ("n", self.n.as_ref()),
            ("e", self.e.as_ref()),
            ("d", d),
            ("p", self.p.as_ref()),
            ("q", self.q.as_ref()),
            ("dp", self.dp.as_ref()),
            ("dq", self.dq.as_ref()),
            ("qi", self.qi.as_ref()),
        ] {
            parts.push(integer(name, value.ok_or(KeyError::Member(name, "is missing"))?)?);
        }
        let parts: Vec<&[u8]> = parts.iter().map(|part| &***part).collect();
        Ok(element(der::SEQUENCE, &parts))
    }

    fn secret(&self) -> Result<Parts, KeyError> {
        let key = bytes("k", member("k", &self.k)?)?;
        if key.is_empty() {
            return Err(KeyError::Member("k", "is empty"));
        }
        Ok(Parts::public(Kind::Secret, Cow::Borrowed(&[]), key))
    }
}

impl Parts {
    fn public(kind: Kind, identifier: Cow<'static, [u8]>, key: Zeroizing<Vec<u8>>) -> Self {
        Parts { kind, identifier, key, public: None, algorithm: None }
    }
}

/// The JWS algorithms (RFC 7518 §3.1, RFC 8037, RFC 9864) that do the same as one of the registry of HTTP signatures.
fn jws(name: &str) -> Result<Algorithm, KeyError> {
    match name {
        "EdDSA" | "Ed25519" => Ok(Algorithm::Ed25519),
        "ES256" => Ok(Algorithm::EcdsaP256Sha256),
        "ES384" => Ok(Algorithm::EcdsaP384Sha384),
        // Its salt is as long as the hash: 64 bytes.
        "PS512" => Ok(Algorithm::RsaPssSha512),
        "RS256" => Ok(Algorithm::RsaV1_5Sha256),
        "HS256" => Ok(Algorithm::HmacSha256),
        // RFC 9421 §3.3.7: `none` least of all.
        _ => Err(KeyError::JwsAlgorithm),
    }
}

fn member<'m, 'j>(name: &'static str, value: &'m Option<Text<'j>>) -> Result<&'m Text<'j>, KeyError> {
    value.as_ref().ok_or(KeyError::Member(name, "is missing"))
}

fn text<'m>(name: &'static str, value: &'m Option<Text<'_>>) -> Result<&'m str, KeyError> {
    member(name, value).map(|text| &*text.0)
}

/// Base64url as RFC 7515 §2 has it: no padding, no whitespace, no bits left over.
fn bytes(name: &'static str, value: &Text<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let decoded = URL_SAFE_NO_PAD.decode(value.0.as_bytes());
    decoded.map(Zeroizing::new).map_err(|_| KeyError::Member(name, "is not Base64url without padding"))
}

fn octets(name: &'static str, value: &Text<'_>, size: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = bytes(name, value)?;
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(KeyError::Member(name, "has not the length that the curve asks for"))
    }
}

/// A `Base64urlUInt` (RFC 7518 §2) as INTEGER.
fn integer(name: &'static str, value: &Text<'_>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = bytes(name, value)?;
    match bytes.first() {
        None | Some(0) => Err(KeyError::Member(name, "is zero, or has zeros in front")),
        // DER's numbers have a sign.
        Some(0x80..) => Ok(element(der::INTEGER, &[&[0], &bytes])),
        Some(_) => Ok(element(der::INTEGER, &[&bytes])),
    }
}
