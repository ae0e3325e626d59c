//! Component identifiers (RFC 9421 §2): a name with parameters, compared without regard to the parameters' order.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sfv::{BareItem, FieldType as _, Parameters};

use super::message::is_token;
use super::reject::{ComponentError, Reason};

/// A component identifier: the name of a field or derived component with its parameters.
///
/// Equality is that of RFC 9421 §2: the order of the parameters is kept but doesn't count.
///
/// ```
/// use portal_core::rfc9421::ComponentId;
///
/// let method: ComponentId = "@method".parse()?;
/// assert_eq!(method.to_string(), "\"@method\"");
/// let member: ComponentId = "\"example-dict\";key=\"a\";req".parse()?;
/// assert_eq!(member, "\"example-dict\";req;key=\"a\"".parse()?);
/// # Ok::<(), portal_core::rfc9421::ComponentError>(())
/// ```
#[derive(Clone)]
pub struct ComponentId {
    /// The serialised identifier, as it stands in the base.
    canonical: Box<str>,
    /// The same with sorted parameters, where that differs.
    sorted: Option<Box<str>>,
    name: Box<str>,
    params: Parameters,
    pub(super) meaning: Meaning,
}

/// What an identifier means, decided once when it is parsed.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    pub(super) req: bool,
    pub(super) source: Source,
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Derived(Derived),
    Field {
        trailer: bool,
        wrap: Wrap,
    },
    /// No value can be had, for this reason.
    Refused(Reason),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Derived {
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    QueryParam(Box<str>),
    Status,
}

/// How a field's value is canonicalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    Plain,
    Strict,
    Member(Box<str>),
    Bytes,
}

impl ComponentId {
    /// An identifier without parameters.
    ///
    /// # Errors
    /// The name has characters that a String can't hold.
    pub fn new(name: &str) -> Result<Self, ComponentError> {
        Self::with_params(name, Parameters::new())
    }

    pub(super) fn from_item(item: sfv::Item) -> Result<Self, ComponentError> {
        match item.bare_item {
            BareItem::String(name) => Self::with_params(name.as_str(), item.params),
            _ => Err(Reason::ComponentNotAString.into()),
        }
    }

    fn with_params(name: &str, params: Parameters) -> Result<Self, ComponentError> {
        let string = sfv::StringRef::from_str(name).map_err(|_| Reason::Unserializable)?;
        let serialize = |params: &Parameters| {
            sfv::ItemSerializer::new().bare_item(string).parameters(params).finish().into_boxed_str()
        };
        let canonical = serialize(&params);
        let sorted = (params.len() > 1).then(|| {
            let mut params = params.clone();
            params.sort_keys();
            serialize(&params)
        });
        let sorted = sorted.filter(|sorted| *sorted != canonical);
        let meaning = Meaning::of(name, &params);
        Ok(ComponentId { canonical, sorted, name: name.into(), params, meaning })
    }

    /// The component name, `@method` or `content-type`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The serialised identifier, as it stands at the start of its line in the base.
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// Whether the component is taken from the request that a response answers.
    pub fn is_from_request(&self) -> bool {
        self.meaning.req
    }

    /// Whether there are no parameters.
    pub fn is_plain(&self) -> bool {
        self.params.is_empty()
    }

    /// Whether a line of this identifier holds the whole of what `other` stands for: the same identifier, or
    /// another encoding of the same field (`sf`, `bs`).
    pub(super) fn covers(&self, other: &ComponentId) -> bool {
        if self == other {
            return true;
        }
        let whole = |id: &ComponentId| match &id.meaning.source {
            Source::Field { trailer, wrap: Wrap::Plain | Wrap::Strict | Wrap::Bytes } => Some(*trailer),
            _ => None,
        };
        let plain = matches!(other.meaning.source, Source::Field { wrap: Wrap::Plain, .. });
        plain && self.name == other.name && self.meaning.req == other.meaning.req && {
            let trailer = whole(self);
            trailer.is_some() && trailer == whole(other)
        }
    }

    /// Whether both must not be covered by one signature: they are equal (§2), or name the same member of a field
    /// (§2.1.2: "Each parameterized key for a given field MUST NOT appear more than once"), one of them with `sf`,
    /// which `key` implies.
    pub(super) fn repeats(&self, other: &ComponentId) -> bool {
        self == other || self.member().is_some_and(|member| other.member() == Some(member))
    }

