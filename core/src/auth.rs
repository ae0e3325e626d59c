//! Incoming (contract §8): the proxy asks whether a request may pass; the request is rebuilt, its sender recognised,
//! and the app's rules decide.

use std::{
    borrow::Cow,
    fmt::Debug,
    sync::{Arc, LazyLock},
};

use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use crate::{
    acl::{Client, Permit},
    clock::unix_seconds,
    core::Running,
    headers,
    observe::{CoreEvent, EventKind, trace_of},
    peers::Peer,
    profile::{Destination, IdForm},
    refusal::Refusal,
    replay::Witness,
    rfc9421::{
        self, Limits, Message, Policy, Reason, Rejection, Requirement, Scheme, Signatures, SigningKey, Step, Verified,
        VerifyingKey,
    },
    terminals::{Terminal, Terminals},
};

/// How many cookies of the session's name are tried.
const COOKIES_TRIED: usize = 8;
/// How many peers are tried for one keyid: as many as may well share a short ID.
const CANDIDATES_TRIED: usize = 16;

/// The request that a proxy asks about.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The request as its sender made it.
    pub request: rfc9421::Request,
    /// The host that it was made to.
    pub host: String,
    /// Whether a body follows, where the proxy tells (AUTH-15).
    pub has_body: Option<bool>,
}

/// Rebuilds the request that a proxy asks about.
pub trait Rebuild: Send + Sync + Debug {
    /// The request, from the fields of the question.
    ///
    /// # Errors
    /// When a part is missing or can't be read.
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal>;
}

/// From `X-Forwarded-Method/-Proto/-Host/-Uri/-For` and the request's own fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromForwarded;

impl Rebuild for FromForwarded {
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal> {
        let method = forwarded(question, "x-forwarded-method")?;
        let scheme = match forwarded(question, "x-forwarded-proto")? {
            proto if proto.eq_ignore_ascii_case("https") => Scheme::Https,
            proto if proto.eq_ignore_ascii_case("http") => Scheme::Http,
            _ => return Err(malformed("x-forwarded-proto", "neither https nor http")),
        };
        let host = forwarded(question, "x-forwarded-host")?;
        let target = forwarded(question, "x-forwarded-uri")?;
        forwarded(question, "x-forwarded-for")?;
        // A proxy passes on origin-form only, besides `OPTIONS *`; an app could read a path out of any other.
        if !target.starts_with('/') && target != "*" {
            return Err(malformed("x-forwarded-uri", "no path"));
        }
        let mut request = rfc9421::Request::new(method, target, scheme)
            .map_err(|error| malformed("x-forwarded-uri", &error.to_string()))?;
        for (name, value) in question {
            if !name.as_str().starts_with("x-forwarded-") && name != header::HOST {
                let pushed = request.fields_mut().push(name.as_str(), value);
                pushed.map_err(|error| Refusal::RequestMalformed { why: error.to_string() })?;
            }
        }
        request.fields_mut().push("host", host).map_err(|error| malformed("x-forwarded-host", &error.to_string()))?;
        let has_body = match question.get("x-forwarded-body").map(HeaderValue::as_bytes) {
            Some(b"present") => Some(true),
            Some(b"absent") => Some(false),
            _ => None,
        };
        Ok(Forwarded { request, host: host.to_owned(), has_body })
    }
}

/// The one value of a field of the proxy's.
fn forwarded<'q>(question: &'q HeaderMap, field: &'static str) -> Result<&'q str, Refusal> {
    let mut lines = question.get_all(field).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Err(Refusal::ForwardedMissing { field }),
        (Some(_), Some(_)) => Err(malformed(field, "it stands there more than once")),
        (Some(value), None) if value.is_empty() => Err(malformed(field, "it is empty")),
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).map_err(|_| malformed(field, "it is no text")),
    }
}

fn malformed(field: &'static str, why: &str) -> Refusal {
    Refusal::ForwardedMalformed { field, why: why.to_owned() }
}

/// Tells whether a cookie is that of a terminal.
pub trait RecogniseTerminal: Send + Sync + Debug {
    /// The terminal whose cookie it is.
    fn recognise(&self, cookie: &str, terminals: &Terminals) -> Option<Terminal>;
}

/// TERM-3: a JWT that this Core signed, for a terminal that was not revoked.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignedCookie;

impl RecogniseTerminal for SignedCookie {
    fn recognise(&self, cookie: &str, terminals: &Terminals) -> Option<Terminal> {
        terminals.authenticate(cookie)
    }
}

