//! The table of mutants in `fixtures/mutants/README.md`: what each breaks, and which scenarios catch it. A program writes
//! it; the test that hunts mutants begins with the scenarios that stand there.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, io};

use super::{Hunt, Mutant};

/// How many scenarios are named for each; of the others stands their number.
const NAMED: usize = 3;

const INTRODUCTION: &str = "\
# Mutants

A mutant is a Core or a proxy with exactly one part wrong. The suite is tested with them: each must be caught by a scenario
of the requirement that it breaks. `cargo run -p countersign-tests --bin mutants` hunts them all and writes this file;
`mutants NAME…` hunts some and changes their lines. The first kill is enough; with `--all-scenarios` all of them are run and
counted. The mutants themselves are in [`tests/src/mutants/`](../../tests/src/mutants) and, for proxies, in
[`faults/proxy.rs`](../../harness/src/testbed/faults/proxy.rs).

";

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The mutant's name.
    pub name: String,
    /// The requirement that it breaks.
    pub breaks: String,
    /// The first scenarios that catch it.
    pub caught_by: Vec<String>,
    /// How many more do.
    pub more: usize,
}

impl Row {
    /// What came of a hunt.
    pub fn of(mutant: &Mutant, hunt: &Hunt) -> Row {
        let caught_by: Vec<String> = hunt.caught_by.iter().take(NAMED).cloned().collect();
        let more = hunt.caught_by.len() - caught_by.len();
        Row { name: mutant.name.to_owned(), breaks: mutant.breaks.to_owned(), caught_by, more }
    }

    fn parse(line: &str) -> Option<Row> {
        let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
        let [name, breaks, caught_by] = cells[..] else { return None };
        let (mut ids, mut more) = (Vec::new(), 0);
        for part in caught_by.split("<br>") {
            match part.strip_prefix('`').and_then(|id| id.strip_suffix('`')) {
                Some(id) => ids.push(id.to_owned()),
                None => more = part.split(' ').nth(1).and_then(|count| count.parse().ok()).unwrap_or(0),
            }
        }
        Some(Row { name: name.trim_end_matches('`').to_owned(), breaks: breaks.to_owned(), caught_by: ids, more })
    }

    /// The line in Markdown.
    pub fn line(&self) -> String {
        let mut by: Vec<String> = self.caught_by.iter().map(|id| format!("`{id}`")).collect();
        if by.is_empty() {
            by.push("**nobody**".to_owned());
        }
        if self.more > 0 {
            by.push(format!("and {} more", self.more));
        }
        format!("| `{}` | {} | {} |", self.name, self.breaks, by.join("<br>"))
    }
}

/// Where the table is kept.
pub fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/mutants/README.md"))
}

/// The table as it is kept; empty where there is none yet.
///
/// # Errors
/// The file can't be read.
pub fn kept() -> io::Result<Vec<Row>> {
    match fs::read_to_string(path()) {
        Ok(text) => Ok(text.lines().filter_map(Row::parse).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Keeps the table.
///
/// # Errors
/// The file can't be written.
pub fn keep(rows: &[Row]) -> io::Result<()> {
    let path = path();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, render(rows))
}

/// The whole file.
fn render(rows: &[Row]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let _ = writeln!(text, "{} mutants:\n", rows.len());
    text.push_str("| mutant | breaks | caught by |\n|---|---|---|\n");
    for row in rows {
        text.push_str(&row.line());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_was_made_of() {
        for (caught_by, more) in [(vec!["a/b", "a/c/d-1"], 0), (vec!["a/b", "a/c", "a/d"], 12), (vec![], 0)] {
            let caught_by = caught_by.into_iter().map(str::to_owned).collect();
            let row = Row { name: "is-wrong".into(), breaks: "ID-1".into(), caught_by, more };
            assert_eq!(Row::parse(&row.line()).as_ref(), Some(&row), "{}", row.line());
            let file = render(std::slice::from_ref(&row));
            assert_eq!(file.lines().filter_map(Row::parse).collect::<Vec<_>>(), [row]);
        }
    }
}
