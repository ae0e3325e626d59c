//! Cores that run already, one for each Portal. Scenarios take turns.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portal_core::clock::{Clock as _, SettableClock, SystemClock, unix_seconds};
use portal_core::profile::Profile;
use tokio::time::Instant;

use super::command::capabilities;
use super::descriptor::{Again, Descriptor, Hook, Limits, Running, Values};
use super::hooks::Hands;
use super::ready;
use super::surface::Surface;
use super::{Capabilities, CoreHandle, CoreKind, CorePlan, SubjectError};
use crate::testbed::connect_proxy::{ConnectLimits, ConnectProxy, ConnectProxyHandle};
use crate::testbed::names::Names;
use crate::testbed::pki::{Pki, PkiError};

/// Cores that run already.
pub(super) struct RunningKind(Arc<Place>);

struct Place {
    descriptor: Descriptor,
    running: Running,
    surface: Surface,
    run: Mutex<Run>,
}

#[derive(Default)]
struct Run {
    pki: Option<Pki>,
    /// Through which they all find their peers.
    proxy: Option<Arc<ConnectProxyHandle>>,
    /// Where they are, once that is known.
    all: Vec<SocketAddr>,
    free: Vec<SocketAddr>,
    /// One could not be cleaned: what comes after it would meet what was left.
    spoilt: Option<String>,
}

impl RunningKind {
    pub(super) fn new(descriptor: Descriptor, running: Running) -> RunningKind {
        let surface = Surface::of(&descriptor);
        RunningKind(Arc::new(Place { descriptor, running, surface, run: Mutex::default() }))
    }
}

impl Place {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where several share a proxy, all go the same ways.
    fn has_links(&self) -> bool {
        self.running.connect_proxy.is_some() && self.running.authorities.len() == 1
    }

    async fn proxy(&self, at: SocketAddr) -> Result<ConnectProxyHandle, SubjectError> {
        let failed = |error: std::io::Error| SubjectError::Start {
            portal: self.descriptor.name.clone(),
            why: format!("no CONNECT proxy at {at}, where `start.connect_proxy` wants it: {error}"),
        };
        let names = Names::new().map_err(failed)?;
        ConnectProxy::start_at(at, names, ConnectLimits::default()).await.map_err(failed)
    }

    async fn ready(&self, address: SocketAddr) -> Result<(), String> {
        let deadline = Instant::now() + self.running.ready.within;
        ready::wait(&self.surface, &self.running.ready, address, deadline).await
    }
}

#[async_trait]
impl CoreKind for RunningKind {
    fn descriptor(&self) -> Option<&Descriptor> {
        Some(&self.0.descriptor)
    }

    fn kind(&self) -> &'static str {
        "url"
    }

    fn capabilities(&self) -> Capabilities {
        // The testbed can't change what profile they were started with.
        Capabilities { profile: false, identity: false, links: self.0.has_links(), ..capabilities(&self.0.descriptor) }
    }

    fn trust(&self, pki: &Pki) {
        self.0.run().pki = Some(pki.clone());
    }

    fn limits(&self) -> Limits {
        Limits { parallel: Some(1), ..self.0.descriptor.limits }
    }

    fn authority(&self) -> Result<Option<Pki>, PkiError> {
        let mut run = self.0.run();
        if run.pki.is_none() {
            let clock = SettableClock::running();
            run.pki = Some(match &self.0.running.ca_file {
                Some(file) => Pki::kept(&clock, file)?,
                None => Pki::new(&clock)?,
            });
        }
        Ok(run.pki.clone())
    }

    async fn prepare(&self, _profile: Profile) -> Result<(), SubjectError> {
        let mut all = Vec::new();
        for authority in &self.0.running.authorities {
            let failed = |why: String| SubjectError::Start { portal: authority.clone(), why };
            let found = tokio::net::lookup_host(authority).await;
            let address = found.ok().and_then(|mut found| found.next());
            let address = address.ok_or_else(|| failed("there is no host of that name".to_owned()))?;
            self.0.ready(address).await.map_err(failed)?;
            all.push(address);
        }
        let proxy = match self.0.running.connect_proxy {
            Some(at) => Some(Arc::new(self.0.proxy(at).await?)),
            None => None,
        };
        let mut run = self.0.run();
        run.proxy = proxy;
        run.free = all.clone();
        run.all = all;
        Ok(())
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        let (address, proxy) = {
            let mut run = self.0.run();
            if let Some(why) = &run.spoilt {
                let why = why.clone();
                return Err(SubjectError::Hook { portal: plan.portal, why });
            }
            if run.free.is_empty() {
                return Err(SubjectError::TooFew(run.all.len()));
            }
            (run.free.remove(0), run.proxy.clone())
        };
        // One scenario at a time: all of its Portals go by the same names.
        if let Some(proxy) = &proxy {
            let names = if self.0.has_links() { plan.names.clone() } else { plan.names.whole() };
            match plan.position {
                0 => proxy.lend(names).await,
                _ => proxy.names().switch(names),
            }
        }
        let lent =
            Lent { place: Arc::clone(&self.0), portal: plan.portal, clock: plan.clock, address, told_time: false };
        Ok(Box::new(lent))
    }

    async fn finish(&self) {
        let run = std::mem::take(&mut *self.0.run());
        drop(run);
    }
}

