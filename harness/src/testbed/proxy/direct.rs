//! The suite in the proxy's place: nobody stands between a request and the Core's answer about it.
//!
//! ```text
//! step ── question ⇄ Core
//!   └──── the request, with what the Core says ⇄ app
//! ```
//!
//! The Core gets the fields of a request byte for byte as the scenario wrote them, also those that a proxy would refuse or
//! write anew. What only a proxy can show is refused with [`WireError::NeedsProxy`]: a scenario that needs it can't be run.
//! What a peer's Core sends over TLS still ends at a proxy of the testbed, as it has to end somewhere.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

use super::Upstreams;
use super::fields::{self, Forwarded};
use super::serve::{AUTH, TERMINAL};
use crate::subject::hooks::Hands;
use crate::testbed::client::connect;
use crate::testbed::faults::Faults;
use crate::trace::{Hop, Party, Trace};
use crate::wire::{Call, Channel, Fields, Reply, WireError};

/// Where requests from outside seem to come from (RFC 5737).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
const PLAYED: &str = "the suite in its place";

/// The Portals at whose proxies the suite plays the proxy, by the address to which their names lead. Clones are handles to
/// the same.
#[derive(Debug, Clone, Default)]
pub(in crate::testbed) struct Direct(Arc<RwLock<HashMap<SocketAddr, Arc<Player>>>>);

impl Direct {
    /// Whoever sends to this address deals with the player from now on.
    pub(in crate::testbed) fn play(&self, at: SocketAddr, player: Player) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(at, Arc::new(player));
    }

    /// The player at this address; none where nobody is, or a Portal that has a front of its own.
    pub(in crate::testbed) fn at(&self, address: SocketAddr) -> Option<Arc<Player>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }
}

/// Plays the proxy of one Portal.
#[derive(Debug)]
pub(in crate::testbed) struct Player {
    /// The Portal's name in the topology.
    pub(in crate::testbed) portal: String,
    /// `<short id>.<zone>`.
    pub(in crate::testbed) domain: String,
    /// Where the Core and the apps listen.
    pub(in crate::testbed) upstreams: Upstreams,
    /// How the Core is spoken to.
    pub(in crate::testbed) hands: Hands,
    /// The name of the terminals' cookie.
    pub(in crate::testbed) cookie: String,
    /// Where hops are noted.
    pub(in crate::testbed) trace: Trace,
}

impl Player {
    /// Asks the Core about a request, and has it answered by the app if it may go on. `authority` is the host where the
    /// request names none.
    pub(in crate::testbed) async fn send(&self, call: &Call, authority: &str) -> Result<Reply, WireError> {
        let request = Request::of(call, authority)?;
        let map = call.fields.to_header_map();
        let caller = self.trace.caller_of(crate::trace::trace_id_of(&map).as_deref());
        let hop = Hop::request(caller, Party::proxy(&self.portal), &call.method, &call.target, &map).with_note(PLAYED);
        let is_for_app = self.app_of(&request).is_none_or(|app| !app.is_empty());
        let body = call.content.kept().filter(|_| is_for_app);
        self.trace.record(hop.clone().with_body(body));
        let reply = self.answer(&request).await?;
        let body = reply.kept_body(true).filter(|_| is_for_app);
        self.trace.record(hop.answer(reply.status, &reply.fields.to_header_map()).with_body(body));
        Ok(reply)
    }

    /// What stands before the Portal's own name; none for a host that is not its own.
    fn app_of(&self, request: &Request<'_>) -> Option<String> {
        let name = request.host.to_str().unwrap_or_default().to_ascii_lowercase();
        // Which port is right, and whose host it is at all, is for the Core to say (ACL-10).
        let name = name.split(':').next().unwrap_or_default();
        name.strip_suffix(&self.domain).map(str::to_owned)
    }

    async fn answer(&self, request: &Request<'_>) -> Result<Reply, WireError> {
        let app = self.app_of(request);
        if app.as_deref() == Some("") {
            return self.on_own_host(request).await;
        }
        request.is_plain()?;
        let answer = self.ask(AUTH, request).await?;
        let Some(declared) = permitted(&answer) else { return Ok(answer) };
        match app.and_then(|app| self.upstreams.app(app.strip_suffix('.')?)) {
            Some(address) => self.to_app(request, address, &declared).await,
            // Let in where there is no app: nothing can be shown but that.
            None => Ok(answer),
        }
    }

