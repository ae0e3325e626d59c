//! One reading of a request's head (PROXY-4): what could be read in two ways is refused before anything else reads it.
//!
//! hyper's parser is lenient where RFC 9112 lets a recipient choose: it takes a bare LF as a line end, several Host
//! fields, several equal Content-Length, and drops Content-Length silently beside Transfer-Encoding. An app behind the
//! proxy may choose otherwise, so none of these gets as far as hyper.

use super::refuse::Refusal;
use crate::testbed::faults::{Faults, ProxyFault};

/// A head that has one reading only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// How long the body is.
    pub(super) framing: Framing,
    /// Whether it is a WebSocket handshake.
    pub(super) upgrade: bool,
}

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes, or none.
    Length(u64),
    /// By chunks.
    Chunked,
}

/// Looks for the end of the head in `bytes`, of which the first `from` have been looked at before.
///
/// `Ok(Some(n))`: the first `n` bytes are the head with the empty line that ends it. `Err`: a line does not end as it must.
pub(super) fn find_end(bytes: &[u8], from: usize, faults: Faults) -> Result<Option<usize>, Refusal> {
    // A line end may have been cut in two.
    let from = from.saturating_sub(3);
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'\n' if at == 0 || bytes[at - 1] != b'\r' => return Err(Refusal::HeadMalformed("a bare LF")),
            b'\n' if bytes[..=at].ends_with(b"\r\n\r\n") => return Ok(Some(at + 1)),
            b'\r' if bytes.get(at + 1).is_some_and(|next| *next != b'\n') && !faults.has(ProxyFault::RepairsHeads) => {
                return Err(Refusal::HeadMalformed("a bare CR"));
            }
            _ => (),
        }
    }
    Ok(None)
}

/// Reads a whole head, with the empty line that ends it.
pub(super) fn read(bytes: &[u8], max_fields: usize, faults: Faults) -> Result<Head, Refusal> {
    let text = bytes.strip_suffix(b"\r\n\r\n").ok_or(Refusal::HeadMalformed("no end"))?;
    let mut lines = Lines(Some(text));
    let start = StartLine::read(lines.next().unwrap_or_default())?;
    let mut seen = Seen::default();
    for (number, line) in lines.enumerate() {
        if number == max_fields {
            return Err(Refusal::HeadTooLarge);
        }
        let (name, value) = field(line)?;
        seen.note(name, value);
    }
    seen.check_host(&start, faults)?;
    let framing = seen.framing(&start, faults)?;
    // RFC 6455 §4.1. A body before the switch would leave open where the tunnel begins.
    let upgrade = seen.websocket && seen.connection_upgrade && start.may_upgrade && framing == Framing::Length(0);
    Ok(Head { framing, upgrade })
}

/// Takes a field line apart; also those of trailers.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refusal::HeadMalformed("a folded line"));
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Refusal::HeadMalformed("a line without colon"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) {
        return Err(Refusal::HeadMalformed("a field name that is no token"));
    }
    if value.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
        return Err(Refusal::HeadMalformed("a control character in a field value"));
    }
    Ok((name, trim(value)))
}

/// The lines of a head; `None` when all are read.
pub(super) struct Lines<'a>(pub(super) Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0?;
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            self.0 = None;
            return Some(rest);
        };
        self.0 = Some(&rest[end + 2..]);
        Some(&rest[..end])
    }
}

struct StartLine<'a> {
    authority: Option<&'a [u8]>,
    http_10: bool,
    may_upgrade: bool,
}

impl<'a> StartLine<'a> {
    fn read(line: &'a [u8]) -> Result<StartLine<'a>, Refusal> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::HeadMalformed("the request line is not method, target and version"));
        };
        if !is_token(method) {
            return Err(Refusal::HeadMalformed("a method that is no token"));
        }
        let http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Refusal::HeadMalformed("an unknown version")),
        };
        if method == b"CONNECT" {
            return Err(Refusal::ConnectRefused);
        }
        if target.contains(&b'#') || http::Uri::try_from(target).is_err() {
            return Err(Refusal::HeadMalformed("the target is no request target"));
        }
        let authority = match target {
            [b'/', ..] => None,
            b"*" if method == b"OPTIONS" => None,
            _ => Some(authority_of(target).ok_or(Refusal::HeadMalformed("the target is no request target"))?),
        };
        Ok(StartLine { authority, http_10, may_upgrade: method == b"GET" && !http_10 })
    }
}

