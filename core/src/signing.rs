//! The Portal's signature on an outgoing request (contract §7).

use std::fmt::Debug;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    clock::unix_seconds,
    connect::Destination,
    core::Running,
    identity::Identity,
    outgoing::http_date,
    profile::{IdForm, Profile},
    refusal::Refusal,
    rfc9421::{self, Limits, Message, Scheme, SignError, Signatures, Signed},
};

const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
/// The label of the Portal's own signature, where the app has not taken it.
const LABEL: &str = "portal";

/// What a signature is made with.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Who signs.
    pub identity: &'a Identity,
    /// What is covered.
    pub profile: &'a Profile,
    /// The present, in seconds since the epoch.
    pub created: u64,
    /// A nonce that was never used before.
    pub nonce: &'a str,
}

/// Signs outgoing requests.
pub trait SignCall: Send + Sync + Debug {
    /// The Portal's signature of `request`, which has its Host and, where there is a body, its Content-Digest.
    ///
    /// # Errors
    /// When the request can't be signed.
    fn sign(&self, request: &rfc9421::Request, signing: &Signing<'_>) -> Result<Signed, SignError>;
}

/// Contract §7.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignAsPortal;

impl SignCall for SignAsPortal {
    fn sign(&self, request: &rfc9421::Request, signing: &Signing<'_>) -> Result<Signed, SignError> {
        let message = Message::from(request);
        let key = signing.identity.key();
        // SIG-2, SIG-3. Neither Host nor a length nor anything else that an edge rewrites is covered (SIG-7).
        let covered = signing.profile.covered(request.fields().contains("content-digest"));
        let id = signing.identity.id();
        let keyid = match signing.profile.keyid {
            IdForm::Full => id.as_str(),
            IdForm::Short | IdForm::AsTyped => id.short(),
        };
        let mut input = rfc9421::SignatureInput::builder()
            .components(covered)
            .created(signing.created)
            .keyid(keyid)
            .alg(key.algorithm());
        if signing.profile.send_nonce {
            input = input.nonce(signing.nonce);
        }
        if let Some(tag) = &signing.profile.tag {
            input = input.tag(tag);
        }
        // SIG-1: the app's own signatures keep their labels.
        rfc9421::sign(&message, &rfc9421::free_label(&message, LABEL), &input.build()?, key)
    }
}

/// What was signed, for the observer.
pub(crate) struct SignedAs {
    pub(crate) label: String,
    pub(crate) base: String,
    pub(crate) signature_input: String,
}

/// Adds the Portal's signature in front of those that the app brought.
pub(crate) fn sign(
    core: &Running,
    method: &str,
    destination: &Destination,
    target: &str,
    fields: &mut HeaderMap,
) -> Result<SignedAs, Refusal> {
    let profile = &core.parts.profile;
    if profile.cover_date && !fields.contains_key(header::DATE) {
        fields.insert(header::DATE, header_value(http_date(unix_seconds(&*core.parts.clock)))?);
    }
    if !has_readable_signatures(method, target, fields) {
        fields.remove(SIGNATURE_INPUT);
        fields.remove(SIGNATURE);
    }
    let mut request = as_message(method, target, fields)?;
    request.fields_mut().push("host", destination.authority()).map_err(|error| unsendable(&error))?;
    let nonce = core.parts.nonces.nonce().ok_or(Refusal::Busy)?;
    let created = unix_seconds(&*core.parts.clock);
    let signing = Signing { identity: &core.identity, profile, created, nonce: &nonce };
    let signed = core.parts.signer.sign(&request, &signing).map_err(|error| unsendable(&error))?;
    put_first(fields, SIGNATURE_INPUT, header_value(signed.signature_input_value.clone())?);
    put_first(fields, SIGNATURE, header_value(signed.signature_value.clone())?);
    let label = signed.signature_input_value.split('=').next().unwrap_or_default().to_owned();
    Ok(SignedAs { label, base: signed.base.as_str().to_owned(), signature_input: signed.signature_input_value })
}

/// Whether ours can stand beside the app's signatures: one Dictionary that can't be read takes all of them along.
fn has_readable_signatures(method: &str, target: &str, fields: &HeaderMap) -> bool {
    let generous =
        Limits { max_labels: 256, max_components: 1_024, max_parameters: 1_024, max_field_bytes: 256 * 1024 };
    as_message(method, target, fields)
        .is_ok_and(|request| Signatures::parse(&Message::from(&request), &generous).is_ok())
}

fn as_message(method: &str, target: &str, fields: &HeaderMap) -> Result<rfc9421::Request, Refusal> {
    let mut request = rfc9421::Request::new(method, target, Scheme::Https).map_err(|error| unsendable(&error))?;
    for (name, value) in fields {
        request.fields_mut().push(name.as_str(), value).map_err(|error| unsendable(&error))?;
    }
    Ok(request)
}

fn put_first(fields: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let others: Vec<HeaderValue> = fields.get_all(&name).iter().cloned().collect();
    fields.insert(name.clone(), value);
    for other in others {
        fields.append(name.clone(), other);
    }
}

pub(crate) fn header_value(text: String) -> Result<HeaderValue, Refusal> {
    HeaderValue::try_from(text).map_err(|error| unsendable(&error))
}

fn unsendable(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::RequestMalformed { why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stands_in_front_of_the_others() {
        let mut fields = HeaderMap::new();
        fields.append(SIGNATURE, HeaderValue::from_static("a=:AA==:"));
        fields.append(SIGNATURE, HeaderValue::from_static("b=:AA==:"));
        put_first(&mut fields, SIGNATURE, HeaderValue::from_static("portal=:AA==:"));
        let values: Vec<_> = fields.get_all(SIGNATURE).iter().collect();
        assert_eq!(values, ["portal=:AA==:", "a=:AA==:", "b=:AA==:"]);
    }

    #[test]
    fn signatures_that_can_not_be_read_are_told_from_those_that_can() {
        let with = |input: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(SIGNATURE_INPUT, HeaderValue::from_static(input));
            has_readable_signatures("GET", "/", &fields)
        };
        assert!(with(r#"a=("@method");created=1"#));
        assert!(!with(r#"a=("@method""#));
    }
}
