//! What decides about the exit code.

mod fail_on;
mod list;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use portal_core::clock::{SystemClock, unix_seconds};

use super::ignoring_closed_pipe;
use crate::bundle::{Descriptor, Folder};
use crate::cli::CommandFailure;
use crate::cli::exit::Exit;
use crate::expectations::Expectations;
use crate::suite::{Seed, Shard};
use crate::verdict::Summary;
use fail_on::FailOn;
pub(super) use list::NewList;

/// What decides about the exit code.
#[derive(Debug, Args)]
#[command(next_help_heading = "What decides")]
pub(in crate::cli) struct GateArgs {
    /// What else fails the run, with exit code 1 (several with commas)
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    fail_on: Vec<FailOn>,

    /// What is known to fail, and why: [[known]] id, reason, owner, until
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,

    /// Write a first list of known failures: all that fails now, a month ahead
    #[arg(long, value_name = "FILE")]
    write_known_failures: Option<PathBuf>,

    /// Write that list even where the file is there
    #[arg(long, requires = "write_known_failures")]
    overwrite: bool,

    /// Leave a file for each failure from which `countersign replay` runs it again
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,

    /// Run all of it so many times; a verdict that changes is told and fails the run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) repeat: u32,

    /// End in order after this time; what has not run by then is told, and counts as not known
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    max_seconds: Option<u32>,

    /// Only this part of the scenarios: 2/5 is the second of five; each scenario is always in the same one
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,

    /// Draw names, keys and nonces as a run with this seed did [default: other ones each time]
    #[arg(long, value_name = "SEED")]
    pub(super) seed: Option<Seed>,
}

impl GateArgs {
    /// What is known to fail.
    pub(super) fn expectations(&self) -> Result<Expectations, CommandFailure> {
        match &self.known_failures {
            Some(path) => Expectations::load(path, unix_seconds(&SystemClock)).map_err(CommandFailure::usage),
            None => Ok(Expectations::default()),
        }
    }

    /// Where failures leave bundles.
    pub(super) fn bundles(&self, described: Vec<Descriptor>) -> Result<Option<Arc<Folder>>, CommandFailure> {
        let Some(path) = &self.bundles else { return Ok(None) };
        let folder = Folder::create(path, described).map_err(CommandFailure::usage)?;
        Ok(Some(Arc::new(folder)))
    }

    /// How long all of it may take.
    pub(super) fn within(&self) -> Option<Duration> {
        self.max_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The list that shall be written.
    pub(super) fn new_list(&self) -> Result<Option<NewList>, CommandFailure> {
        self.write_known_failures.as_deref().map(|path| NewList::at(path, self.overwrite)).transpose()
    }

    /// What the run came to; says what fails it beside the requirements.
    pub(super) fn exit(&self, summary: &Summary, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let mut wanted = self.fail_on.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let objections: Vec<String> = wanted.into_iter().filter_map(|what| what.objection(summary)).collect();
        for objection in &objections {
            ignoring_closed_pipe(writeln!(out, "{objection}"))?;
        }
        Ok(match Exit::of(summary) {
            Exit::Conforms | Exit::TimeUp if !objections.is_empty() => Exit::DoesNotConform,
            exit => exit,
        })
    }
}
