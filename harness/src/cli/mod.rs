//! The command line. One file for each command; here only what they share.

pub mod attack;
pub mod call;
pub mod check;
pub mod clean;
pub mod core;
pub mod down;
pub mod exit;
pub mod explain;
pub mod export;
pub mod fault;
pub mod image;
pub mod init;
pub mod namespace;
pub mod part;
mod project;
pub mod replay;
pub mod report;
pub mod requirements;
pub mod shim;
pub mod sign;
mod signals;
pub mod status;
pub mod steps;
pub mod terminal;
pub mod test;
pub mod up;
pub mod vectors;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::open_files;
use crate::suite::Source;
use exit::Exit;

/// All that the program does.
pub fn main() -> ExitCode {
    open_files::raise();
    Cli::parse().run().into()
}

/// Does a Core keep the contract between Portals? And if not, on which line does it diverge?
#[derive(Debug, Parser)]
#[command(name = "countersign", version, after_help = exit::HELP, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the scenarios on the built-in Core and say whether it conforms
    Check(Box<check::Check>),
    /// Run your own features on the Portals and apps of countersign.toml
    Test(Box<test::Test>),
    /// Run one scenario again as it failed, from a bundle that `check --bundles` left
    Replay(replay::Replay),
    /// See whether the testbed finds its way with a Core
    Core(core::Core),
    /// Start the Portals and apps of countersign.toml, and keep them up
    Up(Box<up::Up>),
    /// End what is up
    Down(down::Down),
    /// Show what is up
    Status(status::Status),
    /// Pair a terminal with a Portal that is up: its cookie, and an address that logs a browser in
    Terminal(terminal::Terminal),
    /// Let an app call a peer, and see each hop, the signature base and the decision
    Call(Box<call::CallCommand>),
    /// Put a fault on what is up, take it off, or show all that there are
    Fault(fault::FaultCommand),
    /// Write files to begin with: for the app in this folder, or for a Core
    Init(init::Init),
    /// Try one attack of the hostile peer's, and say what it is, why it must fail, and what came of it
    Attack(attack::AttackCommand),
    /// Show the steps that features are written in, each with an example
    Steps(steps::Steps),
    /// Show the requirements, and which scenarios check them
    Requirements(requirements::Requirements),
    /// Explain the signatures of one message: the base line by line, every check, what is wrong
    Explain(Box<explain::Explain>),
    /// Sign a message
    Sign(Box<sign::Sign>),
    /// Speak the shim protocol: as a library that is built in, or to a shim that is to be checked
    Shim(shim::Shim),
    /// Compare the reports of two runs, or merge those of shards
    Report(report::Report),
    /// Run the RFC 9421 vectors on a library and say which of the RFC's sentences it breaks
    Vectors(Box<vectors::Vectors>),
    /// Write the Portals of countersign.toml for other tools
    Export(export::ExportCommand),
    /// Build the image of our own parts, for containers
    Image(image::ImageCommand),
    /// Take away the containers that runs left which are gone
    Clean(clean::Clean),
    /// Be a part of a testbed in containers
    #[command(hide = true)]
    Part(part::Part),
    /// Run a Core within a namespace that the testbed has made
    #[command(hide = true)]
    Namespace(namespace::Namespace),
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> Exit {
        let done = match self.command {
            Command::Check(check) => check.run(),
            Command::Test(test) => test.run(),
            Command::Replay(replay) => replay.run(&mut io::stdout()),
            Command::Core(core) => core.run(&mut io::stdout()),
            Command::Up(up) => up.run(),
            Command::Down(down) => down.run(&mut io::stdout()),
            Command::Status(status) => status.run(&mut io::stdout()),
            Command::Terminal(terminal) => terminal.run(&mut io::stdout()),
            Command::Call(call) => call.run(&mut io::stdout()),
            Command::Fault(fault) => fault.run(&mut io::stdout().lock()),
            Command::Init(init) => init.run(&mut io::stdout().lock()),
            Command::Attack(attack) => attack.run(&mut io::stdout().lock()),
            Command::Steps(steps) => steps.run(&mut io::stdout().lock()),
            Command::Requirements(requirements) => requirements.run(&mut io::stdout().lock()),
            Command::Explain(explain) => explain.run(&mut io::stdout().lock()),
            Command::Sign(sign) => sign.run(&mut io::stdout().lock()),
            Command::Shim(shim) => shim.run(),
            Command::Report(report) => report.run(&mut io::stdout().lock()),
            Command::Vectors(vectors) => vectors.run(),
            Command::Export(export) => export.run(&mut io::stdout()),
            Command::Image(image) => image.run(&mut io::stdout()),
            Command::Clean(clean) => clean.run(&mut io::stdout()),
            Command::Part(part) => part.run(),
            Command::Namespace(namespace) => namespace.run(),
        };
        match done {
            Ok(exit) => exit,
            Err(failure) => failure.tell(),
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct CommandFailure {
    exit: Exit,
    text: String,
}

impl CommandFailure {
    /// A mistake of the caller's.
    pub fn usage(text: impl ToString) -> CommandFailure {
        CommandFailure { exit: Exit::Usage, text: text.to_string() }
    }

    /// The subject did not start, or died.
    pub fn subject(text: impl ToString) -> CommandFailure {
        CommandFailure { exit: Exit::Subject, text: text.to_string() }
    }

    /// Ended by Ctrl-C.
    pub fn interrupted(text: impl ToString) -> CommandFailure {
        CommandFailure { exit: Exit::Interrupted, text: text.to_string() }
    }

    /// A fault of the harness.
    pub fn harness(text: impl ToString) -> CommandFailure {
        CommandFailure { exit: Exit::Harness, text: text.to_string() }
    }

    fn tell(&self) -> Exit {
        // With standard error gone, the exit code has to do.
        let _ = writeln!(io::stderr(), "{}", self.text);
        self.exit
    }
}

/// A closed pipe (`| head`) is no failure worth a word; anything else that can't be written is.
impl From<io::Error> for CommandFailure {
    fn from(error: io::Error) -> CommandFailure {
        CommandFailure::harness(format!("the output can't be written: {error}"))
    }
}

/// Where features come from, for the commands that read them.
#[derive(Debug, Clone, clap::Args)]
pub struct FeatureArgs {
    /// Take the features from this folder instead of those that are built in
    #[arg(long, value_name = "DIR")]
    features: Option<PathBuf>,
}

impl FeatureArgs {
    fn source(&self) -> Source {
        self.features.clone().map_or(Source::Embedded, Source::Folder)
    }
}

#[cfg(test)]
mod tests;
