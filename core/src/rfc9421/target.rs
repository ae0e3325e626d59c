//! The request target in its four forms, taken apart once.

use super::message::MessageError;

/// A request target (RFC 9112 §3.2), verbatim, with the places of its parts.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    text: Box<str>,
    form: Form,
    /// Where the authority ends (absolute form), else 0.
    authority: (usize, usize),
    /// Where the path starts and ends.
    path: (usize, usize),
    /// Whether a `?` follows the path.
    has_query: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Origin,
    Absolute,
    Authority,
    Asterisk,
}

impl Target {
    pub(crate) fn parse(method: &str, text: &str) -> Result<Self, MessageError> {
        // A fragment is never sent (RFC 9110 §7.1); spaces, controls and non-ASCII would make the line ambiguous.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(MessageError::Target);
        }
        if text.starts_with('/') {
            return Ok(Self::from_path(text, Form::Origin, (0, 0), 0));
        }
        if text == "*" {
            // RFC 9112 §3.2.4: only for OPTIONS.
            return if method == "OPTIONS" {
                Ok(Target {
                    text: text.into(),
                    form: Form::Asterisk,
                    authority: (0, 0),
                    path: (0, 0),
                    has_query: false,
                })
            } else {
                Err(MessageError::Target)
            };
        }
        if method == "CONNECT" {
            let end = text.len();
            // RFC 9112 §3.2.3: host and port, nothing else.
            let port = text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && !port.is_empty());
            return if port && Authority::parse(text).is_some() {
                Ok(Target {
                    text: text.into(),
                    form: Form::Authority,
                    authority: (0, end),
                    path: (end, end),
                    has_query: false,
                })
            } else {
                Err(MessageError::Target)
            };
        }
        let scheme_end = text.find("://").ok_or(MessageError::Target)?;
        let mut scheme = text[..scheme_end].bytes();
        let known = scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
            && scheme.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let start = scheme_end + 3;
        let end = text[start..].find(['/', '?']).map_or(text.len(), |at| start + at);
        if !known || Authority::parse(&text[start..end]).is_none() {
            return Err(MessageError::Target);
        }
        Ok(Self::from_path(text, Form::Absolute, (start, end), end))
    }

    fn from_path(text: &str, form: Form, authority: (usize, usize), start: usize) -> Self {
        let query = text[start..].find('?').map(|at| start + at);
        Target {
            text: text.into(),
            form,
            authority,
            path: (start, query.unwrap_or(text.len())),
            has_query: query.is_some(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The scheme of an absolute target, case kept.
    pub(crate) fn scheme(&self) -> Option<&str> {
        (self.form == Form::Absolute).then(|| &self.text[..self.authority.0 - 3])
    }

    /// The authority of an absolute or authority-form target.
    pub(crate) fn authority(&self) -> Option<&str> {
        matches!(self.form, Form::Absolute | Form::Authority).then(|| &self.text[self.authority.0..self.authority.1])
    }

    /// The path, empty where the target has none.
    pub(crate) fn path(&self) -> &str {
        &self.text[self.path.0..self.path.1]
    }

    /// The query without its `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.has_query.then(|| &self.text[self.path.1 + 1..])
    }
}

/// Host and port of a target URI (RFC 9110 §4.2): no user information, which an http(s) URI must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// Host; an IPv6 address with its brackets.
    pub(crate) host: &'a str,
    /// Port as digits; absent also where only the colon was there.
    pub(crate) port: Option<&'a str>,
}

