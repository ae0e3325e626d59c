//! An app on a Portal, from its inside: it is called through the proxy, and calls through its door.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpStream;

use super::client::{connect, connect_from, traced};
use super::echo_app::EchoApp;
use super::error::TestbedError;
use super::proxy::Upstreams;
use super::real_app::{Command, Supervised};
use crate::containers::seat::Seat;
use crate::subject::descriptor::Connections;
use crate::subject::surface::Surface;
use crate::trace::{CALL_PEER, Hop, Party, Trace};
use crate::wire::{Call, Channel, Reply, WireError};

/// How long raw bytes may wait for their answer.
const RAW: Duration = Duration::from_secs(10);

/// An app on a Portal. Cheap to clone: all clones are the same app.
#[derive(Debug, Clone)]
pub struct App {
    portal: String,
    host: String,
    echo: EchoApp,
    ways: Arc<RwLock<Ways>>,
    upstreams: Upstreams,
    surface: Surface,
    trace: Trace,
}

/// How an app comes to its Core, and what the Core knows it by.
#[derive(Debug, Clone, Default)]
struct Ways {
    installed: bool,
    door: Option<SocketAddr>,
    /// Its own address.
    source: Option<IpAddr>,
    /// The way through its container, where it has one: the address is that one's.
    way: Option<SocketAddr>,
    /// The field with which it says who it is.
    header: Option<(String, String)>,
    /// Where it is a command of the user's, whoever looks after that.
    supervised: Option<Supervised>,
}

/// A connection to a Core, on which an app makes several requests.
#[derive(Debug)]
pub struct DoorChannel {
    channel: Channel<TcpStream>,
    authority: String,
    portal: String,
    app: String,
    trace: Trace,
    header: Option<(String, String)>,
    surface: Surface,
}

/// What an app is made of.
pub(super) struct AppPieces<'a> {
    pub(super) portal: &'a str,
    pub(super) host: String,
    pub(super) echo: EchoApp,
    pub(super) upstreams: Upstreams,
    pub(super) surface: Surface,
    pub(super) trace: Trace,
}

impl App {
    pub(super) fn new(pieces: AppPieces<'_>) -> App {
        let AppPieces { portal, host, echo, upstreams, surface, trace } = pieces;
        App { portal: portal.to_owned(), host, echo, ways: Arc::default(), upstreams, surface, trace }
    }

    pub(super) fn set_door(&self, door: Option<SocketAddr>) {
        self.change(|ways| ways.door = door);
    }

    /// From now on it calls from this address.
    pub(super) fn set_source(&self, source: IpAddr) {
        self.change(|ways| ways.source = Some(source));
    }

    /// From now on it calls through this container.
    pub(super) fn set_seat(&self, seat: Seat) {
        self.change(|ways| (ways.source, ways.way) = (Some(seat.address), Some(seat.way)));
    }

    /// From now on it says who it is.
    pub(super) fn set_header(&self, name: String, value: String) {
        self.change(|ways| ways.header = Some((name, value)));
    }

    /// The Core took its manifest, or forgot it.
    pub(super) fn set_installed(&self, installed: bool) {
        self.change(|ways| ways.installed = installed);
    }

    /// It is one of a user's, which is looked after.
    pub(super) fn supervise(&self, supervised: &Supervised) {
        self.change(|ways| ways.supervised = Some(supervised.clone()));
    }

    /// Has this done with the one of a user's that it is, where it is one.
    pub(super) fn tell(&self, command: Command) {
        if let Some(supervised) = self.ways().supervised {
            // Where nobody looks after it any more, there is nothing to be done with.
            supervised.tell(command);
        }
    }

    /// Whether the Core has a manifest of it.
    pub(super) fn is_installed(&self) -> bool {
        self.ways().installed
    }

    /// The address from which it calls, where it is known by that.
    pub fn source(&self) -> Option<IpAddr> {
        self.ways().source
    }

