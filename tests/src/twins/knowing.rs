//! Cores that keep their peers, terminals and apps in their own way.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use portal_core::connect::{Destination, SendError};
use portal_core::profile::IdForm;
use portal_core::server::Surface;
use portal_core::spool::Spooled;
use portal_core::transport::{Outgoing, Transport};
use serde_json::{Value, json};

use super::{Twin, twin};
use crate::mutants::surface::{around_surface, json_answers};

const PEERS: &str = "/protected/peers";
const CLIENT_ID: &str = "PEER-17: (form: profile value)";

pub(super) const TWINS: &[Twin] = &[
    twin(2, "shows-short-ids-to-apps", &[CLIENT_ID], |it| it.replace(|parts| parts.profile.client_id = IdForm::Short)),
    twin(3, "shows-ids-as-they-were-typed", &[CLIENT_ID], |it| {
        it.replace(|parts| parts.profile.client_id = IdForm::AsTyped)
    }),
    twin(3, "learns-keys-in-the-background", &["PEER-6: After PUT the Core learns the peer's key"], |it| {
        around_surface(it, |request, within| {
            Box::pin(async move {
                match request.method() == Method::PUT && request.uri().path() == PEERS {
                    true => stored_first(request, within).await,
                    false => within.answer(request).await,
                }
            })
        })
    }),
    twin(
        1,
        "asks-who-a-peer-is-before-it-calls",
        &["PEER-6: the Core learns the peer's key from `https://<short id>.<zone>/core/public/meta/whoareyou`"],
        |it| it.around_transport(|within| Arc::new(AsksFirst(within))),
    ),
    twin(
        4,
        "lists-in-the-opposite-order",
        &["PEER-1: lists the peers", "TERM-6: `GET /protected/terminals` lists"],
        |it| {
            json_answers(it, "/protected/", |json| {
                if let Value::Array(list) = json {
                    list.reverse();
                }
            })
        },
    ),
    twin(4, "leaves-out-a-key-that-it-does-not-know", &["PEER-6: the peer stays without key"], |it| {
        json_answers(it, PEERS, |json| match json {
            Value::Array(list) => list.iter_mut().for_each(without_null_key),
            one => without_null_key(one),
        })
    }),
    twin(3, "has-an-empty-text-for-a-key-that-it-does-not-know", &["PEER-6: the peer stays without key"], |it| {
        json_answers(it, PEERS, |json| {
            if let Value::Array(list) = json {
                for peer in list.iter_mut().filter(|peer| peer["public_bytes_b64"].is_null()) {
                    peer["public_bytes_b64"] = json!("");
                }
            }
        })
    }),
];

fn without_null_key(peer: &mut Value) {
    if let Value::Object(members) = peer
        && members.get("public_bytes_b64").is_some_and(Value::is_null)
    {
        members.remove("public_bytes_b64");
    }
}

/// Answers as soon as the peer is stored; its key is asked for meanwhile.
async fn stored_first(request: Request<Body>, within: Arc<dyn Surface>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(bytes) = body.collect().await.map(|body| body.to_bytes()) else {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        return answer;
    };
    let wanted: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let (id, name) = (wanted["id"].as_str().unwrap_or_default(), wanted["name"].as_str());
    let whole = within.clone();
    let mut whole = tokio::spawn(async move { whole.answer(Request::from_parts(head, Body::from(bytes))).await });
    loop {
        tokio::select! {
            biased;
            answer = &mut whole => return answer.unwrap_or_default(),
            stored = find(id, &*within) => {
                if let Some(peer) = stored.filter(|peer| name.is_none_or(|name| peer["name"] == name)) {
                    let mut answer = Response::new(Body::from(peer.to_string()));
                    answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn find(id: &str, within: &dyn Surface) -> Option<Value> {
    let request = Request::builder().uri(format!("{PEERS}/{id}")).body(Body::empty()).ok()?;
    let answer = within.answer(request).await;
    let is_there = answer.status() == StatusCode::OK;
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok().filter(|_| is_there)
}

/// Before a call, asks the peer's Core who it is.
#[derive(Debug)]
struct AsksFirst(Arc<dyn Transport>);

#[async_trait::async_trait]
impl Transport for AsksFirst {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        if let Some((_, domain)) = request.destination.host.split_once('.')
            && !request.target.starts_with("/core/")
        {
            let question = Outgoing {
                destination: Destination { host: domain.to_owned(), port: request.destination.port },
                method: Method::GET,
                target: "/core/public/meta/whoareyou".to_owned(),
                fields: HeaderMap::new(),
                body: Spooled::empty(),
            };
            if let Ok(answer) = self.0.send(question).await {
                // An answer without end is none.
                let _ = http_body_util::Limited::new(answer.into_body(), 1 << 16).collect().await;
            }
        }
        self.0.send(request).await
    }
}
