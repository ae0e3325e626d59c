//! A way from a Portal in containers to another that can be cut as a cable can: by taking a container out of a network.
//!
//! ```text
//! Core ── gateway ── this process ── lane's container ── gateway ── this process ── the other Portal's proxy
//!                                    ╳ disconnected
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::containers::part::{Part, PartPlan};
use crate::containers::{EngineError, Network, Run};
use crate::testbed::names::Names;

/// Where a lane's container listens.
const PORT: u16 = 443;

/// A lane to the Portal of one domain.
#[derive(Debug)]
pub(super) struct Lane {
    part: Part,
    joined: bool,
    _leading: AbortOnDropHandle<()>,
}

impl Lane {
    /// Lays one from this network to wherever `domain` is by these names.
    pub(super) async fn lay(
        run: &Arc<Run>,
        network: &Network,
        image: &str,
        names: Names,
        domain: &str,
    ) -> Result<Lane, EngineError> {
        let what = format!("a lane to {domain}");
        let failed = |why: std::io::Error| EngineError::Failed { what: what.clone(), why: why.to_string() };
        let listener = TcpListener::bind((network.gateway(), 0)).await.map_err(failed)?;
        let lead = format!("0.0.0.0:{PORT}={}", listener.local_addr().map_err(failed)?);
        let leading = AbortOnDropHandle::new(tokio::spawn(lead_on(listener, names, domain.to_owned())));
        let argv = ["relay", "--lead", &lead];
        let plan = PartPlan { what: "lane", argv: &argv, mounts: Vec::new(), aliases: Vec::new(), port: PORT };
        let part = Part::start(run, network, image, plan).await?;
        Ok(Lane { part, joined: true, _leading: leading })
    }

    /// Where it is entered.
    pub(super) async fn address(&self, network: &Network) -> Result<SocketAddr, EngineError> {
        self.part.address(network).await
    }

    /// Takes it out of the network, or puts it in again.
    pub(super) async fn join(&mut self, network: &Network, joined: bool) -> Result<(), EngineError> {
        if self.joined != joined {
            match joined {
                true => network.connect(self.part.container().id()).await?,
                false => network.disconnect(self.part.container().id()).await?,
            }
            self.joined = joined;
        }
        Ok(())
    }

    pub(super) async fn remove(self) -> Result<(), EngineError> {
        self.part.remove().await
    }
}

async fn lead_on(listener: TcpListener, names: Names, domain: String) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => if let (Ok((mut near, _)), Some(to)) = (accepted, names.address(&domain)) {
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(to).await {
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            },
        }
    }
}
