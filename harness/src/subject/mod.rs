//! The Core under test: how one is started, stopped and started again for a Portal. All else goes over HTTP.

mod builtin;
mod capabilities;
pub(crate) mod command;
pub mod descriptor;
pub mod hooks;
mod ice;
mod mixed;
pub mod namespace;
mod observed;
mod places;
pub mod proxy;
mod ready;
mod receive;
mod running;
pub mod surface;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portal_core::clock::SettableClock;
use portal_core::core::CoreBuilder;
use portal_core::profile::{Profile, Shipped};

pub use self::capabilities::Capabilities;
pub use self::mixed::MixError;
pub use self::places::{Place, PlaceError};
pub use self::receive::Receive;

use self::descriptor::{Descriptor, Limits, Start};
use self::hooks::Hands;
use self::mixed::Mixed;
use self::proxy::ProxySubject;
use crate::containers::seat::Seat;
use crate::testbed::faults::{Faults, Way};
use crate::testbed::identity::TestIdentity;
use crate::testbed::names::Names;
use crate::testbed::pki::{Pki, PkiError};
use crate::trace::Trace;

/// A Core under test. Cheap to clone.
#[derive(Clone)]
pub struct Subject {
    kind: Arc<dyn CoreKind>,
    mixed: Option<Mixed>,
    faults: Faults,
    off: Arc<BTreeMap<String, String>>,
    given: Arc<str>,
    proxy: Option<ProxySubject>,
    receive: Receive,
}

impl Subject {
    /// The compact Core of this project, behind proxies as they should be.
    pub fn builtin() -> Subject {
        Subject::builtin_with(|builder| builder, Faults::NONE)
    }

    /// The compact Core as `change` puts it together, behind proxies with these faults. For mutants above all.
    pub fn builtin_with(
        change: impl Fn(CoreBuilder) -> CoreBuilder + Send + Sync + 'static,
        faults: impl Into<Faults>,
    ) -> Subject {
        Subject { faults: faults.into(), ..Subject::new(builtin::Builtin::new(change)) }
    }

    /// The compact Core by a profile that ships, without what that turns off.
    pub fn builtin_by(profile: Shipped) -> Subject {
        let Shipped { values, off, .. } = profile;
        Subject::new(builtin::Builtin::new(|builder| builder).by(values)).without(off)
    }

    /// The Core that a descriptor describes, behind the proxy that it describes, or those of the testbed.
    pub fn described(descriptor: Descriptor) -> Subject {
        let proxy = ProxySubject::of(&descriptor);
        let off = Shipped::named(&descriptor.profile_name).map(|shipped| shipped.off).unwrap_or_default();
        let subject = match descriptor.start.clone() {
            Start::BuiltIn => Subject::new(builtin::Builtin::new(|builder| builder).by(descriptor.profile)),
            Start::Command(command) => Subject::new(command::CommandKind::new(descriptor, *command)),
            Start::Running(running) => Subject::new(running::RunningKind::new(descriptor, running)),
        };
        Subject { proxy, ..subject.without(off) }
    }

    /// Another kind of Core, behind proxies as they should be.
    pub fn new(kind: impl CoreKind + 'static) -> Subject {
        Subject {
            kind: Arc::new(kind),
            mixed: None,
            faults: Faults::NONE,
            off: Arc::default(),
            given: Arc::from(""),
            proxy: None,
            receive: Receive::Edge,
        }
    }

    /// Several Cores in one testbed: the Portals of a scenario take them in turn.
    ///
    /// # Errors
    /// When they can't be in one testbed.
    pub fn mixed(members: Vec<(String, Subject)>) -> Result<Subject, MixError> {
        if let Some((name, _)) = members.iter().find(|(_, subject)| subject.proxy.is_some()) {
            return Err(MixError::Proxy(name.clone()));
        }
        // What one of them need not do can't be asked of a testbed in which it is.
        let off = members.iter().flat_map(|(_, subject)| (*subject.off).clone()).collect();
        let members = members.into_iter().map(|(name, subject)| (name, subject.kind)).collect();
        let mixed = Mixed::new(members)?;
        Ok(Subject { mixed: Some(mixed.clone()), ..Subject::new(mixed) }.without(off))
    }

