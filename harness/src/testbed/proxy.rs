//! The reverse proxy of a simulated Portal: TLS, routing by host and path, the question to the Core before each request
//! to an app, and clean fields (contract §9).
//!
//! ```text
//! caller ── TLS ── guard ── hyper ── serve ── route ── ask ⇄ Core
//!                                      │
//!                                   digest ── forward ⇄ app
//! ```

mod ask;
mod chunked;
mod connection;
mod digest;
pub(super) mod direct;
mod fields;
mod forward;
mod guard;
mod handshake;
mod head;
mod lenient;
mod plain;
mod refuse;
mod rewrite;
mod route;
mod serve;
mod tapped;
pub(crate) mod tasks;
#[cfg(test)]
mod tests;
pub(super) mod timer;
mod upstream;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use portal_core::spool::SpoolLimits;
use tokio::net::TcpListener;

use self::route::Place;
use self::tasks::Tasks;
use self::upstream::Patience;
use super::faults::Faults;
use super::pki::ServerTls;
use crate::subject::surface::Surface;
use crate::trace::Trace;

/// What a proxy is told.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// The Portal's name in the topology, for the trace.
    pub portal: String,
    /// `<short id>.<zone>`.
    pub domain: String,
    /// The port in public addresses; not the one that the proxy listens on.
    pub public_port: u16,
    /// Where the Core and the apps listen.
    pub upstreams: Upstreams,
    /// The certificate.
    pub tls: ServerTls,
    /// Where hops are recorded.
    pub trace: Trace,
    /// Bounds.
    pub limits: ProxyLimits,
    /// Wrong behaviours; normally none.
    pub faults: Faults,
    /// The name of the terminals' cookie, which apps never see.
    pub cookie: String,
    /// Whether the question to the Core says `X-Forwarded-Body: present|absent` (AUTH-15).
    pub announces_body: bool,
    /// How the Core is spoken to.
    pub surface: Surface,
    /// Whether a request without a trace id gets one. It is then no longer what was sent, to the byte.
    pub marks: bool,
}

impl ProxyConfig {
    /// For `domain` on the usual port, with a trace of its own, usual limits and no faults.
    pub fn new(portal: &str, domain: &str, upstreams: Upstreams, tls: ServerTls) -> ProxyConfig {
        ProxyConfig {
            portal: portal.to_owned(),
            domain: domain.to_owned(),
            public_port: 443,
            upstreams,
            tls,
            trace: Trace::new(),
            limits: ProxyLimits::default(),
            faults: Faults::NONE,
            cookie: "authorization".to_owned(),
            announces_body: false,
            surface: Surface::default(),
            marks: false,
        }
    }
}

/// Bounds on everything that comes from outside.
#[derive(Debug, Clone)]
pub struct ProxyLimits {
    /// Open connections on each listener; more wait to be accepted.
    pub connections: usize,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Field lines of a request.
    pub fields: usize,
    /// Requests at a time on an HTTP/2 connection.
    pub streams: u32,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request, also the wait for the next one.
    pub head: Duration,
    /// Pause within a request's body.
    pub body_idle: Duration,
    /// How long a caller may take no byte of an answer.
    pub write_stall: Duration,
    /// For a connection to the Core or an app.
    pub connect: Duration,
    /// For the head of an answer by the Core or an app.
    pub answer: Duration,
    /// Bytes of the Core's refusal that are handed on.
    pub core_answer: usize,
    /// For bodies that are checked against their digest: in memory, on disk, refused beyond.
    pub checked_body: SpoolLimits,
}

impl Default for ProxyLimits {
    fn default() -> ProxyLimits {
        ProxyLimits {
            connections: 1024,
            head_bytes: 64 * 1024,
            fields: 128,
            streams: 128,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(60),
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            core_answer: 256 * 1024,
            checked_body: SpoolLimits::default(),
        }
    }
}

impl ProxyLimits {
    fn patience(&self) -> Patience {
        Patience { connect: self.connect, answer: self.answer }
    }
}

/// Where a Portal's Core and apps listen now. Clones are handles to the same; changes hold from the next request on.
#[derive(Debug, Clone)]
pub struct Upstreams(Arc<RwLock<Addresses>>);

#[derive(Debug)]
struct Addresses {
    core: SocketAddr,
    apps: HashMap<String, SocketAddr>,
}

impl Upstreams {
    /// A Core and no apps.
    pub fn new(core: SocketAddr) -> Upstreams {
        Upstreams(Arc::new(RwLock::new(Addresses { core, apps: HashMap::new() })))
    }

    /// Where the Core listens.
    pub fn core(&self) -> SocketAddr {
        self.0.read().unwrap_or_else(PoisonError::into_inner).core
    }

