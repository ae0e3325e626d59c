//! A request's way through the proxy: one reading, where to, may it, is its body what was signed, on.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use portal_core::spool::Progress;

use super::Site;
use super::ask::{Answer, ask};
use super::digest;
use super::fields::{self, Forwarded};
use super::forward::{Outbound, forward};
use super::guard::Verdicts;
use super::head::Head;
use super::refuse::Refusal;
use super::rewrite;
use super::route::Route;
use super::tapped::Tapped;
use super::upstream::{self, Body, BoxError};
use crate::testbed::faults::ProxyFault;
use crate::trace::{Hop, Party, TRACE_FIELD, Trace, trace_id_of};

pub(super) const AUTH: &str = "/internal/auth";
pub(super) const TERMINAL: &str = "/internal/authenticate_terminal";

/// Who calls, and over what.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) ip: IpAddr,
    pub(super) scheme: &'static str,
    /// The verdicts on the heads of an HTTP/1.1 connection.
    pub(super) verdicts: Option<Arc<Verdicts>>,
}

/// Answers one request.
pub(super) async fn serve(site: Arc<Site>, caller: Caller, mut request: Request<Incoming>) -> Response<Body> {
    let verdict = caller.verdicts.as_ref().map_or(Ok(None), |verdicts| match verdicts.next() {
        Some(verdict) => verdict.map(Some),
        None => Err(Refusal::HeadMalformed("it was not judged")),
    });
    let head = match verdict {
        Ok(head) => head,
        Err(refusal) => return refusal.into_response(true),
    };
    let handshake = Handshake::of(&caller, head.as_ref());
    let wanted = handshake.is_some() && !site.faults.has(ProxyFault::DropsUpgrade);
    let upgrade = wanted.then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    if site.marks && trace_id_of(&parts.headers).is_none() {
        mark(&mut parts.headers, &site.trace);
    }
    let http_1 = parts.version != Version::HTTP_2;
    let hop = Hop::request(
        site.trace.caller_of(trace_id_of(&parts.headers).as_deref()),
        Party::proxy(&site.portal),
        parts.method.as_str(),
        target_of(&parts),
        &parts.headers,
    );
    let seq = site.trace.record(hop.clone());
    // What is left of a body after a refusal is not worth reading.
    let has_body = !body.is_end_stream();
    let close = http_1 && has_body;
    let passage = Passage::new(&site, &caller, &parts, has_body, upgrade);
    // What goes to the Core is not for the trace.
    let is_for_app = passage.as_ref().is_ok_and(|passage| matches!(passage.route, Route::App(_)));
    let body = if is_for_app { Tapped::new(body, &site.trace, seq) } else { Tapped::untapped(body) };
    let answered = match passage {
        Ok(passage) if site.faults.has(ProxyFault::ContinuesTooEarly) => {
            match digest::check(body, &site.limits.checked_body, None).await {
                Ok(spooled) => passage.pass(spooled.into_body(Progress::default())).await,
                Err(refusal) => Err(refusal),
            }
        }
        Ok(passage) => passage.pass(body).await,
        Err(refusal) => Err(refusal),
    };
    let response = answered.unwrap_or_else(|refusal| refusal.into_response(close));
    if let Some(handshake) = handshake {
        handshake.settle(response.status() == StatusCode::SWITCHING_PROTOCOLS);
    }
    let seq = site.trace.record(hop.answer(response.status().as_u16(), response.headers()));
    if is_for_app && parts.method != Method::HEAD {
        return response.map(|body| Tapped::new(body, &site.trace, seq).boxed_unsync());
    }
    response
}

/// A request that begins here, as a browser's does, can be followed from here on.
fn mark(fields: &mut HeaderMap, trace: &Trace) {
    if let Ok(id) = HeaderValue::try_from(trace.begin(Party::Outside)) {
        fields.insert(HeaderName::from_static(TRACE_FIELD), id);
    }
}

/// A WebSocket handshake that must be settled either way.
struct Handshake(Arc<Verdicts>);

impl Handshake {
    fn of(caller: &Caller, head: Option<&Head>) -> Option<Handshake> {
        head.filter(|head| head.upgrade).and(caller.verdicts.clone()).map(Handshake)
    }

    fn settle(self, tunnel: bool) {
        self.0.settle(tunnel);
    }
}

/// A request with one reading, on its way.
struct Passage<'a> {
    site: &'a Site,
    caller: &'a Caller,
    method: Method,
    host: HeaderValue,
    target: String,
    route: Route,
    /// End-to-end fields.
    fields: HeaderMap,
    takes_trailers: bool,
    /// Whether a body follows, where the Core is told.
    has_body: Option<bool>,
    upgrade: Option<OnUpgrade>,
}

impl<'a> Passage<'a> {
    fn new(
        site: &'a Site,
        caller: &'a Caller,
        parts: &Parts,
        has_body: bool,
        upgrade: Option<OnUpgrade>,
    ) -> Result<Self, Refusal> {
        // HTTP/1.1 has been looked at by the guard.
        if parts.method == Method::CONNECT {
            return Err(Refusal::ConnectRefused);
        }
        let host = host_of(parts)?;
        let target = rewrite::target(target_of(parts), site.faults);
        let name = host.to_str().map_err(|_| Refusal::HostConflict("it is no host"))?;
        let (host, route) = match site.place.route(name, &target, site.faults) {
            Err(Refusal::HostUnknown(_)) if site.faults.has(ProxyFault::HasDefaultApp) => default_app(site)?,
            route => (host, route?),
        };
        Ok(Passage {
            site,
            caller,
            method: parts.method.clone(),
            route,
            host,
            target,
            fields: rewrite::fields(fields::end_to_end(&parts.headers, parts.version), site.faults),
            takes_trailers: fields::takes_trailers(&parts.headers),
            has_body: site.announces_body.then_some(has_body),
            upgrade,
        })
    }

