//! The compact Core, within this process.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portal_core::core::{Core, CoreBuilder, RunningCore};
use portal_core::identity::{Description, Identity, KeyKind};
use portal_core::limits::Limits;
use portal_core::profile::Profile;
use portal_core::rfc9421::{Algorithm, SigningKey};
use portal_core::store::{MemoryStore, RedbStore, Store, StoreError};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::descriptor::Values;
use super::hooks::Hands;
use super::ice::Ice;
use super::observed::{Bases, Lookups};
use super::surface::Surface;
use super::{Capabilities, CoreHandle, CoreKind, CorePlan, Storage, SubjectError};
use crate::logged;

/// How long a file may stay locked by a Core that was killed.
const UNLOCK: Duration = Duration::from_secs(10);

/// Changes the parts of a Core before it is built.
pub(super) type Change = dyn Fn(CoreBuilder) -> CoreBuilder + Send + Sync;

/// The compact Core, perhaps with other parts.
pub(super) struct Builtin {
    change: Arc<Change>,
    profile: Profile,
}

impl Builtin {
    pub(super) fn new(change: impl Fn(CoreBuilder) -> CoreBuilder + Send + Sync + 'static) -> Builtin {
        Builtin { change: Arc::new(change), profile: Profile::default() }
    }

    /// The same by other values.
    pub(super) fn by(self, profile: Profile) -> Builtin {
        Builtin { profile, ..self }
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builtin")
    }
}

#[async_trait]
impl CoreKind for Builtin {
    fn name(&self) -> String {
        "portal-core".to_owned()
    }

    fn version(&self) -> Option<String> {
        Some(env!("CARGO_PKG_VERSION").to_owned())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            clock: true,
            identity: true,
            restart: true,
            kill: true,
            freeze: true,
            rotate: true,
            doors: true,
            source_addresses: true,
            callers: true,
            signature_bases: true,
            names: true,
            links: true,
            profile: true,
            logs: logged::is_on(),
        }
    }

    fn profile(&self) -> Profile {
        self.profile.clone()
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        let state = match (&plan.data, plan.storage) {
            (Some(folder), _) => {
                std::fs::create_dir_all(folder).map_err(|error| not_started(&plan, error))?;
                State::Kept(folder.clone())
            }
            (None, Storage::Memory) => State::Memory(MemoryStore::new()),
            (None, Storage::Disk) => {
                let folder = tempfile::Builder::new().prefix("countersign-core-").tempdir();
                let no_room = |error: std::io::Error| SubjectError::NoRoom {
                    portal: plan.portal.clone(),
                    why: error.to_string(),
                };
                State::Disk(folder.map_err(no_room)?)
            }
        };
        let lookups = Lookups::new(plan.names.clone());
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut core = BuiltinCore {
            change: Arc::clone(&self.change),
            plan,
            state,
            lookups,
            logged_from: logged::position(),
            running: None,
            address: nowhere,
            ice: Ice::default(),
            first_key: None,
        };
        core.keep_identity().await?;
        core.start_again().await?;
        Ok(Box::new(core))
    }
}

/// What outlives a Core that is stopped.
#[derive(Debug)]
enum State {
    Memory(MemoryStore),
    Disk(TempDir),
    Kept(PathBuf),
}

struct BuiltinCore {
    change: Arc<Change>,
    plan: CorePlan,
    lookups: Lookups,
    /// Where the log was when it was first started.
    logged_from: usize,
    // Before the state: a Core on disk lets go of its file first.
    running: Option<RunningCore>,
    state: State,
    address: SocketAddr,
    ice: Ice,
    /// The one that it had before it was given another.
    first_key: Option<Identity>,
}

impl BuiltinCore {
    /// Puts the key that the topology fixes into the state; from there on the Core finds it by itself.
    async fn keep_identity(&self) -> Result<(), SubjectError> {
        let Some(identity) = &self.plan.identity else { return Ok(()) };
        let failed = |error: &dyn fmt::Display| not_started(&self.plan, error);
        let key = SigningKey::from_pem(identity.private_key_pem()).map_err(|error| failed(&error))?;
        let identity = Identity::from_key(key, self.description()).map_err(|error| failed(&error))?;
        identity.save(&*self.store().await?).map_err(|error| failed(&error))
    }

    fn description(&self) -> Description {
        Description { name: self.plan.portal.clone(), ..Description::default() }
    }

