//! An app's presence in the network of its Portal: a container with an address, from which its calls go out.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::container::{Container, ContainerPlan, Started};
use super::engine::EngineError;
use super::network::Network;
use super::run::Run;
use crate::subject::command::{Finder, Log};

/// Where a seat listens for the app's brains.
const PORT: u16 = 8081;
/// How long a seat may take to listen.
const LISTENS: Duration = Duration::from_secs(30);
/// Between two looks.
const TICK: Duration = Duration::from_millis(10);

/// Where an app sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// The address from which its calls come.
    pub address: IpAddr,
    /// Whoever connects here is connected, from there, with the Core.
    pub way: SocketAddr,
}

/// A container that is one.
#[derive(Debug)]
pub(crate) struct SeatContainer {
    seat: Seat,
    started: Started,
}

impl SeatContainer {
    /// Starts one that leads to this host and port of its network.
    pub(crate) async fn start(
        run: &Arc<Run>,
        network: &Network,
        image: &str,
        to: &str,
    ) -> Result<SeatContainer, EngineError> {
        let lead = format!("0.0.0.0:{PORT}={to}");
        let plan = ContainerPlan {
            what: "seat",
            image,
            argv: ["part", "relay", "--lead", &lead].map(str::to_owned).to_vec(),
            env: Vec::new(),
            network,
            aliases: Vec::new(),
            mounts: Vec::new(),
            user: None,
        };
        let container = Arc::new(Container::create(run, plan).await?);
        let log = Log::default();
        let started = container.start(&log, &Finder::new(None)).await?;
        let address = container.address(network).await?;
        let way = SocketAddr::new(address, PORT);
        tokio::select! {
            biased;
            how = started.end() => {
                let why = format!("it ended at once ({how}); {}", log.end());
                return Err(EngineError::Failed { what: format!("starting the container {}", container.name()), why });
            }
            listens = listens(way) => listens.map_err(|error| EngineError::Failed {
                what: format!("reaching the container {} at {way}", container.name()),
                why: error.to_string(),
            })?,
        }
        Ok(SeatContainer { seat: Seat { address, way }, started })
    }

    pub(crate) fn seat(&self) -> Seat {
        self.seat
    }

    pub(crate) async fn remove(self) -> Result<(), EngineError> {
        self.started.container().remove().await
    }
}

/// Waits until somebody listens there.
pub(crate) async fn listens(address: SocketAddr) -> io::Result<()> {
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
