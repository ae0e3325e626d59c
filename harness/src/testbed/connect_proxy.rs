//! A CONNECT proxy on loopback (RFC 9110 §9.3.6): a Core that honours `HTTPS_PROXY` finds the names of a testbed here.
//!
//! It belongs to one Core, so the hosts asked for are those that this Core looked up. The Core may be lent to one scenario
//! after another; then the names are switched.

mod tunnel;

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::names::{AskedHosts, Names};
use super::proxy::tasks::Tasks;
use super::proxy::timer::Timer;

/// After a failure to accept, of file descriptors for instance.
const PAUSE: Duration = Duration::from_millis(20);
/// How many refusals are kept.
const REFUSALS: usize = 64;

/// The names by which a proxy goes, which can be switched while it runs. Clones are the same.
#[derive(Debug, Clone)]
pub struct SwitchableNames(Arc<RwLock<Names>>);

impl SwitchableNames {
    /// Begins with these.
    pub fn new(names: Names) -> SwitchableNames {
        SwitchableNames(Arc::new(RwLock::new(names)))
    }

    /// Goes by these from now on. Tunnels that are open stay; [`ConnectProxyHandle::lend`] ends them, too.
    pub fn switch(&self, names: Names) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Those of now.
    pub fn current(&self) -> Names {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Names> for SwitchableNames {
    fn from(names: Names) -> SwitchableNames {
        SwitchableNames::new(names)
    }
}

/// Bounds of a CONNECT proxy.
#[derive(Debug, Clone, Copy)]
pub struct ConnectLimits {
    /// The longest request head, in bytes.
    pub head_bytes: usize,
    /// How long the head may take, from the connection on.
    pub head: Duration,
    /// How long the connection to a target may take.
    pub connect: Duration,
    /// How many connections there are at a time; more wait.
    pub connections: usize,
    /// How long nothing may pass through a tunnel, in either direction, before it is closed.
    pub idle: Duration,
}

impl Default for ConnectLimits {
    fn default() -> ConnectLimits {
        ConnectLimits {
            head_bytes: 16 * 1024,
            head: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            connections: 512,
            idle: Duration::from_secs(600),
        }
    }
}

/// Starts CONNECT proxies.
#[derive(Debug, Clone, Copy)]
pub struct ConnectProxy;

impl ConnectProxy {
    /// Serves on a free port of loopback until the handle is dropped.
    ///
    /// # Errors
    /// Where no port is to be had.
    pub async fn start(names: impl Into<SwitchableNames>) -> io::Result<ConnectProxyHandle> {
        ConnectProxy::start_with(names, ConnectLimits::default()).await
    }

    /// [`ConnectProxy::start`] with other bounds.
    ///
    /// # Errors
    /// As there.
    pub async fn start_with(
        names: impl Into<SwitchableNames>,
        limits: ConnectLimits,
    ) -> io::Result<ConnectProxyHandle> {
        ConnectProxy::start_at((Ipv4Addr::LOCALHOST, 0).into(), names, limits).await
    }

    /// [`ConnectProxy::start_with`] at an address that others know already.
    ///
    /// # Errors
    /// Where it is not to be had.
    pub async fn start_at(
        at: SocketAddr,
        names: impl Into<SwitchableNames>,
        limits: ConnectLimits,
    ) -> io::Result<ConnectProxyHandle> {
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            names: names.into(),
            limits,
            asked: AskedHosts::default(),
            refusals: Mutex::default(),
            tasks: Tasks::default(),
        });
        desk.tasks.spawn(accept(Arc::clone(&desk), listener));
        Ok(ConnectProxyHandle { address, desk })
    }
}

/// A running CONNECT proxy. Dropped, it ends with all its tunnels.
#[derive(Debug)]
pub struct ConnectProxyHandle {
    address: SocketAddr,
    desk: Arc<Desk>,
}

impl ConnectProxyHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As it stands in `HTTPS_PROXY`: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The names by which it goes.
    pub fn names(&self) -> &SwitchableNames {
        &self.desk.names
    }

    /// The hosts that it was asked for, in order, without ports, known names or not; at most the latest 4,096.
    pub fn hosts(&self) -> Vec<String> {
        self.desk.asked.hosts()
    }

    /// What it refused for its form, in words: who asked for something other than a tunnel, for one. The latest 64.
    pub fn refusals(&self) -> Vec<String> {
        self.desk.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes by these names from now on, as if it had just been started: tunnels end, what was asked for is forgotten.
    pub async fn lend(&self, names: Names) {
        self.desk.names.switch(names);
        self.desk.tasks.end_connections().await;
        self.desk.asked.forget();
        self.desk.refusals.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Ends all tunnels that are open now; new ones are opened as before.
    pub(crate) async fn end_tunnels(&self) {
        self.desk.tasks.end_connections().await;
    }

    /// Ends it with all its tunnels; no task and no socket is left afterwards.
    pub async fn shutdown(self) {
        self.desk.tasks.end();
        self.desk.tasks.ended().await;
    }
}

impl Drop for ConnectProxyHandle {
    fn drop(&mut self) {
        self.desk.tasks.end();
    }
}

/// What all connections of a proxy share.
#[derive(Debug)]
struct Desk {
    names: SwitchableNames,
    limits: ConnectLimits,
    asked: AskedHosts,
    refusals: Mutex<Vec<String>>,
    tasks: Tasks,
}

impl Desk {
    fn note_refusal(&self, what: String) {
        tracing::debug!(refused = %what, "CONNECT proxy");
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() == REFUSALS {
            refusals.remove(0);
        }
        refusals.push(what);
    }
}

async fn accept(desk: Arc<Desk>, listener: TcpListener) {
    let slots = Arc::new(Semaphore::new(desk.limits.connections));
    loop {
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            let mut pause = Timer::after(PAUSE);
            poll_fn(|cx| pause.poll(cx)).await;
            continue;
        };
        nodelay(&stream);
        let serving = Arc::clone(&desk);
        desk.tasks.spawn_connection(async move {
            tunnel::serve(&serving, stream).await;
            drop(slot);
        });
    }
}

/// Small messages must not wait for each other; without it they are merely late.
fn nodelay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

#[cfg(test)]
mod tests;
