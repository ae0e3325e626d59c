//! Asks whether somebody serves: the health check of containers in which there is no shell.

use std::net::SocketAddr;
use std::time::Duration;

use crate::testbed::client::connect;
use crate::wire::{Call, Channel};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Whether a GET of `path` on this machine is answered with 2xx; else what came.
///
/// # Errors
/// With what came.
pub async fn ask(port: u16, path: &str) -> Result<(), String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let asking = async {
        let stream = connect(address).await.map_err(|error| error.to_string())?;
        let call = Call::get(path).within(WITHIN);
        Channel::new(stream).exchange(&call, "localhost").await.map_err(|error| error.to_string())
    };
    let reply = tokio::time::timeout(WITHIN, asking).await;
    let reply = reply.map_err(|_| format!("nothing came from {address} within {WITHIN:?}"))??;
    match reply.status {
        200..300 => Ok(()),
        status => Err(format!("{address} answered GET {path} with {status}")),
    }
}

/// Whether somebody takes connections.
///
/// # Errors
/// With what came.
pub async fn connects(port: u16) -> Result<(), String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    connect(address).await.map(drop).map_err(|error| error.to_string())
}