    /// The member of a Dictionary that is meant, and where the Dictionary is: equal for two that repeat each other.
    pub(super) fn member(&self) -> Option<(&str, bool, bool, &str)> {
        match &self.meaning.source {
            Source::Field { trailer, wrap: Wrap::Member(key) } => Some((&self.name, self.meaning.req, *trailer, key)),
            _ => None,
        }
    }

    fn identity(&self) -> &str {
        self.sorted.as_deref().unwrap_or(&self.canonical)
    }
}

impl FromStr for ComponentId {
    type Err = ComponentError;

    /// Reads a bare name (`@method`) or a serialised identifier (`"content-digest";req`).
    fn from_str(text: &str) -> Result<Self, ComponentError> {
        if !text.starts_with('"') {
            return Self::new(text);
        }
        let item = sfv::Item::parse(sfv::Parser::new(text)).map_err(|_| Reason::ComponentNotAString)?;
        Self::from_item(item)
    }
}

impl Meaning {
    fn of(name: &str, params: &Parameters) -> Self {
        let mut req = false;
        let source = Self::source(name, params, &mut req).unwrap_or_else(Source::Refused);
        Meaning { req, source }
    }

    fn source(name: &str, params: &Parameters, req: &mut bool) -> Result<Source, Reason> {
        let (mut sf, mut bs, mut tr) = (false, false, false);
        let (mut key, mut param) = (None, None);
        for (parameter, value) in params {
            match (parameter.as_str(), value) {
                ("req", BareItem::Boolean(true)) => *req = true,
                ("sf", BareItem::Boolean(true)) => sf = true,
                ("bs", BareItem::Boolean(true)) => bs = true,
                ("tr", BareItem::Boolean(true)) => tr = true,
                ("key", BareItem::String(value)) => key = Some(value.as_str().into()),
                ("name", BareItem::String(value)) => param = Some(value.as_str().into()),
                ("req" | "sf" | "bs" | "tr" | "key" | "name", _) => return Err(Reason::InvalidComponentParameter),
                _ => return Err(Reason::UnknownComponentParameter),
            }
        }
        if let Some(derived) = name.strip_prefix('@') {
            if sf || bs || tr || key.is_some() || (param.is_some() && derived != "query-param") {
                return Err(Reason::ParameterNotApplicable);
            }
            return Ok(Source::Derived(match derived {
                "method" => Derived::Method,
                "target-uri" => Derived::TargetUri,
                "authority" => Derived::Authority,
                "scheme" => Derived::Scheme,
                "request-target" => Derived::RequestTarget,
                "path" => Derived::Path,
                "query" => Derived::Query,
                "query-param" => Derived::QueryParam(param.ok_or(Reason::MissingName)?),
                // §2.4: req is for components that target the request.
                "status" if *req => return Err(Reason::ParameterNotApplicable),
                "status" => Derived::Status,
                "signature-params" => return Err(Reason::SignatureParamsCovered),
                _ => return Err(Reason::UnknownComponent),
            }));
        }
        if !is_token(name) {
            return Err(Reason::InvalidName);
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Reason::NotLowercase);
        }
        if param.is_some() {
            return Err(Reason::ParameterNotApplicable);
        }
        let wrap = match (key, sf, bs) {
            // §2.1: bs needs the raw bytes, sf and key the parsed value.
            (Some(_), _, true) | (_, true, true) => return Err(Reason::IncompatibleParameters),
            // §2.1: key implies the strict serialization.
            (Some(key), _, false) => Wrap::Member(key),
            (None, true, false) => Wrap::Strict,
            (None, false, true) => Wrap::Bytes,
            (None, false, false) => Wrap::Plain,
        };
        Ok(Source::Field { trailer: tr, wrap })
    }
}

impl PartialEq for ComponentId {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ComponentId {}

impl Hash for ComponentId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

impl fmt::Debug for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<Reason> {
        match text.parse::<ComponentId>().unwrap().meaning.source {
            Source::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn order_of_parameters_is_kept_but_does_not_count() {
        let one: ComponentId = "\"foo\";bar;baz".parse().unwrap();
        let other: ComponentId = "\"foo\";baz;bar".parse().unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "\"foo\";bar;baz");
        assert_eq!(other.to_string(), "\"foo\";baz;bar");
        assert_ne!(one, "\"foo\";bar".parse().unwrap());
        assert_ne!(one, "\"foo\";bar;baz=1".parse().unwrap());
        let hash = |id: &ComponentId| {
            let mut state = std::hash::DefaultHasher::new();
            id.hash(&mut state);
            state.finish()
        };
        assert_eq!(hash(&one), hash(&other));
    }

