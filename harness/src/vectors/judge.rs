//! What came, against what had to come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::Fault;
use super::corpus::{Expected, Op, Vector};
use super::crypto::{Algorithm, Jwk};
use super::guess::{self, Source};
use super::protocol::{Answer, Outcome};
use crate::verdict::{Bases, Verdict};
use input::Order;

mod input;

/// What had to come of a vector, as it was sent.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The base; nothing where none can be made, or none is wanted.
    pub base: Option<Vec<u8>>,
    /// What was signed, if it was another one.
    pub signed_base: Option<Vec<u8>>,
    /// For `sign`: the algorithm and the public half of the key.
    pub signing: Option<(Algorithm, Jwk)>,
    /// The time that the subject has, if it can't be told.
    pub present: Option<u64>,
    /// What the base is made from.
    pub source: Source,
}

/// What came out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What came out.
    pub verdict: Verdict,
    /// If it did not pass: what was expected.
    pub expected: String,
    /// And what came.
    pub got: String,
    /// The expected base and that of the subject, if they are not the same.
    pub bases: Option<Bases>,
}

impl Judgement {
    fn pass() -> Judgement {
        Judgement { verdict: Verdict::Pass, expected: String::new(), got: String::new(), bases: None }
    }

    fn fail(expected: impl Into<String>, got: impl Into<String>) -> Judgement {
        Judgement { verdict: Verdict::Fail, expected: expected.into(), got: got.into(), bases: None }
    }

    fn error(expected: impl Into<String>, got: impl Into<String>) -> Judgement {
        Judgement { verdict: Verdict::Error, ..Judgement::fail(expected, got) }
    }

    /// It can't be tested, for this reason.
    pub fn unsupported(why: impl Into<String>) -> Judgement {
        Judgement { verdict: Verdict::Unsupported, ..Judgement::fail("", why) }
    }

    fn with(self, bases: Option<Bases>) -> Judgement {
        Judgement { bases, ..self }
    }
}

/// There was no answer.
pub fn no_answer(vector: &Vector, fault: &Fault) -> Judgement {
    let verdict = match fault {
        Fault::Crashed { .. } => Verdict::Fail,
        Fault::TooSlow { .. } => Verdict::Timeout,
        Fault::NotStarted { .. } | Fault::Garbage { .. } => Verdict::Error,
    };
    Judgement { verdict, ..Judgement::fail(wanted(vector), fault.to_string()) }
}

/// There was an answer.
pub fn judge(vector: &Vector, expectation: &Expectation, answer: &Answer) -> Judgement {
    let positive = match vector.op {
        Op::Verify | Op::Digest => Outcome::Accepted,
        Op::Base | Op::Sign | Op::Accept => Outcome::Ok,
    };
    match answer.outcome {
        Outcome::Error => Judgement::error(wanted(vector), format!("the shim failed{}", reason(answer))),
        Outcome::Unsupported => Judgement::fail(
            wanted(vector),
            format!("unsupported{}\nbut hello declares all that this vector needs", reason(answer)),
        ),
        Outcome::Rejected => rejected(vector, expectation, answer),
        outcome if outcome == positive => match answered(vector, answer) {
            Ok(came) => accepted(vector, expectation, answer, came),
            Err(why) => Judgement::error(wanted(vector), why),
        },
        outcome => Judgement::error(
            wanted(vector),
            format!("the outcome `{}`, which is no answer to `{}`", word(outcome), word(vector.op)),
        ),
    }
}

/// What the subject made.
struct Came {
    base: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
}

/// What must be there in an answer that says yes, taken out of its Base64.
fn answered(vector: &Vector, answer: &Answer) -> Result<Came, String> {
    let decoded = |name: &str, text: &Option<String>| {
        let decode = |text: &String| STANDARD.decode(text).map_err(|error| format!("{name} is no Base64: {error}"));
        text.as_ref().map(decode).transpose()
    };
    let base = decoded("base_b64", &answer.base_b64)?;
    let signature = decoded("signature_b64", &answer.signature_b64)?;
    let missing = |name: &str| Err(format!("`ok`, but without {name}"));
    match vector.op {
        Op::Base if base.is_none() => missing("base_b64"),
        Op::Sign if signature.is_none() => missing("signature_b64"),
        Op::Accept if answer.signature_input.is_none() => missing("signature_input"),
        _ => Ok(Came { base, signature }),
    }
}

fn rejected(vector: &Vector, expectation: &Expectation, answer: &Answer) -> Judgement {
    if vector.verdict != Expected::Valid {
        return Judgement::pass();
    }
    let step = answer.stage.as_ref().map(|stage| format!(" at the step `{stage}`")).unwrap_or_default();
    let base = answer.base_b64.as_ref().and_then(|base| STANDARD.decode(base).ok());
    let bases = base.and_then(|base| differing(expectation, &base));
    Judgement::fail(wanted(vector), format!("it is refused{step}{}", reason(answer))).with(bases)
}

