//! Lists of known failures: what fails, why, who cares for it, and until when that is all right.
//!
//! ```toml
//! [[known]]
//! id = "2.1-obs-fold*"        # of a vector, a scenario or a requirement; `*` and `?` stand for others
//! reason = "folded lines are kept as they are"
//! owner = "alice"
//! until = 2027-01-31          # the last day
//! ```
//! What is listed runs all the same. A failure becomes a *known failure*; an entry all of whose cases pass is an
//! *unexpected pass* and fails the run, like one that has expired: the list must never say more than is true.

mod first;

use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::value::{Date, Datetime};

pub use first::{FirstList, first_list};

use crate::contract::distance;
use crate::glob::Glob;
use crate::verdict::{ScenarioInfo, ScenarioResult, Verdict};

/// What a list says about a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Why it fails.
    pub reason: String,
    /// Who cares for it.
    pub owner: String,
    /// The last day on which it may.
    pub until: String,
    /// File and line.
    pub place: String,
}

impl Known {
    /// In a line.
    pub(crate) fn shown(&self) -> String {
        let Known { reason, owner, until, place } = self;
        format!("{reason} ({owner}, until {until}; {place})")
    }
}

/// A list that was read.
#[derive(Debug, Clone, Default)]
pub struct Expectations {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    glob: Glob,
    known: Known,
    line: usize,
    /// Its lines, from the header on.
    lines: RangeInclusive<usize>,
    path: PathBuf,
    expired: bool,
}

/// A list that can't be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationsError {
    /// It can't be read.
    #[error("{path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Mistakes(Vec<Mistake>),
}

/// A mistake in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    path: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

/// Something with an id that was run, or could be.
pub trait Case {
    /// Its id.
    fn id(&self) -> &str;
    /// The requirements that it checks.
    fn requirements(&self) -> &[String];
}

impl Case for ScenarioInfo {
    fn id(&self) -> &str {
        &self.id
    }

    fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

impl Case for ScenarioResult {
    fn id(&self) -> &str {
        &self.scenario.id
    }

    fn requirements(&self) -> &[String] {
        &self.scenario.requirements
    }
}

impl CaseResult for ScenarioResult {
    fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn change(&mut self, verdict: Verdict, known: &Known) {
        self.verdict = verdict;
        self.known = Some(known.clone());
    }
}

/// What came out of a case.
pub trait CaseResult: Case {
    /// What came out.
    fn verdict(&self) -> Verdict;
    /// Something else came out, seen with the list.
    fn change(&mut self, verdict: Verdict, known: &Known);
}

impl<C: Case> Case for &C {
    fn id(&self) -> &str {
        (*self).id()
    }

    fn requirements(&self) -> &[String] {
        (*self).requirements()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    reason: Spanned<String>,
    owner: Spanned<String>,
    until: Spanned<Datetime>,
}

impl Expectations {
    /// Reads a list. `now` is the time, in seconds since 1970.
    ///
    /// # Errors
    /// The file can't be read, or is no such list.
    pub fn load(path: &Path, now: u64) -> Result<Expectations, ExpectationsError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|source| ExpectationsError::Read { path: path.to_owned(), source })?;
        Expectations::parse(path, &text, now)
    }

