//! The report on vectors: what people read, and the shape that programs rely on. On a library of which everything comes
//! out that can, with a corpus of its own, so that the real one may grow.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::expectations::Expectations;
use countersign::report::terminal::Detail;
use countersign::report::vectors::VectorReport;
use countersign::report::vectors::json::report;
use countersign::vectors::corpus::{Feature, Op};
use countersign::vectors::load::Corpus;
use countersign::vectors::protocol::{Answer, Clock, Hello, Outcome, Request};
use countersign::vectors::results::{Conclusion, VectorEvent, VectorSink as _, VectorSummary};
use countersign::vectors::runner::{Target, VectorOptions, run};
use countersign::vectors::shim::Subject;
use countersign::verdict::Verdict;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../fixtures/vectors-report.schema.json");

const BASE: &str = "\"@method\": GET\n\"@authority\": example.com\n\
    \"@signature-params\": (\"@method\" \"@authority\");created=1618884473;keyid=\"k\"";

/// A library that does what the path of the request says.
struct Obedient;

impl Subject for Obedient {
    fn hello(&self) -> Hello {
        Hello {
            id: 0,
            implementation: "obedient".to_owned(),
            version: "1.0".to_owned(),
            ops: vec![Op::Verify, Op::Base],
            algs: vec!["ed25519".to_owned(), "hmac-sha256".to_owned()],
            features: vec![Feature::Sf, Feature::Response],
            clock: Clock::Injected,
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let (Request::Verify(case) | Request::Base(case)) = request else { panic!("it has not declared that") };
        let target = case.parsed.target.as_deref().unwrap();
        let other = BASE.replace("example.com", "Example.com:443");
        let (outcome, base) = match target {
            "/accept" => (Outcome::Accepted, Some(BASE)),
            "/accept-other" => (Outcome::Accepted, Some(other.as_str())),
            "/make" => (Outcome::Ok, Some(BASE)),
            "/make-other" => (Outcome::Ok, Some(other.as_str())),
            "/refuse" => (Outcome::Rejected, None),
            "/fail" => (Outcome::Error, None),
            "/panic" => panic!("no luck today"),
            "/hang" => {
                std::thread::park_timeout(Duration::from_secs(3));
                (Outcome::Accepted, None)
            }
            other => panic!("{other}"),
        };
        Answer {
            id: request.id(),
            outcome,
            stage: (outcome == Outcome::Rejected).then(|| "crypto".to_owned()),
            reason: (outcome == Outcome::Rejected).then(|| "the signature does not verify".to_owned()),
            base_b64: base.map(|base| STANDARD.encode(base)),
            signature_b64: None,
            signature_input: None,
        }
    }
}

fn vector(id: &str, path: &str, more: Value) -> Value {
    let message = format!("GET {path} HTTP/1.1\r\nHost: Example.com:443\r\n\r\n");
    let mut vector = json!({
        "id": id, "title": format!("What is asked for with {path}"), "authority": "rfc9421",
        "rfc_refs": [{"id": "R9421-2.2.3-lower-case", "section": "2.2.3", "level": "MUST",
            "quote": "The host name is normalized to lowercase, and the default port is omitted."}],
        "op": "verify", "message_b64": STANDARD.encode(message), "scheme": "https", "keys": ["k"], "now": 1618884500,
        "label": "sig1", "expected_base_b64": STANDARD.encode(BASE), "verdict": "valid",
    });
    vector.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    vector
}

fn corpus() -> Corpus {
    let keys = json!({"k": {"alg": "hmac-sha256", "jwk": {"kty": "oct", "kid": "k", "k": "AAAA"}}});
    let file = |section: &str, title: &str, vectors: Value| {
        let file = json!({"version": "1.2.3", "section": section, "title": title, "keys": keys, "vectors": vectors});
        (format!("{section}.json"), file.to_string())
    };
    let invalid = json!({"twin_of": "2.2.3-passes", "defect": {"part": "message"}, "verdict": "invalid",
        "reject_stage": "time", "severity": "high"});
    let should = json!([{"id": "R9421-2.3-should", "section": "2.3", "level": "SHOULD", "quote": "It SHOULD."}]);
    let files = [
        file(
            "2.2.3",
            "@authority",
            json!([
                vector("2.2.3-passes", "/accept", json!({})),
                vector("2.2.3-other-base", "/make-other", json!({"op": "base", "signature_input": "()"})),
                vector(
                    "2.2.3-accepted-over-another",
                    "/accept-other",
                    json!({"requires": ["sf"], "severity": "medium"})
                ),
                vector("2.2.3-wrongly-refused", "/refuse", json!({"requires": ["sf"]})),
                vector("2.2.3-wrongly-accepted", "/accept", invalid),
                vector("2.2.3-known", "/refuse", json!({"severity": "low"})),
                vector("2.2.3-known-no-more", "/accept", json!({})),
            ]),
        ),
        file(
            "2.3",
            "Signature Parameters",
            json!([
                vector("2.3-not-declared", "/accept", json!({"requires": ["bs", "tr"]})),
                vector("2.3-not-declared-either", "/accept", json!({"op": "digest"})),
                vector("2.3-crashes", "/panic", json!({})),
                vector("2.3-hangs", "/hang", json!({})),
                vector("2.3-shim-fails", "/fail", json!({})),
                vector("2.3-should", "/refuse", json!({"rfc_refs": should})),
            ]),
        ),
    ];
    Corpus::of_texts(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))).unwrap()
}

