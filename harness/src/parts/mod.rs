//! What runs in containers of our own image, beside the Core.

pub mod ask;
pub mod echo;
pub mod healthy;
pub mod portal;
pub mod relay;

use std::io;
use std::net::SocketAddr;

/// Where a proxy shows that its Portal is set up.
pub const READY_PORT: u16 = 9100;

/// Where `host:port` is now.
///
/// # Errors
/// When nobody knows the name.
pub async fn look_up(authority: &str) -> io::Result<SocketAddr> {
    let found = tokio::net::lookup_host(authority).await;
    let unknown = |why: String| io::Error::new(io::ErrorKind::NotFound, format!("{authority}: {why}"));
    let mut found = found.map_err(|error| unknown(error.to_string()))?;
    found.find(SocketAddr::is_ipv4).ok_or_else(|| unknown("no such host".to_owned()))
}

/// Tells whoever reads the container's log.
pub(crate) fn say(what: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // Nobody may be reading any more; there is nobody else to tell.
    let _ = writeln!(io::stderr(), "{what}");
}
