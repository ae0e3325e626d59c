//! The runner on libraries that do what can go wrong, in this process and as children.

use std::path::Path;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::clock::SettableClock;

use super::*;
use crate::glob::Glob;
use crate::vectors::corpus::Feature;
use crate::vectors::crypto::Algorithm;
use crate::vectors::protocol::{Case, Clock, Request};
use crate::vectors::results::Conclusion;
use crate::vectors::shim::Subject;

/// A library that answers as it is told.
struct Scripted<F>(Hello, F);

impl<F: Fn(&Case, &Request) -> Answer + Send + Sync> Subject for Scripted<F> {
    fn hello(&self) -> Hello {
        self.0.clone()
    }

    fn answer(&self, request: &Request) -> Answer {
        match request {
            Request::Hello { .. } => panic!("hello is no case"),
            Request::Base(case)
            | Request::Sign(case)
            | Request::Verify(case)
            | Request::Digest(case)
            | Request::Accept(case) => self.1(case, request),
        }
    }
}

fn hello() -> Hello {
    Hello {
        id: 0,
        implementation: "scripted".into(),
        version: "1".into(),
        ops: Op::ALL.to_vec(),
        algs: Algorithm::ALL.map(|algorithm| algorithm.name().to_owned()).to_vec(),
        features: Feature::ALL.to_vec(),
        clock: Clock::Injected,
    }
}

fn target(hello: Hello, answer: impl Fn(&Case, &Request) -> Answer + Send + Sync + 'static) -> Target {
    Target::BuiltIn("scripted".into(), Arc::new(Scripted(hello, answer)))
}

