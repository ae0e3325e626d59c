//! One page over several libraries: vectors by section and library, and for each failing cell the vector, the sentence
//! that it checks and both signature bases.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::vectors::corpus::{Defect, Expected, Vector, VectorFile};
use crate::vectors::results::{Conclusion, VectorResult, VectorSummary};
use crate::verdict::{Bases, Verdict};

const HTML: &str = include_str!("matrix/page.html");
const MARKDOWN: &str = include_str!("matrix/page.md");

/// What the page shows.
#[derive(Debug, Serialize)]
pub struct Matrix {
    date: String,
    suite: String,
    vectors: usize,
    subjects: Vec<Subject>,
    sections: Vec<Section>,
    failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Subject {
    name: String,
    version: String,
    verdict: &'static str,
    pass: usize,
    fail: usize,
    known: usize,
    unsupported: usize,
    error: usize,
}

#[derive(Debug, Serialize)]
struct Section {
    section: String,
    title: String,
    anchor: String,
    failed: bool,
    totals: Vec<Total>,
    rows: Vec<Row>,
}

/// Of the vectors that a library can do, how many it passes.
#[derive(Debug, Default, Serialize)]
struct Total {
    pass: usize,
    of: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    title: String,
    anchor: String,
    failed: bool,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    verdict: Verdict,
    mark: &'static str,
    anchor: Option<String>,
    got: String,
}

#[derive(Debug, Serialize)]
struct Failure {
    anchor: String,
    id: String,
    title: String,
    comment: Option<String>,
    refs: Vec<Sentence>,
    op: &'static str,
    expected: &'static str,
    defect: Option<String>,
    message: String,
    base: Option<String>,
    libraries: Vec<Library>,
}

#[derive(Debug, Serialize)]
struct Sentence {
    id: String,
    source: String,
    quote: String,
    level: String,
}

#[derive(Debug, Serialize)]
struct Library {
    anchor: String,
    name: String,
    verdict: Verdict,
    got: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    number: usize,
    expected: String,
    got: String,
    first: bool,
    mark: &'static str,
}

impl Matrix {
    /// The runs of several libraries over the same vectors; `now` is the time of the runs, in seconds since 1970.
    pub fn new(files: &[VectorFile], runs: &[VectorSummary], now: u64) -> Matrix {
        let results: Vec<BTreeMap<&str, &VectorResult>> = runs
            .iter()
            .map(|run| run.vectors.iter().map(|result| (result.vector.id.as_str(), result)).collect())
            .collect();
        let sections: Vec<Section> = files.iter().filter_map(|file| section(file, &results)).collect();
        let all = files.iter().flat_map(|file| &file.vectors);
        Matrix {
            date: crate::expectations::day(now).to_string(),
            suite: runs.first().map(|run| run.suite.version.clone()).unwrap_or_default(),
            vectors: sections.iter().map(|section| section.rows.len()).sum(),
            subjects: runs.iter().map(subject).collect(),
            sections,
            failures: all.filter_map(|vector| failure(vector, runs, &results)).collect(),
        }
    }

    /// As one page that needs nothing else.
    ///
    /// # Errors
    /// The template can't be filled: a fault of this program.
    pub fn html(&self) -> Result<String, minijinja::Error> {
        self.render("page.html", HTML)
    }

    /// As Markdown.
    ///
    /// # Errors
    /// As [`Matrix::html`].
    pub fn markdown(&self) -> Result<String, minijinja::Error> {
        self.render("page.md", MARKDOWN)
    }

    fn render(&self, name: &str, template: &str) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut page = environment.render_named_str(name, template, Value::from(Serde(self)))?;
        page.push('\n');
        Ok(page)
    }
}

fn subject(run: &VectorSummary) -> Subject {
    Subject {
        name: run.subject.name.clone(),
        version: run.subject.version.clone(),
        verdict: match run.conclusion() {
            Conclusion::Conforms => "conforms",
            Conclusion::DoesNotConform => "does not conform",
            Conclusion::Partial => "partial",
            Conclusion::Error => "error",
            Conclusion::EndedEarly => "ended early",
        },
        pass: run.count(Verdict::Pass),
        fail: run.count(Verdict::Fail) + run.count(Verdict::Timeout) + run.count(Verdict::UnexpectedPass),
        known: run.count(Verdict::KnownFailure),
        unsupported: run.count(Verdict::Unsupported) + run.count(Verdict::Skip),
        error: run.count(Verdict::Error),
    }
}

fn section(file: &VectorFile, results: &[BTreeMap<&str, &VectorResult>]) -> Option<Section> {
    let ran = |vector: &&Vector| results.iter().any(|of| of.contains_key(vector.id.as_str()));
    let rows: Vec<Row> = file.vectors.iter().filter(ran).map(|vector| row(vector, results)).collect();
    let total = |column: usize| {
        let verdicts = rows.iter().map(|row| row.cells[column].verdict);
        verdicts.filter(|verdict| !matches!(verdict, Verdict::Unsupported | Verdict::Skip)).fold(
            Total::default(),
            |total, verdict| Total { pass: total.pass + usize::from(verdict == Verdict::Pass), of: total.of + 1 },
        )
    };
    let totals = (0..results.len()).map(total).collect();
    (!rows.is_empty()).then(|| Section {
        section: file.section.clone(),
        title: file.title.clone(),
        anchor: format!("s-{}", file.section),
        failed: rows.iter().any(|row| row.failed),
        totals,
        rows,
    })
}

