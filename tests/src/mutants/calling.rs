//! Cores that call peers wrongly (contract §6).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use portal_core::call_peer::{ByIdOrPrefix, Call, Route, RouteCall};
use portal_core::connect::{Destination, SendError};
use portal_core::outgoing::{ChooseFields, EndToEnd};
use portal_core::parts::{Caller, DoorThenAddress, RecogniseCaller};
use portal_core::peers::Peers;
use portal_core::profile::Profile;
use portal_core::refusal::Refusal;
use portal_core::spool::Spooled;
use portal_core::transport::{Outgoing, Transport};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::sync::Mutex;

use super::surface::{answers, around_surface};
use super::{Mutant, core};

const CALLS: &str = "/internal/call_peer/";

pub(super) const MUTANTS: &[Mutant] = &[
    core("calls-another-app", "CALL-1", |it| {
        routes(it, |mut route| {
            route.destination.host = format!("other.{}", route.destination.host.split_once('.')?.1);
            Some(route)
        })
    }),
    core("believes-the-app-s-claim", "CALL-2", |it| it.replace(|parts| parts.caller = Arc::new(BelievesClaims))),
    core("drops-the-query", "CALL-3", |it| {
        routes(it, |mut route| {
            route.target = route.target.split('?').next()?.to_owned();
            Some(route)
        })
    }),
    core("decodes-the-path", "CALL-3", |it| {
        routes(it, |mut route| {
            let decoded = percent_encoding::percent_decode_str(&route.target).decode_utf8().ok()?.into_owned();
            route.target = if decoded.contains([' ', '"']) || !decoded.is_ascii() { route.target } else { decoded };
            Some(route)
        })
    }),
    core("sends-identity-fields-on", "CALL-3", |it| keeps(it, |name| name.starts_with("x-ptl-"))),
    core("sends-forwarding-fields-on", "CALL-3", |it| keeps(it, |name| name.starts_with("x-forwarded-"))),
    core("sends-the-owner-s-cookie-on", "CALL-3", |it| keeps(it, |name| name == "cookie")),
    core("sends-hop-by-hop-fields-on", "CALL-3", |it| keeps(it, |name| name == "keep-alive" || name == "x-only-here")),
    core("drops-repeated-lines", "CALL-3", |it| it.replace(|parts| parts.fields = Arc::new(FirstLines))),
    core("gives-back-its-own-status", "CALL-4", |it| {
        answers(it, CALLS, |mut answer| {
            if answer.status().is_success() {
                *answer.status_mut() = StatusCode::OK;
            }
            answer
        })
    }),
    core("gives-back-one-line-a-field", "CALL-4", |it| {
        answers(it, CALLS, |mut answer| {
            let fields = std::mem::take(answer.headers_mut());
            for name in fields.keys() {
                if let Some(value) = fields.get(name) {
                    answer.headers_mut().insert(name.clone(), value.clone());
                }
            }
            answer
        })
    }),
    core("collects-answers", "CALL-4", |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                let (head, body) = within.answer(request).await.into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                Response::from_parts(head, Body::from(bytes))
            })
        })
    }),
    core("takes-what-broke-off-for-whole", "CALL-5", |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                let (mut head, mut body) = within.answer(request).await.into_parts();
                let mut came = Vec::new();
                while let Some(Ok(frame)) = body.frame().await {
                    came.extend(frame.into_data().unwrap_or_default());
                }
                head.headers.remove("content-length");
                Response::from_parts(head, Body::from(came))
            })
        })
    }),
    core("never-forgives-an-outage", "CALL-5", |it| {
        it.around_transport(|within| Arc::new(GivesUp { within, on: Arc::default() }))
    }),
    core("replaces-a-peer-s-errors", "CALL-5", |it| {
        transport(it, |within, request| {
            Box::pin(async move {
                let mut answer = within.send(request).await?;
                if answer.status().is_server_error() {
                    *answer.status_mut() = StatusCode::BAD_GATEWAY;
                }
                Ok(answer)
            })
        })
    }),
    core("an-unreachable-peer-is-500", "CALL-5", |it| {
        answers(it, CALLS, |mut answer| {
            if answer.status() == StatusCode::BAD_GATEWAY {
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            answer
        })
    }),
    core("refuses-without-a-reason", "CALL-5", |it| {
        answers(it, CALLS, |mut answer| {
            if answer.status() == StatusCode::NOT_FOUND {
                *answer.body_mut() = Body::empty();
                answer.headers_mut().remove("content-length");
                answer.headers_mut().remove("content-type");
            }
            answer
        })
    }),
    core("connects-wherever-it-is-told", "CALL-6", |it| it.replace(|parts| parts.route = Arc::new(AnyHost))),
    core("follows-redirects", "CALL-7", |it| {
        transport(it, |within, request| {
            Box::pin(async move {
                let (destination, fields) = (request.destination.clone(), request.fields.clone());
                let answer = within.send(request).await?;
                let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
                let Some(location) = location.filter(|_| answer.status().is_redirection()) else { return Ok(answer) };
                let (host, target) = match location.strip_prefix("https://") {
                    Some(rest) => {
                        rest.split_once('/').map_or((rest, "/".into()), |(host, path)| (host, format!("/{path}")))
                    }
                    None => (destination.host.as_str(), location.to_owned()),
                };
                let destination = Destination { host: host.to_owned(), port: destination.port };
                within.send(get(destination, target, fields)).await
            })
        })
    }),
    core("takes-any-certificate", "CALL-8", |it| {
        it.replace(|parts| {
            if let Some(tls) = &parts.tls {
                let mut tls = rustls::ClientConfig::clone(tls);
                tls.dangerous().set_certificate_verifier(Arc::new(AnyCertificate));
                parts.tls = Some(Arc::new(tls));
            }
        })
    }),
    core("knocks-before-it-calls", "CALL-9", |it| {
        transport(it, |within, request| {
            Box::pin(async move {
                let knock = get(request.destination.clone(), request.target.clone(), request.fields.clone());
                let _ = within.send(knock).await;
                within.send(request).await
            })
        })
    }),
    core("calls-again-what-broke-off", "CALL-9", |it| {
        transport(it, |within, request| {
            Box::pin(async move {
                let again = Outgoing {
                    destination: request.destination.clone(),
                    method: request.method.clone(),
                    target: request.target.clone(),
                    fields: request.fields.clone(),
                    body: Spooled::empty(),
                };
                match within.send(request).await {
                    Err(SendError::Broken { .. }) => within.send(again).await,
                    other => other,
                }
            })
        })
    }),
    core("one-thing-at-a-time", "CALL-10", |it| {
        let busy = Arc::new(Mutex::new(()));
        around_surface(it, move |request, within| {
            let busy = busy.clone();
            Box::pin(async move {
                let _held = busy.lock().await;
                within.answer(request).await
            })
        })
    }),
];

