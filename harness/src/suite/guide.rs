//! The steps, as those who write features want to see them: by chapter, each with an example and what it does.
//!
//! The texts stand in `guide/*.toml`. An example says which step it is about by matching it, and no other: so what is shown
//! is what works.

use std::collections::HashSet;

use gherkin::{Feature, GherkinEnv, StepType};
use serde::{Deserialize, Serialize};

use super::registry::{Step, Steps, most_similar};

/// In the order in which they are shown.
const CHAPTERS: &[&str] = &[
    include_str!("guide/portals.toml"),
    include_str!("guide/apps.toml"),
    include_str!("guide/requests.toml"),
    include_str!("guide/answers.toml"),
    include_str!("guide/received.toml"),
    include_str!("guide/time.toml"),
    include_str!("guide/faults.toml"),
    include_str!("guide/trouble.toml"),
    include_str!("guide/terminals.toml"),
    include_str!("guide/identity.toml"),
    include_str!("guide/signatures.toml"),
    include_str!("guide/signed.toml"),
];

/// What belongs together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// Its heading.
    pub title: String,
    /// Its steps.
    pub steps: Vec<Explained>,
}

/// A step, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// After which keywords it can stand.
    pub keywords: Vec<&'static str>,
    /// The regular expression that a sentence has to match.
    pub pattern: String,
    /// The sentence as a Cucumber expression, in the form of the example; none where that has no simple one.
    pub expression: Option<String>,
    /// How it looks in a feature, with the keyword, and with the text or table under it.
    pub example: String,
    /// What it does.
    pub does: String,
}

/// What is wrong with the guide: a mistake in this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuideError {
    /// A chapter can't be read.
    #[error("a chapter of the guide can't be read: {0}")]
    Syntax(String),
    /// An example is no step.
    #[error("the example `{0}` can't be read as one step")]
    NoStep(String),
    /// An example does not match exactly one step.
    #[error("the example `{example}` matches {} steps: {}", .patterns.len(), .patterns.join(", "))]
    NotOne {
        /// The example.
        example: String,
        /// What it matches.
        patterns: Vec<String>,
    },
    /// A step has two examples.
    #[error("the step `{0}` has two examples")]
    Twice(String),
    /// A step has none.
    #[error("the step `{0}` has no example: give it one in harness/src/suite/guide")]
    Missing(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChapterText {
    title: String,
    step: Vec<StepText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    example: String,
    does: String,
}

/// All steps that there are, explained.
///
/// # Errors
/// When a step has not exactly one example that matches it alone.
pub fn guide(steps: &Steps) -> Result<Vec<Chapter>, GuideError> {
    let mut explained = HashSet::new();
    let mut chapters = Vec::new();
    for text in CHAPTERS {
        let text: ChapterText = toml::from_str(text).map_err(|error| GuideError::Syntax(error.to_string()))?;
        let mut chapter = Chapter { title: text.title, steps: Vec::new() };
        for StepText { example, does } in text.step {
            let step = matched(steps, &example)?;
            if !explained.insert(step.pattern.as_str()) {
                return Err(GuideError::Twice(step.pattern.to_string()));
            }
            chapter.steps.push(explain(step, example.trim(), does)?);
        }
        chapters.push(chapter);
    }
    match steps.iter().find(|step| !explained.contains(step.pattern.as_str())) {
        None => Ok(chapters),
        Some(step) => Err(GuideError::Missing(step.sentence.clone())),
    }
}

/// The example that comes nearest to a sentence, if any comes near at all. None for steps that the guide is not about.
pub(crate) fn nearest(steps: &Steps, sentence: &str) -> Option<String> {
    let chapters = guide(steps).ok()?;
    let examples = chapters.iter().flat_map(|chapter| &chapter.steps).filter_map(|step| step.example.lines().next());
    let sentences = examples.map(|example| example.split_once(' ').map_or(example, |(_, sentence)| sentence));
    most_similar(sentence, sentences).map(str::to_owned)
}

/// As it is written.
pub(crate) fn keyword(kind: &StepType) -> &'static str {
    match kind {
        StepType::Given => "Given",
        StepType::When => "When",
        StepType::Then => "Then",
    }
}

