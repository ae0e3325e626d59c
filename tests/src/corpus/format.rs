//! The shape of `tests/corpus/<section>.toml`.

use std::collections::BTreeMap;

use countersign::contract::Level;
use countersign::vectors::catalogue::Binds;
use countersign::vectors::corpus::{Expected, Feature, FieldTypeName, Op, Policy, Severity};
use serde::Deserialize;
use toml::Spanned;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The section of the RFC; the file is called after it.
    pub section: String,
    /// Its title.
    pub title: String,
    /// Whose rules they are: `rfc9421` unless it says otherwise.
    #[serde(default = "rfc9421")]
    pub authority: String,
    /// What the flags mean.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
    /// Sentences that bind a signer or verifier.
    #[serde(default)]
    pub requirement: Vec<Requirement>,
    /// Sentences that bind neither.
    #[serde(default)]
    pub outside: Vec<Outside>,
    /// The cases.
    #[serde(default)]
    pub case: Vec<Case>,
}

fn rfc9421() -> String {
    "rfc9421".to_owned()
}

/// A sentence that binds a signer or verifier.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable.
    pub id: Spanned<String>,
    /// How binding it is.
    pub level: Level,
    /// Whom.
    pub binds: Binds,
    /// The sentence, literally.
    pub quote: String,
}

/// A sentence with a keyword that binds neither.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The sentence, literally.
    pub quote: Spanned<String>,
    /// Whom it binds, or why it can't be checked.
    pub why: String,
}

/// A case that is accepted, with the defects that are not.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Stable, begins with the section.
    pub id: Spanned<String>,
    /// In one sentence.
    pub title: String,
    /// The requirements that it checks.
    pub refs: Vec<String>,
    /// Where the bytes come from, if not from us.
    pub source: Option<String>,
    /// More about it.
    pub comment: Option<String>,
    /// Instead of the file's.
    pub authority: Option<String>,
    /// What a library must be able to do, beyond what the case itself shows.
    #[serde(default)]
    pub requires: Vec<Feature>,
    /// One vector for each.
    #[serde(default = "verify")]
    pub ops: Vec<Op>,
    /// The head.
    pub message: String,
    /// The content.
    #[serde(default)]
    pub body: String,
    /// Trailer lines of a chunked message.
    #[serde(default)]
    pub trailers: Vec<String>,
    /// The head of the request that it answers.
    pub related_request: Option<String>,
    /// Its content.
    #[serde(default)]
    pub related_request_body: String,
    /// `https` or `http`.
    #[serde(default = "https")]
    pub scheme: String,
    /// The inner list with its parameters.
    #[serde(default)]
    pub covers: String,
    /// Of the signature.
    #[serde(default = "sig1")]
    pub label: String,
    /// Signs.
    #[serde(default = "test_key_ed25519")]
    pub key: String,
    /// What the verifier knows, if it is not just `key`.
    pub keys: Option<Vec<String>>,
    /// The lines of the base, without the last one.
    pub base: Option<Base>,
    /// A literal signature, in base64.
    pub signature: Option<String>,
    /// The inner list as the last line of the base shows it, if that is not `covers`.
    pub params_line: Option<String>,
    /// Seconds since 1970.
    #[serde(default = "now")]
    pub now: u64,
    /// What the application requires.
    #[serde(default)]
    pub policy: Policy,
    /// Types of structured fields.
    #[serde(default)]
    pub field_types: BTreeMap<String, FieldTypeName>,
    /// `valid` unless it says otherwise.
    #[serde(default = "valid")]
    pub verdict: Expected,
    /// Why both are right.
    pub acceptable_because: Option<String>,
    /// Keys of the file's notes.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Of `accept`.
    pub expected_signature_input: Option<String>,
    /// Signatures that were made before.
    #[serde(default)]
    pub other: Vec<Other>,
    /// What must be refused.
    #[serde(default)]
    pub invalid: Vec<Invalid>,
}

fn verify() -> Vec<Op> {
    vec![Op::Verify]
}

fn https() -> String {
    "https".to_owned()
}

