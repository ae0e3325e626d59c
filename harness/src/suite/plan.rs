//! From feature files to the scenarios that will run: parsed, examples filled in, each with its stable id.

use std::collections::HashMap;

use gherkin::{GherkinEnv, LineCol};

use super::lint::{self, Problem};
use super::needs;
use super::source::FeatureFile;
use crate::contract::is_requirement_id;
use crate::verdict::ScenarioInfo;

/// A scenario with its examples filled in.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) info: ScenarioInfo,
    /// Which of the files.
    pub(crate) file: usize,
    /// Which of its feature's rules, if it stands in one.
    pub(crate) rule: Option<usize>,
    /// Which Core is the first, where there are several.
    pub(crate) rotation: usize,
    /// As cucumber gets it. Its line is the one of `info`, which tells it from the others of the file.
    pub(crate) scenario: gherkin::Scenario,
}

impl Planned {
    /// The same with several Cores, in one of their rotations, which has a name.
    pub(crate) fn turned(mut self, rotation: usize, name: &str) -> Planned {
        self.info.id = format!("{}/{name}", self.info.id);
        self.rotation = rotation;
        // Cucumber has to tell them apart, and so have we: by line and column.
        self.scenario.position.col = rotation + 1;
        self
    }

    /// Where it stands, with its rotation for a column.
    pub(crate) fn place(&self) -> (usize, usize) {
        (self.info.line, self.rotation)
    }
}

/// The place of a scenario that cucumber has.
pub(crate) fn place_of(scenario: &gherkin::Scenario) -> (usize, usize) {
    (scenario.position.line, scenario.position.col.saturating_sub(1))
}

/// A feature file, parsed.
#[derive(Debug)]
pub(crate) struct ParsedFile {
    pub(crate) file: FeatureFile,
    /// As written, examples not filled in.
    pub(crate) feature: gherkin::Feature,
}

/// Parses a file.
pub(crate) fn parse(file: FeatureFile) -> Result<ParsedFile, Problem> {
    match gherkin::Feature::parse(&file.text, GherkinEnv::default()) {
        Ok(feature) => Ok(ParsedFile { file, feature }),
        Err(error) => Err(lint::unreadable(&file, &error)),
    }
}

/// All scenarios of a file, in order.
pub(crate) fn plan(index: usize, parsed: &ParsedFile, problems: &mut Vec<Problem>) -> Vec<Planned> {
    let feature = &parsed.feature;
    let of_feature = feature.scenarios.iter().map(|scenario| (None, scenario));
    let rules = feature.rules.iter().enumerate();
    let of_rules = rules.flat_map(|(n, rule)| rule.scenarios.iter().map(move |scenario| (Some(n), scenario)));

    let mut planned = Vec::new();
    for (rule, scenario) in of_feature.chain(of_rules) {
        let mut tags = feature.tags.clone();
        tags.extend(rule.iter().flat_map(|rule: &usize| feature.rules[*rule].tags.clone()));
        for expanded in expand(&parsed.file, scenario, problems) {
            let tags = with(&tags, &expanded.scenario.tags);
            let info = ScenarioInfo {
                id: expanded.id(&parsed.file, scenario),
                name: expanded.scenario.name.clone(),
                feature: parsed.file.name.clone(),
                line: expanded.scenario.position.line,
                level: needs::level(&tags),
                requirements: tags.iter().filter(|tag| is_requirement_id(tag)).cloned().collect(),
                tags,
            };
            let mut scenario = expanded.scenario;
            scenario.position.col = 1;
            planned.push(Planned { info, file: index, rule, rotation: 0, scenario });
        }
    }
    planned
}

fn with(tags: &[String], more: &[String]) -> Vec<String> {
    let mut all = tags.to_vec();
    all.extend(more.iter().cloned());
    let mut seen = std::collections::HashSet::new();
    all.retain(|tag| seen.insert(tag.clone()));
    all
}

struct Expanded {
    scenario: gherkin::Scenario,
    row: Option<String>,
}

impl Expanded {
    /// The name as it is written, so that an example's values stand in the last part only.
    fn id(&self, file: &FeatureFile, written: &gherkin::Scenario) -> String {
        let feature = file.name.trim_end_matches(".feature").split('/').map(slug).collect::<Vec<_>>().join("/");
        match &self.row {
            None => format!("{feature}/{}", slug(&written.name)),
            Some(row) => format!("{feature}/{}/{row}", slug(&written.name)),
        }
    }
}

/// Fills in the examples. Not left to cucumber: it takes an example's line from the keyword's, which is wrong as soon as
/// there is a comment in between, and goes on silently with an outline that has no examples.
fn expand(file: &FeatureFile, scenario: &gherkin::Scenario, problems: &mut Vec<Problem>) -> Vec<Expanded> {
    if scenario.examples.is_empty() {
        return vec![Expanded { scenario: scenario.clone(), row: None }];
    }
    let mut expanded = Vec::new();
    for examples in &scenario.examples {
        let rows = examples.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
        let Some((header, rows)) = rows.split_first() else { continue };
        let lines = lint::row_lines(&file.text, examples.position.line);
        for (n, row) in rows.iter().enumerate() {
            let line = lines.get(n + 1).copied().unwrap_or(examples.position.line + n + 2);
            let values: HashMap<&str, &str> =
                header.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect();
            let mut filled = fill(file, scenario, &values, problems);
            filled.position = LineCol { line, col: 1 };
            filled.tags.extend(examples.tags.iter().cloned());
            expanded.push(Expanded { scenario: filled, row: Some(row_slug(row)) });
        }
    }
    tell_rows_apart(&mut expanded);
    expanded
}

