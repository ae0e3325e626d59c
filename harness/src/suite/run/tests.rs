use super::*;
use crate::subject::{Capabilities, CoreHandle, CoreKind, CorePlan, SubjectError};
use crate::suite::{StepFailure, StepResult, World};
use crate::verdict::ScenarioResult;

const CONTRACT: &str = r#"
[[requirement]]
id = "A-1"
level = "MUST"
responsible = "core"
title = "First"
text = "It does this. And that."
why = "w"
source = ["seed"]
since = "1"

[[requirement]]
id = "A-2"
level = "SHOULD"
responsible = "core"
title = "Second"
text = "t"
why = "w"
source = ["sec"]
since = "1"
"#;

fn steps() -> Steps {
    let mut steps = Steps::new();
    steps.given("something", async |_, _| Ok(()));
    steps.given("a harness at fault", async |_, _| Err(StepFailure::error("no socket")));
    steps.given("what is not there", async |_, _| Err(StepFailure::unsupported("no clock")));
    steps.given("a panic", async |_, _| panic!("a mistake"));
    steps.given("{word} is {word}", async |world, args| {
        world.remember(args.text(0), args.text(1).to_owned());
        Ok(())
    });
    steps.when("a task of the testbed panics", async |_, _| {
        drop(tokio::spawn(async { panic!("broken") }).await);
        Ok(())
    });
    // Without a pause in which what was reported so far could be read.
    steps.when("a task of the testbed panics at once", async |world, _| {
        let of_testbed = world.run()?.panics.clone();
        let task = move || {
            of_testbed.this_thread();
            panic!("broken")
        };
        assert!(std::thread::spawn(task).join().is_err());
        Ok(())
    });
    // That of a run beside this one.
    steps.when("a task of another testbed panics", async |_, _| {
        let task = || {
            crate::suite::panics::OfTestbed::default().this_thread();
            panic!("broken")
        };
        assert!(std::thread::spawn(task).join().is_err());
        Ok(())
    });
    steps.when("it hangs", async |_, _| std::future::pending().await);
    steps.then("it works", async |_, _| Ok(()));
    steps.then("it fails", async |_, _| Err(StepFailure::fail("401", "200")));
    steps.then("it fails here", async |_, _| Err(StepFailure::fail("401", "200").requirement("A-1")));
    steps.then("{word} is {word}", is);
    steps
}

async fn is(world: &mut World, args: crate::suite::Args) -> StepResult {
    crate::suite::expect::same(args.text(0), args.text(1), world.recall::<String>(args.text(0))?.as_str())
}

fn suite(scenarios: &str) -> Suite {
    let source = Source::Given(vec![("f.feature".to_owned(), format!("Feature: F\n{scenarios}"))]);
    Suite::load_with(&source, steps(), Contract::parse(CONTRACT).unwrap()).unwrap()
}

fn options() -> RunOptions {
    RunOptions { step_timeout: Duration::from_millis(200), ..RunOptions::default() }
}

fn run_with(scenarios: &str, options: &RunOptions) -> Summary {
    suite(scenarios).run(options, &mut |_: &Event| {}).unwrap()
}

fn scenario(steps: &str) -> ScenarioResult {
    let summary = run_with(&format!("  @A-1\n  Scenario: S\n    {steps}\n"), &options());
    summary.scenarios.into_iter().next().unwrap()
}

#[test]
fn a_scenario_passes_and_its_steps_share_a_world() {
    let result = scenario("Given colour is red\n    Then colour is red");
    assert_eq!((result.verdict, result.failure), (Verdict::Pass, None));
    assert_eq!(scenario("Given colour is red\n    Then colour is blue").verdict, Verdict::Fail);
}

#[test]
fn a_failure_says_what_where_and_how_to_repeat_it() {
    let result = scenario("Given something\n    Then it fails");
    let failure = result.failure.unwrap();
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(failure.requirement.as_deref(), Some("A-1"));
    assert_eq!(failure.sentence.as_deref(), Some("It does this."));
    assert_eq!(failure.step, "Then it fails (f.feature:5)");
    assert_eq!((failure.expected.as_str(), failure.got.as_str()), ("401", "200"));
    assert_eq!(failure.replay, "countersign check --name 'f/s'");
}

