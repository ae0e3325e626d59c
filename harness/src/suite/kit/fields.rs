//! Field tables and the cells in them.

use regex::Regex;

use crate::suite::args::Table;
use crate::suite::failure::{StepFailure, StepResult};

/// Field lines in order: name and value.
pub(crate) type Lines = Vec<(String, String)>;

/// What an empty cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Empty {
    /// There is no such field.
    Absent,
    /// There is no such field, or one line without a value.
    AbsentOrEmpty,
}

/// The rows of a table `| field | value |` as field lines to be sent.
pub(crate) fn lines_to_send(table: Option<&Table>) -> StepResult<Lines> {
    let Some(table) = table else { return Ok(Vec::new()) };
    table.rows().map(|row| Ok((row.cell("field")?.to_owned(), row.cell("value")?.to_owned()))).collect()
}

/// Fails unless each field named in the table `| field | value |` has exactly these lines in this order, or all of them in
/// one where that means the same (RFC 9110 §5.3).
pub(crate) fn expect_lines(who: &str, table: &Table, got: &[(String, String)], empty: Empty) -> StepResult {
    let mut expected: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in table.rows() {
        let (name, value) = (row.cell("field")?, row.cell("value")?);
        match expected.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => expected.push((name, vec![value])),
        }
    }
    for (name, cells) in expected {
        let lines = values(got, name);
        if !line_by_line(&cells, &lines, empty)? && !is_joined(name, &cells, &lines) {
            return Err(StepFailure::fail(format!("{who} with {}", told(name, &cells)), told(name, &lines)));
        }
    }
    Ok(())
}

/// Fails if one of the fields of the table `| field |` is there. Names compare without case.
pub(crate) fn expect_none(who: &str, table: &Table, got: &[(String, String)]) -> StepResult {
    for row in table.rows() {
        let name = row.cell("field")?;
        let lines = values(got, name);
        if !lines.is_empty() {
            return Err(StepFailure::fail(format!("{who} without any field {name}"), told(name, &lines)));
        }
    }
    Ok(())
}

/// The values of all lines of that name, in order. Names compare without case.
pub(crate) fn values<'a>(lines: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    lines.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}

/// Whether a text is what a cell says: exactly this after trimming, or `/…/`, a regular expression that matches somewhere.
pub(crate) fn cell_matches(cell: &str, got: &str) -> StepResult<bool> {
    let pattern = cell.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|pattern| !pattern.is_empty());
    match pattern {
        Some(pattern) => Ok(Regex::new(pattern)?.is_match(got)),
        None => Ok(cell.trim() == got.trim()),
    }
}

fn line_by_line(cells: &[&str], lines: &[&str], empty: Empty) -> StepResult<bool> {
    if cells == [""] {
        return Ok(lines.is_empty() || empty == Empty::AbsentOrEmpty && lines == [""]);
    }
    if cells.len() != lines.len() {
        return Ok(false);
    }
    for (cell, line) in cells.iter().zip(lines) {
        if !cell_matches(cell, line)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether one line holds what the cells say in several. Set-Cookie can't be joined, Cookie is with semicolons.
fn is_joined(name: &str, cells: &[&str], lines: &[&str]) -> bool {
    let separator = match name {
        name if name.eq_ignore_ascii_case("set-cookie") => return false,
        name if name.eq_ignore_ascii_case("cookie") => ';',
        _ => ',',
    };
    let [line] = lines else { return false };
    let mut parts = line.split(separator).map(str::trim);
    cells.len() > 1
        && cells.iter().all(|cell| !cell.contains(separator) && parts.next() == Some(cell.trim()))
        && parts.next().is_none()
}

fn told(name: &str, lines: &[&str]) -> String {
    match lines {
        [] => format!("no field {name}"),
        [""] => format!("{name} absent or empty"),
        lines => lines.iter().map(|line| format!("{name}: {line}")).collect::<Vec<_>>().join(" | "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::args::Args;

    fn table(rows: &str) -> Table {
        let source = format!("Feature: f\n  Scenario: s\n    Given x\n      | field | value |\n{rows}");
        let feature = gherkin::Feature::parse(source, gherkin::GherkinEnv::default()).unwrap();
        Args::new(Vec::new(), &feature.scenarios[0].steps[0]).table().unwrap().clone()
    }

    fn lines(lines: &[(&str, &str)]) -> Lines {
        lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn holds(rows: &str, got: &[(&str, &str)], empty: Empty) -> bool {
        expect_lines("the answer", &table(rows), &lines(got), empty).is_ok()
    }

    #[test]
    fn each_field_named_has_exactly_these_lines_in_order() {
        let rows = "      | X-A | one |\n      | x-a | two |\n";
        assert!(holds(rows, &[("x-a", "one"), ("X-B", "b"), ("X-A", "two")], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "two"), ("X-A", "one")], Empty::Absent));
        assert!(holds(rows, &[("x-a", "one,  two")], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "two, one")], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "one, two, two")], Empty::Absent));
        assert!(!holds("      | X-A | one |\n", &[("x-a", "one, two")], Empty::Absent));
        let cookies = "      | Set-Cookie | a=1 |\n      | Set-Cookie | b=2 |\n";
        assert!(!holds(cookies, &[("set-cookie", "a=1, b=2")], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "one")], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "one"), ("x-a", "two"), ("x-a", "two")], Empty::Absent));
        assert!(!holds("      | x_a | one |\n", &[("x-a", "one")], Empty::Absent));
    }

    #[test]
    fn an_empty_cell_asks_for_absence() {
        let rows = "      | X-A |  |\n";
        assert!(holds(rows, &[], Empty::Absent));
        assert!(!holds(rows, &[("x-a", "")], Empty::Absent));
        assert!(holds(rows, &[("x-a", "")], Empty::AbsentOrEmpty));
        assert!(!holds(rows, &[("x-a", "1")], Empty::AbsentOrEmpty));
        assert!(!holds(rows, &[("x-a", ""), ("x-a", "")], Empty::AbsentOrEmpty));
    }

    #[test]
    fn a_cell_between_slashes_is_a_pattern() {
        assert!(cell_matches("/^a+$/", "aaa").unwrap());
        assert!(!cell_matches("/^a+$/", "aab").unwrap());
        assert!(cell_matches("/", "/").unwrap());
        assert!(cell_matches("a ", " a").unwrap());
        assert!(!cell_matches("/(/", "x").unwrap_err().is_fail());
    }

    #[test]
    fn a_failure_shows_the_lines() {
        let failure =
            expect_lines("the answer", &table("      | X-A | one |\n"), &lines(&[("x-a", "two")]), Empty::Absent);
        let failure = failure.unwrap_err();
        assert_eq!((failure.expected(), failure.got()), ("the answer with X-A: one", "X-A: two"));
    }
}
