//! What stands before the Core of a Portal: a proxy of the testbed, or one that is tested too.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;

use super::echo_app::EchoApp;
use super::faults::Faults;
use super::foreign_proxy::ForeignProxy;
use super::pki::ServerTls;
use super::proxy::{ProxyHandle, Upstreams};
use crate::subject::SubjectError;

/// A proxy that runs.
#[derive(Debug)]
pub(super) enum Front {
    /// Of the testbed.
    Own(ProxyHandle),
    /// Under test.
    Foreign(Box<ForeignProxy>),
}

impl Front {
    /// Where it serves HTTPS.
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Front::Own(proxy) => proxy.address(),
            Front::Foreign(proxy) => proxy.address(),
        }
    }

    /// Where it is reached in plain HTTP.
    pub(super) fn plain_address(&self) -> SocketAddr {
        match self {
            Front::Own(proxy) => proxy.plain_address(),
            Front::Foreign(proxy) => proxy.plain_address(),
        }
    }

    /// Where its requests end, which can be changed.
    pub(super) fn upstreams(&self) -> &Upstreams {
        match self {
            Front::Own(proxy) => proxy.upstreams(),
            Front::Foreign(proxy) => proxy.upstreams(),
        }
    }

    /// Its certificate, where that can be switched.
    pub(super) fn tls(&self) -> Option<&ServerTls> {
        match self {
            Front::Own(proxy) => Some(proxy.tls()),
            Front::Foreign(_) => None,
        }
    }

    /// What it does wrong becomes this, where that is ours to say; connections from before are to be ended then.
    pub(super) fn change_faults(&self, change: impl FnOnce(Faults) -> Faults) -> Result<(), SubjectError> {
        match self {
            Front::Own(proxy) => proxy.set_faults(change(proxy.faults())),
            Front::Foreign(_) => {
                return Err(SubjectError::Unsupported("given a proxy that does wrong: its proxy is tested too"));
            }
        }
        Ok(())
    }

    /// An app is there from now on.
    pub(super) fn add_app(&self, app: &EchoApp) {
        self.upstreams().set_app(app.name(), app.address());
        if let Front::Foreign(proxy) = self {
            proxy.reception().receive_for(app);
        }
    }

    /// Where the app was nobody is, as at the address `nobody`.
    pub(super) fn empty_app(&self, app: &str, nobody: SocketAddr) {
        self.upstreams().set_app(app, nobody);
        if let Front::Foreign(proxy) = self {
            proxy.reception().forget(app);
        }
    }

    /// Ends all connections that are open now; new ones are taken as before.
    pub(super) fn end_connections(&self) -> BoxFuture<'static, ()> {
        match self {
            Front::Own(proxy) => Box::pin(proxy.end_connections()),
            Front::Foreign(proxy) => Box::pin(proxy.end_connections()),
        }
    }

    /// Ends it with all its connections; nothing is left afterwards.
    pub(super) async fn shutdown(self) {
        match self {
            Front::Own(proxy) => proxy.shutdown().await,
            Front::Foreign(proxy) => proxy.shutdown().await,
        }
    }
}
