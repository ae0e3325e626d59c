//! `countersign shim`

use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args, Subcommand};

use portal_core::clock::{SystemClock, unix_seconds};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::vectors::client::CommandLine;
use crate::vectors::shim::Subject;
use crate::vectors::shim::check::{Findings, State, check};
use crate::vectors::shim::core::Core;
use crate::vectors::shim::httpsig::Httpsig;
use crate::vectors::shim::serve::serve;

const HELP: &str = "\
Exit codes:
  0  the input ended
  3  it can't be read, or the answers can't be written";

const CHECK_HELP: &str = "\
The command runs without a shell and is one argument: countersign shim check \"python3 shim.py\"
The protocol is described in fixtures/shim-protocol.schema.json.

Exit codes:
  0  the shim keeps to the protocol
  1  it does not
  2  wrong usage
  3  the harness is at fault
  4  the shim did not start or died; or what it declares is not enough for a whole verdict";

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
    /// Tell what a shim of your own gets wrong about the protocol, step by step
    Check(ShimCheck),
}

/// Options of `countersign shim check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub struct ShimCheck {
    /// The command that starts the shim
    #[arg(value_name = "COMMAND")]
    command: CommandLine,

    /// How long the shim may take for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    timeout: u16,

    /// Show for each step what was sent and what came
    #[arg(long, short)]
    verbose: bool,
}

impl Shim {
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        match &self.what {
            What::Core => speak(&Core),
            What::Httpsig => speak(&Httpsig),
            What::Check(check) => check.run(),
        }
    }
}

fn speak(subject: &dyn Subject) -> Result<Exit, CommandFailure> {
    match serve(subject, &mut io::stdin().lock(), &mut io::stdout().lock(), &mut io::stderr()) {
        // Whoever asked is gone: there is nothing more to answer.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Conforms),
        done => Ok(done.map(|()| Exit::Conforms)?),
    }
}

impl ShimCheck {
    fn run(&self) -> Result<Exit, CommandFailure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let limit = Duration::from_secs(self.timeout.into());
        let mut out = io::stdout().lock();
        let mut written = Ok(());
        let mut told = |step: &_| {
            if written.is_ok() {
                written = if self.verbose { write!(out, "{step:#}") } else { write!(out, "{step}") };
            }
        };
        let now = unix_seconds(&SystemClock);
        let findings = runtime.block_on(check(&self.command, now, limit, &mut told));
        let findings = findings.map_err(CommandFailure::harness)?;
        ignoring_closed_pipe(written.and_then(|()| writeln!(out, "\n{}", summary(&findings))))?;
        Ok(exit(&findings))
    }
}

fn summary(findings: &Findings) -> String {
    let fine = findings.count(|state| matches!(state, State::Fine));
    match (findings.wrong(), findings.partial()) {
        (0, false) => {
            format!("The shim keeps to the protocol: {fine} steps. Next: countersign vectors --subject COMMAND")
        }
        (0, true) => format!("The shim keeps to the protocol, but can be tested only in part: {fine} steps."),
        (wrong, _) => format!("{wrong} of {} steps went wrong.", wrong + fine),
    }
}

/// The order is that of all commands: 4 before 1.
fn exit(findings: &Findings) -> Exit {
    if findings.died() {
        Exit::Subject
    } else if findings.wrong() > 0 {
        Exit::DoesNotConform
    } else if findings.partial() {
        Exit::Subject
    } else {
        Exit::Conforms
    }
}