    /// What the rotations of several Cores are called; none where there is one Core.
    pub fn rotations(&self) -> Vec<String> {
        self.mixed.as_ref().map(Mixed::rotations).unwrap_or_default()
    }

    /// The same in another rotation.
    #[must_use]
    pub fn turned(&self, rotation: usize) -> Subject {
        match &self.mixed {
            Some(mixed) => Subject { kind: Arc::new(mixed.turned(rotation)), ..self.clone() },
            None => self.clone(),
        }
    }

    /// The same Core behind proxies with these faults.
    #[must_use]
    pub fn with_faults(mut self, faults: impl Into<Faults>) -> Subject {
        self.faults = faults.into();
        self
    }

    /// The same Core, of which these requirements are not asked, each for a reason: those that its profile turns off.
    #[must_use]
    pub fn without(mut self, off: BTreeMap<String, String>) -> Subject {
        self.off = Arc::new(off);
        self
    }

    /// The same, whose receiving side is tested in this way.
    #[must_use]
    pub fn received(self, receive: Receive) -> Subject {
        Subject { receive, ..self }
    }

    /// How its receiving side is tested.
    pub fn receive(&self) -> Receive {
        self.receive
    }

    /// The requirements that are not asked of it, by id, each with the reason.
    pub fn off(&self) -> &BTreeMap<String, String> {
        &self.off
    }

    /// The same, given with these options of the command line.
    #[must_use]
    pub fn given_as(mut self, options: &str) -> Subject {
        self.given = Arc::from(options);
        self
    }

    /// The options of the command line by which it was given, in front of more; empty for the built-in Core.
    pub fn given(&self) -> &str {
        &self.given
    }

    /// What it is called in reports.
    pub fn name(&self) -> String {
        self.proxy.as_ref().map_or_else(|| self.kind.name(), |proxy| proxy.name().to_owned())
    }

    /// The proxy that is tested too; else the testbed's own stands before its Cores.
    pub fn proxy(&self) -> Option<&ProxySubject> {
        self.proxy.as_ref()
    }

    /// Its version, for reports, where it is known.
    pub fn version(&self) -> Option<String> {
        self.kind.version()
    }

    /// How it runs, for reports: `built-in`, `command`, `image`, `url`.
    pub fn kind(&self) -> &'static str {
        self.kind.kind()
    }

    /// What can be done with it.
    pub fn capabilities(&self) -> Capabilities {
        self.kind.capabilities()
    }

    /// Whether the proxies belong to it. Else what they do is the testbed's merit, not its own.
    pub fn brings_proxy(&self) -> bool {
        self.receive == Receive::Edge && self.kind.brings_proxy()
    }

    /// The values of its profile.
    pub fn profile(&self) -> Profile {
        self.kind.profile()
    }

    /// How long things may take with it, and how many scenarios at a time.
    pub fn limits(&self) -> Limits {
        self.kind.limits()
    }

    /// The authority that its Cores trust, where that is one for all testbeds.
    ///
    /// # Errors
    /// When there can't be one.
    pub fn authority(&self) -> Result<Option<Pki>, PkiError> {
        self.kind.authority()
    }

    /// Sees before a run whether one starts at all, with this profile.
    ///
    /// # Errors
    /// When it does not.
    pub async fn prepare(&self, profile: Profile) -> Result<(), SubjectError> {
        self.kind.prepare(profile).await
    }

    /// Ends all that was kept between scenarios.
    pub async fn finish(&self) {
        self.kind.finish().await;
    }

    /// What its proxies do wrong.
    pub fn faults(&self) -> Faults {
        self.faults
    }

    /// Starts a Core for a Portal.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        self.kind.start(plan).await
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name()).field("faults", &self.faults).finish()
    }
}

/// Where a Core keeps its state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory; it outlives a restart of the Core within the testbed.
    #[default]
    Memory,
    /// On disk.
    Disk,
}

