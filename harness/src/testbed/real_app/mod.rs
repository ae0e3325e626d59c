//! Apps of a user's on the Portals of a testbed: as a command per Portal, in containers, or where they run already.
//!
//! The testbed's own app of that name stays between: it notes what arrives and passes it on to the real one, so that all
//! that works with echo apps works with real ones. Likewise a [`Door`] stands between the app and its Core: it notes what
//! the app asks and passes it on in the way in which the Core knows this app.
//!
//! ```text
//! proxy → EchoApp (notes) → the app → Door (notes) → its Core
//! ```

mod body;
mod data;
mod door;
mod news;
mod process;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

pub use door::Door;
pub use news::{Feed, News};

use self::data::Data;
pub(in crate::testbed) use self::process::{Command, Supervised};
use self::process::{Contained, Order};
use super::{Answer, App, Portal, Testbed, TestbedError};
use crate::containers::app::{Base, Makeup};
use crate::containers::template::{Known, KnownFolders, KnownPortal, Stack};
use crate::topology::project::{AppSource, AppSpec, Project};

/// An app of a user's on one Portal. Cheap to clone; dropped with its [`RealApps`].
#[derive(Debug, Clone)]
pub struct RealApp {
    app: App,
    door: std::net::SocketAddr,
    kind: &'static str,
    state: watch::Receiver<AppState>,
    supervised: Option<Supervised>,
}

/// How an app is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AppState {
    /// It was started and can't be connected to yet.
    Starting,
    /// It is there.
    Ready {
        /// Host and port.
        at: String,
    },
    /// It stands still, because it was told to.
    Frozen,
    /// It ended, and will be started again.
    Died {
        /// How it ended, and the end of what it said.
        why: String,
        /// When it is started again, from its end on.
        again_in_ms: u64,
    },
    /// It was stopped, and is not started again unless it is told to.
    Stopped,
}

/// All apps of a project on a testbed. Dropped, they are killed with all that they started.
#[derive(Debug, Default)]
pub struct RealApps {
    apps: Vec<RealApp>,
    _tasks: Vec<AbortOnDropHandle<()>>,
    _doors: Vec<Door>,
    /// Where there are containers.
    base: Option<Arc<Base>>,
    /// What they write in containers.
    data: Data,
}

