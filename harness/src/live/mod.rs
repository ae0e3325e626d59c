//! A testbed that stays up: the Portals and apps of a [`Project`], addresses that a browser can open, manifests that are
//! taken live, and an HTTP API through which commands and the live view look at it and act on it.
//!
//! ```text
//! browser ── https://<app>.<short id>.localhost:PORT/ ──▶ browser.rs ──▶ proxy ──▶ EchoApp ──▶ the app
//! command, page ── http://127.0.0.1:CONTROL/api/… ──▶ control.rs ──▶ Live
//! ```
//!
//! Whoever adds to it: [`Live`] is shared as `Arc<Live>` and is the state of the router in [`control`]; what is to be
//! served beside goes into that router. [`Live::testbed`] has the trace, the names and the Portals, [`Live::apps`] the real
//! apps, [`Live::feed`] tells what happens to them, and [`State`] is what everybody sees of it.

mod browser;
pub mod client;
pub mod control;
pub mod faults;
mod manifests;
pub mod run_file;
mod state;
mod terminals;
pub mod view;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portal_core::clock::SettableClock;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::browser::Browser;
use self::terminals::Logins;
use self::view::View;
use crate::redact::Secrets;
use crate::subject::{MixError, Storage};
use crate::testbed::connect_proxy::{ConnectProxy, ConnectProxyHandle};
use crate::testbed::pki::{Pki, PkiError};
use crate::testbed::real_app::{Feed, RealAppError, RealApps};
use crate::testbed::{Options, Testbed, TestbedError};
use crate::topology::project::{ClockSpec, Project};
use crate::trace::Entry;
use crate::wire::{Call, Reply, WireError};

pub use state::{AppView, PeerView, PortalView, State};

/// The folder beside `countersign.toml` for what a run leaves and needs again. Nothing in it is for others' eyes.
pub const FOLDER: &str = ".countersign";
/// Tried first where nobody says a port, so that addresses stay the same.
const USUAL_PORT: u16 = 8443;

/// Portals and apps that run, until [`Live::shutdown`].
#[derive(Debug)]
pub struct Live {
    project: Project,
    port: u16,
    ca_file: PathBuf,
    testbed: Testbed,
    apps: RealApps,
    feed: Feed,
    names_proxy: ConnectProxyHandle,
    view: View,
    logins: Arc<Logins>,
    ending: CancellationToken,
    _browser: Browser,
    _manifests: AbortOnDropHandle<()>,
}

/// How a testbed that stays up is started, beside its project.
#[derive(Debug, Clone, Default)]
pub struct LiveOptions {
    /// The port under which browsers reach all Portals; else that of the project, or one that is free.
    pub port: Option<u16>,
    /// The folder that keeps identities, peers, terminals and what apps in containers write from run to run; else they go
    /// with it.
    pub data: Option<PathBuf>,
}

