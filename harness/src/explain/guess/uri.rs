//! The text of URIs decoded, encoded anew, sorted, resolved: what programs do to it that should leave it alone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What path segments keep (RFC 3986 §3.3), with slashes.
pub(super) const PATH_SET: &AsciiSet = &STRICT_PATH_SET
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');
pub(super) const STRICT_PATH_SET: &AsciiSet = &UNRESERVED.remove(b'/');
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or(text.to_owned(), |text| text.into_owned())
}

pub(super) fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(&decoded(text), set).to_string()
}

/// Changes the case of what follows each `%`.
pub(super) fn escapes(text: &str, change: fn(&str) -> String) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('%');
        match part.split_at_checked(2) {
            Some((digits, rest)) => out.extend([&change(digits), rest]),
            None => out.push_str(part),
        }
    }
    out
}

pub(super) fn form(query: &str, space: &str) -> String {
    let Some(bare) = query.strip_prefix('?') else { return query.to_owned() };
    let text = |text: &str| {
        utf8_percent_encode(&decoded(&text.replace('+', " ")), UNRESERVED).to_string().replace("%20", space)
    };
    let pairs: Vec<String> = bare
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map_or_else(|| format!("{}=", text(pair)), |(name, value)| format!("{}={}", text(name), text(value)))
        })
        .collect();
    format!("?{}", pairs.join("&"))
}

pub(super) fn sorted(query: &str) -> String {
    let Some(bare) = query.strip_prefix('?') else { return query.to_owned() };
    let mut parts: Vec<&str> = bare.split('&').collect();
    parts.sort_unstable();
    format!("?{}", parts.join("&"))
}

pub(super) fn squeezed(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}

/// What JavaScript's encodeURIComponent leaves as it is.
pub(super) const COMPONENT_SET: &AsciiSet =
    &UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