impl<'a> Authority<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (host, after) = if let Some(inner) = text.strip_prefix('[') {
            let close = inner.find(']')?;
            let literal = &inner[..close];
            let known = !literal.is_empty()
                && literal.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":.-_~%".contains(&byte));
            if !known {
                return None;
            }
            text.split_at(close + 2)
        } else {
            let end = text.find(':').unwrap_or(text.len());
            let host = &text[..end];
            let reg_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
            if host.is_empty() || !host.bytes().all(reg_name) {
                return None;
            }
            text.split_at(end)
        };
        let port = match after.strip_prefix(':') {
            None if after.is_empty() => None,
            None => return None,
            Some("") => None,
            Some(port) if number(port).len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port),
            Some(_) => return None,
        };
        Some(Authority { host, port })
    }

    /// The port, where it is not the scheme's default (RFC 9110 §4.2.1, §4.2.2).
    pub(crate) fn port_beside(&self, scheme: &str) -> Option<&'a str> {
        self.port.filter(|port| match number(port) {
            "443" => !scheme.eq_ignore_ascii_case("https"),
            "80" => !scheme.eq_ignore_ascii_case("http"),
            _ => true,
        })
    }

    /// Whether both name the same host and port.
    pub(crate) fn is_same(&self, other: &Authority<'a>, scheme: &str) -> bool {
        let port = |authority: &Authority<'a>| authority.port_beside(scheme).map(number);
        self.host.eq_ignore_ascii_case(other.host) && port(self) == port(other)
    }
}

/// A port without leading zeros: it is a number (RFC 3986 §3.2.3, `*DIGIT`, "in decimal").
fn number(port: &str) -> &str {
    port.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_forms_are_taken_apart() {
        let parts = |method: &str, text: &str| {
            let target = Target::parse(method, text).unwrap();
            (
                target.form(),
                target.scheme().map(str::to_owned),
                target.authority().map(str::to_owned),
                target.path().to_owned(),
                target.query().map(str::to_owned),
            )
        };
        let owned = |text: &str| Some(text.to_owned());
        assert_eq!(parts("GET", "/a?b?c"), (Form::Origin, None, None, "/a".into(), owned("b?c")));
        assert_eq!(parts("GET", "/a?"), (Form::Origin, None, None, "/a".into(), owned("")));
        assert_eq!(
            parts("GET", "HTTP://h:1/a?b"),
            (Form::Absolute, owned("HTTP"), owned("h:1"), "/a".into(), owned("b"))
        );
        assert_eq!(parts("GET", "http://h?b"), (Form::Absolute, owned("http"), owned("h"), "".into(), owned("b")));
        assert_eq!(parts("CONNECT", "h:80"), (Form::Authority, None, owned("h:80"), "".into(), None));
        assert_eq!(parts("OPTIONS", "*"), (Form::Asterisk, None, None, "".into(), None));
        assert_eq!(parts("GET", "//h/x"), (Form::Origin, None, None, "//h/x".into(), None));
    }

    #[test]
    fn other_targets_are_refused() {
        for (method, text) in [
            ("GET", ""),
            ("GET", "a"),
            ("GET", "*"),
            ("GET", "/a b"),
            ("GET", "/a#b"),
            ("GET", "/\u{e4}"),
            ("GET", "/a\nb"),
            ("GET", "1x://h/"),
            ("GET", "http:///x"),
            ("GET", "http://u@h/"),
            ("GET", "http://h:x/"),
            ("CONNECT", "h"),
            ("CONNECT", "h:"),
            ("CONNECT", ":80"),
            ("CONNECT", "http://h:80/"),
        ] {
            assert_eq!(Target::parse(method, text).unwrap_err(), MessageError::Target, "{method} {text:?}");
        }
    }

    #[test]
    fn authorities_are_taken_apart() {
        let parse = |text| Authority::parse(text).map(|authority| (authority.host, authority.port));
        assert_eq!(parse("a.B:443"), Some(("a.B", Some("443"))));
        assert_eq!(parse("a:"), Some(("a", None)));
        assert_eq!(parse("[::1]:8"), Some(("[::1]", Some("8"))));
        assert_eq!(parse("[::1]"), Some(("[::1]", None)));
        assert_eq!(parse("a:000443"), Some(("a", Some("000443"))));
        for bad in ["", ":80", "[::1", "[]", "[::1]x", "a:b", "a:1:2", "a@b", "a b", "a/b", "a:123456"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
