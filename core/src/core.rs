//! A Core: put together, started, running, stopped.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    api,
    apps::Apps,
    clock::Clock,
    connect::Connect,
    doors::{Doors, Serving},
    headers::PortalFacts,
    identity::{Description, Identity, IdentityError, KeyKind, PortalId},
    keys::Keys,
    limits::Limits,
    observe::Observe,
    parts::{Around, Parts},
    peers::Peers,
    places::Places,
    profile::{Profile, ProfileError},
    refusal::Refusal,
    replay::{ReplayLimits, ReplayMemory, StoredReplayMemory},
    resolve::Resolve,
    rfc9421,
    server::{Listening, Surface},
    store::{Store, StoreError},
    tasks::Tasks,
    terminals::Terminals,
    tls,
    transport::{HttpsTransport, Transport},
    way_out::WayOut,
};

/// Puts a Core together; see [`Core::builder`].
#[derive(Debug, Default)]
pub struct CoreBuilder {
    parts: Parts,
    identity: Option<Identity>,
    key_kind: KeyKind,
    description: Description,
}

/// A Core that is put together and not started yet.
#[derive(Debug)]
pub struct Core {
    running: Arc<Running>,
    transport: HttpsTransport,
}

/// A Core that runs. Dropping it ends everything at once; [`RunningCore::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct RunningCore {
    running: Arc<Running>,
    transport: HttpsTransport,
    address: SocketAddr,
}

/// A Core could not be put together.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The identity can't be read or made.
    #[error("identity: {0}")]
    Identity(#[from] IdentityError),
    /// The profile can't be used.
    #[error("profile: {0}")]
    Profile(#[from] ProfileError),
    /// State can't be read.
    #[error("state: {0}")]
    State(#[from] StoreError),
    /// TLS can't be set up.
    #[error("TLS: {0}")]
    Tls(#[from] tls::TlsError),
}

/// What a running Core consists of.
pub(crate) struct Running {
    pub(crate) parts: Parts,
    pub(crate) limits: Arc<Limits>,
    pub(crate) identity: Identity,
    pub(crate) policy: rfc9421::Policy,
    pub(crate) peers: Arc<Peers>,
    pub(crate) terminals: Arc<Terminals>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) places: Arc<Places>,
    pub(crate) facts: PortalFacts,
    pub(crate) replay: Arc<dyn ReplayMemory>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) keys: Keys,
    pub(crate) doors: Doors,
    pub(crate) tasks: Tasks,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("id", self.identity.id()).finish_non_exhaustive()
    }
}

impl Core {
    /// Starts with the parts of the contract, state in memory and a new identity.
    #[must_use]
    pub fn builder() -> CoreBuilder {
        CoreBuilder::default()
    }

    /// Who this Portal is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.running.identity
    }

    /// Opens the doors of installed apps and answers on `listener`.
    ///
    /// # Errors
    /// When a door can't be opened.
    pub async fn serve(self, listener: TcpListener) -> io::Result<RunningCore> {
        let Core { running, transport } = self;
        let address = listener.local_addr()?;
        let started = RunningCore { running: running.clone(), transport: transport.clone(), address };
        // Doors that had a port get it back before any other door is given one.
        let mut apps = running.apps.list();
        apps.sort_by_key(|app| running.places.find(app.name()).door_port.is_none());
        for app in apps {
            running.open_door(app.name()).await?;
        }
        let listening = Listening {
            listener,
            door: None,
            surface: Running::surface(&running, api::Main::new(running.clone())),
            limits: running.limits.clone(),
            tasks: running.tasks.clone(),
            title_case_fields: running.parts.title_case_fields,
            closed: CancellationToken::new(),
        };
        running.tasks.spawn(listening.accept());
        let upkeep = running.clone();
        running.tasks.spawn(async move { upkeep.keys.keep_up(&upkeep, &transport).await });
        Ok(started)
    }
}

impl RunningCore {
    /// The address of the main listener.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The Portal's ID.
    #[must_use]
    pub fn id(&self) -> &PortalId {
        self.running.identity.id()
    }

    /// Who this Portal is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.running.identity
    }

    /// The address of an app's door.
    #[must_use]
    pub fn door(&self, app: &str) -> Option<SocketAddr> {
        self.running.doors.address(app)
    }

    /// Stops accepting, lets requests in flight finish for as long as the limits allow, and ends every task.
    pub async fn shutdown(self) {
        self.transport.close();
        self.running.tasks.shutdown(self.running.limits.shutdown).await;
    }
}

impl Drop for RunningCore {
    fn drop(&mut self) {
        self.transport.close();
        self.running.tasks.abort();
    }
}

impl Running {
    /// Puts what the builder was given around a surface.
    fn surface(running: &Arc<Running>, inner: impl Surface + 'static) -> Arc<dyn Surface> {
        Around::put_around(&running.parts.around_surface, Arc::new(inner))
    }

