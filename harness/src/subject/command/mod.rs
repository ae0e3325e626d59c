//! Cores that a command starts, one process for each Portal.

mod address;
mod core;
mod lane;
mod life;
mod log;
pub(super) mod process;
mod room;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portal_core::clock::SettableClock;
use portal_core::profile::Profile;
use tokio::sync::Mutex as AsyncMutex;

use self::core::ProcessCore;
use self::room::Room;
use super::descriptor::{Again, Command, Descriptor, Image, NamesBy, Portals, Recognition, State, Values};
use super::hooks::Hands;
use super::surface::Surface;
use super::{Capabilities, CoreHandle, CoreKind, CorePlan, SubjectError};
use crate::containers;
use crate::containers::seat::Seat;
use crate::testbed::faults::Way;
use crate::testbed::pki::{Pki, PkiError};

pub(crate) use self::core::this_program;
pub(crate) use address::{Reserved, own_ip};
pub(crate) use log::{Finder, Log, listen};
#[cfg(all(test, unix))]
pub(crate) use process::tests::gone;
pub(crate) use process::{Group, Launch, Process};

/// How often a Core that died is started again.
const STARTED_AGAIN: usize = 3;
/// The name of the Portal for which the first one is started; most scenarios have one of that name.
const TRIAL: &str = "alice";

/// Cores that a command starts.
pub(super) struct CommandKind(Arc<Plant>);

/// What all Cores of a run have in common.
pub(super) struct Plant {
    descriptor: Descriptor,
    command: Command,
    surface: Surface,
    run: Mutex<Run>,
    /// Where there are containers: the run that they belong to, and the image of our own parts.
    containers: AsyncMutex<Option<(Arc<containers::Run>, Option<String>)>>,
}

#[derive(Default)]
struct Run {
    pki: Option<Pki>,
    /// Cleaned, and waiting for the next scenario.
    idle: Vec<ProcessCore>,
    deaths: usize,
    last_death: String,
}

impl CommandKind {
    pub(super) fn new(descriptor: Descriptor, command: Command) -> CommandKind {
        let surface = Surface::of(&descriptor);
        let (run, containers) = (Mutex::default(), AsyncMutex::default());
        CommandKind(Arc::new(Plant { descriptor, command, surface, run, containers }))
    }
}

impl Plant {
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The authority that its Cores trust: one for the whole run, so that its file outlives scenarios.
    fn authority(&self) -> Result<Pki, PkiError> {
        let mut run = self.run();
        if let Some(pki) = &run.pki {
            return Ok(pki.clone());
        }
        let pki = Pki::new(&SettableClock::running())?;
        Ok(run.pki.insert(pki).clone())
    }

    /// One of those that wait, the one that had this name before all others.
    fn idle(&self, plan: &CorePlan) -> Result<Option<ProcessCore>, SubjectError> {
        let mut run = self.run();
        if let Some(dead) = run.idle.iter().position(|core| core.death().is_some()) {
            let death = run.idle.swap_remove(dead).death().unwrap_or_default();
            run.deaths += 1;
            run.last_death = death.clone();
            let why = format!("between two scenarios {death}");
            return Err(not_started(&plan.portal, why));
        }
        let fits = |core: &ProcessCore| core.profile() == &plan.profile;
        let same = run.idle.iter().position(|core| fits(core) && core.portal() == plan.portal);
        let found = same.or_else(|| run.idle.iter().position(fits));
        Ok(found.map(|found| run.idle.swap_remove(found)))
    }

    /// One died that nobody had told to.
    fn note_death(&self, how: &str) {
        let mut run = self.run();
        run.deaths += 1;
        run.last_death = how.to_owned();
    }

    fn give_up(&self, portal: &str) -> Result<(), SubjectError> {
        let run = self.run();
        if run.deaths <= STARTED_AGAIN {
            return Ok(());
        }
        let last = run.last_death.lines().next().unwrap_or_default();
        let last = last.split("; its output").next().unwrap_or_default();
        let why = format!("it died {} times in this run and is not started again; the last time: {last}", run.deaths);
        Err(SubjectError::Start { portal: portal.to_owned(), why })
    }

