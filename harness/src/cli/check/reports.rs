//! Reports for programs.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use crate::cli::CommandFailure;
use crate::report::json::JsonReport;
use crate::verdict::EventSink;

/// Which reports are written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// Write a report for programs (repeatable)
    #[arg(long, value_name = "json=FILE")]
    report: Vec<ReportTo>,
}

/// Where a report goes, and in which format.
#[derive(Debug, Clone)]
pub(in crate::cli) struct ReportTo {
    path: PathBuf,
}

/// Reports that are open for writing.
pub(super) struct Reports(Vec<JsonReport>);

impl ReportArgs {
    /// Opens all files, so that one that can't be written is known before anything runs.
    pub(super) fn open(&self) -> Result<Reports, CommandFailure> {
        let open = self.report.iter().map(|to| JsonReport::create(to.path()).map_err(CommandFailure::usage));
        Ok(Reports(open.collect::<Result<_, _>>()?))
    }
}

impl Reports {
    /// What takes the events.
    pub(super) fn sinks(&mut self) -> impl Iterator<Item = &mut dyn EventSink> {
        self.0.iter_mut().map(|report| report as &mut dyn EventSink)
    }

    /// Whether all were written.
    pub(super) fn finish(self) -> Result<(), CommandFailure> {
        self.0.into_iter().try_for_each(|report| report.finish().map_err(CommandFailure::usage))
    }
}

impl ReportTo {
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportTo, String> {
        match text.split_once('=') {
            Some(("json", path)) if !path.is_empty() => Ok(ReportTo { path: path.into() }),
            Some((format, _)) if format != "json" => {
                Err(format!("`{format}` is no format of a report; there is: json"))
            }
            _ => Err("write it as json=FILE".to_owned()),
        }
    }
}