    /// The Core itself is spoken to: by anyone, or by who is a terminal (PROXY-1, TERM-5).
    async fn on_own_host(&self, request: &Request<'_>) -> Result<Reply, WireError> {
        let target = request.call.target.strip_prefix("/core").unwrap_or_default();
        if target.starts_with("/public/") {
            return self.to_core(request, target, &HeaderMap::new()).await;
        }
        if !target.starts_with("/protected/") {
            return Err(WireError::NeedsProxy("where a path leads on the Portal's own host is the proxy's to say"));
        }
        let answer = self.ask(TERMINAL, request).await?;
        match permitted(&answer) {
            Some(declared) => self.to_core(request, target, &declared).await,
            None => Ok(answer),
        }
    }

    async fn ask(&self, path: &str, request: &Request<'_>) -> Result<Reply, WireError> {
        self.at_core(request.question(path), path).await
    }

    async fn to_core(&self, request: &Request<'_>, target: &str, declared: &HeaderMap) -> Result<Reply, WireError> {
        self.at_core(request.handed_on(declared, None).with_target(target), target).await
    }

    async fn at_core(&self, call: Call, target: &str) -> Result<Reply, WireError> {
        let core = self.upstreams.core();
        let (from, to) = (Party::proxy(&self.portal), Party::core(&self.portal));
        let own = self.hands.surface().target(target);
        let hop = Hop::request(from, to, &call.method, target, &call.fields.to_header_map());
        let hop = if own == target { hop } else { hop.with_note(format!("at {own}")) };
        self.trace.record(hop.clone());
        let reply = self.hands.exchange(call, core).await?;
        self.trace.record(hop.answer(reply.status, &reply.fields.to_header_map()));
        Ok(reply)
    }

    async fn to_app(&self, request: &Request<'_>, app: SocketAddr, declared: &HeaderMap) -> Result<Reply, WireError> {
        let call = request.handed_on(declared, Some(&self.cookie));
        let host = request.host.to_str().unwrap_or_default();
        Channel::new(connect(app).await?).exchange(&call, host).await
    }
}

/// What the Core says about a request that may go on.
fn permitted(answer: &Reply) -> Option<HeaderMap> {
    let ok = answer.status == StatusCode::OK.as_u16();
    ok.then(|| fields::declared(&answer.fields.to_header_map()))
}

/// A request of which the Core can be asked.
struct Request<'a> {
    call: &'a Call,
    host: HeaderValue,
    /// End-to-end fields, without those that say where it came from.
    fields: HeaderMap,
}

impl<'a> Request<'a> {
    fn of(call: &'a Call, authority: &str) -> Result<Request<'a>, WireError> {
        let mut hosts = call.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(HOST.as_str()));
        let host = hosts.next().map_or(authority.as_bytes(), |(_, value)| value);
        let host = HeaderValue::from_bytes(host.trim_ascii()).ok().filter(|host| host.to_str().is_ok());
        let (Some(host), None) = (host, hosts.next()) else {
            return Err(WireError::NeedsProxy("which host a request is for is the proxy's to say"));
        };
        let mut fields = fields::end_to_end(&call.fields.to_header_map(), Version::HTTP_11);
        fields::remove_forwarding(&mut fields);
        Ok(Request { call, host, fields })
    }

    /// Whether it goes on in one piece: all else is the doing of who passes it on.
    fn is_plain(&self) -> Result<(), WireError> {
        if self.call.cut_after.is_some() || self.call.pause.is_some() {
            return Err(WireError::NeedsProxy("how a body goes on its way is the proxy's doing"));
        }
        if self.call.fields.contains(EXPECT.as_str()) || self.call.trailers.iter().next().is_some() {
            return Err(WireError::NeedsProxy("permission to go on and trailers are the proxy's doing"));
        }
        Ok(())
    }