    async fn store(&self) -> Result<Arc<dyn Store>, SubjectError> {
        let folder = match &self.state {
            State::Memory(store) => return Ok(Arc::new(store.clone())),
            State::Disk(folder) => folder.path(),
            State::Kept(folder) => folder,
        };
        // The tasks of a Core that was killed let go of the file one after the other.
        let deadline = tokio::time::Instant::now() + UNLOCK;
        loop {
            match RedbStore::open(&folder.join("core.redb")) {
                Ok(store) => return Ok(Arc::new(store)),
                Err(StoreError::Open { .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::task::yield_now().await
                }
                Err(error) => return Err(not_started(&self.plan, error)),
            }
        }
    }
}

#[async_trait]
impl CoreHandle for BuiltinCore {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn hands(&self) -> Hands {
        Hands::at(Surface::default(), Values::default())
    }

    fn lookups(&self) -> Option<Vec<String>> {
        Some(self.lookups.hosts())
    }

    fn logged(&self) -> Option<Vec<String>> {
        logged::is_on().then(|| logged::since(self.logged_from))
    }

    async fn stop(&mut self) -> Result<(), SubjectError> {
        self.ice.freeze(false);
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
        Ok(())
    }

    async fn kill(&mut self) -> Result<(), SubjectError> {
        self.running.take();
        Ok(())
    }

    async fn freeze(&mut self) -> Result<(), SubjectError> {
        self.ice.freeze(true);
        Ok(())
    }

    async fn thaw(&mut self) -> Result<(), SubjectError> {
        self.ice.freeze(false);
        Ok(())
    }

    async fn rotate_key(&mut self) -> Result<(), SubjectError> {
        self.stop().await?;
        let failed = |error: &dyn fmt::Display| not_started(&self.plan, error);
        let store = self.store().await?;
        let first = Identity::load(&*store).map_err(|error| failed(&error))?;
        let other = Identity::generate(key_kind(&self.plan.profile), self.description());
        other.and_then(|other| other.save(&*store)).map_err(|error| failed(&error))?;
        drop(store);
        self.first_key = self.first_key.take().or(first);
        self.start_again().await
    }

    async fn restore_key(&mut self) -> Result<(), SubjectError> {
        self.stop().await?;
        if let Some(first) = self.first_key.take() {
            first.save(&*self.store().await?).map_err(|error| not_started(&self.plan, error))?;
        }
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<(), SubjectError> {
        if self.running.is_some() {
            return Err(not_started(&self.plan, "it runs"));
        }
        self.ice.freeze(false);
        let failed = |error: &dyn fmt::Display| not_started(&self.plan, error);
        let store = self.store().await?;
        let bases = Bases { portal: self.plan.portal.clone(), trace: self.plan.trace.clone() };
        let builder = Core::builder()
            .description(self.description())
            .key_kind(key_kind(&self.plan.profile))
            .clock(self.plan.clock.clone())
            .profile(self.plan.profile.clone())
            .limits(limits())
            .resolver(self.lookups.clone())
            .tls(Arc::clone(&self.plan.tls))
            .observer(bases)
            .replace(|parts| parts.store = store);
        let ice = self.ice.clone();
        let builder = (self.change)(builder).around_surface(move |within| ice.around(within));
        let core = builder.build().map_err(|error| failed(&error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed(&error))?;
        let running = core.serve(listener).await.map_err(|error| failed(&error))?;
        self.address = running.address();
        self.running = Some(running);
        Ok(())
    }
}

impl fmt::Debug for BuiltinCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BuiltinCore");
        shown.field("portal", &self.plan.portal).field("address", &self.address);
        shown.field("runs", &self.running.is_some()).finish_non_exhaustive()
    }
}

/// A key that its peers accept.
fn key_kind(profile: &Profile) -> KeyKind {
    match profile.accepts(Algorithm::Ed25519) {
        true => KeyKind::Ed25519,
        false => KeyKind::RsaPss { bits: 2048 },
    }
}

/// Everybody is on this machine: who has not connected within two seconds will not.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.timeouts.connect = Duration::from_secs(2);
    limits.timeouts.handshake = Duration::from_secs(2);
    limits.key_fetch = Duration::from_secs(3);
    limits.key_retry = Duration::from_millis(500);
    limits.shutdown = Duration::from_secs(5);
    limits
}

fn not_started(plan: &CorePlan, why: impl fmt::Display) -> SubjectError {
    SubjectError::Start { portal: plan.portal.clone(), why: why.to_string() }
}