fn get(destination: Destination, target: String, fields: HeaderMap) -> Outgoing {
    Outgoing { destination, method: http::Method::GET, target, fields, body: Spooled::empty() }
}

fn routes(it: CoreBuilder, change: fn(Route) -> Option<Route>) -> CoreBuilder {
    it.replace(|parts| parts.route = Arc::new(Reroutes(change)))
}

fn keeps(it: CoreBuilder, also: fn(&str) -> bool) -> CoreBuilder {
    it.replace(|parts| parts.fields = Arc::new(Keeps(also)))
}

fn transport(it: CoreBuilder, send: Send) -> CoreBuilder {
    it.around_transport(move |within| Arc::new(Sends { within, send }))
}

#[derive(Debug)]
struct Reroutes(fn(Route) -> Option<Route>);

impl RouteCall for Reroutes {
    fn route(&self, call: &Call<'_>, peers: &Peers, profile: &Profile) -> Result<Route, Refusal> {
        (self.0)(ByIdOrPrefix.route(call, peers, profile)?).ok_or(Refusal::Busy)
    }
}

/// Takes what stands for the peer as part of a host name, whoever that is.
#[derive(Debug)]
struct AnyHost;

impl RouteCall for AnyHost {
    fn route(&self, call: &Call<'_>, peers: &Peers, profile: &Profile) -> Result<Route, Refusal> {
        let refused = match ByIdOrPrefix.route(call, peers, profile) {
            Ok(route) => return Ok(route),
            Err(refused) => refused,
        };
        let peer = peers.list(None).into_iter().next().ok_or(refused)?;
        let host = percent_encoding::percent_decode_str(call.peer).decode_utf8_lossy().into_owned();
        let host = host.split(['#', '/', '?', ':']).next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
        let host = if host.contains('.') { host.to_owned() } else { format!("{}.{}", call.app, profile.domain(host)) };
        Ok(Route { peer, destination: Destination { host, port: profile.public_port }, target: call.target.to_owned() })
    }
}

#[derive(Debug)]
struct BelievesClaims;

impl RecogniseCaller for BelievesClaims {
    fn recognise(&self, caller: &Caller<'_>) -> Option<String> {
        let claim = caller.fields.get("x-app-name").and_then(|value| value.to_str().ok());
        claim.map(str::to_owned).or_else(|| DoorThenAddress.recognise(caller))
    }
}

#[derive(Debug)]
struct Keeps(fn(&str) -> bool);

impl ChooseFields for Keeps {
    fn choose(&self, sent: &HeaderMap, session_cookie: &str) -> HeaderMap {
        let mut chosen = EndToEnd.choose(sent, session_cookie);
        for name in sent.keys().filter(|name| (self.0)(name.as_str())) {
            chosen.remove(name);
            for value in sent.get_all(name) {
                chosen.append(name, value.clone());
            }
        }
        chosen
    }
}

#[derive(Debug)]
struct FirstLines;

impl ChooseFields for FirstLines {
    fn choose(&self, sent: &HeaderMap, session_cookie: &str) -> HeaderMap {
        let all = EndToEnd.choose(sent, session_cookie);
        let first = |name: &http::HeaderName| Some((name.clone(), HeaderValue::clone(all.get(name)?)));
        all.keys().filter_map(first).collect()
    }
}

type Sending = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>, SendError>> + std::marker::Send>>;
type Send = fn(Arc<dyn Transport>, Outgoing) -> Sending;

struct Sends {
    within: Arc<dyn Transport>,
    send: Send,
}

impl fmt::Debug for Sends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sends")
    }
}

#[async_trait]
impl Transport for Sends {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        (self.send)(self.within.clone(), request).await
    }
}

/// Whom it could not reach once it never tries again.
#[derive(Debug)]
struct GivesUp {
    within: Arc<dyn Transport>,
    on: Arc<std::sync::Mutex<std::collections::HashSet<String>>>,
}

#[async_trait]
impl Transport for GivesUp {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        let destination = request.destination.clone();
        let given_up = || self.on.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if given_up().contains(&destination.host) {
            return Err(SendError::Unreachable { destination, reason: "it was not there before".to_owned() });
        }
        let answer = self.within.send(request).await;
        if answer.is_err() {
            given_up().insert(destination.host);
        }
        answer
    }
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
