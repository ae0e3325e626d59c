//! One Core as a process, with its folder, its address and its way to names.

mod key;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portal_core::clock::{Clock as _, SettableClock, SystemClock, unix_seconds};
use portal_core::profile::Profile;
use tempfile::TempDir;
use tokio::time::{Instant, timeout, timeout_at};

use super::address::Reserved;
use super::life::Life;
use super::log::{Finder, Log};
use super::process::{Launch, Process};
use super::room::{FILES, Room};
use super::{Plant, no_room, not_started};
use crate::containers::EngineError;
use crate::containers::seat::Seat;
use crate::subject::descriptor::{Hook, NamesBy, Template, TemplateError, Values};
use crate::subject::hooks::{Hands, write};
use crate::subject::namespace::{Namespace, NamespacePlan};
use crate::subject::ready;
use crate::subject::{CorePlan, SubjectError};
use crate::testbed::connect_proxy::{ConnectLimits, ConnectProxy, ConnectProxyHandle};
use crate::testbed::faults::{Passage, Way};
use crate::testbed::identity::TestIdentity;
use crate::testbed::pki::Pki;

/// Where a Core listens in a namespace of its own.
const WITHIN_PORT: u16 = 8080;
/// Whoever can't be connected to is perhaps about to end.
const ENDING: Duration = Duration::from_secs(2);

/// The folders of a Core, and the names of what it is given in that for files.
const DATA_FOLDER: &str = "data";
const FILES_FOLDER: &str = "files";
const CA_FILE: &str = "ca.pem";
const IDENTITY_FILE: &str = "identity.pem";

/// Who reads values: what runs in a container sees other addresses and folders than what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
}

/// How a Core finds its peers.
enum WayToNames {
    Proxy(ConnectProxyHandle),
    Namespace(Arc<Namespace>),
    /// Through a guide in the network of its container. This is the testbed's side of it.
    Guide(Namespace),
    None,
}

/// One Core, running or not, with its state on disk.
pub(super) struct ProcessCore {
    // Before the folder: it is gone before its files are.
    process: Option<Life>,
    plant: Arc<Plant>,
    portal: String,
    profile: Profile,
    identity: Option<TestIdentity>,
    /// The one that it had before it was given another.
    first_key: Option<TestIdentity>,
    clock: SettableClock,
    pki: Pki,
    names: WayToNames,
    /// Where it is if it comes as an image.
    room: Option<Room>,
    log: Log,
    /// Where it is reached.
    address: SocketAddr,
    /// Where it listens, which is another address in a namespace.
    within: SocketAddr,
    /// Keeps the address away from others.
    reserved: Option<Reserved>,
    folder: Folder,
}

/// Where the state of a Core is.
enum Folder {
    /// It goes with the Core.
    Gone(TempDir),
    /// It stays for the next testbed.
    Kept(PathBuf),
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Folder::Gone(folder) => folder.path(),
            Folder::Kept(folder) => folder,
        }
    }
}

