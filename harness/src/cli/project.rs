//! Which project a command is about, and the testbed of it that is up.

use std::path::{Path, PathBuf};

use clap::Args;

use super::CommandFailure;
use crate::live::LiveError;
use crate::live::client::{Client, ClientError};
use crate::testbed::TestbedError;
use crate::testbed::real_app::RealAppError;
use crate::topology::project::{Project, ProjectError};

/// Which project.
#[derive(Debug, Clone, Args)]
pub(super) struct ProjectArgs {
    /// The folder of countersign.toml, or that file
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// The app of this folder on each Portal, without a countersign.toml
    #[arg(long, value_name = "DIR")]
    app: Option<PathBuf>,

    /// So many Portals: more than the file has, or fewer [default: those of the file; with --app: 2]
    #[arg(long, value_name = "N")]
    portals: Option<usize>,
}

impl ProjectArgs {
    /// The folder in which a run leaves what commands need to find it.
    pub(super) fn folder(&self) -> &Path {
        folder_of(self.app.as_deref().unwrap_or(&self.dir))
    }

    /// Reads it.
    pub(super) fn read(&self) -> Result<Project, CommandFailure> {
        let project = match &self.app {
            Some(app) => Project::of_app(app, self.portals.unwrap_or(2)),
            None => Project::read(&self.dir).and_then(|project| match self.portals {
                Some(portals) => project.with_portals(portals),
                None => Ok(project),
            }),
        };
        project.map_err(CommandFailure::from)
    }
}

/// Where to look for what is up.
#[derive(Debug, Clone, Args)]
pub(super) struct UpArgs {
    /// The folder of the project
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

impl UpArgs {
    pub(super) fn folder(&self) -> &Path {
        folder_of(&self.dir)
    }

    /// The testbed that is up.
    pub(super) async fn find(&self) -> Result<Client, ClientError> {
        Client::find(self.folder()).await
    }

    /// Reads the project.
    pub(super) fn read(&self) -> Result<Project, CommandFailure> {
        Ok(Project::read(&self.dir)?)
    }
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() {
        return path;
    }
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// A runtime for what a command waits for.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CommandFailure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| CommandFailure::harness(format!("this machine has no threads: {error}")))
}

impl From<ProjectError> for CommandFailure {
    fn from(error: ProjectError) -> CommandFailure {
        CommandFailure::usage(error)
    }
}

impl From<ClientError> for CommandFailure {
    fn from(error: ClientError) -> CommandFailure {
        match &error {
            ClientError::NotUp(_) | ClientError::RunFile { .. } => CommandFailure::usage(error),
            ClientError::Refused { status: 400..500, .. } => CommandFailure::usage(error),
            ClientError::Refused { .. } | ClientError::Silent { .. } => CommandFailure::harness(error),
        }
    }
}

impl From<LiveError> for CommandFailure {
    fn from(error: LiveError) -> CommandFailure {
        match &error {
            LiveError::Port { .. } | LiveError::File { .. } | LiveError::Cores(_) | LiveError::Fault { .. } => {
                CommandFailure::usage(error)
            }
            LiveError::App(RealAppError::Start { .. }) => CommandFailure::subject(error),
            LiveError::Testbed(TestbedError::Subject(_)) => CommandFailure::subject(error),
            _ => CommandFailure::harness(error),
        }
    }
}
