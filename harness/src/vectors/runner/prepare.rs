//! From a vector to what a subject gets, and what is expected of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::present;
use crate::vectors::corpus::{Feature, Key, Op, Vector, VectorFile};
use crate::vectors::crypto::Algorithm;
use crate::vectors::guess::Source;
use crate::vectors::judge::{Expectation, word};
use crate::vectors::protocol::{Case, Clock, Hello, Parsed, Request, WireKey};

/// A vector, ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// What the subject gets.
    pub(super) request: Request,
    /// What it does not get.
    pub(super) expectation: Expectation,
}

/// Makes a case of a vector, or says why this subject can't be tested on it.
pub(super) fn prepare(
    id: u64,
    file: &VectorFile,
    vector: &Vector,
    hello: &Hello,
    now: u64,
) -> Result<Prepared, String> {
    let keys: Vec<(&String, &Key)> = vector.keys.iter().filter_map(|name| file.keys.get_key_value(name)).collect();
    if let Some(why) = unsupported(vector, &keys, hello) {
        return Err(why);
    }
    let mut message = decoded(&vector.message_b64);
    let mut base = vector.expected_base_b64.as_deref().map(decoded);
    let mut signed_base = vector.signed_base_b64.as_deref().map(decoded);
    let mut time = vector.now;
    let present = (hello.clock == Clock::System).then_some(now);
    if let Some(now) = present {
        if vector.op == Op::Verify {
            let moved = present::moved(file, vector, &message, now)?;
            message = moved.message;
            base = moved.base;
            signed_base = moved.signed_base;
        }
        time = time.map(|_| now);
    }

    let related = vector.related_request_b64.as_deref().map(decoded);
    let parsed = Parsed::of(&message);
    let related_parsed = related.as_deref().map(Parsed::of);
    let source = Source::new(parsed.clone(), related_parsed.clone());
    let signing = keys.first().and_then(|(_, key)| Some((algorithm(vector, key)?, key.jwk.clone())));
    let case = Case {
        id,
        message_b64: STANDARD.encode(&message),
        parsed,
        scheme: vector.scheme.clone(),
        related_request_b64: vector.related_request_b64.clone(),
        related_request_parsed: related_parsed,
        label: vector.label.clone(),
        signature_input: vector.signature_input.clone().filter(|_| matches!(vector.op, Op::Base | Op::Sign)),
        keys: match vector.op {
            Op::Verify => keys.iter().map(|(name, key)| public(name, key)).collect(),
            _ => Vec::new(),
        },
        key: match vector.op {
            Op::Sign | Op::Accept => keys.first().map(|(name, key)| private(name, key)),
            _ => None,
        },
        now: time,
        field_types: vector.field_types.clone(),
        policy: vector.policy.clone(),
    };
    let case = Box::new(case);
    let request = match vector.op {
        Op::Verify => Request::Verify(case),
        Op::Base => Request::Base(case),
        Op::Sign => Request::Sign(case),
        Op::Digest => Request::Digest(case),
        Op::Accept => Request::Accept(case),
    };
    Ok(Prepared { request, expectation: Expectation { base, signed_base, signing, present, source } })
}

/// The loader has checked that it is Base64.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}

fn public(name: &str, key: &Key) -> WireKey {
    WireKey { kid: name.to_owned(), alg: key.alg.clone(), jwk: key.jwk.clone(), pem: key.pem.clone() }
}

/// A shared secret has only one half.
fn private(name: &str, key: &Key) -> WireKey {
    let (jwk, pem) = match &key.private_jwk {
        Some(private) => (private.clone(), key.private_pem.clone()),
        None => (key.jwk.clone(), None),
    };
    WireKey { kid: name.to_owned(), alg: key.alg.clone(), jwk, pem }
}

/// What the vector needs and the library does not say that it has.
fn unsupported(vector: &Vector, keys: &[(&String, &Key)], hello: &Hello) -> Option<String> {
    if !hello.ops.contains(&vector.op) {
        return Some(format!("it does not declare the operation `{}`", word(vector.op)));
    }
    let lacking: Vec<String> = vector
        .requires
        .iter()
        .filter(|feature| !hello.features.contains(feature))
        .map(|feature: &Feature| format!("`{}`", word(feature)))
        .collect();
    if !lacking.is_empty() {
        return Some(format!("it does not declare {}", lacking.join(", ")));
    }
    let has = |algorithm: &Algorithm| hello.algs.iter().any(|name| name == algorithm.name());
    keys.iter().find_map(|(_, key)| {
        let usable = usable(vector, key);
        let names: Vec<&str> = usable.iter().map(|algorithm| algorithm.name()).collect();
        (!usable.is_empty() && !usable.iter().any(has))
            .then(|| format!("it does not declare the algorithm {}", names.join(" or ")))
    })
}

/// The algorithms with which a key may be used here: its own; that which the signature names; those for keys of its kind.
fn usable(vector: &Vector, key: &Key) -> Vec<Algorithm> {
    if let Some(own) = key.alg.as_deref().and_then(Algorithm::named) {
        return vec![own];
    }
    let fitting: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.fits(&key.jwk)).collect();
    let input = match (&vector.signature_input, &vector.expected_base_b64) {
        (Some(input), _) => input.clone(),
        (None, Some(base)) => String::from_utf8_lossy(&decoded(base)).into_owned(),
        (None, None) => String::new(),
    };
    let named = fitting.iter().find(|algorithm| input.contains(&format!(";alg=\"{algorithm}\"")));
    named.map_or(fitting.clone(), |named| vec![*named])
}

/// The algorithm with which a key signs here.
fn algorithm(vector: &Vector, key: &Key) -> Option<Algorithm> {
    usable(vector, key).first().copied()
}
