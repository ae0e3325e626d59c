//! An app of a user's that comes as an image, or as a Compose file: in a network in which `portal_core` leads to its door.
//!
//! ```text
//! the app ── portal_core:80 ── relay ── gateway ── this process: its door ── its Core
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::container::{Container, ContainerPlan, Started};
use super::engine::EngineError;
use super::image::{self, ImageError};
use super::network::Network;
use super::part::{Part, PartPlan};
use super::run::Run;
use super::template::{Place, Stack};
use super::{clean, compose};
use crate::parts::relay::lead_on;
use crate::subject::command::{Finder, Log};

/// Where apps look for their Core.
const CORE: &str = "portal_core";

/// The label of volumes that are kept. They have none of a run, so that nobody takes them away with it.
const KEPT: &str = "countersign.kept";

/// How long the last words of one that ended at once may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(10);

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

    /// Takes away what apps left, their volumes above all.
    pub(crate) async fn clear(&self) -> Result<(), EngineError> {
        clean::run(self.run.engine(), self.run.id()).await.map(drop)
    }

    /// A name that nobody else gives.
    pub(crate) fn name(&self, what: &str) -> String {
        self.run.name(what)
    }
}

/// What is started, for whom.
pub(crate) struct AppOrder<'a> {
    /// Its name, by which others in its network find it.
    pub(crate) name: &'a str,
    pub(crate) makeup: &'a Makeup,
    /// Where it listens.
    pub(crate) port: u16,
    pub(crate) env: Vec<(String, String)>,
    /// Where this process takes what it asks its Core.
    pub(crate) door: SocketAddr,
}

/// What an app consists of.
#[derive(Debug, Clone)]
pub(crate) enum Makeup {
    /// A container of this image.
    Image(String),
    /// Several, as a Compose file says.
    Stack {
        stack: Stack,
        /// What Compose knows them by. Another start of the app has the same, and so its volumes.
        project: String,
        /// Where volumes stay for the next testbed: what their label says. Else they go with the run.
        kept: Option<String>,
        /// Where its template is, to which paths and `.env` refer.
        folder: PathBuf,
    },
}

/// An app that was started, with its network. Dropped, it is taken away in the background.
#[derive(Debug)]
pub(crate) struct AppRoom {
    /// The one that serves first.
    containers: Vec<Started>,
    core: Part,
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
        let argv = ["relay", "--lead", &lead];
        let way =
            PartPlan { what: "core-relay", argv: &argv, mounts: Vec::new(), aliases: vec![CORE.to_owned()], port: 80 };
        let core = Part::start(run, &network, parts, way).await?;
        let containers = match order.makeup {
            Makeup::Image(image) => {
                let plan = ContainerPlan::new("app", image, &network);
                let plan = ContainerPlan { env: order.env, aliases: vec![order.name.to_owned()], ..plan };
                let app = Container::create(run, plan).await?;
                vec![Arc::new(app).start(log, &Finder::new(None)).await?]
            }
            Makeup::Stack { stack, project, kept, folder } => {
                let labels = run.labels();
                let kept = kept.as_ref().map(|id| HashMap::from([(KEPT.to_owned(), id.clone())]));
                let volume_labels = kept.as_ref().unwrap_or(&labels);
                let place = Place { network: network.name(), labels: &labels, volume_labels, env: &order.env };
                let file = stack.for_portal(&place);
                compose::up(run, compose::Order { file, project, folder, first: stack.main() }, log).await?
            }
        };
        let at = match containers[0].container().address(&network).await {
            Ok(address) => SocketAddr::new(address, order.port),
            // Who ended at once has said why.
            Err(error) => {
                let how = timeout(LAST_WORDS, containers[0].end()).await.unwrap_or_else(|_| error.to_string());
                let what = format!("starting {}", order.name);
                return Err(EngineError::Failed { what, why: format!("{how}; {}", log.end()) });
            }
        };
        Ok(AppRoom { containers, core, at, network, _leading: leading })
    }

    /// Where the app is reached.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// Waits until the app has ended.
    pub(crate) async fn end(&self) -> String {
        self.containers[0].end().await
    }

    /// It stands still, or goes on.
    pub(crate) async fn hold(&self, still: bool) -> Result<(), EngineError> {
        join_all(self.containers.iter().map(|container| container.hold(still))).await.into_iter().collect()
    }

    /// Its stop signal, SIGKILL after that time, and nothing is left but its volumes.
    pub(crate) async fn stop(self, within: Duration) {
        let AppRoom { containers, core, network, .. } = self;
        let all = containers.iter().map(Started::container).chain([core.container()]);
        let all: Vec<Arc<Container>> = all.map(Arc::clone).collect();
        join_all(containers.into_iter().map(|container| async move {
            match within.is_zero() {
                true => container.kill().await,
                false => drop(container.stop(within).await),
            }
        }))
        .await;
        for container in all {
            if let Err(error) = container.remove().await {
                tracing::warn!("{error}");
            }
        }
        if let Err(error) = network.remove().await {
            tracing::warn!("{error}");
        }
    }
}
