//! Messages to check a shim with: simple ones, so that what goes wrong is the shim's fault and not the library's.
//!
//! They are made with the suite's own reading of RFC 9421 (`crate::attack`), not with the engine of the Core.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::attack::base::{View, base, items};
use crate::attack::keys::{RawKey, hmac_sha256, verifies};
use crate::attack::{Draft, DraftError, Parameter, Signer};
use crate::vectors::corpus::Policy;
use crate::vectors::protocol::{Case, Parsed, WireKey};

/// RFC 9421 §B.1.4: `test-key-ed25519`.
const KID: &str = "test-key-ed25519";
const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n";
const X: &str = "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs";
const D: &str = "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU";

/// RFC 9421 §B.1.5: `test-shared-secret`.
const SECRET_KID: &str = "test-shared-secret";
const SECRET: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/// RFC 9421 §B.2 and its digest.
const BODY: &[u8] = br#"{"hello": "world"}"#;
const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";

/// The components that are covered: of the core set.
const COVERED: &str = r#""@method" "@authority" "@path" "content-type""#;

/// The label of every signature.
const LABEL: &str = "sig1";

/// A signed request.
#[derive(Debug, Clone)]
pub struct Sample {
    draft: Draft,
    body: Vec<u8>,
    secret: bool,
}

impl Sample {
    /// Signed with the RFC's Ed25519 key at that time.
    ///
    /// # Errors
    /// The cryptographic library can't sign.
    pub fn ed25519(created: u64) -> Result<Sample, DraftError> {
        Sample::signed(created, KID, &Signer::Key(&RawKey::from_pkcs8_pem(PRIVATE_PEM)?), BODY.to_vec())
    }

    /// The same with a body of so many bytes.
    ///
    /// # Errors
    /// The cryptographic library can't sign.
    pub fn big(created: u64, bytes: usize) -> Result<Sample, DraftError> {
        Sample::signed(created, KID, &Signer::Key(&RawKey::from_pkcs8_pem(PRIVATE_PEM)?), vec![b'x'; bytes])
    }

    /// Signed with the RFC's shared secret, for a library without Ed25519.
    ///
    /// # Errors
    /// The cryptographic library can't sign.
    pub fn hmac(created: u64) -> Result<Sample, DraftError> {
        Sample::signed(created, SECRET_KID, &Signer::Secret(&secret()), BODY.to_vec())
    }

    fn signed(created: u64, kid: &str, signer: &Signer<'_>, body: Vec<u8>) -> Result<Sample, DraftError> {
        let mut draft = Draft::new("POST", "example.com", "/foo?param=Value&Pet=dog");
        draft.fields.push(("Content-Type".to_owned(), "application/json".to_owned()));
        draft.fields.push(("Content-Length".to_owned(), body.len().to_string()));
        if body == BODY {
            draft.fields.push(("Content-Digest".to_owned(), DIGEST.to_owned()));
        }
        let created = Parameter::Integer(i64::try_from(created).unwrap_or(i64::MAX));
        let parameters = vec![("created".to_owned(), created), ("keyid".to_owned(), Parameter::Text(kid.to_owned()))];
        draft.sign(LABEL, COVERED, parameters, &BTreeMap::new(), signer)?;
        Ok(Sample { draft, body, secret: kid == SECRET_KID })
    }

    /// With one covered field changed after it was signed.
    #[must_use]
    pub fn forged(&self) -> Sample {
        let mut forged = self.clone();
        forged.draft.set_field("Content-Type", "text/plain");
        forged
    }

    /// With another content than the digest is of.
    #[must_use]
    pub fn with_other_content(&self) -> Sample {
        let mut other = self.clone();
        // As long as before.
        other.body.reverse();
        other
    }

    /// What it covers and with which parameters: what stands after the label in Signature-Input.
    pub fn input(&self) -> String {
        self.draft.signatures.iter().map(|signature| signature.input()).collect()
    }

    /// The base that was signed.
    pub fn base(&self) -> &str {
        self.draft.signatures.first().map_or("", |signature| signature.base.as_str())
    }

