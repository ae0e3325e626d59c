//! Accept-Signature (RFC 9421 §5): which signatures the other side asks for.

use std::fmt;

use sfv::{BareItem, Dictionary, FieldType as _, ListEntry, Parser};

use super::algorithm::Algorithm;
use super::component::{ComponentId, Derived, Source};
use super::field::joined;
use super::message::Message;
use super::params::{SignatureInput, SignatureInputBuilder};
use super::reject::{ComponentError, Reason};
use super::signatures::{Limits, labels_of};

/// One signature that is asked for: read from a message with [`RequestedSignature::parse`], or made with
/// [`RequestedSignature::builder`].
///
/// ```
/// use portal_core::rfc9421::{Algorithm, Limits, Message, RequestedSignature, Response, Target};
///
/// // The server asks for a signature of the client's next request ...
/// let asked = RequestedSignature::builder("sig1", Target::Request)
///     .components(["@method", "@target-uri"])
///     .created()
///     .keyid("k")
///     .tag("app-123")
///     .build()?;
/// let mut response = Response::new(401)?;
/// response.fields_mut().push("Accept-Signature", asked.to_string())?;
///
/// // ... and the client reads what it is to sign, and under which label.
/// let message = Message::Response { response: &response, request: None };
/// let read = RequestedSignature::parse(&message, &Limits::default())?;
/// assert_eq!(read, [asked]);
/// assert_eq!((read[0].label(), read[0].keyid()), ("sig1", Some("k")));
/// let input = read[0].fulfil(1_618_884_473, None, Algorithm::Ed25519)?;
/// assert_eq!(input.to_string(), r#"("@method" "@target-uri");created=1618884473;keyid="k";tag="app-123""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedSignature {
    label: Box<str>,
    target: Target,
    components: Vec<ComponentId>,
    params: Vec<Wanted>,
}

/// The kind of message that a signature is asked for (§5): in a request, of its response; in a response, of the
/// client's next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A request.
    Request,
    /// A response.
    Response,
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
        let target = match message {
            Message::Request(_) => Target::Response,
            Message::Response { .. } => Target::Request,
        };
        members.into_iter().map(|(label, member)| Self::member(label.as_str(), target, member, limits)).collect()
    }

    /// Starts one that is to be asked for; the order of the calls is the order of components and parameters.
    pub fn builder(label: &str, target: Target) -> RequestedSignatureBuilder {
        RequestedSignatureBuilder { label: label.into(), target, components: Ok(Vec::new()), params: Vec::new() }
    }

    fn member(label: &str, target: Target, member: ListEntry, limits: &Limits) -> Result<Self, ComponentError> {
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
        Ok(RequestedSignature { label: label.into(), target, components, params })
    }

    /// The label that the signature must have.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The kind of message that it is asked for.
    pub fn target(&self) -> Target {
        self.target
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
    /// A component is none of the target's kind of message (§5.2 step 2.3), another algorithm is asked for, or an expiry
    /// and none is given.
    pub fn fulfil(
        &self,
        created: u64,
        expires: Option<u64>,
        algorithm: Algorithm,
    ) -> Result<SignatureInput, ComponentError> {
        if self.alg().is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(Reason::AlgorithmMismatch.into());
        }
        self.check()?;
        let builder =
            self.components.iter().cloned().fold(SignatureInput::builder(), SignatureInputBuilder::component_id);
        let add = |builder: SignatureInputBuilder, wanted: &Wanted| match wanted {
            Wanted::Created => Ok(builder.created(created)),
            Wanted::Expires => expires.map(|expires| builder.expires(expires)).ok_or(Reason::InvalidParameter),
            Wanted::Text(name, value) => Ok(builder.string(name, value)),
        };
        self.params.iter().try_fold(builder, add)?.build()
    }

    /// §5: "only identifiers that are appropriate for the type of the target message".
    fn check(&self) -> Result<(), ComponentError> {
        let unfit = |id: &ComponentId| match (self.target, id.is_from_request(), &id.meaning.source) {
            (_, _, Source::Refused(reason)) => Some(*reason),
            (Target::Request, true, _) => Some(Reason::ReqInRequest),
            (Target::Request, _, Source::Derived(Derived::Status)) => Some(Reason::WrongMessageKind),
            (Target::Response, false, Source::Derived(derived)) if *derived != Derived::Status => {
                Some(Reason::WrongMessageKind)
            }
            _ => None,
        };
        let found = self.components.iter().find_map(|id| unfit(id).map(|reason| ComponentError::at(reason, id)));
        found.map_or(Ok(()), Err)
    }

    fn text(&self, wanted: &str) -> Option<&str> {
        self.params.iter().find_map(|param| match param {
            Wanted::Text(name, value) if &**name == wanted => Some(&**value),
            _ => None,
        })
    }
}