fn accepted(vector: &Vector, expectation: &Expectation, answer: &Answer, came: Came) -> Judgement {
    match vector.verdict {
        Expected::Acceptable => Judgement::pass(),
        Expected::Invalid => overlooked(vector, expectation, came),
        Expected::Valid => {
            // What a signer signs is seen by its signature; its parameters may stand in an order of its own.
            let compared = came.base.as_ref().filter(|_| vector.op != Op::Sign);
            if let Some(bases) = compared.and_then(|base| differing(expectation, base)) {
                let got = if vector.op == Op::Base { "another base" } else { "it is accepted, but with another base" };
                return Judgement::fail(wanted(vector), got).with(Some(bases));
            }
            match vector.op {
                Op::Verify | Op::Digest | Op::Base => Judgement::pass(),
                Op::Sign => signed(vector, expectation, answer, &came),
                Op::Accept => {
                    let made = answer.signature_input.as_deref().unwrap_or_default();
                    let asked = vector.expected_signature_input.as_deref().unwrap_or_default();
                    match input::difference(asked, made, Order::Any, expectation.present) {
                        None => Judgement::pass(),
                        Some(why) => Judgement::fail(format!("to sign {asked}"), format!("{made}\n{why}")),
                    }
                }
            }
        }
    }
}

/// A signature that was asked for: what was signed is known only by checking it.
fn signed(vector: &Vector, expectation: &Expectation, answer: &Answer, came: &Came) -> Judgement {
    let (Some(base), Some((algorithm, key)), Some(signature)) =
        (&expectation.base, &expectation.signing, &came.signature)
    else {
        return Judgement::error(wanted(vector), "the vector says neither base nor key: it is broken");
    };
    let asked = vector.signature_input.as_deref().unwrap_or_default();
    let used = answer.signature_input.as_deref().unwrap_or(asked);
    if let Some(why) = input::difference(asked, used, Order::Same, expectation.present) {
        return Judgement::fail(format!("it signs {asked}"), format!("it signs {used}\n{why}"));
    }
    if algorithm.verifies(key, &with_params(base, used), signature).unwrap_or(false) {
        return Judgement::pass();
    }
    let got = format!("a signature of {} bytes that does not verify over the expected base", signature.len());
    let bases = came.base.as_ref().and_then(|made| {
        let expected = with_params(base, used);
        (expected != *made).then(|| guess::compare(&expectation.source, &expected, made))
    });
    Judgement::fail(wanted(vector), got).with(bases)
}

/// The base with another last line.
pub(super) fn with_params(base: &[u8], params: &str) -> Vec<u8> {
    let lines = base.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    [&base[..lines], b"\"@signature-params\": ", params.as_bytes()].concat()
}

/// What had to be refused is not.
fn overlooked(vector: &Vector, expectation: &Expectation, came: Came) -> Judgement {
    let verb = match vector.op {
        Op::Verify | Op::Digest => "it is accepted",
        Op::Base => "a base is made",
        Op::Sign => "it is signed",
        Op::Accept => "it is taken",
    };
    // Who accepts the signature over another base has built that one, also if it does not show it.
    let built = came.base.or_else(|| expectation.signed_base.clone());
    let bases = built.as_ref().and_then(|built| differing(expectation, built));
    let careless = built.as_ref().and_then(|built| guess::careless(&expectation.source, built));
    let cause = match (&bases, careless) {
        (Some(_), _) => String::new(),
        (None, Some(careless)) => format!("\n{careless}"),
        (None, None) => format!("\n{}", vector.reject_stage.as_deref().map_or("its defect goes unnoticed", unheeded)),
    };
    let over = match (&expectation.base, &built) {
        (None, Some(built)) => format!("\nover the base\n{}", guess::shown(&super::parsed::text(built))),
        _ => String::new(),
    };
    Judgement::fail(wanted(vector), format!("{verb}{cause}{over}")).with(bases)
}

/// What is left out by who does not refuse at this step.
fn unheeded(stage: &str) -> &'static str {
    match stage {
        "parse" => "malformed signature fields, or a malformed component, are let through",
        "select" => "it is not noticed that there is no such signature",
        "policy" => "what the application requires is not checked",
        "time" => "`created` or `expires` is not held against the time",
        "key" => "the key and the algorithm are not held against each other",
        "base" => "it goes unnoticed that there is no base here",
        "crypto" => "the signature is not checked strictly",
        "digest" => "the content is not held against its digest",
        "replay" => "it is not noticed that the signature was used before",
        _ => "its defect goes unnoticed",
    }
}

fn differing(expectation: &Expectation, base: &[u8]) -> Option<Bases> {
    let expected = expectation.base.as_ref()?;
    (expected != base).then(|| guess::compare(&expectation.source, expected, base))
}

/// What had to come, in words.
fn wanted(vector: &Vector) -> String {
    match (vector.verdict, vector.op) {
        (Expected::Valid, Op::Verify) => "the signature is accepted, over the expected base".to_owned(),
        (Expected::Valid, Op::Base) => "the expected base".to_owned(),
        (Expected::Valid, Op::Sign) => "a signature that verifies over the expected base".to_owned(),
        (Expected::Valid, Op::Digest) => "the content fits its digest".to_owned(),
        (Expected::Valid, Op::Accept) => "what has to be signed".to_owned(),
        (Expected::Invalid, _) => {
            let step = vector.reject_stage.as_ref().map(|stage| format!(" (step `{stage}`)")).unwrap_or_default();
            format!("it is refused{step}")
        }
        (Expected::Acceptable, _) => {
            let because = vector.acceptable_because.as_deref().unwrap_or("the RFC leaves room");
            format!("it is accepted or refused: {because}")
        }
    }
}

fn reason(answer: &Answer) -> String {
    answer.reason.as_ref().map(|reason| format!(": {}", reason.trim())).unwrap_or_default()
}

/// As it is written in the protocol.
pub(super) fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests;