    /// Opens the door of an app, if it isn't open.
    pub(crate) async fn open_door(self: &Arc<Self>, app: &str) -> io::Result<SocketAddr> {
        let port = self.places.find(app).door_port;
        let serving = Serving {
            surface: Running::surface(self, api::Door::new(self.clone())),
            limits: self.limits.clone(),
            tasks: self.tasks.clone(),
            title_case_fields: self.parts.title_case_fields,
        };
        let address = self.doors.open(app, port, serving).await?;
        let (core, name) = (self.clone(), app.to_owned());
        let remember = move || Ok(core.places.remember_door(&name, address.port())?);
        self.blocking(remember).await.map_err(io::Error::other)?;
        Ok(address)
    }

    /// Does what may wait for a disk where that holds nobody up.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        if !self.parts.store.is_on_disk() {
            return work();
        }
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(Refusal::StoreFailed))
    }
}

impl CoreBuilder {
    /// The Portal's identity. Without one it is taken from the store, or made and stored.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The kind of key that a new identity gets.
    #[must_use]
    pub fn key_kind(mut self, kind: KeyKind) -> Self {
        self.key_kind = kind;
        self
    }

    /// How the Portal introduces itself.
    #[must_use]
    pub fn description(mut self, description: Description) -> Self {
        self.description = description;
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.parts.clock = Arc::new(clock);
        self
    }

    /// What keeps the state.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.parts.store = Arc::new(store);
        self
    }

    /// Zone, ports, what a signature covers.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.parts.profile = profile;
        self
    }

    /// Limits on what comes from outside.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.parts.limits = limits;
        self
    }

    /// What looks up the names of peers.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.parts.resolver = Arc::new(resolver);
        self
    }

    /// Straight to peers, or through a proxy of the network.
    #[must_use]
    pub fn way_out(mut self, way_out: WayOut) -> Self {
        self.parts.way_out = way_out;
        self
    }

    /// How peers' proxies are connected to; trust roots above all.
    #[must_use]
    pub fn tls(mut self, tls: impl Into<Arc<rustls::ClientConfig>>) -> Self {
        self.parts.tls = Some(tls.into());
        self
    }

    /// What gets told what happens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observe + 'static) -> Self {
        self.parts.observer = Arc::new(observer);
        self
    }

    /// Changes any of the parts: `builder.replace(|parts| parts.decide = Arc::new(Mine))`.
    #[must_use]
    pub fn replace(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(&mut self.parts);
        self
    }

    /// Puts something around the part that sends requests to peers.
    #[must_use]
    pub fn around_transport(
        mut self,
        around: impl Fn(Arc<dyn Transport>) -> Arc<dyn Transport> + Send + Sync + 'static,
    ) -> Self {
        self.parts.around_transport.push(Around::new(around));
        self
    }

    /// Puts something around everything that answers HTTP, doors and main listener alike.
    #[must_use]
    pub fn around_surface(
        mut self,
        around: impl Fn(Arc<dyn Surface>) -> Arc<dyn Surface> + Send + Sync + 'static,
    ) -> Self {
        self.parts.around_surface.push(Around::new(around));
        self
    }

    /// Reads the state and puts the Core together.
    ///
    /// # Errors
    /// When the state can't be read, or no identity or TLS configuration can be made.
    pub fn build(self) -> Result<Core, BuildError> {
        let CoreBuilder { parts, identity, key_kind, description } = self;
        let identity = match identity {
            Some(identity) => identity,
            None => Identity::load_or_generate(&*parts.store, key_kind, description)?,
        };
        let tls = match &parts.tls {
            Some(tls) => tls.clone(),
            None => tls::system_roots(parts.clock.clone(), &[])?,
        };
        let limits = Arc::new(parts.limits.with_profile(&parts.profile));
        let tasks = Tasks::default();
        let connect = Connect::new(parts.resolver.clone(), &tls, limits.timeouts).through(parts.way_out.clone());
        let https = HttpsTransport::new(connect, limits.timeouts, parts.clock.clone(), tasks.clone())
            .title_case_fields(parts.title_case_fields);
        let transport = Around::put_around(&parts.around_transport, Arc::new(https.clone()));
        let store = &parts.store;
        let replay = match &parts.replay {
            Some(replay) => replay.clone(),
            None => {
                let keep_seconds = parts.profile.window_seconds.saturating_add(2 * parts.profile.skew_seconds);
                let limits = ReplayLimits { keep_seconds, ..ReplayLimits::default() };
                Arc::new(StoredReplayMemory::open(store.clone(), limits)?)
            }
        };
        let short_id = identity.id().short();
        let facts = PortalFacts {
            domain: parts.profile.authority(short_id),
            id: identity.id().to_string(),
            short_id: short_id.to_owned(),
            public_key_pem: identity.public_key_pem().to_owned(),
        };
        let cookie_seconds = parts.profile.cookie_seconds;
        let terminals = Terminals::open(store.clone(), parts.clock.clone(), identity.id().clone(), cookie_seconds)?;
        let running = Running {
            policy: parts.profile.signature_policy()?,
            peers: Arc::new(Peers::open(store.clone(), identity.id().clone(), parts.peer_key.clone())?),
            terminals: Arc::new(terminals),
            apps: Arc::new(Apps::open(store.clone())?),
            places: Arc::new(Places::open(store.clone())?),
            keys: Keys::default(),
            doors: Doors::new(parts.doors),
            facts,
            limits,
            identity,
            replay,
            transport,
            tasks,
            parts,
        };
        Ok(Core { running: Arc::new(running), transport: https })
    }
}
