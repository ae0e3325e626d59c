//! What is wrong with the features, found before anything runs.
//!
//! Cucumber lets several mistakes pass: an undefined step is skipped, a misspelt keyword becomes a description and its
//! scenario passes empty, a cell too many in a table is dropped. Each of them would be a verdict that is not true, so
//! each is an error with file, line, and what to do.

mod keywords;
mod lines;

use std::collections::HashMap;
use std::fmt;

use gherkin::StepType;

use super::guide;
use super::needs;
use super::plan::{ParsedFile, Planned, is_placeholder};
use super::registry::{Step, Steps};
use super::source::FeatureFile;
use crate::contract::{Contract, is_requirement_id};
pub(crate) use keywords::is_html;
use keywords::{misspelt, misspelt_section, step_keyword};
pub(crate) use lines::row_lines;
use lines::{line_of, tag_line, uneven_table};

/// A mistake in a feature file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file as it is shown.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}. {}.", self.file, self.line, self.what, self.advice)
    }
}

impl Problem {
    fn new(file: &FeatureFile, line: usize, what: impl Into<String>, advice: impl Into<String>) -> Problem {
        Problem { file: file.shown.clone(), line, what: what.into(), advice: advice.into() }
    }
}

/// The parser gave up.
pub(crate) fn unreadable(file: &FeatureFile, error: &gherkin::ParseError) -> Problem {
    // The position is private, but the message begins with it.
    let text = error.to_string();
    let line: usize = text.split([' ', ':']).find_map(|part| part.parse().ok()).unwrap_or(1);
    let line = line.min(file.text.lines().count()).max(1);
    if let Some((line, what)) = uneven_table(&file.text) {
        return Problem::new(file, line, what, EVEN);
    }
    let lines: Vec<&str> = file.text.lines().collect();
    // The line itself, the one after, the one before.
    let nearby = [line - 1, line, line.saturating_sub(2)];
    let misspelt = nearby.into_iter().find_map(|n| Some((n + 1, misspelt(lines.get(n)?)?)));
    match misspelt {
        Some((line, (written, meant))) => {
            Problem::new(file, line, format!("`{written}` is no keyword"), format!("Write `{meant}` if that is meant"))
        }
        None => {
            let seen = lines.get(line.saturating_sub(1)).map_or("the end of the file", |line| line.trim());
            let what = format!("this can't be read as Gherkin: `{seen}`");
            Problem::new(
                file,
                line,
                what,
                "Every line is a keyword with a colon, a step, a table row, a tag or a # comment",
            )
        }
    }
}

/// A placeholder that no column fills.
pub(crate) fn unknown_placeholder(file: &FeatureFile, line: usize, name: &str, known: &HashMap<&str, &str>) -> Problem {
    let mut known: Vec<_> = known.keys().copied().collect();
    known.sort_unstable();
    let advice = format!("Add a column of that name or use one of: {}", known.join(", "));
    Problem::new(file, line, format!("`<{name}>` has no column among the examples"), advice)
}

/// Everything about a file and its scenarios that can be told without the steps.
pub(crate) fn check(parsed: &ParsedFile, planned: &[Planned], contract: &Contract) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some((line, what)) = uneven_table(&parsed.file.text) {
        problems.push(Problem::new(&parsed.file, line, what, EVEN));
    }
    check_texts(parsed, &mut problems);
    check_structure(parsed, &mut problems);
    check_tags(parsed, contract, &mut problems);
    let nameless = |planned: &&Planned| planned.info.requirements.is_empty() && !contract.is_empty();
    for planned in planned.iter().filter(nameless) {
        let what = format!("the scenario `{}` names no requirement", planned.info.name);
        let advice = "Put a tag with the id of the requirement that it checks above it, such as @CALL-3";
        problems.push(Problem::new(&parsed.file, planned.info.line, what, advice));
    }
    sorted(problems)
}

/// Whether each step of these scenarios, and of the backgrounds before them, is defined exactly once.
pub(crate) fn check_steps(files: &[ParsedFile], planned: &[&Planned], steps: &Steps) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (n, parsed) in files.iter().enumerate() {
        let here: Vec<_> = planned.iter().filter(|planned| planned.file == n).collect();
        let background = if here.is_empty() { None } else { Some(backgrounds(parsed)) };
        let of_scenarios = here.iter().flat_map(|planned| &planned.scenario.steps);
        for step in background.into_iter().flatten().chain(of_scenarios) {
            check_step(&parsed.file, step, steps, &mut problems);
        }
    }
    let mut problems = sorted(problems);
    // An outline's step is there for every example: the first is enough.
    problems.dedup_by(|later, first| (&later.file, later.line) == (&first.file, first.line));
    problems
}

/// In the order of the lines, each once.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    problems
}

