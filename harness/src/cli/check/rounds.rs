//! `--repeat`: the same several times, and whether the verdicts agree.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Instant;

use super::run_error;
use crate::cli::CommandFailure;
use crate::report::terminal::last_line;
use crate::suite::{Rounds, RunOptions, Suite};
use crate::verdict::{Event, EventSink, Summary};

/// Runs so many rounds, with a line on each; what they came to together goes to `results` as one run.
pub(super) fn run(
    suite: &Suite,
    options: &RunOptions,
    rounds: u64,
    progress: &mut dyn EventSink,
    results: &mut dyn EventSink,
) -> Result<Summary, CommandFailure> {
    let began = Instant::now();
    let mut together = Rounds::default();
    for n in 0..rounds {
        let within = options.within.map(|within| within.saturating_sub(began.elapsed()));
        let round = RunOptions { seed: options.seed.further(n), within, ..options.clone() };
        let summary = suite.run(&round, progress).map_err(run_error)?;
        // Progress that can't be shown is no reason to stop.
        let _ = writeln!(io::stderr(), "round {} of {rounds}: {}", n + 1, last_line(&summary));
        let ended_early = summary.ended_early;
        together.add(summary);
        if ended_early {
            break;
        }
    }
    let summary = together.summary().ok_or_else(|| CommandFailure::harness("no round was run"))?;
    for event in events(&summary) {
        results.event(&event);
    }
    Ok(summary)
}

fn events(summary: &Summary) -> impl Iterator<Item = Event> {
    let started = Event::Started {
        suite: summary.suite.clone(),
        subject: summary.subject.clone(),
        scenarios: summary.scenarios.len() + summary.not_run.len(),
    };
    let scenarios = summary.scenarios.iter().flat_map(|result| {
        [Event::ScenarioStarted(result.scenario.clone()), Event::ScenarioFinished(Box::new(result.clone()))]
    });
    [started].into_iter().chain(scenarios).chain([Event::Finished(Arc::new(summary.clone()))])
}