#[test]
fn what_is_not_the_subject_s_fault_does_not_fail_it() {
    let error = scenario("Given a harness at fault\n    Then it works");
    assert_eq!(error.verdict, Verdict::Error);
    assert_eq!(error.failure.unwrap().got, "no socket");

    let unsupported = scenario("Given what is not there\n    Then it works");
    assert_eq!(unsupported.verdict, Verdict::Unsupported);

    let panic = scenario("Given a panic\n    Then it works");
    assert_eq!(panic.verdict, Verdict::Error);
    let got = panic.failure.unwrap().got;
    assert!(
        got.starts_with("a step panicked at harness/src/suite/run/tests.rs:") && got.ends_with(": a mistake"),
        "{got}"
    );
}

#[test]
fn what_fails_while_the_testbed_breaks_is_not_laid_at_the_subject_s_door() {
    let result = scenario("When a task of the testbed panics\n    Then it fails");
    assert_eq!(result.verdict, Verdict::Error);
    let got = result.failure.unwrap().got;
    assert!(got.starts_with("a task of the testbed panicked at harness/src/suite/run/tests.rs:"), "{got}");
    let at_once = "When a task of the testbed panics at once";
    assert_eq!(scenario(&format!("{at_once}\n    Then it fails")).verdict, Verdict::Error);
    let second = format!(
        "  @A-1\n  Scenario: 1\n    {at_once}\n    Then it works\n\n  @A-1\n  Scenario: 2\n    {at_once}\n    Then it fails\n"
    );
    let summary = run_with(&second, &RunOptions { jobs: 1, ..options() });
    assert_eq!(summary.scenarios.iter().map(|s| s.verdict).collect::<Vec<_>>(), [Verdict::Pass, Verdict::Error]);
    assert_eq!(scenario("When a task of another testbed panics\n    Then it fails").verdict, Verdict::Fail);
    // What passes all the same passes, and the next one is judged again.
    assert_eq!(scenario("When a task of the testbed panics\n    Then it works").verdict, Verdict::Pass);
    assert_eq!(scenario("Given something\n    Then it fails").verdict, Verdict::Fail);
}

