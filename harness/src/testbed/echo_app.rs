//! Echo apps: answer with what arrived, keep what they received, and can be told to answer otherwise.

mod answer;
mod inbox;
pub(super) mod passed_on;
pub(super) mod server;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;

pub use answer::Answer;
pub use inbox::{Received, WaitTimeout};

use crate::trace::Trace;
use crate::wire::Gate;
pub(super) use server::Entrance;
use server::{Desk, Desks, Place, Server};

/// How long waits last at most.
pub const WAIT: Duration = Duration::from_secs(10);

/// An app behind a proxy. Cheap to clone: all clones are the same app.
#[derive(Debug, Clone)]
pub struct EchoApp {
    desk: Arc<Desk>,
    server: Arc<tokio::sync::Mutex<Server>>,
    address: SocketAddr,
}

impl EchoApp {
    /// Serves on this listener. `portal` and `app` are the names under which it stands in the trace.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(portal: &str, app: &str, listener: TcpListener, trace: Trace) -> std::io::Result<EchoApp> {
        EchoApp::serve(Desk::new(portal, app, Place::App, trace), listener, None)
    }

    /// Stands in place of a proxy: takes TLS, and is called `app` in what it received.
    pub(super) fn start_as_front(
        portal: &str,
        app: &str,
        listener: TcpListener,
        tls: Arc<rustls::ServerConfig>,
        trace: Trace,
    ) -> std::io::Result<EchoApp> {
        EchoApp::serve(Desk::new(portal, app, Place::Front, trace), listener, Some(tls))
    }

    fn serve(desk: Desk, listener: TcpListener, tls: Option<Arc<rustls::ServerConfig>>) -> std::io::Result<EchoApp> {
        let desk = Arc::new(desk);
        let server =
            Server::start(listener, tls.map_or(Entrance::Plain, Entrance::Tls), Desks::One(Arc::clone(&desk)))?;
        let address = server.address();
        Ok(EchoApp { desk, server: Arc::new(tokio::sync::Mutex::new(server)), address })
    }

    /// Where the proxy reaches it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.desk.app
    }

    /// How many requests began to arrive. That none came can be told by this alone: it counts as soon as a head is there.
    pub fn arrivals(&self) -> usize {
        self.desk.inbox.arrivals()
    }

    /// The requests that arrived, at most the latest 4,096.
    pub fn received(&self) -> Vec<Received> {
        self.desk.inbox.kept()
    }

    /// The latest request that arrived.
    pub fn last_received(&self) -> Option<Received> {
        self.desk.inbox.kept().pop()
    }

    /// Waits until `count` requests have arrived completely.
    ///
    /// # Errors
    /// When they have not within 10 seconds.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Received>, WaitTimeout> {
        self.desk.inbox.wait_for(&self.who(), count, WAIT).await
    }

    /// Waits until the heads of `count` requests have arrived.
    ///
    /// # Errors
    /// When they have not within 10 seconds.
    pub async fn wait_for_arrivals(&self, count: usize) -> Result<(), WaitTimeout> {
        self.desk.inbox.wait_for_arrivals(&self.who(), count, WAIT).await
    }

    /// Forgets what it received.
    pub fn forget(&self) {
        self.desk.inbox.clear();
    }

    /// Answers this from now on.
    pub fn answer_with(&self, answer: Answer) {
        self.desk.answer_with(answer);
    }

    /// Answers this to the next request that no path answer holds for; several are used up in order.
    pub fn answer_once(&self, answer: Answer) {
        self.desk.answer_once(answer);
    }

    /// Answers this at exactly this path from now on.
    pub fn answer_at(&self, path: &str, answer: Answer) {
        self.desk.answer_at(path, answer);
    }

    /// The gate opens as soon as the body of the next request begins to arrive.
    pub fn opens_with_body(&self, gate: &Gate) {
        self.desk.open_with_body(gate);
    }

    /// Does nothing from now on: requests come to it and wait.
    pub fn freeze(&self) {
        self.desk.freeze(true);
    }

    /// Goes on where it was.
    pub fn thaw(&self) {
        self.desk.freeze(false);
    }

    /// Closes its listener and all connections, and waits until they are gone.
    pub async fn stop(&self) {
        self.server.lock().await.stop().await;
    }

    /// Ends all connections to an app; new ones are taken as before.
    pub(super) async fn end_connections(&self) {
        self.change_entrance(Entrance::Plain).await;
    }

    /// Ends all connections; new ones begin like this.
    pub(super) async fn change_entrance(&self, entrance: Entrance) {
        self.server.lock().await.change_entrance(entrance).await;
    }

    /// Ends it at once, whoever still has a handle.
    pub(super) fn end_now(&self) {
        if let Ok(mut server) = self.server.try_lock() {
            server.end_now();
        }
    }

    fn who(&self) -> String {
        format!("{} on {}", self.desk.app, self.desk.portal)
    }
}

/// One address that leads to all apps of a Portal, by Host: for proxies that are told once where apps are.
#[derive(Debug)]
pub(super) struct Reception {
    desks: Arc<Mutex<HashMap<String, Arc<Desk>>>>,
    server: tokio::sync::Mutex<Server>,
    address: SocketAddr,
}

impl Reception {
    /// Serves on this listener. There are no apps yet.
    pub(super) fn start(listener: TcpListener) -> std::io::Result<Reception> {
        let desks = Arc::default();
        let server = Server::start(listener, Entrance::Plain, Desks::ByHost(Arc::clone(&desks)))?;
        let address = server.address();
        Ok(Reception { desks, server: tokio::sync::Mutex::new(server), address })
    }

    /// Where the proxy reaches it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The app is to be found here.
    pub(super) fn receive_for(&self, app: &EchoApp) {
        self.desks().insert(app.name().to_ascii_lowercase(), Arc::clone(&app.desk));
    }

    /// The app is not to be found here any more.
    pub(super) fn forget(&self, app: &str) {
        self.desks().remove(app);
    }

    /// Closes its listener and all connections, and waits until they are gone.
    pub(super) async fn stop(&self) {
        self.server.lock().await.stop().await;
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<String, Arc<Desk>>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
