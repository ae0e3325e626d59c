//! Several Portals on loopback, each with a proxy, a Core and echo apps.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use countersign::testbed::Testbed;
//! use countersign::topology::{AppPlan, Peering, Topology};
//! use countersign::wire::Call;
//!
//! let chat = AppPlan::with_paths("chat", [("", "private"), ("/peers/", "peer")]);
//! let topology = Topology::new().portals(["alice", "bob"]).app_on_all(&chat).peering(Peering::All);
//! let testbed = Testbed::start(topology).await?;
//! let (alice, bob) = (testbed.portal("alice")?, testbed.portal("bob")?);
//!
//! let reply = alice.app("chat")?.call_peer(bob.short_id(), Call::get("/peers/inbox")).await?;
//! let echo = reply.echo().ok_or("no echo")?;
//! assert_eq!(echo.field("X-Ptl-Client-Id"), Some(alice.id()));
//! testbed.shutdown().await?;
//! # Ok(())
//! # }
//! ```

pub mod app;
pub mod client;
pub mod connect_proxy;
pub mod echo_app;
mod error;
pub mod fake_portal;
pub mod faults;
mod foreign_proxy;
mod front;
pub mod identity;
pub mod keys;
pub mod names;
pub mod pki;
pub mod portal;
pub mod proxy;
pub mod real_app;
mod start;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use portal_core::clock::{Clock as _, SettableClock};
use portal_core::profile::Profile;

pub use app::{App, DoorChannel};
pub use client::{OutsideChannel, OutsideClient};
pub use echo_app::{Answer, EchoApp, Received};
pub use error::TestbedError;
pub use fake_portal::FakePortal;
pub use faults::{Fault, FaultError};
pub(crate) use portal::session_cookie;
pub use portal::{Forwarded, Portal, Terminal};

use crate::subject::{Receive, Storage, Subject};
use crate::topology::{KeyPlan, PortalPlan, PreparedKeys, Topology};
use crate::trace::Trace;
use fake_portal::FakePortals;
use identity::TestIdentity;
use names::{Names, Target};
use pki::Pki;
use proxy::direct::Direct;
use start::Order;

/// How long a peer may take to answer, in seconds: short, because scenarios wait for it, and long enough for a machine
/// that is busy with the rest of the suite.
const ANSWER_SECONDS: u64 = 3;

/// Portals that run, and what they stand on. Dropping it ends everything at once; [`Testbed::shutdown`] waits for the end.
#[derive(Debug)]
pub struct Testbed {
    portals: Mutex<BTreeMap<String, Portal>>,
    fakes: Arc<FakePortals>,
    keys: Mutex<PreparedKeys>,
    storage: Storage,
    alone: bool,
    known_keys: bool,
    active: faults::Active,
    data: Option<PathBuf>,
    ground: Arc<Ground>,
}

/// What all Portals of a testbed have in common.
#[derive(Debug)]
struct Ground {
    subject: Subject,
    profile: Profile,
    names: Names,
    nobody: SocketAddr,
    pki: Pki,
    trace: Trace,
    outside: OutsideClient,
    /// The Portals before which no proxy stands, where that is so.
    direct: Option<Direct>,
    clock: SettableClock,
    /// Shows the time of which no scenario knows, where that is not the machine's.
    base: Option<SettableClock>,
    marks: bool,
}

/// How a testbed is started, beside its topology.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Core under test.
    pub subject: Subject,
    /// Values of its profile; zone and public port come from the topology.
    pub profile: Profile,
    /// Where Cores keep their state.
    pub storage: Storage,
    /// When it begins: clocks show this and go on from there. Without it they go with the machine's.
    pub began: Option<SystemTime>,
    /// Its Cores must not have been used before, nor will they be used afterwards.
    pub alone: bool,
    /// The keys of its Cores are known, where they take some: each may be given another and its own again at any time.
    pub known_keys: bool,
    /// Every way between two Portals goes through a relay from the beginning. Without it, one does from the first fault on
    /// that is put on it, and whoever is connected to that Portal is disconnected once.
    pub relays: bool,
    /// What faults draw at random follows from this.
    pub seed: u64,
    /// The authority, where that outlives the testbed and the Core under test brings none. Else one is made.
    pub pki: Option<Pki>,
    /// Proxies give a request that has no trace id one, so that it can be followed: browsers don't bring any.
    pub marks: bool,
    /// A folder in which each Core keeps its state from one testbed to the next, in a folder named as its Portal.
    pub data: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        let profile = Profile { answer_seconds: ANSWER_SECONDS, ..Profile::default() };
        Options {
            subject: Subject::builtin(),
            profile,
            storage: Storage::Memory,
            began: None,
            alone: false,
            known_keys: false,
            relays: false,
            seed: 0,
            pki: None,
            marks: false,
            data: None,
        }
    }
}