    /// The same from a text that was read already.
    ///
    /// # Errors
    /// It is no such list.
    pub fn parse(path: &Path, text: &str, now: u64) -> Result<Expectations, ExpectationsError> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let mistake = |at: usize, what: String| Mistake { path: path.to_owned(), line: line(at), what };
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            ExpectationsError::Mistakes(vec![mistake(at, error.message().trim().replace('\n', ", "))])
        })?;
        let today = day(now);
        let (mut entries, mut mistakes) = (Vec::<Entry>::new(), Vec::new());
        for written in file.known {
            let (at, lines) = (written.id.span().start, lines_of(text, &written));
            let Written { id, reason, owner, until } = written;
            for (name, text) in [("id", &id), ("reason", &reason), ("owner", &owner)] {
                if text.get_ref().trim().is_empty() {
                    mistakes.push(mistake(text.span().start, format!("`{name}` is empty: say it")));
                }
            }
            let (Some(last), None, None) = (until.get_ref().date, until.get_ref().time, until.get_ref().offset) else {
                mistakes.push(mistake(until.span().start, "`until` is a day: 2027-01-31".to_owned()));
                continue;
            };
            let id = id.into_inner();
            if let Some(first) = entries.iter().find(|entry| entry.glob.as_str() == id) {
                mistakes.push(mistake(at, format!("`{id}` stands on line {} already: delete one", first.line)));
            }
            let known = Known {
                reason: reason.into_inner(),
                owner: owner.into_inner(),
                until: until.get_ref().to_string(),
                place: format!("{}:{}", path.display(), line(at)),
            };
            entries.push(Entry {
                glob: Glob::new(id),
                known,
                line: line(at),
                lines,
                path: path.to_owned(),
                expired: is_before(last, today),
            });
        }
        if mistakes.is_empty() { Ok(Expectations { entries }) } else { Err(ExpectationsError::Mistakes(mistakes)) }
    }

    /// Whether each entry speaks of something that there is.
    ///
    /// # Errors
    /// One does not: a typing error, or the case is gone.
    pub fn check<C: Case>(&self, all: &[C]) -> Result<(), ExpectationsError> {
        let unknown = self.entries.iter().filter(|entry| !all.iter().any(|case| entry.speaks_of(case)));
        let mistakes: Vec<Mistake> = unknown
            .map(|entry| {
                let what = if entry.glob.is_exact() {
                    let similar = similar(entry.glob.as_str(), all);
                    let hint = similar.map(|id| format!(" Is it {id}?")).unwrap_or_default();
                    format!("there is no case and no requirement `{}`.{hint}", entry.glob)
                } else {
                    format!("no case and no requirement is of the pattern `{}`", entry.glob)
                };
                Mistake { path: entry.path.clone(), line: entry.line, what }
            })
            .collect();
        if mistakes.is_empty() { Ok(()) } else { Err(ExpectationsError::Mistakes(mistakes)) }
    }

    /// Makes a failure a known one, if it is listed.
    pub fn excuse<R: CaseResult>(&self, result: &mut R) {
        if !matches!(result.verdict(), Verdict::Fail | Verdict::Timeout) {
            return;
        }
        if let Some(entry) = self.entries.iter().find(|entry| !entry.expired && entry.speaks_of(result)) {
            result.change(Verdict::KnownFailure, &entry.known);
        }
    }

    /// Finds the entries that are not true any more, among `all` cases that there are: each with what to do. The cases of
    /// those that pass become unexpected passes.
    pub fn stale<C: Case, R: CaseResult>(&self, all: &[C], results: &mut [R]) -> Vec<String> {
        let mut stale = Vec::new();
        for entry in &self.entries {
            let known = all.iter().filter(|case| entry.speaks_of(*case)).count();
            let mut ran: Vec<&mut R> = results.iter_mut().filter(|result| entry.speaks_of(&**result)).collect();
            if ran.is_empty() {
                continue;
            }
            let place = &entry.known.place;
            let count = |verdicts: &[Verdict]| ran.iter().filter(|result| verdicts.contains(&result.verdict())).count();
            let passed = count(&[Verdict::Pass, Verdict::UnexpectedPass]);
            let failed = count(&[Verdict::Fail, Verdict::Timeout, Verdict::KnownFailure, Verdict::Error]);
            if passed > 0 && failed == 0 && ran.len() == known {
                let overdue = if entry.expired {
                    format!(" (and was allowed to fail until {} only)", entry.known.until)
                } else {
                    String::new()
                };
                stale.push(format!(
                    "{place}: `{}` is listed as failing, but passes{overdue}: delete {}",
                    entry.glob,
                    entry.shown_lines()
                ));
                for result in ran.iter_mut().filter(|result| result.verdict() == Verdict::Pass) {
                    result.change(Verdict::UnexpectedPass, &entry.known);
                }
            } else if entry.expired {
                let Known { owner, until, .. } = &entry.known;
                stale.push(format!(
                    "{place}: `{}` was allowed to fail until {until}: mend it, or let {owner} say how long it may go on",
                    entry.glob
                ));
            }
        }
        stale
    }
}

impl Entry {
    fn shown_lines(&self) -> String {
        match (self.lines.start(), self.lines.end()) {
            (from, to) if from == to => format!("line {from}"),
            (from, to) => format!("lines {from} to {to}"),
        }
    }

    fn speaks_of(&self, case: &(impl Case + ?Sized)) -> bool {
        self.glob.matches(case.id()) || case.requirements().iter().any(|id| self.glob.matches(id))
    }
}

/// The lines of an entry: from its header, where it has one, to its last value.
fn lines_of(text: &str, written: &Written) -> RangeInclusive<usize> {
    let spans = [written.id.span(), written.reason.span(), written.owner.span(), written.until.span()];
    let first = spans.iter().map(|span| span.start).min().unwrap_or_default();
    let last = spans.iter().map(|span| span.end).max().unwrap_or_default();
    let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let first = line(first);
    let above: Vec<&str> = text.lines().take(first.saturating_sub(1)).collect();
    // Only what belongs to no other value may stand in between.
    let between = |line: &&&str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let skipped = above.iter().rev().take_while(between).count();
    let header = above.iter().rev().nth(skipped).is_some_and(|line| line.trim_start().starts_with("[["));
    (if header { first - skipped - 1 } else { first })..=line(last)
}

fn similar<'a, C: Case>(id: &str, all: &'a [C]) -> Option<&'a str> {
    let ids = all.iter().flat_map(|case| [case.id()].into_iter().chain(case.requirements().iter().map(String::as_str)));
    let (far, similar) = ids.map(|known| (distance(known, id), known)).min()?;
    (far <= id.len() / 3).then_some(similar)
}

fn is_before(date: Date, today: time::Date) -> bool {
    (i32::from(date.year), date.month, date.day) < (today.year(), today.month().into(), today.day())
}

/// The day in UTC.
pub(crate) fn day(now: u64) -> time::Date {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    time::OffsetDateTime::from_unix_timestamp(now).map_or(time::Date::MAX, time::OffsetDateTime::date)
}

#[cfg(test)]
mod tests;