/// One signature, with what it is verified against.
#[derive(Clone, Copy, Debug)]
pub struct ToVerify<'a> {
    /// The request.
    pub request: &'a rfc9421::Request,
    /// Its signatures.
    pub signatures: &'a Signatures,
    /// The label of the one that is verified.
    pub label: &'a str,
    /// The peer whose signature it may be.
    pub peer: &'a Peer,
    /// The peer's key.
    pub key: &'a VerifyingKey,
    /// What is required of it.
    pub policy: &'a Policy,
    /// The present, in seconds since the epoch.
    pub now: u64,
}

/// Verifies peers' signatures.
pub trait VerifyPeer: Send + Sync + Debug {
    /// The proof that the peer signed the request.
    ///
    /// # Errors
    /// Why it is none.
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection>;
}

/// RFC 9421 §3.2, with the requirements of the profile.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsTheRfcSays;

impl VerifyPeer for AsTheRfcSays {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        rfc9421::verify(&Message::from(it.request), it.label, it.signatures, it.key, it.policy, it.now)
    }
}

/// AUTH-1: the fields to add to the request, or why it must not pass.
pub(crate) async fn authorize(core: &Arc<Running>, question: &Parts) -> Result<HeaderMap, Refusal> {
    let trace = trace_of(&question.headers);
    let observe = |kind| core.parts.observer.observe(&CoreEvent { trace: trace.clone(), kind });
    let forwarded = core.parts.rebuild.rebuild(&question.headers)?;
    observe(EventKind::AuthAsked {
        method: forwarded.request.method().to_owned(),
        host: forwarded.host.clone(),
        target: forwarded.request.target().to_owned(),
    });
    // ACL-10, then ACL-9: neither depends on who asks.
    let destination = core.parts.profile.destination(core.identity.id().short(), &forwarded.host);
    let Some(Destination::App(app)) = destination else { return Err(Refusal::HostUnknown) };
    let manifest = core.apps.find(&app).ok_or(Refusal::AppUnknown)?;

    // AUTH-12: the cookie wins; a bad one leaves the signature its chance (TERM-3).
    let client = match terminal(core, &question.headers) {
        Some(terminal) => Client::Terminal { id: terminal.id, name: terminal.name },
        None => match signer(core, &forwarded, &observe).await {
            Some(peer) => {
                let id = peer.id(core.parts.profile.client_id).to_owned();
                Client::Peer { id, name: peer.name().to_owned() }
            }
            None => Client::Anonymous,
        },
    };
    let decision = core.parts.decide.decide(&client, &manifest, forwarded.request.target());
    observe(EventKind::Decided { client, refusal: decision.as_ref().err().map(Refusal::code) });
    Ok(identity_fields(core, &decision?))
}

/// TERM-5.
pub(crate) fn authenticate_terminal(core: &Running, fields: &HeaderMap) -> Result<HeaderMap, Refusal> {
    let terminal = terminal(core, fields).ok_or(Refusal::TerminalRequired)?;
    let encoded = |text: &str| HeaderValue::try_from(headers::percent_encode(text)).ok();
    let mut answer = HeaderMap::new();
    answer.insert("x-ptl-client-type", HeaderValue::from_static("terminal"));
    for (name, value) in [("x-ptl-client-id", &terminal.id), ("x-ptl-client-name", &terminal.name)] {
        if let Some(value) = encoded(value) {
            answer.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(answer)
}

fn identity_fields(core: &Running, permit: &Permit) -> HeaderMap {
    headers::render(permit, &core.facts).into_iter().collect()
}

fn terminal(core: &Running, fields: &HeaderMap) -> Option<Terminal> {
    let name = core.parts.profile.cookie.as_str();
    fields
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .take(COOKIES_TRIED)
        .find_map(|(_, value)| core.parts.session.recognise(value.trim_matches('"'), &core.terminals))
}

/// The peer who signed the request: one valid signature of one known peer is enough (AUTH-11).
async fn signer(
    core: &Arc<Running>,
    forwarded: &Forwarded,
    observe: &(impl Fn(EventKind) + Sync),
) -> Option<Arc<Peer>> {
    let request = &forwarded.request;
    let signatures = match Signatures::parse(&Message::from(request), &Limits::default()) {
        Ok(signatures) => signatures,
        Err(rejection) => {
            observe(rejected(None, &rejection));
            return None;
        }
    };
    let policy = policy_for(core, forwarded);
    for label in signatures.labels().take(core.limits.signatures_tried) {
        let attempt = Attempt { core, request, signatures: &signatures, label, policy: &policy };
        match attempt.verify().await {
            Ok((peer, verified)) => {
                observe(EventKind::Verified {
                    label: label.to_owned(),
                    keyid: verified.input().keyid().map(str::to_owned),
                    base: verified.base().as_str().to_owned(),
                });
                return Some(peer);
            }
            Err(rejection) => observe(rejected(Some(label), &rejection)),
        }
    }
    None
}

/// AUTH-15: where a body follows, its digest has to be covered.
fn policy_for<'c>(core: &'c Running, forwarded: &Forwarded) -> Cow<'c, Policy> {
    let mut policy = Cow::Borrowed(&core.policy);
    if forwarded.has_body == Some(true) && core.parts.profile.cover_digest {
        policy.to_mut().required.extend(Requirement::all(&["content-digest"]));
    }
    policy
}