    /// What the Core is asked about it: the fields as they were written, and what a proxy says beside (contract §8).
    fn question(&self, path: &str) -> Call {
        let silent = [HOST, CONTENT_LENGTH, EXPECT, TRAILER];
        let goes_along = |name: &str| match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.fields.contains_key(&name) && !silent.contains(&name),
            // Not even a name: all the more the Core's to judge.
            Err(_) => true,
        };
        let lines = self.call.fields.iter().filter(|(name, _)| goes_along(name));
        let mut told = HeaderMap::new();
        self.forwarded().replace_all(&mut told, Faults::NONE);
        let mut question = Call::get(path).within(self.call.within);
        for (name, value) in lines {
            question = question.field(name, value);
        }
        for (name, value) in &told {
            question = question.field(name.as_str(), value.as_bytes());
        }
        question
    }

    /// The request as it goes on, with what the Core says about it and without the cookie of this name.
    fn handed_on(&self, declared: &HeaderMap, without: Option<&str>) -> Call {
        let mut fields = self.fields.clone();
        fields::identify(&mut fields, declared, Faults::NONE);
        self.forwarded().replace(&mut fields, Faults::NONE);
        fields.insert(HOST, self.host.clone());
        if let Some(cookie) = without {
            fields::remove_cookie(&mut fields, cookie, Faults::NONE);
        }
        Call { fields: Fields::from_header_map(&fields), ..self.call.clone() }
    }

    fn forwarded(&self) -> Forwarded<'_> {
        Forwarded {
            method: &self.call.method,
            scheme: "https",
            host: &self.host,
            target: &self.call.target,
            client: CLIENT,
            has_body: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(call: &Call) -> Vec<(String, String)> {
        call.fields.to_readable()
    }

    #[test]
    fn the_core_is_asked_with_the_fields_as_they_were_written_and_nothing_that_says_whether_there_is_a_body() {
        let call = Call::post("/a%2F?b", "x")
            .field("Signature-Input", "sig1=()")
            .field("Bad Name", "1")
            .field("Content-Length", "1")
            .field("Connection", "close, X-Hop")
            .field("X-Hop", "1")
            .field("X-Forwarded-Uri", "/forged")
            .field("X-Ptl-Client-Id", "forged");
        let request = Request::of(&call, "chat.abc.example").unwrap();
        let question = request.question(AUTH);
        assert_eq!((question.method(), question.target()), ("GET", AUTH));
        let expected = [
            ("Signature-Input", "sig1=()"),
            ("Bad Name", "1"),
            ("X-Ptl-Client-Id", "forged"),
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.abc.example"),
            ("x-forwarded-method", "POST"),
            ("x-forwarded-uri", "/a%2F?b"),
        ];
        let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(lines(&question), expected);
    }

    #[test]
    fn the_app_is_told_who_asks_by_the_core_alone() {
        let call = Call::get("/x").field("X-Ptl-Client-Id", "forged").field("Cookie", "a=1; authorization=x");
        let request = Request::of(&call, "chat.abc.example").unwrap();
        let declared = [("x-ptl-client-id", "alice")];
        let declared = declared.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)));
        let on = lines(&request.handed_on(&declared.collect(), Some("authorization")));
        let values = |name: &str| on.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>();
        assert_eq!(values("x-ptl-client-id"), ["alice"]);
        assert_eq!(values("cookie"), ["a=1"]);
        assert_eq!(values("host"), ["chat.abc.example"]);
        assert!(values("x-forwarded-uri").is_empty());
    }

    #[test]
    fn what_a_proxy_alone_can_show_is_not_played() {
        let gate = crate::wire::Gate::new();
        let odd = [
            Call::post("/", "xx").cut_after(1),
            Call::post("/", "xx").pause_after(1, &gate),
            Call::post("/", "xx").expect_continue(),
            Call::post("/", "xx").trailer("X-Sum", "1"),
            Call::get("/").field("Host", "a").field("host", "b"),
        ];
        for call in odd {
            let refused = Request::of(&call, "a").and_then(|request| request.is_plain());
            assert!(matches!(refused, Err(WireError::NeedsProxy(_))), "{call:?}");
        }
    }
}
