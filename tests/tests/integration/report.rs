//! The JSON report has the shape that its schema promises.

use countersign::contract::Contract;
use countersign::report::json::report;
use countersign::suite::{RunOptions, Source, StepFailure, Steps, Suite};
use countersign::verdict::{Event, Verdict};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../fixtures/report.schema.json");

const FEATURE: &str = r#"Feature: F
  @CALL-3
  Scenario: Passes
    Then it passes

  @CALL-3 @ACL-1 @slow
  Scenario Outline: Does not pass, because it <how>
    Then it <how>
    Examples:
      | how              |
      | fails            |
      | diverges         |
      | is no fault      |
      | is not supported |
      | is not for here  |
      | takes too long   |
"#;

pub(super) fn steps() -> Steps {
    let mut steps = Steps::new();
    steps.then("it passes", async |_, _| Ok(()));
    steps.then("it fails", async |_, _| Err(StepFailure::fail("401", "200").requirement("ACL-1")));
    steps.then("it diverges", async |_, _| {
        let failure = StepFailure::fail("the peer is let in", "anonymous").hop("proxy on bob");
        Err(failure.bases("\"@authority\": a", "\"@authority\": a:443"))
    });
    steps.then("it is no fault", async |_, _| Err(StepFailure::error("no socket")));
    steps.then("it is not supported", async |_, _| Err(StepFailure::unsupported("no clock")));
    steps.then("it is not for here", async |_, _| Err(StepFailure::skip("only on a Tuesday")));
    steps.then("it takes too long", async |_, _| Err(StepFailure::timeout("an answer", "nothing")));
    steps
}

pub(super) fn given() -> Source {
    Source::Given(vec![("f.feature".to_owned(), FEATURE.to_owned())])
}

fn written() -> Value {
    let suite = Suite::load_with(&given(), steps(), Contract::embedded().unwrap()).unwrap();
    let summary = suite.run(&RunOptions::default(), &mut |_: &Event| {}).unwrap();
    assert_eq!(summary.count(Verdict::Pass), 1);
    serde_json::to_value(report(&summary)).unwrap()
}

/// What the schema has against a report.
fn objections(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_kind_of_verdict_and_evidence_keeps_to_the_schema() {
    assert_eq!(objections(&written()), Vec::<String>::new());
}

#[test]
fn what_the_schema_does_not_promise_is_refused() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 7] = [
        ("an unknown verdict", |report| report["scenarios"][0]["verdict"] = json!("fine")),
        ("a pass with a failure", |report| {
            report["scenarios"][0]["failure"] = report["scenarios"][1]["failure"].clone()
        }),
        ("a failure without evidence", |report| {
            report["scenarios"][1].as_object_mut().unwrap().remove("failure");
        }),
        ("a count that is missing", |report| {
            report["summary"].as_object_mut().unwrap().remove("timeout");
        }),
        ("a field that is not known", |report| report["colour"] = json!("red")),
        ("bases without a line", |report| {
            report["scenarios"][2]["failure"]["bases"].as_object_mut().unwrap().remove("line");
        }),
        ("a hash that is none", |report| report["suite"]["features_sha256"] = json!("abc")),
    ];
    let good = written();
    for (what, change) in changes {
        let mut report = good.clone();
        change(&mut report);
        assert!(!objections(&report).is_empty(), "{what} was taken");
    }
}

#[test]
fn the_report_says_what_came_out() {
    let report = written();
    assert_eq!(report["summary"]["pass"], 1);
    assert_eq!(report["summary"]["fail"], 2);
    assert_eq!(report["summary"]["timeout"], 1);
    let names: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(names, ["suite", "subject", "summary", "requirements", "scenarios", "stale", "not_run", "flaky"]);

    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios[1]["id"], "f/does-not-pass-because-it-how/fails");
    assert_eq!(scenarios[1]["failure"]["requirement"], "ACL-1");
    assert_eq!(scenarios[1]["failure"]["replay"], "countersign check --name 'f/does-not-pass-because-it-how/fails'");
    assert_eq!(scenarios[2]["failure"]["bases"]["line"], 1);

    let requirements = report["requirements"].as_array().unwrap();
    let of = |id: &str| requirements.iter().find(|requirement| requirement["id"] == id).unwrap();
    assert_eq!(of("CALL-3")["verdict"], "fail");
    assert_eq!(of("CALL-3")["scenarios"].as_array().unwrap().len(), 7);
    assert_eq!(of("CALL-4")["verdict"], Value::Null);
}