/// The one step that an example is of.
fn matched<'a>(steps: &'a Steps, example: &str) -> Result<&'a Step, GuideError> {
    let step = parsed(example)?;
    let found = steps.find(&step);
    match found.as_slice() {
        [(step, _)] => Ok(step),
        found => Err(GuideError::NotOne {
            example: example.to_owned(),
            patterns: found.iter().map(|(step, _)| step.pattern.to_string()).collect(),
        }),
    }
}

fn parsed(example: &str) -> Result<gherkin::Step, GuideError> {
    let indented: Vec<String> = example.lines().map(|line| format!("    {line}")).collect();
    let text = format!("Feature: f\n  Scenario: s\n{}\n", indented.join("\n"));
    let feature = Feature::parse(text, GherkinEnv::default()).map_err(|_| GuideError::NoStep(example.to_owned()))?;
    let steps = feature.scenarios.into_iter().next().map(|scenario| scenario.steps).unwrap_or_default();
    let Ok([step]) = <[gherkin::Step; 1]>::try_from(steps) else {
        return Err(GuideError::NoStep(example.to_owned()));
    };
    Ok(step)
}

fn explain(step: &Step, example: &str, does: String) -> Result<Explained, GuideError> {
    Ok(Explained {
        keywords: step.types.iter().map(keyword).collect(),
        pattern: step.pattern.to_string(),
        expression: expression(step, &parsed(example)?.value),
        example: example.to_owned(),
        does,
    })
}

/// The sentence with parameters in the place of what it captured, which is what editors complete. None where some of the
/// words would have to be escaped: not all editors agree on how.
fn expression(step: &Step, sentence: &str) -> Option<String> {
    let captures = step.pattern.captures(sentence)?;
    let mut expression = String::new();
    let mut from = 0;
    for capture in captures.iter().skip(1).flatten().filter(|capture| !capture.is_empty()) {
        // A group within another one.
        if capture.start() < from {
            continue;
        }
        let (before, text) = (&sentence[from..capture.start()], capture.as_str());
        let quoted = before.ends_with('"') && sentence[capture.end()..].starts_with('"');
        expression.push_str(if quoted { &before[..before.len() - 1] } else { before });
        expression.push_str(match text {
            _ if quoted => "{string}",
            text if text.parse::<i64>().is_ok() => "{int}",
            text if text.contains(char::is_whitespace) => "{}",
            _ => "{word}",
        });
        from = capture.end() + usize::from(quoted);
    }
    let rest = &sentence[from..];
    expression.push_str(rest);
    let literal: String =
        expression.replace("{string}", "").replace("{int}", "").replace("{word}", "").replace("{}", "");
    (!literal.contains(['(', ')', '{', '}', '/', '\\'])).then_some(expression)
}

/// As step definitions in JavaScript, which the editors' plugins for Cucumber read to complete steps and to underline
/// unknown ones. Nobody runs them.
pub fn javascript(chapters: &[Chapter]) -> String {
    let mut out = String::from(JAVASCRIPT);
    for chapter in chapters {
        out.push_str(&format!("\n// {}\n", chapter.title));
        for step in &chapter.steps {
            out.push_str(&format!("\n/**\n * {}\n *\n", step.does.replace("*/", "* /")));
            step.example.lines().for_each(|line| out.push_str(&format!(" * {}\n", line.replace("*/", "* /"))));
            out.push_str(" */\n");
            let keyword = step.keywords.first().copied().unwrap_or("Given");
            if let Some(expression) = &step.expression {
                out.push_str(&format!("{keyword}('{}', () => {{}});\n", expression.replace('\'', "\\'")));
            }
            out.push_str(&format!("{keyword}(/{}/, () => {{}});\n", in_slashes(&step.pattern)));
        }
    }
    out
}

const JAVASCRIPT: &str = "\
// The steps of Countersign, for editors alone: nothing runs this file.
// Made by: countersign steps --format javascript > features/steps.js
//
// Visual Studio Code with the extension Cucumber (CucumberOpen.cucumber-official) finds it by itself. Where its setting
// was changed, it needs: \"cucumber.features\": [\"features/**/*.feature\"], \"cucumber.glue\": [\"features/**/*.js\"]
/* eslint-disable */
";