const KNOWN: &str = "[[known]]\nid = \"2.2.3-known\"\nreason = \"waits for release 1.1\"\nowner = \"ann\"\nuntil = 9999-12-31\n\n\
    [[known]]\nid = \"2.2.3-known-no-more\"\nreason = \"was mended\"\nowner = \"ann\"\nuntil = 9999-12-31\n";

fn options() -> VectorOptions {
    VectorOptions {
        expectations: Expectations::parse(Path::new("known.toml"), KNOWN, 0).unwrap(),
        case_within: Duration::from_secs(1),
        command: "countersign vectors --subject obedient".to_owned(),
        ..VectorOptions::default()
    }
}

fn summary(sink: &mut dyn FnMut(&VectorEvent)) -> VectorSummary {
    let target = Target::BuiltIn("obedient".to_owned(), Arc::new(Obedient));
    run(&corpus(), &target, &options(), &mut |event: &VectorEvent| sink(event)).unwrap()
}

fn written() -> Value {
    serde_json::to_value(report(&summary(&mut |_| {}))).unwrap()
}

fn objections(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn everything_comes_out_as_it_must() {
    let summary = summary(&mut |_| {});
    let verdicts: Vec<Verdict> = summary.vectors.iter().map(|result| result.verdict).collect();
    use Verdict::*;
    let expected = [
        Pass,
        Fail,
        Fail,
        Fail,
        Fail,
        KnownFailure,
        UnexpectedPass,
        Unsupported,
        Unsupported,
        Fail,
        Timeout,
        Error,
        Fail,
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(summary.conclusion(), Conclusion::Error);
    assert_eq!(summary.apart().count(), 1);
}

#[test]
fn the_report_in_the_terminal() {
    let mut report = VectorReport::new(Vec::new(), Detail::Normal);
    summary(&mut |event| report.event(event));
    let text = String::from_utf8(report.finish().unwrap()).unwrap();
    insta::assert_snapshot!(without_places(&text));
}

/// What changes with every run, or with every edit of this file.
fn without_places(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.rsplit_once("; ") {
            Some((before, seconds)) if seconds.ends_with(" s") => format!("{before}; ? s"),
            _ => line.to_owned(),
        };
        match line.split_once(" (at ") {
            // Where it panicked is known unless a suite, in another test, has its own panic hook in place just now.
            Some((before, _)) => lines.push(before.to_owned()),
            None => lines.push(line),
        }
    }
    lines.join("\n")
}

#[test]
fn the_report_for_programs_keeps_to_its_schema() {
    assert_eq!(objections(&written()), Vec::<String>::new());
}

#[test]
fn the_real_corpus_on_the_built_in_engine_keeps_to_it_too() {
    let corpus = Corpus::embedded().unwrap();
    let target = Target::parse("core").unwrap();
    let summary = run(&corpus, &target, &VectorOptions::default(), &mut |_: &VectorEvent| {}).unwrap();
    let broken: Vec<&str> = summary.breaking().map(|result| result.vector.id.as_str()).collect();
    assert_eq!(broken, [""; 0]);
    assert_eq!(summary.conclusion(), Conclusion::Conforms);
    assert_eq!(summary.count(Verdict::Unsupported), 0);
    assert_eq!(objections(&serde_json::to_value(report(&summary)).unwrap()), Vec::<String>::new());
}

#[test]
fn what_the_schema_does_not_promise_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 8] = [
        ("an unknown verdict", |report| report["vectors"][0]["verdict"] = json!("fine")),
        ("an unknown conclusion", |report| report["conclusion"] = json!("perhaps")),
        ("a pass with a failure", |report| report["vectors"][0]["failure"] = report["vectors"][1]["failure"].clone()),
        ("a failure without evidence", |report| {
            report["vectors"][1].as_object_mut().unwrap().remove("failure");
        }),
        ("a known failure without its reason", |report| {
            report["vectors"][5].as_object_mut().unwrap().remove("known");
        }),
        ("a count that is missing", |report| {
            report["summary"].as_object_mut().unwrap().remove("timeout");
        }),
        ("a field that is not known", |report| report["colour"] = json!("red")),
        ("a library without a name", |report| report["subject"]["name"] = json!("")),
    ];
    let good = written();
    for (what, change) in changes {
        let mut report = good.clone();
        change(&mut report);
        assert!(!objections(&report).is_empty(), "{what} was taken");
    }
}

/// Whoever reads reports of `check` finds the same counts.
#[test]
fn the_summary_has_the_keys_of_check_s_report() {
    let of_check: Value = serde_json::from_str(include_str!("../../../fixtures/report.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |schema: &Value| schema["properties"]["summary"]["required"].clone();
    assert_eq!(keys(&of_check), keys(&schema));
    let names: Vec<String> = written()["summary"].as_object().unwrap().keys().cloned().collect();
    assert!(keys(&schema).as_array().unwrap().iter().all(|key| names.contains(&key.as_str().unwrap().to_owned())));
}