/// The authority of a target in absolute form.
fn authority_of(target: &[u8]) -> Option<&[u8]> {
    let scheme_end = target.windows(3).position(|part| part == b"://")?;
    let scheme = &target[..scheme_end];
    if !scheme.eq_ignore_ascii_case(b"https") && !scheme.eq_ignore_ascii_case(b"http") {
        return None;
    }
    let rest = &target[scheme_end + 3..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// What the fields say that decides how the message is read.
#[derive(Default)]
struct Seen<'a> {
    hosts: Vec<&'a [u8]>,
    lengths: Vec<&'a [u8]>,
    codings: Vec<&'a [u8]>,
    websocket: bool,
    connection_upgrade: bool,
}

impl<'a> Seen<'a> {
    fn note(&mut self, name: &[u8], value: &'a [u8]) {
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts.push(value);
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths.push(value);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings.push(value);
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.websocket |= value.eq_ignore_ascii_case(b"websocket");
        } else if name.eq_ignore_ascii_case(b"connection") {
            let mut options = value.split(|byte| *byte == b',').map(trim);
            self.connection_upgrade |= options.any(|option| option.eq_ignore_ascii_case(b"upgrade"));
        }
    }

    fn check_host(&self, start: &StartLine, faults: Faults) -> Result<(), Refusal> {
        let host = match self.hosts.as_slice() {
            [] => return Err(Refusal::HostConflict("there is no Host field")),
            [host] => host,
            [host, ..] if faults.has(ProxyFault::TakesSeveralHosts) => host,
            _ => return Err(Refusal::HostConflict("there are several Host fields")),
        };
        let foreign = start.authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host));
        if foreign && !faults.has(ProxyFault::TakesForeignTarget) {
            return Err(Refusal::HostConflict("the target names another host than the Host field"));
        }
        Ok(())
    }

    fn framing(&self, start: &StartLine, faults: Faults) -> Result<Framing, Refusal> {
        let lenient = faults.has(ProxyFault::TakesConflictingLengths);
        if let [coding, more @ ..] = self.codings.as_slice() {
            if !lenient && !self.lengths.is_empty() {
                return Err(Refusal::FramingConflict("Content-Length beside Transfer-Encoding"));
            }
            if start.http_10 {
                return Err(Refusal::FramingConflict("Transfer-Encoding in HTTP/1.0"));
            }
            if !more.is_empty() || !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::FramingConflict("a Transfer-Encoding other than chunked"));
            }
            return Ok(Framing::Chunked);
        }
        match self.lengths.as_slice() {
            [] => Ok(Framing::Length(0)),
            [length, more @ ..] if lenient || more.is_empty() => {
                let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let number = digits.then(|| str::from_utf8(length).ok()?.parse().ok()).flatten();
                number.map(Framing::Length).ok_or(Refusal::FramingConflict("a Content-Length that is no number"))
            }
            _ => Err(Refusal::FramingConflict("several Content-Length fields")),
        }
    }
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

pub(super) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(head: &str) -> Result<Head, Refusal> {
        read(head.as_bytes(), 20, Faults::NONE)
    }

    fn plain(framing: Framing) -> Result<Head, Refusal> {
        Ok(Head { framing, upgrade: false })
    }

    #[test]
    fn ordinary_heads_pass() {
        let none = Framing::Length(0);
        assert_eq!(read_text("GET /a?b=%20 HTTP/1.1\r\nHost: x\r\n\r\n"), plain(none));
        assert_eq!(read_text("GET //a/../b HTTP/1.0\r\nhost:x\r\nEmpty:\r\n\r\n"), plain(none));
        assert_eq!(read_text("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), plain(none));
        assert_eq!(read_text("GET HTTPS://X.y:1?q HTTP/1.1\r\nHost: x.Y:1\r\n\r\n"), plain(none));
        assert_eq!(read_text("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"), plain(Framing::Length(12)));
        assert_eq!(
            read_text("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked \r\n\r\n"),
            plain(Framing::Chunked)
        );
    }

    #[test]
    fn only_a_whole_websocket_handshake_is_an_upgrade() {
        let upgrade = |fields: &str| read_text(&format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).unwrap().upgrade;
        let handshake = "Host: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
        assert!(read_text(&format!("GET / HTTP/1.1\r\n{handshake}")).unwrap().upgrade);
        assert!(!read_text(&format!("GET / HTTP/1.0\r\n{handshake}")).unwrap().upgrade);
        assert!(!read_text(&format!("POST / HTTP/1.1\r\n{handshake}")).unwrap().upgrade);
        assert!(!upgrade("Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n"));
        assert!(!upgrade("Upgrade: websocket\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n"));
        assert!(upgrade("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"));
        assert!(!upgrade("Upgrade: websocket\r\n"));
        assert!(!upgrade("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"));
    }

    #[test]
    fn each_ambiguity_is_refused_with_its_code() {
        let cases = [
            ("GET / HTTP/1.1\r\n\r\n", "host_conflict"),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "host_conflict"),
            ("GET / HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n", "host_conflict"),
            ("GET https://y/ HTTP/1.1\r\nHost: x\r\n\r\n", "host_conflict"),
            ("GET https://x@y/ HTTP/1.1\r\nHost: x\r\n\r\n", "host_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "framing_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", "framing_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", "framing_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", "framing_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "framing_conflict"),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "framing_conflict",
            ),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
                "framing_conflict",
            ),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "framing_conflict"),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", "framing_conflict"),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
                "framing_conflict",
            ),
            ("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "framing_conflict"),
            ("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1\r\n Host: x\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", "head_malformed"),
            ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET /\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET x HTTP/1.1\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", "head_malformed"),
            ("GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "head_malformed"),
            ("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", "connect_refused"),
        ];
        for (head, code) in cases {
            assert_eq!(read_text(head).map_err(|refusal| refusal.code()), Err(code), "{head:?}");
        }
    }

    #[test]
    fn more_fields_than_allowed_are_refused() {
        let head = |count: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(count - 1));
        assert_eq!(read_text(&head(20)), plain(Framing::Length(0)));
        assert_eq!(read_text(&head(21)), Err(Refusal::HeadTooLarge));
    }

    #[test]
    fn the_end_is_found_wherever_the_head_is_cut() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
        for cut in 0..head.len() {
            let before = find_end(&head[..cut], 0, Faults::NONE).unwrap();
            assert_eq!(
                before.or_else(|| find_end(head, cut, Faults::NONE).unwrap()),
                Some(head.len() - 4),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn bare_line_ends_are_refused_wherever_the_head_is_cut() {
        for head in ["GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rHost: x\r\n\r\n", "\nGET /"] {
            for cut in 0..head.len() {
                let found = find_end(&head.as_bytes()[..cut], 0, Faults::NONE)
                    .and_then(|_| find_end(head.as_bytes(), cut, Faults::NONE));
                assert!(matches!(found, Err(Refusal::HeadMalformed(_))), "{head:?} cut at {cut}: {found:?}");
            }
        }
    }
}
