//! Plain HTTP is redirected, never served (PROXY-6).

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HOST, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode};

use super::Site;
use super::refuse::Refusal;
use super::serve::{Caller, target_of};
use super::upstream::{self, Body};

/// Tells the caller where the same is served over TLS.
pub(super) fn redirect<B>(site: &Site, caller: &Caller, request: Request<B>) -> Response<Body> {
    let verdict = caller.verdicts.as_ref().and_then(|verdicts| verdicts.next());
    let answer = match verdict {
        Some(Err(refusal)) => Err(refusal),
        _ => location(site, request),
    };
    match answer {
        Err(refusal) => refusal.into_response(true),
        Ok(location) => {
            let mut response = Response::new(upstream::empty());
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, location);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

fn location<B>(site: &Site, request: Request<B>) -> Result<HeaderValue, Refusal> {
    let (parts, _) = request.into_parts();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let authority = match site.place.public_port {
        443 => name.to_owned(),
        port => format!("{name}:{port}"),
    };
    if !site.place.owns(&authority) {
        return Err(Refusal::HostUnknown(host.to_owned()));
    }
    let target = match target_of(&parts) {
        target if target.starts_with('/') => target,
        _ => "/".to_owned(),
    };
    HeaderValue::try_from(format!("https://{authority}{target}")).map_err(|_| Refusal::HeadMalformed("the target"))
}
