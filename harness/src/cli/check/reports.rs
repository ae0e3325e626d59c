//! Reports that go into files.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::cli::CommandFailure;
use crate::report::file::{FileReport, Kind};
use crate::verdict::EventSink;

/// Which reports are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(in crate::cli) struct ReportArgs {
    /// Write a report into a file (repeatable): json (all that happened), junit, markdown (a job's summary), html (one page)
    #[arg(long, value_name = "KIND=FILE")]
    report: Vec<ReportTo>,
}

/// Where a report goes, and of which kind it is.
#[derive(Debug, Clone)]
pub(in crate::cli) struct ReportTo {
    kind: Kind,
    path: PathBuf,
}

/// Reports that are open for writing.
pub(in crate::cli) struct Reports(Vec<FileReport>);

impl ReportArgs {
    /// Opens all files, so that one that can't be written is known before anything runs.
    pub(in crate::cli) fn open(&self) -> Result<Reports, CommandFailure> {
        Reports::open(&self.report)
    }
}

impl Reports {
    /// Opens all files.
    pub(in crate::cli) fn open(reports: &[ReportTo]) -> Result<Reports, CommandFailure> {
        let open = FileReport::create_all(reports.iter().map(|to| (to.kind, to.path.as_path())));
        Ok(Reports(open.map_err(CommandFailure::usage)?))
    }

    /// What takes the events.
    pub(in crate::cli) fn sinks(&mut self) -> impl Iterator<Item = &mut dyn EventSink> {
        self.0.iter_mut().map(|report| report as &mut dyn EventSink)
    }

    /// The reports themselves.
    pub(in crate::cli) fn iter_mut(&mut self) -> impl Iterator<Item = &mut FileReport> {
        self.0.iter_mut()
    }

    /// Whether all were written.
    pub(in crate::cli) fn finish(self) -> Result<(), CommandFailure> {
        self.0.into_iter().try_for_each(|report| report.finish().map_err(CommandFailure::usage))
    }
}

impl ReportTo {
    /// A kind that there is for vectors too.
    pub(in crate::cli) fn on_vectors(text: &str) -> Result<ReportTo, String> {
        let to: ReportTo = text.parse()?;
        match to.kind {
            Kind::Json | Kind::Junit => Ok(to),
            kind => Err(format!("vectors are not reported as {kind}; there are: json, junit")),
        }
    }
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportTo, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind: Kind = kind.parse()?;
        if path.is_empty() {
            return Err(format!("write it as {kind}=FILE"));
        }
        Ok(ReportTo { kind, path: path.into() })
    }
}