/// Runs itself again, alone: the panic hook is one for all of the process.
#[test]
fn a_panic_that_is_no_affair_of_the_suite_is_told_as_ever() {
    const SHOWN: &str = "COUNTERSIGN_TEST_PANICS";
    if std::env::var_os(SHOWN).is_some() {
        assert_eq!(scenario("Given a panic\n    Then it works").verdict, Verdict::Error);
        let told = std::panic::catch_unwind(|| {
            let all = suite("  @A-1\n  Scenario: S\n    Then it works\n");
            all.run(&options(), &mut |event: &Event| {
                assert!(!matches!(event, Event::ScenarioFinished(_)), "told by the reporter")
            })
        });
        assert!(told.is_err());
        let elsewhere = std::thread::spawn(|| panic!("told by another thread"));
        assert!(elsewhere.join().is_err());
        panic!("told by the thread of the run");
    }
    let name = "suite::run::tests::a_panic_that_is_no_affair_of_the_suite_is_told_as_ever";
    let program = std::env::current_exe().unwrap();
    let ran = std::process::Command::new(program).args(["--exact", name]).env(SHOWN, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    for who in ["the reporter", "another thread", "the thread of the run"] {
        assert!(said.contains(&format!("told by {who}")), "{who}: {said}");
    }
    assert!(!said.contains("a mistake"), "a step's panic is in its verdict alone: {said}");
}

#[test]
fn a_step_that_hangs_is_ended() {
    let result = scenario("When it hangs\n    Then it works");
    assert_eq!(result.verdict, Verdict::Timeout);
    assert!(result.failure.unwrap().expected.contains("0.2 s"));
}

#[test]
fn a_background_runs_before_each_scenario() {
    let background = "  Background:\n    Given colour is red\n\n";
    let summary = run_with(&format!("{background}  @A-1\n  Scenario: S\n    Then colour is red\n"), &options());
    assert_eq!(summary.count(Verdict::Pass), 1);
    let failing = background.replace("colour is red", "a harness at fault");
    let summary = run_with(&format!("{failing}  @A-1\n  Scenario: S\n    Then it works\n"), &options());
    assert_eq!(summary.count(Verdict::Error), 1);
}

const TWO: &str = "  @A-1
  Scenario: One
    Then it works

  Rule: R
    @A-1 @A-2
    Scenario Outline: Two
      Given a is <b>
      Then a is red
      Examples:
        | b    |
        | red  |
        | blue |
";

#[test]
fn requirements_take_the_worst_of_their_scenarios_and_the_level_decides_what_counts() {
    let summary = run_with(TWO, &options());
    let ids: Vec<_> = summary.scenarios.iter().map(|result| (result.scenario.id.as_str(), result.verdict)).collect();
    assert_eq!(ids, [("f/one", Verdict::Pass), ("f/two/red", Verdict::Pass), ("f/two/blue", Verdict::Fail)]);
    let verdicts: Vec<_> =
        summary.requirements.iter().map(|r| (r.id.as_str(), r.verdict, r.scenarios.len(), r.counts)).collect();
    assert_eq!(verdicts, [("A-1", Some(Verdict::Fail), 3, true), ("A-2", Some(Verdict::Fail), 2, false)]);
    assert!(!summary.conforms());

    let only_second = TWO.replace("@A-1 @A-2", "@A-2");
    assert!(run_with(&only_second, &options()).conforms());
    let should = RunOptions { level: Threshold::Should, ..options() };
    assert!(!run_with(&only_second, &should).conforms());
}

#[test]
fn a_scenario_that_binds_less_than_its_requirement_stands_apart() {
    let scenarios =
        "  @A-1\n  Scenario: Must\n    Then it works\n\n  @A-1 @level-should\n  Scenario: Should\n    Then it fails\n";
    let summary = run_with(scenarios, &options());
    assert!(summary.conforms());
    assert_eq!(summary.requirements[0].verdict, Some(Verdict::Pass));
    assert_eq!(summary.requirements[0].apart, Some(Verdict::Fail));
    let should = run_with(scenarios, &RunOptions { level: Threshold::Should, ..options() });
    assert!(!should.conforms());
    assert_eq!((should.requirements[0].verdict, should.requirements[0].apart), (Some(Verdict::Fail), None));
}

#[test]
fn a_selection_runs_only_what_it_takes() {
    let selection = Selection::all().requirement("A-2");
    let summary = run_with(TWO, &RunOptions { selection, ..options() });
    assert_eq!(summary.scenarios.len(), 2);
    assert!(!summary.ended_early);

    let selection = Selection::all().requirement("A-9");
    let error = suite(TWO).run(&RunOptions { selection, ..options() }, &mut |_: &Event| {}).unwrap_err();
    assert!(matches!(&error, RunError::NothingSelected(what) if what == "the requirement A-9"), "{error}");
}

#[test]
fn a_run_can_end_with_the_first_failure() {
    let many: String = (0..20).map(|n| format!("  @A-1\n  Scenario: S{n}\n    Then it fails\n\n")).collect();
    let summary = run_with(&many, &RunOptions { jobs: 1, stop_at_first_failure: true, ..options() });
    assert!(summary.ended_early);
    assert!(summary.scenarios.len() < 20, "{}", summary.scenarios.len());
}

#[test]
fn events_tell_the_whole_story_in_order() {
    let mut events = Vec::new();
    let summary =
        suite(TWO).run(&RunOptions { jobs: 1, ..options() }, &mut |event: &Event| events.push(event.clone())).unwrap();
    assert!(matches!(&events[0], Event::Started { scenarios: 3, .. }));
    assert!(matches!(&events[1], Event::ScenarioStarted(info) if info.id == "f/one"));
    assert!(matches!(&events[2], Event::StepFinished { step, passed: true, .. } if step == "Then it works"));
    assert!(matches!(&events[3], Event::ScenarioFinished(result) if result.verdict == Verdict::Pass));
    assert!(matches!(events.last(), Some(Event::Finished(last)) if **last == summary));
}

#[test]
fn a_step_that_is_not_defined_keeps_a_selection_from_running() {
    let suite = suite("  @A-1\n  Scenario: Good\n    Then it works\n\n  @A-2\n  Scenario: Bad\n    Then it flies\n");
    let error = suite.run(&options(), &mut |_: &Event| {}).unwrap_err();
    assert!(error.to_string().starts_with("f.feature:8: the step `Then it flies` is not defined"), "{error}");
    let good = RunOptions { selection: Selection::all().requirement("A-1"), ..options() };
    assert!(suite.run(&good, &mut |_: &Event| {}).unwrap().conforms());
}

#[test]
fn features_with_mistakes_do_not_run() {
    let source = Source::Given(vec![("f.feature".to_owned(), "Feature: F\n  Scenario: S\n".to_owned())]);
    let error = Suite::load_with(&source, steps(), Contract::parse(CONTRACT).unwrap()).unwrap_err();
    assert!(error.to_string().contains("f.feature:2: the scenario `S` has no steps"), "{error}");
    let error = Suite::load_with(&Source::Given(Vec::new()), steps(), Contract::parse(CONTRACT).unwrap()).unwrap_err();
    assert!(matches!(error, SuiteError::Empty));
}

/// A Core of which nothing is known but that its clock can't be set.
#[derive(Debug)]
struct Clockless;

#[async_trait::async_trait]
impl CoreKind for Clockless {
    fn name(&self) -> String {
        "clockless".to_owned()
    }

    fn version(&self) -> Option<String> {
        Some("7".to_owned())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { clock: false, ..Subject::builtin().capabilities() }
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        Err(SubjectError::Start { portal: plan.portal, why: "it has no body".to_owned() })
    }
}

#[test]
fn what_a_subject_can_t_do_is_unsupported_and_not_failed() {
    let scenarios =
        "  @A-1 @needs-clock\n  Scenario: One\n    Then it fails\n\n  @A-2\n  Scenario: Two\n    Then it works\n";
    let summary = run_with(scenarios, &RunOptions { subject: Subject::new(Clockless), ..options() });
    let verdicts: Vec<_> = summary.scenarios.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Unsupported, Verdict::Pass]);
    assert_eq!(summary.scenarios[0].failure.as_ref().unwrap().got, "the subject's clock can't be set");
    assert_eq!((summary.subject.name.as_str(), summary.subject.version.as_deref()), ("clockless", Some("7")));
    assert!(summary.conforms());
}

