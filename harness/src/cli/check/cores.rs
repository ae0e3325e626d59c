//! Which Core is tested.

use std::path::PathBuf;

use clap::Args;

use crate::bundle;
use crate::cli::CommandFailure;
use crate::subject::Subject;
use crate::subject::descriptor::Descriptor;

/// Which Core is tested.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which Core")]
pub(in crate::cli) struct CoreArgs {
    /// The file that describes the Core [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
}

impl CoreArgs {
    /// The Core under test.
    pub(in crate::cli) fn subject(&self) -> Result<Subject, CommandFailure> {
        let Some(file) = &self.core else { return Ok(Subject::builtin()) };
        Ok(Subject::described(Descriptor::read(file).map_err(CommandFailure::usage)?))
    }

    /// The descriptors, as they were given.
    pub(in crate::cli) fn descriptors(&self) -> Result<Vec<bundle::Descriptor>, CommandFailure> {
        let text = |file: &PathBuf| {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))?;
            Ok(bundle::Descriptor { given: file.display().to_string(), text })
        };
        self.core.iter().map(text).collect()
    }
}