/// Answers as the engine does, except for what `change` makes of it.
fn like_core(change: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> Target {
    let core = crate::vectors::shim::built_in("core").unwrap();
    target(hello(), move |_, request| change(core.answer(request)))
}

fn options(ids: &[&str]) -> VectorOptions {
    VectorOptions {
        selection: Selection { sections: Vec::new(), ids: ids.iter().map(|id| Glob::new(*id)).collect() },
        case_within: Duration::from_secs(20),
        ..VectorOptions::default()
    }
}

#[track_caller]
fn summary(target: &Target, options: &VectorOptions) -> VectorSummary {
    let corpus = Corpus::embedded().unwrap();
    run(&corpus, target, options, &mut |_: &VectorEvent| {}).unwrap_or_else(|error| panic!("{error}"))
}

fn verdicts(summary: &VectorSummary) -> Vec<Verdict> {
    summary.vectors.iter().map(|result| result.verdict).collect()
}

/// Some vectors of each kind, and quick ones.
const SOME: &str = "2.2.3-*";

#[test]
fn a_library_that_is_right_conforms() {
    let summary = summary(&like_core(|answer| answer), &options(&[SOME]));
    assert_eq!(summary.conclusion(), Conclusion::Conforms, "{:?}", summary.breaking().next());
    assert!(summary.vectors.len() > 20 && !summary.whole);
    assert_eq!(summary.count(Verdict::Pass), summary.vectors.len());
    let of_section = summary.requirements.iter().filter(|requirement| requirement.section == "2.2.3");
    assert!(of_section.clone().count() > 0 && of_section.clone().all(|it| it.verdict == Some(Verdict::Pass)));
}

#[test]
fn who_accepts_or_refuses_everything_does_not_conform() {
    for outcome in [Outcome::Accepted, Outcome::Rejected] {
        let yes_or_no = target(hello(), move |case, _| Answer::new(case.id, outcome));
        let summary = summary(&yes_or_no, &options(&[SOME]));
        assert!(summary.breaking().count() > 10, "{outcome:?}");
    }
}

#[test]
fn what_is_expected_is_not_shown() {
    let seen = Arc::new(Mutex::new(String::new()));
    let keeps = Arc::clone(&seen);
    let nosy = target(hello(), move |case, request| {
        keeps.lock().unwrap().push_str(&serde_json::to_string(request).unwrap());
        Answer::new(case.id, Outcome::Rejected)
    });
    summary(&nosy, &options(&[SOME]));
    let seen = seen.lock().unwrap();
    assert!(seen.contains("message_b64"));
    for secret in ["expected", "verdict", "signed_base", "twin", "reject_stage", "title", "quote", "2.2.3-"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}

#[test]
fn a_panic_and_a_hang_cost_one_case() {
    let core = crate::vectors::shim::built_in("core").unwrap();
    let faulty = target(hello(), move |case, request| {
        match case.id {
            2 => panic!("out of\nluck"),
            // For longer than the limit; the thread is not waited for.
            3 => std::thread::park_timeout(Duration::from_secs(5)),
            _ => {}
        }
        core.answer(request)
    });
    let options = VectorOptions { case_within: Duration::from_millis(500), jobs: 1, ..options(&[SOME]) };
    let summary = summary(&faulty, &options);
    assert_eq!(verdicts(&summary)[..4], [Verdict::Pass, Verdict::Fail, Verdict::Timeout, Verdict::Pass]);
    let said = &summary.vectors[1].failure.as_ref().unwrap().got;
    assert!(said.starts_with("it crashed: it panicked: out of\nluck"), "{said}");
    assert_eq!(summary.conclusion(), Conclusion::DoesNotConform);
}

#[test]
fn a_hello_that_can_t_be() {
    let corpus = Corpus::embedded().unwrap();
    let refused = |change: fn(&mut Hello)| {
        let mut hello = hello();
        change(&mut hello);
        let target = target(hello, |case, _| Answer::new(case.id, Outcome::Rejected));
        run(&corpus, &target, &options(&[SOME]), &mut |_: &VectorEvent| {}).unwrap_err().to_string()
    };
    assert!(refused(|hello| hello.algs.push("EdDSA".into())).contains("`EdDSA` is no algorithm"));
    assert!(refused(|hello| hello.ops.clear()).contains("`ops` is empty"));
    assert!(refused(|hello| hello.version.clear()).contains("say what is tested"));
}

#[test]
fn without_the_core_set_it_is_partial() {
    let partial = |change: fn(&mut Hello)| {
        let (core, mut hello) = (crate::vectors::shim::built_in("core").unwrap(), hello());
        change(&mut hello);
        let bases = hello.ops.contains(&Op::Base);
        let target = target(hello, move |_, request| {
            let answer = core.answer(request);
            if bases { answer } else { Answer { base_b64: None, ..answer } }
        });
        let summary = summary(&target, &options(&[SOME]));
        assert_eq!(summary.conclusion(), Conclusion::Partial);
        summary.lacks.join("; ")
    };
    assert_eq!(partial(|hello| hello.ops.retain(|op| *op != Op::Verify)), "it does not verify");
    assert_eq!(partial(|hello| hello.algs.retain(|alg| alg != "ed25519")), "it does not know ed25519",);
    assert!(partial(|hello| hello.ops.retain(|op| *op == Op::Verify)).starts_with("it shows no signature base"));
}

#[test]
fn what_is_not_declared_is_unsupported_and_what_is_and_can_t_be_done_fails() {
    let mut less = hello();
    less.features.retain(|feature| *feature != Feature::Bs);
    less.algs.retain(|alg| alg != "ecdsa-p384-sha384");
    let core = crate::vectors::shim::built_in("core").unwrap();
    let target_ = target(less, move |_, request| core.answer(request));
    let got = |ids| {
        let summary = summary(&target_, &options(ids));
        let first = summary.vectors.iter().find(|result| result.verdict == Verdict::Unsupported);
        first.map(|result| result.failure.clone().unwrap().got)
    };
    assert_eq!(got(&["2.1.3-*"]).unwrap(), "it does not declare `bs`");
    assert_eq!(got(&["3.3.5-*"]).unwrap(), "it does not declare the algorithm ecdsa-p384-sha384");
    let summary_ = summary(&target_, &options(&["2.1.3-*"]));
    assert_eq!((summary_.conclusion(), summary_.lacks.len()), (Conclusion::Partial, 1));

    let liar = like_core(|answer| Answer { outcome: Outcome::Unsupported, ..answer });
    let summary = summary(&liar, &options(&[SOME]));
    assert_eq!(summary.count(Verdict::Fail), summary.vectors.len());
}

#[test]
fn known_failures_are_excused_and_must_be_failures() {
    let list = |id: &str| {
        let text = format!("[[known]]\nid = \"{id}\"\nreason = \"r\"\nowner = \"o\"\nuntil = 9999-01-01\n");
        Expectations::parse(Path::new("known.toml"), &text, 0).unwrap()
    };
    let no = || target(hello(), |case, _| Answer::new(case.id, Outcome::Rejected));
    let all = VectorOptions { expectations: list("2.2.3-*"), ..options(&["2.2.3-*"]) };
    let excused = summary(&no(), &all);
    assert_eq!(excused.conclusion(), Conclusion::Conforms);
    assert!(excused.count(Verdict::KnownFailure) > 10);

    let passing = summary(&like_core(|answer| answer), &all);
    assert_eq!(passing.conclusion(), Conclusion::DoesNotConform);
    assert_eq!(passing.stale, ["known.toml:2: `2.2.3-*` is listed as failing, but passes: delete lines 1 to 5"]);

    let corpus = Corpus::embedded().unwrap();
    let typo = VectorOptions { expectations: list("2.2.3-xyz"), ..options(&[]) };
    let error = run(&corpus, &no(), &typo, &mut |_: &VectorEvent| {}).unwrap_err();
    assert!(matches!(&error, RunError::Expectations(_)) && error.to_string().starts_with("known.toml:2: "), "{error}");
}

#[test]
fn a_selection_of_nothing_is_a_mistake() {
    let corpus = Corpus::embedded().unwrap();
    let error = |sections: &[&str], id: &str| {
        let sections = sections.iter().map(|section| (*section).to_owned()).collect();
        Selection { sections, ids: vec![Glob::new(id)] }.select(&corpus).unwrap_err().to_string()
    };
    assert!(error(&["2.11"], "*").starts_with("there are no vectors for section 2.11; there are some for 2, "));
    assert!(error(&["2.2"], "3.*").starts_with("no vector of section 2.2 has the id 3.*; "));
    let known = &corpus.files[0].vectors[0].id;
    assert!(error(&[], &format!("{known}x")).contains(&format!("(is it {known}?)")));
    let below = Selection { sections: vec!["2.2".into()], ids: Vec::new() }.select(&corpus).unwrap();
    assert!(
        below.iter().any(|(file, _)| file.section == "2.2.3")
            && below.iter().all(|(file, _)| file.section.starts_with("2.2"))
    );
}

#[test]
fn a_clock_that_can_t_be_set_gets_vectors_of_the_present() {
    let core = crate::vectors::shim::built_in("core").unwrap();
    let now = 4_000_000_000;
    let system = Hello { clock: Clock::System, ..hello() };
    // It has the time from its own clock, whatever it is told, and takes nothing that is old.
    let target = target(system, move |_, request| {
        let Request::Verify(case) = request else { return core.answer(request) };
        let mut case = case.clone();
        case.now = Some(now + 3);
        case.policy.max_age.get_or_insert(600);
        core.answer(&Request::Verify(case))
    });
    let clock = SettableClock::frozen_at(std::time::UNIX_EPOCH + Duration::from_secs(now));
    let options = VectorOptions { clock: Arc::new(clock), ..options(&["2.2.3-*", "B.2.*", "3.3.6-*", "3.2.1-*"]) };
    let summary = summary(&target, &options);
    let wrong: Vec<_> = summary.vectors.iter().filter(|result| result.verdict == Verdict::Fail).collect();
    // What has no `created` is refused by such a library; that is its own requirement.
    let young: Vec<_> =
        wrong.iter().filter(|result| !result.failure.as_ref().unwrap().got.contains("created")).collect();
    assert!(young.is_empty(), "{young:#?}");
    let passed = summary.count(Verdict::Pass);
    assert!(passed > 3 * summary.count(Verdict::Unsupported), "{passed} of {}", summary.vectors.len());
}

/// A shim in shell: `hello`, then whatever the script does with each line.
fn shell(script: &str) -> Target {
    let hello = serde_json::to_string(&hello()).unwrap();
    let script = format!(
        "id() {{ echo \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/'; }}; read line; echo '{hello}'; {script}"
    );
    let folder = tempfile::tempdir().unwrap().keep();
    let path = folder.join("shim.sh");
    std::fs::write(&path, script).unwrap();
    Target::parse(&format!("sh '{}'", path.display())).unwrap()
}

#[test]
fn nothing_that_a_subject_says_reaches_a_terminal_as_it_is() {
    let says = |answer: Answer| Answer {
        outcome: Outcome::Rejected,
        reason: Some("\u{1b}[2Jno\rConforms".into()),
        base_b64: Some(STANDARD.encode("\"@method\": \u{1b}]0;x\u{7}")),
        ..answer
    };
    let core = crate::vectors::shim::built_in("core").unwrap();
    let named = Hello { implementation: "\u{1b}[31mred".into(), ..hello() };
    let target = target(named, move |_, request| says(core.answer(request)));
    let summary = summary(&target, &options(&["2.2.1-rfc-example*", "2.2.3-default-port-https"]));
    assert_eq!(summary.subject.name, "\\u{1b}[31mred");
    let failures: Vec<_> = summary.vectors.iter().filter_map(|result| result.failure.as_ref()).collect();
    assert!(!failures.is_empty());
    for failure in failures {
        let shown = format!("{}{}", failure.got, failure.bases.as_ref().map_or("", |bases| &bases.rebuilt));
        assert!(shown.contains("\\u{1b}"), "{shown:?}");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
}

const REFUSE: &str = "echo \"{\\\"id\\\":$n,\\\"outcome\\\":\\\"rejected\\\"}\"";

#[test]
fn crash_hang_and_garbage_of_a_child_cost_one_case() {
    let script = format!(
        "while read line; do n=$(id); case $n in 2) echo last words >&2; exit 3;; 3) echo what;; 4) sleep 30;; \
         5) echo '{{\"id\":99,\"outcome\":\"rejected\"}}';; *) {REFUSE};; esac; done"
    );
    let ids = ["2.2.3-*"];
    let options = VectorOptions { case_within: Duration::from_secs(3), jobs: 1, ..options(&ids) };
    let summary = summary(&shell(&script), &options);
    let refused = summary.vectors[0].verdict;
    assert_eq!(verdicts(&summary)[1..5], [Verdict::Fail, Verdict::Error, Verdict::Timeout, Verdict::Error],);
    let got = |n: usize| summary.vectors[n].failure.as_ref().unwrap().got.clone();
    assert_eq!(got(1), "it crashed: exit status: 3\nstandard error ends with:\nlast words");
    assert!(got(2).contains("no line of JSON") && got(2).contains("it wrote: what"), "{}", got(2));
    assert!(got(4).contains("has the id 5, the answer the id 99"), "{}", got(4));
    assert!(matches!(refused, Verdict::Pass | Verdict::Fail));
    assert!(summary.vectors[5..].iter().all(|result| matches!(result.verdict, Verdict::Pass | Verdict::Fail)));
    assert_eq!(summary.conclusion(), Conclusion::Error);
}

#[test]
fn a_child_that_can_t_be_started_again_is_not_tried_for_each_case() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let script = format!("echo x >> '{0}'; [ $(wc -l < '{0}') -gt 1 ] && exit 9; read line; exit 1", mark.display());
    // The mark stands before hello: the second start says nothing at all.
    let hello = serde_json::to_string(&hello()).unwrap();
    let path = folder.path().join("shim.sh");
    std::fs::write(
        &path,
        format!("{}; ", script.replace("read line; exit 1", &format!("read line; echo '{hello}'; read line; exit 1"))),
    )
    .unwrap();
    let target = Target::parse(&format!("sh '{}'", path.display())).unwrap();
    let summary = summary(&target, &VectorOptions { jobs: 1, ..options(&["2.2.3-*"]) });
    assert_eq!(summary.vectors[0].verdict, Verdict::Fail);
    assert!(summary.vectors[1..].iter().all(|result| result.verdict == Verdict::Error));
    assert_eq!(std::fs::read_to_string(&mark).unwrap().lines().count(), 2);
}

#[test]
fn a_child_that_does_not_start_is_no_subject() {
    let corpus = Corpus::embedded().unwrap();
    let error = |command: &str| {
        let target = Target::parse(command).unwrap();
        run(&corpus, &target, &options(&[SOME]), &mut |_: &VectorEvent| {}).unwrap_err()
    };
    assert!(matches!(error("no/such/program"), RunError::NotStarted(Fault::NotStarted { .. })));
    assert!(matches!(error("sh -c 'exit 1'"), RunError::NotStarted(Fault::Crashed { .. })));
    assert!(matches!(error("sh -c 'echo hello; cat'"), RunError::NotStarted(Fault::Garbage { .. })));
    assert!(Target::parse("  ").is_err());
}

#[test]
fn several_children_share_the_work() {
    let script = format!("while read line; do n=$(id); {REFUSE}; done");
    let summary = summary(&shell(&script), &VectorOptions { jobs: 3, ..options(&["2.2.3-*"]) });
    assert!(summary.vectors.len() > 20);
    assert!(summary.vectors.iter().all(|result| matches!(result.verdict, Verdict::Pass | Verdict::Fail)));
}