/// Two scenarios with one id, among all files.
pub(crate) fn check_ids(files: &[ParsedFile], planned: &[Planned]) -> Vec<Problem> {
    let mut first: HashMap<&str, &Planned> = HashMap::new();
    let mut problems = Vec::new();
    for planned in planned {
        if let Some(other) = first.insert(&planned.info.id, planned) {
            let file = &files[planned.file].file;
            let what = format!(
                "the scenario's id `{}` is taken by {}:{}",
                planned.info.id, files[other.file].file.shown, other.info.line
            );
            problems.push(Problem::new(file, planned.info.line, what, "Give one of them another name"));
        }
    }
    problems
}

fn backgrounds(parsed: &ParsedFile) -> impl Iterator<Item = &gherkin::Step> {
    let feature = &parsed.feature;
    let backgrounds = feature.background.iter().chain(feature.rules.iter().filter_map(|rule| rule.background.as_ref()));
    backgrounds.flat_map(|background| &background.steps)
}

fn scenarios(parsed: &ParsedFile) -> impl Iterator<Item = &gherkin::Scenario> {
    parsed.feature.scenarios.iter().chain(parsed.feature.rules.iter().flat_map(|rule| &rule.scenarios))
}

/// Free text: none where it could hide a step, and nothing that looks like Gherkin where it is allowed.
fn check_texts(parsed: &ParsedFile, problems: &mut Vec<Problem>) {
    let (file, feature) = (&parsed.file, &parsed.feature);
    let rules = feature.rules.iter().map(|rule| (rule.position.line, &rule.description));
    for (line, text) in std::iter::once((feature.position.line, &feature.description)).chain(rules) {
        let lines: Vec<&str> = text.iter().flat_map(|text| text.lines()).collect();
        for (n, text) in lines.iter().enumerate() {
            let keyword = step_keyword(text).filter(|keyword| {
                // `When` begins many a sentence; among other steps it is one.
                let beside = [n.checked_sub(1), Some(n + 1)].into_iter().flatten().filter_map(|n| lines.get(n));
                matches!(*keyword, "Given" | "Then") || beside.into_iter().any(|line| step_keyword(line).is_some())
            });
            if let Some((written, meant)) = misspelt_section(text) {
                let what = format!("`{written}:` is no keyword, so all under it is read as a description");
                problems.push(Problem::new(file, line_of(file, line, text), what, format!("Write `{meant}:`")));
            } else if let Some(keyword) = keyword {
                let what = format!("this line of a description looks like a step: `{}`", text.trim());
                let advice =
                    format!("Put a `Scenario:` above it, or begin the line with another word than `{keyword}`");
                problems.push(Problem::new(file, line_of(file, line, text), what, advice));
            }
        }
    }

    let in_backgrounds =
        feature.background.iter().chain(feature.rules.iter().filter_map(|rule| rule.background.as_ref()));
    let in_backgrounds =
        in_backgrounds.map(|background| ("background", background.position.line, &background.description));
    let in_scenarios = scenarios(parsed).map(|scenario| ("scenario", scenario.position.line, &scenario.description));
    let in_examples = scenarios(parsed).flat_map(|scenario| &scenario.examples);
    let in_examples = in_examples.map(|examples| ("table of examples", examples.position.line, &examples.description));
    for (place, line, text) in in_backgrounds.chain(in_scenarios).chain(in_examples) {
        for text in text.iter().flat_map(|text| text.lines()).filter(|text| !text.trim().is_empty()) {
            let line = line_of(file, line, text);
            problems.push(match misspelt(text) {
                Some((written, meant)) => Problem::new(
                    file,
                    line,
                    format!("`{written}` is no keyword, so the line would not run"),
                    format!("Write `{meant}`"),
                ),
                None => Problem::new(
                    file,
                    line,
                    format!("free text in a {place}, which would not run: `{}`", text.trim()),
                    "Begin it with Given, When, Then, And or But, or make it a # comment",
                ),
            });
        }
    }
}

