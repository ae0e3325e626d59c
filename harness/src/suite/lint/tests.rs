use super::super::plan::{parse, plan};
use super::*;

const CONTRACT: &str = r#"
[[requirement]]
id = "CALL-1"
level = "MUST"
responsible = "core"
title = "t"
text = "t"
why = "w"
source = ["seed"]
since = "1"
"#;

fn steps() -> Steps {
    let mut steps = Steps::new();
    steps.given("the Portals {list}", async |_, _| Ok(()));
    steps.when("{word} calls {string}", async |_, _| Ok(()));
    steps.when("Ada calls {string}", async |_, _| Ok(()));
    steps.then("the answer has status {int}", async |_, _| Ok(()));
    steps
}

/// What is said about this file, without its name.
fn lint(text: &str) -> Vec<String> {
    let file = FeatureFile { name: "f.feature".into(), shown: "f.feature".into(), text: text.into() };
    let parsed = match parse(file) {
        Ok(parsed) => parsed,
        Err(problem) => return vec![problem.to_string()],
    };
    let mut problems = Vec::new();
    let planned = plan(0, &parsed, &mut problems);
    problems.extend(check(&parsed, &planned, &Contract::parse(CONTRACT).unwrap()));
    problems.extend(check_steps(std::slice::from_ref(&parsed), &planned.iter().collect::<Vec<_>>(), &steps()));
    problems.extend(check_ids(std::slice::from_ref(&parsed), &planned));
    problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_one(text: &str, begins: &str, advises: &str) {
    let problems = lint(text);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with(begins), "{}", problems[0]);
    assert!(problems[0].contains(advises), "{}", problems[0]);
}

const GOOD: &str = "Feature: F
  Some words about it, such as: nothing.

  @CALL-1
  Scenario: S
    Given the Portals Ada and Bob
    When Bob calls \"/\"
    Then the answer has status 200
";

#[test]
fn a_good_feature_has_no_problem() {
    assert_eq!(lint(GOOD), Vec::<String>::new());
}

#[test]
fn an_undefined_step() {
    assert_one(
        &GOOD.replace("calls \"/\"", "sings"),
        "f.feature:7: the step `When Bob sings` is not defined",
        "`countersign steps`",
    );
    let nearly = GOOD.replace("has status 200", "has the status 200");
    assert_one(&nearly, "f.feature:8: ", "The nearest one that is known: `the answer has status {int}`");
    let keyword = GOOD.replace("When Bob", "And Bob");
    assert_one(&keyword, "f.feature:7: ", "known after another keyword only");
}

#[test]
fn an_ambiguous_step() {
    let text = GOOD.replace("Bob calls", "Ada calls");
    assert_one(&text, "f.feature:7: the step `When Ada calls \"/\"` is ambiguous", "Make one of these narrower");
}

#[test]
fn an_undefined_step_in_a_background() {
    let text = GOOD.replace("  @CALL-1\n", "  Background:\n    Given nothing\n\n  @CALL-1\n");
    assert_one(&text, "f.feature:5: the step `Given nothing` is not defined", "");
}

#[test]
fn a_scenario_without_steps() {
    assert_one("Feature: F\n\n  @CALL-1\n  Scenario: S\n", "f.feature:4: the scenario `S` has no steps", "Add steps");
}

#[test]
fn a_scenario_without_then() {
    let text = GOOD.replace("    Then the answer has status 200\n", "");
    assert_one(&text, "f.feature:5: the scenario `S` has no Then", "with `Then`");
}

#[test]
fn a_page_is_no_outline() {
    let text = GOOD.replace("calls \"/\"", "calls \"<b>/</b><script>\"");
    assert_eq!(lint(&text), Vec::<String>::new());
    let text = GOOD.replace("calls \"/\"", "calls \"<b>/\"");
    assert_one(&text, "f.feature:5: the scenario `S` has no examples", "Add `Examples:`");
}

#[test]
fn a_misspelt_first_step() {
    let text = GOOD.replace("Given the", "Givn the");
    assert_one(&text, "f.feature:6: `Givn` is no keyword", "Write `Given`");
}

#[test]
fn a_misspelt_later_step() {
    let text = GOOD.replace("When Bob", "Whn Bob");
    assert_one(&text, "f.feature:7: `Whn` is no keyword", "Write `When`");
    let text = GOOD.replace("Then the", "Thn the");
    assert_one(&text, "f.feature:8: `Thn` is no keyword", "Write `Then`");
}

#[test]
fn free_text_in_a_scenario() {
    let text = GOOD.replace("    Given the", "    This is important.\n    Given the");
    assert_one(&text, "f.feature:6: free text in a scenario, which would not run: `This is important.`", "# comment");
}

