//! A simulated Portal: a proxy, the Core under test behind it, and apps.

mod api;
mod apps;
mod clean;
mod faults;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use portal_core::clock::SettableClock;
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;

use super::app::{App, AppPieces, known};
use super::client::OutsideClient;
use super::echo_app::EchoApp;
use super::error::TestbedError;
use super::front::Front;
use super::names::{Names, Target};
use super::pki::CertificateKind;
use super::proxy::Upstreams;
use crate::containers::seat::Seat;
use crate::subject::command::own_ip;
use crate::subject::descriptor::Recognition;
use crate::subject::hooks::Hands;
use crate::subject::{CoreHandle, SubjectError};
use crate::topology::AppPlan;
use crate::trace::Trace;

pub(crate) use api::session_cookie;
pub use api::{Forwarded, Terminal};

/// A Portal. Cheap to clone: all clones are the same Portal.
#[derive(Debug, Clone)]
pub struct Portal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    about: About,
    // In the order in which they go: apps, proxy, Core.
    apps: Mutex<BTreeMap<String, App>>,
    proxy: Mutex<Option<Front>>,
    /// None once the testbed is gone.
    core: AsyncMutex<Option<Box<dyn CoreHandle>>>,
    hands: Mutex<Hands>,
    upstreams: Upstreams,
    nobody: SocketAddr,
    names: Names,
    trace: Trace,
    outside: OutsideClient,
    /// The name of the terminals' cookie.
    cookie: String,
}

/// What is known of a Portal from its start on.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) public_key_pem: String,
    pub(super) domain: String,
    pub(super) clock: SettableClock,
    pub(super) address: SocketAddr,
    pub(super) plain_address: SocketAddr,
}

/// What a Portal is put together from.
pub(super) struct Pieces {
    pub(super) about: About,
    pub(super) proxy: Front,
    pub(super) core: Box<dyn CoreHandle>,
    pub(super) names: Names,
    pub(super) trace: Trace,
    pub(super) outside: OutsideClient,
    /// Where nobody listens.
    pub(super) nobody: SocketAddr,
    /// The name of the terminals' cookie.
    pub(super) cookie: String,
}

impl Portal {
    pub(super) fn new(pieces: Pieces) -> Portal {
        let Pieces { about, proxy, core, names, trace, outside, nobody, cookie } = pieces;
        let upstreams = proxy.upstreams().clone();
        let hands = Mutex::new(core.hands());
        let inner = Inner {
            about,
            apps: Mutex::default(),
            proxy: Mutex::new(Some(proxy)),
            core: AsyncMutex::new(Some(core)),
            hands,
            upstreams,
            nobody,
            names,
            trace,
            outside,
            cookie,
        };
        Portal { inner: Arc::new(inner) }
    }

    /// Its name in the testbed; also the name that it gives itself.
    pub fn name(&self) -> &str {
        &self.inner.about.name
    }

    /// Its ID.
    pub fn id(&self) -> &str {
        &self.inner.about.id
    }

    /// The first six characters of its ID.
    pub fn short_id(&self) -> &str {
        &self.inner.about.id[..6]
    }

    /// Its public key, as its Core tells it.
    pub fn public_key_pem(&self) -> &str {
        &self.inner.about.public_key_pem
    }

    /// `<short id>.<zone>`.
    pub fn domain(&self) -> &str {
        &self.inner.about.domain
    }

    /// Its domain with the public port, where that is not 443: what its apps know as `portal.domain`.
    pub fn public_domain(&self) -> String {
        self.inner.outside.authority(self.domain())
    }

    /// The host name of an app, whether there is one or not.
    pub fn host_of(&self, app: &str) -> String {
        format!("{app}.{}", self.domain())
    }

    /// Its clock: that of its Core, and of TLS on both sides.
    pub fn clock(&self) -> &SettableClock {
        &self.inner.about.clock
    }

    /// Where its proxy serves HTTPS.
    pub fn proxy_address(&self) -> SocketAddr {
        self.inner.about.address
    }

    /// Where its proxy is reached in plain HTTP.
    pub fn plain_address(&self) -> SocketAddr {
        self.inner.about.plain_address
    }

    /// Where its Core listens now.
    pub fn core_address(&self) -> SocketAddr {
        self.inner.upstreams.core()
    }

