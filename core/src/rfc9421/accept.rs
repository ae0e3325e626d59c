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

    #[test]
    fn what_is_asked_for_is_read_as_it_was_written() {
        let example = concat!(
            r#"sig1=("@method" "@target-uri" "@authority" "content-digest" "cache-control");"#,
            r#"keyid="test-key-rsa-pss";created;tag="app-123""#,
        );
        let built = RequestedSignature::builder("sig1", Target::Request)
            .components(["@method", "@target-uri", "@authority", "content-digest", "cache-control"])
            .keyid("test-key-rsa-pss")
            .created()
            .tag("app-123")
            .build()
            .unwrap();
        assert_eq!(built.to_string(), example);
        let odd = RequestedSignature::builder("*a-b.c_1", Target::Request)
            .components([r#""x";key="\\\"";tr"#])
            .alg(Algorithm::RsaPssSha512)
            .expires()
            .nonce(r#"a"\b"#)
            .build()
            .unwrap();
        assert_eq!(parse(&[&built.to_string(), &odd.to_string()]), Ok(vec![built.clone(), odd.clone()]));
        assert_eq!(parse(&[&format!("{built}, {odd}")]), Ok(vec![built, odd]));
    }

    #[test]
    fn only_what_the_target_has_is_asked_for() {
        let built = |target, id: &str| {
            let outcome = RequestedSignature::builder("a", target).component(id).build();
            outcome.map(|_| ()).map_err(|error| {
                assert!(error.component.is_some() || error.reason == Reason::Unserializable);
                error.reason
            })
        };
        for good in ["@method", "@query-param\";name=\"a\"", "date", "\"date\";tr;bs"] {
            let good = if good.contains(';') && !good.starts_with('"') { format!("\"{good}") } else { good.into() };
            assert_eq!(built(Target::Request, &good), Ok(()), "{good}");
        }
        for good in ["@status", "\"@method\";req", "\"date\";req", "date"] {
            assert_eq!(built(Target::Response, good), Ok(()), "{good}");
        }
        assert_eq!(built(Target::Request, "@status"), Err(Reason::WrongMessageKind));
        assert_eq!(built(Target::Request, "\"date\";req"), Err(Reason::ReqInRequest));
        assert_eq!(built(Target::Response, "@method"), Err(Reason::WrongMessageKind));
        assert_eq!(built(Target::Response, "@query"), Err(Reason::WrongMessageKind));
        assert_eq!(built(Target::Request, "@nope"), Err(Reason::UnknownComponent));
        assert_eq!(built(Target::Request, "\"x\";bs;sf"), Err(Reason::IncompatibleParameters));
        assert_eq!(built(Target::Request, "Date"), Err(Reason::NotLowercase));
        assert_eq!(built(Target::Request, "d\u{e4}te"), Err(Reason::Unserializable));
        // The receiver looks, too: this one asks for a signature of the client's next request.
        let fulfil = |line: &str| parse(&[line]).unwrap()[0].fulfil(1, None, Algorithm::Ed25519);
        let refused = fulfil("a=(\"date\" \"@status\")").unwrap_err();
        assert_eq!((refused.reason, refused.component.unwrap().as_str()), (Reason::WrongMessageKind, "\"@status\""));
        let mut request = super::super::Request::new("GET", "/", super::super::Scheme::Https).unwrap();
        request.fields_mut().push("Accept-Signature", "a=(\"@status\" \"@path\";req), b=(\"@path\")").unwrap();
        let asked = RequestedSignature::parse(&Message::Request(&request), &Limits::default()).unwrap();
        assert_eq!(asked[0].target(), Target::Response);
        assert!(asked[0].fulfil(1, None, Algorithm::Ed25519).is_ok());
        assert_eq!(asked[1].fulfil(1, None, Algorithm::Ed25519).unwrap_err().reason, Reason::WrongMessageKind);
    }

    #[test]
    fn what_cannot_be_written_is_not_asked_for() {
        let start = |label| RequestedSignature::builder(label, Target::Request);
        assert_eq!(start("A").build().unwrap_err().reason, Reason::Unserializable);
        assert_eq!(start("").build().unwrap_err().reason, Reason::Unserializable);
        assert_eq!(start("a").tag("\u{e4}").build().unwrap_err().reason, Reason::Unserializable);
        assert_eq!(start("a").tag("a\nb").build().unwrap_err().reason, Reason::Unserializable);
        assert_eq!(start("a").created().created().build().unwrap_err().reason, Reason::InvalidParameter);
        assert_eq!(start("a").tag("a").tag("b").build().unwrap_err().reason, Reason::InvalidParameter);
        assert_eq!(start("a").components(["x", "x"]).build().unwrap_err().reason, Reason::DuplicateComponent);
    }
}