#[test]
fn a_misspelt_scenario() {
    let text = GOOD.replace("  @CALL-1\n  Scenario:", "  Senario:");
    assert!(
        lint(&text)
            .iter()
            .any(|p| p.starts_with("f.feature:4: `Senario:` is no keyword") && p.contains("Write `Scenario:`")),
        "{:#?}",
        lint(&text)
    );
    let tagged = GOOD.replace("Scenario:", "Senario:");
    assert_one(&tagged, "f.feature:5: `Senario` is no keyword", "Write `Scenario`");
    let second =
        format!("{GOOD}\n  @CALL-1\n  Scenaro: T\n    Given the Portals A\n    Then the answer has status 1\n");
    assert_one(&second, "f.feature:11: `Scenaro` is no keyword", "Write `Scenario`");
}

#[test]
fn steps_before_any_scenario() {
    let text = format!("Feature: F\n  Given the Portals A\n\n{}", GOOD.trim_start_matches("Feature: F\n"));
    assert_one(&text, "f.feature:2: this line of a description looks like a step", "Put a `Scenario:` above it");
}

#[test]
fn prose_that_begins_like_a_step_is_prose() {
    let text = GOOD.replace("Some words", "When a peer calls, it answers.\n  And when it sings\n  it gets some words");
    assert_eq!(lint(&text), Vec::<String>::new());
    let steps = GOOD.replace("Some words", "When it calls\n  And it sings\n  Some words");
    assert_eq!(lint(&steps).len(), 2);
}

#[test]
fn misspelt_examples() {
    let outline = GOOD.replace("Scenario:", "Scenario Outline:").replace("\"/\"", "\"<path>\"");
    let good = format!("{outline}\n    Examples:\n      | path |\n      | /a   |\n");
    assert_eq!(lint(&good), Vec::<String>::new());
    assert_one(&good.replace("Examples:", "Exampels:"), "f.feature:10: `Exampels` is no keyword", "Write `Examples`");
    assert_one(&outline, "f.feature:5: the scenario `S` has no examples", "Add `Examples:`");
    let empty = format!("{outline}\n    Examples:\n      | path |\n");
    assert_one(&empty, "f.feature:10: the examples of `S` have no rows", "a row for each example");
}

#[test]
fn a_placeholder_in_a_plain_scenario() {
    assert_one(&GOOD.replace("\"/\"", "\"<path>\""), "f.feature:5: the scenario `S` has no examples", "");
}

#[test]
fn rows_of_different_length() {
    let table = |row: &str| GOOD.replace("Ada and Bob\n", &format!("Ada and Bob\n      | a | b |\n      {row}\n"));
    assert_eq!(lint(&table("| 1 | 2 \\| 3 |")), Vec::<String>::new());
    assert_one(
        &table("| 1 | 2 | 3 |"),
        "f.feature:8: this row has 3 cells, the first of its table has 2",
        "same number",
    );
    assert_one(&table("| 1 |"), "f.feature:8: this row has 1 cells", "same number");
    assert_one(&table("| 1 | 2"), "f.feature:8: the last cell of this row is not closed", "");
}

#[test]
fn a_table_in_a_doc_string_is_text() {
    let text = GOOD.replace("Bob\n    When", "Bob\n      \"\"\"\n      | a |\n      | b | c |\n      \"\"\"\n    When");
    assert_eq!(lint(&text), Vec::<String>::new());
}

#[test]
fn an_unknown_requirement() {
    assert_one(&GOOD.replace("CALL-1", "CALL-99"), "f.feature:4: there is no requirement CALL-99", "There are: CALL-1");
    let problems = lint(&GOOD.replace("CALL-1", "call-1"));
    assert!(problems[0].starts_with("f.feature:4: @call-1 looks like a requirement but is none"), "{problems:#?}");
}

#[test]
fn a_scenario_without_requirement() {
    let text = GOOD.replace("@CALL-1", "@slow");
    assert_one(&text, "f.feature:5: the scenario `S` names no requirement", "such as @CALL-3");
}

#[test]
fn a_tag_that_should_say_something() {
    assert_eq!(lint(&GOOD.replace("@CALL-1", "@CALL-1 @needs-clock @level-should")), Vec::<String>::new());
    assert_one(
        &GOOD.replace("@CALL-1", "@CALL-1 @needs-clok"),
        "f.feature:4: the tag @needs-clok says nothing",
        "@needs-clock",
    );
    assert_one(
        &GOOD.replace("@CALL-1", "@CALL-1 @level-must"),
        "f.feature:4: the tag @level-must says nothing",
        "@level-may",
    );
}

#[test]
fn a_retry() {
    assert_one(&GOOD.replace("@CALL-1", "@CALL-1 @retry(3)"), "f.feature:4: scenarios are not retried", "Remove");
}

#[test]
fn two_scenarios_with_one_id() {
    let again = GOOD.split_once("\n\n").unwrap().1;
    assert_one(
        &format!("{GOOD}\n{again}"),
        "f.feature:11: the scenario's id `f/s` is taken by f.feature:5",
        "another name",
    );
}

#[test]
fn a_feature_without_scenarios() {
    assert_one("Feature: F\n", "f.feature:1: the feature has no scenario", "Add one");
}

#[test]
fn a_file_that_is_no_gherkin() {
    assert_one("Hello\n", "f.feature:1: this can't be read as Gherkin: `Hello`", "");
    assert_one("", "f.feature:1: ", "");
}
