//! What running a suite is from the command line, whichever suite it is: which scenarios, what is shown, what decides.

use std::io::{self, Write};

use clap::Args;
use regex::Regex;

use super::gate::GateArgs;
use super::reports::ReportArgs;
use super::{ignoring_closed_pipe, run_error};
use crate::bundle::Descriptor;
use crate::cli::CommandFailure;
use crate::cli::exit::Exit;
use crate::report::Several;
use crate::report::progress::Progress;
use crate::report::terminal::{Detail, TerminalReport};
use crate::suite::{RunError, RunOptions, Selection, Suite, TagExpression};

/// Which scenarios run, and what is shown of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct ScopeArgs {
    /// Only scenarios whose tags match, such as '@CALL-3 and not @slow'
    #[arg(long, value_name = "EXPRESSION")]
    tags: Option<TagExpression>,

    /// Only the scenario with this id; or those in whose id or name this regular expression is found
    #[arg(long, value_name = "REGEX", value_parser = name)]
    name: Option<Regex>,

    /// How many scenarios at a time [default: by the number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Only list the scenarios: id, place, requirements
    #[arg(long)]
    pub(in crate::cli) list: bool,

    /// Only what failed, and the last line
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Each scenario as it ends, and the hops of what failed; twice: each step
    #[arg(long, short, action = clap::ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
}

fn name(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

impl ScopeArgs {
    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Little,
            (false, 0) => Detail::Normal,
            (false, 1) => Detail::Much,
            (false, _) => Detail::All,
        }
    }
}

/// A suite and what was said about running it.
pub(in crate::cli) struct Session<'a> {
    pub(in crate::cli) scope: &'a ScopeArgs,
    pub(in crate::cli) gate: &'a GateArgs,
    pub(in crate::cli) reports: &'a ReportArgs,
}

impl Session<'_> {
    /// Only says which scenarios there are.
    pub(in crate::cli) fn list(&self, suite: &Suite) -> Result<Exit, CommandFailure> {
        let selection = self.selection();
        let scenarios = suite.scenarios(&selection);
        if scenarios.is_empty() {
            return Err(CommandFailure::usage(RunError::NothingSelected(selection.to_string())));
        }
        let mut out = io::stdout().lock();
        for scenario in scenarios {
            let line =
                format!("{}  {}:{}  {}", scenario.id, scenario.feature, scenario.line, scenario.requirements.join(" "));
            ignoring_closed_pipe(writeln!(out, "{}", line.trim_end()))?;
        }
        Ok(Exit::Conforms)
    }

    /// What was said, over what is usual. What is tested is described by these, for bundles.
    pub(in crate::cli) fn options(
        &self,
        usual: RunOptions,
        described: Vec<Descriptor>,
    ) -> Result<RunOptions, CommandFailure> {
        Ok(RunOptions {
            selection: self.selection(),
            expectations: self.gate.expectations()?,
            seed: self.gate.seed.unwrap_or(usual.seed),
            bundles: self.gate.bundles(described)?,
            within: self.gate.within(),
            jobs: self.scope.jobs.map_or(usual.jobs, usize::from),
            interruptible: true,
            ..usual
        })
    }

    /// Runs, reports, and says how it ended.
    pub(in crate::cli) fn run(&self, suite: &Suite, options: &RunOptions) -> Result<Exit, CommandFailure> {
        let new_list = self.gate.new_list()?;
        let mut reports = self.reports.open()?;
        let mut progress = Progress::new(io::stderr(), self.scope.detail());
        let mut terminal = TerminalReport::new(io::stdout(), self.scope.detail());

        let summary = {
            let mut results = Several(vec![&mut terminal]);
            results.0.extend(reports.sinks());
            match self.gate.repeat {
                1 => {
                    results.0.insert(0, &mut progress);
                    suite.run(options, &mut results).map_err(run_error)?
                }
                rounds => super::rounds::run(suite, options, rounds.into(), &mut progress, &mut results)?,
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

    fn selection(&self) -> Selection {
        let selection = self.scope.tags.iter().fold(Selection::all(), |all, tags| all.tags(tags.clone()));
        let selection = self.scope.name.iter().fold(selection, |selection, name| selection.name(name.clone()));
        self.gate.shard.iter().fold(selection, |selection, shard| selection.shard(*shard))
    }
}