impl Testbed {
    /// Starts Portals with the built-in Core.
    ///
    /// # Errors
    /// When the topology can't be, or a part does not come up; then nothing is left running.
    pub async fn start(topology: Topology) -> Result<Testbed, TestbedError> {
        Testbed::start_with(topology, Options::default()).await
    }

    /// Starts Portals with another Core, profile or storage.
    ///
    /// # Errors
    /// As [`Testbed::start`].
    pub async fn start_with(topology: Topology, options: Options) -> Result<Testbed, TestbedError> {
        let topology = topology.checked()?;
        start::allow_files(topology.portals.len());
        let pairs = topology.introductions();
        let Topology { zone, public_port, portals: plans, .. } = topology;
        let Options { subject, profile, storage, began, alone, known_keys, relays, seed, pki, marks, data } = options;
        let names = Names::new()?;
        names.links().seed(seed);
        if relays {
            names.links().open_always();
        }
        names.set_public_port(public_port);
        names.insert("nobody.invalid", Target::Refused);
        let nobody = names.address("nobody.invalid").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let base = began.map(|began| {
            let base = SettableClock::running();
            base.set(began);
            base
        });
        let clock = fresh_clock(base.as_ref());
        let pki = match subject.authority()?.or(pki) {
            Some(pki) => pki,
            None => Pki::new(&clock)?,
        };
        let trace = Trace::new();
        let tls = Arc::new(pki.client_config(Arc::new(clock.clone()))?);
        let patience = subject.limits().answer;
        let outside = OutsideClient::new(names.clone(), tls, trace.clone(), public_port).patient(patience);
        let direct = (subject.receive() == Receive::Direct).then(Direct::default);
        let outside = direct.iter().fold(outside, |outside, direct| outside.directly(direct.clone()));
        let profile = Profile { zone, public_port, ..profile };
        let ground = Ground { subject, profile, names, nobody, pki, trace, outside, direct, clock, base, marks };
        let testbed = Testbed {
            portals: Mutex::default(),
            fakes: Arc::default(),
            keys: Mutex::default(),
            storage,
            alone,
            known_keys,
            active: faults::Active::default(),
            data,
            ground: Arc::new(ground),
        };
        let started = testbed.start_portals(plans).await?;
        let pairs = pairs.into_iter().map(|(a, b)| (started[a].clone(), started[b].id().to_owned()));
        start::introduce(pairs.collect()).await?;
        Ok(testbed)
    }

    /// Starts one more Portal.
    ///
    /// # Errors
    /// When there is one of that name, or a part does not come up.
    pub async fn add_portal(&self, plan: PortalPlan) -> Result<Portal, TestbedError> {
        let name = plan.name.clone();
        self.start_portals(vec![plan]).await?;
        self.portal(&name)
    }

