//! Outgoing (contract §6): an app's request becomes a signed one to the same app of a peer, and the answer
//! streams back.

use std::{fmt::Debug, sync::Arc};

use axum::{body::Body, response::IntoResponse};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};

use crate::{
    connect::{Destination, SendError},
    core::Running,
    digest::{Checker, ContentDigest, DigestAlgorithm, Hasher},
    observe::{CoreEvent, EventKind, trace_of},
    outgoing::end_to_end_answer,
    parts::Caller,
    peers::{Peer, PeerRef, Peers},
    profile::Profile,
    refusal::Refusal,
    server::Arrived,
    signing::{SignedAs, header_value, sign},
    spool::{SpoolError, Spooled, spool},
    transport::Outgoing,
};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// Where calls to peers come in.
pub(crate) const PREFIX: &str = "/internal/call_peer/";

/// A call as an app asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The calling app.
    pub app: &'a str,
    /// What stands for the peer in the path, as sent.
    pub peer: &'a str,
    /// What follows, with the query, as sent; begins with `/`.
    pub target: &'a str,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub struct Route {
    /// The peer.
    pub peer: Arc<Peer>,
    /// Its proxy, by the calling app's name.
    pub destination: Destination,
    /// The request target there.
    pub target: String,
}

/// Finds out where a call goes.
pub trait RouteCall: Send + Sync + Debug {
    /// The way of a call.
    ///
    /// # Errors
    /// When no or several peers are meant, or `peer` can't be an ID; nothing is connected to then.
    fn route(&self, call: &Call<'_>, peers: &Peers, profile: &Profile) -> Result<Route, Refusal>;
}

/// CALL-1: `{peer}` is the ID of one known peer or a prefix of it; path and query stay byte for byte (CALL-3).
#[derive(Clone, Copy, Debug, Default)]
pub struct ByIdOrPrefix;

impl RouteCall for ByIdOrPrefix {
    fn route(&self, call: &Call<'_>, peers: &Peers, profile: &Profile) -> Result<Route, Refusal> {
        let id = PeerRef::parse(call.peer)?;
        let peer = peers.find(&id).one(&id)?;
        let host = format!("{}.{}", call.app, profile.domain(peer.short_id()));
        let destination = Destination { host, port: profile.public_port };
        Ok(Route { peer, destination, target: call.target.to_owned() })
    }
}

/// Answers a call: with the peer's answer, or with a refusal.
pub(crate) async fn call_peer(core: &Arc<Running>, request: Request<Body>) -> Response<Body> {
    let trace = trace_of(request.headers());
    let observe = |kind| core.parts.observer.observe(&CoreEvent { trace: trace.clone(), kind });
    let (answer, refusal) = match forward(core, request, &observe).await {
        Ok(answer) => (answer, None),
        Err(refusal) => {
            tracing::info!(code = refusal.code(), %refusal, "call refused");
            (refusal.clone().into_response(), Some(refusal.code()))
        }
    };
    observe(EventKind::CallAnswered { status: answer.status().as_u16(), refusal });
    answer
}

async fn forward(
    core: &Arc<Running>,
    request: Request<Body>,
    observe: &(impl Fn(EventKind) + Sync),
) -> Result<Response<Body>, Refusal> {
    let (head, mut body) = request.into_parts();
    let app = recognise(core, &head);
    observe(EventKind::CallReceived {
        app: app.clone(),
        method: head.method.to_string(),
        target: head.uri.to_string(),
    });
    let (peer, outgoing, signed) = prepare(core, app, &head, &mut body).await?;
    observe(EventKind::Signed { label: signed.label, base: signed.base, signature_input: signed.signature_input });
    observe(EventKind::Sent { authority: outgoing.destination.authority(), target: outgoing.target.clone() });
    let answer = core.transport.send(outgoing).await;
    note_reachability(core, &peer, answer.as_ref().err());
    let answer = answer.map_err(|error| refusal_of(&error, &peer))?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let why = "it switched protocols without being asked to".to_owned();
        return Err(Refusal::PeerUnreachable { peer: peer.short_id().to_owned(), why });
    }
    let (mut answer_head, answer_body) = answer.into_parts();
    answer_head.headers = end_to_end_answer(&answer_head.headers);
    answer_head.version = Version::HTTP_11;
    answer_head.extensions.clear();
    Ok(Response::from_parts(answer_head, answer_body))
}

fn recognise(core: &Running, head: &http::request::Parts) -> Option<String> {
    let arrived = head.extensions.get::<Arrived>()?;
    let source = arrived.source.ip();
    let at_address = core.places.at_address(source);
    let caller =
        Caller { door: arrived.door.as_deref(), at_address: at_address.as_deref(), source, fields: &head.headers };
    core.parts.caller.recognise(&caller)
}

