//! `countersign fault`

use std::io::{self, Write};

use clap::Args;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{UpArgs, runtime};
use crate::live::faults::{FaultOrder, FaultOutcome};
use crate::testbed::Fault;
use crate::testbed::faults::{KINDS, Kind};

const HELP: &str = "\
Examples:
  countersign fault 'alice -> bob latency 200ms jitter 50ms'   (quoted: > and < are the shell's)
  countersign fault 'alice <-> bob cut'
  countersign fault bob core frozen
  countersign fault --clear 'alice -> bob'
  countersign fault --clear

Exit codes:
  0  done
  2  wrong usage: no such fault, Portal or app, nothing is up, or it can't be done with this Core
  3  the testbed is at fault";

/// Options of `countersign fault`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct FaultCommand {
    /// The fault to be put on; without one, those that are on are shown
    #[arg(value_name = "FAULT", num_args = 0.., allow_hyphen_values = true)]
    fault: Vec<String>,

    /// Take off the faults that begin with these words; without words, all
    #[arg(long, value_name = "WORDS", num_args = 0..=1, default_missing_value = "", conflicts_with = "fault")]
    clear: Option<String>,

    /// Show all faults that there are, and what each does
    #[arg(long, conflicts_with_all = ["fault", "clear"])]
    list: bool,

    /// Show the faults that are on
    #[arg(long, conflicts_with_all = ["fault", "clear", "list"])]
    status: bool,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    up: UpArgs,
}

impl FaultCommand {
    /// Does it, by the testbed that is up.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let written = if self.list {
            self.list(out)
        } else if let Some(words) = &self.clear {
            let outcome = self.ask(&FaultOrder::Heal(words.clone()))?;
            self.write(out, &outcome, |out| match outcome.changed.as_slice() {
                [] => writeln!(out, "No fault was on."),
                changed => changed.iter().try_for_each(|fault| writeln!(out, "over:  {fault}")),
            })
        } else if self.fault.is_empty() {
            let on = runtime()?.block_on(async { self.up.find().await?.faults().await })?;
            let outcome = FaultOutcome { changed: Vec::new(), on };
            self.write(out, &outcome, |_| Ok(()))
        } else {
            // A slip of the pen is told without asking anybody.
            let fault = Fault::parse(&self.fault.join(" ")).map_err(CommandFailure::usage)?;
            let outcome = self.ask(&FaultOrder::Apply(fault.to_string()))?;
            self.write(out, &outcome, |out| match fault.is_momentary() {
                true => writeln!(out, "done:  {fault}"),
                false => Ok(()),
            })
        };
        ignoring_closed_pipe(written)?;
        Ok(Exit::Conforms)
    }

    fn ask(&self, order: &FaultOrder) -> Result<FaultOutcome, CommandFailure> {
        Ok(runtime()?.block_on(async { self.up.find().await?.fault(order).await })?)
    }

    /// What happened, and what is on now.
    fn write(
        &self,
        out: &mut dyn Write,
        outcome: &FaultOutcome,
        happened: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", serde_json::to_string_pretty(outcome)?);
        }
        happened(out)?;
        match outcome.on.as_slice() {
            [] if outcome.changed.is_empty() && self.clear.is_none() => writeln!(out, "No fault is on."),
            on => on.iter().try_for_each(|fault| writeln!(out, "on:    {fault}")),
        }
    }

    fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.json {
            return writeln!(out, "{}", serde_json::to_string_pretty(KINDS)?);
        }
        listed(out, KINDS)
    }
}

fn listed(out: &mut dyn Write, kinds: &[Kind]) -> io::Result<()> {
    let mut group = "";
    for kind in kinds {
        if kind.group != group {
            writeln!(out, "{}{}", if group.is_empty() { "" } else { "\n" }, kind.group)?;
            group = kind.group;
        }
        writeln!(out, "  {:<42} {}", kind.example, kind.about)?;
    }
    writeln!(out, "\nTimes are written as 200ms, 2s, 5m, 3h, 1d; sizes as 100B, 64KiB, 1MiB.")?;
    writeln!(out, "The same words stand in countersign.toml (`faults = [\"…\"]`) and in features")?;
    writeln!(out, "(`Given this fault is on: \"…\"`).")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_with_what_it_does() {
        let mut out = Vec::new();
        listed(&mut out, KINDS).unwrap();
        let text = String::from_utf8(out).unwrap();
        for kind in KINDS {
            assert!(text.contains(kind.example) && text.contains(kind.about), "{}", kind.example);
        }
    }
}
