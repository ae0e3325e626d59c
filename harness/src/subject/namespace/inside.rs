//! The side of a namespace on which the Core runs: prepares it, answers for the testbed, runs the Core and ends with it.

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, UdpSocket, UnixListener};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::{IN, OUT, loopback, mounts, relay, resolver};

const DNS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);

/// What the side outside says about it.
#[derive(Debug)]
pub(crate) struct Inside {
    /// Where the sockets are.
    pub(crate) folder: PathBuf,
    /// The public port.
    pub(crate) port: u16,
    /// The certificates that are trusted.
    pub(crate) ca_file: Option<PathBuf>,
    /// Who the Core runs as, as `user:group`; else as root of the namespace.
    pub(crate) user: Option<String>,
    /// The command that starts the Core.
    pub(crate) command: Vec<OsString>,
}

/// What keeps the Core from running; the text says what was tried.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(crate) struct InsideError {
    what: String,
    source: io::Error,
}

fn trying<T>(what: impl Into<String>, done: io::Result<T>) -> Result<T, InsideError> {
    done.map_err(|source| InsideError { what: what.into(), source })
}

/// Runs the Core; gives its exit code back, or 128 and the number of the signal that ended it.
///
/// # Errors
/// When the namespace can't be prepared, or the Core not be started.
pub(crate) async fn run(inside: Inside) -> Result<u8, InsideError> {
    let out = inside.folder.join(OUT);
    let mut testbed = trying("reaching the testbed", relay::say(&out, "stay").await)?;
    trying("bringing up the loopback device", loopback::bring_up())?;
    trying("laying files over those of the system", mounts::lay(&inside.folder, inside.ca_file.as_deref()))?;
    let socket = trying("listening on port 53", UdpSocket::bind(DNS).await)?;
    let doors = TcpListener::bind((Ipv4Addr::UNSPECIFIED, inside.port)).await;
    let doors = trying(format!("listening on port {}", inside.port), doors)?;
    let inlet = trying("listening for the testbed", listen(&inside.folder.join(IN)))?;
    let mut core = trying(format!("starting {}", inside.command[0].display()), start(&inside))?;

    // Those that go to the whole group have reached the Core, too.
    let mut ignored = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()] {
        ignored.push(trying("waiting for signals", signal(kind))?);
    }
    tokio::select! {
        status = core.wait() => trying("waiting for the Core", status).map(code),
        // Nothing is ever said on it: this is its end, and that of the testbed.
        _ = testbed.read_u8() => {
            tidy_up(&inside.folder);
            let _ = rustix::process::kill_current_process_group(rustix::process::Signal::KILL);
            Ok(code(ExitStatus::from_raw(9)))
        }
        () = resolver::serve(socket, &out, async |address, _| Ok(address)) => Ok(1),
        () = lead_out(doors, &out) => Ok(1),
        () = let_in(inlet) => Ok(1),
    }
}

fn start(inside: &Inside) -> io::Result<Child> {
    let mut command = match &inside.user {
        None => Command::new(&inside.command[0]),
        Some(user) => {
            // As the one who has started all this, without the powers that only prepared the namespace.
            let (user, group) = user.split_once(':').unwrap_or((user, user));
            let mut command = Command::new("unshare");
            command.args(["--user", &format!("--map-user={user}"), &format!("--map-group={group}"), "--"]);
            command.arg(&inside.command[0]);
            command
        }
    };
    command.args(&inside.command[1..]).kill_on_drop(true).spawn()
}

/// At the place of one before, which is gone.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => UnixListener::bind(socket),
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// The testbed was killed: nobody else will.
fn tidy_up(folder: &Path) {
    for name in [IN, OUT, "hosts", "resolv.conf", "nsswitch.conf"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    let _ = std::fs::remove_dir(folder.join("empty"));
    let _ = std::fs::remove_dir(folder);
}

/// Takes connections to the public port out, by the address that they come to.
async fn lead_out(listener: TcpListener, out: &Path) {
    relay::accept(listener, |(tcp, _)| {
        let out = out.to_owned();
        async move {
            if let Ok(address) = tcp.local_addr() {
                relay::join_opened(tcp, &[], &out, &format!("open {}", address.ip())).await;
            }
        }
    })
    .await;
}

/// Takes connections of the testbed to the Core.
async fn let_in(listener: UnixListener) {
    relay::accept(listener, async |stream| {
        // The testbed sees that it has ended.
        let _ = relay::let_in(stream).await;
    })
    .await;
}
