//! What a Core tells about the calls that pass through it, for traces and tests.
//!
//! Events carry signature bases and identities, never keys, cookies or bodies.

use std::fmt::Debug;

use http::HeaderMap;

use crate::acl::Client;

/// The request field by which a caller correlates the hops of one call.
pub const TRACE_FIELD: &str = "countersign-trace";

/// One thing that happened in a Core, with the trace id of the request that it happened to.
#[derive(Clone, Debug)]
pub struct CoreEvent {
    /// The value of the request's [`TRACE_FIELD`], where it has one.
    pub trace: Option<String>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a request in a Core, in the order of the flow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// An app asked to have a peer called.
    CallReceived {
        /// The app that asked, as recognised by the Core; none if it was not.
        app: Option<String>,
        /// The method of the call.
        method: String,
        /// The request target at the app's door, as sent.
        target: String,
    },
    /// An outgoing request was signed.
    Signed {
        /// The label of the Core's own signature.
        label: String,
        /// The signature base.
        base: String,
        /// The member of Signature-Input, `label=(…);…`.
        signature_input: String,
    },
    /// A signed request is on its way to the peer's proxy.
    Sent {
        /// The authority it goes to.
        authority: String,
        /// The request target.
        target: String,
    },
    /// The call was answered: by the peer, or by this Core with a refusal.
    CallAnswered {
        /// The status that the app gets.
        status: u16,
        /// The code of the refusal, where the answer is the Core's own.
        refusal: Option<&'static str>,
    },
    /// The proxy asked whether a request may pass.
    AuthAsked {
        /// The method of the request at the proxy.
        method: String,
        /// The host of the request at the proxy.
        host: String,
        /// The request target at the proxy.
        target: String,
    },
    /// A signature verified.
    Verified {
        /// Its label.
        label: String,
        /// Its keyid, where it has one.
        keyid: Option<String>,
        /// The base as rebuilt here.
        base: String,
    },
    /// A signature did not verify; the request goes on as if it were not there.
    Rejected {
        /// Its label, where it came as far as having one.
        label: Option<String>,
        /// The step of RFC 9421 §3.2 that it failed at.
        step: String,
        /// The stable code of the reason.
        code: String,
        /// The base as rebuilt here, where it came as far.
        base: Option<String>,
    },
    /// The proxy got its answer.
    Decided {
        /// Who the request was taken to come from.
        client: Client,
        /// The code of the refusal, or none if the request passes.
        refusal: Option<&'static str>,
    },
}

/// Gets told what happens in a Core. Called inline: an implementation must be quick and must not block.
pub trait Observe: Send + Sync + Debug {
    /// Takes note of one event.
    fn observe(&self, event: &CoreEvent);
}

/// Takes note of nothing beyond the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observe for Unobserved {
    fn observe(&self, _event: &CoreEvent) {}
}

/// The trace id in a request's fields, bounded to what can be an id.
pub(crate) fn trace_of(fields: &HeaderMap) -> Option<String> {
    let value = fields.get(TRACE_FIELD)?.to_str().ok()?;
    (value.len() <= 128).then(|| value.to_owned())
}
