//! From the name of a peer's Portal to the addresses of its proxy.

use std::{fmt::Debug, io, net::SocketAddr};

use async_trait::async_trait;

/// Looks up host names.
#[async_trait]
pub trait Resolve: Send + Sync + Debug {
    /// The addresses of `host`, to be tried in order, each with the port to connect to. A resolver of a testbed may
    /// answer with another port than the one asked for.
    ///
    /// # Errors
    /// When the name is not known or can't be looked up.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}
