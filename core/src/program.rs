//! `portal-core`: a Core as a server of its own, as a function, so that other programs can be one too.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use crate::{
    clock::{Clock, SystemClock},
    config::{Config, KeyChoice},
    core::{Core, CoreBuilder, RunningCore},
    file_clock::FileClock,
    identity::{Description, Identity, KeyKind},
    rfc9421::SigningKey,
    store::{MemoryStore, RedbStore, Store},
    tls,
    way_out::WayOut,
};
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// A compact Portal Core: signs and verifies requests between Portals with RFC 9421 HTTP Message Signatures.
///
/// Prints one line of JSON with its address and ID to standard output once it is ready; logs go to standard error.
/// SIGINT or SIGTERM stops it: requests in flight may finish, for a while.
///
/// Peers are called through the proxy that HTTPS_PROXY names, but for the hosts in NO_PROXY; SSL_CERT_FILE names the
/// certificate authorities to trust in place of the system's.
///
/// Exit codes: 0 stopped as told, 2 wrong options or configuration, 3 it could not start.
#[derive(Debug, Parser)]
#[command(name = "portal-core", version)]
struct Options {
    /// The address to listen on; port 0 for any that is free.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder that holds the state: identity, peers, terminals, apps.
    #[arg(long, required_unless_present = "in_memory")]
    data: Option<PathBuf>,
    /// Keep the state in memory and forget it in the end.
    #[arg(long, conflicts_with = "data")]
    in_memory: bool,
    /// The configuration; everything in it has a default.
    #[arg(long)]
    config: Option<PathBuf>,
    /// A private key (PKCS#8, PEM) that becomes the Portal's identity at the first start. Without such a file the Core
    /// makes a key of its own.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Takes the key of --identity also where the state has another one already: from then on this is another Portal, which
    /// no peer knows. Peers, terminals and apps stay. For tests.
    #[arg(long, requires = "identity")]
    replace_identity: bool,
    /// A file with the time, in seconds since 1970, as of when it was written: the Core's clock goes on from there, and is
    /// set anew when the file is written anew. Without such a file it is the machine's clock. For tests.
    #[arg(long, value_name = "FILE")]
    clock_file: Option<PathBuf>,
    /// The form of the log. RUST_LOG chooses how much of it.
    #[arg(long, value_enum, default_value = "text")]
    log: Log,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Log {
    Text,
    Json,
}

/// Why the Core did not start, by exit code.
enum Failure {
    /// The user's to correct.
    Usage(String),
    /// The machine's.
    Start(String),
}

/// Does what its arguments say, the name of the program first, until it is told to stop. It keeps a log on standard error
/// and ends the process itself where arguments are wrong.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = Options::parse_from(arguments);
    start_log(options.log);
    let (code, why) = match run(&options) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(why)) => (2, why),
        Err(Failure::Start(why)) => (3, why),
    };
    // Nobody may be listening any more; there is nobody else to tell.
    let _ = writeln!(io::stderr(), "portal-core: {why}");
    ExitCode::from(code)
}

