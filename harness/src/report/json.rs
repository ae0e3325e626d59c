//! The report for programs. Its shape is fixed by `fixtures/report.schema.json`.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::verdict::{Event, EventSink, RequirementResult, ScenarioResult, SubjectInfo, SuiteInfo, Summary, Verdict};

/// Writes the report when the run has ended. The file is opened at once, so that one that can't be written is known
/// before anything runs.
#[derive(Debug)]
pub struct JsonReport {
    path: PathBuf,
    file: Option<File>,
    failed: Option<std::io::Error>,
}

/// The report can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct ReportError {
    path: String,
    source: std::io::Error,
}

impl JsonReport {
    /// Opens the file.
    pub fn create(path: &Path) -> Result<JsonReport, ReportError> {
        let file = File::create(path).map_err(|source| ReportError { path: path.display().to_string(), source })?;
        Ok(JsonReport { path: path.to_owned(), file: Some(file), failed: None })
    }

    /// Whether it was written.
    pub fn finish(self) -> Result<(), ReportError> {
        match self.failed {
            None => Ok(()),
            Some(source) => Err(ReportError { path: self.path.display().to_string(), source }),
        }
    }
}

impl EventSink for JsonReport {
    fn event(&mut self, event: &Event) {
        if let (Event::Finished(summary), Some(file)) = (event, self.file.take()) {
            self.failed = write(file, summary).err();
        }
    }
}

fn write(file: File, summary: &Summary) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut file, &report(summary))?;
    file.write_all(b"\n")?;
    file.flush()
}

/// The report as it is written.
pub fn report(summary: &Summary) -> impl Serialize {
    Report {
        suite: &summary.suite,
        subject: &summary.subject,
        summary: Counts(summary),
        requirements: &summary.requirements,
        scenarios: &summary.scenarios,
    }
}

#[derive(Serialize)]
struct Report<'a> {
    suite: &'a SuiteInfo,
    subject: &'a SubjectInfo,
    summary: Counts<'a>,
    requirements: &'a [RequirementResult],
    scenarios: &'a [ScenarioResult],
}

struct Counts<'a>(&'a Summary);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Verdict::ALL.len()))?;
        for verdict in Verdict::ALL {
            map.serialize_entry(&verdict, &self.0.count(verdict))?;
        }
        map.end()
    }
}
