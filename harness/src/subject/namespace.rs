//! A place for Cores that ignore proxies: a Linux user and network namespace of the testbed's making, in which the public
//! port and the resolver are the testbed's. It takes no root, and the Core is not changed.
//!
//! ```text
//!  testbed  │  namespace
//!           │
//!           │  Core ── who is chat.abc123.…? ──▶ :53   dns ─┐
//!    switch ◀══════════════ Unix socket `out` ══════════════╡
//!    │      │  Core ── 127.64.0.1:443 ─────────▶ :443 doors ┘
//!    └──▶ proxies by their names
//!           │
//!  loopback │
//!  listener ══════════════ Unix socket `in` ═══════▶ inlet ──▶ the Core's listener and doors
//! ```
//!
//! Unix sockets in the file system cross network namespaces. Within, the resolver gives each name of the testbed a
//! loopback address of its own, so that a connection says by its address where it wants to go.
//!
//! Where the Core is in a container, its network is such a place: a [`guide`] of our own in it is resolver and doors, and
//! tells by the name in the handshake where a connection wants to go.
//!
//! Our own program does the work within: `unshare` from util-linux makes the namespaces and runs it (`countersign
//! namespace`), it prepares them and runs the Core. It ends, and the Core with it, when the connection to the testbed does.

mod dns;
#[cfg(target_os = "linux")]
pub(crate) mod guide;
#[cfg(target_os = "linux")]
pub(crate) mod inside;
#[cfg(target_os = "linux")]
mod loopback;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod resolver;
#[cfg(target_os = "linux")]
mod switch;

#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
#[cfg(target_os = "linux")]
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use tokio::net::{TcpListener, UnixListener};
#[cfg(target_os = "linux")]
use tokio::sync::Mutex;
#[cfg(target_os = "linux")]
use tokio_util::task::AbortOnDropHandle;

use crate::testbed::connect_proxy::SwitchableNames;
use crate::testbed::names::Names;

/// The socket at which the testbed listens.
#[cfg(target_os = "linux")]
const OUT: &str = "out";
/// The socket at which the namespace listens.
#[cfg(target_os = "linux")]
const IN: &str = "in";

/// What a namespace is made of.
#[derive(Debug, Clone)]
pub struct NamespacePlan {
    /// Which names there are, and where they lead.
    pub names: SwitchableNames,
    /// The port that public addresses have.
    pub public_port: u16,
    /// A file with the certificates that are trusted within, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// The program `countersign`.
    pub program: PathBuf,
}

impl NamespacePlan {
    /// With port 443, the system's certificates, and the program that runs now.
    ///
    /// # Errors
    /// When it can't be told which program runs.
    pub fn new(names: impl Into<SwitchableNames>) -> io::Result<NamespacePlan> {
        let names = names.into();
        Ok(NamespacePlan { names, public_port: 443, ca_file: None, program: std::env::current_exe()? })
    }
}

/// Why there is no namespace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamespaceError {
    /// The system does not let us, or has none.
    #[error("there is no namespace to be had here: {0}")]
    Unavailable(String),
    /// Sockets or files for it can't be made.
    #[error("no sockets for a namespace: {0}")]
    Sockets(#[from] io::Error),
}

/// The testbed's end of a namespace. What runs within ends when this is dropped.
///
/// One after the other, several commands can be run in it, each in a namespace made afresh.
#[derive(Debug)]
#[cfg(target_os = "linux")]
pub struct Namespace {
    folder: tempfile::TempDir,
    plan: NamespacePlan,
    switch: switch::Switch,
    reached: Mutex<HashMap<SocketAddr, Reached>>,
    _switching: AbortOnDropHandle<()>,
}

/// A listener outside that leads to an address within.
#[derive(Debug)]
#[cfg(target_os = "linux")]
struct Reached {
    outer: SocketAddr,
    _relaying: AbortOnDropHandle<()>,
}

#[cfg(target_os = "linux")]
impl Namespace {
    /// Opens the testbed's end. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// When there are no sockets to be had.
    pub fn open(plan: NamespacePlan) -> Result<Namespace, NamespaceError> {
        // Only its owner gets into a folder for temporary files.
        let folder = tempfile::Builder::new().prefix("countersign-ns-").tempdir()?;
        let listener = UnixListener::bind(folder.path().join(OUT))?;
        let switch = switch::Switch::new(plan.names.clone());
        let switching = AbortOnDropHandle::new(tokio::spawn(switch.clone().serve(listener)));
        Ok(Namespace { folder, plan, switch, reached: Mutex::default(), _switching: switching })
    }

