//! The fields of a request on their way: what belongs to a hop, what says who somebody is, what the proxy says itself.

use std::net::IpAddr;

use http::header::{CONNECTION, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::testbed::faults::{Faults, ProxyFault};

/// RFC 9110 §7.6.1, and what older software sends.
const HOP_BY_HOP: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "transfer-encoding", "upgrade"];

/// The fields that a message carries from end to end: without those of the hop and those that Connection names.
pub(super) fn end_to_end(fields: &HeaderMap, version: Version) -> HeaderMap {
    let named: Vec<HeaderName> = list(fields, &CONNECTION).filter_map(|name| name.parse().ok()).collect();
    let mut kept = fields.clone();
    for name in HOP_BY_HOP {
        kept.remove(name);
    }
    for name in named.iter().filter(|name| **name != HOST) {
        kept.remove(name);
    }
    if version == Version::HTTP_2 {
        join_crumbs(&mut kept);
    }
    kept
}

/// Whether the sender takes trailers (RFC 9110 §10.1.4).
pub(super) fn takes_trailers(fields: &HeaderMap) -> bool {
    list(fields, &http::header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

/// The one place where a client's claims about itself end (ACL-6, ACL-7) and the Core's words about it begin (ACL-4).
pub(super) fn identify(fields: &mut HeaderMap, declared: &HeaderMap, faults: Faults) {
    strip(fields, |name| {
        let is_field = name.as_str().starts_with("x-ptl-");
        let kept = if faults.has(ProxyFault::KeepsUndeclaredIdentityFields) {
            is_field && !declared.contains_key(name)
        } else if is_field {
            faults.has(ProxyFault::KeepsIdentityFields)
        } else {
            faults.has(ProxyFault::KeepsIdentityAliases)
        };
        claims_identity(name) && !kept
    });
    if !faults.has(ProxyFault::DropsDeclaredFields) {
        for (name, value) in declared {
            fields.append(name, value.clone());
        }
    }
}

/// The fields of the Core's answer that are for the app.
pub(super) fn declared(answer: &HeaderMap) -> HeaderMap {
    answer.iter().filter(|(name, _)| name.as_str().starts_with("x-ptl-")).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// Removes from trailers what a client may not say in fields either.
pub(super) fn clean_trailers(trailers: &mut HeaderMap, faults: Faults) {
    strip(trailers, |name| {
        claims_identity(name) && !faults.has(ProxyFault::KeepsIdentityTrailers)
            || is_forwarding(name)
            || *name == COOKIE
    });
}

/// What the proxy says about a request, in place of what the client may have said (PROXY-8).
#[derive(Debug, Clone)]
pub(super) struct Forwarded<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'static str,
    pub(super) host: &'a HeaderValue,
    pub(super) target: &'a str,
    pub(super) client: IpAddr,
    /// Whether a body follows; `None` keeps it to itself.
    pub(super) has_body: Option<bool>,
}

impl Forwarded<'_> {
    /// For the app.
    pub(super) fn replace(&self, fields: &mut HeaderMap, faults: Faults) {
        if !faults.has(ProxyFault::KeepsForwardedFields) {
            remove_forwarding(fields);
        }
        append(fields, "x-forwarded-for", &self.client.to_string());
        append(fields, "x-forwarded-proto", self.scheme);
        fields.append("x-forwarded-host", self.host.clone());
    }

    /// For the Core's question, which has method and target beside.
    pub(super) fn replace_all(&self, fields: &mut HeaderMap, faults: Faults) {
        self.replace(fields, faults);
        append(fields, "x-forwarded-method", self.method);
        let hidden = faults.has(ProxyFault::HidesQueryFromCore);
        let shown = if hidden { self.target.split('?').next().unwrap_or_default() } else { self.target };
        append(fields, "x-forwarded-uri", shown);
        if let Some(has_body) = self.has_body {
            append(fields, "x-forwarded-body", if has_body { "present" } else { "absent" });
        }
    }
}

/// Removes what a client may not say about where a request comes from (PROXY-8).
pub(super) fn remove_forwarding(fields: &mut HeaderMap) {
    strip(fields, is_forwarding);
}

/// Removes the cookie `name` and leaves all others as they are (PROXY-7).
pub(super) fn remove_cookie(fields: &mut HeaderMap, name: &str, faults: Faults) {
    if faults.has(ProxyFault::KeepsCookie) {
        return;
    }
    if faults.has(ProxyFault::DropsOtherCookies) {
        fields.remove(COOKIE);
        return;
    }
    let lines: Vec<HeaderValue> = fields.get_all(COOKIE).iter().filter_map(|line| without_cookie(line, name)).collect();
    fields.remove(COOKIE);
    for line in lines {
        fields.append(COOKIE, line);
    }
}

/// The wrong behaviours that concern all fields.
pub(super) fn spoil(fields: &mut HeaderMap, faults: Faults) {
    if faults.has(ProxyFault::LowercasesValues) {
        for value in fields.values_mut() {
            *value = HeaderValue::from_bytes(&value.as_bytes().to_ascii_lowercase()).unwrap_or_else(|_| value.clone());
        }
    }
    if faults.has(ProxyFault::DropsRepeatedFields) {
        for name in fields.keys().cloned().collect::<Vec<_>>() {
            if let Some(first) = fields.get(&name).cloned() {
                fields.insert(name, first);
            }
        }
    }
}

fn append(fields: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        fields.append(HeaderName::from_static(name), value);
    }
}

