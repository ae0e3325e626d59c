//! Outgoing (contract §6 and §7): an app's request becomes a signed one to the same app of a peer, and the answer
//! streams back.

use std::{fmt::Debug, sync::Arc, time::Duration};

use axum::{body::Body, response::IntoResponse};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{
    clock::unix_seconds,
    connect::{Destination, SendError},
    core::Running,
    digest::{Checker, ContentDigest, DigestAlgorithm, Hasher},
    identity::Identity,
    observe::{CoreEvent, EventKind, trace_of},
    outgoing::{end_to_end_answer, http_date},
    parts::Caller,
    peers::{Peer, PeerRef, Peers},
    profile::{IdForm, Profile},
    refusal::Refusal,
    rfc9421::{self, Limits, Message, Scheme, SignError, Signatures, Signed},
    server::Arrived,
    spool::{SpoolError, Spooled, spool},
    transport::Outgoing,
};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The label of the Portal's own signature, where the app has not taken it.
const LABEL: &str = "portal";
/// Where calls to peers come in.
pub(crate) const PREFIX: &str = "/internal/call_peer/";
/// How much of a refused body is read, and for how long, so that the sender gets to see the answer.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_FOR: Duration = Duration::from_secs(10);

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

/// What a signature is made with.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Who signs.
    pub identity: &'a Identity,
    /// What is covered.
    pub profile: &'a Profile,
    /// The present, in seconds since the epoch.
    pub created: u64,
    /// A nonce that was never used before.
    pub nonce: &'a str,
}

/// Signs outgoing requests.
pub trait SignCall: Send + Sync + Debug {
    /// The Portal's signature of `request`, which has its Host and, where there is a body, its Content-Digest.
    ///
    /// # Errors
    /// When the request can't be signed.
    fn sign(&self, request: &rfc9421::Request, signing: &Signing<'_>) -> Result<Signed, SignError>;
}

/// Contract §7.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignAsPortal;

impl SignCall for SignAsPortal {
    fn sign(&self, request: &rfc9421::Request, signing: &Signing<'_>) -> Result<Signed, SignError> {
        let message = Message::from(request);
        let key = signing.identity.key();
        // SIG-2, SIG-3. Neither Host nor a length nor anything else that an edge rewrites is covered (SIG-7).
        let covered = signing.profile.covered(request.fields().contains("content-digest"));
        let id = signing.identity.id();
        let keyid = match signing.profile.keyid {
            IdForm::Full => id.as_str(),
            IdForm::Short | IdForm::AsTyped => id.short(),
        };
        let mut input = rfc9421::SignatureInput::builder()
            .components(covered)
            .created(signing.created)
            .keyid(keyid)
            .alg(key.algorithm());
        if signing.profile.send_nonce {
            input = input.nonce(signing.nonce);
        }
        if let Some(tag) = &signing.profile.tag {
            input = input.tag(tag);
        }
        // SIG-1: the app's own signatures keep their labels.
        rfc9421::sign(&message, &rfc9421::free_label(&message, LABEL), &input.build()?, key)
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
    let prepared = prepare(core, app, &head, &mut body).await;
    let (peer, outgoing, signed) = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => {
            drain(core, &head.headers, body);
            return Err(refusal);
        }
    };
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

/// What was signed, for the observer.
struct SignedAs {
    label: String,
    base: String,
    signature_input: String,
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

/// Adds the Portal's signature in front of those that the app brought.
fn sign(
    core: &Running,
    method: &str,
    destination: &Destination,
    target: &str,
    fields: &mut HeaderMap,
) -> Result<SignedAs, Refusal> {
    let profile = &core.parts.profile;
    if profile.cover_date && !fields.contains_key(header::DATE) {
        fields.insert(header::DATE, header_value(http_date(unix_seconds(&*core.parts.clock)))?);
    }
    if !has_readable_signatures(method, target, fields) {
        fields.remove(SIGNATURE_INPUT);
        fields.remove(SIGNATURE);
    }
    let mut request = as_message(method, target, fields)?;
    request.fields_mut().push("host", destination.authority()).map_err(|error| unsendable(&error))?;
    let nonce = core.parts.nonces.nonce().ok_or(Refusal::Busy)?;
    let created = unix_seconds(&*core.parts.clock);
    let signing = Signing { identity: &core.identity, profile, created, nonce: &nonce };
    let signed = core.parts.signer.sign(&request, &signing).map_err(|error| unsendable(&error))?;
    put_first(fields, SIGNATURE_INPUT, header_value(signed.signature_input_value.clone())?);
    put_first(fields, SIGNATURE, header_value(signed.signature_value.clone())?);
    let label = signed.signature_input_value.split('=').next().unwrap_or_default().to_owned();
    Ok(SignedAs { label, base: signed.base.as_str().to_owned(), signature_input: signed.signature_input_value })
}

/// Whether ours can stand beside the app's signatures: one Dictionary that can't be read takes all of them along.
fn has_readable_signatures(method: &str, target: &str, fields: &HeaderMap) -> bool {
    let generous = Limits { max_labels: 256, max_components: 1_024, max_field_bytes: 256 * 1024 };
    as_message(method, target, fields)
        .is_ok_and(|request| Signatures::parse(&Message::from(&request), &generous).is_ok())
}

fn as_message(method: &str, target: &str, fields: &HeaderMap) -> Result<rfc9421::Request, Refusal> {
    let mut request = rfc9421::Request::new(method, target, Scheme::Https).map_err(|error| unsendable(&error))?;
    for (name, value) in fields {
        request.fields_mut().push(name.as_str(), value).map_err(|error| unsendable(&error))?;
    }
    Ok(request)
}

fn put_first(fields: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let others: Vec<HeaderValue> = fields.get_all(&name).iter().cloned().collect();
    fields.insert(name.clone(), value);
    for other in others {
        fields.append(name.clone(), other);
    }
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

fn header_value(text: String) -> Result<HeaderValue, Refusal> {
    HeaderValue::try_from(text).map_err(|error| unsendable(&error))
}

fn unsendable(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::RequestMalformed { why: error.to_string() }
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

/// Reads on for a while, so that an app which is still sending gets to see why it was refused.
fn drain(core: &Running, head: &HeaderMap, body: Body) {
    // Whoever asked before sending is told by the answer itself.
    if head.contains_key(header::EXPECT) || body.is_end_stream() {
        return;
    }
    core.tasks.spawn(async move {
        let mut body = body;
        let mut left = DRAIN_BYTES;
        let deadline = Instant::now() + DRAIN_FOR;
        while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(rest) => left = rest,
                None => return,
            }
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

    #[test]
    fn ours_stands_in_front_of_the_others() {
        let mut fields = HeaderMap::new();
        fields.append(SIGNATURE, HeaderValue::from_static("a=:AA==:"));
        fields.append(SIGNATURE, HeaderValue::from_static("b=:AA==:"));
        put_first(&mut fields, SIGNATURE, HeaderValue::from_static("portal=:AA==:"));
        let values: Vec<_> = fields.get_all(SIGNATURE).iter().collect();
        assert_eq!(values, ["portal=:AA==:", "a=:AA==:", "b=:AA==:"]);
    }

    #[test]
    fn signatures_that_can_not_be_read_are_told_from_those_that_can() {
        let with = |input: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(SIGNATURE_INPUT, HeaderValue::from_static(input));
            has_readable_signatures("GET", "/", &fields)
        };
        assert!(with(r#"a=("@method");created=1"#));
        assert!(!with(r#"a=("@method""#));
    }
}
