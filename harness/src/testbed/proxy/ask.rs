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

/// How many characters of a refusal's code and of its reason are noted.
const LONGEST_WHY: usize = 300;

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
        Err(_) if site.faults.has(ProxyFault::TakesSilenceForRefusal) => {
            let mut refused = Response::new(upstream::empty());
            *refused.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(Answer::Stop(refused));
        }
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
    let answer = hop.answer(response.status().as_u16(), response.headers());
    let (mut parts, body) = response.into_parts();
    let body = if parts.status == StatusCode::OK {
        site.trace.record(answer);
        upstream::empty()
    } else {
        let body = timeout(site.limits.answer, Limited::new(body, site.limits.core_answer).collect()).await;
        let body = body.map(|whole| whole.map(http_body_util::Collected::to_bytes));
        let note = body.as_ref().ok().and_then(|whole| why(whole.as_ref().ok()?));
        site.trace.record(Hop { note, ..answer });
        let body = body.map_err(|_| Refusal::CoreSilent)?;
        let body = body.map_err(|error| Refusal::CoreUnreachable(error.to_string()))?;
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

/// What a Core says about a refusal, where it says it in the way of the contract: code and reason.
fn why(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| body.get(key)?.as_str().map(|text| text.chars().take(LONGEST_WHY).collect::<String>());
    let parts: Vec<String> = [text("code"), text("reason")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_as_far_as_it_is_one() {
        let told = |body: &str| why(body.as_bytes());
        let both = r#"{"code":"access_denied","reason":"this path is not open to you"}"#;
        assert_eq!(told(both).as_deref(), Some("access_denied: this path is not open to you"));
        assert_eq!(told(r#"{"code":"x","reason":7}"#).as_deref(), Some("x"));
        assert_eq!(told("{}"), None);
        assert_eq!(told("[]"), None);
        assert_eq!(told("no JSON"), None);
        let long = format!(r#"{{"reason":"{}"}}"#, "ü".repeat(5000));
        assert_eq!(told(&long).unwrap().chars().count(), LONGEST_WHY);
    }
}