impl ProcessCore {
    /// Starts one. It has answered when this returns.
    pub(super) async fn start(plant: &Arc<Plant>, plan: CorePlan, pki: Pki) -> Result<ProcessCore, SubjectError> {
        let failed = |error: std::io::Error| no_room(&plan.portal, error);
        let folder = match &plan.data {
            Some(folder) => Folder::Kept(folder.clone()),
            None => Folder::Gone(tempfile::Builder::new().prefix("countersign-core-").tempdir().map_err(failed)?),
        };
        let identity = key::of(plant, &plan, folder.path())?;
        lay_out(folder.path(), identity.as_ref(), &pki).map_err(failed)?;
        let mut room = match &plant.command.image {
            Some(image) => Some(plant.room(image, &plan.portal).await?),
            None => None,
        };
        let names = match plant.descriptor.names {
            NamesBy::Proxy => {
                let at = room.as_ref().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), Room::gateway);
                let limits = ConnectLimits::default();
                let proxy = ConnectProxy::start_at(SocketAddr::new(at, 0), plan.names.clone(), limits).await;
                WayToNames::Proxy(proxy.map_err(|error| no_room(&plan.portal, unreachable(at, error)))?)
            }
            NamesBy::Namespace => {
                let namespace = NamespacePlan {
                    names: plan.names.clone().into(),
                    public_port: plan.profile.public_port,
                    ca_file: Some(pki.ca_file().to_owned()),
                    program: this_program(),
                };
                let namespace = Namespace::open(namespace).map_err(|error| no_room(&plan.portal, error))?;
                match &mut room {
                    Some(room) => {
                        let guided = room.guided(namespace.folder(), plan.profile.public_port).await;
                        guided.map_err(|error| no_room(&plan.portal, error))?;
                        WayToNames::Guide(namespace)
                    }
                    None => {
                        namespace.try_out().await.map_err(|error| no_room(&plan.portal, error))?;
                        WayToNames::Namespace(Arc::new(namespace))
                    }
                }
            }
            NamesBy::None => WayToNames::None,
        };
        let mut core = ProcessCore {
            process: None,
            plant: Arc::clone(plant),
            portal: plan.portal,
            profile: plan.profile,
            identity,
            first_key: None,
            clock: plan.clock,
            pki,
            names,
            room,
            log: Log::default(),
            address: ([127, 0, 0, 1], 0).into(),
            within: ([127, 0, 0, 1], 0).into(),
            reserved: None,
            folder,
        };
        if let Some(import) = plant.descriptor.state.import_identity.as_ref().filter(|_| core.identity.is_some()) {
            core.perform(import).await?;
        }
        core.start_again().await?;
        Ok(core)
    }

    /// It belongs to another scenario from now on.
    pub(super) async fn lend(&mut self, plan: &CorePlan) {
        self.clock = plan.clock.clone();
        if let Some(room) = &mut self.room {
            room.rise();
        }
        match &self.names {
            WayToNames::Proxy(proxy) => proxy.lend(plan.names.clone()).await,
            WayToNames::Namespace(namespace) => namespace.lend(plan.names.clone()).await,
            WayToNames::Guide(outside) => outside.lend(plan.names.clone()).await,
            WayToNames::None => {}
        }
    }

    /// The name of the Portal for which it was started.
    pub(super) fn portal(&self) -> &str {
        &self.portal
    }

    /// The values with which it was started.
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn runs(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.ended().is_none())
    }

    /// How it ended, where nobody had told it to.
    pub(super) fn death(&self) -> Option<String> {
        let how = self.process.as_ref()?.ended()?;
        Some(format!("the Core of {} ended by itself ({how}); {}", self.portal, self.log.end()))
    }

    /// The same; one that can't be connected to may still be about to end.
    pub(super) async fn dying(&self, patience: Duration) -> Option<String> {
        let process = self.process.as_ref()?;
        if timeout(patience, process.end()).await.is_err() {
            // It runs. Where nobody listens any more, the end is near.
            let refused = matches!(timeout(patience, tokio::net::TcpStream::connect(self.address)).await, Ok(Err(_)));
            if refused {
                let _ = timeout(ENDING, process.end()).await;
            }
        }
        self.death()
    }

    /// The hosts that it looked up.
    pub(super) fn lookups(&self) -> Option<Vec<String>> {
        match &self.names {
            WayToNames::Proxy(proxy) => Some(proxy.hosts()),
            WayToNames::Namespace(namespace) => Some(namespace.lookups()),
            WayToNames::Guide(outside) => Some(outside.lookups()),
            WayToNames::None => None,
        }
    }

    pub(super) fn logged(&self) -> Vec<String> {
        self.log.lines()
    }

    pub(super) fn hands(&self) -> Hands {
        Hands {
            surface: self.plant.surface.clone(),
            values: self.values(Side::Outside),
            directory: Some(self.directory()),
            body: self.process.as_ref().and_then(Life::body),
            inside: self.room.as_ref().map(|_| self.address.ip()),
            namespace: match &self.names {
                WayToNames::Namespace(namespace) => Some(Arc::clone(namespace)),
                _ => None,
            },
        }
    }

    /// Does something to it, and takes no refusal.
    pub(super) async fn perform(&self, hook: &Hook) -> Result<(), SubjectError> {
        let hands = self.hands();
        let done = hands.insist(hook, hands.values(), self.address).await;
        done.map_err(|error| SubjectError::Hook { portal: self.portal.clone(), why: error.to_string() })
    }

    /// Tells it the time of its clock.
    pub(super) async fn clock_changed(&self) -> Result<(), SubjectError> {
        let Some(hook) = &self.plant.descriptor.state.set_clock else {
            return Err(SubjectError::Unsupported("set to another time"));
        };
        self.perform(hook).await
    }

    /// SIGSTOP to it and its children, or SIGCONT.
    pub(super) async fn hold(&self, still: bool) -> Result<(), SubjectError> {
        let Some(life) = self.process.as_ref().filter(|life| life.ended().is_none()) else { return Ok(()) };
        let held = life.hold(still).await;
        held.map_err(|error| SubjectError::Hook { portal: self.portal.clone(), why: error.to_string() })
    }

    pub(super) async fn stop(&mut self) {
        // One that is held does not listen.
        let _ = self.hold(false).await;
        if let Some(process) = self.process.take() {
            let within = self.plant.command.stop_within;
            if !process.stop(within).await {
                tracing::warn!("the Core of {} did not stop within {within:?} of SIGTERM: killed", self.portal);
            }
        }
    }

    pub(super) async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Ends it for good.
    pub(super) async fn quit(mut self) {
        self.stop().await;
        if let WayToNames::Proxy(proxy) = std::mem::replace(&mut self.names, WayToNames::None) {
            proxy.shutdown().await;
        }
        if let Some(room) = self.room.take()
            && let Err(error) = room.close().await
        {
            tracing::warn!("the containers of {}: {error}", self.portal);
        }
    }

    /// Starts its process again where that has ended, and waits until it is ready.
    pub(super) async fn start_again(&mut self) -> Result<(), SubjectError> {
        let deadline = Instant::now() + self.plant.command.ready.within;
        if !self.runs() {
            self.launch(deadline).await?;
        }
        let Some(process) = &self.process else { return Err(self.failed("it does not run")) };
        let ready = ready::wait(&self.plant.surface, &self.plant.command.ready, self.address, deadline);
        let came = tokio::select! {
            biased;
            how = process.end() => Err(format!("it ended at once ({how})")),
            came = ready => came,
        };
        came.map_err(|why| self.failed(&why))?;
        // One that reads its clock from a file found it there.
        match &self.plant.descriptor.state.set_clock {
            Some(hook) if !matches!(hook, Hook::File { .. }) && self.offset() != 0 => self.perform(hook).await,
            _ => Ok(()),
        }
    }

    /// In containers, a way on which nothing comes through is one that is cut; all else is seen to by the testbed.
    pub(super) async fn set_way(&mut self, domain: &str, way: &Way) -> Option<Result<(), SubjectError>> {
        let (Some(room), WayToNames::Proxy(proxy)) = (&mut self.room, &self.names) else { return None };
        let names = proxy.names().current();
        let silent = *way == Way { passage: Passage::BlackHole, ..Way::default() };
        let done = match silent {
            true => match room.cut(domain, &names).await {
                Ok(address) => {
                    names.detour(domain, Some(address));
                    // What was opened before goes straight there.
                    proxy.end_tunnels().await;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            false => {
                names.detour(domain, None);
                room.mend(domain).await
            }
        };
        let failed = |error: EngineError| SubjectError::Hook { portal: self.portal.clone(), why: error.to_string() };
        match done {
            Err(error) => Some(Err(failed(error))),
            // The testbed's own ways have to know that nothing is on this one.
            Ok(()) if silent => Some(Ok(())),
            Ok(()) => None,
        }
    }

    /// Where whoever goes by that name sits in its network.
    pub(super) async fn seat(&mut self, whose: &str) -> Result<Option<Seat>, SubjectError> {
        let Some(room) = &mut self.room else { return Ok(None) };
        let seat = room.seat(whose).await;
        seat.map(Some).map_err(|error| SubjectError::Hook { portal: self.portal.clone(), why: error.to_string() })
    }

    async fn launch(&mut self, deadline: Instant) -> Result<(), SubjectError> {
        if let Some(image) = &self.plant.command.image {
            self.within = (Ipv4Addr::UNSPECIFIED, image.port).into();
            return self.launch_container().await;
        }
        let command = &self.plant.command;
        self.within = match (&command.address_from, &self.names) {
            (Some(_), _) => ([127, 0, 0, 1], 0).into(),
            // All ports are its own.
            (None, WayToNames::Namespace(_)) => ([127, 0, 0, 1], WITHIN_PORT).into(),
            (None, _) => {
                // Each start has an address of its own: connections to the last one may linger.
                let reserved = Reserved::new().await.map_err(|error| self.failed(&error.to_string()))?;
                self.reserved.insert(reserved).address()
            }
        };
        if let Some(hook @ Hook::File { .. }) = &self.plant.descriptor.state.set_clock {
            self.perform(hook).await?;
        }
        let launch = self.prepared().map_err(|why| self.failed(&why))?;
        let finder = Finder::new(command.address_from.clone());
        let process = Process::spawn(&launch, &self.log, &finder);
        let process = process.map_err(|error| self.failed(&format!("`{}`: {error}", launch.argv[0])))?;
        if command.address_from.is_some() {
            let mut found = finder.found();
            let finding = async {
                tokio::select! {
                    biased;
                    address = found.wait_for(Option::is_some) => Ok(address.ok().and_then(|address| address.clone())),
                    how = process.end() => Err(format!("it ended at once ({how})")),
                }
            };
            let address = timeout_at(deadline, finding).await.unwrap_or(Ok(None)).map_err(|why| self.failed(&why))?;
            let expected = || format!("nothing like `{}` came in its output in time", regex(command));
            let address = address.ok_or_else(|| self.failed(&expected()))?;
            let parsed = address.parse();
            self.within = parsed.map_err(|_| self.failed(&format!("`{address}` in its output is no address")))?;
        }
        self.address = match &self.names {
            WayToNames::Namespace(namespace) => {
                namespace.reach(self.within).await.map_err(|error| self.failed(&error.to_string()))?
            }
            _ => self.within,
        };
        self.process = Some(Life::Process(process));
        Ok(())
    }

    async fn launch_container(&mut self) -> Result<(), SubjectError> {
        if let Some(hook @ Hook::File { .. }) = &self.plant.descriptor.state.set_clock {
            self.perform(hook).await?;
        }
        let launch = self.prepared().map_err(|why| self.failed(&why))?;
        let (log, finder) = (self.log.clone(), Finder::new(None));
        let Some(room) = &mut self.room else { return Err(self.failed("it has no room")) };
        match room.launch(&launch, self.folder.path(), &log, &finder).await {
            Ok((started, address)) => {
                self.address = address;
                self.process = Some(Life::Container(started));
                Ok(())
            }
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    /// Writes its files and fills in its command.
    fn prepared(&self) -> Result<Launch, String> {
        let command = &self.plant.command;
        let values = self.values(Side::Inside);
        let fill = |template: &Template| template.render(&values).map_err(|error: TemplateError| error.to_string());
        for (path, text) in &command.files {
            let path = self.data().join(path);
            write(&path, &fill(text)?).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let argv: Vec<String> = command.argv.iter().map(fill).collect::<Result<_, _>>()?;
        let mut argv: Vec<String> = argv.into_iter().filter(|part| !part.is_empty()).collect();
        if let (Some(program), None) = (argv.first_mut(), &self.room) {
            *program = found(program);
        }
        if let WayToNames::Namespace(namespace) = &self.names {
            let inside = namespace.command(argv);
            argv = inside.into_iter().map(|part| part.to_string_lossy().into_owned()).collect();
        }
        let mut env = self.usual_env(&values);
        for (name, value) in &command.env {
            env.push((name.clone(), fill(value)?));
        }
        Ok(Launch { argv, directory: self.directory(), env })
    }

    /// Where HTTP clients of all kinds look for a proxy and for authorities to trust in.
    fn usual_env(&self, values: &Values) -> Vec<(String, String)> {
        let ca_file = values.text("pki", "ca_file").unwrap_or_default().to_owned();
        let trust = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"];
        let mut env: Vec<_> = trust.iter().map(|name| ((*name).to_owned(), ca_file.clone())).collect();
        if let WayToNames::Proxy(proxy) = &self.names {
            env.extend(["HTTPS_PROXY", "https_proxy"].map(|name| (name.to_owned(), proxy.url())));
            env.extend(["NO_PROXY", "no_proxy"].map(|name| (name.to_owned(), String::new())));
        }
        env
    }

    fn values(&self, side: Side) -> Values {
        let mut values = Values::default();
        // What a container sees has other names there.
        let image = self.plant.command.image.as_ref();
        let (address, data, files) = match (side, image) {
            (Side::Inside, Some(image)) => (self.within, image.data.clone(), FILES.to_owned()),
            (Side::Outside, Some(_)) => (self.address, shown(&self.data()), shown(&self.files())),
            (_, None) => (self.within, shown(&self.data()), shown(&self.files())),
        };
        values.set("core", "address", address.to_string());
        values.set("core", "host", address.ip().to_string());
        values.set("core", "port", address.port().to_string());
        values.set("core", "data_dir", data);
        values.set("core", "portal", self.portal.clone());
        let proxy = match &self.names {
            WayToNames::Proxy(proxy) => proxy.url(),
            _ => String::new(),
        };
        values.set("names", "connect_proxy", proxy);
        let ca_file = match image {
            Some(_) => format!("{files}/{CA_FILE}"),
            None => shown(self.pki.ca_file()),
        };
        values.set("pki", "ca_file", ca_file);
        values.set_group("profile", serde_json::to_value(&self.profile).unwrap_or_default());
        let pem = self.identity.as_ref().map(TestIdentity::private_key_pem).unwrap_or_default();
        let file = self.identity.as_ref().map(|_| format!("{files}/{IDENTITY_FILE}"));
        values.set("identity", "private_key_pem", pem);
        values.set("identity", "private_key_file", file.unwrap_or_default());
        values.set("clock", "unix", unix_seconds(&self.clock));
        values.set("clock", "offset", self.offset());
        values
    }

    /// How far its clock is ahead of the machine's, in seconds.
    fn offset(&self) -> i64 {
        let (own, machine) = (self.clock.now(), SystemClock.now());
        match own.duration_since(machine) {
            Ok(ahead) => rounded(ahead),
            Err(behind) => -rounded(behind.duration()),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(DATA_FOLDER)
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join(FILES_FOLDER)
    }

    fn directory(&self) -> PathBuf {
        self.plant.command.directory.clone()
    }

    fn failed(&self, why: &str) -> SubjectError {
        not_started(&self.portal, format!("{why}; {}", self.log.end()))
    }
}

impl fmt::Debug for ProcessCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ProcessCore");
        shown.field("portal", &self.portal).field("address", &self.address).finish_non_exhaustive()
    }
}

/// The folders of a Core, and the files that it is given.
fn lay_out(folder: &Path, identity: Option<&TestIdentity>, pki: &Pki) -> std::io::Result<()> {
    let (data, files) = (folder.join(DATA_FOLDER), folder.join(FILES_FOLDER));
    std::fs::create_dir_all(&data)?;
    // Whoever a container runs as; others don't get into the folder above.
    #[cfg(unix)]
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    write(&files.join(CA_FILE), &pki.ca_pem())?;
    if let Some(identity) = identity {
        write(&files.join(IDENTITY_FILE), identity.private_key_pem())?;
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The gateway of a container's network is an address of this machine only where the engine runs on it.
fn unreachable(at: IpAddr, error: std::io::Error) -> String {
    match at.is_loopback() {
        true => error.to_string(),
        false => format!(
            "this machine has not the address {at} of a container's gateway ({error}): containers work where the engine \
             runs on this very Linux machine, not in a virtual one"
        ),
    }
}

fn rounded(duration: Duration) -> i64 {
    i64::try_from((duration.as_millis() + 500) / 1000).unwrap_or(i64::MAX)
}

fn regex(command: &crate::subject::descriptor::Command) -> &str {
    command.address_from.as_ref().map_or("", regex::Regex::as_str)
}

/// The program `countersign`: this one, or, where it is a library of another, the one that was built with it.
pub(crate) fn this_program() -> PathBuf {
    let own = std::env::current_exe().ok();
    let is_ours =
        |own: &PathBuf| own.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"countersign"));
    // Tests of the library are called like it, with a hash.
    let is_test = |own: &PathBuf| own.parent().is_some_and(|folder| folder.ends_with("deps"));
    own.filter(|own| is_ours(own) && !is_test(own)).unwrap_or_else(|| found("countersign").into())
}

/// A program without a folder is looked for beside this one first: what is built together is used together.
fn found(program: &str) -> String {
    if program.contains('/') {
        return program.to_owned();
    }
    let beside = std::env::current_exe().ok().and_then(|own| {
        // A test's program stands one folder deeper.
        let folders = own.ancestors().skip(1).take(2).map(std::path::Path::to_owned).collect::<Vec<_>>();
        folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
    });
    beside.map_or_else(|| program.to_owned(), |path| path.display().to_string())
}
