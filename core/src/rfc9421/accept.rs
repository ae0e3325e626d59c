//! Accept-Signature (RFC 9421 §5): which signatures the other side asks for.

use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};

use super::algorithm::Algorithm;
use super::component::ComponentId;
use super::field::joined;
use super::message::Message;
use super::params::{SignatureInput, SignatureInputBuilder};
use super::reject::{ComponentError, Reason};
use super::signatures::{Limits, labels_of};

/// One signature that is asked for.
///
/// ```
/// use portal_core::rfc9421::{Algorithm, Limits, Message, RequestedSignature, Response};
///
/// let mut response = Response::new(401)?;
/// response.fields_mut().push("Accept-Signature", r#"sig1=("@method" "@target-uri");created;keyid="k";tag="app-123""#)?;
/// let message = Message::Response { response: &response, request: None };
/// let asked = RequestedSignature::parse(&message, &Limits::default())?;
/// assert_eq!((asked[0].label(), asked[0].keyid()), ("sig1", Some("k")));
/// let input = asked[0].fulfil(1_618_884_473, None, Algorithm::Ed25519)?;
/// assert_eq!(input.to_string(), r#"("@method" "@target-uri");created=1618884473;keyid="k";tag="app-123""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedSignature {
    label: Box<str>,
    components: Vec<ComponentId>,
    params: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Created,
    Expires,
    Text(Box<str>, Box<str>),
}

impl RequestedSignature {
    /// Reads the Accept-Signature field of a message; none gives none.
    ///
    /// # Errors
    /// The field is no Dictionary of Inner Lists, has a label twice, exceeds the limits, or asks for something that
    /// is not known.
    pub fn parse(message: &Message<'_>, limits: &Limits) -> Result<Vec<Self>, ComponentError> {
        let Some(value) = joined(message.fields(), "accept-signature") else { return Ok(Vec::new()) };
        if value.len() > limits.max_field_bytes {
            return Err(Reason::FieldTooLarge.into());
        }
        let labels = labels_of(&value).ok_or(Reason::MalformedField)?;
        if labels.len() > limits.max_labels {
            return Err(Reason::TooManyLabels.into());
        }
        let members = Dictionary::parse(Parser::new(&value)).map_err(|_| Reason::MalformedField)?;
        if labels.len() != members.len() {
            return Err(Reason::DuplicateLabel.into());
        }
        members.into_iter().map(|(label, member)| Self::member(label.as_str(), member, limits)).collect()
    }

    fn member(label: &str, member: ListEntry, limits: &Limits) -> Result<Self, ComponentError> {
        let ListEntry::InnerList(list) = member else { return Err(Reason::NotAnInnerList.into()) };
        if list.items.len() > limits.max_components {
            return Err(Reason::TooManyComponents.into());
        }
        if list.params.len() > limits.max_parameters {
            return Err(Reason::TooManyParameters.into());
        }
        let components = list.items.into_iter().map(ComponentId::from_item).collect::<Result<_, _>>()?;
        let wanted = |(name, value): (sfv::Key, BareItem)| match (name.as_str(), value) {
            // §5.1: these have no value in a request.
            ("created", BareItem::Boolean(true)) => Ok(Wanted::Created),
            ("expires", BareItem::Boolean(true)) => Ok(Wanted::Expires),
            ("nonce" | "alg" | "keyid" | "tag", BareItem::String(value)) => {
                Ok(Wanted::Text(name.as_str().into(), value.as_str().into()))
            }
            // §5.2 step 2.4: what can't be fulfilled is an error.
            _ => Err(Reason::InvalidParameter),
        };
        let params = list.params.into_iter().map(wanted).collect::<Result<_, _>>()?;
        Ok(RequestedSignature { label: label.into(), components, params })
    }

    /// The label that the signature must have.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The components that it must cover, exactly these.
    pub fn components(&self) -> &[ComponentId] {
        &self.components
    }

    /// The key that is asked for.
    pub fn keyid(&self) -> Option<&str> {
        self.text("keyid")
    }

    /// The algorithm that is asked for, registered or not.
    pub fn alg(&self) -> Option<&str> {
        self.text("alg")
    }

    /// The input of a signature as it is asked for, parameters in the same order; sign with it under
    /// [`RequestedSignature::label`]. `algorithm` is that of the key that will sign.
    ///
    /// # Errors
    /// Another algorithm is asked for, or an expiry and none is given.
    pub fn fulfil(
        &self,
        created: u64,
        expires: Option<u64>,
        algorithm: Algorithm,
    ) -> Result<SignatureInput, ComponentError> {
        if self.alg().is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(Reason::AlgorithmMismatch.into());
        }
        let builder =
            self.components.iter().cloned().fold(SignatureInput::builder(), SignatureInputBuilder::component_id);
        let add = |builder: SignatureInputBuilder, wanted: &Wanted| match wanted {
            Wanted::Created => Ok(builder.created(created)),
            Wanted::Expires => expires.map(|expires| builder.expires(expires)).ok_or(Reason::InvalidParameter),
            Wanted::Text(name, value) => Ok(builder.string(name, value)),
        };
        self.params.iter().try_fold(builder, add)?.build()
    }

    fn text(&self, wanted: &str) -> Option<&str> {
        self.params.iter().find_map(|param| match param {
            Wanted::Text(name, value) if &**name == wanted => Some(&**value),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Response;
    use super::*;

    fn parse(lines: &[&str]) -> Result<Vec<RequestedSignature>, Reason> {
        let mut response = Response::new(200).unwrap();
        lines.iter().for_each(|line| response.fields_mut().push("accept-signature", line).unwrap());
        let message = Message::Response { response: &response, request: None };
        RequestedSignature::parse(&message, &Limits::default()).map_err(|error| error.reason)
    }

    #[test]
    fn the_example_is_fulfilled() {
        let asked = parse(&[concat!(
            r#"sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");"#,
            r#"keyid="test-key-rsa-pss";created;tag="app-123""#,
        )])
        .unwrap();
        assert_eq!(
            asked[0].fulfil(7, None, Algorithm::RsaPssSha512).unwrap().to_string(),
            concat!(
                r#"("@method" "@target-uri" "@authority" "content-digest" "cache-control")"#,
                r#";keyid="test-key-rsa-pss";created=7;tag="app-123""#,
            ),
        );
        assert_eq!(parse(&[]), Ok(vec![]));
        assert_eq!(parse(&["a=()", "b=();expires"]).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_fulfilled_is_refused() {
        for (line, reason) in [
            ("a=(", Reason::MalformedField),
            ("a=(), a=()", Reason::DuplicateLabel),
            ("a", Reason::NotAnInnerList),
            ("a=(b)", Reason::ComponentNotAString),
            ("a=();created=1", Reason::InvalidParameter),
            ("a=();keyid=k", Reason::InvalidParameter),
            ("a=();new", Reason::InvalidParameter),
        ] {
            assert_eq!(parse(&[line]), Err(reason), "{line}");
        }
        let fulfil = |line: &str, expires| {
            parse(&[line]).unwrap()[0].fulfil(1, expires, Algorithm::Ed25519).map_err(|error| error.reason)
        };
        assert_eq!(fulfil("a=();alg=\"rsa-pss-sha512\"", None), Err(Reason::AlgorithmMismatch));
        assert!(fulfil("a=();alg=\"ed25519\"", None).is_ok());
        assert_eq!(fulfil("a=();expires", None), Err(Reason::InvalidParameter));
        assert!(fulfil("a=();expires", Some(2)).is_ok());
        assert_eq!(fulfil("a=(\"x\" \"x\")", None), Err(Reason::DuplicateComponent));
    }
}
