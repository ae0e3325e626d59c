//! Which fields of an app's request go on to the peer (CALL-3), and which of the answer's come back (CALL-4).

use std::fmt::Debug;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Fields that mean one connection only (RFC 9110 §7.6.1), whether Connection names them or not.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Fields of a request that this hop writes itself.
const REWRITTEN: [&str; 3] = ["host", "content-length", "expect"];

/// Chooses the fields of an outgoing request.
pub trait ChooseFields: Send + Sync + Debug {
    /// The fields of `sent` that go on to the peer, values untouched, several of one name in their order.
    /// `session_cookie` is the name of the cookie by which the owner's terminals are known.
    fn choose(&self, sent: &HeaderMap, session_cookie: &str) -> HeaderMap;
}

/// End-to-end fields, without the owner's session, the identity fields and the forwarding fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct EndToEnd;

impl ChooseFields for EndToEnd {
    fn choose(&self, sent: &HeaderMap, session_cookie: &str) -> HeaderMap {
        let nominated = nominated(sent);
        let mut chosen = HeaderMap::with_capacity(sent.keys_len() + 8);
        for (name, value) in sent {
            let text = name.as_str();
            if HOP_BY_HOP.contains(&text)
                || REWRITTEN.contains(&text)
                || nominated.contains(name)
                || speaks_for_portal(text)
            {
                continue;
            }
            if name == header::COOKIE {
                if let Some(rest) = without_cookie(value, session_cookie) {
                    chosen.append(name, rest);
                }
            } else {
                chosen.append(name, value.clone());
            }
        }
        // The one hop-by-hop wish that is passed on: that trailers of the answer are welcome.
        if accepts_trailers(sent) {
            chosen.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        chosen
    }
}

/// The fields of an answer that go back to the app.
#[must_use]
pub fn end_to_end_answer(fields: &HeaderMap) -> HeaderMap {
    let nominated = nominated(fields);
    let mut chosen = HeaderMap::with_capacity(fields.keys_len());
    for (name, value) in fields {
        if !HOP_BY_HOP.contains(&name.as_str()) && !nominated.contains(name) {
            chosen.append(name, value.clone());
        }
    }
    chosen
}

/// Whether the field claims an identity or a way travelled, which only a proxy or a Core may claim. Underscores count
/// as dashes, because many an app framework reads them so.
fn speaks_for_portal(name: &str) -> bool {
    let name = name.replace('_', "-");
    name.starts_with("x-ptl-") || name.starts_with("x-forwarded-") || name == "forwarded" || name == "x-real-ip"
}

/// The fields that Connection names as meant for this hop.
fn nominated(fields: &HeaderMap) -> Vec<HeaderName> {
    fields
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // What Connection can't take away: it would let a field vanish that a peer's decision rests on.
        .filter(|name| *name != header::COOKIE && *name != header::AUTHORIZATION)
        .collect()
}

fn accepts_trailers(fields: &HeaderMap) -> bool {
    fields
        .get_all(header::TE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|member| member.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// A Cookie field without the cookie `name`; none if nothing is left, and the very same bytes if it was not in there.
fn without_cookie(value: &HeaderValue, name: &str) -> Option<HeaderValue> {
    let is_session = |pair: &&[u8]| {
        let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        key.trim_ascii() == name.as_bytes()
    };
    let pairs = || value.as_bytes().split(|byte| *byte == b';');
    if !pairs().any(|pair| is_session(&pair)) {
        return Some(value.clone());
    }
    let kept: Vec<&[u8]> = pairs().filter(|pair| !is_session(pair)).collect();
    let joined = kept.join(&b';');
    let rest = joined.trim_ascii();
    if rest.is_empty() { None } else { HeaderValue::from_bytes(rest).ok() }
}

/// A moment as Date shows it (RFC 9110 §5.6.7), from seconds since the epoch.
#[must_use]
pub fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Whole cycles of 400 years first, so that the loops stay short whatever the clock says.
    let mut year = 1970 + days / 146_097 * 400;
    let mut day = days % 146_097;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let weekday = DAYS[usize::try_from(days % 7).unwrap_or_default()];
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{weekday}, {:02} {} {year:04} {hour:02}:{minute:02}:{second:02} GMT", day + 1, MONTHS[month])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        fields
    }

    fn chosen(lines: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        EndToEnd
            .choose(&map(lines), "authorization")
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    }

    fn lines(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn end_to_end_fields_go_on_in_order() {
        let sent = [
            ("x-a", "1"),
            ("accept", "*/*"),
            ("x-a", "2, 3"),
            ("authorization", "Bearer t"),
            ("date", "x"),
            ("x-a", ""),
        ];
        let expected = [
            ("x-a", "1"),
            ("x-a", "2, 3"),
            ("x-a", ""),
            ("accept", "*/*"),
            ("authorization", "Bearer t"),
            ("date", "x"),
        ];
        assert_eq!(chosen(&sent), lines(&expected));
    }

    #[test]
    fn hop_by_hop_and_rewritten_fields_stay() {
        for name in HOP_BY_HOP.iter().chain(&REWRITTEN) {
            assert_eq!(chosen(&[(name, "x"), ("x-kept", "1")]), lines(&[("x-kept", "1")]), "{name}");
        }
        let sent = [
            ("connection", "close, X-Mine"),
            ("connection", "x-too"),
            ("x-mine", "1"),
            ("x-too", "2"),
            ("x-other", "3"),
        ];
        assert_eq!(chosen(&sent), lines(&[("x-other", "3")]));
    }

    #[test]
    fn connection_can_not_take_credentials_away() {
        let sent = [("connection", "cookie, authorization"), ("cookie", "a=1"), ("authorization", "x")];
        assert_eq!(chosen(&sent), lines(&[("cookie", "a=1"), ("authorization", "x")]));
    }

    #[test]
    fn identity_and_forwarding_fields_stay_under_any_spelling() {
        for name in [
            "x-ptl-client-id",
            "x_ptl_client_id",
            "x-ptl_client-id",
            "x-forwarded-for",
            "x_forwarded_host",
            "forwarded",
            "x-real-ip",
        ] {
            assert_eq!(chosen(&[(name, "x"), ("x-ptlx", "1")]), lines(&[("x-ptlx", "1")]), "{name}");
        }
    }

    #[test]
    fn the_session_cookie_alone_is_taken_out() {
        assert_eq!(chosen(&[("cookie", "a=1; authorization=jwt; b=2")]), lines(&[("cookie", "a=1; b=2")]));
        assert_eq!(chosen(&[("cookie", "authorization=jwt")]), lines(&[]));
        assert_eq!(chosen(&[("cookie", "authorization=jwt; b=\"x\"")]), lines(&[("cookie", "b=\"x\"")]));
        assert_eq!(
            chosen(&[("cookie", "a=1;b=2;  c=authorization")]),
            lines(&[("cookie", "a=1;b=2;  c=authorization")])
        );
        assert_eq!(chosen(&[("cookie", "xauthorization=1")]), lines(&[("cookie", "xauthorization=1")]));
        assert_eq!(
            chosen(&[("cookie", "a=1"), ("cookie", "authorization=x"), ("cookie", "b=2")]),
            lines(&[("cookie", "a=1"), ("cookie", "b=2")])
        );
    }

    #[test]
    fn the_wish_for_trailers_is_passed_on_alone() {
        assert_eq!(chosen(&[("te", "gzip, Trailers")]), lines(&[("te", "trailers")]));
        assert_eq!(chosen(&[("te", "gzip")]), lines(&[]));
    }

    #[test]
    fn an_answer_loses_its_hop_by_hop_fields_only() {
        let sent = map(&[
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("location", "/there"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x-ptl-theirs", "kept"),
        ]);
        let expected = map(&[
            ("content-length", "5"),
            ("location", "/there"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x-ptl-theirs", "kept"),
        ]);
        assert_eq!(end_to_end_answer(&sent), expected);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http_date(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 GMT");
        assert_eq!(http_date(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
        assert!(http_date(u64::MAX).ends_with("GMT"));
    }
}
