//! The shim protocol is what its schema says, in both directions.

use countersign::vectors::corpus::{FieldTypeName, Policy};
use countersign::vectors::protocol::{Case, Request, VERSION};
use countersign::vectors::shim::check::Sample;
use countersign::vectors::shim::core::Core;
use countersign::vectors::shim::serve::serve;
use jsonschema::Validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../fixtures/shim-protocol.schema.json");
const THEN: u64 = 1_618_884_473;

/// The schema of one of its definitions.
pub(super) fn schema(definition: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    assert!(schema["$defs"][definition].is_object(), "the schema has no {definition}");
    let root = schema.as_object_mut().unwrap();
    root.remove("anyOf");
    root.insert("$ref".into(), json!(format!("#/$defs/{definition}")));
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
pub(super) fn assert_valid(schema: &Validator, message: &Value) {
    let objections: Vec<_> =
        schema.iter_errors(message).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(objections, Vec::<String>::new(), "{message}");
}

fn samples() -> Vec<Request> {
    let sample = Sample::ed25519(THEN).unwrap();
    let verify = sample.to_verify(1, THEN);
    let policy = Policy {
        required: vec!["\"@method\"".into(), "\"x\";sf".into()],
        algs: vec!["ed25519".into()],
        max_age: Some(1),
        skew: Some(1),
        tag: Some("app".into()),
        require_created: Some(true),
        reject_expired: Some(false),
    };
    let mut keyless = Case { policy, ..verify.clone() };
    keyless.keys.clear();
    let mut response = sample.to_base(4, THEN);
    let request = sample.to_digest(0, THEN);
    response.message_b64 = sample.to_accept(0, THEN).message_b64;
    response.parsed = sample.to_accept(0, THEN).parsed;
    response.related_request_b64 = Some(request.message_b64);
    response.related_request_parsed = Some(request.parsed);
    response.signature_input = Some("(\"@status\" \"@method\";req)".into());
    let mut typed = sample.to_base(5, THEN);
    typed.field_types.insert("content-type".into(), FieldTypeName::Item);
    let hmac = Sample::hmac(THEN).unwrap();
    let requests = [
        Request::Hello { v: VERSION, id: 0, suite: "0".into() },
        Request::Verify(Box::new(verify)),
        Request::Verify(Box::new(sample.forged().to_verify(2, THEN))),
        Request::Verify(Box::new(keyless)),
        Request::Base(Box::new(response)),
        Request::Base(Box::new(typed)),
        Request::Base(Box::new(sample.to_base(6, THEN))),
        Request::Sign(Box::new(sample.to_sign(7, THEN))),
        Request::Sign(Box::new(hmac.to_sign(8, THEN))),
        Request::Digest(Box::new(sample.to_digest(9, THEN))),
        Request::Digest(Box::new(sample.with_other_content().to_digest(10, THEN))),
        Request::Accept(Box::new(sample.to_accept(11, THEN))),
    ];
    requests.into()
}

/// Each request as a line, and what the built-in engine's shim says to it.
fn traffic(requests: &[Request]) -> Vec<(Value, Value)> {
    let lines: Vec<String> = requests.iter().map(|request| serde_json::to_string(request).unwrap()).collect();
    let mut output = Vec::new();
    serve(&Core, &mut lines.join("\n").as_bytes(), &mut output, &mut Vec::new()).unwrap();
    let answers: Vec<Value> =
        output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.len(), answers.len());
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).zip(answers).collect()
}

fn assert_keeps_to_the_schema(requests: &[Request]) {
    let (to_shim, from_shim) = (schema("to_shim"), schema("from_shim"));
    for (request, answer) in traffic(requests) {
        assert_valid(&to_shim, &request);
        assert_valid(&from_shim, &answer);
        let op = request["op"].as_str().unwrap();
        assert_valid(&schema(&format!("{op}_request")), &request);
        assert_valid(&schema(&format!("{op}_answer")), &answer);
    }
}

#[test]
fn all_kinds_of_messages_keep_to_the_schema() {
    assert_keeps_to_the_schema(&samples());
}

#[test]
fn answers_to_what_is_no_request_keep_to_the_schema_too() {
    let mut output = Vec::new();
    let lines = "{\"id\":1,\"op\":\"x\"}\n{\"id\":2,\"op\":\"verify\"}\n";
    serve(&Core, &mut lines.as_bytes(), &mut output, &mut Vec::new()).unwrap();
    let from_shim = schema("from_shim");
    let answers = String::from_utf8(output).unwrap();
    assert_eq!(answers.lines().count(), 2);
    for answer in answers.lines() {
        assert_valid(&from_shim, &serde_json::from_str(answer).unwrap());
    }
}

