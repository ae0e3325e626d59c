//! The names of a testbed's zone: which host leads to which proxy, without a name server.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use portal_core::resolve::Resolve;
use tokio::net::{TcpListener, TcpSocket};

use super::faults::link;
use super::faults::links::{Led, Links};

/// A cloneable handle to the one name table of a testbed. Names compare without case.
#[derive(Debug, Clone)]
pub struct Names {
    inner: Arc<Inner>,
    /// The Portal through whose eyes it is seen.
    from: Option<Arc<str>>,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A listener, normally that of a Portal's proxy.
    Address(SocketAddr),
    /// An address that refuses connections.
    Refused,
    /// An address that takes connections and never says a word.
    BlackHole,
}

#[derive(Debug)]
struct Inner {
    table: RwLock<HashMap<String, Target>>,
    // Bound but not listening: the kernel refuses connections, and nobody else can get the port.
    _refusing: TcpSocket,
    // Listening, but nobody accepts.
    _silent: TcpListener,
    refused: SocketAddr,
    black_hole: SocketAddr,
    links: Links,
    public_port: AtomicU16,
}

impl Names {
    /// An empty table. Takes two sockets on loopback, for [`Target::Refused`] and [`Target::BlackHole`].
    ///
    /// # Errors
    /// Where no socket is to be had.
    pub fn new() -> io::Result<Names> {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let refusing = TcpSocket::new_v4()?;
        refusing.bind(loopback)?;
        let silent = TcpSocket::new_v4()?;
        silent.bind(loopback)?;
        let silent = silent.listen(1024)?;
        let (refused, black_hole) = (refusing.local_addr()?, silent.local_addr()?);
        Ok(Names {
            inner: Arc::new(Inner {
                table: RwLock::default(),
                _refusing: refusing,
                _silent: silent,
                refused,
                black_hole,
                links: Links::default(),
                public_port: AtomicU16::new(443),
            }),
            from: None,
        })
    }

    /// The same names as the Core of this Portal sees them: where something is wrong on its way to another, that is what a
    /// name leads to.
    #[must_use]
    pub fn view_of(&self, portal: &str) -> Names {
        Names { inner: Arc::clone(&self.inner), from: Some(portal.into()) }
    }

    /// The same names through nobody's eyes.
    #[must_use]
    pub fn whole(&self) -> Names {
        Names { inner: Arc::clone(&self.inner), from: None }
    }

    /// The ways between Portals.
    pub(super) fn links(&self) -> &Links {
        &self.inner.links
    }

    /// Where the host is at the moment at which that is asked, however one comes there.
    pub(super) fn target_of(&self, host: &str) -> Box<link::Target> {
        // A relay must not keep the names alive: they keep the relay.
        let (inner, host) = (Arc::downgrade(&self.inner), host.to_owned());
        Box::new(move || Names { inner: inner.upgrade()?, from: None }.address(&host))
    }

    /// For whoever's view this is, the way to this domain and the names under it is cut, and leads there; or again where it
    /// led.
    pub(crate) fn detour(&self, domain: &str, to: Option<SocketAddr>) {
        if let Some(from) = &self.from {
            self.links().detour(from, domain, to);
        }
    }

    /// Whether the way to the host is cut for whoever's view this is: it leads to where nobody answers, not even to refuse.
    pub(crate) fn is_cut(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let domains = [Some(host.as_str()), host.split_once('.').map(|(_, domain)| domain)];
        self.from
            .as_ref()
            .is_some_and(|from| domains.into_iter().flatten().any(|domain| self.inner.links.has_detour(from, domain)))
    }

    /// Lets `host` and the names one label under it lead to `target`, as a Portal's wildcard certificate covers them.
    pub fn insert(&self, host: &str, target: Target) {
        self.write(|table| table.insert(host.to_ascii_lowercase(), target));
    }

    /// [`Names::insert`] with an address.
    pub fn insert_address(&self, host: &str, address: SocketAddr) {
        self.insert(host, Target::Address(address));
    }

    /// Forgets a name and those under it: nothing answers to it any more.
    pub fn remove(&self, host: &str) {
        self.write(|table| table.remove(&host.to_ascii_lowercase()));
    }

