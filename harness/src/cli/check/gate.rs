//! What decides about the exit code.

use std::path::PathBuf;

use clap::Args;
use portal_core::clock::{SystemClock, unix_seconds};

use crate::cli::CommandFailure;
use crate::contract::Threshold;
use crate::expectations::Expectations;

/// What decides about the exit code.
#[derive(Debug, Args)]
#[command(next_help_heading = "What decides")]
pub(super) struct GateArgs {
    /// Which requirements decide: baseline (MUSTs from the public documents and RFC 9421), must (all MUSTs), should, may
    #[arg(long, value_name = "LEVEL", default_value_t = Threshold::Must)]
    pub(super) level: Threshold,

    /// What is known to fail, and why: [[known]] id, reason, owner, until
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
}

impl GateArgs {
    /// What is known to fail.
    pub(super) fn expectations(&self) -> Result<Expectations, CommandFailure> {
        match &self.known_failures {
            Some(path) => Expectations::load(path, unix_seconds(&SystemClock)).map_err(CommandFailure::usage),
            None => Ok(Expectations::default()),
        }
    }
}