    /// Finds out whether there are namespaces to be had here, by making one.
    ///
    /// # Errors
    /// [`NamespaceError::Unavailable`] with what the system says.
    pub async fn try_out(&self) -> Result<(), NamespaceError> {
        let unavailable = |why: String| NamespaceError::Unavailable(why);
        let mut command = self.command(["true"]);
        let program = command.remove(0);
        let output = tokio::process::Command::new(&program).args(command).kill_on_drop(true).output().await;
        let output = output.map_err(|error| unavailable(format!("{}: {error}", program.display())))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(unavailable(format!("{} ({})", said.trim(), output.status))) }
    }

    /// Where the socket is at which the testbed listens.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command that runs `command` within: a program and its arguments.
    ///
    /// What it starts with is the process that runs the Core; it stays in the Core's process group, takes signals to the
    /// group as told to the Core, and ends as the Core does: with its exit code, or 128 and the number of a signal.
    pub fn command<S: Into<OsString>>(&self, command: impl IntoIterator<Item = S>) -> Vec<OsString> {
        let mut line: Vec<OsString> =
            ["unshare", "--user", "--map-root-user", "--net", "--mount", "--"].map(OsString::from).into();
        line.extend([self.plan.program.clone().into(), "namespace".into()]);
        line.extend(["--folder".into(), self.folder.path().into()]);
        line.extend(["--port".into(), self.plan.public_port.to_string().into()]);
        if let Some(file) = &self.plan.ca_file {
            line.extend(["--ca-file".into(), file.into()]);
        }
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        if !user.is_root() {
            line.extend(["--user".into(), format!("{}:{}", user.as_raw(), group.as_raw()).into()]);
        }
        line.push("--".into());
        line.extend(command.into_iter().map(Into::into));
        line
    }

    /// An address outside that leads to this one within, whoever listens there and whether anybody does yet. The same one
    /// each time. Who listens sees the address that a connection comes from, as far as it is one of loopback.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub async fn reach(&self, inner: SocketAddr) -> Result<SocketAddr, NamespaceError> {
        let mut reached = self.reached.lock().await;
        if let Some(reached) = reached.get(&inner) {
            return Ok(reached.outer);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let outer = listener.local_addr()?;
        let relaying = tokio::spawn(relay::lead_in(listener, self.folder.path().join(IN), inner));
        reached.insert(inner, Reached { outer, _relaying: AbortOnDropHandle::new(relaying) });
        Ok(outer)
    }

    /// The hosts that were looked up within so far, in order, known names or not; at most the latest 4,096.
    pub fn lookups(&self) -> Vec<String> {
        self.switch.asked().hosts()
    }

    /// Goes by these names from now on, as if it had just been opened: connections to Portals end, lookups are forgotten.
    pub async fn lend(&self, names: Names) {
        self.switch.lend(names).await;
    }
}

#[cfg(target_os = "linux")]
impl Drop for Namespace {
    fn drop(&mut self) {
        self.switch.end();
    }
}

/// There is none on this system.
#[derive(Debug)]
#[cfg(not(target_os = "linux"))]
pub struct Namespace(std::convert::Infallible);

#[cfg(not(target_os = "linux"))]
impl Namespace {
    /// Says that there is none.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: NamespacePlan) -> Result<Namespace, NamespaceError> {
        Err(NamespaceError::Unavailable("namespaces are Linux's; use names = \"proxy\"".to_owned()))
    }

    /// Can't be called.
    ///
    /// # Errors
    /// Never.
    pub async fn try_out(&self) -> Result<(), NamespaceError> {
        match self.0 {}
    }

    /// Can't be called.
    pub(crate) fn folder(&self) -> &Path {
        match self.0 {}
    }

    /// Can't be called.
    pub fn command<S: Into<OsString>>(&self, _: impl IntoIterator<Item = S>) -> Vec<OsString> {
        match self.0 {}
    }

    /// Can't be called.
    ///
    /// # Errors
    /// Never.
    pub async fn reach(&self, _: SocketAddr) -> Result<SocketAddr, NamespaceError> {
        match self.0 {}
    }

    /// Can't be called.
    pub fn lookups(&self) -> Vec<String> {
        match self.0 {}
    }

    /// Can't be called.
    pub async fn lend(&self, _: Names) {
        match self.0 {}
    }
}
