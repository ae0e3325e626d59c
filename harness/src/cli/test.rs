//! `countersign test`

mod again;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use clap::Args;

use super::CommandFailure;
use super::check::{GateArgs, ReportArgs, ScopeArgs, Session, log};
use super::exit::Exit;
use crate::bundle::Descriptor;
use crate::contract::Contract;
use crate::shell::quoted;
use crate::subject::Place;
use crate::suite::{RunOptions, Source, Suite, SuiteError, steps};
use crate::topology::project::Project;

const HELP: &str = "\
What countersign.toml says stands before the first step of each scenario: its Portals, peers and apps are known by their
names. Scenarios of a feature that is tagged @shared share one such testbed, one after the other. `countersign steps`
shows the sentences that features can be written in.

Exit codes:
  0  every scenario passes, but for what is known to fail
  1  one does not
  2  wrong usage, or a mistake in countersign.toml, a manifest or a feature
  3  the harness or the testbed is at fault
  4  an app or a Core did not start or died
  Where several hold: 2, then 4, 3, 1. After Ctrl-C: 130; when time was up (--max-seconds): 124.";

/// Options of `countersign test`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Test {
    /// The folder of countersign.toml, with the features in its folder `features`
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// Run anew whenever a feature, countersign.toml, a manifest or a file of an app changes
    #[arg(long)]
    watch: bool,

    /// Where the Cores are
    #[arg(long = "in", value_name = "PLACE", value_enum, default_value_t)]
    place: Place,

    #[command(flatten)]
    scope: ScopeArgs,

    #[command(flatten)]
    gate: GateArgs,

    #[command(flatten)]
    reports: ReportArgs,
}

impl Test {
    /// Lists, runs, or runs again and again.
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        if !self.scope.list {
            log(self.scope.verbose);
        }
        if self.watch { again::run(self) } else { self.once() }
    }

    fn once(&self) -> Result<Exit, CommandFailure> {
        let project = self.project()?;
        let suite = suite(&project)?;
        let session = Session { scope: &self.scope, gate: &self.gate, reports: &self.reports };
        if self.scope.list {
            return session.list(&suite);
        }
        let options = session.options(self.usual(&project)?, described(&project)?)?;
        session.run(&suite, &options)
    }

    fn project(&self) -> Result<Project, CommandFailure> {
        let project = Project::read(&self.folder).map_err(CommandFailure::usage)?;
        Ok(project.in_place(self.place))
    }

    fn usual(&self, project: &Project) -> Result<RunOptions, CommandFailure> {
        let folder = self.folder.display().to_string();
        let command = if folder == "." { "test".to_owned() } else { format!("test {}", quoted(&folder)) };
        Ok(RunOptions { command, ..of_project(project)? })
    }
}

/// How the features of a project are run.
pub(super) fn of_project(project: &Project) -> Result<RunOptions, CommandFailure> {
    Ok(RunOptions {
        subject: project.subject().map_err(CommandFailure::usage)?,
        source: Source::Folder(project.features()),
        project: Some(Arc::new(project.clone())),
        // Each brings the apps of all Portals with it.
        jobs: available_parallelism().map_or(2, usize::from),
        ..RunOptions::default()
    })
}

/// The features of a project. They are held to what they say themselves, to no requirement.
fn suite(project: &Project) -> Result<Suite, CommandFailure> {
    let folder = project.features();
    let advice = || format!("`countersign init` writes a first one into {}", folder.display());
    if !folder.is_dir() {
        return Err(CommandFailure::usage(format!("{} is no folder: {}", folder.display(), advice())));
    }
    match Suite::load_with(&Source::Folder(folder.clone()), steps::registry(), Contract::none()) {
        Ok(suite) => Ok(suite),
        Err(error @ SuiteError::Empty) => Err(CommandFailure::usage(format!("{error}; {}", advice()))),
        Err(error) => Err(CommandFailure::usage(error)),
    }
}

/// What bundles keep of the project.
pub(super) fn described(project: &Project) -> Result<Vec<Descriptor>, CommandFailure> {
    let Some(file) = &project.file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))?;
    let folder = project.folder.display().to_string();
    Ok(vec![Descriptor { given: if folder.is_empty() { ".".to_owned() } else { folder }, text }])
}
