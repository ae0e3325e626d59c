//! The shim protocol: one child process for a library, one JSON object a line, on its standard input and output.
//!
//! Requests carry an `id`; the answers may come in any order. A subject never sees what is expected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::corpus::{Feature, FieldTypeName, Op, Policy};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// A line to the shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// The first line: who are you, what can you do?
    Hello {
        /// [`VERSION`].
        v: u32,
        /// 0.
        id: u64,
        /// The version of the suite.
        suite: String,
    },
    /// Make the signature base for `signature_input`.
    Base(Box<Case>),
    /// Sign with `key`.
    Sign(Box<Case>),
    /// Verify the signature under `label`.
    Verify(Box<Case>),
    /// Check the content against the digest fields (RFC 9530). Accepted: at least one digest in them was computed over
    /// the content, and none that was computed differs. Rejected: one differs, or there was none to compute.
    Digest(Box<Case>),
    /// Read Accept-Signature: what has to be signed under `label`?
    Accept(Box<Case>),
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Comes back in the answer.
    pub id: u64,
    /// The exact HTTP/1.1 bytes, in base64.
    pub message_b64: String,
    /// The same, taken apart, for libraries that don't read HTTP.
    pub parsed: Parsed,
    /// `https` or `http`.
    pub scheme: String,
    /// The request that the message answers.
    pub related_request_b64: Option<String>,
    /// The same, taken apart.
    pub related_request_parsed: Option<Parsed>,
    /// For all but `digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// For `base` and `sign`: the inner list with its parameters, as it would stand after `label=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_input: Option<String>,
    /// For `verify`: the public keys that are known; there may be none.
    #[serde(default)]
    pub keys: Vec<WireKey>,
    /// For `sign` and `accept`: the private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<WireKey>,
    /// The time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// Types of structured fields.
    #[serde(default)]
    pub field_types: BTreeMap<String, FieldTypeName>,
    /// What the application requires.
    #[serde(default)]
    pub policy: Policy,
}

/// A key on its way to a shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireKey {
    /// Its name; signatures say it in `keyid`.
    pub kid: String,
    /// Its algorithm in the RFC's registry; `null` where it is not bound to one.
    pub alg: Option<String>,
    /// As JWK.
    pub jwk: serde_json::Map<String, serde_json::Value>,
    /// As PEM (SPKI, or PKCS#8 where it is private); `null` for a shared secret.
    pub pem: Option<String>,
}

/// A message taken apart. Bytes that are no ASCII are one character each (ISO 8859-1).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parsed {
    /// Of a request.
    pub method: Option<String>,
    /// The request target as it stands in the first line.
    pub target: Option<String>,
    /// Of a response.
    pub status: Option<u16>,
    /// Name and value of each line, in order; no whitespace around the value. A folded line keeps its fold (`\r\n` and
    /// whitespace): to unfold it is part of RFC 9421 §2.1. Where a library's types can't hold one, its shim puts a space
    /// there, as whoever reads HTTP does (RFC 9112 §5.2).
    pub fields: Vec<[String; 2]>,
    /// The content, in base64, without its transfer coding.
    pub body_b64: String,
    /// As `fields`.
    pub trailers: Vec<[String; 2]>,
}

/// The answer to [`Request::Hello`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// 0.
    pub id: u64,
    /// The library's name.
    #[serde(rename = "impl")]
    pub implementation: String,
    /// The library's version.
    pub version: String,
    /// What it does.
    pub ops: Vec<Op>,
    /// Its algorithms, by their names in the RFC's registry.
    pub algs: Vec<String>,
    /// What else it does.
    pub features: Vec<Feature>,
    /// Whether it takes the time from the request.
    pub clock: Clock,
}

/// Where a library has the time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// From `now`.
    Injected,
    /// From the system.
    System,
}

/// The answer to everything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// That of the request.
    pub id: u64,
    /// What came out.
    pub outcome: Outcome,
    /// For people: the step that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// For people: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The signature base, wherever the library gives it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_b64: Option<String>,
    /// Of `sign`: the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_b64: Option<String>,
    /// Of `sign` and `accept`: what was really used, as it would stand after `label=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_input: Option<String>,
}

impl Answer {
    /// An answer that says no more than this.
    pub fn new(id: u64, outcome: Outcome) -> Answer {
        Answer { id, outcome, stage: None, reason: None, base_b64: None, signature_b64: None, signature_input: None }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, reason: impl ToString) -> Answer {
        Answer { reason: Some(reason.to_string()), ..self }
    }
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Of `verify` and `digest`: it holds.
    Accepted,
    /// It is refused.
    Rejected,
    /// Of `base`, `sign` and `accept`: here it is.
    Ok,
    /// The library can't do that.
    Unsupported,
    /// The shim itself failed.
    Error,
}