    #[test]
    fn combinations_are_accepted_or_refused() {
        for good in [
            "\"x\"",
            "\"x\";sf",
            "\"x\";sf;key=\"a\"",
            "\"x\";bs;tr",
            "\"x\";key=\"a\";req;tr",
            "\"@method\";req",
            "\"@query-param\";name=\"\"",
            "\"@query-param\";req;name=\"a\"",
            "\"@status\"",
        ] {
            assert_eq!(refused(good), None, "{good}");
        }
        for (bad, reason) in [
            ("\"x\";sf;bs", Reason::IncompatibleParameters),
            ("\"x\";bs;key=\"a\"", Reason::IncompatibleParameters),
            ("\"x\";bs;sf;key=\"a\"", Reason::IncompatibleParameters),
            ("\"x\";foo", Reason::UnknownComponentParameter),
            ("\"x\";sf=?0", Reason::InvalidComponentParameter),
            ("\"x\";sf=1", Reason::InvalidComponentParameter),
            ("\"x\";key=a", Reason::InvalidComponentParameter),
            ("\"x\";key", Reason::InvalidComponentParameter),
            ("\"x\";name=\"a\"", Reason::ParameterNotApplicable),
            ("\"@method\";sf", Reason::ParameterNotApplicable),
            ("\"@path\";tr", Reason::ParameterNotApplicable),
            ("\"@query\";name=\"a\"", Reason::ParameterNotApplicable),
            ("\"@query-param\"", Reason::MissingName),
            ("\"@query-param\";name=a", Reason::InvalidComponentParameter),
            ("\"@status\";req", Reason::ParameterNotApplicable),
            ("\"@signature-params\"", Reason::SignatureParamsCovered),
            ("\"@nope\"", Reason::UnknownComponent),
            ("\"@Method\"", Reason::UnknownComponent),
            ("\"X\"", Reason::NotLowercase),
            ("\"x y\"", Reason::InvalidName),
            ("\"\"", Reason::InvalidName),
        ] {
            assert_eq!(refused(bad), Some(reason), "{bad}");
        }
        assert_eq!("tok\u{e4}n".parse::<ComponentId>().unwrap_err().reason, Reason::Unserializable);
        assert_eq!("\"a\" b".parse::<ComponentId>().unwrap_err().reason, Reason::ComponentNotAString);
    }

    #[test]
    fn one_member_in_two_spellings_is_a_repetition() {
        let repeats = |one: &str, other: &str| one.parse::<ComponentId>().unwrap().repeats(&other.parse().unwrap());
        assert!(repeats("\"x\";key=\"a\"", "\"x\";key=\"a\";sf"));
        assert!(repeats("\"x\";tr;sf;key=\"a\"", "\"x\";key=\"a\";tr"));
        assert!(repeats("x", "x") && repeats("@method", "@method"));
        assert!(!repeats("\"x\";key=\"a\"", "\"x\";key=\"b\";sf"));
        assert!(!repeats("\"x\";key=\"a\"", "\"y\";key=\"a\";sf"));
        assert!(!repeats("\"x\";key=\"a\"", "\"x\";key=\"a\";sf;tr"));
        assert!(!repeats("\"x\";key=\"a\"", "\"x\";key=\"a\";sf;req"));
        assert!(!repeats("x", "\"x\";sf") && !repeats("\"x\";bs", "\"x\";sf") && !repeats("x", "y"));
    }

    #[test]
    fn a_member_does_not_cover_the_field() {
        let covers = |one: &str, other: &str| one.parse::<ComponentId>().unwrap().covers(&other.parse().unwrap());
        assert!(covers("x", "x"));
        assert!(covers("\"x\";sf", "x"));
        assert!(covers("\"x\";bs", "x"));
        assert!(!covers("x", "\"x\";sf"));
        assert!(!covers("\"x\";key=\"a\"", "x"));
        assert!(!covers("\"x\";tr", "x"));
        assert!(!covers("\"x\";req", "x"));
        assert!(!covers("\"@method\";req", "@method"));
    }
}
