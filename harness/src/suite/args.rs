//! What a step was called with: the captures of its sentence, its doc string, its table.

use std::fmt::Display;
use std::str::FromStr;

use super::failure::{StepFailure, StepResult};
use super::kit::placeholders::{self, Placeholder};

/// What a sentence captured: the name of the group, where it has one, and the text.
pub(crate) type Captures = Vec<(Option<String>, String)>;

/// What a step was called with.
#[derive(Debug, Clone, Default)]
pub struct Args {
    captures: Captures,
    doc_string: Option<String>,
    table: Option<Table>,
}

impl Args {
    pub(crate) fn new(captures: Captures, step: &gherkin::Step) -> Args {
        let doc_string = step.docstring.as_deref().map(unindented);
        let table = step.table.as_ref().map(|table| Table { rows: table.rows.clone() });
        Args { captures, doc_string, table }
    }

    /// The same text and table, under another sentence.
    pub(crate) fn with_captures(&self, captures: Captures) -> Args {
        Args { captures, ..self.clone() }
    }

    /// Replaces the placeholders in all that the step was called with.
    pub(crate) async fn fill(&mut self, mut fact: impl AsyncFnMut(&Placeholder) -> StepResult<String>) -> StepResult {
        let captures = self.captures.iter_mut().map(|(_, text)| text);
        let cells = self.table.iter_mut().flat_map(|table| &mut table.rows).flatten();
        for text in captures.chain(&mut self.doc_string).chain(cells) {
            *text = placeholders::fill(text, &mut fact).await?;
        }
        Ok(())
    }

    /// The capture number `index`, counted from 0. An optional group that took no part is empty.
    ///
    /// # Panics
    ///
    /// If the pattern has no such group: a mistake in the step, reported as an error of the harness.
    pub fn text(&self, index: usize) -> &str {
        match self.captures.get(index) {
            Some((_, text)) => text,
            None => panic!("the pattern of this step has no capture {index}"),
        }
    }

    /// The capture number `index`, parsed.
    pub fn get<T: FromStr<Err: Display>>(&self, index: usize) -> StepResult<T> {
        let text = self.text(index);
        text.parse().map_err(|error| StepFailure::mistake(format!("`{text}` in the sentence of this step: {error}")))
    }

    /// The capture `(?<name>…)`; empty if it took no part.
    ///
    /// # Panics
    ///
    /// If the pattern has no such group.
    pub fn named(&self, name: &str) -> &str {
        let found = self.captures.iter().find(|(n, _)| n.as_deref() == Some(name));
        match found {
            Some((_, text)) => text,
            None => panic!("the pattern of this step has no capture named {name}"),
        }
    }

    /// The capture number `index` as a list: `A`, `A and B`, `A, B and C`.
    pub fn list(&self, index: usize) -> Vec<String> {
        list(self.text(index))
    }

    /// The text between `"""` under the step, without its common indentation and without the last line end.
    /// Empty lines at its end stay.
    pub fn doc_string(&self) -> StepResult<&str> {
        self.doc_string.as_deref().ok_or_else(|| StepFailure::mistake("this step needs a text between \"\"\" under it"))
    }

    /// The doc string, where there is one.
    pub fn doc_string_if_any(&self) -> Option<&str> {
        self.doc_string.as_deref()
    }

    /// The table under the step.
    pub fn table(&self) -> StepResult<&Table> {
        self.table.as_ref().ok_or_else(|| StepFailure::mistake("this step needs a table under it"))
    }

    /// The table, where there is one.
    pub fn table_if_any(&self) -> Option<&Table> {
        self.table.as_ref()
    }
}

