//! Signature parameters (RFC 9421 §2.3): covered components and metadata, order and unknown parameters kept.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sfv::{BareItem, FieldType as _, InnerList, Key, List, ListEntry, Parameters, Parser};

use super::algorithm::Algorithm;
use super::component::ComponentId;
use super::reject::{ComponentError, Reason};

/// The covered components and parameters of a signature: what stands after the label in Signature-Input, and on the
/// last line of the base.
///
/// ```
/// use portal_core::rfc9421::SignatureInput;
///
/// let input: SignatureInput = r#"( "@method"  "@path" ); created=1; new;keyid="k""#.parse()?;
/// assert_eq!(input.to_string(), r#"("@method" "@path");created=1;new;keyid="k""#);
/// assert_eq!(input.keyid(), Some("k"));
/// assert!(input.covers("@path") && !input.covers("@query"));
/// # Ok::<(), portal_core::rfc9421::ComponentError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureInput {
    /// Shared, so that a [`Verified`](super::Verified) costs no copy.
    parts: Arc<Parts>,
}

#[derive(PartialEq, Eq)]
struct Parts {
    components: Box<[ComponentId]>,
    canonical: Box<str>,
    created: Option<u64>,
    expires: Option<u64>,
    nonce: Option<Box<str>>,
    alg: Option<Box<str>>,
    keyid: Option<Box<str>>,
    tag: Option<Box<str>>,
    duplicate: Option<usize>,
    mistyped: bool,
}

impl SignatureInput {
    /// Starts an input; the order of the calls is the order of components and parameters.
    pub fn builder() -> SignatureInputBuilder {
        SignatureInputBuilder { components: Ok(Vec::new()), params: Parameters::new() }
    }

    /// What can be read; whether it can be used is for [`SignatureInput::is_mistyped`] to say.
    pub(super) fn from_inner_list(list: InnerList) -> Result<Self, ComponentError> {
        let components: Result<Vec<_>, _> = list.items.into_iter().map(ComponentId::from_item).collect();
        Ok(Self::new(components?, &list.params))
    }

    fn new(components: Vec<ComponentId>, params: &Parameters) -> Self {
        let mut canonical = String::from("(");
        for (at, component) in components.iter().enumerate() {
            if at > 0 {
                canonical.push(' ');
            }
            canonical.push_str(component.as_str());
        }
        canonical.push(')');
        write_params(&mut canonical, params);
        // §2.3: the types of the registered parameters.
        let mut mistyped = false;
        let mut text = |name: &str| match params.get(name)? {
            BareItem::String(value) => Some(Box::from(value.as_str())),
            _ => {
                mistyped = true;
                None
            }
        };
        let (nonce, alg, keyid, tag) = (text("nonce"), text("alg"), text("keyid"), text("tag"));
        let mut time = |name: &str| match params.get(name)? {
            BareItem::Integer(value) if i64::from(*value) >= 0 => u64::try_from(i64::from(*value)).ok(),
            _ => {
                mistyped = true;
                None
            }
        };
        let (created, expires) = (time("created"), time("expires"));
        let duplicate = first_repeated(&components);
        let parts = Parts {
            canonical: canonical.into(),
            created,
            expires,
            nonce,
            alg,
            keyid,
            tag,
            duplicate,
            mistyped,
            components: components.into(),
        };
        SignatureInput { parts: Arc::new(parts) }
    }

    /// The covered components in order.
    pub fn components(&self) -> &[ComponentId] {
        &self.parts.components
    }

    /// The serialised form, `("@method");created=1`.
    pub fn as_str(&self) -> &str {
        &self.parts.canonical
    }

    /// Creation time in seconds since the epoch.
    pub fn created(&self) -> Option<u64> {
        self.parts.created
    }

    /// Expiry time in seconds since the epoch.
    pub fn expires(&self) -> Option<u64> {
        self.parts.expires
    }

