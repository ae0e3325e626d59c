//! `countersign replay`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::CommandFailure;
use super::check::cores::CoreArgs;
use super::check::{ignoring_closed_pipe, log, run_error};
use super::exit::Exit;
use super::test;
use crate::bundle::{self, Again, Bundle, Descriptor, Tested};
use crate::contract::Contract;
use crate::report::terminal::{Detail, TerminalReport};
use crate::shell::quoted;
use crate::suite::{Given, RunOptions, Selection, Source, Suite, steps};
use crate::topology::project::Project;
use crate::verdict::{Event, EventSink, ScenarioResult, Summary, Verdict};

const HELP: &str = "\
The scenario runs with the feature's text, the keys, the random draws and, where the Core's clock can be set, the time
of the bundle, and comes to the Core in the way of the bundle unless --receive says otherwise. What the Core itself draws at random, its own key above all, is new.

Exit codes:
  0  it passes now
  1  it fails, in the same way or in another
  2  wrong usage, a file that is no bundle, or a scenario that can't be tested on this Core
  3  the harness or the testbed is at fault
  4  the Core did not start or died
  After Ctrl-C: 130.";

/// Options of `countersign replay`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Replay {
    /// A file that `check --bundles DIR` or `test --bundles DIR` left
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,

    /// The hops too; twice: what the testbed logs
    #[arg(long, short, action = clap::ArgAction::Count)]
    verbose: u8,

    /// The folder of countersign.toml, for a failure of `countersign test`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["core", "profile"])]
    project: Option<PathBuf>,

    #[command(flatten)]
    cores: CoreArgs,
}

impl Replay {
    /// Runs it again.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let bundle = bundle::load(&self.bundle).map_err(CommandFailure::usage)?;
        let project = self.project(&bundle.subject)?;
        let descriptors = match &project {
            Some(project) => test::described(project)?,
            None => self.cores.descriptors()?,
        };
        self.check_core(&bundle.subject)?;
        let source = Source::Given(vec![(bundle.scenario.feature.clone(), bundle.scenario.text.clone())]);
        let unusable = |error: &dyn std::fmt::Display| {
            CommandFailure::usage(format!(
                "{}: this program can't run the scenario; the bundle is of another version?\n{error}",
                self.bundle.display()
            ))
        };
        let suite = match &project {
            Some(_) => Suite::load_with(&source, steps::registry(), Contract::none()),
            None => Suite::load(&source),
        };
        let suite = suite.map_err(|error| unusable(&error))?;
        let selection = Selection::all().id(&bundle.scenario.id);
        if suite.scenarios(&selection).is_empty() {
            return Err(unusable(&format!("its feature holds no scenario with the id `{}`", bundle.scenario.id)));
        }
        let problems = suite.check_steps(&selection);
        if let Some(first) = problems.first() {
            return Err(unusable(first));
        }

        log(self.verbose);
        tell_then(out, &bundle, &descriptors)?;
        let usual = match &project {
            Some(project) => test::of_project(project)?,
            None => {
                let subject = self.cores.subject_received(bundle.subject.receive)?;
                RunOptions { subject, ..RunOptions::default() }
            }
        };
        let options = RunOptions {
            source,
            selection,
            seed: bundle.seed(),
            given: Given {
                keys: Arc::new(bundle.keys().clone()),
                began: Some(bundle.began()).filter(|began| *began > 0),
            },
            jobs: 1,
            interruptible: true,
            ..usual
        };
        let detail = if self.verbose > 0 { Detail::Much } else { Detail::Little };
        let mut terminal = TerminalReport::new(Vec::new(), detail);
        let project = self.project.iter().map(|folder| format!("--project {} ", quoted(&folder.display().to_string())));
        let given: String = project.chain([self.cores.given()]).collect();
        let command = format!("{} {given}", self.command()).trim_end().to_owned();
        let mut sink = |event: &Event| terminal.event(&as_this(event, &command));
        let summary = suite.run(&options, &mut sink).map_err(run_error)?;
        let [result] = &summary.scenarios[..] else { return ended_early(&summary) };
        let shown = terminal.finish()?;
        if result.verdict != Verdict::Pass {
            ignoring_closed_pipe(out.write_all(&without_last_line(&shown)))?;
        }
        let again = bundle.compare(result);
        tell_now(out, &again)?;
        Ok(exit(&again, result))
    }

    /// The apps of a project are not started from what a file says that anybody may have made: it has to be given.
    fn project(&self, then: &Tested) -> Result<Option<Project>, CommandFailure> {
        let of_project = then.kind == "app";
        match &self.project {
            Some(folder) if of_project => Project::read(folder).map(Some).map_err(CommandFailure::usage),
            Some(_) => {
                Err(CommandFailure::usage(format!("{}: this failure is of no project's", self.bundle.display())))
            }
            None if of_project => Err(CommandFailure::usage(format!(
                "{}: this failure is of {}. Say where its project is: {} --project DIR",
                self.bundle.display(),
                then.name,
                self.command(),
            ))),
            None => Ok(None),
        }
    }

    /// A described Core is not started from what a file says that anybody may have made: it has to be given.
    fn check_core(&self, then: &Tested) -> Result<(), CommandFailure> {
        let is_given = self.project.is_some() || self.cores.is_named();
        let (Some(first), false) = (then.descriptors.first(), is_given) else { return Ok(()) };
        Err(CommandFailure::usage(format!(
            "{}: this failure is of {}, described in {}. Say which Core it shall run on: {} --core {}",
            self.bundle.display(),
            then.name,
            first.given,
            self.command(),
            quoted(&first.given),
        )))
    }

    fn command(&self) -> String {
        format!("countersign replay {}", quoted(&self.bundle.display().to_string()))
    }
}

