//! The proxy's questions to its Core: may this request go on, and as whom (PROXY-2, TERM-5).

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRAILER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, Limited};
use tokio::time::timeout;

use super::Site;
use super::fields::{self, Forwarded};
use super::refuse::Refusal;
use super::upstream::{self, Answered, Body, SendError};
use crate::subject::descriptor::Connections;
use crate::testbed::faults::ProxyFault;
use crate::trace::{Hop, Party};

/// What the Core said.
pub(super) enum Answer {
    /// The request may go on, with these fields.
    Permit(HeaderMap),
    /// The request stops here, with this answer.
    Stop(Response<Body>),
}

/// Asks `path` of the Core about a request with these end-to-end fields.
pub(super) async fn ask(
    site: &Site,
    path: &'static str,
    fields: &HeaderMap,
    forwarded: &Forwarded<'_>,
) -> Result<Answer, Refusal> {
    let answer = match question(site, path, fields, forwarded).await {
        Ok(answer) => answer,
        Err(_) if site.faults.has(ProxyFault::PassesWhenCoreIsDown) => return Ok(Answer::Permit(HeaderMap::new())),
        Err(refusal) => return Err(refusal),
    };
    match answer.status() {
        StatusCode::OK => Ok(Answer::Permit(fields::declared(answer.headers()))),
        _ if site.faults.has(ProxyFault::IgnoresRefusals) => Ok(Answer::Permit(HeaderMap::new())),
        status if status.is_client_error() => Ok(Answer::Stop(answer)),
        // PROXY-5: a Core that neither permits nor refuses is as good as down.
        status => Err(Refusal::CoreBroken(status)),
    }
}

async fn question(
    site: &Site,
    path: &'static str,
    fields: &HeaderMap,
    forwarded: &Forwarded<'_>,
) -> Result<Response<Body>, Refusal> {
    let address = site.upstreams.core();
    let mut fields = fields.clone();
    // The question has no body, and no word about one.
    for name in [CONTENT_LENGTH, EXPECT, TRAILER] {
        fields.remove(name);
    }
    fields.insert(HOST, host_of(address));
    forwarded.replace_all(&mut fields, site.faults);
    let core = Party::core(&site.portal);
    let own = site.surface.target(path);
    let hop = Hop::request(Party::proxy(&site.portal), core, Method::GET.as_str(), path, &fields);
    let note = (own != path).then(|| format!("at {own}"));
    let hop = Hop { note, ..hop };
    site.trace.record(hop.clone());
    if site.surface.connections == Connections::Close {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut request = Request::new(upstream::empty());
    *request.uri_mut() = http::Uri::try_from(own).map_err(|error| Refusal::CoreUnreachable(error.to_string()))?;
    *request.headers_mut() = fields;
    let sent = upstream::send(address, request, &AtomicU64::new(0), site.limits.patience(), &site.tasks).await;
    let Answered { response, driver } = sent.map_err(|error| match error {
        SendError::Unreachable(reason) => Refusal::CoreUnreachable(reason),
        SendError::Silent => Refusal::CoreSilent,
    })?;
    site.trace.record(hop.answer(response.status().as_u16(), response.headers()));
    let (mut parts, body) = response.into_parts();
    let body = if parts.status == StatusCode::OK {
        upstream::empty()
    } else {
        let body = timeout(site.limits.answer, Limited::new(body, site.limits.core_answer).collect());
        let body = body.await.map_err(|_| Refusal::CoreSilent)?;
        let body = body.map_err(|error| Refusal::CoreUnreachable(error.to_string()))?.to_bytes();
        parts.headers.remove(CONTENT_LENGTH);
        Full::new(body).map_err(|never| match never {}).boxed_unsync()
    };
    drop(driver);
    parts.headers = fields::end_to_end(&parts.headers, Version::HTTP_11);
    parts.extensions.clear();
    Ok(Response::from_parts(parts, body))
}

fn host_of(address: SocketAddr) -> HeaderValue {
    HeaderValue::try_from(address.to_string()).unwrap_or_else(|_| HeaderValue::from_static("core"))
}
