//! Does our own engine agree with the vectors? A check of both, never the source of what is expected.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Expected, Key, Op, Vector};
use countersign::vectors::protocol::Outcome;
use countersign::vectors::shim::Subject as _;
use countersign::vectors::shim::core::Core;

use super::request::request;

/// What does not fit, in words; nothing where the engine agrees.
pub fn disagreement(vector: &Vector, keys: &BTreeMap<String, Key>) -> Option<String> {
    let answer = Core.answer(&request(vector, keys));
    let decoded = |base: &Option<String>| base.as_deref().and_then(|base| STANDARD.decode(base).ok());
    let (expected, ours) = (decoded(&vector.expected_base_b64), decoded(&answer.base_b64));
    let why = || {
        let stage = answer.stage.as_deref().unwrap_or("no step");
        format!("{stage}: {}", answer.reason.as_deref().unwrap_or("no reason"))
    };
    let accepted = match (answer.outcome, vector.verdict) {
        (Outcome::Error | Outcome::Unsupported, _) => return Some(format!("our engine can't do this: {}", why())),
        (Outcome::Rejected, Expected::Valid) => {
            let diverging = ours.as_deref().zip(expected.as_deref()).and_then(|(a, b)| divergence(a, b));
            let diverging = diverging.map(|line| format!("\n    {line}")).unwrap_or_default();
            return Some(format!("our engine refuses this valid vector: {}{diverging}", why()));
        }
        (Outcome::Accepted | Outcome::Ok, Expected::Invalid) => {
            return Some("our engine accepts this invalid vector".to_owned());
        }
        (outcome, _) => outcome != Outcome::Rejected,
    };
    if vector.verdict != Expected::Acceptable {
        match (&expected, &ours) {
            (Some(expected), Some(base)) => {
                if let Some(line) = divergence(base, expected) {
                    return Some(format!("our engine makes another base:\n    {line}"));
                }
            }
            // One that is refused for another reason may well have a base.
            (None, Some(base)) if vector.op == Op::Base || vector.reject_stage.as_deref() == Some("base") => {
                let base = String::from_utf8_lossy(base).replace('\n', "\n    ");
                return Some(format!("no base is expected, but our engine makes one:\n    {base}"));
            }
            (Some(_), None) if accepted || vector.reject_stage.as_deref() == Some("crypto") => {
                return Some(format!("a base is expected, but our engine makes none ({})", why()));
            }
            _ => {}
        }
    }
    if let (Some(expected), Some(ours), Op::Accept) =
        (&vector.expected_signature_input, &answer.signature_input, vector.op)
        && vector.verdict == Expected::Valid
        && expected != ours
    {
        return Some(format!("our engine would sign {ours}, expected {expected}"));
    }
    match (&vector.reject_stage, &answer.stage) {
        (Some(expected), Some(stage)) if vector.op == Op::Verify && !accepted && expected != stage => {
            Some(format!("refused at `{stage}`, the case says `{expected}` ({})", why()))
        }
        _ => None,
    }
}

/// The first line that differs.
fn divergence(ours: &[u8], expected: &[u8]) -> Option<String> {
    if ours == expected {
        return None;
    }
    let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(|line| line.escape_ascii().to_string()).collect();
    let (ours, expected): (Vec<String>, Vec<String>) = (lines(ours), lines(expected));
    let at = ours.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    let line = |lines: &[String]| lines.get(at).map_or("(nothing)".to_owned(), |line| line.replace("\\\"", "\""));
    Some(format!("line {}: ours     {}\n    line {}: expected {}", at + 1, line(&ours), at + 1, line(&expected)))
}