#[test]
fn what_a_profile_turns_off_is_skipped_with_the_reason_and_not_run() {
    let off = [("A-1".to_owned(), "nobody asked for it".to_owned())];
    let options = RunOptions { subject: Subject::builtin().without(off.into()), ..options() };
    let summary = run_with(
        "  @A-1\n  Scenario: Off\n    Given a panic\n    Then it fails\n  @A-1 @A-2\n  Scenario: Half\n    Given something\n    Then it fails here\n  @A-2\n  Scenario: On\n    Given something\n    Then it fails\n",
        &options,
    );
    let verdicts: Vec<_> = summary.scenarios.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Skip, Verdict::Skip, Verdict::Fail]);
    let reasons = summary.scenarios[..2].iter().map(|result| result.failure.as_ref().unwrap().got.as_str());
    assert!(reasons.eq(["nobody asked for it"; 2]));
    let told: Vec<_> = summary.requirements.iter().map(|r| (r.verdict, r.off.as_deref())).collect();
    assert_eq!(told, [(Some(Verdict::Skip), Some("nobody asked for it")), (Some(Verdict::Fail), None)]);
    assert!(summary.conforms(), "a SHOULD does not decide");
    let line = crate::report::terminal::last_line(&summary);
    assert!(line.starts_with("Conforms: 0 requirements kept; reported apart, not kept: A-2"), "{line}");
}