fn strip(fields: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = fields.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in &names {
        fields.remove(name);
    }
}

/// ACL-7: CGI-like interfaces fold all that is neither letter nor digit into `_`, so all of it counts as `-`.
fn claims_identity(name: &HeaderName) -> bool {
    folded(name).starts_with("x-ptl-")
}

fn is_forwarding(name: &HeaderName) -> bool {
    let folded = folded(name);
    folded == "forwarded" || folded.starts_with("x-forwarded-")
}

fn folded(name: &HeaderName) -> String {
    name.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn list<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    fields.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).map(str::trim)
}

/// RFC 9113 §8.2.3: an HTTP/2 client may send each cookie in a line of its own; HTTP/1.1 has one line.
fn join_crumbs(fields: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = fields.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(b"; ".as_slice()))
    {
        fields.insert(COOKIE, joined);
    }
}

/// The line without the cookie; `None` where nothing is left of it.
fn without_cookie(line: &HeaderValue, name: &str) -> Option<HeaderValue> {
    let is_it =
        |pair: &&[u8]| pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii() == name.as_bytes();
    let pairs: Vec<&[u8]> = line.as_bytes().split(|byte| *byte == b';').collect();
    if !pairs.iter().any(is_it) {
        return Some(line.clone());
    }
    let kept: Vec<&[u8]> = pairs.iter().filter(|pair| !is_it(pair)).copied().collect();
    let joined = kept.join(b";".as_slice());
    if joined.trim_ascii().is_empty() { None } else { HeaderValue::from_bytes(joined.trim_ascii_start()).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        lines.iter().map(|(n, v)| (n.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn what_belongs_to_the_hop_stays_there_and_host_does_not_go_with_it() {
        let fields = map(&[
            ("connection", "close, X-Hop, host"),
            ("x-hop", "1"),
            ("host", "x"),
            ("te", "trailers"),
            ("a", "1"),
            ("a", "2"),
        ]);
        assert_eq!(end_to_end(&fields, Version::HTTP_11), map(&[("host", "x"), ("a", "1"), ("a", "2")]));
    }

    #[test]
    fn crumbs_are_joined_for_http_2_only() {
        let crumbs = map(&[("cookie", "a=1"), ("cookie", "b=2")]);
        assert_eq!(end_to_end(&crumbs, Version::HTTP_2), map(&[("cookie", "a=1; b=2")]));
        assert_eq!(end_to_end(&crumbs, Version::HTTP_11), crumbs);
    }

    #[test]
    fn every_spelling_of_an_identity_field_goes_and_the_cores_own_stay() {
        let mut fields = map(&[
            ("X-Ptl-Client-Type", "terminal"),
            ("x-ptl-client-type", "terminal"),
            ("X_Ptl_Client_Id", "1"),
            ("x-ptl.client+id", "1"),
            ("X-PTL-", "1"),
            ("x-ptlish", "kept"),
        ]);
        identify(&mut fields, &map(&[("x-ptl-client-type", "peer")]), Faults::NONE);
        assert_eq!(fields, map(&[("x-ptlish", "kept"), ("x-ptl-client-type", "peer")]));
    }

    #[test]
    fn only_the_one_cookie_goes() {
        let cases = [
            ("a=1; b=2", Some("a=1; b=2")),
            ("a=1;authorization=x; b=2", Some("a=1; b=2")),
            ("authorization=x; b=2;c", Some("b=2;c")),
            (" authorization = x", None),
            ("authorization", None),
            ("authorizations=x", Some("authorizations=x")),
            ("Authorization=x", Some("Authorization=x")),
            ("a=authorization=x", Some("a=authorization=x")),
            ("authorization=1; authorization=2", None),
        ];
        for (line, left) in cases {
            let mut fields = map(&[("cookie", line)]);
            remove_cookie(&mut fields, "authorization", Faults::NONE);
            assert_eq!(fields.get(COOKIE).map(|value| value.to_str().unwrap()), left, "{line}");
        }
    }

    #[test]
    fn forwarding_fields_are_the_proxys_own() {
        let mut fields = map(&[
            ("forwarded", "for=1"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("x-forwarded-uri", "/"),
            ("x_forwarded_proto", "http"),
        ]);
        let host = HeaderValue::from_static("App.x");
        let forwarded = Forwarded {
            method: "GET",
            scheme: "https",
            host: &host,
            target: "/a?%20",
            client: [127, 0, 0, 9].into(),
            has_body: None,
        };
        forwarded.replace_all(&mut fields, Faults::NONE);
        let expected = [
            ("x-forwarded-for", "127.0.0.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "App.x"),
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", "/a?%20"),
        ];
        assert_eq!(fields, map(&expected));
    }

    #[test]
    fn trailers_are_no_way_around() {
        let mut trailers = map(&[
            ("x-ptl-client-id", "1"),
            ("x_ptl_client_id", "1"),
            ("x-forwarded-for", "1"),
            ("cookie", "authorization=1"),
            ("x-sum", "1"),
        ]);
        clean_trailers(&mut trailers, Faults::NONE);
        assert_eq!(trailers, map(&[("x-sum", "1")]));
    }
}
