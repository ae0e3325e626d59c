//! The report for programs. Its shape is fixed by `fixtures/report.schema.json`, and for vectors by
//! `fixtures/vectors-report.schema.json`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::Serializer;

use crate::vectors::results::{VectorEvent, VectorSink};
use crate::verdict::{
    Event, EventSink, Flaky, RequirementResult, ScenarioResult, SubjectInfo, SuiteInfo, Summary, Verdict,
};

/// Writes the report when the run has ended. The file is opened at once, so that one that can't be written is known
/// before anything runs; a run that does not come to its end leaves an older report as it was.
#[derive(Debug)]
pub struct JsonReport {
    path: PathBuf,
    file: File,
    is_new: bool,
    written: Option<io::Result<()>>,
}

/// The report can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct ReportError {
    path: String,
    source: io::Error,
}

impl JsonReport {
    /// Opens the file.
    pub fn create(path: &Path) -> Result<JsonReport, ReportError> {
        let failed = |source| ReportError { path: path.display().to_string(), source };
        let is_new = !path.exists();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        Ok(JsonReport { path: path.to_owned(), file, is_new, written: None })
    }

    /// Whether it was written.
    pub fn finish(mut self) -> Result<(), ReportError> {
        let nothing = || Err(io::Error::other("the run did not come to its end"));
        let written = self.written.take().unwrap_or_else(nothing);
        self.is_new = false;
        written.map_err(|source| ReportError { path: self.path.display().to_string(), source })
    }

    fn write(&mut self, report: &impl Serialize) -> io::Result<()> {
        self.file.set_len(0)?;
        let mut out = BufWriter::new(&self.file);
        serde_json::to_writer_pretty(&mut out, report)?;
        out.write_all(b"\n")?;
        out.flush()
    }
}

impl EventSink for JsonReport {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(summary) = event {
            self.written = Some(self.write(&report(summary)));
        }
    }
}

impl VectorSink for JsonReport {
    fn event(&mut self, event: &VectorEvent) {
        if let VectorEvent::Ended(summary) = event {
            self.written = Some(self.write(&super::vectors::json::report(summary)));
        }
    }
}

impl Drop for JsonReport {
    fn drop(&mut self) {
        if self.is_new && self.written.is_none() {
            // An empty file would look like a report. That it stays is not worth another error.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The report as it is written.
pub fn report(summary: &Summary) -> impl Serialize {
    Report {
        suite: &summary.suite,
        subject: &summary.subject,
        summary: Counts::of(|verdict| summary.count(verdict)),
        requirements: &summary.requirements,
        scenarios: &summary.scenarios,
        stale: &summary.stale,
        not_run: &summary.not_run,
        flaky: &summary.flaky,
    }
}

#[derive(Serialize)]
struct Report<'a> {
    suite: &'a SuiteInfo,
    subject: &'a SubjectInfo,
    summary: Counts,
    requirements: &'a [RequirementResult],
    scenarios: &'a [ScenarioResult],
    stale: &'a [String],
    not_run: &'a [String],
    flaky: &'a [Flaky],
}

/// How many came out how.
pub(super) struct Counts([(Verdict, usize); Verdict::ALL.len()]);

impl Counts {
    pub(super) fn of(count: impl Fn(Verdict) -> usize) -> Counts {
        Counts(Verdict::ALL.map(|verdict| (verdict, count(verdict))))
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_whole_run_goes_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "x".repeat(1 << 16)).unwrap();
        let mut report = JsonReport::create(&path).unwrap();
        sample::events().iter().for_each(|event| EventSink::event(&mut report, event));
        report.finish().unwrap();
        let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(written["scenarios"].as_array().unwrap().len(), 4);
        assert_eq!(written["summary"]["fail"], 1);
    }

    #[test]
    fn a_run_that_does_not_end_leaves_no_report() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let mut report = JsonReport::create(&path).unwrap();
        EventSink::event(&mut report, &sample::events()[0]);
        drop(report);
        assert!(!path.exists());

        fs::write(&path, "older").unwrap();
        drop(JsonReport::create(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        assert!(JsonReport::create(&path).unwrap().finish().is_err());
    }

    #[test]
    fn a_file_that_can_t_be_written_is_named_before_the_run() {
        let error = JsonReport::create(Path::new("no/such/folder/report.json")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder/report.json: "));
    }
}