    /// An app.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn app(&self, name: &str) -> Result<App, TestbedError> {
        known(self.apps().get(name).cloned(), name)
    }

    /// All apps, by name.
    pub fn all_apps(&self) -> Vec<App> {
        self.apps().values().cloned().collect()
    }

    /// Installs an app and starts it, or changes the manifest of one that is there.
    ///
    /// # Errors
    /// When the Core refuses the manifest; see [`Portal::put_manifest`] where that is what is tested.
    pub async fn install(&self, plan: &AppPlan) -> Result<App, TestbedError> {
        self.install_at(plan, None).await
    }

    /// Installs an app whose container has this address.
    ///
    /// # Errors
    /// As [`Portal::install`].
    pub async fn install_at(&self, plan: &AppPlan, address: Option<std::net::IpAddr>) -> Result<App, TestbedError> {
        let app = self.start_app(&plan.name).await?;
        let what = format!("installing {} on {}", plan.name, self.name());
        let reply = self.put_manifest(&plan.name, &plan.manifest, address).await?;
        TestbedError::expect(&what, &[200, 201], reply)?;
        Ok(app)
    }

    /// The app of that name: it runs from now on, but is perhaps not installed.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub async fn start_app(&self, name: &str) -> Result<App, TestbedError> {
        if let Some(app) = self.apps().get(name) {
            return Ok(app.clone());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let echo = EchoApp::start(self.name(), name, listener, self.inner.trace.clone())?;
        let app = App::new(AppPieces {
            portal: self.name(),
            host: self.host_of(name),
            echo,
            upstreams: self.inner.upstreams.clone(),
            surface: self.hands().surface().clone(),
            trace: self.inner.trace.clone(),
        });
        if self.hands().surface().apps.recognition == Recognition::SourceAddress {
            match self.seat(name).await? {
                Some(seat) => app.set_seat(seat),
                None => app.set_source(own_ip()?),
            }
        }
        let app = self.apps().entry(name.to_owned()).or_insert(app).clone();
        if let Some(proxy) = &*self.proxy() {
            proxy.add_app(app.echo());
        }
        Ok(app)
    }

    /// Where whoever goes by that name sits in the network of its Core, if that is not this machine's.
    pub(super) async fn seat(&self, whose: &str) -> Result<Option<Seat>, TestbedError> {
        match &mut *self.inner.core.lock().await {
            Some(core) => Ok(core.seat(whose).await?),
            None => Ok(None),
        }
    }

    /// Stops an app without uninstalling it: its proxy finds nobody there.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn stop_app(&self, name: &str) -> Result<(), TestbedError> {
        let app = self.app(name)?;
        app.echo().stop().await;
        if let Some(proxy) = &*self.proxy() {
            proxy.empty_app(name, self.inner.nobody);
        }
        Ok(())
    }

    /// Stops the Core in its own time; its proxy finds nobody there.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop_core(&self) -> Result<(), TestbedError> {
        self.inner.upstreams.set_core(self.inner.nobody);
        Ok(self.core(|core| core.stop()).await?)
    }

    /// Ends the Core at once, as a power cut would.
    ///
    /// # Errors
    /// When it can't be.
    pub async fn kill_core(&self) -> Result<(), TestbedError> {
        self.inner.upstreams.set_core(self.inner.nobody);
        Ok(self.core(|core| core.kill()).await?)
    }

    /// Starts the Core again with the state that it had. Apps find their doors where they are now.
    ///
    /// # Errors
    /// When it does not come up, or is another one than before.
    pub async fn start_core(&self) -> Result<(), TestbedError> {
        self.core(|core| core.start_again()).await?;
        self.find_core().await
    }

    /// Stops the Core and starts it again.
    ///
    /// # Errors
    /// As [`Portal::stop_core`] and [`Portal::start_core`].
    pub async fn restart_core(&self) -> Result<(), TestbedError> {
        self.inner.upstreams.set_core(self.inner.nobody);
        self.core(|core| core.restart()).await?;
        self.find_core().await
    }

    /// Tells the Core that its clock shows another time.
    ///
    /// # Errors
    /// When it can't be told.
    pub async fn clock_changed(&self) -> Result<(), TestbedError> {
        Ok(self.core(|core| core.clock_changed()).await?)
    }

    /// How the Core ended, with the end of its log, where nobody had told it to end. It may take that long to be seen.
    pub async fn death(&self, patience: Duration) -> Option<String> {
        self.inner.core.lock().await.as_ref()?.death(patience).await
    }

    /// What it takes to do something to its Core.
    pub(crate) fn hands(&self) -> Hands {
        self.inner.hands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The Core was started: it listens elsewhere, and so do the doors of apps.
    async fn find_core(&self) -> Result<(), TestbedError> {
        self.find_core_as(Some(self.id())).await.map(drop)
    }

    /// The same where it has this ID; none where it is another one than before. The ID that it has.
    async fn find_core_as(&self, id: Option<&str>) -> Result<String, TestbedError> {
        let (address, hands) = self.core(|core| Box::pin(async { Ok((core.address(), core.hands())) })).await?;
        self.inner.upstreams.set_core(address);
        *self.inner.hands.lock().unwrap_or_else(PoisonError::into_inner) = hands.clone();
        let found = super::start::who_are_you(self.name(), &hands, address).await?;
        if let Some(expected) = id.filter(|id| *id != found.id) {
            let (portal, expected) = (self.name().to_owned(), expected.to_owned());
            return Err(TestbedError::WrongInstance { portal, expected, found: found.id });
        }
        self.find_doors().await?;
        Ok(found.id)
    }

    /// The hosts that its Core looked up so far, in order; none where that can't be told.
    pub async fn lookups(&self) -> Option<Vec<String>> {
        self.inner.core.lock().await.as_ref()?.lookups()
    }

    /// What its Core logged, line by line; none where that can't be read.
    pub async fn logged(&self) -> Option<Vec<String>> {
        self.inner.core.lock().await.as_ref()?.logged()
    }

    /// From now on nobody is where its name leads, and connections that others have to it are gone.
    pub async fn leave(&self) {
        self.inner.names.insert(self.domain(), Target::Refused);
        self.end_connections().await;
    }

    /// From now on nobody answers where its name leads, and connections that others have to it are gone.
    pub async fn fall_silent(&self) {
        self.inner.names.insert(self.domain(), Target::BlackHole);
        self.end_connections().await;
    }

    /// Its name leads to it, as from the beginning.
    pub fn come_back(&self) {
        self.inner.names.insert_address(self.domain(), self.proxy_address());
    }

    /// Its proxy shows a certificate of this kind from now on; connections from before are gone.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn present(&self, certificate: CertificateKind) -> Result<(), TestbedError> {
        match &*self.proxy() {
            Some(proxy) => {
                let tls = proxy
                    .tls()
                    .ok_or(SubjectError::Unsupported("given another certificate: its proxy is tested too"))?;
                tls.show(certificate)?;
            }
            None => return Err(TestbedError::Unknown { what: "running proxy", name: self.name().to_owned() }),
        }
        self.end_connections().await;
        Ok(())
    }

    pub(super) async fn end_connections(&self) {
        let ending = self.proxy().as_ref().map(Front::end_connections);
        if let Some(ending) = ending {
            ending.await;
        }
    }

    /// Tears it down in order: apps, proxy, Core.
    pub(super) async fn shutdown(&self) -> Result<(), TestbedError> {
        // What is frozen can't be cleaned, nor stop in its own time.
        let _ = self.thaw_core().await;
        for app in self.all_apps() {
            app.echo().stop().await;
        }
        let proxy = self.proxy().take();
        if let Some(proxy) = proxy {
            proxy.shutdown().await;
        }
        let kept = self.inner.core.lock().await.as_ref().is_some_and(|core| core.is_kept());
        let clean = match kept {
            true => {
                self.clean().await.map_err(|error| tracing::info!("{} is not used again: {error}", self.name())).is_ok()
            }
            false => false,
        };
        Ok(self.core(|core| core.end(clean)).await?)
    }

    /// Ends everything at once, whoever still has a handle.
    pub(super) fn end_now(&self) {
        for app in self.all_apps() {
            app.echo().end_now();
        }
        drop(self.proxy().take());
        if let Ok(mut core) = self.inner.core.try_lock() {
            core.take();
        }
    }

    async fn core<T>(
        &self,
        act: impl for<'c> FnOnce(&'c mut Box<dyn CoreHandle>) -> BoxFuture<'c, Result<T, SubjectError>>,
    ) -> Result<T, SubjectError> {
        match &mut *self.inner.core.lock().await {
            Some(core) => act(core).await,
            None => Err(SubjectError::Start { portal: self.name().to_owned(), why: "its testbed is gone".to_owned() }),
        }
    }

    fn proxy(&self) -> MutexGuard<'_, Option<Front>> {
        self.inner.proxy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apps(&self) -> MutexGuard<'_, BTreeMap<String, App>> {
        self.inner.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
