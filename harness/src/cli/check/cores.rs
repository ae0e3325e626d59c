//! Which Core is tested.

use clap::Args;

use crate::cli::CommandFailure;
use crate::subject::Subject;

/// Which Core is tested.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which Core")]
pub(super) struct CoreArgs {}

impl CoreArgs {
    /// The Core under test.
    pub(super) fn subject(&self) -> Result<Subject, CommandFailure> {
        Ok(Subject::builtin())
    }
}
