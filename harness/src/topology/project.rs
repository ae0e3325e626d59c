//! What a user wants to have running, as `countersign.toml` says it: Portals, who is whose peer, and real apps.
//!
//! ```toml
//! [[portal]]
//! name = "alice"
//! [[portal]]
//! name = "bob"
//! [[app]]
//! manifest = "app.json"
//! run = "python3 main.py"
//! ```
//!
//! [`Project::read`] gives a plan in which everything can be done, as far as that can be told without doing it. Of it
//! [`Project::topology`] is what the testbed starts: Portals with their apps' manifests. The apps themselves are started
//! on that testbed by [`crate::testbed::real_app`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use portal_core::clock::SettableClock;
use portal_core::manifest::Manifest;

use super::guess::{Guess, guess};
use super::{AppPlan, KeyPlan, Peering, PortalPlan, Topology};
use crate::mistakes::{self, Mistake};
use crate::subject::descriptor::Descriptor;
use crate::subject::{MixError, Place, PlaceError, Subject};

/// The file that describes a project.
pub const FILE: &str = "countersign.toml";
/// The zone unless the file says otherwise: browsers take all names under it for this machine.
pub const ZONE: &str = "localhost";
/// What apps call their description today.
pub const MANIFESTS: [&str; 2] = ["app.json", "app_meta.json"];
/// What a project that names none of its own is started with.
pub const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
/// More Portals than this are certainly a slip of the finger.
pub const MOST_PORTALS: usize = 1000;

/// Portals and apps of a user, ready to be started.
#[derive(Debug, Clone)]
pub struct Project {
    /// The file that describes it; none where it was made of options alone.
    pub file: Option<PathBuf>,
    /// The folder of the file: what it says of paths begins here.
    pub folder: PathBuf,
    /// The DNS suffix of all Portals.
    pub zone: String,
    /// The port under which browsers reach all Portals, where the file says one.
    pub port: Option<u16>,
    /// The Portals, in the order of the file; at least one.
    pub portals: Vec<PortalSpec>,
    /// The apps, in the order of the file.
    pub apps: Vec<AppSpec>,
    /// The faults that hold from the start, as they are written; `testbed::faults` reads them.
    pub faults: Vec<FaultLine>,
    /// Where its Cores are.
    pub place: Place,
}

/// A Portal of a project.
#[derive(Debug, Clone)]
pub struct PortalSpec {
    /// Its name.
    pub name: String,
    /// The names of the Portals that it has added.
    pub peers: Vec<String>,
    /// What its clock shows.
    pub clock: ClockSpec,
    /// Its Core.
    pub core: CoreSpec,
    /// Its key.
    pub key: KeyPlan,
    /// The names of its apps.
    pub apps: Vec<String>,
}

/// What a Portal's clock shows when it starts. It goes on from there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockSpec {
    /// The machine's time.
    #[default]
    Right,
    /// So much more.
    Ahead(Duration),
    /// So much less.
    Behind(Duration),
    /// This moment.
    At(SystemTime),
}

/// The Core of a Portal.
#[derive(Debug, Clone)]
pub enum CoreSpec {
    /// The compact Core of this project.
    BuiltIn,
    /// The one that this file describes.
    Described(Box<Descriptor>),
}

/// An app of a project.
#[derive(Debug, Clone)]
pub struct AppSpec {
    /// Its name, as its manifest gives it.
    pub name: String,
    /// The file of its manifest.
    pub manifest_file: PathBuf,
    /// Its manifest, verbatim, as it was when the project was read.
    pub manifest: String,
    /// What is allowed in its manifest and probably not meant.
    pub warnings: Vec<String>,
    /// The port that it has in a container, by its manifest.
    pub container_port: Option<u16>,
    /// Where it comes from.
    pub source: AppSource,
    /// What it gets in its environment, beside what the testbed tells it.
    pub env: BTreeMap<String, String>,
    /// How long it may take until it can be connected to.
    pub ready_within: Duration,
}

/// Where an app comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppSource {
    /// The testbed plays it: it answers with what arrived.
    Echo,
    /// A command, started once for each Portal.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
        /// Where it is started.
        directory: PathBuf,
    },
    /// It runs already: for each Portal its host and port.
    Url(BTreeMap<String, String>),
    /// A container of this image for each Portal.
    Image(String),
    /// Containers as this Compose file says, for each Portal.
    Compose(PathBuf),
}