/// `A`, `A and B`, `A, B and C`: the words of people. Quotes around an item are taken off.
pub fn list(text: &str) -> Vec<String> {
    let items =
        text.split(", ").flat_map(|part| part.split(" and ")).map(|item| item.trim().trim_matches('"').to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

/// A data table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// All rows, the first one too: for tables without a header.
    pub fn cells(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The rows under the header.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let header = self.rows.first().map(Vec::as_slice).unwrap_or_default();
        self.rows.iter().skip(1).map(move |cells| Row { header, cells })
    }

    /// A table of two columns without a header, as pairs.
    pub fn pairs<'a>(&'a self) -> StepResult<Vec<(&'a str, &'a str)>> {
        let pair = |row: &'a Vec<String>| match row.as_slice() {
            [key, value] => Ok((key.as_str(), value.as_str())),
            _ => Err(StepFailure::mistake("this step's table needs exactly two columns")),
        };
        self.rows.iter().map(pair).collect()
    }
}

/// A row of a table with a header.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    header: &'a [String],
    cells: &'a [String],
}

impl<'a> Row<'a> {
    /// The cell of this column.
    pub fn cell(&self, column: &str) -> StepResult<&'a str> {
        self.cell_if_any(column).ok_or_else(|| {
            StepFailure::mistake(format!(
                "this step's table needs a column `{column}`; it has {}",
                self.header.join(", ")
            ))
        })
    }

    /// The cell of this column, where the table has it.
    pub fn cell_if_any(&self, column: &str) -> Option<&'a str> {
        let index = self.header.iter().position(|name| name == column)?;
        self.cells.get(index).map(String::as_str)
    }

    /// The cell of this column, parsed.
    pub fn get<T: FromStr<Err: Display>>(&self, column: &str) -> StepResult<T> {
        let text = self.cell(column)?;
        text.parse().map_err(|error| StepFailure::mistake(format!("`{text}` in column `{column}`: {error}")))
    }
}

/// The parser keeps the indentation and the line ends around a doc string: taken off here, so that bytes are what the
/// reader sees, empty lines at the end too.
fn unindented(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let mut lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    if lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = lines.into_iter().map(|line| line.get(common..).unwrap_or("")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(lines: &str) -> gherkin::Step {
        let source = format!("Feature: f\n  Scenario: s\n    Given x\n{lines}");
        let feature = gherkin::Feature::parse(source, gherkin::GherkinEnv::default()).unwrap();
        feature.scenarios[0].steps[0].clone()
    }

    #[test]
    fn a_doc_string_is_what_the_reader_sees() {
        let step = step("      \"\"\"\n      {\n        \"a\": 1\n\n      }\n      \"\"\"\n");
        let args = Args::new(Vec::new(), &step);
        assert_eq!(args.doc_string().unwrap(), "{\n  \"a\": 1\n\n}");
    }

    #[test]
    fn a_doc_string_keeps_the_empty_lines_at_its_end() {
        let step = step("      \"\"\"\n      a\n\n\n      \"\"\"\n");
        assert_eq!(Args::new(Vec::new(), &step).doc_string().unwrap(), "a\n\n");
    }

    #[test]
    fn a_table_is_read_by_its_header_or_as_pairs() {
        let step = step("      | path | access |\n      | /a   | peer   |\n");
        let args = Args::new(Vec::new(), &step);
        let rows: Vec<_> = args.table().unwrap().rows().collect();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].cell("access").unwrap(), "peer");
        assert!(rows[0].cell("colour").unwrap_err().got().contains("path, access"));
        assert_eq!(args.table().unwrap().pairs().unwrap(), [("path", "access"), ("/a", "peer")]);
    }

    #[test]
    fn lists_are_read_as_people_write_them() {
        assert_eq!(list("Ada"), ["Ada"]);
        assert_eq!(list("Ada and Bob"), ["Ada", "Bob"]);
        assert_eq!(list("\"Ada\", \"Bob\" and \"Cleo\""), ["Ada", "Bob", "Cleo"]);
    }

    #[test]
    fn what_is_missing_is_the_fault_of_the_scenario_not_of_the_subject() {
        let args = Args::new(vec![(None, "x".into())], &step(""));
        assert!(!args.doc_string().unwrap_err().is_fail());
        assert!(!args.table().unwrap_err().is_fail());
        assert!(!args.get::<u16>(0).unwrap_err().is_fail());
    }
}
