//! Does our own engine agree with the vectors? A check of both, never the source of what is expected.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::vectors::corpus::{Expected, FieldTypeName, Key, Op, Vector};
use portal_core::digest::ContentDigest;
use portal_core::rfc9421::{
    Algorithm, FieldType, FieldTypes, Limits, Message, Policy, Request, RequestedSignature, Requirement, Response,
    Scheme, SignatureBase, SignatureInput, Signatures, VerifyingKey, verify,
};

/// What our engine says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it accepts, or made what was asked for.
    pub accepted: bool,
    /// Why not, with the step.
    pub reason: String,
    /// The step that refused.
    pub stage: Option<String>,
    /// The base.
    pub base: Option<Vec<u8>>,
    /// Of `accept`.
    pub signature_input: Option<String>,
}

/// What does not fit, in words; nothing where the engine agrees.
pub fn disagreement(vector: &Vector, keys: &BTreeMap<String, Key>) -> Option<String> {
    let answer = ask(vector, keys);
    let expected = vector.expected_base_b64.as_deref().and_then(|base| STANDARD.decode(base).ok());
    let accepted = match (vector.verdict, answer.accepted) {
        (Expected::Valid, false) => {
            let diverging = answer.base.as_deref().zip(expected.as_deref()).and_then(|(a, b)| divergence(a, b));
            let diverging = diverging.map(|line| format!("\n    {line}")).unwrap_or_default();
            return Some(format!("our engine refuses this valid vector: {}{diverging}", answer.reason));
        }
        (Expected::Invalid, true) => return Some("our engine accepts this invalid vector".to_owned()),
        (_, accepted) => accepted,
    };
    if vector.verdict != Expected::Acceptable {
        match (&expected, &answer.base) {
            (Some(expected), Some(base)) => {
                if let Some(line) = divergence(base, expected) {
                    return Some(format!("our engine makes another base:\n    {line}"));
                }
            }
            (None, Some(base)) if matches!(vector.op, Op::Verify | Op::Base) => {
                let base = String::from_utf8_lossy(base).replace('\n', "\n    ");
                return Some(format!("no base is expected, but our engine makes one:\n    {base}"));
            }
            (Some(_), None) if !matches!(vector.op, Op::Sign) => {
                return Some(format!("a base is expected, but our engine makes none ({})", answer.reason));
            }
            _ => {}
        }
    }
    if let (Some(expected), Some(answer)) = (&vector.expected_signature_input, &answer.signature_input)
        && vector.verdict == Expected::Valid
        && expected != answer
    {
        return Some(format!("our engine would sign {answer}, expected {expected}"));
    }
    match (&vector.reject_stage, &answer.stage) {
        (Some(expected), Some(stage)) if !accepted && expected != stage => {
            Some(format!("refused at `{stage}`, the case says `{expected}` ({})", answer.reason))
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
    let refused = |stage: &str, reason: &dyn std::fmt::Display| Answer {
        stage: Some(stage.to_owned()),
        reason: format!("{stage}: {reason}"),
        ..Answer::default()
    };
    let scheme = if vector.scheme == "http" { Scheme::Http } else { Scheme::Https };
    let Ok(bytes) = STANDARD.decode(&vector.message_b64) else { return refused("parse", &"no base64") };
    let related = vector.related_request_b64.as_deref().map(|related| STANDARD.decode(related).unwrap_or_default());
    let related = match related.map(|bytes| Request::parse_http1(&bytes, scheme)).transpose() {
        Ok(related) => related.map(|(request, _)| request),
        Err(error) => return refused("parse", &format!("the related request: {error}")),
    };
    if bytes.starts_with(b"HTTP/") {
        match Response::parse_http1(&bytes) {
            Ok((response, body)) => {
                about(vector, keys, &Message::Response { response: &response, request: related.as_ref() }, &body)
            }
            Err(error) => refused("parse", &error),
        }
    } else {
        match Request::parse_http1(&bytes, scheme) {
            Ok((request, body)) => about(vector, keys, &Message::from(&request), &body),
            Err(error) => refused("parse", &error),
        }
    }
}

fn about(vector: &Vector, keys: &BTreeMap<String, Key>, message: &Message<'_>, body: &[u8]) -> Answer {
    let answer = match vector.op {
        Op::Verify => check(vector, keys, message),
        Op::Base | Op::Sign => base(vector, message),
        Op::Digest => digest(message, body),
        Op::Accept => accept(vector, keys, message),
    };
    answer.unwrap_or_else(|refused| refused)
}

fn refusal(stage: &str, reason: impl std::fmt::Display) -> Answer {
    Answer { stage: Some(stage.to_owned()), reason: format!("{stage}: {reason}"), ..Answer::default() }
}

fn check(vector: &Vector, keys: &BTreeMap<String, Key>, message: &Message<'_>) -> Result<Answer, Answer> {
    let rejected = |rejection: portal_core::rfc9421::Rejection| Answer {
        base: rejection.base.as_ref().map(|base| base.as_bytes().to_vec()),
        ..refusal(rejection.step.as_str(), &rejection)
    };
    let label = vector.label.as_deref().unwrap_or_default();
    let signatures = Signatures::parse(message, &Limits::default()).map_err(rejected)?;
    let policy = policy(vector).map_err(|error| refusal("policy", error))?;
    let keyid = signatures.get(label).and_then(|found| found.input.keyid());
    let known = match (keyid, vector.keys.as_slice()) {
        (Some(keyid), known) => known.iter().find(|name| *name == keyid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    // A base can be made without the key, and a label that can't be found is refused before it is looked for.
    let key = match known.and_then(|name| keys.get(name)) {
        Some(key) => key,
        None => {
            let key = VerifyingKey::from_shared_secret(b"nobody's");
            let answer = match verify(message, label, &signatures, &key, &policy, vector.now.unwrap_or_default()) {
                Err(rejection) => rejected(rejection),
                Ok(_) => refusal("key", "no such key"),
            };
            let earlier = matches!(answer.stage.as_deref(), Some("parse" | "select"));
            return Err(if earlier { answer } else { Answer { base: answer.base, ..refusal("key", "no such key") } });
        }
    };
    let key = verifying_key(key).map_err(|error| refusal("key", error))?;
    match verify(message, label, &signatures, &key, &policy, vector.now.unwrap_or_default()) {
        Ok(verified) => {
            Ok(Answer { accepted: true, base: Some(verified.base().as_bytes().to_vec()), ..Answer::default() })
        }
        Err(rejection) => Err(rejected(rejection)),
    }
}

fn base(vector: &Vector, message: &Message<'_>) -> Result<Answer, Answer> {
    let text = vector.signature_input.as_deref().unwrap_or_default();
    let input: SignatureInput = text.parse().map_err(|error| refusal("parse", error))?;
    let base = SignatureBase::build(message, &input, &types(vector)).map_err(|error| refusal("base", error))?;
    Ok(Answer { accepted: true, base: Some(base.as_bytes().to_vec()), ..Answer::default() })
}

fn digest(message: &Message<'_>, body: &[u8]) -> Result<Answer, Answer> {
    let refused = |error| refusal("digest", error);
    match ContentDigest::of(message.fields()).map_err(refused)? {
        Some(digest) => digest.check(body).map_err(refused)?,
        None => return Err(refusal("digest", "there is none")),
    }
    Ok(Answer { accepted: true, ..Answer::default() })
}

fn accept(vector: &Vector, keys: &BTreeMap<String, Key>, message: &Message<'_>) -> Result<Answer, Answer> {
    let asked = RequestedSignature::parse(message, &Limits::default()).map_err(|error| refusal("parse", error))?;
    let label = vector.label.as_deref().unwrap_or_default();
    let wanted = asked.iter().find(|asked| asked.label() == label).ok_or_else(|| refusal("select", "no such label"))?;
    let key = vector.keys.first().and_then(|name| keys.get(name)).ok_or_else(|| refusal("key", "no such key"))?;
    let key = verifying_key(key).map_err(|error| refusal("key", error))?;
    let input =
        wanted.fulfil(vector.now.unwrap_or_default(), None, key.algorithm()).map_err(|error| refusal("key", error))?;
    Ok(Answer { accepted: true, signature_input: Some(input.to_string()), ..Answer::default() })
}

fn verifying_key(key: &Key) -> Result<VerifyingKey, String> {
    let read = match &key.pem {
        Some(pem) => VerifyingKey::from_pem(pem).map_err(|error| error.to_string())?,
        None => {
            let secret = key.jwk.get("k").and_then(|k| k.as_str()).ok_or("neither PEM nor a secret")?;
            VerifyingKey::from_shared_secret(&URL_SAFE_NO_PAD.decode(secret).map_err(|error| error.to_string())?)
        }
    };
    match &key.alg {
        None => Ok(read),
        Some(alg) => {
            let algorithm: Algorithm = alg.parse().map_err(|_| format!("unknown algorithm {alg}"))?;
            read.with_algorithm(algorithm).map_err(|error| error.to_string())
        }
    }
}

fn policy(vector: &Vector) -> Result<Policy, String> {
    let wanted = &vector.policy;
    let mut policy = Policy { field_types: types(vector), ..Policy::default() };
    for component in &wanted.required {
        policy.required.push(Requirement::all(&[component]).map_err(|error| error.to_string())?);
    }
    if !wanted.algs.is_empty() {
        let algorithms = wanted.algs.iter().map(|alg| alg.parse().map_err(|_| format!("unknown algorithm {alg}")));
        policy.algorithms = algorithms.collect::<Result<_, _>>()?;
    }
    policy.max_age = wanted.max_age;
    policy.skew = wanted.skew.unwrap_or_default();
    policy.tag = wanted.tag.clone();
    policy.require_created = wanted.require_created.unwrap_or_default();
    policy.reject_expired = wanted.reject_expired.unwrap_or(policy.reject_expired);
    Ok(policy)
}

fn types(vector: &Vector) -> FieldTypes {
    let types = vector.field_types.iter().map(|(name, of)| {
        let of = match of {
            FieldTypeName::List => FieldType::List,
            FieldTypeName::Dictionary => FieldType::Dictionary,
            FieldTypeName::Item => FieldType::Item,
        };
        (name, of)
    });
    types.fold(FieldTypes::default(), |types, (name, of)| types.with(name, of))
}