fn run(options: &Options) -> Result<(), Failure> {
    let config = match &options.config {
        Some(file) => Config::read(file).map_err(|error| Failure::Usage(error.to_string()))?,
        None => Config::default(),
    };
    let builder = builder(options, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Start(error.to_string()))?;
    runtime.block_on(async {
        let core = builder.build().map_err(|error| Failure::Start(error.to_string()))?;
        let cannot_listen = |error| Failure::Start(format!("{} can't be listened on: {error}", options.listen));
        let listener = TcpListener::bind(options.listen).await.map_err(cannot_listen)?;
        let running = core.serve(listener).await.map_err(|error| Failure::Start(error.to_string()))?;
        // Whoever reads that it is ready may tell it to stop at once.
        let signals = Signals::new().map_err(|error| Failure::Start(error.to_string()))?;
        announce(&running).map_err(|error| Failure::Start(error.to_string()))?;
        let signal = signals.received().await;
        tracing::info!(signal, "stopping");
        running.shutdown().await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn builder(options: &Options, config: &Config) -> Result<CoreBuilder, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let clock: Arc<dyn Clock> = match &options.clock_file {
        Some(file) => Arc::new(FileClock::open(file).map_err(|error| usage(&error))?),
        None => Arc::new(SystemClock),
    };
    let ca_files: Vec<PathBuf> = config.ca_file.iter().cloned().collect();
    let tls = tls::system_roots(clock.clone(), &ca_files).map_err(|error| usage(&error))?;
    let key_kind = match config.key {
        KeyChoice::Ed25519 => KeyKind::Ed25519,
        KeyChoice::RsaPssSha512 => KeyKind::RsaPss { bits: 4096 },
    };
    let description = Description {
        name: config.name.clone().unwrap_or_default(),
        description: config.description.clone().unwrap_or_default(),
        email: config.email.clone().unwrap_or_default(),
    };
    let way_out = match &config.way_out {
        Some(way_out) => way_out.clone(),
        None => WayOut::from_variables(|name| std::env::var(name).ok())
            .map_err(|(name, error)| Failure::Usage(format!("{name}: {error}")))?,
    };
    let store: Arc<dyn Store> = match &options.data {
        Some(folder) => {
            let store = RedbStore::open(&folder.join("state.redb"));
            Arc::new(store.map_err(|error| Failure::Start(error.to_string()))?)
        }
        None => Arc::new(MemoryStore::new()),
    };
    if let Some(file) = &options.identity {
        import_identity(file, options.replace_identity, &*store, &description)?;
    }
    let builder = Core::builder()
        .profile(config.profile.clone())
        .limits(config.limits.clone())
        .tls(tls)
        .way_out(way_out)
        .key_kind(key_kind)
        .description(description)
        .replace(|parts| {
            parts.clock = clock;
            parts.store = store;
            if let Some(address) = config.doors {
                parts.doors = address;
            }
        });
    Ok(builder)
}

/// Puts the key in `file` into a state that has none, or another one that is to be replaced; else that is left as it is.
fn import_identity(file: &Path, replace: bool, store: &dyn Store, description: &Description) -> Result<(), Failure> {
    let wrong = |why: String| Failure::Usage(format!("--identity {}: {why}", file.display()));
    let pem = match fs::read_to_string(file) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(file = %file.display(), "there is no such file, so the Core's key is one of its own making");
            return Ok(());
        }
        Err(error) => return Err(wrong(format!("can't be read: {error}"))),
    };
    let pem = zeroize::Zeroizing::new(pem);
    let no_key = |error: &dyn std::fmt::Display| wrong(format!("{error}; give a private key as PKCS#8 in PEM form"));
    let key = SigningKey::from_pem(&pem).map_err(|error| no_key(&error))?;
    let given = Identity::from_key(key, description.clone()).map_err(|error| no_key(&error))?;
    let failed = |error: &dyn std::fmt::Display| Failure::Start(format!("identity: {error}"));
    match Identity::load(store).map_err(|error| failed(&error))? {
        None => given.save(store).map_err(|error| failed(&error)),
        Some(stored) if stored.id() == given.id() => Ok(()),
        Some(_) if replace => given.save(store).map_err(|error| failed(&error)),
        Some(stored) => Err(wrong(format!(
            "this is the key of {}, and the state has the identity {} already; leave --identity out, or give another \
             --data",
            given.id().short(),
            stored.id().short()
        ))),
    }
}

/// One line that a program can wait for and read.
fn announce(running: &RunningCore) -> io::Result<()> {
    let (address, id) = (running.address(), running.id());
    tracing::info!(%address, %id, "ready");
    let mut out = io::stdout().lock();
    let line = serde_json::json!({ "ready": true, "address": address, "id": id.as_str(), "short_id": id.short() });
    writeln!(out, "{line}")?;
    out.flush()
}

/// What tells the program to stop.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn received(mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// What tells the program to stop.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn received(self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}

fn start_log(log: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match log {
        Log::Text => subscriber.init(),
        Log::Json => subscriber.json().init(),
    }
}
