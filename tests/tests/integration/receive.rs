//! The receiving side is tested in two ways: through a proxy, or by the suite's own question to the Core.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use countersign::bundle::{self, Folder};
use countersign::subject::{Receive, Subject};
use countersign::suite::{RunOptions, Selection, Source, Suite};
use countersign::testbed::faults::ProxyFault;
use countersign::trace::What;
use countersign::verdict::{Event, ScenarioResult, Summary, Verdict};
use countersign_tests::mutants::{self, Mutant};
use regex::Regex;

/// Of each kind some: what the Core decides, what an app is told, a call between two Cores, what a proxy alone can show.
const SOME: &str = "^(authentication/|access/|terminals/|call_sequence/|proxy/|hostile_targets/)";

fn run(subject: Subject, selection: Selection) -> Summary {
    let suite = Suite::load(&Source::Embedded).unwrap();
    suite.run(&RunOptions { subject, selection, ..RunOptions::default() }, &mut |_: &Event| {}).unwrap()
}

fn some(pattern: &str) -> Selection {
    Selection::all().name(Regex::new(pattern).unwrap())
}

fn directly(subject: Subject) -> Subject {
    subject.received(Receive::Direct)
}

#[test]
fn a_core_that_is_right_is_right_both_ways_and_what_a_proxy_does_is_asked_of_none_that_is_not_there() {
    let edge = run(Subject::builtin(), some(SOME));
    let direct = run(directly(Subject::builtin()), some(SOME));
    let mut tested = 0;
    for (edge, direct) in edge.scenarios.iter().zip(&direct.scenarios) {
        let id = &direct.scenario.id;
        assert_eq!(edge.verdict, Verdict::Pass, "{id}: {:?}", edge.failure);
        assert_eq!(edge.scenario.id, *id);
        match direct.verdict {
            Verdict::Pass => tested += 1,
            Verdict::Unsupported => {
                let why = direct.failure.as_ref().map(|failure| failure.got.clone()).unwrap_or_default();
                assert!(why.contains("asked directly"), "{id}: {why}");
            }
            other => panic!("{id}: {other:?} {:?}", direct.failure),
        }
    }
    assert!(tested > 200, "only {tested} scenarios were tested directly");
    let of_a_proxy = |summary: &Summary, id: &str| {
        let found = summary.requirements.iter().find(|requirement| requirement.id == id).unwrap();
        (found.verdict, found.counts)
    };
    assert_eq!(of_a_proxy(&edge, "PROXY-1"), (Some(Verdict::Pass), true));
    assert_eq!(of_a_proxy(&direct, "PROXY-1"), (Some(Verdict::Unsupported), false));
    assert_eq!(of_a_proxy(&direct, "AUTH-3"), (Some(Verdict::Pass), true));
}

/// No message goes over TLS: the suite's question is the first that the Core hears of it.
#[test]
fn the_suite_asks_the_core_and_hands_on_what_may_go_on() {
    let summary = run(directly(Subject::builtin()), some("^authentication_question/from-outside-"));
    let [result] = &summary.scenarios[..] else { panic!("{} scenarios", summary.scenarios.len()) };
    assert_eq!(result.verdict, Verdict::Pass, "{:?}", result.failure);
    let played = |what: &What| match what {
        What::Hop(hop) if hop.note.as_deref() == Some("the suite in its place") => Some(hop.to_string()),
        _ => None,
    };
    let played: Vec<String> = result.record.entries.iter().filter_map(|entry| played(&entry.what)).collect();
    let asked = |hop: &&String| hop.contains("outside -> proxy on bob: GET /peers/inbox");
    // Whoever compares answers asks more than once.
    assert!(played.iter().filter(asked).count() >= 2, "{played:#?}");
    assert_eq!(summary.subject.receive, Receive::Direct);
}

/// What a proxy does wrong is no longer in the way, where it is not asked.
#[test]
fn a_proxy_that_is_wrong_makes_no_difference() {
    let faulty = || Subject::builtin().with_faults(ProxyFault::IgnoresRefusals);
    let refusals = "^access/a-stranger-on-";
    let fails = |summary: &Summary| summary.scenarios.iter().filter(|it| it.verdict == Verdict::Fail).count();
    assert!(fails(&run(faulty(), some(refusals))) > 0);
    assert_eq!(fails(&run(directly(faulty()), some(refusals))), 0);
}

#[test]
fn mutants_are_caught_directly_too() {
    let all = mutants::all();
    let wanted = [
        "takes-any-signature",
        "ignores-alg",
        "accepts-too-little-covered",
        "ignores-expires",
        "accepts-replays",
        "verifies-without-the-query",
        "strangers-come-to-peer-paths",
        "calls-the-anonymous-public",
    ];
    for name in wanted {
        let mutant: &Mutant = all.iter().find(|mutant| mutant.name == name).unwrap();
        let options = RunOptions {
            subject: directly(mutant.subject()),
            selection: Selection::all().requirement(mutant.breaks),
            stop_at_first_failure: true,
            ..RunOptions::default()
        };
        let summary = Suite::load(&Source::Embedded).unwrap().run(&options, &mut |_: &Event| {}).unwrap();
        let caught = |result: &ScenarioResult| result.verdict == Verdict::Fail && result.failure.is_some();
        assert!(summary.scenarios.iter().any(caught), "{name} is caught by nobody");
    }
}

#[test]
fn a_bundle_remembers_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let bundles = Arc::new(Folder::create(folder.path(), Vec::new()).unwrap());
    let mutant = mutants::all().into_iter().find(|mutant| mutant.name == "ignores-expires").unwrap();
    let options = RunOptions {
        subject: directly(mutant.subject()),
        selection: some("^authentication_age/"),
        bundles: Some(Arc::clone(&bundles)),
        ..RunOptions::default()
    };
    Suite::load(&Source::Embedded).unwrap().run(&options, &mut |_: &Event| {}).unwrap();
    bundles.finish().unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(bundle::load(&file).unwrap().subject.receive, Receive::Direct);
    let said = program(&["replay", file.to_str().unwrap()]);
    assert!(text(&said).contains("asked directly: no proxy in between"), "{}", text(&said));
    assert!(text(&said).contains("Passes now."), "{}", text(&said));
}

#[test]
fn a_proxy_under_test_and_none_at_all_contradict() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/proxies/caddy.toml");
    let said = program(&["check", "--receive", "direct", "--core", file.to_str().unwrap()]);
    assert_eq!(said.status.code(), Some(2));
    assert!(text(&said).contains("leave one of them out"), "{}", text(&said));
}

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign-tested")).args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
