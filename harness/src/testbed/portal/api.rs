//! What an owner, a proxy and a container ask of a Core, over HTTP.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use super::Portal;
use crate::testbed::app::{DoorChannel, call_target};
use crate::testbed::client::{OutsideClient, connect};
use crate::testbed::error::TestbedError;
use crate::wire::{Call, Channel, Fields, Reply, WireError};

/// The `X-Forwarded-*` fields with which a proxy asks about a request. What is none is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// The method.
    pub method: Option<String>,
    /// The scheme.
    pub proto: Option<String>,
    /// The host, with port where it is not 443.
    pub host: Option<String>,
    /// Path and query, as on the wire.
    pub uri: Option<String>,
    /// The client's address.
    pub client: Option<String>,
}

impl Forwarded {
    /// A request over HTTPS from somewhere.
    pub fn new(method: impl Into<String>, host: impl Into<String>, uri: impl Into<String>) -> Forwarded {
        Forwarded {
            method: Some(method.into()),
            proto: Some("https".to_owned()),
            host: Some(host.into()),
            uri: Some(uri.into()),
            client: Some("203.0.113.7".to_owned()),
        }
    }

    /// The question of a proxy about a request with these fields.
    pub fn question(&self, fields: &Fields) -> Call {
        let mut call = Call::get("/internal/auth");
        for (name, value) in fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            call = call.field(name, value);
        }
        for (name, value) in self.fields() {
            call = call.field(name, value);
        }
        call
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("X-Forwarded-Method", &self.method),
            ("X-Forwarded-Proto", &self.proto),
            ("X-Forwarded-Host", &self.host),
            ("X-Forwarded-Uri", &self.uri),
            ("X-Forwarded-For", &self.client),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// A paired device of the owner.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Its name.
    pub name: String,
    /// What it sends as Cookie.
    pub cookie: String,
    /// The Set-Cookie field that it got, as it was.
    pub set_cookie: String,
    /// Makes requests from outside with the cookie.
    pub client: OutsideClient,
}