fn row(vector: &Vector, results: &[BTreeMap<&str, &VectorResult>]) -> Row {
    let cell = |(column, of): (usize, &BTreeMap<&str, &VectorResult>)| {
        let result = of.get(vector.id.as_str());
        let verdict = result.map_or(Verdict::Skip, |result| result.verdict);
        let failed = result.and_then(|result| result.failure.as_ref()).filter(|_| shown(verdict));
        Cell {
            verdict,
            mark: mark(verdict),
            anchor: failed.map(|_| library_anchor(&vector.id, column)),
            got: failed.map(|failure| failure.got.clone()).unwrap_or_default(),
        }
    };
    let cells: Vec<Cell> = results.iter().enumerate().map(cell).collect();
    Row {
        id: vector.id.clone(),
        title: vector.title.clone(),
        anchor: anchor(&vector.id),
        failed: cells.iter().any(|cell| cell.anchor.is_some()),
        cells,
    }
}

fn failure(vector: &Vector, runs: &[VectorSummary], results: &[BTreeMap<&str, &VectorResult>]) -> Option<Failure> {
    let library = |(column, run): (usize, &VectorSummary)| {
        let result = results[column].get(vector.id.as_str())?;
        let failure = result.failure.as_ref().filter(|_| shown(result.verdict))?;
        Some(Library {
            anchor: library_anchor(&vector.id, column),
            name: format!("{} {}", run.subject.name, run.subject.version),
            verdict: result.verdict,
            got: failure.got.clone(),
            lines: failure.bases.as_ref().map(lines).unwrap_or_default(),
        })
    };
    let libraries: Vec<Library> = runs.iter().enumerate().filter_map(library).collect();
    let sentence = |reference: &crate::vectors::corpus::RfcRef| Sentence {
        id: reference.id.clone(),
        source: format!("§{}", reference.section),
        quote: reference.quote.clone(),
        level: reference.level.to_string(),
    };
    (!libraries.is_empty()).then(|| Failure {
        anchor: anchor(&vector.id),
        id: vector.id.clone(),
        title: vector.title.trim_end_matches('.').to_owned(),
        comment: vector.comment.clone(),
        refs: vector.rfc_refs.iter().map(sentence).collect(),
        op: vector.op.as_str(),
        expected: match vector.verdict {
            Expected::Valid => "accepted, or made",
            Expected::Invalid => "refused",
            Expected::Acceptable => "either",
        },
        defect: vector.defect.as_ref().map(defect),
        message: decoded(&vector.message_b64),
        base: vector.expected_base_b64.as_deref().map(decoded),
        libraries,
    })
}

fn defect(defect: &Defect) -> String {
    let part = defect.part.words();
    match (&defect.from, &defect.to) {
        (Some(from), Some(to)) => format!("in {part}, {from} became {to}"),
        (None, Some(to)) => format!("in {part}: {to}"),
        _ => format!("in {part}"),
    }
}

fn lines(bases: &Bases) -> Vec<Line> {
    let (expected, got): (Vec<_>, Vec<_>) = (bases.made.split('\n').collect(), bases.rebuilt.split('\n').collect());
    let line = |number: usize| {
        let text = |of: &[&str]| of.get(number - 1).copied().unwrap_or_default().to_owned();
        let first = bases.line == Some(number);
        Line { number, expected: text(&expected), got: text(&got), first, mark: if first { ">" } else { " " } }
    };
    (1..=expected.len().max(got.len())).map(line).collect()
}

/// Whether a cell leads somewhere.
fn shown(verdict: Verdict) -> bool {
    verdict.breaks() || matches!(verdict, Verdict::KnownFailure | Verdict::Error)
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Skip | Verdict::Unsupported => "–",
        Verdict::KnownFailure => "k",
        Verdict::Error => "!",
        Verdict::UnexpectedPass | Verdict::Timeout | Verdict::Fail => "✗",
    }
}

fn anchor(id: &str) -> String {
    format!("v-{id}")
}

fn library_anchor(id: &str, column: usize) -> String {
    format!("v-{id}--{column}")
}

fn decoded(base64: &str) -> String {
    // The loader has seen to it that it is Base64.
    printable(&BASE64.decode(base64).unwrap_or_default())
}

/// Bytes that are no printable ASCII are shown as they would be escaped; a CR before its LF is left out.
fn printable(bytes: &[u8]) -> String {
    let shown = |(at, byte): (usize, &u8)| match byte {
        b'\n' | b'\t' | b' '..=b'~' => char::from(*byte).to_string(),
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => String::new(),
        other => format!("\\x{other:02x}"),
    };
    bytes.iter().enumerate().map(shown).collect()
}

#[cfg(test)]
mod tests;
