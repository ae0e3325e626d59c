//! Foreign Cores: the compact Core as one, through its descriptor; and some that die.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use countersign::subject::Subject;
use countersign::subject::descriptor::Descriptor;
use countersign::suite::{RunError, RunOptions, Selection, Source, Suite};
use countersign::testbed::pki::Pki;
use countersign::verdict::{Event, Summary, Verdict};

/// The program `portal-core`, where it was built; `cargo test --workspace` builds it.
pub(crate) fn portal_core() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join("portal-core")).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: portal-core is not built (cargo build -p portal-core)");
    }
    found
}

/// The descriptor that ships, changed.
fn shipped(change: impl Fn(String) -> String) -> Subject {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core.toml");
    let text = change(std::fs::read_to_string(&file).unwrap());
    Subject::described(Descriptor::parse(&text, &file).unwrap())
}

fn described(text: &str) -> Subject {
    Subject::described(Descriptor::parse(text, Path::new("./core.toml")).unwrap())
}

fn run(subject: Subject, name: &str) -> Result<Summary, RunError> {
    let selection = Selection::all().name(regex::Regex::new(name).unwrap());
    let options = RunOptions { subject, selection, ..RunOptions::default() };
    Suite::load(&Source::Embedded).unwrap().run(&options, &mut |_: &Event| {})
}

/// What did not pass, and why.
fn told(summary: &Summary) -> Vec<String> {
    let bad = summary.scenarios.iter().filter(|result| result.verdict != Verdict::Pass);
    bad.map(|result| {
        let why = result.failure.as_ref().map(|failure| format!("{} / {}", failure.expected, failure.got));
        format!("{}: {:?}: {}", result.scenario.id, result.verdict, why.unwrap_or_default())
    })
    .collect()
}

#[track_caller]
fn assert_all_pass(summary: &Summary, at_least: usize) {
    let told = told(summary);
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(summary.scenarios.len() >= at_least, "{} scenarios", summary.scenarios.len());
}

#[test]
fn the_compact_core_passes_as_a_process_that_scenarios_share() {
    if portal_core().is_none() {
        return;
    }
    let summary = run(shipped(|text| text), "^(identity|terminals|peers|call_failures|authentication_age)/").unwrap();
    assert_eq!(summary.subject.kind, "command");
    assert_all_pass(&summary, 150);
}

#[test]
fn the_compact_core_passes_as_a_process_that_is_each_scenario_s_own() {
    if portal_core().is_none() {
        return;
    }
    let fresh = shipped(|text| text.replace("[start]\n", "[start]\nportals = \"fresh\"\n"));
    assert_all_pass(&run(fresh, "^(identity|call_peer)/").unwrap(), 40);
}

#[test]
fn two_cores_are_tested_in_both_directions() {
    if portal_core().is_none() {
        return;
    }
    let members = vec![("a".to_owned(), shipped(|text| text)), ("b".to_owned(), Subject::builtin())];
    let summary = run(Subject::mixed(members).unwrap(), "^call_peer/").unwrap();
    assert_all_pass(&summary, 40);
    let (there, back): (Vec<_>, Vec<_>) = summary.scenarios.iter().partition(|one| one.scenario.id.ends_with("/a+b"));
    assert!(back.iter().all(|one| one.scenario.id.ends_with("/b+a")), "{:?}", back[0].scenario.id);
    assert_eq!(there.len(), back.len());
}

/// What the proxy of the testbed does is not the Core's merit.
#[test]
fn what_the_testbed_s_proxy_does_stands_apart() {
    if portal_core().is_none() {
        return;
    }
    let summary = run(shipped(|text| text), "^proxy/").unwrap();
    assert_all_pass(&summary, 10);
    let proxy = summary.requirements.iter().find(|requirement| requirement.id == "PROXY-1").unwrap();
    assert!(proxy.testbed && !proxy.counts && proxy.verdict == Some(Verdict::Pass));
    let core = summary.requirements.iter().find(|requirement| requirement.id == "AUTH-2").unwrap();
    assert!(!core.testbed && core.counts);
}