impl Portal {
    /// Makes a request straight to the main listener of its Core, as its proxy or its owner's tools would.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn ask_core(&self, call: Call) -> Result<Reply, WireError> {
        self.open_core().await?.exchange(&call, "portal_core").await
    }

    /// Asks its Core about a request, as its proxy would: the request's own fields, and what the proxy tells beside.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn ask_auth(&self, forwarded: &Forwarded, fields: &Fields) -> Result<Reply, WireError> {
        self.ask_core(forwarded.question(fields)).await
    }

    /// Opens a connection to the main listener of its Core, for several requests.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open_core(&self) -> Result<Channel<TcpStream>, WireError> {
        Ok(Channel::new(connect(self.core_address()).await?))
    }

    /// Makes a request from outside to an app of this Portal, whether there is one or not.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send_to(&self, app: &str, call: Call) -> Result<Reply, WireError> {
        self.inner.outside.send(&self.host_of(app), call).await
    }

    /// Adds or renames a peer.
    ///
    /// # Errors
    /// When no whole answer comes; a refusal is an answer.
    pub async fn put_peer(&self, id: &str, name: Option<&str>) -> Result<Reply, WireError> {
        let body = match name {
            Some(name) => json!({ "id": id, "name": name }),
            None => json!({ "id": id }),
        };
        self.ask_core(Call::new("PUT", "/protected/peers").json(&body)).await
    }

    /// Adds a peer without giving it a name.
    ///
    /// # Errors
    /// When the Core refuses it.
    pub async fn add_peer(&self, id: &str) -> Result<(), TestbedError> {
        let what = format!("adding the peer {} on {}", id.get(..6).unwrap_or(id), self.name());
        let reply = self.put_peer(id, None).await.map_err(TestbedError::wire(&*what))?;
        TestbedError::expect(&what, &[200, 201], reply).map(drop)
    }

    /// Removes a peer.
    ///
    /// # Errors
    /// When no whole answer comes; a refusal is an answer.
    pub async fn remove_peer(&self, id: &str) -> Result<Reply, WireError> {
        self.ask_core(Call::new("DELETE", format!("/protected/peers/{id}"))).await
    }

    /// The peers that its Core lists.
    ///
    /// # Errors
    /// When the Core does not list them.
    pub async fn peers(&self) -> Result<Vec<Value>, TestbedError> {
        let what = format!("listing the peers of {}", self.name());
        let reply = self.ask_core(Call::get("/protected/peers")).await.map_err(TestbedError::wire(&*what))?;
        let reply = TestbedError::expect(&what, &[200], reply)?;
        let body = reply.text();
        let malformed = |_| TestbedError::Refused { what, status: reply.status, body };
        serde_json::from_slice(&reply.body).map_err(malformed)
    }

    /// Gives the Core the manifest of an app, verbatim, and takes the app's door from the answer.
    ///
    /// # Errors
    /// When no whole answer comes; a refusal is an answer.
    pub async fn put_manifest(
        &self,
        app: &str,
        manifest: &str,
        address: Option<IpAddr>,
    ) -> Result<Reply, TestbedError> {
        let query = address.map(|address| format!("?address={address}")).unwrap_or_default();
        let call = Call::new("PUT", format!("/protected/apps/{app}{query}"))
            .field("content-type", "application/json")
            .body(manifest.to_owned());
        let what = format!("installing {app} on {}", self.name());
        let reply = self.ask_core(call).await.map_err(TestbedError::wire(what))?;
        let door = reply.json().as_ref().and_then(door_in);
        if let (200 | 201, Some(door), Ok(app)) = (reply.status, door, self.app(app)) {
            app.set_door(Some(door));
        }
        Ok(reply)
    }

    /// Makes the Core forget an app. The app goes on running.
    ///
    /// # Errors
    /// When no whole answer comes; a refusal is an answer.
    pub async fn uninstall(&self, app: &str) -> Result<Reply, WireError> {
        let reply = self.ask_core(Call::new("DELETE", format!("/protected/apps/{app}"))).await?;
        if let (200..300, Ok(app)) = (reply.status, self.app(app)) {
            app.set_door(None);
        }
        Ok(reply)
    }

    /// Calls a peer from a container with this address, through the main listener of its Core.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn call_peer_from(&self, source: IpAddr, peer: &str, call: Call) -> Result<Reply, WireError> {
        let to = self.core_address();
        let connected = async {
            let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.bind(SocketAddr::new(source, 0))?;
            socket.connect(to).await
        };
        let stream = connected.await.map_err(|source| WireError::Connect { to, source })?;
        let name = format!("container {source}");
        let channel = Channel::new(stream);
        let mut door = DoorChannel::new(channel, "portal_core".to_owned(), self.name(), &name, &self.inner.trace);
        let target = call_target(peer, call.target());
        door.send(call.with_target(target)).await
    }

    /// Pairs a terminal: a code from the Core, which the terminal gives from outside for its cookie.
    ///
    /// # Errors
    /// When there is no code, or no cookie for it.
    pub async fn pair(&self, name: &str) -> Result<Terminal, TestbedError> {
        let what = format!("pairing {name} with {}", self.name());
        let code = Call::get("/protected/terminals/pairing-code");
        let reply = self.ask_core(code).await.map_err(TestbedError::wire(&*what))?;
        let reply = TestbedError::expect(&what, &[200, 201], reply)?;
        let code = reply.json().and_then(|body| Some(body.get("code")?.as_str()?.to_owned())).unwrap_or_default();
        let call = Call::new("POST", format!("/core/public/pair/terminal?code={code}")).json(&json!({ "name": name }));
        let reply = self.inner.outside.send(self.domain(), call).await.map_err(TestbedError::wire(&*what))?;
        let reply = TestbedError::expect(&what, &[200, 201], reply)?;
        let set_cookie = reply.field("set-cookie").unwrap_or_default();
        let cookie = set_cookie.split(';').next().unwrap_or_default().trim().to_owned();
        if cookie.is_empty() {
            return Err(TestbedError::Refused { what, status: reply.status, body: "no cookie".to_owned() });
        }
        let client = self.inner.outside.with_cookie(&cookie);
        Ok(Terminal { name: name.to_owned(), cookie, set_cookie, client })
    }

    /// Asks the Core for the doors of all apps, after it was started again.
    pub(super) async fn find_doors(&self) -> Result<(), TestbedError> {
        if self.all_apps().is_empty() {
            return Ok(());
        }
        let what = format!("listing the apps of {}", self.name());
        let reply = self.ask_core(Call::get("/protected/apps")).await.map_err(TestbedError::wire(&*what))?;
        let listed = TestbedError::expect(&what, &[200], reply)?.json().unwrap_or_default();
        for app in self.all_apps() {
            let entry = listed.as_array().into_iter().flatten().find(|entry| entry["name"] == app.name());
            app.set_door(entry.and_then(door_in));
        }
        Ok(())
    }
}

/// The address in `{"door": "http://127.0.0.1:1234"}`.
fn door_in(entry: &Value) -> Option<SocketAddr> {
    entry.get("door")?.as_str()?.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}