/// Why it is not up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The port is somebody else's.
    #[error("port {port}: {source}; give another one with --port, or none")]
    Port {
        /// Which.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder or a file can't be made.
    #[error("{path}: {source}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The Cores can't be in one testbed.
    #[error(transparent)]
    Cores(#[from] MixError),
    /// A fault of the project can't be put on.
    #[error("{file}:{line}: `faults`: {why}", file = .file.display())]
    Fault {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why not.
        why: String,
    },
    /// No certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// An app did not come up.
    #[error(transparent)]
    App(#[from] RealAppError),
    /// The testbed did not come up.
    #[error(transparent)]
    Testbed(#[from] TestbedError),
    /// No socket.
    #[error("the machine: {0}")]
    Io(#[from] std::io::Error),
}

/// A `call_peer` to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOrder {
    /// The Portal whose app calls.
    pub portal: String,
    /// The app that calls.
    pub app: String,
    /// Who is called: the name of a Portal, or an ID as it goes to the Core.
    pub peer: String,
    /// Path and query there.
    pub path: String,
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Field lines.
    #[serde(default)]
    pub fields: Vec<(String, String)>,
    /// The body, base64; none for no body.
    #[serde(default)]
    pub body_b64: Option<String>,
}

/// What came of a `call_peer`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallOutcome {
    /// The status that the app got.
    pub status: u16,
    /// The field lines.
    pub fields: Vec<(String, String)>,
    /// The body, base64: its first 8 MiB.
    pub body_b64: String,
    /// The length of the body.
    pub length: u64,
    /// What happened on the way, in order.
    pub entries: Vec<Entry>,
}

/// Why a call could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no such Portal or app.
    #[error(transparent)]
    Unknown(#[from] TestbedError),
    /// What can't be said in a request.
    #[error("{0}")]
    Bad(String),
    /// No whole answer came.
    #[error("the Core gave no whole answer: {0}")]
    Wire(#[from] WireError),
}

fn get() -> String {
    "GET".to_owned()
}

impl Live {
    /// Starts all of it. Everything can be connected to when this returns.
    ///
    /// # Errors
    /// When a part does not come up; then nothing is left running.
    pub async fn start(project: Project, options: LiveOptions, feed: Feed) -> Result<Live, LiveError> {
        let listeners = browser::Listeners::bind(options.port.or(project.port), USUAL_PORT).await?;
        let port = listeners.port();
        let folder = folder(&project.folder)?;
        // Commands that ask later stand in other folders.
        let data = match &options.data {
            Some(data) => Some(std::path::absolute(data)?),
            None => None,
        };
        let ca_file = ca_file(data.as_deref().unwrap_or(&folder), &project.zone)?;
        let pki = Pki::kept_for(&SettableClock::running(), &ca_file, Some(&project.zone))?;
        let subject = project.subject()?;
        let profile = subject.profile();
        let topology = project.topology(port);
        let storage = if data.is_some() { Storage::Disk } else { Storage::Memory };
        let apps_data = data.as_ref().map(|data| data.join("apps"));
        let data = data.map(|data| data.join("portals"));
        let pki_given = Some(pki.clone());
        // Whoever puts a fault on one link must not disconnect others; requests that begin in a browser are followed, too.
        let started = Options {
            subject,
            profile,
            storage,
            data,
            pki: pki_given,
            known_keys: true,
            relays: true,
            marks: true,
            ..Options::default()
        };
        let testbed = Testbed::start_with(topology, started).await?;
        for spec in project.portals.iter().filter(|spec| spec.clock != ClockSpec::Right) {
            let portal = testbed.portal(&spec.name)?;
            spec.clock.set(portal.clock());
            portal.clock_changed().await?;
        }
        let apps = RealApps::start(&testbed, &project, apps_data.as_deref(), &feed).await?;
        faults::begin(&testbed, &project).await?;
        let names_proxy = ConnectProxy::start(testbed.names().clone()).await?;
        let logins = Arc::new(Logins::new(&testbed, port));
        let browser = Browser::start(listeners, testbed.names().clone(), Arc::clone(&logins));
        let manifests = manifests::watch(&testbed, &project, feed.clone());
        Ok(Live {
            port,
            ca_file,
            apps,
            feed,
            names_proxy,
            view: View::new(testbed.trace().clone(), run_file::token()?),
            logins,
            ending: CancellationToken::new(),
            _browser: browser,
            _manifests: manifests,
            testbed,
            project,
        })
    }

    /// What was to be started.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The port under which browsers reach all Portals.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that browsers have to trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The Portals: their trace, their names, their clocks.
    pub fn testbed(&self) -> &Testbed {
        &self.testbed
    }

    /// The real apps.
    pub fn apps(&self) -> &RealApps {
        &self.apps
    }

    /// What happens to the real apps.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// A CONNECT proxy that knows the names of all Portals, for clients that take one.
    pub fn names_proxy(&self) -> SocketAddr {
        self.names_proxy.address()
    }

    /// What the page shows of it.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Lets an app call a peer, and says what happened on the way.
    ///
    /// # Errors
    /// When there is no such Portal or app, or no whole answer comes. A refusal is an answer.
    pub async fn call(&self, order: &CallOrder) -> Result<CallOutcome, CallError> {
        let app = self.testbed.portal(&order.portal)?.app(&order.app)?;
        let peer = match self.testbed.portal(&order.peer) {
            Ok(peer) => peer.short_id().to_owned(),
            Err(_) => order.peer.clone(),
        };
        let call = order.call()?;
        let body = call.body_bytes().unwrap_or_default();
        let reply = app.call_peer(&peer, call).await?;
        if let Some(trace_id) = &reply.trace_id {
            self.view.keep_body(trace_id, &body);
        }
        Ok(self.outcome(&reply))
    }

    fn outcome(&self, reply: &Reply) -> CallOutcome {
        CallOutcome {
            status: reply.status,
            fields: reply.fields.to_readable(),
            body_b64: BASE64_STANDARD.encode(&reply.body),
            length: reply.length,
            entries: self.entries(reply.trace_id.as_deref()),
        }
    }

    /// What happened on the way of a request, with bodies as they may be shown.
    fn entries(&self, trace_id: Option<&str>) -> Vec<Entry> {
        let mut entries = trace_id.map(|id| self.testbed.trace().entries_of(id)).unwrap_or_default();
        let secrets = Secrets::of(&entries);
        entries.iter_mut().for_each(|entry| secrets.body_of(entry));
        entries
    }

    /// Asks for its end; see [`Live::ending`].
    pub fn end(&self) {
        self.ending.cancel();
    }

    /// Waits until somebody asks for its end.
    pub async fn ending(&self) {
        self.ending.cancelled().await;
    }

    /// Ends the apps with their children, then the Portals. Nothing of them is left when it returns.
    ///
    /// # Errors
    /// When a Core does not stop; all others are ended nevertheless.
    pub async fn shutdown(&self) -> Result<(), TestbedError> {
        self.end();
        self.view.close();
        self.apps.stop().await;
        let stopped = self.testbed.stop().await;
        self.testbed.subject().finish().await;
        stopped
    }
}

impl CallOrder {
    fn call(&self) -> Result<Call, CallError> {
        let bad = |what: &str| CallError::Bad(what.to_owned());
        let token = |text: &str| http::Method::from_bytes(text.as_bytes()).is_ok();
        if !token(&self.method) {
            return Err(CallError::Bad(format!("`{}` is no method", self.method)));
        }
        let fits = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        if !fits(&self.path) {
            return Err(bad("a path has no spaces: write %20"));
        }
        if !fits(&self.peer) || self.peer.contains('/') {
            return Err(bad("give the name of a Portal or an ID as the peer"));
        }
        let mut call = Call::new(&self.method, &self.path);
        for (name, value) in &self.fields {
            let held =
                http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
            if !held {
                return Err(CallError::Bad(format!("`{name}: {value}` is no field")));
            }
            call = call.field(name, value);
        }
        match &self.body_b64 {
            None => Ok(call),
            Some(body) => Ok(call.body(BASE64_STANDARD.decode(body).map_err(|_| bad("the body is not base64"))?)),
        }
    }
}

/// The folder for what a run leaves, kept out of Git.
fn folder(project: &Path) -> Result<PathBuf, LiveError> {
    let folder = project.join(FOLDER);
    let failed = |source| LiveError::File { path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(failed)?;
    }
    std::fs::canonicalize(&folder).map_err(failed)
}

/// Where the certificate of the authority is kept, for this zone.
fn ca_file(folder: &Path, zone: &str) -> Result<PathBuf, LiveError> {
    std::fs::create_dir_all(folder).map_err(|source| LiveError::File { path: folder.to_owned(), source })?;
    let name = if zone == crate::topology::project::ZONE { "ca.pem".to_owned() } else { format!("ca-{zone}.pem") };
    Ok(folder.join(name))
}
