//! Lists of known failures on a real run: what they excuse, and when they fail the run.

use std::path::Path;

use countersign::cli::exit::Exit;
use countersign::contract::Contract;
use countersign::expectations::{Expectations, first_list};
use countersign::report::terminal::{Detail, TerminalReport, last_line};
use countersign::suite::{RunError, RunOptions, Selection, Source, StepFailure, Steps, Suite};
use countersign::verdict::{Event, Summary, Verdict};

const FEATURE: &str = "Feature: F
  @CALL-3
  Scenario Outline: Paths are kept
    Then it <how>
    Examples:
      | how    |
      | passes |
      | fails  |

  @CALL-4
  Scenario Outline: Answers are kept
    Then it <how>
    Examples:
      | how   |
      | fails |
      | hangs |

  @CALL-5
  Scenario: Nobody is there
    Then it errs
";

/// 2026-07-01.
const NOW: u64 = 1_782_864_000;

fn suite() -> Suite {
    let mut steps = Steps::new();
    steps.then("it passes", async |_, _| Ok(()));
    steps.then("it fails", async |_, _| Err(StepFailure::fail("401", "200 \"ok\"")));
    steps.then("it hangs", async |_, _| Err(StepFailure::timeout("an answer", "nothing")));
    steps.then("it errs", async |_, _| Err(StepFailure::error("no socket")));
    let source = Source::Given(vec![("f.feature".to_owned(), FEATURE.to_owned())]);
    Suite::load_with(&source, steps, Contract::embedded().unwrap()).unwrap()
}

fn known(entries: &[(&str, &str)]) -> String {
    let entry = |(id, until): &(&str, &str)| {
        format!("[[known]]\nid = \"{id}\"\nreason = \"not done yet\"\nowner = \"ann\"\nuntil = {until}\n")
    };
    entries.iter().map(entry).collect()
}

fn run_on(suite: &Suite, list: &str, tags: &str) -> Result<Summary, RunError> {
    let expectations = Expectations::parse(Path::new("known.toml"), list, NOW).unwrap();
    let selection = Selection::all().tags(tags.parse().unwrap());
    suite.run(&RunOptions { expectations, selection, jobs: 1, ..RunOptions::default() }, &mut |_: &Event| {})
}

fn run(list: &str, tags: &str) -> Summary {
    run_on(&suite(), list, tags).unwrap()
}

const FAR: &str = "2030-01-01";

#[test]
fn what_is_listed_runs_and_no_longer_fails_the_run() {
    let summary = run("", "not @CALL-5");
    assert_eq!((Exit::of(&summary), summary.count(Verdict::Fail)), (Exit::DoesNotConform, 2));

    let summary = run(&known(&[("f/paths-are-kept/fails", FAR), ("CALL-4", FAR)]), "not @CALL-5");
    assert_eq!((Exit::of(&summary), summary.count(Verdict::KnownFailure)), (Exit::Conforms, 3));
    assert_eq!(summary.scenarios[1].known.as_ref().unwrap().place, "known.toml:2");
    let line = last_line(&summary);
    assert!(line.starts_with("Conforms, but for 3 known failures: 0 requirements kept."), "{line}");
}

#[test]
fn an_error_is_excused_by_no_list() {
    let summary = run(&known(&[("CALL-5", FAR)]), "@CALL-5");
    assert_eq!((Exit::of(&summary), summary.count(Verdict::Error)), (Exit::Harness, 1));
}

#[test]
fn an_entry_that_is_not_true_any_more_fails_the_run_and_is_named() {
    let summary = run(&known(&[("f/paths-are-kept/passes", FAR)]), "@CALL-3 and not @CALL-4");
    assert_eq!(summary.scenarios[0].verdict, Verdict::UnexpectedPass);
    assert_eq!(
        summary.stale,
        ["known.toml:2: `f/paths-are-kept/passes` is listed as failing, but passes: delete lines 1 to 5"]
    );

    let excused = known(&[("f/paths-are-kept/*", FAR), ("CALL-4", "2026-06-30")]);
    let summary = run(&excused, "not @CALL-5");
    assert_eq!(Exit::of(&summary), Exit::DoesNotConform);
    assert!(summary.stale[0].starts_with("known.toml:7: `CALL-4` was allowed to fail until 2026-06-30"));

    // An unexpected pass is no failure of the Core, but of the list.
    let summary = run(&known(&[("f/paths-are-kept/passes", FAR), ("f/paths-are-kept/fails", FAR)]), "@CALL-3");
    assert!(summary.conforms());
    assert_eq!(Exit::of(&summary), Exit::DoesNotConform);
    assert!(last_line(&summary).starts_with("Does not pass: the list of known failures is out of date."));
}

#[test]
fn an_entry_for_nothing_is_a_mistake_before_anything_runs() {
    let mut ran = false;
    let expectations = known(&[("CALL-3", FAR), ("f/paths-are-kept/fail", FAR)]);
    let expectations = Expectations::parse(Path::new("known.toml"), &expectations, NOW).unwrap();
    let options = RunOptions { expectations, ..RunOptions::default() };
    let error = suite().run(&options, &mut |_: &Event| ran = true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "known.toml:7: there is no case and no requirement `f/paths-are-kept/fail`. Is it f/paths-are-kept/fails?"
    );
    assert!(!ran);
    // What was not chosen is there all the same.
    assert!(run_on(&suite(), &known(&[("CALL-4", FAR)]), "@CALL-3").is_ok());
}

#[test]
fn a_first_list_makes_the_run_pass() {
    let suite = suite();
    let summary = run_on(&suite, "", "not @CALL-5").unwrap();
    let until = time_in_2030();
    let list = first_list(&suite.scenarios(&Selection::all()), &summary.scenarios, "ann", until);
    assert_eq!((list.entries, list.failures), (2, 3));
    let again = run_on(&suite, &list.text, "not @CALL-5").unwrap();
    assert_eq!((Exit::of(&again), again.count(Verdict::KnownFailure)), (Exit::Conforms, 3), "{}", list.text);
}

fn time_in_2030() -> time::Date {
    time::Date::from_ordinal_date(2030, 1).unwrap()
}

#[test]
fn the_report_shows_what_is_known_and_what_to_delete() {
    let suite = suite();
    let list = known(&[("f/paths-are-kept/passes", FAR), ("f/paths-are-kept/fails", FAR), ("CALL-4", FAR)]);
    let expectations = Expectations::parse(Path::new("known.toml"), &list, NOW).unwrap();
    let selection = Selection::all().tags("not @CALL-5".parse().unwrap());
    let options = RunOptions { expectations, selection, jobs: 1, ..RunOptions::default() };
    let mut report = TerminalReport::new(Vec::new(), Detail::Normal);
    let _ = suite.run(&options, &mut report).unwrap();
    let text = String::from_utf8(report.finish().unwrap()).unwrap();
    for line in [
        "unexpected pass: f/paths-are-kept/passes",
        "  listed       not done yet (ann, until 2030-01-01; known.toml:2)",
        "known failure: f/answers-are-kept/hangs: not done yet (ann, until 2030-01-01; known.toml:12)",
        "The list of known failures is out of date",
        "  known.toml:2: `f/paths-are-kept/passes` is listed as failing, but passes: delete lines 1 to 5",
    ] {
        assert!(text.lines().any(|shown| shown == line), "`{line}` is missing in\n{text}");
    }
}
