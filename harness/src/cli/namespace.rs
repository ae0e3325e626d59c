//! `countersign namespace`: the program's own other half, which it runs within a namespace. Not for people.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::CommandFailure;
use super::exit::Exit;

/// Options of `countersign namespace`.
#[derive(Debug, Args)]
pub struct Namespace {
    /// Where the sockets are
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The public port
    #[arg(long, value_name = "PORT")]
    port: u16,
    /// The certificates that are trusted
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Who the command runs as
    #[arg(long, value_name = "USER:GROUP")]
    user: Option<String>,
    /// What to run
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Namespace {
    /// Runs the command, and ends as it does.
    ///
    /// # Errors
    /// When the namespace can't be prepared.
    #[cfg(target_os = "linux")]
    pub fn run(self) -> Result<Exit, CommandFailure> {
        use crate::subject::namespace::inside::{self, Inside};

        let Namespace { folder, port, ca_file, user, command } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ended = runtime.block_on(inside::run(Inside { folder, port, ca_file, user, command }));
        match ended.map_err(|error| CommandFailure::harness(format!("in the namespace, {error}")))? {
            0 => Ok(Exit::Conforms),
            code => std::process::exit(code.into()),
        }
    }

    /// Says that there is none.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn run(self) -> Result<Exit, CommandFailure> {
        Err(CommandFailure::usage("namespaces are Linux's"))
    }
}
