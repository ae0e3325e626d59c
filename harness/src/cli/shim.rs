//! `countersign shim`

use std::io;

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::exit::Exit;
use crate::vectors::shim::core::Core;
use crate::vectors::shim::httpsig::Httpsig;
use crate::vectors::shim::serve::serve;

const HELP: &str = "\
Exit codes:
  0  the input ended
  3  it can't be read, or the answers can't be written";

/// Options of `countersign shim`.
#[derive(Debug, Args)]
pub struct Shim {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Speak the shim protocol on standard input and output for the built-in engine
    #[command(after_help = HELP)]
    Core,
    /// Speak the shim protocol on standard input and output for the crate httpsig
    #[command(after_help = HELP)]
    Httpsig,
}

impl Shim {
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        match &self.what {
            What::Core => speak(&Core),
            What::Httpsig => speak(&Httpsig),
        }
    }
}

fn speak(subject: &dyn crate::vectors::shim::Subject) -> Result<Exit, CommandFailure> {
    match serve(subject, &mut io::stdin().lock(), &mut io::stdout().lock(), &mut io::stderr()) {
        // Whoever asked is gone: there is nothing more to answer.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Conforms),
        done => Ok(done.map(|()| Exit::Conforms)?),
    }
}
