//! The JSON report has the shape that its schema promises.

use std::collections::HashSet;

use countersign::contract::Contract;
use countersign::report::json::report;
use countersign::report::junit;
use countersign::suite::{RunOptions, Selection, Source, StepFailure, Steps, Suite, run};
use countersign::verdict::{Event, Summary, Verdict};
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

fn summary() -> Summary {
    let suite = Suite::load_with(&given(), steps(), Contract::embedded().unwrap()).unwrap();
    let summary = suite.run(&RunOptions::default(), &mut |_: &Event| {}).unwrap();
    assert_eq!(summary.count(Verdict::Pass), 1);
    summary
}

fn written() -> Value {
    serde_json::to_value(report(&summary())).unwrap()
}

/// A report on some scenarios of the real features, with the hops of their requests.
fn real() -> Value {
    let selection = Selection::all().tags("@CALL-1 or @AUTH-3".parse().unwrap());
    let summary = run(&RunOptions { selection, ..RunOptions::default() }, &mut |_: &Event| {}).unwrap();
    assert!(summary.scenarios.len() > 5, "{}", summary.scenarios.len());
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
fn what_went_over_the_wire_keeps_to_the_schema() {
    let report = real();
    assert_eq!(objections(&report), Vec::<String>::new());
    let text = report.to_string();
    for what in [
        "\"hop\":",
        "\"body\":",
        "\"end\":\"complete\"",
        "\"signature\":",
        "\"rejected\":",
        "\"verified\"",
        "\"party\":\"outside\"",
    ] {
        assert!(text.contains(what), "no {what} in the report");
    }
}

/// Of an element: the attributes that it must have, those that it may have, and what may stand in it.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// What the readers of GitHub, GitLab and Jenkins hold in common.
const JUNIT: [Rule; 6] = [
    ("testsuites", &["name", "tests", "failures", "errors", "time"], &[], &["testsuite"]),
    ("testsuite", &["name", "tests", "failures", "errors", "skipped", "time"], &[], &["testcase"]),
    ("testcase", &["classname", "name", "time"], &[], &["failure", "error", "skipped"]),
    ("failure", &["message", "type"], &[], &[]),
    ("error", &["message", "type"], &[], &[]),
    ("skipped", &["message"], &[], &[]),
];

/// What the rules have against a JUnit report.
fn junit_objections(text: &str) -> Vec<String> {
    let document = match roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let mut objections = Vec::new();
    let mut names = HashSet::new();
    if document.root_element().tag_name().name() != "testsuites" {
        objections.push("the root is no testsuites".to_owned());
    }
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        let Some((_, must, may, inside)) = JUNIT.iter().find(|rule| rule.0 == name) else {
            objections.push(format!("<{name}> is not known"));
            continue;
        };
        let has = |attribute: &&&str| node.attribute(**attribute).is_some();
        objections.extend(must.iter().filter(|it| !has(it)).map(|it| format!("<{name}> has no {it}")));
        let unknown = node.attributes().filter(|it| !must.contains(&it.name()) && !may.contains(&it.name()));
        objections.extend(unknown.map(|it| format!("<{name}> has {}", it.name())));
        let children: Vec<_> = node.children().filter(roxmltree::Node::is_element).collect();
        let strange = children.iter().filter(|child| !inside.contains(&child.tag_name().name()));
        objections.extend(strange.map(|child| format!("<{}> in <{name}>", child.tag_name().name())));
        let seconds = node.attribute("time").is_none_or(|time| time.parse::<f64>().is_ok_and(|time| time >= 0.0));
        if !seconds {
            objections.push(format!("<{name}> has a time that is none"));
        }
        if name == "testcase" {
            if children.len() > 1 {
                objections.push("a testcase has several outcomes".to_owned());
            }
            if !names.insert((node.attribute("classname"), node.attribute("name"))) {
                objections.push(format!("{:?} is there twice", node.attribute("name")));
            }
        }
        let cases = |of: &str| node.descendants().filter(|it| it.tag_name().name() == of).count().to_string();
        for (attribute, of) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            if node.attribute(attribute).is_some_and(|said| said != cases(of)) {
                objections.push(format!("<{name}> counts its {attribute} wrongly"));
            }
        }
    }
    objections
}

#[test]
fn the_junit_report_keeps_to_what_its_readers_know() {
    let written = junit::check(&summary());
    assert_eq!(junit_objections(&written), Vec::<String>::new(), "{written}");
    let changes = [
        ("a count that is wrong", written.replacen("tests=\"7\"", "tests=\"8\"", 1)),
        ("a case without a name", written.replacen(" name=\"passes\"", "", 1)),
        ("an attribute that is not known", written.replacen("<testcase ", "<testcase colour=\"red\" ", 1)),
        ("an element that is not known", written.replacen("<skipped", "<omitted", 1)),
        ("a text that breaks out", written.replacen("</failure>", "</failure><b>", 1)),
    ];
    for (what, changed) in changes {
        assert_ne!(changed, written, "{what}");
        assert!(!junit_objections(&changed).is_empty(), "{what} was taken");
    }
}

#[test]
fn a_junit_testcase_is_named_after_its_scenario_and_says_what_came_out() {
    let written = junit::check(&summary());
    let document = roxmltree::Document::parse(&written).unwrap();
    let of = |name: &str| {
        let name = format!("does-not-pass-because-it-how/{name}");
        let case = document.descendants().find(|it| it.attribute("name") == Some(name.as_str())).unwrap();
        assert_eq!(case.attribute("classname"), Some("f"));
        let outcome = case.first_element_child().unwrap();
        (outcome.tag_name().name().to_owned(), outcome.attribute("message").unwrap().to_owned())
    };
    assert_eq!(of("fails"), ("failure".into(), "ACL-1: expected 401, got 200".into()));
    assert_eq!(of("is-no-fault"), ("error".into(), "no socket".into()));
    assert_eq!(of("is-not-supported"), ("skipped".into(), "unsupported: no clock".into()));
    assert_eq!(of("is-not-for-here"), ("skipped".into(), "only on a Tuesday".into()));
    assert_eq!(of("takes-too-long").0, "failure");
}

#[test]
fn what_a_text_holds_cannot_break_a_junit_report() {
    let mut summary = summary();
    summary.scenarios[1].failure.as_mut().unwrap().got = "]]></failure><b a='\"'>&\u{0}\u{1b}[31m\u{ffff}".into();
    summary.scenarios[1].scenario.id = "f/\"<&>\n\u{7}".into();
    let written = junit::check(&summary);
    assert_eq!(junit_objections(&written), Vec::<String>::new(), "{written}");
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
    assert_eq!(report["scenarios"][0]["record"]["steps"][0]["text"], "Then it passes");
    let names: Vec<&String> = report.as_object().unwrap().keys().collect();
    let expected =
        ["suite", "subject", "summary", "seconds", "ended_early", "time_up", "requirements", "scenarios", "stale"];
    assert_eq!(names, [&expected[..], &["not_run", "flaky"]].concat());

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
