//! A message as it was on the wire: raw field lines in order, the target verbatim, trailers, the related request.

use std::fmt;

use super::target::{Authority, Target};

/// How the request was (or will be) transported; the context that HTTP/1.1 doesn't carry in the message itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP, default port 80.
    Http,
    /// HTTP over TLS, default port 443.
    Https,
}

impl Scheme {
    /// The scheme in lower case, as `@scheme` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// A message that a signature is made for or verified on: the *target message* with its context.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A request.
    Request(&'a Request),
    /// A response and, where it is known, the request that it answers (the source of `;req` components).
    Response {
        /// The response.
        response: &'a Response,
        /// The request that triggered it.
        request: Option<&'a Request>,
    },
}

impl<'a> Message<'a> {
    /// The header fields of the target message.
    pub fn fields(&self) -> &'a Fields {
        match self {
            Message::Request(request) => &request.fields,
            Message::Response { response, .. } => &response.fields,
        }
    }

    /// The trailer fields of the target message.
    pub fn trailers(&self) -> &'a Fields {
        match self {
            Message::Request(request) => &request.trailers,
            Message::Response { response, .. } => &response.trailers,
        }
    }
}

impl<'a> From<&'a Request> for Message<'a> {
    fn from(request: &'a Request) -> Self {
        Message::Request(request)
    }
}

/// A request as on the wire.
///
/// ```
/// use portal_core::rfc9421::{Request, Scheme};
///
/// let mut request = Request::new("POST", "/foo?a=b", Scheme::Https)?;
/// request.fields_mut().push("Host", "example.com")?;
/// assert_eq!(request.target(), "/foo?a=b");
/// # Ok::<(), portal_core::rfc9421::MessageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    method: Box<str>,
    pub(super) target: Target,
    scheme: Scheme,
    pub(super) authority: Option<Box<str>>,
    fields: Fields,
    trailers: Fields,
}

impl Request {
    /// A request without fields. `target` is the request target verbatim in any of its four forms
    /// (RFC 9112 §3.2): origin, absolute, authority (CONNECT) or asterisk (OPTIONS).
    ///
    /// # Errors
    /// The method is no token, or the target fits none of the forms.
    pub fn new(method: &str, target: &str, scheme: Scheme) -> Result<Self, MessageError> {
        if !is_token(method) {
            return Err(MessageError::Method);
        }
        Ok(Request {
            method: method.into(),
            target: Target::parse(method, target)?,
            scheme,
            authority: None,
            fields: Fields::new(),
            trailers: Fields::new(),
        })
    }

    /// The same request with the `:authority` that HTTP/2 and HTTP/3 send in place of Host (RFC 9113 §8.3.1). The
    /// other pseudo-header fields are the arguments of [`Request::new`]: `:method`, `:path` (for CONNECT, the
    /// authority) and `:scheme`.
    ///
    /// ```
    /// use portal_core::rfc9421::{FieldTypes, Request, Scheme, SignatureBase};
    ///
    /// let request = Request::new("GET", "/inbox", Scheme::Https)?.with_authority("App.example:443")?;
    /// let base = SignatureBase::build(&(&request).into(), &"(\"@authority\")".parse()?, &FieldTypes::default())?;
    /// assert_eq!(base.lines().next(), Some("\"@authority\": app.example"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Not a host with an optional port.
    pub fn with_authority(self, authority: &str) -> Result<Self, MessageError> {
        Authority::parse(authority).ok_or(MessageError::Authority)?;
        Ok(Request { authority: Some(authority.into()), ..self })
    }

    /// The method, case kept.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request target, verbatim.
    pub fn target(&self) -> &str {
        self.target.as_str()
    }

    /// The scheme of the connection (an absolute target has one of its own, which wins).
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }
}

/// A response as on the wire.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    fields: Fields,
    trailers: Fields,
}

impl Response {
    /// A response without fields.
    ///
    /// # Errors
    /// The status has not three digits.
    pub fn new(status: u16) -> Result<Self, MessageError> {
        if !(100..=999).contains(&status) {
            return Err(MessageError::Status);
        }
        Ok(Response { status, fields: Fields::new(), trailers: Fields::new() })
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }
}