/// What a Core is started with.
#[derive(Debug, Clone)]
pub struct CorePlan {
    /// Name of the Portal, which it gives itself.
    pub portal: String,
    /// Its key, where the topology fixes it; else the Core makes one.
    pub identity: Option<TestIdentity>,
    /// Values of its profile, zone and public port among them.
    pub profile: Profile,
    /// Its clock.
    pub clock: SettableClock,
    /// Which names lead where.
    pub names: Names,
    /// How peers are connected to: the authority of the testbed is trusted, at the time of `clock`.
    pub tls: Arc<rustls::ClientConfig>,
    /// The same authority as PEM.
    pub ca_pem: String,
    /// Where hops and signature bases are noted.
    pub trace: Trace,
    /// Where state is kept.
    pub storage: Storage,
    /// The folder in which it keeps its state from one testbed to the next; none where that goes with it.
    pub data: Option<PathBuf>,
    /// How many Portals of its testbed were there before it.
    pub position: usize,
    /// It must not have been used before, nor will it be used afterwards.
    pub alone: bool,
    /// Its key shall be one that is known here, where it takes one: it may be given another and then this one again.
    pub known_key: bool,
}

impl CorePlan {
    /// For a Core of no testbed, to see whether it starts.
    ///
    /// # Errors
    /// When this machine has no sockets or no cryptography for it.
    pub fn trial(portal: &str, profile: Profile, pki: &Pki) -> Result<CorePlan, SubjectError> {
        let failed = |why: &dyn fmt::Display| SubjectError::Start { portal: portal.to_owned(), why: why.to_string() };
        let clock = SettableClock::running();
        let names = Names::new().map_err(|error| failed(&error))?;
        let tls = pki.client_config(Arc::new(clock.clone())).map_err(|error| failed(&error))?;
        Ok(CorePlan {
            portal: portal.to_owned(),
            identity: None,
            profile,
            clock,
            names,
            tls: Arc::new(tls),
            ca_pem: pki.ca_pem(),
            trace: Trace::new(),
            storage: Storage::Disk,
            data: None,
            position: 0,
            alone: false,
            known_key: false,
        })
    }
}

/// A kind of Core that can be started.
#[async_trait]
pub trait CoreKind: Send + Sync + fmt::Debug {
    /// The file that describes it, where one does: what that says need not be said again.
    fn descriptor(&self) -> Option<&Descriptor> {
        None
    }

    /// What it is called in reports.
    fn name(&self) -> String {
        self.descriptor().map(|described| described.name.clone()).unwrap_or_default()
    }

    /// Its version, for reports, where it is known.
    fn version(&self) -> Option<String> {
        self.descriptor()?.version.clone()
    }

    /// How it runs, for reports.
    fn kind(&self) -> &'static str {
        "built-in"
    }

    /// What can be done with it.
    fn capabilities(&self) -> Capabilities;

    /// Whether the proxies of its Portals belong to it.
    fn brings_proxy(&self) -> bool {
        self.descriptor().is_none_or(|described| described.proxy.is_some())
    }

    /// Its Cores shall trust this authority.
    fn trust(&self, _pki: &Pki) {}

    /// The values of its profile, where no scenario has others.
    fn profile(&self) -> Profile {
        self.descriptor().map(|described| described.profile.clone()).unwrap_or_default()
    }

    /// How long things may take with it.
    fn limits(&self) -> Limits {
        self.descriptor().map(|described| described.limits).unwrap_or_default()
    }

    /// The authority that its Cores trust, where they outlive a testbed. Else each testbed makes its own.
    ///
    /// # Errors
    /// When there can't be one.
    fn authority(&self) -> Result<Option<Pki>, PkiError> {
        Ok(None)
    }

    /// Sees before a run whether one starts at all, with this profile.
    ///
    /// # Errors
    /// When it does not.
    async fn prepare(&self, _profile: Profile) -> Result<(), SubjectError> {
        Ok(())
    }

    /// Starts one, or lends one that runs. It has answered when this returns.
    ///
    /// # Errors
    /// When it does not come up.
    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError>;

    /// Ends all that was kept between scenarios.
    async fn finish(&self) {}
}

/// A Core that was started. Dropping it ends it at once and leaves nothing behind.
#[async_trait]
pub trait CoreHandle: Send + Sync + fmt::Debug {
    /// Where its proxy reaches it. Another one after each start.
    fn address(&self) -> SocketAddr;

    /// What it takes to do something to it, until it is started again.
    fn hands(&self) -> Hands;

    /// The hosts that it looked up since it was first started, in order; none where that can't be told.
    fn lookups(&self) -> Option<Vec<String>>;

    /// What it logged since it was first started, line by line; none where that can't be read. Lines of other Cores may be
    /// among them.
    fn logged(&self) -> Option<Vec<String>> {
        None
    }