    /// Whether this is the signature of this message, made with the private key of [`Sample::to_sign`], over what
    /// `input` says; and if not, why.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn is_signed_by(&self, input: &str, signature_b64: &str) -> Result<(), String> {
        let (covered, _) = input
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .ok_or("`signature_input` is no inner list: it begins with `(`, as in `(\"@method\");created=1`")?;
        let signature =
            STANDARD.decode(signature_b64).map_err(|error| format!("`signature_b64` is not base64: {error}"))?;
        let view = View {
            method: &self.draft.method,
            scheme: "https",
            host: &self.draft.host,
            path: &self.draft.path,
            query: self.draft.query.as_deref(),
            fields: &self.draft.fields,
        };
        let base = base(&view, &items(covered), input, &BTreeMap::new())?;
        let holds = if self.secret {
            hmac_sha256(&secret(), base.as_bytes()) == signature
        } else {
            verifies(PUBLIC_PEM, base.as_bytes(), &signature).map_err(|error| error.to_string())?
        };
        if holds {
            Ok(())
        } else {
            Err("the signature is not that of the base that its `signature_input` asks for".to_owned())
        }
    }

    /// The case for `verify`.
    pub fn to_verify(&self, id: u64, now: u64) -> Case {
        Case { label: Some(LABEL.to_owned()), keys: vec![self.key(false)], ..self.case(id, now, true) }
    }

    /// The case for `base`.
    pub fn to_base(&self, id: u64, now: u64) -> Case {
        Case { label: Some(LABEL.to_owned()), signature_input: Some(self.input()), ..self.case(id, now, false) }
    }

    /// The case for `sign`.
    pub fn to_sign(&self, id: u64, now: u64) -> Case {
        Case { key: Some(self.key(true)), ..self.to_base(id, now) }
    }

    /// The case for `digest`.
    pub fn to_digest(&self, id: u64, now: u64) -> Case {
        self.case(id, now, false)
    }

    /// The case for `accept`: a response that asks for a signature like this one.
    pub fn to_accept(&self, id: u64, now: u64) -> Case {
        let asked = format!(r#"{LABEL}=({COVERED});created;keyid="{}""#, self.key(false).kid);
        let head = format!("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nAccept-Signature: {asked}\r\n\r\n");
        let parsed = Parsed {
            status: Some(401),
            fields: vec![["Content-Length".to_owned(), "0".to_owned()], ["Accept-Signature".to_owned(), asked]],
            ..Parsed::default()
        };
        Case {
            message_b64: STANDARD.encode(head),
            parsed,
            label: Some(LABEL.to_owned()),
            key: Some(self.key(true)),
            ..self.case(id, now, false)
        }
    }

    fn case(&self, id: u64, now: u64, signed: bool) -> Case {
        let mut lines = vec![("Host".to_owned(), self.draft.host.clone())];
        lines.extend(if signed { self.draft.lines() } else { self.draft.fields.clone() });
        let Draft { method, .. } = &self.draft;
        let target = self.draft.target();
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &lines {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Case {
            id,
            message_b64: STANDARD.encode([head.as_bytes(), &self.body].concat()),
            parsed: Parsed {
                method: Some(method.clone()),
                target: Some(target),
                status: None,
                fields: lines.into_iter().map(|(name, value)| [name, value]).collect(),
                body_b64: STANDARD.encode(&self.body),
                trailers: Vec::new(),
            },
            scheme: "https".to_owned(),
            related_request_b64: None,
            related_request_parsed: None,
            label: None,
            signature_input: None,
            keys: Vec::new(),
            key: None,
            now: Some(now),
            field_types: BTreeMap::new(),
            policy: Policy::default(),
        }
    }

    fn key(&self, private: bool) -> WireKey {
        let (kid, alg, jwk, pem) = if self.secret {
            let k = SECRET.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
            (SECRET_KID, "hmac-sha256", json!({"kty": "oct", "kid": SECRET_KID, "k": k}), None)
        } else if private {
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": KID, "x": X, "d": D});
            (KID, "ed25519", jwk, Some(PRIVATE_PEM))
        } else {
            (KID, "ed25519", json!({"kty": "OKP", "crv": "Ed25519", "kid": KID, "x": X}), Some(PUBLIC_PEM))
        };
        let jwk = jwk.as_object().cloned().unwrap_or_default();
        WireKey { kid: kid.to_owned(), alg: Some(alg.to_owned()), jwk, pem: pem.map(str::to_owned) }
    }
}

fn secret() -> Vec<u8> {
    STANDARD.decode(SECRET).unwrap_or_default()
}
