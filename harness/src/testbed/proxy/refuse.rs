//! Every refusal of the proxy, its stable code, and the only mapping to HTTP statuses.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;

use super::upstream::Body;

/// Why the proxy itself refused a request. What the Core refused is passed on as the Core said it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the head of the request is malformed: {0}")]
    HeadMalformed(&'static str),
    #[error("the head of the request is too large")]
    HeadTooLarge,
    #[error("the length of the body can be read in more than one way: {0}")]
    FramingConflict(&'static str),
    #[error("the host can be read in more than one way: {0}")]
    HostConflict(&'static str),
    #[error("the method CONNECT is not served")]
    ConnectRefused,
    #[error("no such host here: {0}")]
    HostUnknown(String),
    #[error("nothing is served under this path")]
    PathUnknown,
    #[error("the Core can't be reached: {0}")]
    CoreUnreachable(String),
    #[error("the Core did not answer in time")]
    CoreSilent,
    #[error("the Core answered with {0} where it should permit or refuse")]
    CoreBroken(StatusCode),
    #[error("the app has no address")]
    AppUnknown,
    #[error("the app can't be reached: {0}")]
    AppUnreachable(String),
    #[error("the app did not answer in time")]
    AppSilent,
    #[error("the body of the request is malformed or broke off")]
    BodyBroken,
    #[error("the body of the request did not go on")]
    BodySilent,
    #[error("the body is larger than the {0} bytes that are checked against a digest")]
    BodyTooLarge(u64),
    #[error("the body does not match its Content-Digest")]
    DigestMismatch,
    #[error("the signed Content-Digest can't be checked: {0}")]
    DigestUnusable(String),
    #[error("the body could not be put aside: {0}")]
    SpoolFailed(String),
}

impl Refusal {
    /// The stable name of the reason.
    pub(super) fn code(&self) -> &'static str {
        self.parts().1
    }

    /// The status that it is answered with.
    pub(super) fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// The answer. The connection of a request that could not be read, or was not read to its end, is closed.
    pub(super) fn into_response(self, close: bool) -> Response<Body> {
        let body = json!({ "code": self.code(), "reason": self.to_string() }).to_string();
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        let fields = response.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fields.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if close {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|()| Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync())
    }

    fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Refusal::HeadMalformed(_) => (StatusCode::BAD_REQUEST, "head_malformed"),
            Refusal::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large"),
            Refusal::FramingConflict(_) => (StatusCode::BAD_REQUEST, "framing_conflict"),
            Refusal::HostConflict(_) => (StatusCode::BAD_REQUEST, "host_conflict"),
            Refusal::ConnectRefused => (StatusCode::BAD_REQUEST, "connect_refused"),
            Refusal::HostUnknown(_) => (StatusCode::NOT_FOUND, "host_unknown"),
            Refusal::PathUnknown => (StatusCode::NOT_FOUND, "path_unknown"),
            Refusal::CoreUnreachable(_) => (StatusCode::BAD_GATEWAY, "core_unreachable"),
            Refusal::CoreSilent => (StatusCode::SERVICE_UNAVAILABLE, "core_silent"),
            Refusal::CoreBroken(_) => (StatusCode::BAD_GATEWAY, "core_broken"),
            Refusal::AppUnknown => (StatusCode::BAD_GATEWAY, "app_unknown"),
            Refusal::AppUnreachable(_) => (StatusCode::BAD_GATEWAY, "app_unreachable"),
            Refusal::AppSilent => (StatusCode::GATEWAY_TIMEOUT, "app_silent"),
            Refusal::BodyBroken => (StatusCode::BAD_REQUEST, "body_broken"),
            Refusal::BodySilent => (StatusCode::REQUEST_TIMEOUT, "body_silent"),
            Refusal::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Refusal::DigestMismatch => (StatusCode::BAD_REQUEST, "digest_mismatch"),
            Refusal::DigestUnusable(_) => (StatusCode::BAD_REQUEST, "digest_unusable"),
            Refusal::SpoolFailed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "spool_failed"),
        }
    }
}
