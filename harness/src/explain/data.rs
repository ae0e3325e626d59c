//! An explanation as data: what the text is made of, and what `--json` gives.

use portal_core::rfc9421::Step;
use serde::Serialize;

/// What there is to say about one message.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What was read.
    pub message: MessageInfo,
    /// The time it was judged at, in seconds since 1970.
    pub now: u64,
    /// The keys that were given.
    pub keys: Vec<KeyInfo>,
    /// What is wrong with the message as a whole, so that no signature can be looked at.
    pub problems: Vec<Problem>,
    /// The signatures that were looked at.
    pub signatures: Vec<SignatureInfo>,
    /// The outcome.
    pub verdict: Verdict,
}

/// What was read.
#[derive(Debug, Clone, Serialize)]
pub struct MessageInfo {
    /// The file.
    pub file: String,
    /// `request` or `response`.
    pub kind: &'static str,
    /// The request line or status line.
    pub first_line: String,
    /// Its number in the file.
    pub line: usize,
    /// `https` or `http`; of a response, that of its request.
    pub scheme: Option<&'static str>,
    /// Where the scheme is known from.
    pub scheme_from: Option<&'static str>,
    /// How many header field lines there are.
    pub fields: usize,
    /// How many trailer field lines there are.
    pub trailers: usize,
    /// How long the content is; nothing where it is not known.
    pub content_length: Option<usize>,
    /// Why the content is not known.
    pub content_unknown: Option<String>,
    /// Of a response: the first line of the request that it answers.
    pub related_request: Option<String>,
    /// The labels of the signatures in the message.
    pub labels: Vec<String>,
    /// What had to be assumed in reading it.
    pub notes: Vec<String>,
}

/// A key that was given.
#[derive(Debug, Clone, Serialize)]
pub struct KeyInfo {
    /// Its name.
    pub name: String,
    /// The algorithm that it is used with.
    pub algorithm: &'static str,
}

/// What there is to say about one signature.
#[derive(Debug, Clone, Serialize)]
pub struct SignatureInfo {
    /// The label.
    pub label: String,
    /// What stands behind the label in Signature-Input, as it was received.
    pub input: Option<String>,
    /// The key that it was checked with.
    pub key: Option<String>,
    /// The signature base, line by line.
    pub base: Vec<BaseLine>,
    /// The whole base; nothing where one line has no value.
    pub base_text: Option<String>,
    /// Every check, in the order of RFC 9421 §3.2.
    pub checks: Vec<Check>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What would make it verify, found by trying.
    pub cause: Option<Cause>,
    /// How many other bases, keys and encodings were tried, where the signature does not match.
    pub tried: usize,
    /// What the signature does not protect.
    pub warnings: Vec<Warning>,
    /// The outcome.
    pub verdict: Verdict,
}

/// A line of the base.
#[derive(Debug, Clone, Serialize)]
pub struct BaseLine {
    /// The component identifier.
    pub component: String,
    /// Its value; nothing where it has none.
    pub value: Option<String>,
    /// Where the value comes from, or why there is none.
    pub from: String,
    /// The lines of the file that it comes from.
    pub lines: Vec<usize>,
}

/// A check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The step of RFC 9421 §3.2 that it belongs to.
    #[serde(serialize_with = "step")]
    pub step: Step,
    /// What was checked.
    pub what: String,
    /// What came out.
    pub outcome: Outcome,
    /// The stable code of a failure.
    pub code: Option<&'static str>,
    /// Why.
    pub why: String,
}

fn step<S: serde::Serializer>(step: &Step, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(step.as_str())
}

/// What came out of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It was not looked at.
    NotChecked,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The step that refuses.
    pub step: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// Something that would make a signature verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// A stable code for each deviation.
    pub codes: Vec<&'static str>,
    /// What the signer seems to have done; several where it takes them together.
    pub deviations: Vec<String>,
    /// What the RFC says about each.
    pub rules: Vec<String>,
    /// The lines of the base that differ.
    pub lines: Vec<DifferingLine>,
}

/// A line of the base as the verifier and as the signer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferingLine {
    /// As rebuilt from the message.
    pub ours: Option<String>,
    /// As it must have been signed.
    pub signed: Option<String>,
}

/// Something that the signature does not protect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable code.
    pub code: &'static str,
    /// What it means.
    pub text: String,
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The signature holds.
    Verified,
    /// There was no key for it; nothing wrong was found otherwise.
    NothingWrongFound,
    /// It is refused.
    Refused,
}

impl Verdict {
    /// Of several signatures: refused if one is; verified if one is and none is refused.
    pub fn of(all: impl IntoIterator<Item = Verdict>) -> Verdict {
        all.into_iter().fold(Verdict::NothingWrongFound, |so_far, next| match (so_far, next) {
            (Verdict::Refused, _) | (_, Verdict::Refused) => Verdict::Refused,
            (Verdict::Verified, _) | (_, Verdict::Verified) => Verdict::Verified,
            _ => Verdict::NothingWrongFound,
        })
    }
}
