//! What mutants put around a Core: around everything that answers HTTP, or around what sends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use portal_core::connect::SendError;
use portal_core::server::Surface;
use portal_core::transport::{Outgoing, Transport};
use serde_json::Value;

/// A request on its way to a peer.
pub(crate) type Sending = Outgoing;

/// The surface within.
pub(crate) type Within = Arc<dyn Surface>;

pub(crate) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Puts a function around all that the Core answers.
pub(crate) fn around_surface(
    it: CoreBuilder,
    answer: impl Fn(Request<Body>, Within) -> Answering + Clone + Send + Sync + 'static,
) -> CoreBuilder {
    it.around_surface(move |within| Arc::new(Around { within, answer: answer.clone() }))
}

/// Changes answers to requests whose path begins like this.
pub(crate) fn answers(
    it: CoreBuilder,
    path: &'static str,
    change: fn(Response<Body>) -> Response<Body>,
) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let matches = request.uri().path().starts_with(path);
        Box::pin(async move {
            let answer = within.answer(request).await;
            if matches { change(answer) } else { answer }
        })
    })
}

/// Changes questions whose path begins like this.
pub(crate) fn questions(
    it: CoreBuilder,
    path: &'static str,
    change: fn(Request<Body>) -> Request<Body>,
) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let request = if request.uri().path().starts_with(path) { change(request) } else { request };
        Box::pin(async move { within.answer(request).await })
    })
}

/// Changes the JSON of answers to requests whose path begins like this.
pub(crate) fn json_answers(it: CoreBuilder, path: &'static str, change: fn(&mut Value)) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let matches = request.uri().path().starts_with(path);
        Box::pin(async move {
            let answer = within.answer(request).await;
            if matches { changed_json(answer, change).await } else { answer }
        })
    })
}

/// An answer with other JSON in it; the same where it has none.
pub(crate) async fn changed_json(answer: Response<Body>, change: impl Fn(&mut Value)) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let Ok(mut json) = serde_json::from_slice(&bytes) else { return Response::from_parts(head, Body::from(bytes)) };
    change(&mut json);
    head.headers.remove("content-length");
    Response::from_parts(head, Body::from(json.to_string()))
}

/// Changes what is sent to peers.
pub(crate) fn around_transport(it: CoreBuilder, change: fn(Sending) -> Sending) -> CoreBuilder {
    it.around_transport(move |within| Arc::new(Changes { within, change }))
}

/// A path without dots; what climbs too far stays at the top.
pub(super) fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => _ = kept.pop(),
            other => kept.push(other),
        }
    }
    kept.join("/")
}

struct Around<F> {
    within: Within,
    answer: F,
}

impl<F> fmt::Debug for Around<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Around")
    }
}

#[async_trait]
impl<F: Fn(Request<Body>, Within) -> Answering + Send + Sync> Surface for Around<F> {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        (self.answer)(request, self.within.clone()).await
    }
}

#[derive(Debug)]
struct Changes {
    within: Arc<dyn Transport>,
    change: fn(Sending) -> Sending,
}

#[async_trait]
impl Transport for Changes {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        self.within.send((self.change)(request)).await
    }
}
