//! Whether an answer has the shape that the protocol wants, field by field, in words.
//!
//! The same as `fixtures/shim-protocol.schema.json`, but said so that it helps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::brief;

const OPS: &[&str] = &["base", "sign", "verify", "digest", "accept"];
const ALGS: &[&str] =
    &["ed25519", "rsa-pss-sha512", "rsa-v1_5-sha256", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "hmac-sha256"];
const FEATURES: &[&str] = &["sf", "key", "bs", "req", "tr", "query-param", "response", "policy"];
const STAGES: &[&str] = &["parse", "select", "policy", "time", "key", "base", "crypto", "digest", "replay"];

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Id,
    Text,
    Base64,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
}

struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const HELLO: &[Field] = &[
    required("id", Kind::Id),
    required("impl", Kind::Text),
    required("version", Kind::Text),
    required("ops", Kind::SomeOf(OPS)),
    required("algs", Kind::SomeOf(ALGS)),
    required("features", Kind::SomeOf(FEATURES)),
    required("clock", Kind::OneOf(&["injected", "system"])),
];

/// What is wrong with the shape of an answer to hello.
pub(super) fn hello(answer: &Value) -> Vec<String> {
    objections(answer, HELLO)
}

/// What is wrong with the shape of an answer to `op`.
pub(super) fn answer(answer: &Value, op: &str) -> Vec<String> {
    let checks = matches!(op, "verify" | "digest");
    let outcomes: &'static [&'static str] = if checks {
        &["accepted", "rejected", "unsupported", "error"]
    } else {
        &["ok", "rejected", "unsupported", "error"]
    };
    let made = answer.get("outcome").and_then(Value::as_str) == Some("ok");
    let needs = |ops: &[&str], name, kind| Field { name, kind, required: made && ops.contains(&op) };
    let fields = [
        required("id", Kind::Id),
        required("outcome", Kind::OneOf(outcomes)),
        optional("stage", Kind::OneOf(STAGES)),
        optional("reason", Kind::Text),
        needs(&["base"], "base_b64", Kind::Base64),
        needs(&["sign"], "signature_b64", Kind::Base64),
        needs(&["sign", "accept"], "signature_input", Kind::Text),
    ];
    objections(answer, &fields)
}

fn objections(answer: &Value, fields: &[Field]) -> Vec<String> {
    let Some(object) = answer.as_object() else { return vec![format!("it is {}, not an object", kind_of(answer))] };
    let mut wrong = Vec::new();
    for field in fields {
        match object.get(field.name) {
            None if field.required => {
                wrong.push(format!("`{}` is missing: it is {}", field.name, field.kind.wanted()));
            }
            None => {}
            Some(Value::Null) if !field.required => {}
            Some(value) => wrong.extend(field.kind.objection(field.name, value)),
        }
    }
    let strange = object.keys().filter(|name| !fields.iter().any(|field| field.name == *name));
    let strange: Vec<_> = strange.map(|name| format!("`{name}`")).collect();
    if !strange.is_empty() {
        let known: Vec<_> = fields.iter().map(|field| field.name).collect();
        wrong.push(format!("there is no field {}; there are: {}", strange.join(", "), known.join(", ")));
    }
    wrong
}

impl Kind {
    fn wanted(self) -> String {
        match self {
            Kind::Id => "the number of the request, as it came".to_owned(),
            Kind::Text => "a string".to_owned(),
            Kind::Base64 => "bytes in base64 with padding, as a string".to_owned(),
            Kind::OneOf(words) => format!("one of {}", words.join(", ")),
            Kind::SomeOf(words) => format!("an array with any of {}", words.join(", ")),
        }
    }

    fn objection(self, name: &str, value: &Value) -> Option<String> {
        let known = |words: &[&str], value: &Value| value.as_str().is_some_and(|word| words.contains(&word));
        let fits = match self {
            Kind::Id => value.is_u64(),
            Kind::Text => value.is_string(),
            Kind::Base64 => value.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()),
            Kind::OneOf(words) => known(words, value),
            Kind::SomeOf(words) => {
                let Some(items) = value.as_array() else { return Some(self.said(name, value)) };
                let mut strange = items.iter().enumerate().filter(|(_, item)| !known(words, item));
                return strange.next().map(|(at, item)| self.said(&format!("{name}[{at}]"), item));
            }
        };
        (!fits).then(|| self.said(name, value))
    }

    fn said(self, name: &str, value: &Value) -> String {
        let shown = match value {
            Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
            value => brief(value),
        };
        let wanted = match self {
            Kind::SomeOf(words) if name.ends_with(']') => Kind::OneOf(words).wanted(),
            kind => kind.wanted(),
        };
        format!("`{name}` is {shown}, but must be {wanted}")
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn assert_says(wrong: &[String], expected: &[&str]) {
        assert_eq!(wrong.len(), expected.len(), "{wrong:#?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.contains(expected), "{wrong}\nlacks: {expected}");
        }
    }

    #[test]
    fn hello_is_taken_apart() {
        let right = json!({"id": 0, "impl": "x", "version": "1", "ops": ["verify"], "algs": [], "features": ["sf"], "clock": "system"});
        assert_says(&hello(&right), &[]);
        assert_says(&hello(&json!([])), &["it is an array, not an object"]);
        let wrong = json!({"id": "0", "impl": 1, "ops": "verify", "algs": ["EdDSA"], "features": null, "clock": "none", "x": 1});
        let expected = [
            "`id` is \"0\", but must be the number",
            "`impl` is 1, but must be a string",
            "`version` is missing: it is a string",
            "`ops` is \"verify\", but must be an array with any of base,",
            "`algs[0]` is \"EdDSA\", but must be one of ed25519,",
            "`features` is null",
            "`clock` is \"none\", but must be one of injected, system",
            "there is no field `x`; there are: id, impl,",
        ];
        assert_says(&hello(&wrong), &expected);
    }

    #[test]
    fn what_an_answer_needs_depends_on_the_operation() {
        assert_says(&answer(&json!({"id": 1, "outcome": "accepted", "base_b64": null}), "verify"), &[]);
        assert_says(
            &answer(&json!({"id": 1, "outcome": "ok"}), "verify"),
            &["`outcome` is \"ok\", but must be one of accepted"],
        );
        assert_says(
            &answer(&json!({"id": 1, "outcome": "accepted"}), "base"),
            &["`outcome` is \"accepted\", but must be one of ok"],
        );
        assert_says(&answer(&json!({"id": 1, "outcome": "ok"}), "base"), &["`base_b64` is missing"]);
        assert_says(
            &answer(&json!({"id": 1, "outcome": "ok"}), "sign"),
            &["`signature_b64` is", "`signature_input` is"],
        );
        assert_says(&answer(&json!({"id": 1, "outcome": "ok"}), "accept"), &["`signature_input` is missing"]);
        assert_says(&answer(&json!({"id": 1, "outcome": "rejected"}), "sign"), &[]);
        let wrong = json!({"id": -1, "outcome": "rejected", "stage": "verify", "reason": 1, "base_b64": "a-b_"});
        let expected = [
            "`id` is -1",
            "`stage` is \"verify\", but must be one of parse",
            "`reason` is 1",
            "`base_b64` is \"a-b_\", but must be bytes in base64",
        ];
        assert_says(&answer(&wrong, "verify"), &expected);
    }
}
