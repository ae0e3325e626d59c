//! Reads a report that was written, by this program or by another one that keeps to the schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::verdict::{Flaky, RequirementResult, ScenarioResult, SubjectInfo, SuiteInfo, Summary};

/// No report is as long as this, in bytes.
const LONGEST: u64 = 1 << 29;

/// A report can't be read. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not give it.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is too long.
    #[error("{path}: it has {size} bytes, and a report has {LONGEST} at most", path = .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// It is something else.
    #[error("{path}:{line}: this is no report of `countersign check --report json=…`: {what}", path = .path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Where it stops being one.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}

#[derive(Deserialize)]
struct Report {
    suite: SuiteInfo,
    subject: SubjectInfo,
    #[serde(deserialize_with = "crate::verdict::from_seconds")]
    seconds: Duration,
    ended_early: bool,
    time_up: bool,
    requirements: Vec<RequirementResult>,
    scenarios: Vec<ScenarioResult>,
    stale: Vec<String>,
    not_run: Vec<String>,
    flaky: Vec<Flaky>,
}

/// Reads a report.
///
/// # Errors
/// It can't be read, or is no report of `countersign check`.
pub fn read(path: &Path) -> Result<Summary, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(io)?.len();
    if size > LONGEST {
        return Err(ReadError::TooLong { path: path.to_owned(), size });
    }
    parse(path, &fs::read(path).map_err(io)?)
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Summary, ReadError> {
    let report: Report = serde_json::from_slice(bytes).map_err(|error| {
        let (text, line) = (error.to_string(), error.line().max(1));
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
        ReadError::NoReport { path: path.to_owned(), line, what }
    })?;
    if report.suite.name != "countersign" {
        let what = format!("it was written by `{}`", report.suite.name);
        return Err(ReadError::NoReport { path: path.to_owned(), line: 1, what });
    }
    Ok(Summary {
        suite: report.suite,
        subject: report.subject,
        requirements: report.requirements,
        scenarios: report.scenarios,
        stale: report.stale,
        took: report.seconds,
        ended_early: report.ended_early,
        time_up: report.time_up,
        not_run: report.not_run,
        flaky: report.flaky,
    })
}