    async fn pass<B>(self, body: B) -> Result<Response<Body>, Refusal>
    where
        B: HttpBody<Data = bytes::Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if self.site.faults.has(ProxyFault::DropsBody) {
            return self.pass_on(upstream::empty()).await;
        }
        self.pass_on(body).await
    }

    async fn pass_on<B>(mut self, body: B) -> Result<Response<Body>, Refusal>
    where
        B: HttpBody<Data = bytes::Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let site = self.site;
        let declared = match self.permission().await? {
            Answer::Permit(declared) => declared,
            Answer::Stop(response) => return Ok(response),
        };
        let peer = declared.get("x-ptl-client-type").is_some_and(|kind| kind == "peer");
        let checker = digest::wanted(&self.fields, peer, site.faults)?;
        let checker = checker.filter(|_| !(site.faults.has(ProxyFault::ChecksNoEmptyBody) && body.is_end_stream()));
        let mut fields = std::mem::take(&mut self.fields);
        fields::identify(&mut fields, &declared, site.faults);
        let follows = matches!(self.route, Route::Public(_)) && site.faults.has(ProxyFault::FollowsDetours);
        if !follows {
            self.forwarded().replace(&mut fields, site.faults);
        }
        fields.insert(HOST, self.host.clone());
        let (to, target) = match self.route {
            Route::App(app) => {
                fields::remove_cookie(&mut fields, &site.cookie, site.faults);
                (site.upstreams.app(&app).ok_or(Refusal::AppUnknown)?, self.target)
            }
            Route::Public(target) | Route::Protected(target) => (site.upstreams.core(), target),
        };
        let (method, takes_trailers, upgrade) = (self.method, self.takes_trailers, self.upgrade);
        let outbound = Outbound { method, target, fields, takes_trailers, upgrade };
        if checker.is_some() || site.faults.has(ProxyFault::BuffersRequests) {
            let spooled = digest::check(body, &site.limits.checked_body, checker).await?;
            return forward(site, to, outbound, spooled.into_body(Progress::default())).await;
        }
        forward(site, to, outbound, body).await
    }

    /// Whether the request may go on, and as whom.
    async fn permission(&self) -> Result<Answer, Refusal> {
        let site = self.site;
        let question = match &self.route {
            Route::App(_) if site.faults.has(ProxyFault::SkipsAuthForGet) && self.method == Method::GET => None,
            Route::App(_) => Some(AUTH),
            Route::Protected(_) if site.faults.has(ProxyFault::SkipsTerminalCheck) => None,
            Route::Protected(_) => Some(TERMINAL),
            Route::Public(_) => None,
        };
        let Some(path) = question else { return Ok(Answer::Permit(HeaderMap::new())) };
        let mut forwarded = self.forwarded();
        let own = HeaderValue::from_static("127.0.0.1");
        if site.faults.has(ProxyFault::AsksWithItsOwnHost) {
            forwarded.host = &own;
        }
        if site.faults.has(ProxyFault::AsksTwice) {
            ask(site, path, &self.fields, &forwarded).await?;
        }
        ask(site, path, &self.fields, &forwarded).await
    }

    fn forwarded(&self) -> Forwarded<'_> {
        Forwarded {
            method: self.method.as_str(),
            scheme: self.caller.scheme,
            host: &self.host,
            target: &self.target,
            client: self.caller.ip,
            has_body: self.has_body,
        }
    }
}

/// Where a proxy leads what it does not know, as if it had been sent there.
fn default_app(site: &Site) -> Result<(HeaderValue, Route), Refusal> {
    let app = site.upstreams.first_app().ok_or(Refusal::AppUnknown)?;
    let host = HeaderValue::try_from(site.place.host_of(&app)).map_err(|_| Refusal::AppUnknown)?;
    Ok((host, Route::App(app)))
}

/// The host as it was sent: `:authority`, or else the Host field, and both the same where both are there (RFC 9113 §8.3.1).
fn host_of(parts: &Parts) -> Result<HeaderValue, Refusal> {
    let field = parts.headers.get(HOST);
    if parts.version == Version::HTTP_2 {
        if parts.headers.get_all(HOST).iter().count() > 1 {
            return Err(Refusal::HostConflict("there are several Host fields"));
        }
        if parts.headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
            return Err(Refusal::FramingConflict("several Content-Length fields"));
        }
        if let Some(authority) = parts.uri.authority() {
            if field.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())) {
                return Err(Refusal::HostConflict("the Host field is not the authority"));
            }
            return HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::HostConflict("it is no host"));
        }
    }
    field.cloned().ok_or(Refusal::HostConflict("there is no Host field"))
}

/// Path and query as they were sent (RFC 9112 §3.2.2: an absolute form without path means `/`).
pub(super) fn target_of(parts: &Parts) -> String {
    match parts.uri.path_and_query().map_or("/", |target| target.as_str()) {
        target if target.starts_with('/') || target == "*" => target.to_owned(),
        target => format!("/{target}"),
    }
}
