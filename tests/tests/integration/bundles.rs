//! A failure leaves a bundle from which it can be run again as it was, against the same Core or another.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign::bundle::{self, Again, Bundle, Folder};
use countersign::subject::Subject;
use countersign::suite::{Given, RunOptions, Selection, Source, StepFailure, Steps, Suite};
use countersign::testbed::faults::ProxyFault;
use countersign::verdict::{Event, ScenarioResult, Verdict};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../fixtures/bundle.schema.json");

/// Mallory is played by the harness, which makes her key and signs for her.
const FEATURE: &str = r#"Feature: F
  @AUTH-2
  Scenario: A signed call with a query is let in
    Given the Portal bob
    And the fake Portal mallory
    And bob has added mallory as a peer
    And bob runs chat with the paths
      | path    | access  | headers  |
      |         | private | identity |
      | /peers/ | peer    | identity |
    And a request GET /peers/inbox?page=2 to bob's chat
    And it is signed by mallory
    When it is sent
    Then it is let in as the peer mallory
"#;

fn run(feature: &str, options: RunOptions) -> ScenarioResult {
    let suite = Suite::load(&Source::Given(vec![("f.feature".to_owned(), feature.to_owned())])).unwrap();
    let summary = suite.run(&options, &mut |_: &Event| {}).unwrap();
    summary.scenarios.into_iter().next().unwrap()
}

fn faulty() -> Subject {
    Subject::builtin().with_faults(ProxyFault::HidesQueryFromCore)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What fails, and the bundle that it left.
fn failed(folder: &Path) -> (ScenarioResult, PathBuf) {
    let bundles = Arc::new(Folder::create(folder, Vec::new()).unwrap());
    let options = RunOptions { subject: faulty(), bundles: Some(Arc::clone(&bundles)), ..RunOptions::default() };
    let result = run(FEATURE, options);
    assert_eq!(result.verdict, Verdict::Fail, "{:?}", result.failure);
    assert_eq!(bundles.finish().unwrap(), 1);
    let [file] = files(folder).try_into().unwrap();
    (result, file)
}

fn again(bundle: &Bundle, subject: Subject) -> ScenarioResult {
    let options = RunOptions {
        subject,
        selection: Selection::all().id(&bundle.scenario.id),
        seed: bundle.seed(),
        given: Given { keys: Arc::new(bundle.keys().clone()), began: Some(bundle.began()) },
        ..RunOptions::default()
    };
    run(&bundle.scenario.text, options)
}

/// What mallory sent: its target, and what it was signed with.
fn sent(result: &ScenarioResult) -> Vec<(String, Option<String>, Option<String>)> {
    let hops = result.record.entries.iter().filter_map(|entry| match &entry.what {
        countersign::trace::What::Hop(hop) if hop.field("signature").is_some() => Some(hop),
        _ => None,
    });
    let shown = |hop: &countersign::trace::Hop, name: &str| hop.field(name).map(str::to_owned);
    hops.map(|hop| (hop.target.clone(), shown(hop, "signature-input"), shown(hop, "signature"))).collect()
}

#[test]
fn a_failure_is_run_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (result, file) = failed(folder.path());
    let said = &result.failure.as_ref().unwrap().replay;
    assert_eq!(*said, format!("countersign replay {}", file.display()));

    let bundle = bundle::load(&file).unwrap();
    assert!(bundle.keys().contains_key("mallory"));
    let same = again(&bundle, faulty());
    assert_eq!(bundle.compare(&same), Again::TheSame);
    assert_eq!(bundle.compare(&again(&bundle, Subject::builtin())), Again::Passes);
    let other = Subject::builtin().with_faults(ProxyFault::SkipsAuthForGet);
    assert!(matches!(bundle.compare(&again(&bundle, other)), Again::Otherwise(_)));
}

