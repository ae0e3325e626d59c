//! `countersign check`

pub(super) mod cores;
mod gate;
mod reports;
mod rounds;
mod session;

use std::io;

use clap::Args;

use self::cores::CoreArgs;
pub(super) use self::gate::GateArgs;
pub(super) use self::reports::{ReportArgs, ReportTo, Reports};
pub(super) use self::session::{ScopeArgs, Session};
use super::exit::{self, Exit};
use super::{CommandFailure, FeatureArgs};
use crate::contract::Threshold;
use crate::redact;
use crate::subject::SubjectError;
use crate::suite::{RunError, RunOptions, Suite};

/// Options of `countersign check`.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP, after_long_help = long_help())]
pub struct Check {
    #[command(flatten)]
    scope: ScopeArgs,

    #[command(flatten)]
    features: FeatureArgs,

    #[command(flatten)]
    cores: CoreArgs,

    /// Which requirements decide: baseline (MUSTs from the public documents and RFC 9421), must (all MUSTs), should, may
    #[arg(long, value_name = "LEVEL", default_value_t = Threshold::Must, help_heading = "What decides")]
    level: Threshold,

    #[command(flatten)]
    gate: GateArgs,

    #[command(flatten)]
    reports: ReportArgs,
}

/// Two ways in, two ways out.
fn long_help() -> String {
    format!("{WAYS}\n\n{}", exit::HELP)
}

const WAYS: &str = "\
How the receiving side is tested (--receive):
  edge    requests from outside go over TLS to a proxy, which asks the Core and passes on what may go on. It is the
          testbed's own, whose doing is never counted for or against the Core, or the one of the descriptor's [proxy]
  direct  no proxy in between: the suite asks the Core's /internal/auth itself, judges its answer and the fields in it,
          and hands what may go on to the app. Requests reach the Core byte for byte, also those that a proxy refuses.
          What only a proxy can show (PROXY-1 to -10, ACL-6, ACL-7, raw bytes, HTTP/2) is unsupported
How the sending side is tested, always in both ways:
  alone   a Portal that the suite plays is called: it records what the Core under test sent, checks the signature with
          code of its own, and answers as the scenario wants (signatures, call_peer, call_failures)
  whole   two Portals with the Core under test: app, Core, proxy, Core, app and back (call_sequence)";

impl Check {
    /// Lists or runs.
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        let suite = Suite::load(&self.features.source()).map_err(CommandFailure::usage)?;
        let session = Session { scope: &self.scope, gate: &self.gate, reports: &self.reports };
        if self.scope.list {
            return session.list(&suite);
        }
        log(self.scope.verbose);
        let usual = RunOptions {
            subject: self.cores.subject()?,
            source: self.features.source(),
            level: self.level,
            ..RunOptions::default()
        };
        let options = session.options(usual, self.cores.descriptors()?)?;
        session.run(&suite, &options)
    }
}

/// Why the suite did not run.
pub(super) fn run_error(error: RunError) -> CommandFailure {
    match error {
        RunError::Suite(_) | RunError::NothingSelected(_) | RunError::Expectations(_) => CommandFailure::usage(error),
        RunError::Subject(SubjectError::NoRoom { .. }) => CommandFailure::harness(error),
        RunError::Subject(_) => CommandFailure::subject(redact::text(&error.to_string())),
        RunError::Runtime(_) | RunError::TooFewFiles(_) => CommandFailure::harness(error),
    }
}

/// Reading only the beginning (`| head`) is no failure.
pub(super) fn ignoring_closed_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// What the parts of the testbed have to say beside the events: to standard error.
pub(super) fn log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::ERROR,
        1 => tracing::Level::WARN,
        _ => tracing::Level::INFO,
    };
    crate::logged::listen_and_show(level);
}