/// A regular expression as JavaScript writes it.
fn in_slashes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut escaped = false;
    for c in pattern.chars() {
        if c == '/' && !escaped {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::suite::steps::registry;

    #[test]
    fn every_step_has_an_example_that_is_of_it_alone() {
        let chapters = guide(&registry()).unwrap_or_else(|error| panic!("{error}"));
        for step in chapters.iter().flat_map(|chapter| &chapter.steps) {
            assert!(step.does.ends_with('.') && !step.does.contains('\n'), "`{}` is no sentence", step.does);
        }
    }

    #[test]
    fn every_name_that_a_portal_can_have_is_taken_in_every_step_and_by_no_other_one() {
        let steps = registry();
        let names = Regex::new(r"\b(alice|bob|carol|dora|dana|mallory|phone|tablet)\b").unwrap();
        for step in guide(&steps).unwrap().iter().flat_map(|chapter| &chapter.steps) {
            // Nobody's name, but one of several things that a request can carry.
            let example = step
                .example
                .replace("in alice's own", "in ALICE's own")
                .replace("by mallory before", "by MALLORY before");
            let other = names.replace_all(&example, "$1-2nd").replace("ALICE", "alice").replace("MALLORY", "mallory");
            assert_eq!(
                matched(&steps, &other).map(|step| step.pattern.to_string()),
                Ok(step.pattern.clone()),
                "{other}"
            );
        }
    }

    #[test]
    fn an_example_of_no_step_or_of_two_is_told() {
        let mut steps = Steps::new();
        steps.then("it works", async |_, _| Ok(()));
        assert!(
            matches!(matched(&steps, "Then it fails"), Err(GuideError::NotOne { patterns, .. }) if patterns.is_empty())
        );
        assert!(matches!(matched(&steps, "Given it works"), Err(GuideError::NotOne { .. })));
        assert!(matches!(matched(&steps, "Then it works\nThen it works"), Err(GuideError::NoStep(_))));
        matched(&steps, "Then it works").unwrap();
        steps.then("^it (works|breaks)$", async |_, _| Ok(()));
        assert!(
            matches!(matched(&steps, "Then it works"), Err(GuideError::NotOne { patterns, .. }) if patterns.len() == 2)
        );
        // The guide is of all steps, and of these none is in it.
        assert!(guide(&steps).is_err());
    }

    #[test]
    fn what_is_captured_becomes_a_parameter() {
        let of = |pattern: &str, sentence: &str| {
            let mut steps = Steps::new();
            steps.then(pattern, async |_, _| Ok(()));
            expression(matched(&steps, &format!("Then {sentence}")).unwrap(), sentence)
        };
        assert_eq!(
            of(r#"^(\w+)'s JSON "([^"]*)" is (\d+)$"#, r#"bob's JSON "a/b" is 2"#).unwrap(),
            "{word}'s JSON {string} is {int}"
        );
        assert_eq!(of("^the (a(b)?), (.+) end$", "the ab, c and d end").unwrap(), "the {word}, {} end");
        assert_eq!(of("^matches /(.+)/$", "matches /x/"), None);
    }

    #[test]
    fn editors_get_the_same_patterns() {
        let chapters = guide(&registry()).unwrap();
        let text = javascript(&chapters);
        let literal = Regex::new(r"(?m)^(?:Given|When|Then)\(/(.*)/, \(\) => \{\}\);$").unwrap();
        let patterns: Vec<String> = literal.captures_iter(&text).map(|found| found[1].replace(r"\/", "/")).collect();
        let expected: Vec<String> =
            chapters.iter().flat_map(|chapter| &chapter.steps).map(|step| step.pattern.replace(r"\/", "/")).collect();
        assert_eq!(patterns, expected);
    }

    #[test]
    fn a_slash_is_escaped_once() {
        assert_eq!(in_slashes(r"a/b\/c\\/d"), r"a\/b\/c\\\/d");
    }
}