/// The harness draws the same. What is other is the target, which holds the Core's new ID.
#[test]
fn a_replay_has_the_keys_and_the_nonce_of_the_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let (result, file) = failed(folder.path());
    let bundle = bundle::load(&file).unwrap();
    let same = again(&bundle, faulty());
    let nonce = |result: &ScenarioResult| {
        let input = sent(result).first().and_then(|(_, input, _)| input.clone()).unwrap();
        let nonce = input.split(';').find(|part| part.starts_with("nonce=")).unwrap().to_owned();
        let keyid = input.split(';').find(|part| part.starts_with("keyid=")).unwrap().to_owned();
        (nonce, keyid)
    };
    assert_eq!(nonce(&result), nonce(&same));
    let fresh = run(FEATURE, RunOptions { subject: faulty(), ..RunOptions::default() });
    assert_ne!(nonce(&result), nonce(&fresh));

    // The clock begins where it began.
    let created = |result: &ScenarioResult| {
        let input = sent(result).first().and_then(|(_, input, _)| input.clone()).unwrap();
        let created = input.split(';').find_map(|part| part.strip_prefix("created=")).unwrap().to_owned();
        created.parse::<u64>().unwrap()
    };
    let mut long_ago = fs::read_to_string(&file).unwrap();
    long_ago = long_ago.replace(&format!("\"began\": {}", bundle.began()), "\"began\": 1500000000");
    fs::write(&file, long_ago).unwrap();
    let replayed = again(&bundle::load(&file).unwrap(), faulty());
    assert!((1_500_000_000..1_500_000_060).contains(&created(&replayed)), "{}", created(&replayed));
    assert_eq!(bundle.compare(&replayed), Again::TheSame);
}

/// What the schema has against a bundle.
fn objections(bundle: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator.iter_errors(bundle).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn a_bundle_keeps_to_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (_, file) = failed(folder.path());
    let mut bundle: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(objections(&bundle), Vec::<String>::new());
    let kinds = ["request", "answer", "signature"];
    let trace = bundle["trace"].as_array().unwrap();
    for kind in kinds {
        assert!(trace.iter().any(|entry| entry.get(kind).is_some()), "no {kind}");
    }
    let refusal = trace.iter().rev().find_map(|entry| entry["answer"].get("body")).unwrap();
    assert_eq!((&refusal["end"], refusal["text"].as_str().unwrap().contains("code")), (&"complete".into(), true));
    // Those that were written before there were bodies.
    let mut old = bundle.clone();
    for message in old["trace"].as_array_mut().unwrap().iter_mut().flat_map(|entry| entry.as_object_mut().unwrap()) {
        message.1.as_object_mut().unwrap().remove("body");
    }
    assert_eq!(objections(&old), Vec::<String>::new());
    let file = folder.path().join("old.json");
    fs::write(&file, old.to_string()).unwrap();
    bundle::load(&file).unwrap();

    bundle["keys"]["mallory"] = "secret".into();
    bundle["colour"] = "red".into();
    assert_eq!(objections(&bundle).len(), 2);
}

/// Fail, timeout and error leave one; all else leaves none.
#[test]
fn every_failure_leaves_one_bundle_and_nothing_else_does() {
    let steps = || {
        let mut steps = Steps::new();
        steps.then("it passes", async |_, _| Ok(()));
        steps.then("it fails", async |_, _| Err(StepFailure::fail("401", "200")));
        steps.then("it hangs", async |_, _| Err(StepFailure::timeout("an answer", "nothing")));
        steps.then("it errs", async |_, _| Err(StepFailure::error("no socket")));
        steps.then("it can't", async |_, _| Err(StepFailure::unsupported("no clock")));
        steps.then("it skips", async |_, _| Err(StepFailure::skip("not here")));
        steps
    };
    let feature = "Feature: F\n  @CALL-3\n  Scenario Outline: It\n    Then it <how>\n    Examples:\n      | how |\n      \
                   | passes |\n      | fails |\n      | hangs |\n      | errs |\n      | can't |\n      | skips |\n";
    let source = Source::Given(vec![("f.feature".to_owned(), feature.to_owned())]);
    let suite = Suite::load_with(&source, steps(), countersign::contract::Contract::embedded().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bundles = Arc::new(Folder::create(folder.path(), Vec::new()).unwrap());
    let options = RunOptions { bundles: Some(bundles), ..RunOptions::default() };
    let summary = suite.run(&options, &mut |_: &Event| {}).unwrap();
    let mut left: Vec<String> =
        files(folder.path()).iter().map(|file| bundle::load(file).unwrap().scenario.id).collect();
    left.sort();
    assert_eq!(left, ["f/it/errs", "f/it/fails", "f/it/hangs"]);
    for result in &summary.scenarios {
        let replay = result.failure.as_ref().map(|failure| failure.replay.as_str()).unwrap_or_default();
        assert_eq!(replay.contains("countersign replay "), left.contains(&result.scenario.id), "{replay}");
    }
}
