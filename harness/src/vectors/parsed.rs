//! A message taken apart for libraries that don't read HTTP.
//!
//! It shares nothing with the engine, and it is lenient: what a library makes of an odd message is what is tested. A line
//! that continues another (obs-fold) stays in its value as it is, line end and all: RFC 9421 §2.1 leaves its unfolding to
//! whoever makes the base.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::protocol::Parsed;

impl Parsed {
    /// Takes the bytes apart.
    pub fn of(message: &[u8]) -> Parsed {
        let (start, rest) = line(message);
        let (fields, rest) = fields(rest);
        let chunked = last(&fields, "transfer-encoding").is_some_and(|coding| {
            coding.rsplit(',').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("chunked"))
        });
        let (body, trailers) = if chunked {
            dechunked(rest)
        } else {
            let length = last(&fields, "content-length").and_then(|length| length.parse().ok());
            (rest[..length.unwrap_or(rest.len()).min(rest.len())].to_vec(), Vec::new())
        };
        let mut parsed = Parsed { fields, body_b64: STANDARD.encode(body), trailers, ..Parsed::default() };
        let start = text(start);
        if let Some(status) = start.strip_prefix("HTTP/") {
            parsed.status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
        } else if let Some((method, rest)) = start.split_once(' ') {
            parsed.method = Some(method.to_owned());
            parsed.target = Some(rest.rsplit_once(' ').map_or(rest, |(target, _version)| target).to_owned());
        }
        parsed
    }
}

/// One character a byte (ISO 8859-1).
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The first line without its end, and what follows.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let line = &bytes[..end];
            (line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..])
        }
        None => (bytes, &[]),
    }
}

/// Field lines up to the empty one, and what follows.
fn fields(mut bytes: &[u8]) -> (Vec<[String; 2]>, &[u8]) {
    let mut fields: Vec<[String; 2]> = Vec::new();
    loop {
        let (this, rest) = line(bytes);
        bytes = rest;
        if this.is_empty() {
            break;
        }
        match fields.last_mut() {
            Some([_, value]) if this.starts_with(b" ") || this.starts_with(b"\t") => {
                value.push_str("\r\n");
                value.push_str(&text(this));
            }
            _ => {
                let (name, value) = this.split_at(this.iter().position(|byte| *byte == b':').unwrap_or(this.len()));
                fields.push([text(name), text(value.strip_prefix(b":").unwrap_or_default())]);
            }
        }
    }
    for [_, value] in &mut fields {
        *value = value.trim_matches([' ', '\t', '\r', '\n']).to_owned();
    }
    (fields, bytes)
}

fn last<'a>(fields: &'a [[String; 2]], name: &str) -> Option<&'a str> {
    fields.iter().rev().find(|[known, _]| known.eq_ignore_ascii_case(name)).map(|[_, value]| value.as_str())
}

/// The content without the chunks around it, and the trailers.
fn dechunked(mut bytes: &[u8]) -> (Vec<u8>, Vec<[String; 2]>) {
    let mut body = Vec::new();
    loop {
        let (size, rest) = line(bytes);
        let size = text(size);
        let size = size.split(';').next().map(str::trim).and_then(|size| usize::from_str_radix(size, 16).ok());
        match size {
            Some(0) => return (body, fields(rest).0),
            Some(size) if size <= rest.len() => {
                body.extend_from_slice(&rest[..size]);
                bytes = line(&rest[size..]).1;
            }
            // No chunk at all: what is there is the rest of the content.
            _ => {
                body.extend_from_slice(rest);
                return (body, Vec::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(fields: &[[String; 2]]) -> Vec<(&str, &str)> {
        fields.iter().map(|[name, value]| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn a_request_keeps_its_lines() {
        let parsed = Parsed::of(
            b"GET /a b?c HTTP/1.1\r\nHost: h\r\nX:  a \t\r\nx:\r\nX-Fold: a\r\n\t b \r\nX-\xe4: \xfc\r\n\r\nbody",
        );
        assert_eq!(parsed.method.as_deref(), Some("GET"));
        assert_eq!(parsed.target.as_deref(), Some("/a b?c"));
        assert_eq!(parsed.status, None);
        let fields = [("Host", "h"), ("X", "a"), ("x", ""), ("X-Fold", "a\r\n\t b"), ("X-ä", "ü")];
        assert_eq!(pairs(&parsed.fields), fields);
        assert_eq!(parsed.body_b64, STANDARD.encode("body"));
    }

    #[test]
    fn a_response_has_a_status() {
        let parsed = Parsed::of(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhello");
        assert_eq!((parsed.status, parsed.method, parsed.target), (Some(200), None, None));
        assert_eq!(parsed.body_b64, STANDARD.encode("he"));
    }

    #[test]
    fn chunks_are_taken_off_and_trailers_stand_apart() {
        let parsed = Parsed::of(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\nExpires: z\r\n\r\n",
        );
        assert_eq!(parsed.body_b64, STANDARD.encode("abc0123456789"));
        assert_eq!(pairs(&parsed.trailers), [("X-T", "1"), ("Expires", "z")]);
    }

    #[test]
    fn no_message_is_too_odd() {
        for odd in ["", "\r\n", "GET", "GET / HTTP/1.1", "HTTP/1.1", "a b c\nd", "\n:\n: x\n\n"] {
            Parsed::of(odd.as_bytes());
        }
        let parsed = Parsed::of(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nab");
        assert_eq!(parsed.body_b64, STANDARD.encode("ab"));
    }
}