fn check_structure(parsed: &ParsedFile, problems: &mut Vec<Problem>) {
    let file = &parsed.file;
    if scenarios(parsed).next().is_none() {
        problems.push(Problem::new(
            file,
            parsed.feature.position.line,
            "the feature has no scenario",
            "Add one or remove the file",
        ));
    }
    for scenario in scenarios(parsed) {
        let (line, name) = (scenario.position.line, &scenario.name);
        let mut problem = |what: String, advice: &str| problems.push(Problem::new(file, line, what, advice));
        if name.trim().is_empty() {
            problem("the scenario has no name".to_owned(), "Say in a few words what it shows");
        }
        if scenario.steps.is_empty() {
            problem(format!("the scenario `{name}` has no steps and would pass"), "Add steps or remove it");
        } else if !scenario.steps.iter().any(|step| step.ty == StepType::Then) {
            problem(format!("the scenario `{name}` has no Then and can't fail"), "Say what must be seen, with `Then`");
        }
        let outline = scenario.keyword.contains("Outline") || scenario.keyword.contains("Template");
        if scenario.examples.is_empty() && (outline || has_placeholder(scenario)) {
            problem(format!("the scenario `{name}` has no examples"), "Add `Examples:` with a table under its steps");
        }
        for examples in &scenario.examples {
            if examples.table.as_ref().is_none_or(|table| table.rows.len() < 2) {
                let what = format!("the examples of `{name}` have no rows, so it would not run");
                problems.push(Problem::new(
                    file,
                    examples.position.line,
                    what,
                    "Add a header and a row for each example",
                ));
            }
        }
    }
}

fn has_placeholder(scenario: &gherkin::Scenario) -> bool {
    let of_text = |text: &String| {
        let mut names = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
        names.any(|(name, _)| is_placeholder(name) && !is_html(name, text))
    };
    scenario.steps.iter().map(|step| &step.value).any(of_text)
}

fn check_tags(parsed: &ParsedFile, contract: &Contract, problems: &mut Vec<Problem>) {
    let feature = &parsed.feature;
    let mut check = |line: usize, tags: &[String]| {
        for tag in tags {
            let line = tag_line(&parsed.file, line, tag);
            let may_be_requirement = !contract.is_empty();
            if may_be_requirement && is_requirement_id(tag) && contract.get(tag).is_none() {
                let similar = contract.similar(tag);
                let advice = match similar.as_slice() {
                    [] => "See `countersign requirements` for those that there are".to_owned(),
                    _ => format!("There are: {}", similar.join(", ")),
                };
                problems.push(Problem::new(&parsed.file, line, format!("there is no requirement {tag}"), advice));
            } else if may_be_requirement
                && !is_requirement_id(tag)
                && is_requirement_id(&tag.to_uppercase().replace('_', "-"))
            {
                let meant = tag.to_uppercase().replace('_', "-");
                let what = format!("@{tag} looks like a requirement but is none");
                problems.push(Problem::new(&parsed.file, line, what, format!("Write @{meant} if that is meant")));
            } else if let Some(known) = needs::unknown(tag) {
                let advice = format!("There are: @{}", known.join(", @"));
                problems.push(Problem::new(&parsed.file, line, format!("the tag @{tag} says nothing"), advice));
            } else if tag == "retry" || tag.starts_with("retry(") {
                let what = "scenarios are not retried: a verdict that comes and goes is a mistake to find".to_owned();
                problems.push(Problem::new(&parsed.file, line, what, "Remove @retry"));
            }
        }
    };
    check(feature.position.line, &feature.tags);
    for rule in &feature.rules {
        check(rule.position.line, &rule.tags);
    }
    for scenario in scenarios(parsed) {
        check(scenario.position.line, &scenario.tags);
        for examples in &scenario.examples {
            check(examples.position.line, &examples.tags);
        }
    }
}

fn check_step(file: &FeatureFile, step: &gherkin::Step, steps: &Steps, problems: &mut Vec<Problem>) {
    let (line, written) = (step.position.line, format!("{} {}", step.keyword.trim(), step.value));
    let found = steps.find(step);
    match found.as_slice() {
        // What stands in a sentence has to be defined too.
        [(Step { nested: Some(nested), .. }, args)] => {
            let inner = gherkin::Step { ty: StepType::Then, value: (nested.sentence)(args), ..step.clone() };
            check_step(file, &inner, steps, problems);
        }
        [_] => {}
        [] => {
            let advice = match steps.find_with_other_keyword(step) {
                Some(other) => {
                    let keywords: Vec<&str> = other.types.iter().map(guide::keyword).collect();
                    format!("The sentence is known after another keyword only: {}", keywords.join(" or "))
                }
                None => match guide::nearest(steps, &step.value).or_else(|| steps.most_similar(step)) {
                    Some(similar) => format!("The nearest one that is known: `{similar}`"),
                    None => "`countersign steps` shows all that there are".to_owned(),
                },
            };
            problems.push(Problem::new(file, line, format!("the step `{written}` is not defined"), advice));
        }
        several => {
            let places: Vec<_> = several.iter().map(|(step, _)| format!("{} (`{}`)", step.at, step.pattern)).collect();
            let what = format!("the step `{written}` is ambiguous");
            problems.push(Problem::new(file, line, what, format!("Make one of these narrower: {}", places.join(", "))));
        }
    }
}

const EVEN: &str = "Give each row of a table the same number of cells; write a bar in a cell as \\|";

#[cfg(test)]
mod tests;
