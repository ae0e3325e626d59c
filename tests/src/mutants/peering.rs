//! Cores that are wrong about who is a peer (contract §2).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use portal_core::connect::SendError;
use portal_core::transport::{Outgoing, Transport};
use serde_json::{Value, json};

use super::surface::{answers, around_surface};
use super::{Mutant, core};

const PEERS: &str = "/protected/peers";
const AUTH: &str = "/internal/auth";

pub(super) const MUTANTS: &[Mutant] = &[
    core("takes-whoever-calls-for-a-peer", "PEER-8", |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                if request.uri().path() == AUTH
                    && let Some(keyid) = keyid(&request)
                {
                    let _ = within.answer(put(&json!({ "id": keyid }))).await;
                }
                within.answer(request).await
            })
        })
    }),
    core("asks-an-absent-peer-never-again", "PEER-7", |it| {
        it.around_transport(|within| Arc::new(NeverAgain { within, gone: Mutex::default() }))
    }),
    core("learns-another-key-when-a-peer-is-added-again", "PEER-11", |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                if request.method() != Method::PUT || request.uri().path() != PEERS {
                    return within.answer(request).await;
                }
                let (head, body) = request.into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let peer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                let one = format!("{PEERS}/{}", peer["id"].as_str().unwrap_or_default());
                if let Ok(request) = Request::builder().method(Method::DELETE).uri(one).body(Body::empty()) {
                    let _ = within.answer(request).await;
                }
                within.answer(Request::from_parts(head, Body::from(bytes))).await
            })
        })
    }),
    core("renders-what-stands-in-a-name", "PEER-13", |it| {
        answers(it, AUTH, |mut answer| {
            for value in answer.headers_mut().values_mut() {
                let rendered = value.to_str().map(|text| text.replace("{{ 7*7 }}", "49"));
                if let Some(rendered) = rendered.ok().and_then(|text| HeaderValue::try_from(text).ok()) {
                    *value = rendered;
                }
            }
            answer
        })
    }),
    core("chokes-on-a-name", "PEER-13", |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                if request.method() != Method::PUT || request.uri().path() != PEERS {
                    return within.answer(request).await;
                }
                let (head, body) = request.into_parts();
                let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let peer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                if peer["name"].as_str().is_some_and(|name| name.chars().any(char::is_control)) {
                    let mut answer = Response::new(Body::empty());
                    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    return answer;
                }
                within.answer(Request::from_parts(head, Body::from(bytes))).await
            })
        })
    }),
];

fn put(peer: &Value) -> Request<Body> {
    let mut request = Request::new(Body::from(peer.to_string()));
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = http::Uri::from_static(PEERS);
    request
}

fn keyid(request: &Request<Body>) -> Option<String> {
    let input = request.headers().get("signature-input")?.to_str().ok()?;
    Some(input.split_once(";keyid=\"")?.1.split('"').next()?.to_owned())
}

/// Connects to no Portal again that was away once when it was asked who it is.
struct NeverAgain {
    within: Arc<dyn Transport>,
    gone: Mutex<BTreeSet<String>>,
}

impl fmt::Debug for NeverAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NeverAgain")
    }
}

impl NeverAgain {
    fn gone(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for NeverAgain {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        let (destination, is_question) =
            (request.destination.clone(), request.target.starts_with("/core/public/meta/"));
        if is_question && self.gone().contains(&destination.host) {
            return Err(SendError::Unreachable { destination, reason: "it was away".to_owned() });
        }
        let answer = self.within.send(request).await;
        if is_question && answer.is_err() {
            self.gone().insert(destination.host);
        }
        answer
    }
}