async fn prepare(
    core: &Running,
    app: Option<String>,
    head: &http::request::Parts,
    body: &mut Body,
) -> Result<(Arc<Peer>, Outgoing, SignedAs), Refusal> {
    let app = app.ok_or(Refusal::CallerUnknown)?;
    let (peer, target) = split(head.uri.path_and_query().map_or("", |target| target.as_str()));
    let call = Call { app: &app, peer, target: &target };
    let Route { peer, destination, target } = core.parts.route.route(&call, &core.peers, &core.parts.profile)?;

    let mut fields = core.parts.fields.choose(&head.headers, &core.parts.profile.cookie);
    let spooled = take_in(core, body, &mut fields).await?;
    let signed = sign(core, head.method.as_str(), &destination, &target, &mut fields)?;
    let outgoing = Outgoing { destination, method: head.method.clone(), target, fields, body: spooled };
    Ok((peer, outgoing, signed))
}

/// Takes the body in and sees to it that its Content-Digest is right: the app's own is kept where it holds, and a
/// wrong one is never sent (SIG-3).
async fn take_in(core: &Running, body: &mut Body, fields: &mut HeaderMap) -> Result<Spooled, Refusal> {
    let mut ours = Hasher::new(DigestAlgorithm::Sha256);
    let mut theirs = checker_of(fields);
    let spooled = spool(body, &core.limits.spool, |data| {
        ours.update(data);
        if let Some(theirs) = &mut theirs {
            theirs.update(data);
        }
    })
    .await
    .map_err(refusal_of_body)?;
    if theirs.is_none_or(|theirs| theirs.finish().is_err()) {
        fields.remove(CONTENT_DIGEST);
    }
    if spooled.length() > 0 && core.parts.profile.cover_digest && !fields.contains_key(CONTENT_DIGEST) {
        fields.insert(CONTENT_DIGEST, header_value(ours.finish().to_string())?);
    }
    if spooled.trailers().is_none() {
        fields.remove(header::TRAILER);
    }
    Ok(spooled)
}

fn checker_of(fields: &HeaderMap) -> Option<Checker> {
    let lines: Vec<&[u8]> = fields.get_all(CONTENT_DIGEST).iter().map(HeaderValue::as_bytes).collect();
    if lines.is_empty() {
        return None;
    }
    ContentDigest::parse(lines).ok()?.checker().ok()
}

/// Peer and target out of a request target of ours, byte for byte.
fn split(target: &str) -> (&str, String) {
    let rest = target.strip_prefix(PREFIX).unwrap_or_default();
    match rest.find(['/', '?']) {
        Some(at) if rest[at..].starts_with('/') => (&rest[..at], rest[at..].to_owned()),
        Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
        None => (rest, "/".to_owned()),
    }
}

fn refusal_of_body(error: SpoolError) -> Refusal {
    match error {
        SpoolError::TooLarge { limit } => Refusal::BodyTooLarge { limit },
        SpoolError::Disk(error) => {
            tracing::error!(%error, "a body can't be put aside");
            Refusal::StoreFailed
        }
        other => Refusal::RequestMalformed { why: other.to_string() },
    }
}

fn refusal_of(error: &SendError, peer: &Peer) -> Refusal {
    let peer = peer.short_id().to_owned();
    match error {
        SendError::Silent { waited, .. } => Refusal::PeerSilent { peer, seconds: waited.as_secs() },
        other => Refusal::PeerUnreachable { peer, why: other.to_string() },
    }
}

/// What a call showed of a peer whose key is known is told in the list of peers; of one whose key isn't, only its
/// key tells (PEER-6).
fn note_reachability(core: &Arc<Running>, peer: &Arc<Peer>, error: Option<&SendError>) {
    let is_reachable = error.is_none();
    if peer.public_key_pem().is_none() || peer.is_reachable() == is_reachable {
        return;
    }
    let (core, peer) = (core.clone(), peer.clone());
    core.clone().tasks.spawn(async move {
        let peers = core.peers.clone();
        if let Err(error) = core.blocking(move || peers.mark_reachable(&peer, is_reachable)).await {
            tracing::warn!(%error, "whether a peer can be reached could not be noted");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_and_target_are_told_apart_byte_for_byte() {
        let cases = [
            ("b8rk3f/foo/bar", ("b8rk3f", "/foo/bar")),
            ("b8rk3f", ("b8rk3f", "/")),
            ("b8rk3f/", ("b8rk3f", "/")),
            ("b8rk3f?x=1", ("b8rk3f", "/?x=1")),
            ("b8rk3f/x?", ("b8rk3f", "/x?")),
            ("b8rk3f//a//b/../%2e%2E/%c3%a4?q=%20+&/", ("b8rk3f", "//a//b/../%2e%2E/%c3%a4?q=%20+&/")),
            ("evil.example%23/x", ("evil.example%23", "/x")),
            ("/x", ("", "/x")),
        ];
        for (given, (peer, target)) in cases {
            assert_eq!(split(&format!("{PREFIX}{given}")), (peer, target.to_owned()), "{given}");
        }
    }
}
