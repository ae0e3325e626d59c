//! An app that answers with what arrives, alone in its container.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use crate::testbed::EchoApp;
use crate::trace::Trace;

/// Serves on this port until the future is dropped.
///
/// # Errors
/// When the port is not to be had.
pub async fn serve(portal: &str, app: &str, port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    let echo = EchoApp::start(portal, app, listener, Trace::new())?;
    super::say(format_args!("{app} of {portal} listens at {}", echo.address()));
    std::future::pending().await
}