    fn ways(&self) -> Ways {
        self.ways.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Ways)) {
        change(&mut self.ways.write().unwrap_or_else(PoisonError::into_inner));
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
        self.ways().door
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

    /// Opens a connection to its door, or to its Core in the way in which that knows it.
    ///
    /// # Errors
    /// When nobody listens there, or it has no way to its Core.
    pub async fn open_door(&self) -> Result<DoorChannel, WireError> {
        let WayIn { stream, authority, header } = self.way_in().await?;
        let mut channel = DoorChannel::new(Channel::new(stream), authority, &self.portal, self.name(), &self.trace);
        channel.header = header;
        channel.surface = self.surface.clone();
        Ok(channel)
    }

    /// A fresh connection to its Core, in the way in which that knows it.
    pub(super) async fn way_in(&self) -> Result<WayIn, WireError> {
        let Ways { door, source, way, header, .. } = self.ways();
        let core = self.upstreams.core();
        let host = || self.surface.internal_host.clone();
        let (stream, authority) = match (door, way, source) {
            (Some(door), ..) => (connect(door).await?, door.to_string()),
            (None, Some(way), _) => (connect(way).await?, host()),
            (None, None, Some(source)) => (connect_from(source, core).await?, host()),
            (None, None, None) if header.is_some() => (connect(core).await?, host()),
            (None, None, None) => {
                let what = format!("door of {} on {}: its Core did not say where it is", self.name(), self.portal);
                return Err(WireError::NoSuchHost(what));
            }
        };
        Ok(WayIn { stream, authority, header })
    }

    /// Whether its Core's connections end with an answer.
    pub(super) fn closes(&self) -> bool {
        self.surface.connections == Connections::Close
    }

    /// Whether this is a name of its Core, within its Portal.
    pub(super) fn is_core(&self, authority: &str) -> bool {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let known = [self.surface.internal_host.as_str(), "portal_core", "shard_core"];
        known.iter().any(|known| host.eq_ignore_ascii_case(known))
    }

    /// What its hops are noted in.
    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }
}

/// A connection of an app to its Core.
pub(super) struct WayIn {
    pub(super) stream: TcpStream,
    /// What Host says.
    pub(super) authority: String,
    /// The field with which the app says who it is.
    pub(super) header: Option<(String, String)>,
}

impl DoorChannel {
    pub(super) fn new(
        channel: Channel<TcpStream>,
        authority: String,
        portal: &str,
        app: &str,
        trace: &Trace,
    ) -> DoorChannel {
        let (portal, app, trace) = (portal.to_owned(), app.to_owned(), trace.clone());
        DoorChannel { channel, authority, portal, app, trace, header: None, surface: Surface::default() }
    }

    /// Calls a peer on this connection; see [`App::call_peer`].
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn call_peer(&mut self, peer: &str, call: Call) -> Result<Reply, WireError> {
        let target = call_target(peer, call.target());
        self.send(call.with_target(target)).await
    }

    /// Makes a request on this connection; the only one, where the Core's connections end with an answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&mut self, mut call: Call) -> Result<Reply, WireError> {
        if let Some((name, value)) = &self.header {
            call = call.field(name, value);
        }
        if self.surface.connections == Connections::Close && !call.fields().contains("connection") {
            call = call.field("Connection", "close");
        }
        call = call.patient(self.surface.answer);
        let party = || Party::app(&self.portal, &self.app);
        let trace_id = traced(&mut call, &self.trace, party);
        let fields = call.fields().to_header_map();
        let hop = Hop::request(party(), Party::core(&self.portal), call.method(), call.target(), &fields);
        let tap = call.tap(&self.trace, self.trace.record(hop.clone()));
        let mut outcome = self.channel.tapped_exchange(&call, &self.authority, tap).await;
        let reply = match &mut outcome {
            Ok(reply) => Some((reply, None)),
            Err(WireError::Cut { reply, .. }) => Some((&mut **reply, Some("cut off"))),
            Err(_) => None,
        };
        if let Some((reply, note)) = reply {
            reply.trace_id = trace_id;
            let answer = hop.answer(reply.status, &reply.fields.to_header_map());
            let answer = answer.with_body(reply.kept_body(note.is_none()));
            self.trace.record(Hop { note: note.map(str::to_owned), ..answer });
        }
        outcome
    }
}

/// Where an app finds `rest` on a peer.
pub(super) fn call_target(peer: &str, rest: &str) -> String {
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{CALL_PEER}{peer}{slash}{rest}")
}

/// An app of that name, or that there is none.
pub(super) fn known(app: Option<App>, name: &str) -> Result<App, TestbedError> {
    app.ok_or_else(|| TestbedError::Unknown { what: "app", name: name.to_owned() })
}