#[test]
fn a_core_that_does_not_start_ends_the_run_at_once_with_its_last_words() {
    let dead = "name = \"dead\"\n[start]\ncommand = [\"sh\", \"-c\", \"echo no database >&2; exit 3\"]\n";
    let error = run(described(dead), "^identity/").unwrap_err();
    assert!(matches!(error, RunError::Subject(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("it ended at once (exit status: 3)") && text.contains("| no database"), "{text}");
    let mute = "name = \"mute\"\n[start]\ncommand = [\"sleep\", \"600\"]\nready = { within = \"300ms\" }\n";
    let text = run(described(mute), "^identity/").unwrap_err().to_string();
    assert!(text.contains("was not answered with 2xx within 300ms"), "{text}");
}

/// Each Core lives for a second only.
#[test]
fn a_core_that_dies_in_the_middle_fails_nothing_and_is_started_again_three_times() {
    if portal_core().is_none() {
        return;
    }
    let mortal = |text: String| text.replace("    \"portal-core\",\n", "    \"timeout\", \"1\", \"portal-core\",\n");
    let path = portal_core().unwrap().parent().unwrap().display().to_string();
    let mortal = move |text: String| {
        let env = format!("[start]\nenv = {{ PATH = \"{path}:/usr/bin:/bin\" }}\n");
        mortal(text).replace("[start]\n", &env)
    };
    let summary = run(shipped(mortal), "^(authentication|call_peer|peers|manifest)").unwrap();
    assert!(summary.subject_died() && !summary.harness_failed(), "{}", told(&summary).join("\n"));
    assert_eq!(summary.count(Verdict::Fail) + summary.count(Verdict::Timeout), 0, "{}", told(&summary).join("\n"));
    let reasons: Vec<_> = summary.scenarios.iter().filter_map(|one| Some(one.failure.as_ref()?.got.clone())).collect();
    assert!(reasons.iter().any(|reason| reason.contains("ended by itself (exit status: 124); its output ends with")));
    assert!(reasons.iter().any(|reason| reason.contains("is not started again")), "{reasons:?}");
    assert!(summary.count(Verdict::Pass) > 0);
}

/// A Core that others started: killed in the end.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn cores_that_run_already_take_turns() {
    let Some(program) = portal_core() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    Pki::kept(&portal_core::clock::SystemClock, &ca_file).unwrap();
    // An address of loopback that nobody else has.
    let own = std::process::id();
    let proxy = format!("127.77.{}.{}:3128", own / 200 % 250, 1 + own % 200);
    let start = |n: usize| {
        let mut command = Command::new(&program);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join(n.to_string()));
        command.env("HTTPS_PROXY", format!("http://{proxy}")).env("SSL_CERT_FILE", &ca_file).env("NO_PROXY", "");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        (Started(child), format!("\"http://{}\"", ready["address"].as_str().unwrap()))
    };
    let (_one, first) = start(1);
    let (_other, second) = start(2);
    let text = format!(
        "name = \"running\"\n[start]\nurls = [{first}, {second}]\nconnect_proxy = \"{proxy}\"\nca_file = \"ca.pem\"\n"
    );
    let subject = Subject::described(Descriptor::parse(&text, &folder.path().join("core.toml")).unwrap());
    let summary = run(subject, "^(identity|call_peer|peers)/").unwrap();
    assert_eq!(summary.subject.kind, "url");
    let bad = summary.scenarios.iter().filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Unsupported));
    assert_eq!(bad.count(), 0, "{}", told(&summary).join("\n"));
    let too_few = |one: &&countersign::verdict::ScenarioResult| {
        one.failure.as_ref().is_some_and(|failure| failure.got.contains("needs more Portals than there are Cores: 2"))
    };
    assert!(summary.scenarios.iter().any(|one| too_few(&one)), "{}", told(&summary).join("\n"));
    assert!(summary.count(Verdict::Pass) > 50, "{}", told(&summary).join("\n"));
}