    /// The nonce.
    pub fn nonce(&self) -> Option<&str> {
        self.parts.nonce.as_deref()
    }

    /// The algorithm as it was given, registered or not.
    pub fn alg(&self) -> Option<&str> {
        self.parts.alg.as_deref()
    }

    /// The identifier of the key.
    pub fn keyid(&self) -> Option<&str> {
        self.parts.keyid.as_deref()
    }

    /// The application's tag.
    pub fn tag(&self) -> Option<&str> {
        self.parts.tag.as_deref()
    }

    /// Whether the whole of a component of the message itself is covered: its plain identifier, or for a field also
    /// `sf` and `bs`. A single member (`key`), a trailer or a request's component in a response doesn't count.
    /// `name` may also be a serialised identifier, as in `"@method";req`.
    pub fn covers(&self, name: &str) -> bool {
        name.parse().is_ok_and(|id| self.covers_id(&id))
    }

    pub(super) fn covers_id(&self, id: &ComponentId) -> bool {
        self.parts.components.iter().any(|covered| covered.covers(id))
    }

    /// Whether a registered parameter has a value of the wrong type, which makes the input unusable (§2.3).
    pub(super) fn is_mistyped(&self) -> bool {
        self.parts.mistyped
    }

    fn typed(self) -> Result<Self, ComponentError> {
        if self.is_mistyped() { Err(Reason::InvalidParameter.into()) } else { Ok(self) }
    }

    /// The first component that is covered a second time, which makes the input unusable (§2.5 step 2).
    pub(super) fn duplicate(&self) -> Option<&ComponentId> {
        self.parts.duplicate.map(|at| &self.parts.components[at])
    }
}

impl FromStr for SignatureInput {
    type Err = ComponentError;

    /// Reads the Inner List with its parameters, without a label.
    fn from_str(text: &str) -> Result<Self, ComponentError> {
        let list = List::parse(Parser::new(text)).map_err(|_| Reason::MalformedSignatureInput)?;
        match <[ListEntry; 1]>::try_from(list) {
            Ok([ListEntry::InnerList(list)]) => Self::from_inner_list(list)?.typed(),
            _ => Err(Reason::NotAnInnerList.into()),
        }
    }
}

fn first_repeated(components: &[ComponentId]) -> Option<usize> {
    // Few are compared with each other; of many, that would be the time of their square.
    if components.len() <= 32 {
        return (1..components.len()).find(|at| components[..*at].iter().any(|id| id.repeats(&components[*at])));
    }
    let (mut ids, mut members) = (HashSet::new(), HashSet::new());
    components.iter().position(|id| !ids.insert(id) || id.member().is_some_and(|member| !members.insert(member)))
}

fn write_params(out: &mut String, params: &Parameters) {
    // The crate serialises parameters only behind an item: `?1` is taken off again.
    let mut item = String::new();
    let _ = sfv::ItemSerializer::with_buffer(&mut item).bare_item(true).parameters(params).finish();
    out.push_str(item.strip_prefix("?1").unwrap_or_default());
}

impl fmt::Display for SignatureInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.canonical)
    }
}

impl fmt::Debug for SignatureInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.canonical)
    }
}

/// Builds a [`SignatureInput`]; what can't be written is reported by [`SignatureInputBuilder::build`].
#[derive(Clone, Debug)]
pub struct SignatureInputBuilder {
    components: Result<Vec<ComponentId>, ComponentError>,
    params: Parameters,
}

impl SignatureInputBuilder {
    /// Covers a component: a bare name (`@method`) or a serialised identifier (`"content-digest";req`).
    #[must_use]
    pub fn component(self, id: &str) -> Self {
        self.add(id.parse())
    }

