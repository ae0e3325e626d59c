//! Which Core is tested.

use clap::Args;

use crate::bundle::Descriptor;
use crate::cli::CommandFailure;
use crate::subject::Subject;

/// Which Core is tested.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which Core")]
pub(in crate::cli) struct CoreArgs {}

impl CoreArgs {
    /// The Core under test.
    pub(in crate::cli) fn subject(&self) -> Result<Subject, CommandFailure> {
        Ok(Subject::builtin())
    }

    /// The descriptors, as they were given.
    pub(in crate::cli) fn descriptors(&self) -> Result<Vec<Descriptor>, CommandFailure> {
        Ok(Vec::new())
    }
}
