//! An app's presence in the network of its Portal: a container with an address, from which its calls go out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::engine::EngineError;
use super::network::Network;
use super::part::{Part, PartPlan};
use super::run::Run;

/// Where a seat listens for the app's brains.
const PORT: u16 = 8081;

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
    part: Part,
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
        let argv = ["relay", "--lead", &lead];
        let plan = PartPlan { what: "seat", argv: &argv, mounts: Vec::new(), aliases: Vec::new(), port: PORT };
        let part = Part::start(run, network, image, plan).await?;
        let way = part.address(network).await?;
        Ok(SeatContainer { seat: Seat { address: way.ip(), way }, part })
    }

    pub(crate) fn seat(&self) -> Seat {
        self.seat
    }

    pub(crate) async fn remove(self) -> Result<(), EngineError> {
        self.part.remove().await
    }
}