/// A fault of the file, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultLine {
    /// As it is written.
    pub text: String,
    /// The line of the file, from 1.
    pub line: usize,
}

/// Why a project can't be. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no file.
    #[error(
        "{folder} has no {FILE}: `countersign init` in the folder of an app writes one, and `--app DIR` does without",
        folder = .0.display()
    )]
    Absent(PathBuf),
    /// It can't be read.
    #[error("{file}: can't be read: {source}", file = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("{}", mistakes::lines(.0))]
    Mistakes(Vec<Mistake>),
    /// Their Cores can't be in one testbed.
    #[error(transparent)]
    Cores(#[from] MixError),
    /// There is no manifest in the folder of an app.
    #[error("{folder} has no {}: give the folder of an app", MANIFESTS.join(" and no "), folder = .0.display())]
    NoManifest(PathBuf),
    /// A manifest that no Core would take.
    #[error("{file}: {why}", file = .file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// So many are not to be had.
    #[error("{0} Portals: give a number from 1 to {MOST_PORTALS}")]
    Count(usize),
}

impl Project {
    /// Reads the `countersign.toml` of a folder, or the file that is given.
    ///
    /// # Errors
    /// When there is none, or it says what can't be; then all that is wrong is told, each with file, line and key.
    pub fn read(path: &Path) -> Result<Project, ProjectError> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.is_dir() => {
                return Err(ProjectError::Absent(path.to_owned()));
            }
            Err(source) => return Err(ProjectError::Read { file, source }),
        };
        Project::parse(&text, &file)
    }

    /// Reads the text of a `countersign.toml`. What it says of paths begins in the folder of `file`.
    ///
    /// # Errors
    /// As [`Project::read`].
    pub fn parse(text: &str, file: &Path) -> Result<Project, ProjectError> {
        super::read::project(text, file)
    }

    /// A project without a file: the app of this folder on that many Portals that are all peers. It is started as what lies
    /// in the folder says, or else the testbed plays it.
    ///
    /// # Errors
    /// When the folder has no manifest, or none that a Core would take.
    pub fn of_app(folder: &Path, portals: usize) -> Result<Project, ProjectError> {
        let file = MANIFESTS.iter().map(|name| folder.join(name)).find(|file| file.is_file());
        let file = file.ok_or_else(|| ProjectError::NoManifest(folder.to_owned()))?;
        let mut app = AppSpec::read(&file).map_err(|why| ProjectError::Manifest { file, why })?;
        // An app that needs containers is played, too: who wants those says so in a file.
        if let Guess::Run(line, _) = guess(folder) {
            let argv = ["sh", "-c", &line].map(str::to_owned).to_vec();
            app.source = AppSource::Run { argv, directory: folder.to_owned() };
        }
        let project = Project {
            file: None,
            folder: folder.to_owned(),
            zone: ZONE.to_owned(),
            port: None,
            portals: Vec::new(),
            apps: vec![app],
            faults: Vec::new(),
            place: Place::default(),
        };
        project.with_portals(portals)
    }

    /// The same with exactly so many Portals: the last ones go, or new ones come, which have all apps and are everybody's
    /// peer.
    ///
    /// # Errors
    /// When so many are not to be had.
    pub fn with_portals(mut self, count: usize) -> Result<Project, ProjectError> {
        if count == 0 || count > MOST_PORTALS {
            return Err(ProjectError::Count(count));
        }
        self.portals.truncate(count);
        let apps: Vec<String> = self.apps.iter().map(|app| app.name.clone()).collect();
        let core = self.portals.first().map_or(CoreSpec::BuiltIn, |portal| portal.core.clone());
        let mut names = NAMES.iter().map(|name| (*name).to_owned()).chain((1..).map(|n| format!("portal-{n}")));
        while self.portals.len() < count {
            let Some(name) = names.find(|name| self.portals.iter().all(|portal| portal.name != *name)) else { break };
            let others = self.portals.iter_mut();
            let peers = others.map(|other| {
                other.peers.push(name.clone());
                other.name.clone()
            });
            let peers = peers.collect();
            let (clock, key) = (ClockSpec::Right, KeyPlan::default());
            self.portals.push(PortalSpec { name, peers, clock, core: core.clone(), key, apps: apps.clone() });
        }
        let names: Vec<String> = self.portals.iter().map(|portal| portal.name.clone()).collect();
        for portal in &mut self.portals {
            portal.peers.retain(|peer| names.contains(peer));
        }
        Ok(self)
    }

    /// What the testbed is to start, under this public port: the Portals, their keys, peers and the manifests of their apps.
    pub fn topology(&self, public_port: u16) -> Topology {
        let plans = self.portals.iter().map(|portal| {
            let plan = PortalPlan::new(&portal.name).key(portal.key.clone());
            self.apps_of(portal).fold(plan, |plan, app| plan.app(AppPlan::new(&app.name, &app.manifest)))
        });
        let added = self.portals.iter().flat_map(|portal| {
            let peers = portal.peers.iter();
            peers.map(|peer| (portal.name.clone(), peer.clone()))
        });
        let topology =
            Topology::new().zone(&self.zone).public_port(public_port).peering(Peering::Added(added.collect()));
        plans.fold(topology, Topology::portal)
    }

    /// The same with its Cores there.
    #[must_use]
    pub fn in_place(self, place: Place) -> Project {
        Project { place, ..self }
    }

    /// The Cores of its Portals: one for all, or for each its own.
    ///
    /// # Errors
    /// When they can't be in one testbed.
    pub fn subject(&self) -> Result<Subject, MixError> {
        let one = |core: &CoreSpec| match core {
            CoreSpec::BuiltIn => Subject::usual_in(self.place),
            CoreSpec::Described(descriptor) => {
                self.place.takes(descriptor)?;
                Ok(Subject::described((**descriptor).clone()))
            }
        };
        match self.portals.as_slice() {
            [] => Ok(one(&CoreSpec::BuiltIn)?),
            [first, others @ ..] if others.iter().all(|other| other.core.is_as(&first.core)) => Ok(one(&first.core)?),
            // In the order of the file, which is that in which Portals start.
            all => {
                let members = all.iter().map(|portal| Ok((portal.name.clone(), one(&portal.core)?)));
                Subject::mixed(members.collect::<Result<_, PlaceError>>()?)
            }
        }
    }

    /// The folder of its features.
    pub fn features(&self) -> PathBuf {
        self.folder.join("features")
    }

    /// The app of that name.
    pub fn app(&self, name: &str) -> Option<&AppSpec> {
        self.apps.iter().find(|app| app.name == name)
    }

    /// The apps of a Portal.
    pub fn apps_of<'a>(&'a self, portal: &'a PortalSpec) -> impl Iterator<Item = &'a AppSpec> {
        self.apps.iter().filter(|app| portal.apps.contains(&app.name))
    }
}

