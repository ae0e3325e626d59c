//! A vector as a request to a library.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Key, Op, Vector};
use countersign::vectors::protocol::{Case, Parsed, Request, WireKey};

/// The vector as a request: all that a library gets to see of it.
pub fn request(vector: &Vector, keys: &BTreeMap<String, Key>) -> Request {
    let case = Box::new(case(vector, keys));
    match vector.op {
        Op::Verify => Request::Verify(case),
        Op::Base => Request::Base(case),
        Op::Sign => Request::Sign(case),
        Op::Digest => Request::Digest(case),
        Op::Accept => Request::Accept(case),
    }
}

/// For its signature base alone: nothing where it has none, or an unreadable one.
pub fn base_request(vector: &Vector, keys: &BTreeMap<String, Key>) -> Option<Request> {
    let base = STANDARD.decode(vector.expected_base_b64.as_ref()?).ok()?;
    let base = String::from_utf8(base).ok()?;
    let input = base.lines().last()?.strip_prefix("\"@signature-params\": ")?.to_owned();
    Some(Request::Base(Box::new(Case { signature_input: Some(input), ..case(vector, keys) })))
}

fn case(vector: &Vector, keys: &BTreeMap<String, Key>) -> Case {
    let known = vector.keys.iter().filter_map(|name| keys.get(name).map(|key| (name, key)));
    let wire = |name: &String, key: &Key, private: bool| WireKey {
        kid: name.clone(),
        alg: key.alg.clone(),
        jwk: key.private_jwk.as_ref().filter(|_| private).unwrap_or(&key.jwk).clone(),
        pem: if private { key.private_pem.clone() } else { key.pem.clone() },
    };
    let verifies = vector.op == Op::Verify;
    let bytes = |text: &String| STANDARD.decode(text).unwrap_or_default();
    Case {
        id: 1,
        message_b64: vector.message_b64.clone(),
        parsed: Parsed::of(&bytes(&vector.message_b64)),
        scheme: vector.scheme.clone(),
        related_request_b64: vector.related_request_b64.clone(),
        related_request_parsed: vector.related_request_b64.as_ref().map(|text| Parsed::of(&bytes(text))),
        label: vector.label.clone(),
        signature_input: vector.signature_input.clone(),
        keys: known.clone().filter(|_| verifies).map(|(name, key)| wire(name, key, false)).collect(),
        key: known.filter(|_| !verifies).map(|(name, key)| wire(name, key, true)).next(),
        now: vector.now,
        field_types: vector.field_types.clone(),
        policy: vector.policy.clone(),
    }
}