    /// What `host` leads to: an entry of its own, or else the entry one label above. `None`: no such name.
    pub fn target(&self, host: &str) -> Option<Target> {
        let host = host.to_ascii_lowercase();
        let (domain, target) = {
            let table = self.inner.table.read().unwrap_or_else(PoisonError::into_inner);
            let entry = table.get_key_value(&host).or_else(|| table.get_key_value(host.split_once('.')?.1));
            entry.map(|(domain, target)| (domain.clone(), *target))?
        };
        // Where nobody is, nobody is at the end of a relay either.
        let (Some(from), Target::Address(_)) = (&self.from, target) else { return Some(target) };
        Some(match self.inner.links.lead(from, &domain, || self.target_of(&domain)) {
            Led::Straight => target,
            Led::Through(relay) => Target::Address(relay),
            Led::Nowhere => Target::Refused,
        })
    }

    /// The address to connect to for `host`.
    pub fn address(&self, host: &str) -> Option<SocketAddr> {
        match self.target(host)? {
            Target::Address(address) => Some(address),
            Target::Refused => Some(self.inner.refused),
            Target::BlackHole => Some(self.inner.black_hole),
        }
    }

    /// Portals are reached at this port, and no other (443 by default).
    pub fn set_public_port(&self, port: u16) {
        self.inner.public_port.store(port, Ordering::Relaxed);
    }

    /// The address to connect to for `host` at `port`: where that is not the public port, nobody is there.
    pub fn address_at(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let address = self.address(host)?;
        let is_public = port == self.inner.public_port.load(Ordering::Relaxed);
        Some(if is_public { address } else { self.inner.refused })
    }

    fn write<T>(&self, change: impl FnOnce(&mut HashMap<String, Target>) -> T) {
        change(&mut self.inner.table.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[async_trait]
impl Resolve for Names {
    /// The port of the answer is the table's own: a testbed's proxies don't listen on their public port.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = self.address_at(host, port);
        address.map(|address| vec![address]).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
    }
}

/// How many hosts are kept; the oldest go first.
const CAPACITY: usize = 4096;

/// The hosts that a Core asked for, in order. Clones share their memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct AskedHosts(Arc<Mutex<VecDeque<String>>>);

impl AskedHosts {
    pub(crate) fn note(&self, host: String) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() == CAPACITY {
            hosts.pop_front();
        }
        hosts.push_back(host);
    }

    pub(crate) fn hosts(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_name_covers_one_label_under_it_and_compares_without_case() {
        let names = Names::new().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 7));
        names.insert_address("abc123.P.example", address);
        assert_eq!(names.address("abc123.p.example"), Some(address));
        assert_eq!(names.address("App.ABC123.p.example"), Some(address));
        assert_eq!(names.address("x.app.abc123.p.example"), None);
        assert_eq!(names.resolve("app.abc123.p.example", 443).await.unwrap(), [address]);
        assert_eq!(names.resolve("p.example", 443).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(names.address("abc1234.p.example"), None);
    }

    #[tokio::test]
    async fn at_another_port_than_the_public_one_nobody_is() {
        let names = Names::new().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 7));
        names.insert_address("abc123.p.example", address);
        let other = names.resolve("app.abc123.p.example", 8443).await.unwrap();
        assert_eq!(TcpStream::connect(other[0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        names.set_public_port(8443);
        assert_eq!(names.resolve("app.abc123.p.example", 8443).await.unwrap(), [address]);
        assert_ne!(names.resolve("app.abc123.p.example", 443).await.unwrap(), [address]);
    }

    #[tokio::test]
    async fn a_longer_name_wins_and_goes_with_remove() {
        let names = Names::new().unwrap();
        names.insert_address("abc123.p.example", SocketAddr::from(([127, 0, 0, 1], 7)));
        names.insert("app.abc123.p.example", Target::Refused);
        assert_eq!(names.target("app.abc123.p.example"), Some(Target::Refused));
        names.remove("APP.abc123.p.example");
        assert_eq!(names.address("app.abc123.p.example"), Some(SocketAddr::from(([127, 0, 0, 1], 7))));
        names.remove("abc123.p.example");
        assert_eq!(names.address("app.abc123.p.example"), None);
    }

    #[tokio::test]
    async fn refused_refuses_and_the_black_hole_takes_and_keeps_quiet() {
        let names = Names::new().unwrap();
        names.insert("gone.example", Target::Refused);
        names.insert("mute.example", Target::BlackHole);
        let error = TcpStream::connect(names.address("gone.example").unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let mut stream = TcpStream::connect(names.address("mute.example").unwrap()).await.unwrap();
        let read = timeout(Duration::from_millis(50), stream.read_u8()).await;
        assert!(read.is_err(), "nothing comes, the connection stays: {read:?}");
    }
}