fn rejected(label: Option<&str>, rejection: &Rejection) -> EventKind {
    EventKind::Rejected {
        label: label.map(str::to_owned),
        step: rejection.step.as_str().to_owned(),
        code: rejection.reason.code().to_owned(),
        base: rejection.base.as_ref().map(|base| base.as_str().to_owned()),
    }
}

/// One signature of a request.
struct Attempt<'a> {
    core: &'a Arc<Running>,
    request: &'a rfc9421::Request,
    signatures: &'a Signatures,
    label: &'a str,
    policy: &'a Policy,
}

impl Attempt<'_> {
    async fn verify(&self) -> Result<(Arc<Peer>, Verified), Rejection> {
        let keyid = self.signatures.get(self.label).and_then(|found| found.input.keyid()).unwrap_or_default();
        let mut refused = None;
        let mut without_key = Vec::new();
        for peer in self.core.peers.candidates_for(keyid).into_iter().take(CANDIDATES_TRIED) {
            match peer.key() {
                Some(key) => match self.against(&peer, key).await {
                    Ok(verified) => return Ok((peer, verified)),
                    Err(rejection) => refused = Some(rejection),
                },
                None => without_key.push(peer),
            }
        }
        // Where nobody is meant, against nobody's key: it tells what is wrong with the signature itself, makes the base
        // for diagnosis, and costs what it costs where somebody is (AUTH-14).
        let mut refused = refused.unwrap_or_else(|| self.against_nobody());
        // PEER-7: the key of a peer who was away is fetched by its next signed request, if nothing else is wrong with it.
        if matches!(refused.step, Step::Key | Step::Crypto) {
            for peer in without_key {
                let Some(peer) = self.core.keys.ask_on_claim(self.core, &peer).await else { continue };
                let Some(key) = peer.key() else { continue };
                match self.against(&peer, key).await {
                    Ok(verified) => return Ok((peer, verified)),
                    Err(rejection) => refused = rejection,
                }
            }
        }
        Err(refused)
    }

    async fn against(&self, peer: &Arc<Peer>, key: &VerifyingKey) -> Result<Verified, Rejection> {
        let now = unix_seconds(&*self.core.parts.clock);
        let verified = self.core.parts.verifier.verify(&ToVerify {
            request: self.request,
            signatures: self.signatures,
            label: self.label,
            peer,
            key,
            policy: self.policy,
            now,
        })?;
        self.is_fresh(peer, &verified, now).await?;
        Ok(verified)
    }

    /// AUTH-9: a nonce counts once for each key.
    async fn is_fresh(&self, peer: &Peer, verified: &Verified, now: u64) -> Result<(), Rejection> {
        let Some(nonce) = verified.input().nonce().filter(|_| self.core.parts.profile.refuse_replays) else {
            return Ok(());
        };
        let (id, nonce) = (peer.id(IdForm::Full).to_owned(), nonce.to_owned());
        let created = verified.input().created().unwrap_or(now);
        let replay = self.core.replay.clone();
        let witness = if replay.is_on_disk() {
            let witness = tokio::task::spawn_blocking(move || replay.witness(&id, &nonce, created, now));
            witness.await.unwrap_or(Witness::Full)
        } else {
            replay.witness(&id, &nonce, created, now)
        };
        let reason = match witness {
            Witness::Fresh => return Ok(()),
            Witness::Seen => Reason::Replayed,
            Witness::Full => Reason::ReplayMemoryFull,
        };
        Err(Rejection::new(Step::Replay, reason).with_base(Some(verified.base().clone())))
    }

    fn against_nobody(&self) -> Rejection {
        let now = unix_seconds(&*self.core.parts.clock);
        let Some(key) = &*NOBODY else { return Rejection::new(Step::Key, Reason::UnknownKey) };
        let message = Message::from(self.request);
        match rfc9421::verify(&message, self.label, self.signatures, key, self.policy, now) {
            Err(rejection) if rejection.step < Step::Key || rejection.step == Step::Base => rejection,
            Err(rejection) => Rejection::new(Step::Key, Reason::UnknownKey).with_base(rejection.base),
            // Nobody has the private half.
            Ok(_) => Rejection::new(Step::Key, Reason::UnknownKey),
        }
    }
}

/// A key of nobody's.
static NOBODY: LazyLock<Option<VerifyingKey>> =
    LazyLock::new(|| SigningKey::generate_ed25519().ok().map(|key| key.verifying_key()));
