//! A container of our own image that serves on a port.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::container::{Container, ContainerPlan, Mounted, Started};
use super::engine::EngineError;
use super::network::Network;
use super::run::Run;
use crate::subject::command::{Finder, Log};

/// How long one may take to listen.
const LISTENS: Duration = Duration::from_secs(30);
/// Between two looks.
const TICK: Duration = Duration::from_millis(10);

/// What it is.
pub(crate) struct PartPlan<'a> {
    /// Becomes part of its name.
    pub(crate) what: &'a str,
    /// What follows `countersign part`.
    pub(crate) argv: &'a [&'a str],
    pub(crate) mounts: Vec<Mounted>,
    /// Other names that it has in its network.
    pub(crate) aliases: Vec<String>,
    /// Where it serves.
    pub(crate) port: u16,
}

/// One that listens.
#[derive(Debug)]
pub(crate) struct Part {
    started: Started,
    port: u16,
}

impl Part {
    /// Starts one in this network.
    pub(crate) async fn start(
        run: &Arc<Run>,
        network: &Network,
        image: &str,
        plan: PartPlan<'_>,
    ) -> Result<Part, EngineError> {
        let argv = std::iter::once("part").chain(plan.argv.iter().copied()).map(str::to_owned).collect();
        let PartPlan { mounts, aliases, .. } = plan;
        let made = ContainerPlan { argv, mounts, aliases, ..ContainerPlan::new(plan.what, image, network) };
        let container = Arc::new(Container::create(run, made).await?);
        let log = Log::default();
        let started = container.start(&log, &Finder::new(None)).await?;
        let part = Part { started, port: plan.port };
        let address = part.address(network).await?;
        tokio::select! {
            biased;
            how = part.started.end() => {
                let why = format!("it ended at once ({how}); {}", log.end());
                return Err(EngineError::Failed { what: format!("starting the container {}", container.name()), why });
            }
            listens = listens(address) => listens.map_err(|error| EngineError::Failed {
                what: format!("reaching the container {} at {address}", container.name()),
                why: error.to_string(),
            })?,
        }
        Ok(part)
    }

    /// Where it serves in this network.
    pub(crate) async fn address(&self, network: &Network) -> Result<SocketAddr, EngineError> {
        let address: IpAddr = self.started.container().address(network).await?;
        Ok(SocketAddr::new(address, self.port))
    }

    /// The container.
    pub(crate) fn container(&self) -> &Arc<Container> {
        self.started.container()
    }

    pub(crate) async fn remove(self) -> Result<(), EngineError> {
        self.container().remove().await
    }
}

/// Waits until somebody listens there.
async fn listens(address: SocketAddr) -> io::Result<()> {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    let asking = async {
        loop {
            tick.tick().await;
            match TcpStream::connect(address).await {
                Ok(_) => return,
                Err(error) => last = error,
            }
        }
    };
    match timeout_at(Instant::now() + LISTENS, asking).await {
        Ok(()) => Ok(()),
        Err(_) => Err(last),
    }
}
