//! Makes `fixtures/vectors/*.json` and `fixtures/rfc9421.toml` from the cases in `tests/corpus/*.toml`.
//!
//! ```text
//! tests/corpus/2.1.toml ─ read ─▶ Definitions ─ build ─▶ VectorFile ─ write ─▶ fixtures/vectors/2.1.json
//!                        (format)              (text, crypto)    │          └▶ fixtures/rfc9421.toml
//!                                                            sanity: does our engine agree?
//! ```
//!
//! What a message, its signature base and the verdict must be is written down by hand from the RFC's text. Nothing here
//! asks our own engine for it: the signatures are made with other crates ([`crypto`]), and [`sanity`] only compares.
//! The same input gives the same bytes, always.

pub mod build;
pub mod crypto;
pub mod format;
mod make;
pub mod read;
pub mod request;
pub mod sanity;
#[cfg(test)]
mod tests;
pub mod text;
pub mod write;

use std::fmt;
use std::path::{Path, PathBuf};

/// Something that is wrong in a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl Problem {
    pub(crate) fn new(file: &Path, line: usize, what: impl fmt::Display) -> Problem {
        Problem { file: file.to_owned(), line, what: what.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

impl std::error::Error for Problem {}