    /// Where the app listens, if there is one of that name.
    pub fn app(&self, name: &str) -> Option<SocketAddr> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).apps.get(name).copied()
    }

    /// The first app by name.
    fn first_app(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).apps.keys().min().cloned()
    }

    /// The Core listens elsewhere.
    pub fn set_core(&self, address: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).core = address;
    }

    /// The app listens there. Names are in lower case, as hosts are.
    pub fn set_app(&self, name: &str, address: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).apps.insert(name.to_ascii_lowercase(), address);
    }

    /// There is no such app any more.
    pub fn remove_app(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).apps.remove(name);
    }
}

/// The bound listeners of a proxy.
#[derive(Debug)]
pub struct ProxyListeners {
    /// For HTTPS.
    pub tls: TcpListener,
    /// For plain HTTP, which is redirected.
    pub plain: TcpListener,
}

impl ProxyListeners {
    /// Two free ports on loopback.
    ///
    /// # Errors
    /// Where none is to be had.
    pub async fn bind() -> io::Result<ProxyListeners> {
        let free = (Ipv4Addr::LOCALHOST, 0);
        Ok(ProxyListeners { tls: TcpListener::bind(free).await?, plain: TcpListener::bind(free).await? })
    }
}

/// Starts proxies.
#[derive(Debug, Clone, Copy)]
pub struct Proxy;

impl Proxy {
    /// Serves on these listeners until the handle is dropped. To be called within a runtime; returns at once.
    ///
    /// # Errors
    /// Where a listener has no address.
    pub fn start(config: ProxyConfig, listeners: ProxyListeners) -> io::Result<ProxyHandle> {
        let (address, plain_address) = (listeners.tls.local_addr()?, listeners.plain.local_addr()?);
        let tasks = Tasks::default();
        let tls = config.tls;
        let site = Site {
            portal: config.portal,
            place: Place { domain: config.domain, public_port: config.public_port },
            cookie: config.cookie,
            announces_body: config.announces_body,
            surface: config.surface,
            marks: config.marks,
            upstreams: config.upstreams,
            limits: config.limits,
            faults: config.faults,
            trace: config.trace,
            tasks: tasks.clone(),
        };
        let upstreams = site.upstreams.clone();
        let sites = Sites(Arc::new(RwLock::new(Arc::new(site))));
        tasks.spawn(connection::accept_tls(sites.clone(), listeners.tls, tls.config.clone()));
        tasks.spawn(connection::accept_plain(sites.clone(), listeners.plain));
        Ok(ProxyHandle { address, plain_address, tls, upstreams, sites, tasks })
    }
}

/// A running proxy. Dropped, it ends with all its connections.
#[derive(Debug)]
pub struct ProxyHandle {
    address: SocketAddr,
    plain_address: SocketAddr,
    tls: ServerTls,
    upstreams: Upstreams,
    sites: Sites,
    tasks: Tasks,
}

impl ProxyHandle {
    /// Where it serves HTTPS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it redirects plain HTTP.
    pub fn plain_address(&self) -> SocketAddr {
        self.plain_address
    }

    /// Its certificate, which can be switched.
    pub fn tls(&self) -> &ServerTls {
        &self.tls
    }

    /// Where it sends requests, which can be changed.
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// What it does wrong.
    pub fn faults(&self) -> Faults {
        self.sites.now().faults
    }

    /// It does this wrong from the next request on; what concerns TLS, from the next connection on.
    pub fn set_faults(&self, faults: Faults) {
        self.sites.change(faults);
    }

    /// Ends all connections that are open now; new ones are taken as before.
    pub fn end_connections(&self) -> impl Future<Output = ()> + Send + use<> {
        let tasks = self.tasks.clone();
        async move { tasks.end_connections().await }
    }

    /// Ends it with all its connections; no task and no socket is left afterwards.
    pub async fn shutdown(self) {
        self.tasks.end();
        self.tasks.ended().await;
    }
}

impl Drop for ProxyHandle {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

/// What all connections of a proxy share; a change holds from the next request on.
#[derive(Clone)]
struct Sites(Arc<RwLock<Arc<Site>>>);

impl Sites {
    fn now(&self) -> Arc<Site> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, faults: Faults) {
        let mut site = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *site = Arc::new(Site { faults, ..Site::clone(&site) });
    }
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sites").field("faults", &self.now().faults).finish_non_exhaustive()
    }
}

/// What a request goes by.
#[derive(Clone)]
struct Site {
    portal: String,
    place: Place,
    cookie: String,
    announces_body: bool,
    surface: Surface,
    marks: bool,
    upstreams: Upstreams,
    limits: ProxyLimits,
    faults: Faults,
    trace: Trace,
    tasks: Tasks,
}