    /// A Portal.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn portal(&self, name: &str) -> Result<Portal, TestbedError> {
        let unknown = || TestbedError::Unknown { what: "Portal", name: name.to_owned() };
        lock(&self.portals).get(name).cloned().ok_or_else(unknown)
    }

    /// All Portals, by name.
    pub fn portals(&self) -> Vec<Portal> {
        lock(&self.portals).values().cloned().collect()
    }

    /// Makes Portals each other's peers.
    ///
    /// # Errors
    /// When a Core refuses.
    pub async fn introduce(&self, portals: &[&Portal]) -> Result<(), TestbedError> {
        let pairs = portals.iter().flat_map(|portal| {
            let others = portals.iter().filter(|other| other.id() != portal.id());
            others.map(|other| (Portal::clone(portal), other.id().to_owned()))
        });
        start::introduce(pairs.collect()).await
    }

    /// Starts a Portal that does what it is told, with a key of this kind.
    ///
    /// # Errors
    /// When there is one of that name, or it can't be started.
    pub async fn fake_portal(&self, name: &str, key: &KeyPlan) -> Result<FakePortal, TestbedError> {
        let pem = lock(&self.keys).key(key)?;
        let identity = pem.as_deref().map_or_else(TestIdentity::generate, TestIdentity::from_private_key_pem)?;
        if lock(&self.fakes).contains_key(name) {
            return Err(TestbedError::Exists { what: "fake Portal", name: name.to_owned() });
        }
        let Ground { profile, names, pki, trace, .. } = &*self.ground;
        let fake =
            FakePortal::start(name, &profile.zone, identity, pki, names, trace, Arc::downgrade(&self.fakes)).await?;
        if let Some(base) = &self.ground.base {
            fake.clock().set(base.now());
        }
        lock(&self.fakes).insert(name.to_owned(), fake.clone());
        Ok(fake)
    }

    /// Someone outside.
    pub fn outside(&self) -> &OutsideClient {
        &self.ground.outside
    }

    /// The clock of whoever is outside.
    pub fn clock(&self) -> &SettableClock {
        &self.ground.clock
    }

    /// What happened so far.
    pub fn trace(&self) -> &Trace {
        &self.ground.trace
    }

    /// Which name leads where.
    pub fn names(&self) -> &Names {
        &self.ground.names
    }

    /// The certificate authority.
    pub fn pki(&self) -> &Pki {
        &self.ground.pki
    }

    /// The values by which its Portals go.
    pub fn profile(&self) -> &Profile {
        &self.ground.profile
    }

    /// The Core under test.
    pub fn subject(&self) -> &Subject {
        &self.ground.subject
    }

    /// Ends everything in order: of each Portal its apps, its proxy, its Core. Nothing is left when it returns.
    ///
    /// # Errors
    /// When a Core does not stop; all others are ended nevertheless.
    pub async fn shutdown(self) -> Result<(), TestbedError> {
        self.stop().await
    }

    /// As [`Testbed::shutdown`], for those who share it.
    ///
    /// # Errors
    /// As there.
    pub async fn stop(&self) -> Result<(), TestbedError> {
        let fakes: Vec<_> = lock(&self.fakes).values().cloned().collect();
        let portals = self.portals();
        futures_util::future::join_all(fakes.iter().map(FakePortal::stop)).await;
        let ended = futures_util::future::join_all(portals.iter().map(Portal::shutdown)).await;
        self.names().links().end();
        ended.into_iter().collect()
    }

    async fn start_portals(&self, plans: Vec<PortalPlan>) -> Result<Vec<Portal>, TestbedError> {
        let before = lock(&self.portals).len();
        let mut orders = Vec::with_capacity(plans.len());
        for plan in plans {
            if lock(&self.portals).contains_key(&plan.name) {
                return Err(TestbedError::Exists { what: "Portal", name: plan.name });
            }
            let key = lock(&self.keys).key(&plan.key)?;
            let position = before + orders.len();
            let data = self.data.as_ref().map(|data| data.join(&plan.name));
            let (storage, alone, known_key) = (self.storage, self.alone, self.known_keys);
            orders.push(Order { plan, key, storage, data, alone, known_key, position });
        }
        let started = start::portals(&self.ground, orders).await?;
        lock(&self.portals).extend(started.iter().map(|portal| (portal.name().to_owned(), portal.clone())));
        Ok(started)
    }
}

/// Also when a test panics: handles that are left over don't keep anything running.
impl Drop for Testbed {
    fn drop(&mut self) {
        for portal in lock(&self.portals).values() {
            portal.end_now();
        }
        for fake in lock(&self.fakes).values() {
            fake.front().end_now();
        }
    }
}

/// Runs `work` until it is done or the process is interrupted (Ctrl-C). What `work` owns is then dropped in order.
///
/// # Errors
/// The work was interrupted.
pub async fn until_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Interrupted> {
    tokio::select! {
        done = work => Ok(done),
        Ok(()) = tokio::signal::ctrl_c() => Err(Interrupted),
    }
}

/// The user wants to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// How long something may take that normally takes no time.
pub const WAIT: Duration = echo_app::WAIT;

/// A clock that shows what this one does, or else the machine's.
fn fresh_clock(base: Option<&SettableClock>) -> SettableClock {
    let clock = SettableClock::running();
    if let Some(base) = base {
        clock.set(base.now());
    }
    clock
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