    /// The room for one that comes as an image.
    async fn room(&self, image: &Image, portal: &str) -> Result<Room, SubjectError> {
        let failed = |error: &dyn fmt::Display| no_room(portal, error);
        let mut containers = self.containers.lock().await;
        let (run, parts) = match &*containers {
            Some(known) => known.clone(),
            None => {
                let run = containers::Run::begin().await.map_err(|error| failed(&error))?;
                let needed = image.name.is_none()
                    || capabilities(&self.descriptor).source_addresses
                    || self.descriptor.names == NamesBy::Namespace;
                let parts = match needed {
                    true => Some(containers::image::own(run.engine()).await.map_err(|error| failed(&error))?.name),
                    false => None,
                };
                containers.insert((run, parts)).clone()
            }
        };
        drop(containers);
        let host = &self.surface.internal_host;
        Room::open(run, image, parts, portal, host).await.map_err(|error| failed(&error))
    }

    async fn started(self: &Arc<Self>, plan: CorePlan) -> Result<ProcessCore, SubjectError> {
        self.give_up(&plan.portal)?;
        let pki = self.authority().map_err(|error| no_room(&plan.portal, error))?;
        match ProcessCore::start(self, plan, pki).await {
            Ok(core) => Ok(core),
            // What never had a chance to live did not die.
            Err(error @ SubjectError::NoRoom { .. }) => Err(error),
            Err(error) => {
                self.note_death(&error.to_string());
                Err(error)
            }
        }
    }
}

#[async_trait]
impl CoreKind for CommandKind {
    fn descriptor(&self) -> Option<&Descriptor> {
        Some(&self.0.descriptor)
    }

    fn kind(&self) -> &'static str {
        self.0.descriptor.kind()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { logs: true, freeze: cfg!(unix), ..capabilities(&self.0.descriptor) }
    }

    fn trust(&self, pki: &Pki) {
        self.0.run().pki = Some(pki.clone());
    }

    fn authority(&self) -> Result<Option<Pki>, PkiError> {
        self.0.authority().map(Some)
    }

    async fn prepare(&self, profile: Profile) -> Result<(), SubjectError> {
        let pki = self.0.authority().map_err(|error| no_room(TRIAL, error))?;
        let plan = CorePlan::trial(TRIAL, profile, &pki)?;
        let core = self.0.started(plan).await?;
        if self.0.command.portals == Portals::Pooled {
            self.0.run().idle.push(core);
        } else {
            core.quit().await;
        }
        Ok(())
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        self.0.give_up(&plan.portal)?;
        // One whose state is kept is nobody else's, and must not be cleaned.
        let shared = plan.identity.is_none() && plan.data.is_none();
        let kept = self.0.command.portals == Portals::Pooled && !plan.alone && shared;
        let idle = if kept { self.0.idle(&plan)? } else { None };
        let core = match idle {
            Some(mut core) => {
                core.lend(&plan).await;
                core
            }
            None => self.0.started(plan).await?,
        };
        Ok(Box::new(Lease { plant: Arc::clone(&self.0), core: Some(core), kept }))
    }

    async fn finish(&self) {
        let idle = std::mem::take(&mut *self.0.run()).idle;
        futures_util::future::join_all(idle.into_iter().map(ProcessCore::quit)).await;
        drop(self.0.containers.lock().await.take());
    }
}

impl fmt::Debug for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandKind").field("name", &self.0.descriptor.name).finish_non_exhaustive()
    }
}

/// What can be done with a Core, by its descriptor.
pub(super) fn capabilities(descriptor: &Descriptor) -> Capabilities {
    let State { restart, kill, set_clock, import_identity, profile, .. } = &descriptor.state;
    let by_address = descriptor.apps.install.asks_for("app", "address");
    let recognition = &descriptor.apps.recognition;
    Capabilities {
        clock: set_clock.is_some(),
        identity: import_identity.is_some(),
        restart: restart.is_some(),
        kill: kill.is_some(),
        freeze: false,
        // It is stopped and started on the same data, with the key that was put there meanwhile.
        rotate: import_identity.is_some() && matches!(restart, Some(Again::Process)),
        doors: matches!(recognition, Recognition::Door { .. }),
        source_addresses: matches!(recognition, Recognition::SourceAddress) || by_address,
        // An app that says who it is could say anything.
        callers: !matches!(recognition, Recognition::Header { .. }),
        signature_bases: false,
        names: descriptor.names != NamesBy::None,
        links: descriptor.names != NamesBy::None,
        profile: *profile,
        logs: false,
    }
}

/// A Core, lent to a scenario.
struct Lease {
    plant: Arc<Plant>,
    core: Option<ProcessCore>,
    /// It goes back in the end.
    kept: bool,
}