impl fmt::Debug for RunningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningKind").field("name", &self.0.descriptor.name).finish_non_exhaustive()
    }
}

/// A Core that runs, lent to a scenario.
struct Lent {
    place: Arc<Place>,
    portal: String,
    clock: SettableClock,
    address: SocketAddr,
    told_time: bool,
}

impl Lent {
    async fn perform(&self, hook: &Hook) -> Result<(), SubjectError> {
        let hands = self.hands();
        let done = hands.insist(hook, hands.values(), self.address).await;
        done.map_err(|error| SubjectError::Hook { portal: self.portal.clone(), why: error.to_string() })
    }

    async fn by_hook(&self, again: Option<&Again>, what: &'static str) -> Result<(), SubjectError> {
        match again {
            Some(Again::Hook(hook)) => self.perform(hook).await,
            Some(Again::Process) | None => Err(SubjectError::Unsupported(what)),
        }
    }
}

#[async_trait]
impl CoreHandle for Lent {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn hands(&self) -> Hands {
        let mut values = Values::default();
        values.set("core", "address", self.address.to_string());
        values.set("core", "host", self.address.ip().to_string());
        values.set("core", "port", self.address.port().to_string());
        values.set("core", "data_dir", "");
        values.set("core", "portal", self.portal.clone());
        let proxy = self.place.running.connect_proxy.map(|at| format!("http://{at}"));
        values.set("names", "connect_proxy", proxy.unwrap_or_default());
        let ca_file = self.place.run().pki.as_ref().map(|pki| pki.ca_file().display().to_string());
        values.set("pki", "ca_file", ca_file.unwrap_or_default());
        values.set_group("profile", serde_json::to_value(&self.place.descriptor.profile).unwrap_or_default());
        values.set("identity", "private_key_pem", "");
        values.set("identity", "private_key_file", "");
        let (own, machine) = (unix_seconds(&self.clock), unix_seconds(&SystemClock));
        values.set("clock", "unix", own);
        values.set("clock", "offset", i64::try_from(own).unwrap_or(0) - i64::try_from(machine).unwrap_or(0));
        Hands::at(self.place.surface.clone(), values)
    }

    /// Where several share a proxy, nobody knows who asked.
    fn lookups(&self) -> Option<Vec<String>> {
        let run = self.place.run();
        run.proxy.as_ref().filter(|_| run.all.len() == 1).map(|proxy| proxy.hosts())
    }

    async fn stop(&mut self) -> Result<(), SubjectError> {
        Err(SubjectError::Unsupported("stopped: it was started by others"))
    }

    async fn kill(&mut self) -> Result<(), SubjectError> {
        self.by_hook(self.place.descriptor.state.kill.as_ref(), "killed").await
    }

    async fn start_again(&mut self) -> Result<(), SubjectError> {
        let ready = self.place.ready(self.address).await;
        ready.map_err(|why| SubjectError::Start { portal: self.portal.clone(), why })
    }

    async fn restart(&mut self) -> Result<(), SubjectError> {
        self.by_hook(self.place.descriptor.state.restart.as_ref(), "started again").await?;
        self.start_again().await
    }

    async fn clock_changed(&mut self) -> Result<(), SubjectError> {
        let hook = self.place.descriptor.state.set_clock.as_ref();
        let hook = hook.ok_or(SubjectError::Unsupported("set to another time"))?;
        self.told_time = true;
        self.perform(hook).await
    }

    async fn death(&self, patience: Duration) -> Option<String> {
        let connected =
            tokio::time::timeout(patience.max(Duration::from_secs(1)), tokio::net::TcpStream::connect(self.address));
        match connected.await {
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Some(format!("nobody listens at {} any more, where the Core of {} was", self.address, self.portal))
            }
            _ => None,
        }
    }

    fn is_kept(&self) -> bool {
        true
    }

    async fn end(&mut self, clean: bool) -> Result<(), SubjectError> {
        let mut back = clean;
        if self.told_time {
            self.clock.set(SystemClock.now());
            back &= self.clock_changed().await.is_ok();
        }
        let mut run = self.place.run();
        if back {
            run.free.push(self.address);
        } else {
            let what = "could not be cleaned after a scenario, and what was left would disturb all others";
            run.spoilt = Some(format!("the Core at {} {what}: describe with `state.reset` how to do it", self.address));
        }
        Ok(())
    }
}

/// One that was not given back as it should is not to be trusted.
impl Drop for Lent {
    fn drop(&mut self) {
        let mut run = self.place.run();
        if !run.free.contains(&self.address) && run.spoilt.is_none() && !run.all.is_empty() {
            run.spoilt = Some(format!("the Core at {} was left in the middle of a scenario", self.address));
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("portal", &self.portal).field("address", &self.address).finish_non_exhaustive()
    }
}