/// Why the apps of a project are not there. The app's fault, not the harness's.
#[derive(Debug, thiserror::Error)]
pub enum RealAppError {
    /// It did not come up.
    #[error("{app} on {portal} did not start: {why}")]
    Start {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// What is known.
        why: String,
    },
    /// The testbed is not as it should be.
    #[error(transparent)]
    Testbed(#[from] TestbedError),
    /// No socket for its door.
    #[error("no door for {app} on {portal}: {source}")]
    Door {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl RealApps {
    /// Starts the apps of a project on the Portals of a testbed that was started by [`Project::topology`]. All of them can
    /// be connected to when this returns. What happens to them, and what they say, goes to `feed`. What they write in
    /// containers stays in the folder `kept` for the next testbed, or goes with this one.
    ///
    /// # Errors
    /// When one of them does not come up; then none is left.
    pub async fn start(
        testbed: &Testbed,
        project: &Project,
        kept: Option<&Path>,
        feed: &Feed,
    ) -> Result<RealApps, RealAppError> {
        let mut all = RealApps { data: Data::new(kept), ..RealApps::default() };
        for plan in &project.portals {
            let portal = testbed.portal(&plan.name)?;
            for spec in project.apps_of(plan) {
                all.add(&portal, spec, feed).await?;
            }
        }
        // All of them start at the same time.
        for app in &all.apps {
            app.comes_up().await?;
        }
        Ok(all)
    }

    /// All of them, in the order of Portals and apps.
    pub fn apps(&self) -> &[RealApp] {
        &self.apps
    }

    /// The app of that name on that Portal; none where the testbed plays it.
    pub fn app(&self, portal: &str, name: &str) -> Option<&RealApp> {
        self.apps.iter().find(|app| app.portal() == portal && app.name() == name)
    }

    /// Ends them: SIGTERM, a while for them to go, SIGKILL. Nothing of them is left when it returns.
    pub async fn stop(&self) {
        futures_util::future::join_all(self.apps.iter().map(RealApp::stop)).await;
        if let Some(base) = &self.base
            && let Err(error) = base.clear().await
        {
            tracing::warn!("{error}");
        }
    }

    async fn add(&mut self, portal: &Portal, spec: &AppSpec, feed: &Feed) -> Result<(), RealAppError> {
        let kind = match &spec.source {
            AppSource::Echo => return Ok(()),
            AppSource::Run { .. } => "run",
            AppSource::Url(_) => "url",
            AppSource::Image(_) => "image",
            AppSource::Compose(_) => "compose",
        };
        let app = portal.app(&spec.name)?;
        let no_door = |source| RealAppError::Door { portal: portal.name().to_owned(), app: spec.name.clone(), source };
        let door = Door::open(&app).await.map_err(no_door)?;
        let (told, state) = watch::channel(AppState::Starting);
        let (supervised, address) = match &spec.source {
            AppSource::Url(urls) => {
                let Some(at) = urls.get(portal.name()) else { return Ok(()) };
                app.echo().answer_with(Answer::passed_on_to(at.as_str()));
                told.send_replace(AppState::Ready { at: at.clone() });
                (None, door.address())
            }
            AppSource::Image(_) | AppSource::Compose(_) => {
                let base = self.base(portal, spec).await?;
                let makeup = self.makeup(portal, spec, &base)?;
                let (port, door) = (spec.container_port.unwrap_or(80), door.address());
                let order = Order::in_containers(portal, &app, spec, Contained { base, makeup, port, door });
                let (supervised, task) = process::start(order, told, feed.clone());
                self._tasks.push(task);
                (Some(supervised), door)
            }
            _ => {
                let order = Order::new(portal, &app, spec, door.address());
                let (supervised, task) = process::start(order, told, feed.clone());
                self._tasks.push(task);
                (Some(supervised), door.address())
            }
        };
        if let Some(supervised) = &supervised {
            app.supervise(supervised);
        }
        self._doors.push(door);
        self.apps.push(RealApp { app, door: address, kind, state, supervised });
        Ok(())
    }
}

impl RealApps {
    /// What all containers of these apps have in common.
    async fn base(&mut self, portal: &Portal, spec: &AppSpec) -> Result<Arc<Base>, RealAppError> {
        if let Some(base) = &self.base {
            return Ok(Arc::clone(base));
        }
        let base = Base::begin().await.map_err(|error| not_started(portal, spec, error))?;
        Ok(Arc::clone(self.base.insert(base)))
    }

    /// What is started for this Portal.
    fn makeup(&mut self, portal: &Portal, spec: &AppSpec, base: &Base) -> Result<Makeup, RealAppError> {
        let file = match &spec.source {
            AppSource::Image(image) => return Ok(Makeup::Image(image.clone())),
            AppSource::Compose(file) => file,
            _ => return Err(not_started(portal, spec, "it runs in no container")),
        };
        let data = self.data.folder(portal.name(), &spec.name).map_err(|error| not_started(portal, spec, error))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let folder = folder.canonicalize().map_err(|error| not_started(portal, spec, error))?;
        let known = Known {
            portal: KnownPortal {
                domain: portal.public_domain().as_str().to_owned(),
                id: portal.id().to_owned(),
                short_id: portal.short_id().to_owned(),
                public_key_pem: portal.public_key_pem().to_owned(),
            },
            fs: KnownFolders {
                app_data: data.join("app_data").join(&spec.name).display().to_string(),
                all_app_data: data.join("app_data").display().to_string(),
                shared: data.join("shared").display().to_string(),
                installation_dir: folder.display().to_string(),
            },
        };
        let wrong = |error| not_started(portal, spec, format!("{}: {error}", file.display()));
        let stack = Stack::read(file, &spec.manifest, &known).map_err(wrong)?;
        let kept = self.data.id().map_err(|error| not_started(portal, spec, error))?;
        let project = match &kept {
            // No name has a `_` in it.
            Some(id) => format!("countersign-{id}_{}_{}", portal.name(), spec.name),
            None => base.name(&format!("{}-{}", portal.name(), spec.name)),
        };
        Ok(Makeup::Stack { stack, project: project.to_ascii_lowercase(), kept, folder })
    }
}

fn not_started(portal: &Portal, spec: &AppSpec, why: impl ToString) -> RealAppError {
    RealAppError::Start { portal: portal.name().to_owned(), app: spec.name.clone(), why: why.to_string() }
}

impl RealApp {
    /// Its name.
    pub fn name(&self) -> &str {
        self.app.name()
    }

    /// The name of its Portal.
    pub fn portal(&self) -> &str {
        self.app.portal()
    }

    /// How it comes to run: `run`, `image`, `compose` or `url`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Where it finds its Core: `PORTAL_CORE_URL`, and its `HTTP_PROXY`.
    pub fn door(&self) -> std::net::SocketAddr {
        self.door
    }

    /// How it is.
    pub fn state(&self) -> AppState {
        self.state.borrow().clone()
    }

    /// Follows how it is.
    pub fn states(&self) -> watch::Receiver<AppState> {
        self.state.clone()
    }

    /// Kills it. It is started again, as any that dies. Whether there was something to kill.
    pub fn kill(&self) -> bool {
        self.tell(Command::Kill)
    }

    /// Stops it in its own time and starts it again.
    pub fn restart(&self) -> bool {
        self.tell(Command::Restart)
    }

    /// It stands still, with its children, until [`RealApp::thaw`].
    pub fn freeze(&self) -> bool {
        self.tell(Command::Freeze)
    }

    /// It goes on.
    pub fn thaw(&self) -> bool {
        self.tell(Command::Thaw)
    }

    /// Waits until it is as wanted.
    ///
    /// # Errors
    /// When it is not within that time: what it was last.
    pub async fn reaches(&self, wanted: impl Fn(&AppState) -> bool, within: Duration) -> Result<AppState, AppState> {
        let mut state = self.state.clone();
        match tokio::time::timeout(within, state.wait_for(|state| wanted(state))).await {
            Ok(Ok(state)) => Ok(state.clone()),
            _ => Err(self.state()),
        }
    }

    async fn comes_up(&self) -> Result<(), RealAppError> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| *state != AppState::Starting).await.map(|state| state.clone());
        let why = match settled {
            Ok(AppState::Died { why, .. }) => why,
            Ok(_) => return Ok(()),
            Err(_) => "it was stopped".to_owned(),
        };
        Err(RealAppError::Start { portal: self.portal().to_owned(), app: self.name().to_owned(), why })
    }

    async fn stop(&self) {
        if self.tell(Command::Stop) {
            let mut state = self.state.clone();
            // Where its task is gone, so is the app.
            let _ = state.wait_for(|state| *state == AppState::Stopped).await;
        }
    }

    fn tell(&self, command: Command) -> bool {
        self.supervised.as_ref().is_some_and(|supervised| supervised.tell(command))
    }
}
