//! The vectors as data: the shape of `fixtures/vectors/<section>.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::contract::Level;

/// The vectors of one section of an RFC, with what they share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// The corpus' version.
    pub version: String,
    /// The section, e.g. `2.1.3` or `B.2`.
    pub section: String,
    /// The section's title.
    pub title: String,
    /// What the flags of the vectors mean.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// The keys by name; the name is the `kid`.
    pub keys: BTreeMap<String, Key>,
    /// The vectors.
    pub vectors: Vec<Vector>,
}

/// A key. All of them are for tests only, so the private half is there, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The algorithm that the key is bound to, by its name in the RFC's registry; nothing where it is not bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// The public half as JWK (of a shared secret, the secret).
    pub jwk: serde_json::Map<String, serde_json::Value>,
    /// The public half as PEM (SPKI); a shared secret has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// The private half as JWK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_jwk: Option<serde_json::Map<String, serde_json::Value>>,
    /// The private half as PEM (PKCS#8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_pem: Option<String>,
}

/// One case: a message, what to do with it, and what must come of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// Stable, never used again for something else.
    pub id: String,
    /// What it shows, in one sentence.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The vector that it differs from in one defect, and that is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin_of: Option<String>,
    /// The defect; there is one in every vector with a twin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Defect>,
    /// Where the bytes come from, if not from us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `rfc9421`, `rfc9530`, `rfc9651` or `profile:<name>`.
    pub authority: String,
    /// The sentences that it checks.
    pub rfc_refs: Vec<RfcRef>,
    /// What a library must be able to do for it, beyond the operation and the algorithm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Feature>,
    /// What to do.
    pub op: Op,
    /// The message: exact HTTP/1.1 bytes, in base64.
    pub message_b64: String,
    /// The request that the message answers, alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_request_b64: Option<String>,
    /// `https` or `http`: of the message, or of the related request.
    pub scheme: String,
    /// Names of the keys that are known; the first is the one to sign with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The time, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// What the application requires.
    #[serde(default, skip_serializing_if = "Policy::is_empty")]
    pub policy: Policy,
    /// Types of the structured fields in the message: `list`, `dictionary` or `item`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub field_types: BTreeMap<String, FieldTypeName>,
    /// The label to verify, to sign under, or (for `accept`) to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// For `base` and `sign`: the inner list with its parameters, as it would stand after `label=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_input: Option<String>,
    /// The signature base that the message must have, in base64; nothing where none can be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_base_b64: Option<String>,
    /// What was signed, where it is not the expected base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_base_b64: Option<String>,
    /// For `sign` with a deterministic algorithm: the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_signature_b64: Option<String>,
    /// For `accept`: the inner list with its parameters that must come of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_signature_input: Option<String>,
    /// What must come of it.
    pub verdict: Expected,
    /// Why both are right, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptable_because: Option<String>,
    /// The step that refuses it, for people: it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_stage: Option<String>,
    /// How bad it is to get it wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Explained in the file's notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// The one thing that is wrong, seen from the twin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// Where it is.
    pub part: Part,
    /// What stood there, where that can be said in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What stands there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A part of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The bytes of the message, after it was signed.
    Message,
    /// The bytes of the message, and it was signed as it stands now by someone who does not mind.
    SignedMessage,
    /// The related request, after the message was signed.
    RelatedRequest,
    /// The covered components and parameters; signed as they stand.
    SignatureInput,
    /// What was signed, for the same message: the signer built another base.
    SignedBase,
    /// The signature's bytes.
    Signature,
    /// The keys that are known.
    Keys,
    /// The label that is asked for.
    Label,
    /// The time.
    Now,
    /// The policy.
    Policy,
    /// The scheme.
    Scheme,
    /// The types of the fields.
    FieldTypes,
}

impl Part {
    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Part::Message => "the message, after it was signed",
            Part::SignedMessage => "the message, signed as it stands",
            Part::RelatedRequest => "the related request",
            Part::SignatureInput => "the covered components or parameters",
            Part::SignedBase => "the base that the signer made",
            Part::Signature => "the signature",
            Part::Keys => "the keys that are known",
            Part::Label => "the label that is asked for",
            Part::Now => "the time",
            Part::Policy => "what the application requires",
            Part::Scheme => "the scheme",
            Part::FieldTypes => "the types of the fields",
        }
    }
}

/// A sentence of an RFC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfcRef {
    /// The requirement's id in `fixtures/rfc9421.toml`.
    pub id: String,
    /// The section.
    pub section: String,
    /// The sentence.
    pub quote: String,
    /// How binding it is.
    pub level: Level,
}

/// What to do with the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Verify the signature under the label.
    Verify,
    /// Make the signature base for `signature_input`.
    Base,
    /// Sign with the first key.
    Sign,
    /// Check the content against its digest fields.
    Digest,
    /// Read Accept-Signature and say what to sign.
    Accept,
}

impl Op {
    /// All of them.
    pub const ALL: [Op; 5] = [Op::Verify, Op::Base, Op::Sign, Op::Digest, Op::Accept];

    /// Its name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Verify => "verify",
            Op::Base => "base",
            Op::Sign => "sign",
            Op::Digest => "digest",
            Op::Accept => "accept",
        }
    }
}

/// What a library may or may not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// The parameter `sf`.
    Sf,
    /// The parameter `key`.
    Key,
    /// The parameter `bs`.
    Bs,
    /// The parameter `req`.
    Req,
    /// The parameter `tr`.
    Tr,
    /// `@query-param`.
    QueryParam,
    /// Responses, and `@status`.
    Response,
    /// What the application requires can be given ([`Policy`]).
    Policy,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 8] = [
        Feature::Sf,
        Feature::Key,
        Feature::Bs,
        Feature::Req,
        Feature::Tr,
        Feature::QueryParam,
        Feature::Response,
        Feature::Policy,
    ];
}

/// What must come of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It is accepted, or made.
    Valid,
    /// It is refused.
    Invalid,
    /// Both are right.
    Acceptable,
}

/// How bad it is to get it wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody can forge or change something.
    High,
    /// Two that follow the RFC don't understand each other.
    Medium,
    /// Hygiene.
    Low,
}

/// The type of a structured field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldTypeName {
    /// A List.
    List,
    /// A Dictionary.
    Dictionary,
    /// An Item.
    Item,
}

/// What an application requires of a signature (RFC 9421 §3.2.1). All of it is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Component identifiers that must be covered, each serialised (`"@method"`, `"x";sf`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// The algorithms that are allowed; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algs: Vec<String>,
    /// The longest time since `created`, in seconds; then `created` must be there and not in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// How far the clocks may be apart, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew: Option<u64>,
    /// The `tag` that must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Whether `created` must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_created: Option<bool>,
    /// Whether a signature whose `expires` is past is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_expired: Option<bool>,
}

impl Policy {
    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        *self == Policy::default()
    }
}