fn sig1() -> String {
    "sig1".to_owned()
}

fn test_key_ed25519() -> String {
    "test-key-ed25519".to_owned()
}

fn now() -> u64 {
    1_618_884_500
}

fn valid() -> Expected {
    Expected::Valid
}

/// A signature that is on the message already, or on the related request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// Its label.
    pub label: String,
    /// The inner list with its parameters.
    pub covers: String,
    /// Signs.
    #[serde(default = "test_key_ed25519")]
    pub key: String,
    /// The lines of the base, without the last one.
    #[serde(default)]
    pub base: Vec<String>,
    /// A literal signature, in base64.
    pub signature: Option<String>,
    /// The inner list as the last line of the base shows it, if that is not `covers`.
    pub params_line: Option<String>,
}

/// One change to a case, and what it does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invalid {
    /// Stable, begins with the section.
    pub id: Spanned<String>,
    /// In one sentence.
    pub title: String,
    /// More about it.
    pub comment: Option<String>,
    /// The operation, if it is not the first of the case.
    pub op: Option<Op>,
    /// The requirements, if other than the case's.
    pub refs: Option<Vec<String>>,
    /// More than the case requires.
    #[serde(default)]
    pub requires: Vec<Feature>,
    /// The change.
    pub change: Change,
    /// The base that a verifier makes of it; absent: as the twin's, with the changed last line.
    pub base: Option<Base>,
    /// What a careless signer signed.
    pub signed_base: Option<Vec<String>>,
    /// The inner list as the last line of the verifier's base shows it.
    pub params_line: Option<String>,
    /// The step that refuses.
    pub stage: Option<String>,
    /// How bad it is to accept it.
    pub severity: Option<Severity>,
    /// `invalid` unless it says otherwise.
    #[serde(default = "invalid")]
    pub verdict: Expected,
    /// Why both are right.
    pub acceptable_because: Option<String>,
    /// Keys of the file's notes, beside the case's.
    #[serde(default)]
    pub flags: Vec<String>,
}

fn invalid() -> Expected {
    Expected::Invalid
}

/// The lines of a base, or `"none"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "`base` is a list of lines, or \"none\" where no base can be made")]
pub enum Base {
    /// The lines, without the last one.
    Lines(Vec<String>),
    /// `"none"`.
    None(NoBase),
}

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoBase {
    /// There is none.
    None,
}

/// Exactly one of these.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The finished bytes, after signing.
    pub message: Option<Edit>,
    /// The message before signing.
    pub signed_message: Option<Edit>,
    /// The inner list, signed anew.
    pub covers: Option<Edit>,
    /// What was signed; beside `signed_message` and `covers`, the lines that a careless signer signed.
    pub signed_base: Option<SignedBase>,
    /// The finished bytes of the related request, or that it is not there.
    pub related_request: Option<RelatedRequest>,
    /// How the signature is spoilt.
    pub signature: Option<String>,
    /// What the verifier knows.
    pub keys: Option<Vec<String>>,
    /// What is asked for.
    pub label: Option<String>,
    /// The time.
    pub now: Option<u64>,
    /// What the application requires.
    pub policy: Option<Policy>,
    /// The scheme.
    pub scheme: Option<String>,
    /// The types of fields.
    pub field_types: Option<BTreeMap<String, FieldTypeName>>,
}

/// A replacement; `from` occurs exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What is there.
    pub from: String,
    /// What comes in its place.
    pub to: String,
}

/// An edit of the related request, or `"none"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "`related_request` is { from, to }, or \"none\" where the verifier does not have it")]
pub enum RelatedRequest {
    /// Its bytes differ.
    Edit(Edit),
    /// The verifier does not have it.
    None(NoBase),
}

/// An edit of the base, or all of its lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "`signed_base` is { from, to }, or beside another change a list of lines")]
pub enum SignedBase {
    // First, because a list of two would do for an edit.
    /// The lines, without the last one.
    Lines(Vec<String>),
    /// The signer made another base of the same message.
    Edit(Edit),
}
