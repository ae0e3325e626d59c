//! `countersign attack`

use std::io::Write;
use std::sync::Arc;

use clap::Args;
use regex::Regex;
use serde_json::json;

use super::CommandFailure;
use super::check::cores::CoreArgs;
use super::check::{ignoring_closed_pipe, run_error};
use super::exit::Exit;
use crate::attack::{Attack, Family, catalogue};
use crate::contract::{Contract, Requirement, Threshold};
use crate::printable::printable;
use crate::record::Exhibit;
use crate::suite::{RunError, RunOptions, Selection, Source, Suite};
use crate::verdict::{Event, ScenarioResult};

const HELP: &str = "\
Exit codes:
  0  the attack came to nothing, and its twin was let in; or it was listed
  1  it succeeded, or its twin was not let in
  2  wrong usage, an unknown attack or requirement, or a bad input file
  3  the harness or the testbed is at fault: nothing is said about the subject
  4  the subject did not start or died";

/// Options of `countersign attack`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct AttackCommand {
    /// The attack
    #[arg(value_name = "NAME", required_unless_present = "list", conflicts_with = "list")]
    name: Option<String>,

    /// Only list the attacks: name, requirement, what is wrong with the request
    #[arg(long)]
    list: bool,

    /// List only those that attack this requirement, such as AUTH-3
    #[arg(long, value_name = "ID", requires = "list")]
    requirement: Option<String>,

    /// For programs
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    cores: CoreArgs,
}

type Known = (&'static Family, &'static Attack);

impl AttackCommand {
    /// Lists or tries.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        match &self.name {
            Some(name) => self.attempt(catalogue::find(name).ok_or_else(|| unknown(name))?, out),
            None => self.list(out),
        }
    }

    fn list(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let contract = Contract::embedded().map_err(CommandFailure::harness)?;
        let wanted = match &self.requirement {
            Some(id) => Some(requirement(&contract, id)?.id.as_str()),
            None => None,
        };
        let attacks: Vec<Known> =
            catalogue::all().filter(|(_, attack)| wanted.is_none_or(|id| attack.requirement == id)).collect();
        let written = if self.json {
            let attacks: Vec<_> = attacks.iter().map(|(family, attack)| family.listed(attack)).collect();
            let text = serde_json::to_string_pretty(&attacks).map_err(CommandFailure::harness)?;
            writeln!(out, "{text}")
        } else {
            listed(&attacks, out)
        };
        ignoring_closed_pipe(written)?;
        Ok(Exit::Conforms)
    }

    fn attempt(&self, (family, attack): Known, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let suite = Suite::load(&Source::Embedded).map_err(CommandFailure::usage)?;
        let options = self.options(attack)?;
        if !self.json {
            // What is known before it runs: a Core may take its time to start.
            ignoring_closed_pipe(introduced(family, attack, suite.contract(), out).and_then(|()| out.flush()))?;
        }
        let mut subject = String::new();
        let summary = suite.run(&options, &mut |event: &Event| {
            if let Event::Started { subject: info, .. } = event {
                subject = info.version.iter().fold(info.name.clone(), |name, version| format!("{name} {version}"));
            }
        });
        let summary = summary.map_err(|error| match error {
            // Each attack stands in a feature: the tests see to it.
            RunError::NothingSelected(_) => CommandFailure::harness(error),
            error => run_error(error),
        })?;
        let Some(result) = summary.scenarios.first() else {
            return Err(CommandFailure::harness("the attack was not tried"));
        };
        let written = if self.json {
            let text = serde_json::to_string_pretty(&as_json(family, attack, &subject, result));
            writeln!(out, "{}", text.map_err(CommandFailure::harness)?)
        } else {
            told(&subject, result, out)
        };
        ignoring_closed_pipe(written)?;
        Ok(Exit::of(&summary))
    }

    fn options(&self, attack: &Attack) -> Result<RunOptions, CommandFailure> {
        let id = Regex::new(&format!("^hostile_[a-z_]+/.*/{}$", regex::escape(attack.name)));
        Ok(RunOptions {
            subject: self.cores.subject()?,
            selection: Selection::all().name(id.map_err(CommandFailure::harness)?),
            // Whoever tries one attack wants to know about it, whatever its level.
            level: Threshold::May,
            interruptible: true,
            ..RunOptions::default()
        })
    }
}

fn unknown(name: &str) -> CommandFailure {
    let nearest = catalogue::nearest(name);
    let advice = match nearest.as_slice() {
        [] => "`countersign attack --list` shows all".to_owned(),
        some => format!("there is {}", some.join(", ")),
    };
    CommandFailure::usage(format!("there is no attack `{name}`: {advice}"))
}

fn requirement<'c>(contract: &'c Contract, id: &str) -> Result<&'c Requirement, CommandFailure> {
    let known = contract.get(id).or_else(|| contract.get(&id.to_uppercase()));
    known.ok_or_else(|| {
        let similar = contract.similar(id);
        let advice = if similar.is_empty() { String::new() } else { format!(" There are: {}.", similar.join(", ")) };
        CommandFailure::usage(format!("there is no requirement {id}.{advice}"))
    })
}

fn listed(attacks: &[Known], out: &mut dyn Write) -> std::io::Result<()> {
    let mut last = "";
    for (family, attack) in attacks {
        if family.name != last {
            writeln!(out, "{}{}: {}", if last.is_empty() { "" } else { "\n" }, family.name, family.about)?;
            last = family.name;
        }
        writeln!(out, "  {:<48} {:<9} {}", attack.name, attack.requirement, attack.what)?;
    }
    writeln!(out, "{}{} attacks.", if last.is_empty() { "" } else { "\n" }, attacks.len())
}

fn introduced(family: &Family, attack: &Attack, contract: &Contract, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{} ({})", attack.name, family.name)?;
    if let Some(Requirement { id, level, text, .. }) = contract.get(attack.requirement) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        writeln!(out, "  requirement  {id} {level}: {text}")?;
    }
    writeln!(out, "  the defect   {}", attack.what)?;
    writeln!(out, "  why not      {}", attack.why)?;
    writeln!(out, "  the twin     {}", attack.twin())?;
    writeln!(out, "  must come    {}", attack.expected.in_full())
}

fn told(subject: &str, result: &ScenarioResult, out: &mut dyn Write) -> std::io::Result<()> {
    for Exhibit { title, text } in &result.record.exhibits {
        writeln!(out, "\n{title}")?;
        for line in printable(text).lines() {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out)?;
    if let Some(failure) = &result.failure {
        writeln!(out, "  expected     {}", printable(&failure.expected))?;
        writeln!(out, "  got          {}", printable(&failure.got))?;
    }
    writeln!(out, "{subject}: {} ({})", result.verdict.words(), result.scenario.id)
}

fn as_json(family: &Family, attack: &Attack, subject: &str, result: &ScenarioResult) -> serde_json::Value {
    let record = Arc::clone(&result.record);
    let exhibits = record.exhibits.iter().map(|exhibit| json!({"title": exhibit.title, "text": exhibit.text}));
    json!({
        "attack": family.listed(attack),
        "subject": subject,
        "scenario": result.scenario.id,
        "verdict": result.verdict,
        "failure": result.failure,
        "exhibits": exhibits.collect::<Vec<_>>(),
    })
}
