//! An app of a user's that comes as an image: alone in a network in which `portal_core` leads to its door.
//!
//! ```text
//! the app ── portal_core:80 ── relay ── gateway ── this process: its door ── its Core
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::container::{Container, ContainerPlan, Started};
use super::engine::EngineError;
use super::image::{self, ImageError};
use super::network::Network;
use super::run::Run;
use crate::parts::relay::lead_on;
use crate::subject::command::{Finder, Log};

/// Where apps look for their Core.
const CORE: &str = "portal_core";

/// A run, and the image of our own parts.
#[derive(Debug)]
pub(crate) struct Base {
    run: Arc<Run>,
    parts: String,
}

impl Base {
    pub(crate) async fn begin() -> Result<Arc<Base>, ImageError> {
        let run = Run::begin().await?;
        let parts = image::own(run.engine()).await?.name;
        Ok(Arc::new(Base { run, parts }))
    }
}

/// What is started, for whom.
pub(crate) struct AppOrder<'a> {
    /// Its name, by which others in its network find it.
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    /// Where it listens.
    pub(crate) port: u16,
    pub(crate) env: Vec<(String, String)>,
    /// Where this process takes what it asks its Core.
    pub(crate) door: SocketAddr,
}

/// An app that was started, with its network. Dropped, it is taken away in the background.
#[derive(Debug)]
pub(crate) struct AppRoom {
    app: Started,
    core: Started,
    at: SocketAddr,
    network: Network,
    _leading: AbortOnDropHandle<()>,
}

impl AppRoom {
    pub(crate) async fn open(base: &Base, order: AppOrder<'_>, log: &Log) -> Result<AppRoom, EngineError> {
        let Base { run, parts } = base;
        let network = Network::create(run, order.name).await?;
        let failed = |why: std::io::Error| EngineError::Failed {
            what: format!("the way of {} to its Core", order.name),
            why: why.to_string(),
        };
        let listener = TcpListener::bind((network.gateway(), 0)).await.map_err(failed)?;
        let lead = format!("0.0.0.0:80={}", listener.local_addr().map_err(failed)?);
        let leading = AbortOnDropHandle::new(tokio::spawn(lead_on(listener, order.door.to_string())));
        let plan = |what, image, argv, env, alias: &str| ContainerPlan {
            what,
            image,
            argv,
            env,
            network: &network,
            aliases: vec![alias.to_owned()],
            mounts: Vec::new(),
            user: None,
        };
        let relay = ["part", "relay", "--lead", &lead].map(str::to_owned).to_vec();
        let core = Arc::new(Container::create(run, plan("core-relay", parts, relay, Vec::new(), CORE)).await?);
        let core = core.start(&Log::default(), &Finder::new(None)).await?;
        let app = Container::create(run, plan("app", order.image, Vec::new(), order.env, order.name)).await?;
        let app = Arc::new(app).start(log, &Finder::new(None)).await?;
        let at = SocketAddr::new(app.container().address(&network).await?, order.port);
        Ok(AppRoom { app, core, at, network, _leading: leading })
    }

    /// Where the app is reached.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// Waits until the app has ended.
    pub(crate) async fn end(&self) -> String {
        self.app.end().await
    }

    /// It stands still, or goes on.
    pub(crate) async fn hold(&self, still: bool) -> Result<(), EngineError> {
        self.app.hold(still).await
    }

    /// Its stop signal, SIGKILL after that time, and nothing is left.
    pub(crate) async fn stop(self, within: Duration) {
        let AppRoom { app, core, network, .. } = self;
        let containers = [Arc::clone(app.container()), Arc::clone(core.container())];
        match within.is_zero() {
            true => app.kill().await,
            false => drop(app.stop(within).await),
        }
        for container in containers {
            if let Err(error) = container.remove().await {
                tracing::warn!("{error}");
            }
        }
        if let Err(error) = network.remove().await {
            tracing::warn!("{error}");
        }
    }
}