impl AppSpec {
    /// How long an app may take to come up, unless the file says otherwise.
    pub const READY_WITHIN: Duration = Duration::from_secs(30);

    /// The version that its manifest gives, where it does.
    pub fn version(&self) -> Option<String> {
        let manifest: serde_json::Value = serde_json::from_str(&self.manifest).ok()?;
        Some(manifest["app_version"].as_str()?.to_owned())
    }

    /// The app that this manifest describes, which the testbed plays.
    pub(crate) fn read(file: &Path) -> Result<AppSpec, String> {
        let text = std::fs::read(file).map_err(|error| format!("can't be read: {error}"))?;
        let manifest = Manifest::parse(&text).map_err(|error| error.to_string())?;
        Ok(AppSpec {
            name: manifest.name().to_owned(),
            manifest_file: file.to_owned(),
            warnings: manifest
                .warnings()
                .iter()
                .map(|warning| format!("{}: {}", warning.path, warning.reason))
                .collect(),
            container_port: manifest.http_port(),
            manifest: String::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?,
            source: AppSource::Echo,
            env: BTreeMap::new(),
            ready_within: AppSpec::READY_WITHIN,
        })
    }
}

impl CoreSpec {
    fn is_as(&self, other: &CoreSpec) -> bool {
        match (self, other) {
            (CoreSpec::BuiltIn, CoreSpec::BuiltIn) => true,
            (CoreSpec::Described(one), CoreSpec::Described(other)) => one.file == other.file,
            _ => false,
        }
    }
}

impl ClockSpec {
    /// Sets a clock as it says. Whether there is something to set.
    pub fn set(self, clock: &SettableClock) -> bool {
        match self {
            ClockSpec::Right => return false,
            ClockSpec::Ahead(by) => clock.advance(by),
            ClockSpec::Behind(by) => clock.rewind(by),
            ClockSpec::At(moment) => clock.set(moment),
        }
        true
    }
}

#[cfg(test)]
mod tests;
