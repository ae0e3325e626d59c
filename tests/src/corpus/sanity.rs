//! Does our own engine agree with the vectors? A check of both, never the source of what is expected.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Expected, Key, Op, Vector};
use countersign::vectors::protocol::{Answer, Case, Outcome, Parsed, Request, WireKey};
use countersign::vectors::shim::Subject as _;
use countersign::vectors::shim::core::Core;

/// What does not fit, in words; nothing where the engine agrees.
pub fn disagreement(vector: &Vector, keys: &BTreeMap<String, Key>) -> Option<String> {
    let answer = ask(vector, keys);
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
            (None, Some(base)) if matches!(vector.op, Op::Verify | Op::Base) => {
                let base = String::from_utf8_lossy(base).replace('\n', "\n    ");
                return Some(format!("no base is expected, but our engine makes one:\n    {base}"));
            }
            (Some(_), None) if vector.op != Op::Sign || accepted => {
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
        (Some(expected), Some(stage)) if !accepted && expected != stage => {
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

/// Asks our engine.
pub fn ask(vector: &Vector, keys: &BTreeMap<String, Key>) -> Answer {
    Core.answer(&request(vector, keys))
}

/// The vector as a request to a shim that reads the bytes of the message.
fn request(vector: &Vector, keys: &BTreeMap<String, Key>) -> Request {
    let known = vector.keys.iter().filter_map(|name| keys.get(name).map(|key| (name, key)));
    let wire = |name: &String, key: &Key, private: bool| WireKey {
        kid: name.clone(),
        alg: key.alg.clone(),
        jwk: key.private_jwk.as_ref().filter(|_| private).unwrap_or(&key.jwk).clone(),
        pem: None,
    };
    let verifies = vector.op == Op::Verify;
    let case = Box::new(Case {
        id: 1,
        message_b64: vector.message_b64.clone(),
        parsed: Parsed::default(),
        scheme: vector.scheme.clone(),
        related_request_b64: vector.related_request_b64.clone(),
        related_request_parsed: None,
        label: vector.label.clone(),
        signature_input: vector.signature_input.clone(),
        keys: known.clone().filter(|_| verifies).map(|(name, key)| wire(name, key, false)).collect(),
        key: known.clone().filter(|_| !verifies).map(|(name, key)| wire(name, key, true)).next(),
        now: vector.now,
        field_types: vector.field_types.clone(),
        policy: vector.policy.clone(),
    });
    match vector.op {
        Op::Verify => Request::Verify(case),
        Op::Base => Request::Base(case),
        Op::Sign => Request::Sign(case),
        Op::Digest => Request::Digest(case),
        Op::Accept => Request::Accept(case),
    }
}
