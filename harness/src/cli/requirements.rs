//! `countersign requirements`

mod rfc9421;

use std::io::Write;

use clap::Args;

use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::{CommandFailure, FeatureArgs};
use crate::contract::{Level, Requirement};
use crate::suite::{Selection, Suite};
use crate::verdict::ScenarioInfo;

const HELP: &str = "\
Exit codes:
  0  shown
  1  --uncovered: a MUST has no scenario (--rfc9421: a sentence has no vector)
  2  wrong usage, an unknown id, or a bad input file";

/// Options of `countersign requirements`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Requirements {
    /// Show this one in full, such as CALL-3, or with --rfc9421 such as R9421-2.1-strip-whitespace
    #[arg(value_name = "ID", conflicts_with = "uncovered")]
    id: Option<String>,

    /// Only those without a scenario or vector; ends with 1 if a MUST is among them
    #[arg(long)]
    uncovered: bool,

    /// The sentences of RFC 9421 and the vectors that check them, instead of the contract and its scenarios
    #[arg(long, conflicts_with = "features")]
    rfc9421: bool,

    #[command(flatten)]
    features: FeatureArgs,
}

impl Requirements {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        if self.rfc9421 {
            return rfc9421::run(self.id.as_deref(), self.uncovered, out);
        }
        let suite = Suite::load(&self.features.source()).map_err(CommandFailure::usage)?;
        let exit = match &self.id {
            Some(id) => {
                let known = suite.contract().get(id).or_else(|| suite.contract().get(&id.to_uppercase()));
                let requirement = known.ok_or_else(|| unknown(&suite, id))?;
                ignoring_closed_pipe(one(&suite, requirement, out))?;
                Exit::Conforms
            }
            None => {
                let shown: Vec<_> =
                    suite.contract().iter().filter(|r| !self.uncovered || scenarios(&suite, r).is_empty()).collect();
                ignoring_closed_pipe(all(&suite, &shown, out))?;
                if self.uncovered && shown.iter().any(|requirement| requirement.level == Level::Must) {
                    Exit::DoesNotConform
                } else {
                    Exit::Conforms
                }
            }
        };
        Ok(exit)
    }
}

fn unknown(suite: &Suite, id: &str) -> CommandFailure {
    let similar = suite.contract().similar(id);
    let advice = if similar.is_empty() { String::new() } else { format!(" There are: {}.", similar.join(", ")) };
    CommandFailure::usage(format!("there is no requirement {id}.{advice}"))
}

fn scenarios<'a>(suite: &'a Suite, requirement: &Requirement) -> Vec<&'a ScenarioInfo> {
    suite.scenarios(&Selection::all().requirement(&requirement.id))
}

fn all(suite: &Suite, shown: &[&Requirement], out: &mut dyn Write) -> std::io::Result<()> {
    if !shown.is_empty() {
        writeln!(out, "{:<9} {:<6} {:<11} {:<9} title", "id", "level", "responsible", "scenarios")?;
    }
    for requirement in shown {
        let Requirement { id, level, responsible, title, .. } = requirement;
        let count = scenarios(suite, requirement).len();
        writeln!(out, "{id:<9} {level:<6} {responsible:<11} {count:<9} {title}")?;
    }
    let covered = |level: Level| {
        let of_level: Vec<_> = suite.contract().iter().filter(|requirement| requirement.level == level).collect();
        let covered = of_level.iter().filter(|requirement| !scenarios(suite, requirement).is_empty()).count();
        format!("{covered} of {} {level}", of_level.len())
    };
    writeln!(
        out,
        "With a scenario: {}, {}, {}; {} scenarios in all.",
        covered(Level::Must),
        covered(Level::Should),
        covered(Level::May),
        suite.scenarios(&Selection::all()).len()
    )
}

fn one(suite: &Suite, requirement: &Requirement, out: &mut dyn Write) -> std::io::Result<()> {
    let Requirement { id, level, responsible, title, text, why, source, since, sample } = requirement;
    writeln!(out, "{id} {level} ({responsible}): {title}\n")?;
    paragraph(out, text)?;
    paragraph(out, &format!("Why: {why}"))?;
    writeln!(out, "Source: {}. Since version {since} of the contract.\n", source.join(", "))?;
    if let Some(sample) = sample {
        writeln!(out, "Sample:")?;
        for line in sample.trim_matches('\n').lines() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
    }
    let scenarios = scenarios(suite, requirement);
    if scenarios.is_empty() {
        return writeln!(out, "Scenarios: none.");
    }
    writeln!(out, "Scenarios:")?;
    for scenario in scenarios {
        writeln!(out, "  {}  {}:{}", scenario.id, scenario.feature, scenario.line)?;
    }
    writeln!(out, "\nRun them: countersign check --tags '@{id}'")
}

/// Broken at words, so that it can be read on any terminal.
fn paragraph(out: &mut dyn Write, text: &str) -> std::io::Result<()> {
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > 100 {
            writeln!(out)?;
            width = 0;
        } else if width > 0 {
            write!(out, " ")?;
            width += 1;
        }
        write!(out, "{word}")?;
        width += length;
    }
    writeln!(out, "\n")
}
