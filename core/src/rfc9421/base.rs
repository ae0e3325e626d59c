//! The signature base (RFC 9421 §2.5), made in one allocation.

use std::fmt;

use super::component::{ComponentId, Derived, Source};
use super::field::FieldTypes;
use super::message::{Message, Request};
use super::params::SignatureInput;
use super::reject::{ComponentError, Reason};
use super::{derived, field};

/// A signature base: what is signed, as ASCII text without a final newline.
///
/// ```
/// use portal_core::rfc9421::{FieldTypes, Request, Scheme, SignatureBase, SignatureInput};
///
/// let mut request = Request::new("GET", "/foo?a=b", Scheme::Https)?;
/// request.fields_mut().push("Host", "Example.com:443")?;
/// let input = SignatureInput::builder().component("@authority").component("@query").created(1).build()?;
/// let base = SignatureBase::build(&(&request).into(), &input, &FieldTypes::default())?;
/// assert_eq!(base.as_str(), concat!(
///     "\"@authority\": example.com\n",
///     "\"@query\": ?a=b\n",
///     "\"@signature-params\": (\"@authority\" \"@query\");created=1",
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureBase {
    text: String,
}

impl SignatureBase {
    /// Makes the base of a message for an input.
    ///
    /// # Errors
    /// A component is covered twice or has no value; the error says why and which.
    pub fn build(message: &Message<'_>, input: &SignatureInput, types: &FieldTypes) -> Result<Self, ComponentError> {
        if let Some(twice) = input.duplicate() {
            return Err(ComponentError::at(Reason::DuplicateComponent, twice));
        }
        let mut out = Vec::with_capacity(Self::room(message, input));
        for id in input.components() {
            out.extend_from_slice(id.as_str().as_bytes());
            out.extend_from_slice(b": ");
            write_value(&mut out, message, id, types).map_err(|reason| ComponentError::at(reason, id))?;
            out.push(b'\n');
        }
        out.extend_from_slice(PARAMS);
        out.extend_from_slice(input.as_str().as_bytes());
        // §2.5 step 4; every part has been checked, so this can't happen.
        let text = String::from_utf8(out).map_err(|_| Reason::FieldNotAscii)?;
        Ok(SignatureBase { text })
    }

    /// The base.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The base as the bytes that are signed.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// How many bytes the base takes at most (of `@query-param` and `sf`: as a rule).
    pub(super) fn room(message: &Message<'_>, input: &SignatureInput) -> usize {
        let line = |id: &ComponentId| id.as_str().len() + 3 + room(message, id);
        input.components().iter().map(line).sum::<usize>() + PARAMS.len() + input.as_str().len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// The lines, one per covered component, then `@signature-params`.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }
}

const PARAMS: &[u8] = b"\"@signature-params\": ";

fn write_value(out: &mut Vec<u8>, message: &Message<'_>, id: &ComponentId, types: &FieldTypes) -> Result<(), Reason> {
    let context = Context::of(message, id)?;
    match (&id.meaning.source, context) {
        (Source::Refused(reason), _) => Err(*reason),
        (Source::Derived(derived), Context::Request(request)) => derived::write(out, derived, request),
        (Source::Derived(Derived::Status), Context::Response(status)) => {
            out.extend_from_slice(status.to_string().as_bytes());
            Ok(())
        }
        (Source::Derived(_), Context::Response(_)) => Err(Reason::WrongMessageKind),
        (Source::Field { trailer, wrap }, context) => {
            let fields = match (context, message) {
                (Context::Request(request), _) if *trailer => request.trailers(),
                (Context::Request(request), _) => request.fields(),
                (Context::Response(_), message) if *trailer => message.trailers(),
                (Context::Response(_), message) => message.fields(),
            };
            field::write(out, fields, id.name(), wrap, types)
        }
    }
}

/// Where a component's value comes from (§2.5 step 2.4).
enum Context<'a> {
    Request(&'a Request),
    /// The target message itself is a response, of this status.
    Response(u16),
}

impl<'a> Context<'a> {
    fn of(message: &Message<'a>, id: &ComponentId) -> Result<Self, Reason> {
        match (message, id.meaning.req) {
            (Message::Request(_), true) => Err(Reason::ReqInRequest),
            (Message::Request(request), false) => Ok(Context::Request(request)),
            (Message::Response { request, .. }, true) => request.map(Context::Request).ok_or(Reason::NoRelatedRequest),
            (Message::Response { response, .. }, false) => Ok(Context::Response(response.status())),
        }
    }
}

fn room(message: &Message<'_>, id: &ComponentId) -> usize {
    match (&id.meaning.source, Context::of(message, id)) {
        (Source::Derived(derived), Ok(Context::Request(request))) => derived::room(derived, request),
        (Source::Derived(_), _) => 8,
        (Source::Field { trailer, wrap }, Ok(context)) => {
            let (fields, trailers) = match context {
                Context::Request(request) => (request.fields(), request.trailers()),
                Context::Response(_) => (message.fields(), message.trailers()),
            };
            field::room(if *trailer { trailers } else { fields }, id.name(), wrap)
        }
        _ => 0,
    }
}

impl AsRef<[u8]> for SignatureBase {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Display for SignatureBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SignatureBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
