//! What an owner, a proxy and a container ask of a Core, over HTTP.

use std::net::IpAddr;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Portal;
use crate::subject::descriptor::{Hook, Pairing};
use crate::subject::hooks::Done;
use crate::testbed::app::{DoorChannel, call_target};
use crate::testbed::client::{OutsideClient, connect, connect_from};
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
        self.hands().exchange(call, self.core_address()).await
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

    /// Calls a peer from a container with this address, through the main listener of its Core.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn call_peer_from(&self, source: IpAddr, peer: &str, call: Call) -> Result<Reply, WireError> {
        let no_seat =
            |error: TestbedError| WireError::NoSuchHost(format!("container with the address {source}: {error}"));
        let stream = match self.seat(&source.to_string()).await.map_err(no_seat)? {
            Some(seat) => connect(seat.way).await?,
            None => connect_from(source, self.core_address()).await?,
        };
        let name = format!("container {source}");
        let channel = Channel::new(stream);
        let host = self.hands().surface().internal_host.clone();
        let mut door = DoorChannel::new(channel, host, self.name(), &name, &self.inner.trace);
        let target = call_target(peer, call.target());
        door.send(call.with_target(target)).await
    }

    /// Pairs a terminal: a code from the Core, which the terminal gives from outside for its cookie.
    ///
    /// # Errors
    /// When there is no code, or no cookie for it.
    pub async fn pair(&self, name: &str) -> Result<Terminal, TestbedError> {
        let what = format!("pairing {name} with {}", self.name());
        if let Pairing::Hook(hook) = &self.hands().surface().pairing {
            return self.pair_by(hook, name, what).await;
        }
        let code = Call::get("/protected/terminals/pairing-code");
        let reply = self.ask_core(code).await.map_err(TestbedError::wire(&*what))?;
        let reply = TestbedError::expect(&what, &[200, 201], reply)?;
        let code = reply.json().and_then(|body| Some(body.get("code")?.as_str()?.to_owned())).unwrap_or_default();
        let call = Call::new("POST", format!("/core/public/pair/terminal?code={code}")).json(&json!({ "name": name }));
        let reply = self.inner.outside.send(self.domain(), call).await.map_err(TestbedError::wire(&*what))?;
        let reply = TestbedError::expect(&what, &[200, 201], reply)?;
        let set_cookie = session_cookie(&reply).unwrap_or_default();
        self.paired(name, &set_cookie, what, reply.status)
    }

    /// Pairs in the Core's own way: a command prints the cookie, or a request sets it.
    async fn pair_by(&self, hook: &Hook, name: &str, what: String) -> Result<Terminal, TestbedError> {
        let hands = self.hands();
        let values = hands.values().clone().with("terminal", "name", name);
        let done = hands.perform(hook, &values, self.core_address()).await;
        match done.map_err(|error| TestbedError::hook(&what, error))? {
            Done::Reply(reply) => {
                let reply = TestbedError::expect(&what, &[200, 201, 204], *reply)?;
                let cookie = session_cookie(&reply).unwrap_or_else(|| reply.text());
                self.paired(name, &self.named_cookie(&cookie), what, reply.status)
            }
            Done::Ended { well: true, output, .. } => self.paired(name, &self.named_cookie(&output), what, 200),
            Done::Ended { errors, .. } => Err(TestbedError::Hook { what, why: errors.trim().to_owned() }),
            Done::Silently => Err(TestbedError::Hook { what, why: "nobody says which cookie".to_owned() }),
        }
    }

    /// A cookie that is only a value gets the profile's name.
    fn named_cookie(&self, text: &str) -> String {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let line = line.strip_prefix("Set-Cookie:").or_else(|| line.strip_prefix("set-cookie:")).unwrap_or(line).trim();
        let name = line.split_once('=').map_or("", |(name, _)| name);
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        match is_name {
            true => line.to_owned(),
            false => format!("{}={line}", self.inner.cookie),
        }
    }

    fn paired(&self, name: &str, set_cookie: &str, what: String, status: u16) -> Result<Terminal, TestbedError> {
        let cookie = set_cookie.split(';').next().unwrap_or_default().trim().to_owned();
        if cookie.is_empty() || cookie.ends_with('=') {
            return Err(TestbedError::Refused { what, status, body: "no cookie".to_owned() });
        }
        let client = self.inner.outside.with_cookie(&cookie);
        Ok(Terminal { name: name.to_owned(), cookie, set_cookie: set_cookie.to_owned(), client })
    }
}

/// The Set-Cookie line of the owner's session: the one that holds a JWT. A Core may set other cookies beside it, and what
/// the session's is called is a profile value.
pub(crate) fn session_cookie(reply: &Reply) -> Option<String> {
    let holds_jwt = |line: &String| {
        let value = line.split(';').next().and_then(|pair| Some(pair.split_once('=')?.1)).unwrap_or_default();
        value.trim_matches('"').split('.').filter(|part| !part.is_empty()).count() == 3
    };
    let lines: Vec<String> = reply.fields.values("set-cookie").collect();
    lines.iter().find(|line| holds_jwt(line)).or(lines.first()).cloned()
}