fn tell_then(out: &mut dyn Write, bundle: &Bundle, now: &[Descriptor]) -> Result<(), CommandFailure> {
    let Tested { name, version, kind, receive, descriptors } = &bundle.subject;
    let version = version.as_deref().unwrap_or("of unknown version");
    let mut lines = vec![
        format!("{} ({}:{})", bundle.scenario.id, bundle.scenario.feature, bundle.scenario.line),
        format!("  then: {} on {name} {version} ({kind}{})", bundle.verdict.words(), receive.beside()),
    ];
    if let Some(failure) = &bundle.failure {
        lines.push(format!("        {}", failure.step));
    }
    let texts =
        |all: &[Descriptor]| all.iter().map(|one| (one.given.clone(), one.text.clone())).collect::<BTreeMap<_, _>>();
    if !descriptors.is_empty() && texts(descriptors) != texts(now) {
        lines.push("  note: the Core's descriptor is not the one of the bundle".to_owned());
    }
    lines.push(String::new());
    Ok(ignoring_closed_pipe(writeln!(out, "{}", lines.join("\n")))?)
}

fn tell_now(out: &mut dyn Write, again: &Again) -> Result<(), CommandFailure> {
    let text = match again {
        Again::TheSame => "Fails in the same way.".to_owned(),
        Again::Passes => "Passes now.".to_owned(),
        Again::NotTested(reason) => format!("Not tested on this Core: {reason}."),
        Again::Otherwise(differences) => {
            let told = differences
                .iter()
                .map(|one| format!("\n  {:<10} then: {}\n  {:<10} now:  {}", one.what, one.then, "", one.now));
            format!("Fails in another way:{}", told.collect::<String>())
        }
    };
    Ok(ignoring_closed_pipe(writeln!(out, "{text}"))?)
}

fn exit(again: &Again, result: &ScenarioResult) -> Exit {
    let died = result.failure.as_ref().is_some_and(|failure| failure.subject_died);
    match (again, result.verdict) {
        (Again::Passes, _) => Exit::Conforms,
        (Again::NotTested(_), _) => Exit::Usage,
        (_, Verdict::Error) if died => Exit::Subject,
        (_, Verdict::Error) => Exit::Harness,
        (Again::TheSame | Again::Otherwise(_), _) => Exit::DoesNotConform,
    }
}

fn ended_early(summary: &Summary) -> Result<Exit, CommandFailure> {
    if summary.ended_early {
        return Err(CommandFailure::interrupted("ended early: nothing is known"));
    }
    Err(CommandFailure::harness("the scenario did not run"))
}

/// The event, with this command as the one that runs a failure again.
fn as_this(event: &Event, command: &str) -> Event {
    let Event::Finished(summary) = event else { return event.clone() };
    let mut summary = Summary::clone(summary);
    for failure in summary.scenarios.iter_mut().filter_map(|result| result.failure.as_mut()) {
        command.clone_into(&mut failure.replay);
    }
    Event::Finished(Arc::new(summary))
}

/// One scenario says nothing about conformance.
fn without_last_line(report: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(report);
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.split_last().map(|(_, kept)| kept).unwrap_or_default();
    let mut shown = kept.join("\n").into_bytes();
    shown.push(b'\n');
    shown
}
