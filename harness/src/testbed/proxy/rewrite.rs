//! What some proxies do to a request before anything else, and should not.

use http::header::{CONTENT_LENGTH, COOKIE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::testbed::faults::{Faults, ProxyFault};

/// What forms leave as it is (URL standard, §5.2).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Path and query.
pub(super) fn target(sent: String, faults: Faults) -> String {
    match sent.split_once('?') {
        Some((path, query)) if faults.has(ProxyFault::ReencodesQuery) => format!("{path}?{}", reencoded(query)),
        _ => sent,
    }
}

/// The fields.
pub(super) fn fields(mut sent: HeaderMap, faults: Faults) -> HeaderMap {
    if faults.has(ProxyFault::FoldsHeaders) {
        fold(&mut sent);
    }
    if faults.has(ProxyFault::DropsBody) {
        sent.remove(CONTENT_LENGTH);
    }
    sent
}

/// As a form is read and written again.
fn reencoded(query: &str) -> String {
    let part = |part: &str| {
        let plain: Vec<u8> = percent_decode_str(&part.replace('+', " ")).collect();
        percent_encode(&plain, FORM).to_string().replace("%20", "+")
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) => format!("{}={}", part(name), part(value)),
        None => part(pair),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// RFC 9110 §5.3: several lines mean the same as one with commas; of cookies, with semicolons.
fn fold(fields: &mut HeaderMap) {
    for name in fields.keys().cloned().collect::<Vec<_>>() {
        let lines: Vec<&[u8]> = fields.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        let between: &[u8] = if name == COOKIE { b"; " } else { b", " };
        if lines.len() > 1
            && let Ok(joined) = HeaderValue::from_bytes(&lines.join(between))
        {
            fields.insert(name, joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_written_as_a_form() {
        let written = |query: &str| target(format!("/p%20?{query}"), ProxyFault::ReencodesQuery.into());
        assert_eq!(written("a=1&b=%20+&c=%c3%a9/~"), "/p%20?a=1&b=++&c=%C3%A9%2F%7E");
        assert_eq!(written("a=1&b"), "/p%20?a=1&b", "what forms write like this stays");
        assert_eq!(target("/p?%20".to_owned(), Faults::NONE), "/p?%20");
    }

    #[test]
    fn lines_become_one() {
        let mut sent = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("cookie", "a=1"), ("x-b", "3"), ("x-a", "2"), ("cookie", "b=2")] {
            sent.append(name, HeaderValue::from_static(value));
        }
        let folded = fields(sent.clone(), ProxyFault::FoldsHeaders.into());
        assert_eq!(folded.get_all("x-a").iter().collect::<Vec<_>>(), ["1, 2"]);
        assert_eq!(folded.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert_eq!(folded["x-b"], "3");
        assert_eq!(fields(sent.clone(), Faults::NONE), sent);
    }
}
