//! Every refusal of a Core: its stable code, its words, and the only mapping to HTTP statuses.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::manifest::ManifestError;
use crate::store::StoreError;

/// Why a Core does not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// PEER-3, CALL-6: not an ID and not a prefix of one.
    #[error("`{given}` is no Portal ID: {why}")]
    PeerIdMalformed {
        /// What was given, shortened.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// PEER-14.
    #[error("that is this Portal's own ID; a Portal is not its own peer")]
    PeerIsSelf,
    /// No peer has that ID or one that starts so.
    #[error("no peer has the ID `{given}` or one that starts with it")]
    PeerUnknown {
        /// What was given.
        given: String,
    },
    /// PEER-4, PEER-5, CALL-1: more than one.
    #[error("several peers have an ID that starts with `{given}`; give more of it")]
    PeerAmbiguous {
        /// What was given.
        given: String,
    },
    /// The address book is full.
    #[error("no more than {limit} peers can be stored; remove one first")]
    PeersFull {
        /// How many there can be.
        limit: usize,
    },
    /// CALL-5: no connection to the peer, or it broke before an answer.
    #[error("the peer `{peer}` can't be reached: {why}")]
    PeerUnreachable {
        /// The peer's short ID.
        peer: String,
        /// What went wrong.
        why: String,
    },
    /// CALL-5: the peer took the request and does not answer.
    #[error("the peer `{peer}` gave no answer within {seconds} s")]
    PeerSilent {
        /// The peer's short ID.
        peer: String,
        /// How long it had.
        seconds: u64,
    },
    /// CALL-2: nobody knows which app this is.
    #[error("this caller is not an app of this Portal")]
    CallerUnknown,
    /// A request that can't be passed on as it is.
    #[error("the request can't be passed on: {why}")]
    RequestMalformed {
        /// What is wrong with it.
        why: String,
    },
    /// The request's own body is not what the endpoint takes.
    #[error("{why}")]
    BodyMalformed {
        /// What is wrong with it, and where.
        why: String,
    },
    /// CALL-5: over the profile's limit.
    #[error("the body is larger than the {limit} bytes that are taken")]
    BodyTooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More header bytes or lines than are taken.
    #[error("the header is larger than what is taken")]
    HeaderTooLarge,
    /// AUTH-1: the proxy's question lacks a part.
    #[error("the field `{field}` is missing")]
    ForwardedMissing {
        /// Its name.
        field: &'static str,
    },
    /// AUTH-1: a part of the proxy's question can't be read.
    #[error("the field `{field}` can't be read: {why}")]
    ForwardedMalformed {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// ACL-10.
    #[error("that host is not of this Portal")]
    HostUnknown,
    /// ACL-9.
    #[error("no app of that name is installed")]
    AppUnknown,
    /// ACL-3. One wording for everyone: it must not tell whether an ID is a peer (AUTH-14).
    #[error("this path is not open to you")]
    AccessDenied,
    /// TERM-2: wrong, used or expired; which of them is nobody's business.
    #[error("that pairing code does not count (any more)")]
    PairingCodeRefused,
    /// A deadline that can't be.
    #[error("the deadline has to be between 1 and {limit} seconds")]
    DeadlineOutOfRange {
        /// The longest.
        limit: u64,
    },
    /// TERM-5: needs the owner.
    #[error("this needs a paired terminal")]
    TerminalRequired,
    /// TERM-6.
    #[error("no terminal has that id")]
    TerminalUnknown,
    /// The list of terminals is full.
    #[error("no more than {limit} terminals can be paired; revoke one first")]
    TerminalsFull {
        /// How many there can be.
        limit: usize,
    },
    /// APP-1 to APP-5.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// More apps than are taken.
    #[error("no more than {limit} apps can be installed; remove one first")]
    AppsFull {
        /// How many there can be.
        limit: usize,
    },
    /// No such endpoint.
    #[error("there is nothing here")]
    NotFound,
    /// The endpoint exists, with other methods.
    #[error("this method is not served here")]
    MethodNotAllowed,
    /// Too much at once.
    #[error("too much is going on; try again")]
    Busy,
    /// State can't be read or written.
    #[error("the state of this Core can't be read or written")]
    StoreFailed,
}

impl Refusal {
    /// The code that programs go by. It never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PeerIdMalformed { .. } => "peer_id_malformed",
            Self::PeerIsSelf => "peer_is_self",
            Self::PeerUnknown { .. } => "peer_unknown",
            Self::PeerAmbiguous { .. } => "peer_ambiguous",
            Self::PeersFull { .. } => "peers_full",
            Self::PeerUnreachable { .. } => "peer_unreachable",
            Self::PeerSilent { .. } => "peer_silent",
            Self::CallerUnknown => "caller_unknown",
            Self::RequestMalformed { .. } => "request_malformed",
            Self::BodyMalformed { .. } => "body_malformed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::HeaderTooLarge => "header_too_large",
            Self::ForwardedMissing { .. } => "forwarded_missing",
            Self::ForwardedMalformed { .. } => "forwarded_malformed",
            Self::HostUnknown => "host_unknown",
            Self::AppUnknown => "app_unknown",
            Self::AccessDenied => "access_denied",
            Self::PairingCodeRefused => "pairing_code_refused",
            Self::DeadlineOutOfRange { .. } => "deadline_out_of_range",
            Self::TerminalRequired => "terminal_required",
            Self::TerminalUnknown => "terminal_unknown",
            Self::TerminalsFull { .. } => "terminals_full",
            Self::Manifest(error) => error.code(),
            Self::AppsFull { .. } => "apps_full",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Busy => "busy",
            Self::StoreFailed => "store_failed",
        }
    }

    /// The status that stands for it over HTTP.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::RequestMalformed { .. } | Self::ForwardedMissing { .. } | Self::ForwardedMalformed { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::AccessDenied | Self::PairingCodeRefused | Self::TerminalRequired => StatusCode::UNAUTHORIZED,
            Self::CallerUnknown => StatusCode::FORBIDDEN,
            Self::PeerUnknown { .. }
            | Self::HostUnknown
            | Self::AppUnknown
            | Self::TerminalUnknown
            | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::PeerAmbiguous { .. } => StatusCode::CONFLICT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::PeerIdMalformed { .. }
            | Self::PeerIsSelf
            | Self::BodyMalformed { .. }
            | Self::DeadlineOutOfRange { .. }
            | Self::Manifest(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::PeersFull { .. } | Self::TerminalsFull { .. } | Self::AppsFull { .. } => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Self::PeerUnreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::PeerSilent { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::StoreFailed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body: `{"code": "peer_unknown", "reason": "…"}`, with `path` where a manifest is at fault.
    pub fn body(&self) -> Value {
        let mut body = json!({ "code": self.code(), "reason": self.to_string() });
        if let Self::Manifest(error) = self {
            body["path"] = json!(error.path());
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), Json(self.body())).into_response()
    }
}

impl From<StoreError> for Refusal {
    /// The caller learns that it failed; why is for the log, as it may name paths of the machine.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "state can't be read or written");
        Self::StoreFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_holds_code_and_reason() {
        let refusal = Refusal::PeerUnknown { given: "abcdef".into() };
        assert_eq!(refusal.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            refusal.body(),
            json!({"code": "peer_unknown", "reason": "no peer has the ID `abcdef` or one that starts with it"})
        );
    }

    #[test]
    fn a_failing_store_does_not_tell_where_it_stands() {
        let refusal = Refusal::from(StoreError::Open { path: "/home/someone/state".into(), why: "x".into() });
        assert!(!refusal.body().to_string().contains("someone"), "{}", refusal.body());
        assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn access_denied_says_the_same_to_everyone() {
        assert_eq!(Refusal::AccessDenied.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(Refusal::AccessDenied.body().as_object().map(|o| o.len()), Some(2));
    }
}