macro_rules! with_fields {
    ($($message:ty),+) => {$(
        impl $message {
            /// The header fields.
            pub fn fields(&self) -> &Fields {
                &self.fields
            }

            /// The header fields, to add to.
            pub fn fields_mut(&mut self) -> &mut Fields {
                &mut self.fields
            }

            /// The trailer fields.
            pub fn trailers(&self) -> &Fields {
                &self.trailers
            }

            /// The trailer fields, to add to.
            pub fn trailers_mut(&mut self) -> &mut Fields {
                &mut self.trailers
            }
        }
    )+};
}

with_fields!(Request, Response);

/// Field lines in the order of the message, several of one name kept apart, values as bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    lines: Vec<(Box<str>, Box<[u8]>)>,
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Fields::default()
    }

    /// Appends a field line. The value may have whitespace around it and obsolete line folding in it.
    ///
    /// # Errors
    /// The name is no token; the value holds NUL, or a CR or LF that is not part of a line folding.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), MessageError> {
        let value = value.as_ref();
        if !is_token(name) {
            return Err(MessageError::FieldName);
        }
        if !is_field_value(value) {
            return Err(MessageError::FieldValue(name.into()));
        }
        self.lines.push((name.into(), value.into()));
        Ok(())
    }

    /// The raw values of the lines of that name (compared without case), in order.
    pub fn values<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f [u8]> + Clone + 'f {
        self.lines.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Whether a line of that name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// All lines, names as they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Removes all lines of that name and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.lines.len();
        self.lines.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        before - self.lines.len()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)))).finish()
    }
}

/// Why a message can't be represented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The method is not a token (RFC 9110 §9.1).
    #[error("the method is not a token")]
    Method,
    /// The request target fits none of the four forms (RFC 9112 §3.2).
    #[error("the request target fits none of the four forms")]
    Target,
    /// The authority is not a host with an optional port (RFC 9110 §4.2).
    #[error("the authority is not a host with an optional port")]
    Authority,
    /// The status code has not three digits.
    #[error("the status code has not three digits")]
    Status,
    /// A field name is not a token.
    #[error("a field name is not a token")]
    FieldName,
    /// A field value holds NUL, CR or LF.
    #[error("the value of field {0:?} holds control characters that end lines")]
    FieldValue(Box<str>),
    /// The bytes are not an HTTP/1.1 message.
    #[error("not an HTTP/1.1 message: {0}")]
    Syntax(&'static str),
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_field_value(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
        // RFC 9112 §5.2: obs-fold = OWS CRLF RWS
        match &rest[at..] {
            [b'\r', b'\n', b' ' | b'\t', more @ ..] => rest = more,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_order_and_lines_and_compare_names_without_case() {
        let mut fields = Fields::new();
        fields.push("Accept", "a").unwrap();
        fields.push("Host", "h").unwrap();
        fields.push("ACCEPT", "b").unwrap();
        assert_eq!(fields.values("accept").collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(fields.iter().next_back_name(), "ACCEPT");
        assert_eq!(fields.remove("accept"), 2);
        assert_eq!(fields.len(), 1);
    }

    trait LastName {
        fn next_back_name(self) -> String;
    }
    impl<'a, I: Iterator<Item = (&'a str, &'a [u8])>> LastName for I {
        fn next_back_name(self) -> String {
            self.last().map(|(name, _)| name.to_owned()).unwrap_or_default()
        }
    }

    #[test]
    fn lines_cannot_be_smuggled_in() {
        let mut fields = Fields::new();
        for bad in ["a\r\nB: c", "a\nb", "a\rb", "a\0b", "a\r\n"] {
            assert_eq!(fields.push("x", bad), Err(MessageError::FieldValue("x".into())), "{bad:?}");
        }
        fields.push("x", "a\r\n b\r\n\tc").unwrap();
        for bad in ["", "a b", "a:", "\u{e4}", "a\r\n"] {
            assert_eq!(fields.push(bad, "v"), Err(MessageError::FieldName), "{bad:?}");
        }
        fields.push("x", b"\xff").unwrap();
    }

    #[test]
    fn method_and_status_are_checked() {
        assert_eq!(Request::new("G T", "/", Scheme::Http).unwrap_err(), MessageError::Method);
        assert_eq!(Request::new("", "/", Scheme::Http).unwrap_err(), MessageError::Method);
        assert!(Request::new("m-search", "/", Scheme::Http).is_ok());
        assert_eq!(Response::new(99).unwrap_err(), MessageError::Status);
        assert_eq!(Response::new(1000).unwrap_err(), MessageError::Status);
        assert!(Response::new(999).is_ok());
    }
}
