//! `countersign check`

pub(super) mod cores;
mod gate;
mod reports;
mod rounds;

use std::io::{self, Write};

use clap::Args;
use regex::Regex;

use self::cores::CoreArgs;
use self::gate::GateArgs;
pub(super) use self::reports::{ReportArgs, ReportTo, Reports};
use super::exit::{self, Exit};
use super::{CommandFailure, FeatureArgs};
use crate::redact;
use crate::report::Several;
use crate::report::progress::Progress;
use crate::report::terminal::{Detail, TerminalReport};
use crate::suite::{RunError, RunOptions, Selection, Suite, TagExpression};

/// Options of `countersign check`.
#[derive(Debug, Args)]
#[command(after_help = exit::HELP)]
pub struct Check {
    /// Only scenarios whose tags match, such as '@CALL-3 and not @slow'
    #[arg(long, value_name = "EXPRESSION")]
    tags: Option<TagExpression>,

    /// Only the scenario with this id; or those in whose id or name this regular expression is found
    #[arg(long, value_name = "REGEX", value_parser = name)]
    name: Option<Regex>,

    /// How many scenarios at a time [default: twice the number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Only list the scenarios: id, place, requirements
    #[arg(long)]
    list: bool,

    /// Only what failed, and the last line
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Each scenario as it ends, and the hops of what failed; twice: each step
    #[arg(long, short, action = clap::ArgAction::Count)]
    verbose: u8,

    #[command(flatten)]
    features: FeatureArgs,

    #[command(flatten)]
    cores: CoreArgs,

    #[command(flatten)]
    gate: GateArgs,

    #[command(flatten)]
    reports: ReportArgs,
}

fn name(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

impl Check {
    /// Lists or runs.
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        let suite = Suite::load(&self.features.source()).map_err(CommandFailure::usage)?;
        if self.list {
            return self.list(&suite, &mut io::stdout().lock());
        }
        log(self.verbose);
        let options = self.options()?;
        let new_list = self.gate.new_list()?;
        let mut reports = self.reports.open()?;
        let mut progress = Progress::new(io::stderr(), self.detail());
        let mut terminal = TerminalReport::new(io::stdout(), self.detail());

        let summary = {
            let mut results = Several(vec![&mut terminal]);
            results.0.extend(reports.sinks());
            match self.gate.repeat {
                1 => {
                    results.0.insert(0, &mut progress);
                    suite.run(&options, &mut results).map_err(run_error)?
                }
                rounds => self::rounds::run(&suite, &options, rounds.into(), &mut progress, &mut results)?,
            }
        };

        ignoring_closed_pipe(terminal.finish().map(drop))?;
        reports.finish()?;
        if let Some(bundles) = &options.bundles {
            bundles.finish().map_err(CommandFailure::usage)?;
        }
        if let Some(list) = new_list {
            list.write(&suite.scenarios(&Selection::all()), &summary, &mut io::stdout())?;
        }
        self.gate.exit(&summary, &mut io::stdout())
    }

    fn list(&self, suite: &Suite, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let selection = self.selection();
        let scenarios = suite.scenarios(&selection);
        if scenarios.is_empty() {
            return Err(CommandFailure::usage(RunError::NothingSelected(selection.to_string())));
        }
        for scenario in scenarios {
            let written = writeln!(
                out,
                "{}  {}:{}  {}",
                scenario.id,
                scenario.feature,
                scenario.line,
                scenario.requirements.join(" ")
            );
            ignoring_closed_pipe(written)?;
        }
        Ok(Exit::Conforms)
    }

    fn selection(&self) -> Selection {
        let selection = self.tags.iter().fold(Selection::all(), |all, tags| all.tags(tags.clone()));
        let selection = self.name.iter().fold(selection, |selection, name| selection.name(name.clone()));
        self.gate.shard.iter().fold(selection, |selection, shard| selection.shard(*shard))
    }

    fn options(&self) -> Result<RunOptions, CommandFailure> {
        let options = RunOptions::default();
        Ok(RunOptions {
            subject: self.cores.subject()?,
            source: self.features.source(),
            selection: self.selection(),
            level: self.gate.level,
            expectations: self.gate.expectations()?,
            seed: self.gate.seed.unwrap_or(options.seed),
            bundles: self.gate.bundles(&self.cores)?,
            within: self.gate.within(),
            jobs: self.jobs.map_or(options.jobs, usize::from),
            interruptible: true,
            ..options
        })
    }

    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Little,
            (false, 0) => Detail::Normal,
            (false, 1) => Detail::Much,
            (false, _) => Detail::All,
        }
    }
}

/// Why the suite did not run.
pub(super) fn run_error(error: RunError) -> CommandFailure {
    match error {
        RunError::Suite(_) | RunError::NothingSelected(_) | RunError::Expectations(_) => CommandFailure::usage(error),
        RunError::Subject(_) => CommandFailure::subject(redact::text(&error.to_string())),
        RunError::Runtime(_) => CommandFailure::harness(error),
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
