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
mod change;
pub mod crypto;
mod features;
pub mod format;
mod make;
pub mod read;
pub mod request;
pub mod sanity;
#[cfg(test)]
mod tests;
pub mod text;
pub mod write;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use countersign::vectors::corpus::VectorFile;

use build::Built;
use read::Definitions;
use write::Output;

/// All that comes of a folder of definitions.
#[derive(Debug)]
pub struct Corpus {
    /// What was read.
    pub definitions: Definitions,
    /// What was built of each definition.
    pub sections: Vec<Built>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Corpus {
    /// Reads and builds.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn make(cases: &Path) -> io::Result<Corpus> {
        let (definitions, mut problems) = read::read(cases)?;
        let mut sections = Vec::new();
        for definition in &definitions.files {
            let (built, wrong) = build::build(&definitions, definition);
            problems.extend(wrong);
            sections.push(built);
        }
        Ok(Corpus { definitions, sections, problems })
    }

    /// The files for a folder of vectors: those of some sections, or all of them and the catalogue beside the folder.
    ///
    /// # Errors
    /// Something can't be serialised.
    pub fn output(&self, folder: &Path, only: Option<&dyn Fn(&str) -> bool>) -> Result<Output, String> {
        let files = || self.sections.iter().map(|built| &built.file);
        let mut output = Output::new();
        for file in files().filter(|file| only.is_none_or(|wanted| wanted(&file.section))) {
            output.insert(folder.join(format!("{}.json", file.section)), write::vectors(file)?);
        }
        if only.is_none() {
            let beside = folder.parent().unwrap_or(Path::new(".")).join("rfc9421.toml");
            let files: Vec<&VectorFile> = files().collect();
            output.insert(beside, write::catalogue(&self.definitions, &files)?);
        }
        Ok(output)
    }
}

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