    /// Covers several components.
    #[must_use]
    pub fn components<'i>(self, ids: impl IntoIterator<Item = &'i str>) -> Self {
        ids.into_iter().fold(self, Self::component)
    }

    /// Covers a component.
    #[must_use]
    pub fn component_id(self, id: ComponentId) -> Self {
        self.add(Ok(id))
    }

    /// Adds `created`, in seconds since the epoch.
    #[must_use]
    pub fn created(self, seconds: u64) -> Self {
        self.integer("created", seconds)
    }

    /// Adds `expires`, in seconds since the epoch.
    #[must_use]
    pub fn expires(self, seconds: u64) -> Self {
        self.integer("expires", seconds)
    }

    /// Adds `nonce`.
    #[must_use]
    pub fn nonce(self, nonce: &str) -> Self {
        self.string("nonce", nonce)
    }

    /// Adds `alg`.
    #[must_use]
    pub fn alg(self, algorithm: Algorithm) -> Self {
        self.string("alg", algorithm.as_str())
    }

    /// Adds `keyid`.
    #[must_use]
    pub fn keyid(self, keyid: &str) -> Self {
        self.string("keyid", keyid)
    }

    /// Adds `tag`.
    #[must_use]
    pub fn tag(self, tag: &str) -> Self {
        self.string("tag", tag)
    }

    /// Adds a parameter of any name with a String value.
    #[must_use]
    pub fn string(mut self, name: &str, value: &str) -> Self {
        let parts = Key::from_string(name.into()).ok().zip(sfv::String::from_string(value.into()).ok());
        match parts {
            Some((name, value)) => _ = self.params.insert(name, BareItem::String(value)),
            None => self.fail(Reason::Unserializable),
        }
        self
    }

    /// Adds a parameter of any name with an Integer value.
    #[must_use]
    pub fn integer(mut self, name: &str, value: u64) -> Self {
        let parts = Key::from_string(name.into()).ok().zip(sfv::Integer::try_from(value).ok());
        match parts {
            Some((name, value)) => _ = self.params.insert(name, BareItem::Integer(value)),
            None => self.fail(Reason::Unserializable),
        }
        self
    }

    /// The input.
    ///
    /// # Errors
    /// A component identifier is malformed or covered twice, or a value can't be written as a structured field.
    pub fn build(self) -> Result<SignatureInput, ComponentError> {
        let input = SignatureInput::new(self.components?, &self.params).typed()?;
        match input.duplicate() {
            Some(twice) => Err(ComponentError::at(Reason::DuplicateComponent, twice)),
            None => Ok(input),
        }
    }

    fn add(mut self, id: Result<ComponentId, ComponentError>) -> Self {
        match (id, &mut self.components) {
            (Ok(id), Ok(components)) => components.push(id),
            (Err(error), Ok(_)) => self.components = Err(error),
            (_, Err(_)) => {}
        }
        self
    }

    fn fail(&mut self, reason: Reason) {
        if self.components.is_ok() {
            self.components = Err(reason.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_repetition_is_found_among_few_and_many() {
        for filler in [0, 100, 10_000] {
            let fill: String = (0..filler).map(|at| format!("\"x{at}\";key=\"a\" ")).collect();
            let repeated = |end: &str| {
                let input: SignatureInput = format!("(\"x\";sf {fill}{end})").parse().unwrap();
                input.duplicate().map(ToString::to_string)
            };
            assert_eq!(repeated("\"y\" \"y\";bs"), None);
            assert_eq!(repeated("\"y\" \"y\" \"z\" \"z\""), Some("\"y\"".into()));
            assert_eq!(repeated("\"y\";tr;bs \"y\";bs;tr"), Some("\"y\";bs;tr".into()));
            assert_eq!(repeated("\"y\";key=\"a\" \"y\";sf;key=\"a\""), Some("\"y\";sf;key=\"a\"".into()));
            assert_eq!(repeated("\"y\";key=\"a\" \"y\";sf;key=\"b\" \"y\";tr;key=\"a\" \"y\";key=\"a\";req"), None);
        }
    }
}