/// The member of Accept-Signature, `label=(…);…`. Several are joined with a comma, or stand in lines of their own.
impl fmt::Display for RequestedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=(", self.label)?;
        for (at, component) in self.components.iter().enumerate() {
            write!(f, "{}{component}", if at > 0 { " " } else { "" })?;
        }
        f.write_str(")")?;
        self.params.iter().try_for_each(|param| match param {
            Wanted::Created => f.write_str(";created"),
            Wanted::Expires => f.write_str(";expires"),
            Wanted::Text(name, value) => {
                write!(f, ";{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
            }
        })
    }
}

/// Builds a [`RequestedSignature`]; what can't be asked for is reported by [`RequestedSignatureBuilder::build`].
#[derive(Clone, Debug)]
pub struct RequestedSignatureBuilder {
    label: Box<str>,
    target: Target,
    components: Result<Vec<ComponentId>, ComponentError>,
    params: Vec<Wanted>,
}

impl RequestedSignatureBuilder {
    /// Asks for a component: a bare name (`@method`) or a serialised identifier (`"content-digest";req`).
    #[must_use]
    pub fn component(mut self, id: &str) -> Self {
        self.components = self.components.and_then(|mut components| {
            components.push(id.parse()?);
            Ok(components)
        });
        self
    }

    /// Asks for several components.
    #[must_use]
    pub fn components<'i>(self, ids: impl IntoIterator<Item = &'i str>) -> Self {
        ids.into_iter().fold(self, Self::component)
    }

    /// Asks for `created`.
    #[must_use]
    pub fn created(self) -> Self {
        self.add(Wanted::Created)
    }

    /// Asks for `expires`.
    #[must_use]
    pub fn expires(self) -> Self {
        self.add(Wanted::Expires)
    }

    /// Asks for this `nonce`.
    #[must_use]
    pub fn nonce(self, nonce: &str) -> Self {
        self.add(Wanted::Text("nonce".into(), nonce.into()))
    }

    /// Asks for this algorithm.
    #[must_use]
    pub fn alg(self, algorithm: Algorithm) -> Self {
        self.add(Wanted::Text("alg".into(), algorithm.as_str().into()))
    }

    /// Asks for this key.
    #[must_use]
    pub fn keyid(self, keyid: &str) -> Self {
        self.add(Wanted::Text("keyid".into(), keyid.into()))
    }

    /// Asks for this `tag`.
    #[must_use]
    pub fn tag(self, tag: &str) -> Self {
        self.add(Wanted::Text("tag".into(), tag.into()))
    }

    /// What is asked for.
    ///
    /// # Errors
    /// Label, component or value can't be written; a component is asked for twice, or is none of the target's kind of
    /// message (§5); a parameter is asked for twice.
    pub fn build(self) -> Result<RequestedSignature, ComponentError> {
        let RequestedSignatureBuilder { label, target, components, params } = self;
        let requested = RequestedSignature { label, target, components: components?, params };
        let name = |param: &Wanted| match param {
            Wanted::Created => "created".into(),
            Wanted::Expires => "expires".into(),
            Wanted::Text(name, _) => name.clone(),
        };
        let names: Vec<Box<str>> = requested.params.iter().map(name).collect();
        if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
            return Err(Reason::InvalidParameter.into());
        }
        if sfv::KeyRef::from_str(&requested.label).is_err() {
            return Err(Reason::Unserializable.into());
        }
        // Whatever the receiver would stumble over.
        let algorithm = requested.alg().map_or(Ok(Algorithm::Ed25519), str::parse)?;
        requested.fulfil(0, Some(0), algorithm)?;
        Ok(requested)
    }

    fn add(mut self, wanted: Wanted) -> Self {
        self.params.push(wanted);
        self
    }
}
