//! Reports that go into files: which kinds there are, and how one gets written.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{html, json, junit, markdown};
use crate::vectors::results::{VectorEvent, VectorSink, VectorSummary};
use crate::verdict::{Event, EventSink, Summary};

/// The kinds of reports that go into files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Everything, for programs; the other kinds can be made from it.
    Json,
    /// For CI servers.
    Junit,
    /// For the summary of a job, or a pull request.
    Markdown,
    /// One page for people, which needs nothing beside.
    Html,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Json, Kind::Junit, Kind::Markdown, Kind::Html];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Json => "json",
            Kind::Junit => "junit",
            Kind::Markdown => "markdown",
            Kind::Html => "html",
        }
    }

    /// Writes a report of this kind.
    ///
    /// # Errors
    /// Writing failed.
    pub fn write(self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Kind::Json => json::write(&json::report(summary), out),
            Kind::Junit => out.write_all(junit::check(summary).as_bytes()),
            Kind::Markdown => out.write_all(markdown::check(summary).as_bytes()),
            Kind::Html => out.write_all(html::page(summary).map_err(io::Error::other)?.as_bytes()),
        }
    }

    /// Writes a report of this kind on vectors.
    ///
    /// # Errors
    /// Writing failed, or there are no reports of this kind on vectors.
    pub fn write_vectors(self, summary: &VectorSummary, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Kind::Json => json::write(&super::vectors::json::report(summary), out),
            Kind::Junit => out.write_all(junit::vectors(summary).as_bytes()),
            Kind::Markdown | Kind::Html => Err(io::Error::other(format!("vectors are not reported as {self}"))),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let known = || Kind::ALL.map(Kind::name).join(", ");
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| format!("`{text}` is no kind of report; there are: {}", known()))
    }
}

/// Writes a report when the run has ended. The file is opened at once, so that one that can't be written is known
/// before anything runs; a run that does not come to its end leaves an older report as it was.
#[derive(Debug)]
pub struct FileReport {
    kind: Kind,
    path: PathBuf,
    file: File,
    is_new: bool,
    written: Option<io::Result<()>>,
}

/// A report can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The system does not let it.
    #[error("the {kind} report can't be written to {path}: {source}", path = .path.display())]
    Write {
        /// Of which kind it is.
        kind: Kind,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Two reports go into one file.
    #[error("two reports go into {}: name another file for one of them", .0.display())]
    Twice(PathBuf),
}

impl FileReport {
    /// Opens the files of several reports.
    ///
    /// # Errors
    /// One can't be written, or is named twice.
    pub fn create_all<'a>(reports: impl IntoIterator<Item = (Kind, &'a Path)>) -> Result<Vec<FileReport>, ReportError> {
        let mut open: Vec<FileReport> = Vec::new();
        for (kind, path) in reports {
            let report = FileReport::create(kind, path)?;
            let place = |path: &Path| path.canonicalize().ok();
            if open.iter().any(|other| place(&other.path).is_some_and(|other| Some(other) == place(path))) {
                return Err(ReportError::Twice(path.to_owned()));
            }
            open.push(report);
        }
        Ok(open)
    }

    /// Opens the file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn create(kind: Kind, path: &Path) -> Result<FileReport, ReportError> {
        let failed = |source| ReportError::Write { kind, path: path.to_owned(), source };
        let is_new = !path.exists();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        Ok(FileReport { kind, path: path.to_owned(), file, is_new, written: None })
    }

    /// Whether it was written.
    ///
    /// # Errors
    /// It was not.
    pub fn finish(mut self) -> Result<(), ReportError> {
        let nothing = || Err(io::Error::other("the run did not come to its end"));
        let written = self.written.take().unwrap_or_else(nothing);
        self.is_new = false;
        written.map_err(|source| ReportError::Write { kind: self.kind, path: self.path.clone(), source })
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let to_file = || {
            self.file.set_len(0)?;
            let mut out = BufWriter::new(&self.file);
            write(&mut out)?;
            out.flush()
        };
        self.written = Some(to_file());
    }
}

impl EventSink for FileReport {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(summary) = event {
            let kind = self.kind;
            self.write(|out| kind.write(summary, out));
        }
    }
}

impl VectorSink for FileReport {
    fn event(&mut self, event: &VectorEvent) {
        if let VectorEvent::Ended(summary) = event {
            let kind = self.kind;
            self.write(|out| kind.write_vectors(summary, out));
        }
    }
}

impl Drop for FileReport {
    fn drop(&mut self) {
        if self.is_new && self.written.is_none() {
            // An empty file would look like a report. That it stays is not worth another error.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_whole_run_goes_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for kind in Kind::ALL {
            let path = folder.path().join(kind.name());
            fs::write(&path, "x".repeat(1 << 20)).unwrap();
            let mut report = FileReport::create(kind, &path).unwrap();
            sample::events().iter().for_each(|event| EventSink::event(&mut report, event));
            report.finish().unwrap();
            let written = fs::read_to_string(&path).unwrap();
            assert!(written.contains("kept/b") && !written.contains("xxxx"), "{kind}: {written}");
        }
    }

    #[test]
    fn a_run_that_does_not_end_leaves_no_report() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let mut report = FileReport::create(Kind::Json, &path).unwrap();
        EventSink::event(&mut report, &sample::events()[0]);
        drop(report);
        assert!(!path.exists());

        fs::write(&path, "older").unwrap();
        drop(FileReport::create(Kind::Json, &path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        assert!(FileReport::create(Kind::Json, &path).unwrap().finish().is_err());
    }

    #[test]
    fn a_file_that_can_t_be_written_is_named_before_the_run() {
        let error = FileReport::create(Kind::Html, Path::new("no/such/folder/report.html")).unwrap_err();
        assert!(
            error.to_string().starts_with("the html report can't be written to no/such/folder/report.html: "),
            "{error}"
        );
    }

    #[test]
    fn two_reports_in_one_file_are_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let (one, same) = (folder.path().join("a"), folder.path().join("./a"));
        let error = FileReport::create_all([(Kind::Json, one.as_path()), (Kind::Junit, same.as_path())]).unwrap_err();
        assert!(matches!(error, ReportError::Twice(_)), "{error}");
        assert!(!one.exists());
    }

    #[test]
    fn an_unknown_kind_names_those_that_there_are() {
        assert_eq!("html".parse(), Ok(Kind::Html));
        let error = "pdf".parse::<Kind>().unwrap_err();
        assert_eq!(error, "`pdf` is no kind of report; there are: json, junit, markdown, html");
    }
}