fn fill(
    file: &FeatureFile,
    scenario: &gherkin::Scenario,
    values: &HashMap<&str, &str>,
    problems: &mut Vec<Problem>,
) -> gherkin::Scenario {
    let mut filled = scenario.clone();
    filled.examples.clear();
    let mut substitute = |text: &mut String, line: usize| match substituted(text, values) {
        Ok(new) => *text = new,
        Err(name) => problems.push(lint::unknown_placeholder(file, line, &name, values)),
    };
    substitute(&mut filled.name, scenario.position.line);
    for step in &mut filled.steps {
        let line = step.position.line;
        substitute(&mut step.value, line);
        if let Some(text) = &mut step.docstring {
            // A text may hold `<` for its own sake: only what the table knows is filled in.
            *text = values.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("<{name}>"), value));
        }
        for cell in step.table.iter_mut().flat_map(|table| table.rows.iter_mut().flatten()) {
            substitute(cell, line);
        }
    }
    filled
}

/// The text with each `<name>` replaced; or the first name that has no value.
fn substituted(text: &str, values: &HashMap<&str, &str>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let name = rest[start + 1..].split_once('>').map(|(name, _)| name);
        let (upto, name) = match name {
            Some(name) if is_placeholder(name) => (start + name.len() + 2, name),
            _ => {
                result.push_str(&rest[..=start]);
                rest = &rest[start + 1..];
                continue;
            }
        };
        result.push_str(&rest[..start]);
        match values.get(name) {
            Some(value) => result.push_str(value),
            None if lint::is_html(name, text) => result.push_str(&rest[start..upto]),
            None => return Err(name.to_owned()),
        }
        rest = &rest[upto..];
    }
    result.push_str(rest);
    Ok(result)
}

pub(crate) fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-'))
}

/// Letters and digits, everything else one dash.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// How long the part of an id gets that comes from an example.
const ROW_SLUG: usize = 60;

fn row_slug(cells: &[String]) -> String {
    let whole = slug(&cells.join(" "));
    match whole.char_indices().nth(ROW_SLUG) {
        Some((end, _)) => whole[..end].trim_end_matches('-').to_owned(),
        None => whole,
    }
}

/// Rows that differ only in what a slug can't hold (`/a%2Fb`, `/a%2fb`) get their number.
fn tell_rows_apart(expanded: &mut [Expanded]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    for row in expanded.iter().filter_map(|expanded| expanded.row.as_ref()) {
        *count.entry(row.clone()).or_default() += 1;
    }
    for (n, expanded) in expanded.iter_mut().enumerate() {
        if let Some(row) = &mut expanded.row
            && (row.is_empty() || count.get(row.as_str()).is_some_and(|count| *count > 1))
        {
            *row = format!("{row}-row-{}", n + 1).trim_start_matches('-').to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> (Vec<Planned>, Vec<Problem>) {
        let file =
            FeatureFile { name: "call_peer.feature".into(), shown: "call_peer.feature".into(), text: text.into() };
        let mut problems = Vec::new();
        let parsed = parse(file).unwrap();
        (plan(0, &parsed, &mut problems), problems)
    }

    const OUTLINE: &str = "@slow
Feature: F

  @CALL-1
  Scenario: Plain, and simple!
    Given a
    Then b

  Rule: R
    @CALL-2
    Scenario Outline: Path <path> is kept
      When Ada calls \"<path>\"
        \"\"\"
        <path> <html>
        \"\"\"
      Then b

      # a comment in between

      @CALL-3
      Examples:

        # another one
        | path |
        | /a%2F |
        # and one more
        | /a%2f |
        | /b    |
";

    #[test]
    fn ids_are_stable_and_lines_are_those_of_the_example() {
        let (planned, problems) = planned(OUTLINE);
        assert!(problems.is_empty());
        let ids: Vec<_> = planned.iter().map(|planned| (planned.info.id.as_str(), planned.info.line)).collect();
        assert_eq!(
            ids,
            [
                ("call_peer/plain-and-simple", 5),
                ("call_peer/path-path-is-kept/a-2f-row-1", 25),
                ("call_peer/path-path-is-kept/a-2f-row-2", 27),
                ("call_peer/path-path-is-kept/b", 28),
            ]
        );
        assert_eq!(planned[3].info.name, "Path /b is kept");
        assert_eq!(planned[3].info.tags, ["slow", "CALL-2", "CALL-3"]);
        assert_eq!(planned[3].info.requirements, ["CALL-2", "CALL-3"]);
        assert_eq!(planned[3].scenario.steps[0].value, "Ada calls \"/b\"");
        assert!(planned[3].scenario.steps[0].docstring.as_ref().unwrap().contains("/b <html>"));
        assert_eq!(planned[3].rule, Some(0));
    }

    #[test]
    fn a_placeholder_without_a_column_is_a_problem() {
        let (_, problems) = planned(
            "Feature: F\n  Scenario Outline: S\n    Given <a>\n    Then <b>\n    Examples:\n      | a |\n      | 1 |\n",
        );
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().starts_with("call_peer.feature:4: "), "{}", problems[0]);
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        let values = HashMap::from([("a", "1")]);
        assert_eq!(substituted("x < <a> > <a/b> <", &values).unwrap(), "x < 1 > <a/b> <");
        assert_eq!(substituted("<b><a></b>", &values).unwrap(), "<b>1</b>");
        assert_eq!(substituted("<path>", &values).unwrap_err(), "path");
    }

    #[test]
    fn slugs_hold_letters_and_digits() {
        assert_eq!(slug("A peer's 2nd, \"own\" name — Ünï"), "a-peer-s-2nd-own-name-ünï");
        assert_eq!(slug("///"), "");
    }
}
