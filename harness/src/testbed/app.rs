//! An app on a Portal, from its inside: it is called through the proxy, and calls through its door.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpStream;

use super::client::{connect, traced};
use super::echo_app::EchoApp;
use super::error::TestbedError;
use crate::trace::{Hop, Party, Trace};
use crate::wire::{Call, Channel, Reply, WireError};

/// How long raw bytes may wait for their answer.
const RAW: Duration = Duration::from_secs(10);

/// An app on a Portal. Cheap to clone: all clones are the same app.
#[derive(Debug, Clone)]
pub struct App {
    portal: String,
    host: String,
    echo: EchoApp,
    door: Arc<RwLock<Option<SocketAddr>>>,
    trace: Trace,
}

/// A connection to a Core, on which an app makes several requests.
#[derive(Debug)]
pub struct DoorChannel {
    channel: Channel<TcpStream>,
    authority: String,
    portal: String,
    app: String,
    trace: Trace,
}

impl App {
    pub(super) fn new(portal: &str, host: String, echo: EchoApp, trace: Trace) -> App {
        App { portal: portal.to_owned(), host, echo, door: Arc::default(), trace }
    }

    pub(super) fn set_door(&self, door: Option<SocketAddr>) {
        *self.door.write().unwrap_or_else(PoisonError::into_inner) = door;
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.echo.name()
    }

    /// Name of its Portal.
    pub fn portal(&self) -> &str {
        &self.portal
    }

    /// Its public host name, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The side on which it is called: what it received, what it answers.
    pub fn echo(&self) -> &EchoApp {
        &self.echo
    }

    /// The listener of its Core that is for this app alone; the app knows it as `PORTAL_CORE_URL`. None where the Core
    /// knows apps in another way.
    pub fn door(&self) -> Option<SocketAddr> {
        *self.door.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls this app on a peer: the call's target is the path there, and goes out as it is.
    ///
    /// # Errors
    /// When no whole answer comes, or it has no door.
    pub async fn call_peer(&self, peer: &str, call: Call) -> Result<Reply, WireError> {
        let target = call_target(peer, call.target());
        self.ask(call.with_target(target)).await
    }

    /// Makes a request to its own Core; the target is a path like `/protected/peers`.
    ///
    /// # Errors
    /// When no whole answer comes, or it has no door.
    pub async fn ask(&self, call: Call) -> Result<Reply, WireError> {
        self.open_door().await?.send(call).await
    }

    /// Makes a request to its own Core as if to an HTTP proxy: the target is a whole URL, of which Host is made.
    ///
    /// # Errors
    /// When no whole answer comes, or it has no door.
    pub async fn ask_as_proxy(&self, url: &str, call: Call) -> Result<Reply, WireError> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
        let mut door = self.open_door().await?;
        door.authority = authority;
        door.send(call.with_target(url)).await
    }

    /// Sends these bytes through its door and reads one answer.
    ///
    /// # Errors
    /// When no whole answer comes, or it has no door.
    pub async fn raw(&self, bytes: &[u8]) -> Result<Reply, WireError> {
        self.open_door().await?.channel.raw(bytes, "GET", RAW).await
    }

    /// Opens a connection to its door.
    ///
    /// # Errors
    /// When nobody listens there, or it has no door.
    pub async fn open_door(&self) -> Result<DoorChannel, WireError> {
        let missing = || WireError::NoSuchHost(format!("door of {} on {}", self.name(), self.portal));
        let door = self.door().ok_or_else(missing)?;
        let channel = Channel::new(connect(door).await?);
        Ok(DoorChannel::new(channel, door.to_string(), &self.portal, self.name(), &self.trace))
    }
}

impl DoorChannel {
    pub(super) fn new(
        channel: Channel<TcpStream>,
        authority: String,
        portal: &str,
        app: &str,
        trace: &Trace,
    ) -> DoorChannel {
        DoorChannel { channel, authority, portal: portal.to_owned(), app: app.to_owned(), trace: trace.clone() }
    }

    /// Calls a peer on this connection; see [`App::call_peer`].
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn call_peer(&mut self, peer: &str, call: Call) -> Result<Reply, WireError> {
        let target = call_target(peer, call.target());
        self.send(call.with_target(target)).await
    }

    /// Makes a request on this connection.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&mut self, mut call: Call) -> Result<Reply, WireError> {
        let party = || Party::app(&self.portal, &self.app);
        let trace_id = traced(&mut call, &self.trace, party);
        let fields = call.fields().to_header_map();
        let hop = Hop::request(party(), Party::core(&self.portal), call.method(), call.target(), &fields);
        self.trace.record(hop.clone());
        let mut outcome = self.channel.exchange(&call, &self.authority).await;
        let reply = match &mut outcome {
            Ok(reply) => Some((reply, None)),
            Err(WireError::Cut { reply, .. }) => Some((&mut **reply, Some("cut off"))),
            Err(_) => None,
        };
        if let Some((reply, note)) = reply {
            reply.trace_id = trace_id;
            let answer = hop.answer(reply.status, &reply.fields.to_header_map());
            self.trace.record(Hop { note: note.map(str::to_owned), ..answer });
        }
        outcome
    }
}

/// Where an app finds `rest` on a peer.
pub(super) fn call_target(peer: &str, rest: &str) -> String {
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("/internal/call_peer/{peer}{slash}{rest}")
}

/// An app of that name, or that there is none.
pub(super) fn known(app: Option<App>, name: &str) -> Result<App, TestbedError> {
    app.ok_or_else(|| TestbedError::Unknown { what: "app", name: name.to_owned() })
}