type Change = (&'static str, fn(&mut Value));

/// Makes one change to a message that is right, and says which of them are not refused.
fn not_refused(schema: &Validator, right: &Value, changes: &[Change]) -> Vec<&'static str> {
    assert_valid(schema, right);
    let accepted = changes.iter().filter(|(_, change)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        assert_ne!(&wrong, right);
        schema.is_valid(&wrong)
    });
    accepted.map(|(name, _)| *name).collect()
}

fn without(message: &mut Value, field: &str) {
    assert!(message.as_object_mut().unwrap().remove(field).is_some(), "there is no {field} to remove");
}

fn exchange(id: u64) -> (Value, Value) {
    traffic(&samples()).into_iter().find(|(request, _)| request["id"] == id).unwrap()
}

#[test]
fn wrong_requests_are_refused() {
    let (hello, _) = exchange(0);
    let changes: [Change; 3] = [
        ("another version", |hello| hello["v"] = json!(2)),
        ("no suite", |hello| without(hello, "suite")),
        ("something else", |hello| hello["more"] = json!(1)),
    ];
    assert_eq!(not_refused(&schema("to_shim"), &hello, &changes), Vec::<&str>::new());
    let (verify, _) = exchange(1);
    let changes: [Change; 15] = [
        ("no keys", |verify| without(verify, "keys")),
        ("no id", |verify| without(verify, "id")),
        ("an id as text", |verify| verify["id"] = json!("1")),
        ("an unknown op", |verify| verify["op"] = json!("check")),
        ("no label", |verify| without(verify, "label")),
        ("no time", |verify| without(verify, "now")),
        ("no message", |verify| without(verify, "message_b64")),
        ("a message that is not base64", |verify| verify["message_b64"] = json!("a-b_")),
        ("a message taken apart with half a line", |verify| verify["parsed"]["fields"][0] = json!(["Host"])),
        ("a scheme that is none", |verify| verify["scheme"] = json!("ftp")),
        ("a key without name", |verify| without(&mut verify["keys"][0], "kid")),
        ("an algorithm that is none", |verify| verify["keys"][0]["alg"] = json!("EdDSA")),
        ("a private key beside", |verify| verify["key"] = verify["keys"][0].clone()),
        ("an unknown policy", |verify| verify["policy"]["min_age"] = json!(1)),
        ("what is expected", |verify| verify["verdict"] = json!("valid")),
    ];
    assert_eq!(not_refused(&schema("to_shim"), &verify, &changes), Vec::<&str>::new());
    let (sign, _) = exchange(7);
    let changes: [Change; 2] =
        [("no key", |sign| without(sign, "key")), ("no signature input", |sign| without(sign, "signature_input"))];
    assert_eq!(not_refused(&schema("to_shim"), &sign, &changes), Vec::<&str>::new());
}

#[test]
fn wrong_answers_are_refused() {
    let (_, hello) = exchange(0);
    let changes: [Change; 7] = [
        ("no name", |hello| without(hello, "impl")),
        ("an op in capitals", |hello| hello["ops"][0] = json!("Base")),
        ("an algorithm that is none", |hello| hello["algs"] = json!(["EdDSA"])),
        ("a feature that is none", |hello| hello["features"] = json!(["query_param"])),
        ("an op twice", |hello| hello["ops"] = json!(["verify", "verify"])),
        ("a clock that is none", |hello| hello["clock"] = json!("none")),
        ("no clock", |hello| without(hello, "clock")),
    ];
    assert_eq!(not_refused(&schema("from_shim"), &hello, &changes), Vec::<&str>::new());
    let (_, verify) = exchange(1);
    let changes: [Change; 7] = [
        ("no id", |verify| without(verify, "id")),
        ("no outcome", |verify| without(verify, "outcome")),
        ("another word for it", |verify| verify["outcome"] = json!("valid")),
        ("ok", |verify| verify["outcome"] = json!("ok")),
        ("a base that is not base64", |verify| verify["base_b64"] = json!("\"@method\": POST")),
        ("a stage that is none", |verify| verify["stage"] = json!("verify")),
        ("a field that is none", |verify| verify["base"] = json!("")),
    ];
    assert_eq!(not_refused(&schema("verify_answer"), &verify, &changes), Vec::<&str>::new());
    for (id, op, needs) in [(6, "base", "base_b64"), (7, "sign", "signature_b64"), (11, "accept", "signature_input")] {
        let (_, answer) = exchange(id);
        let schema = schema(&format!("{op}_answer"));
        assert_eq!(answer["outcome"], "ok");
        let mut wrong = answer.clone();
        without(&mut wrong, needs);
        assert!(schema.is_valid(&answer) && !schema.is_valid(&wrong), "{op} without {needs}");
        wrong["outcome"] = json!("rejected");
        assert!(schema.is_valid(&wrong), "{op} that is refused");
        let accepted = json!({ "id": 1, "outcome": "accepted" });
        assert!(!schema.is_valid(&accepted), "{op}: accepted");
    }
}
