//! The HTTP surface: what the proxy passes on and asks for (main listener), and what an app sees (its door).

mod apps;
mod internal;
mod meta;
mod peers;
mod terminals;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{self, FromRequestParts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Method, Request, Uri, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{call_peer, core::Running, refusal::Refusal, server::Surface};

/// What handlers share.
pub(crate) type Shared = axum::extract::State<Arc<Running>>;

/// The main listener: everything that the proxy passes on or asks for, and calls of apps known by their address.
#[derive(Debug)]
pub(crate) struct Main {
    core: Arc<Running>,
    routes: Router,
}

/// The door of an app: calls to peers, the list of peers, and who this Portal is.
#[derive(Debug)]
pub(crate) struct Door {
    core: Arc<Running>,
    routes: Router,
}

impl Main {
    pub(crate) fn new(core: Arc<Running>) -> Self {
        let routes = Router::new()
            .merge(meta::routes())
            .merge(peers::routes())
            .merge(terminals::routes())
            .merge(apps::routes())
            .merge(internal::routes());
        Main { routes: finish(routes, &core), core }
    }
}

impl Door {
    pub(crate) fn new(core: Arc<Running>) -> Self {
        let routes = Router::new().merge(meta::routes()).merge(peers::routes_for_apps());
        Door { routes: finish(routes, &core), core }
    }
}

#[async_trait]
impl Surface for Main {
    async fn answer(&self, request: Request<Body>) -> Response {
        if request.uri().path().starts_with(call_peer::PREFIX) {
            return call_peer::call_peer(&self.core, request).await;
        }
        route(&self.routes, request).await
    }
}

#[async_trait]
impl Surface for Door {
    async fn answer(&self, request: Request<Body>) -> Response {
        let request = match from_proxy_form(&self.core, request) {
            Ok(request) => request,
            Err(refusal) => return refusal.into_response(),
        };
        if request.uri().path().starts_with(call_peer::PREFIX) {
            return call_peer::call_peer(&self.core, request).await;
        }
        route(&self.routes, request).await
    }
}

/// An app that has its door as `HTTP_PROXY` sends absolute targets; those of the Core's own names are served.
fn from_proxy_form(core: &Running, mut request: Request<Body>) -> Result<Request<Body>, Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::MethodNotAllowed);
    }
    let Some(host) = request.uri().host() else { return Ok(request) };
    let own = |name: &String| name.eq_ignore_ascii_case(host);
    if request.uri().scheme_str() != Some("http") || !core.parts.profile.internal_hosts.iter().any(own) {
        return Err(Refusal::HostUnknown);
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let target = Uri::try_from(target).map_err(|error| Refusal::RequestMalformed { why: error.to_string() })?;
    *request.uri_mut() = target;
    Ok(request)
}

async fn route(routes: &Router, request: Request<Body>) -> Response {
    match routes.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn finish(routes: Router<Arc<Running>>, core: &Arc<Running>) -> Router {
    routes
        .fallback(|| async { Refusal::NotFound })
        .method_not_allowed_fallback(|| async { Refusal::MethodNotAllowed })
        .with_state(core.clone())
}

/// Reads a body as a whole, up to the limit for endpoints of the Core's own.
async fn whole(core: &Running, body: Body) -> Result<Bytes, Refusal> {
    let limit = core.limits.api_body;
    let idle = core.limits.spool.idle;
    let Ok(collected) = timeout(idle, Limited::new(body, limit).collect()).await else {
        return Err(Refusal::RequestMalformed { why: format!("the body did not arrive within {idle:?}") });
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { limit: limit as u64 }),
        Err(error) => Err(Refusal::RequestMalformed { why: format!("the body broke off: {error}") }),
    }
}

/// Reads a JSON body.
async fn json<T: DeserializeOwned>(core: &Running, body: Body) -> Result<T, Refusal> {
    let bytes = whole(core, body).await?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::BodyMalformed { why: error.to_string() })
}

/// A part of the path, percent-decoded; what can't be decoded is refused with a reason like everything else.
struct InPath<T>(T);

/// The query.
struct InQuery<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Running>> for InPath<T> {
    type Rejection = Refusal;

    async fn from_request_parts(head: &mut Parts, core: &Arc<Running>) -> Result<Self, Refusal> {
        match extract::Path::<T>::from_request_parts(head, core).await {
            Ok(extract::Path(value)) => Ok(InPath(value)),
            Err(error) => Err(Refusal::RequestMalformed { why: error.body_text() }),
        }
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<Running>> for InQuery<T> {
    type Rejection = Refusal;

    async fn from_request_parts(head: &mut Parts, core: &Arc<Running>) -> Result<Self, Refusal> {
        match extract::Query::<T>::from_request_parts(head, core).await {
            Ok(extract::Query(value)) => Ok(InQuery(value)),
            Err(error) => Err(Refusal::RequestMalformed { why: error.body_text() }),
        }
    }
}
