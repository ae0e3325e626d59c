//! What is wrong with a file that a user wrote, and where: file, line, key, and what to do.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::contract::distance;

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The key, with its tables: `start.command`.
    pub key: Option<String>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.what)
    }
}

/// The text, to find places in it; and the mistakes so far.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    pub(crate) file: &'a Path,
    pub(crate) mistakes: Vec<Mistake>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str, file: &'a Path) -> Source<'a> {
        Source { text, file, mistakes: Vec::new() }
    }

    /// Notes a mistake at a place.
    pub(crate) fn wrong(&mut self, span: Range<usize>, key: &str, what: impl Into<String>) {
        let (file, line) = (self.file.to_owned(), self.line(span.start));
        self.mistakes.push(Mistake { file, line, key: Some(key.to_owned()), what: what.into() });
    }

    /// What TOML or the shape of the file is about. A misspelt word comes with the one that it resembles.
    pub(crate) fn syntax(&self, error: &toml::de::Error) -> Mistake {
        let at = error.span().map_or(0, |span| span.start);
        let what = explained(error.message());
        Mistake { file: self.file.to_owned(), line: self.line(at), key: self.key(at, &what), what }
    }

    /// All mistakes, from the top of the file down.
    pub(crate) fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        self.mistakes
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }

    /// The key on the line of a place, with the table that it stands in.
    fn key(&self, at: usize, what: &str) -> Option<String> {
        if what.starts_with("missing ") && at == 0 {
            return None;
        }
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = self.text.lines().nth(before.matches('\n').count())?.trim();
        if let Some(table) = line.strip_prefix('[') {
            return Some(table.trim_start_matches('[').split(']').next()?.trim().to_owned());
        }
        let key = line.split_once('=')?.0.trim().trim_matches('"');
        let table = before
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix('[')?.trim_start_matches('[').split(']').next());
        Some(table.map_or_else(|| key.to_owned(), |table| format!("{}.{key}", table.trim())))
    }
}

/// The message in one line; where a word is unknown, with the nearest that there is.
fn explained(message: &str) -> String {
    let message = message.trim_end().replace('\n', "; ");
    let mut words = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown "), words.next()) {
        (true, Some(given)) => format!("{message}{}", did_you_mean(given, words)),
        _ => message,
    }
}

/// `; did you mean …?`, where a word resembles one of those.
pub(crate) fn did_you_mean<'w>(given: &str, words: impl IntoIterator<Item = &'w str>) -> String {
    let nearest = words.into_iter().map(|word| (distance(given, word), word)).min();
    match nearest {
        Some((far, word)) if far <= 1 + word.len() / 4 => format!("; did you mean `{word}`?"),
        _ => String::new(),
    }
}

/// `500ms`, `30s`, `2m`: more than nothing, at most an hour.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let duration = match unit.trim() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    (Duration::ZERO < duration && duration <= Duration::from_secs(3600)).then_some(duration)
}

/// Mistakes, one a line.
pub(crate) fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