impl Lease {
    fn core(&mut self) -> Result<&mut ProcessCore, SubjectError> {
        self.core.as_mut().ok_or_else(|| SubjectError::Start { portal: String::new(), why: "it went back".to_owned() })
    }

    /// Restarting is done by this.
    fn again(&self, kill: bool) -> Result<Again, SubjectError> {
        let State { restart, kill: killing, .. } = &self.plant.descriptor.state;
        let (again, what) = if kill { (killing, "killed and started again") } else { (restart, "started again") };
        again.clone().ok_or(SubjectError::Unsupported(what))
    }
}

#[async_trait]
impl CoreHandle for Lease {
    fn address(&self) -> std::net::SocketAddr {
        self.core.as_ref().map_or_else(|| ([127, 0, 0, 1], 0).into(), ProcessCore::address)
    }

    fn hands(&self) -> Hands {
        match &self.core {
            Some(core) => core.hands(),
            None => Hands::at(self.plant.surface.clone(), Values::default()),
        }
    }

    fn lookups(&self) -> Option<Vec<String>> {
        self.core.as_ref()?.lookups()
    }

    fn logged(&self) -> Option<Vec<String>> {
        Some(self.core.as_ref()?.logged())
    }

    async fn stop(&mut self) -> Result<(), SubjectError> {
        match self.again(false)? {
            Again::Process => self.core()?.stop().await,
            Again::Hook(_) => return Err(SubjectError::Unsupported("stopped without being started again")),
        }
        Ok(())
    }

    async fn kill(&mut self) -> Result<(), SubjectError> {
        match self.again(true)? {
            Again::Process => self.core()?.kill().await,
            Again::Hook(hook) => self.core()?.perform(&hook).await?,
        }
        Ok(())
    }

    async fn start_again(&mut self) -> Result<(), SubjectError> {
        self.core()?.start_again().await
    }

    async fn restart(&mut self) -> Result<(), SubjectError> {
        match self.again(false)? {
            Again::Process => {
                self.core()?.stop().await;
                self.core()?.start_again().await
            }
            Again::Hook(hook) => {
                self.core()?.perform(&hook).await?;
                self.core()?.start_again().await
            }
        }
    }

    async fn freeze(&mut self) -> Result<(), SubjectError> {
        match cfg!(unix) {
            true => self.core()?.hold(true).await,
            false => Err(SubjectError::Unsupported("frozen on this system")),
        }
    }

    async fn thaw(&mut self) -> Result<(), SubjectError> {
        self.core()?.hold(false).await
    }

    async fn rotate_key(&mut self) -> Result<(), SubjectError> {
        // Whoever has it next must not find another key.
        self.kept = false;
        self.core()?.rotate_key().await
    }

    async fn restore_key(&mut self) -> Result<(), SubjectError> {
        self.core()?.restore_key().await
    }

    async fn set_way(&mut self, domain: &str, way: &Way) -> Option<Result<(), SubjectError>> {
        self.core.as_mut()?.set_way(domain, way).await
    }

    async fn seat(&mut self, whose: &str) -> Result<Option<Seat>, SubjectError> {
        self.core()?.seat(whose).await
    }

    async fn clock_changed(&mut self) -> Result<(), SubjectError> {
        self.core()?.clock_changed().await
    }

    async fn death(&self, patience: Duration) -> Option<String> {
        self.core.as_ref()?.dying(patience).await
    }

    fn is_kept(&self) -> bool {
        self.kept
    }

    async fn end(&mut self, clean: bool) -> Result<(), SubjectError> {
        let Some(core) = self.core.take() else { return Ok(()) };
        if let Some(death) = core.death() {
            self.plant.note_death(&death);
            return Err(SubjectError::Stop { portal: core.portal().to_owned(), why: death });
        }
        if self.kept && clean && core.runs() {
            self.plant.run().idle.push(core);
        } else {
            core.quit().await;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(death) = self.core.as_ref().and_then(ProcessCore::death) {
            self.plant.note_death(&death);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("core", &self.core).field("kept", &self.kept).finish_non_exhaustive()
    }
}

fn not_started(portal: &str, why: impl fmt::Display) -> SubjectError {
    SubjectError::Start { portal: portal.to_owned(), why: why.to_string() }
}

fn no_room(portal: &str, why: impl fmt::Display) -> SubjectError {
    SubjectError::NoRoom { portal: portal.to_owned(), why: why.to_string() }
}
