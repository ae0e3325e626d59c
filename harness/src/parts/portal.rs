//! The proxy of one Portal, alone in its container, and the hand that sets the Portal up: it makes the Core know its peers
//! and apps, and goes on to where they are after they were started again elsewhere.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portal_core::clock::SystemClock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};

use super::{look_up, say};
use crate::testbed::client::connect;
use crate::testbed::pki::ServerTls;
use crate::testbed::proxy::{Proxy, ProxyConfig, ProxyListeners, Upstreams};
use crate::wire::{Call, Channel};

/// How often it looks where all are.
const TICK: Duration = Duration::from_secs(1);
/// How long the Core may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What it is told, as JSON. Paths are relative to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalFile {
    /// Name of the Portal.
    pub name: String,
    /// `<short id>.<zone>`.
    pub domain: String,
    /// The port in public addresses.
    pub public_port: u16,
    /// Host and port of the Core.
    pub core: String,
    /// Its certificate, PEM.
    pub certificate: PathBuf,
    /// The key of that, PEM.
    pub key: PathBuf,
    /// Its apps.
    pub apps: Vec<AppEntry>,
    /// Its peers.
    pub peers: Vec<PeerEntry>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppEntry {
    /// Its name.
    pub name: String,
    /// Host and port.
    pub at: String,
    /// Its manifest, verbatim.
    pub manifest: String,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerEntry {
    /// Its whole ID.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// A file can't be read.
    #[error("{}: {why}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A port is not to be had.
    #[error("no port: {0}")]
    Port(#[from] io::Error),
}

/// On which ports it listens.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// For HTTPS.
    pub tls: u16,
    /// For plain HTTP, which is redirected.
    pub plain: u16,
    /// Where it can be connected to from within as soon as the Portal is set up.
    pub ready: u16,
}

/// Serves until the future is dropped.
///
/// # Errors
/// When it can't begin.
pub async fn serve(file: &Path, ports: Ports) -> Result<(), PortalError> {
    let plan = read(file)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let (certificate, key) = (text(&folder.join(&plan.certificate))?, text(&folder.join(&plan.key))?);
    let tls = ServerTls::of_pem(&certificate, &key, Arc::new(SystemClock));
    let tls = tls.map_err(|error| wrong(&folder.join(&plan.certificate), error))?;
    let upstreams = Upstreams::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let at = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
    let listeners = ProxyListeners { tls: at(ports.tls).await?, plain: at(ports.plain).await? };
    let config = ProxyConfig {
        public_port: plan.public_port,
        ..ProxyConfig::new(&plan.name, &plan.domain, upstreams.clone(), tls)
    };
    let _proxy = Proxy::start(config, listeners)?;
    say(format_args!("the proxy of {} serves {}", plan.name, plan.domain));
    let mut hand = Hand { plan, upstreams, core: None, apps: BTreeMap::new(), peers: false, last: String::new() };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ready = None;
    loop {
        tick.tick().await;
        match hand.set_up().await {
            Ok(()) if ready.is_none() => {
                // Who looks after its health connects here; nobody has to accept.
                ready = Some(TcpListener::bind((Ipv4Addr::LOCALHOST, ports.ready)).await?);
                say(format_args!("{} is set up", hand.plan.name));
            }
            Ok(()) => hand.last.clear(),
            Err(why) if why != hand.last => {
                say(format_args!("{}: {why}", hand.plan.name));
                hand.last = why;
            }
            Err(_) => {}
        }
    }
}

/// Reads what it is told.
///
/// # Errors
/// When the file is missing, or says something else.
pub fn read(file: &Path) -> Result<PortalFile, PortalError> {
    serde_json::from_str(&text(file)?).map_err(|error| wrong(file, error))
}

/// What it has done so far.
struct Hand {
    plan: PortalFile,
    upstreams: Upstreams,
    core: Option<SocketAddr>,
    /// Where the Core believes them to be.
    apps: BTreeMap<String, SocketAddr>,
    peers: bool,
    last: String,
}

impl Hand {
    /// Does what is left to do.
    async fn set_up(&mut self) -> Result<(), String> {
        let core = look_up(&self.plan.core).await.map_err(|error| error.to_string())?;
        if self.core != Some(core) {
            // Perhaps another one, which knows nothing.
            (self.peers, self.core) = (false, Some(core));
            self.apps.clear();
            self.upstreams.set_core(core);
        }
        if !self.peers {
            for peer in &self.plan.peers {
                let body = json!({ "id": peer.id, "name": peer.name });
                put(core, Call::new("PUT", "/protected/peers").json(&body)).await?;
            }
            self.peers = true;
        }
        for app in &self.plan.apps {
            let at = look_up(&app.at).await.map_err(|error| error.to_string())?;
            if self.apps.get(&app.name) == Some(&at) {
                continue;
            }
            let target = format!("/protected/apps/{}?address={}", app.name, at.ip());
            let call = Call::new("PUT", target).field("content-type", "application/json").body(app.manifest.clone());
            put(core, call).await?;
            self.upstreams.set_app(&app.name, at);
            self.apps.insert(app.name.clone(), at);
        }
        Ok(())
    }
}

async fn put(core: SocketAddr, call: Call) -> Result<(), String> {
    let what = format!("{} {}", call.method(), call.target());
    let asking = async {
        let stream = connect(core).await.map_err(|error| error.to_string())?;
        Channel::new(stream).exchange(&call, "portal_core").await.map_err(|error| error.to_string())
    };
    let reply =
        tokio::time::timeout(ANSWER, asking).await.map_err(|_| format!("{what}: no answer within {ANSWER:?}"))??;
    match reply.status {
        200..300 => Ok(()),
        status => Err(format!("{what} was answered with {status} {}", reply.text())),
    }
}

fn text(file: &Path) -> Result<String, PortalError> {
    std::fs::read_to_string(file).map_err(|error| wrong(file, error))
}

fn wrong(file: &Path, why: impl ToString) -> PortalError {
    PortalError::File { file: file.to_owned(), why: why.to_string() }
}