    /// Stops it in its own time. Does nothing where it is stopped already.
    ///
    /// # Errors
    /// When it does not stop.
    async fn stop(&mut self) -> Result<(), SubjectError>;

    /// Ends it at once, as a power cut would. Does nothing where it is stopped already.
    ///
    /// # Errors
    /// When it can't be.
    async fn kill(&mut self) -> Result<(), SubjectError>;

    /// Starts it again with the state that it had.
    ///
    /// # Errors
    /// When it does not come up, or runs.
    async fn start_again(&mut self) -> Result<(), SubjectError>;

    /// Stops it and starts it again.
    ///
    /// # Errors
    /// When it does not stop or come up.
    async fn restart(&mut self) -> Result<(), SubjectError> {
        self.stop().await?;
        self.start_again().await
    }

    /// It does nothing from now on, wherever it is, until it thaws. Does nothing where it does not run.
    ///
    /// # Errors
    /// When that can't be done with it.
    async fn freeze(&mut self) -> Result<(), SubjectError> {
        Err(SubjectError::Unsupported("frozen"))
    }

    /// It goes on where it was. Does nothing where it was not frozen.
    ///
    /// # Errors
    /// When that can't be done with it.
    async fn thaw(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    /// Stops it and starts it again with another key, and all else that it had.
    ///
    /// # Errors
    /// When that can't be done with it, or it does not come up.
    async fn rotate_key(&mut self) -> Result<(), SubjectError> {
        Err(SubjectError::Unsupported("given another key"))
    }

    /// The same with the key that it had before [`CoreHandle::rotate_key`].
    ///
    /// # Errors
    /// As there.
    async fn restore_key(&mut self) -> Result<(), SubjectError> {
        Err(SubjectError::Unsupported("given its key again"))
    }

    /// Its way to this domain becomes like this, where it does not go by the names that it was started with: by networks, in a
    /// container. None where it goes by those names; then the testbed sees to it.
    async fn set_way(&mut self, _domain: &str, _way: &Way) -> Option<Result<(), SubjectError>> {
        None
    }

    /// Where whoever goes by that name sits in the network of this Core: an app, or a container that is none. None where
    /// the Core has no network of its own.
    ///
    /// # Errors
    /// When there is no seat to be had.
    async fn seat(&mut self, _whose: &str) -> Result<Option<Seat>, SubjectError> {
        Ok(None)
    }

    /// Its clock was set: it has to be told, unless it looks at the same.
    ///
    /// # Errors
    /// When it can't be told.
    async fn clock_changed(&mut self) -> Result<(), SubjectError> {
        Ok(())
    }

    /// How it ended, with the end of its log, where nobody had told it to end. It may take that long to be seen.
    async fn death(&self, _patience: Duration) -> Option<String> {
        None
    }

    /// Whether it is used again by others: then it is cleaned before its end.
    fn is_kept(&self) -> bool {
        false
    }

    /// The scenario is over. One that is kept goes back, if it is clean.
    ///
    /// # Errors
    /// When it does not stop.
    async fn end(&mut self, _clean: bool) -> Result<(), SubjectError> {
        self.stop().await
    }
}

/// Why a Core under test is not there. The Core's fault but where it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// There is no place to start it in: the testbed's fault.
    #[error("there is no room for the Core of {portal}: {why}")]
    NoRoom {
        /// Name of the Portal.
        portal: String,
        /// What is known.
        why: String,
    },
    /// It did not come up.
    #[error("the Core of {portal} did not start: {why}")]
    Start {
        /// Name of the Portal.
        portal: String,
        /// What is known.
        why: String,
    },
    /// It did not stop.
    #[error("the Core of {portal} did not stop: {why}")]
    Stop {
        /// Name of the Portal.
        portal: String,
        /// What is known.
        why: String,
    },
    /// What its descriptor says could not be done.
    #[error("the Core of {portal}: {why}")]
    Hook {
        /// Name of the Portal.
        portal: String,
        /// What is known.
        why: String,
    },
    /// There are not so many of them.
    #[error("this scenario needs more Portals than there are Cores: {0}")]
    TooFew(usize),
    /// That can't be done with it.
    #[error("this Core can't be {0}")]
    Unsupported(&'static str),
}
