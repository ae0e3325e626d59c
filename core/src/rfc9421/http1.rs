//! Reading HTTP/1.1 bytes (RFC 9112), with trailers; strict, because two readings of one message are an attack.

use super::message::{Fields, MessageError, Request, Response, Scheme};

/// More field lines than that are refused.
const MAX_LINES: usize = 4096;

impl Request {
    /// Reads a whole request: head, body and (of a chunked body) trailers. Returns the decoded body beside it.
    ///
    /// ```
    /// use portal_core::rfc9421::{Request, Scheme};
    ///
    /// let (request, body) = Request::parse_http1(b"POST / HTTP/1.1\r\nHost: a\r\n\r\nhello", Scheme::Http)?;
    /// assert_eq!((request.method(), &body[..]), ("POST", &b"hello"[..]));
    /// # Ok::<(), portal_core::rfc9421::MessageError>(())
    /// ```
    ///
    /// # Errors
    /// Not a request of HTTP/1.1.
    pub fn parse_http1(bytes: &[u8], scheme: Scheme) -> Result<(Request, Vec<u8>), MessageError> {
        let (line, rest) = line(bytes)?;
        let line = std::str::from_utf8(line).map_err(|_| MessageError::Syntax("the request line is not ASCII"))?;
        let mut parts = line.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MessageError::Syntax("the request line has not three parts"));
        };
        let mut request = Request::new(method, target, scheme)?;
        let rest = fields(rest, request.fields_mut())?;
        let framing = Framing::of(request.fields())?;
        let body = body(rest, framing, request.trailers_mut())?;
        Ok((request, body))
    }
}

impl Response {
    /// Reads a whole response: head, body and (of a chunked body) trailers. Returns the decoded body beside it.
    ///
    /// # Errors
    /// Not a response of HTTP/1.1.
    pub fn parse_http1(bytes: &[u8]) -> Result<(Response, Vec<u8>), MessageError> {
        let (line, rest) = line(bytes)?;
        let status = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "));
        let status = match status {
            Some([a, b, c]) | Some([a, b, c, b' ', ..]) if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) => {
                [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'))
            }
            _ => return Err(MessageError::Syntax("the status line is malformed")),
        };
        let mut response = Response::new(status)?;
        let rest = fields(rest, response.fields_mut())?;
        let framing = Framing::of(response.fields())?;
        let body = body(rest, framing, response.trailers_mut())?;
        Ok((response, body))
    }
}

/// Reads field lines up to the empty one.
fn fields<'b>(mut rest: &'b [u8], into: &mut Fields) -> Result<&'b [u8], MessageError> {
    loop {
        let (first, after) = line(rest)?;
        if first.is_empty() {
            return Ok(after);
        }
        let mut length = first.len();
        let mut after = after;
        // RFC 9112 §5.2: a line that begins with whitespace continues the one before.
        while matches!(after.first(), Some(b' ' | b'\t')) {
            let (more, next) = line(after)?;
            length = rest.len() - after.len() + more.len();
            after = next;
        }
        let whole = &rest[..length];
        let colon = whole.iter().position(|byte| *byte == b':').ok_or(MessageError::FieldName)?;
        let name = std::str::from_utf8(&whole[..colon]).map_err(|_| MessageError::FieldName)?;
        into.push(name, &whole[colon + 1..])?;
        if into.len() > MAX_LINES {
            return Err(MessageError::Syntax("too many field lines"));
        }
        rest = after;
    }
}

/// How the content is told from what follows (RFC 9112 §6.3).
enum Framing {
    Chunked,
    Length(u64),
    /// The rest of the bytes.
    Rest,
}

impl Framing {
    fn of(fields: &Fields) -> Result<Self, MessageError> {
        let mut codings = fields.values("transfer-encoding").flat_map(|line| line.split(|byte| *byte == b','));
        let mut lengths = fields.values("content-length").map(<[u8]>::trim_ascii);
        match (codings.next(), lengths.next()) {
            (Some(_), Some(_)) => Err(MessageError::Syntax("both Content-Length and Transfer-Encoding")),
            (Some(last), None) if codings.next().is_none() && last.trim_ascii().eq_ignore_ascii_case(b"chunked") => {
                Ok(Framing::Chunked)
            }
            (Some(_), None) => Err(MessageError::Syntax("a transfer coding other than chunked")),
            (None, Some(length)) => std::str::from_utf8(length)
                .ok()
                .filter(|digits| {
                    lengths.all(|other| other == length) && digits.bytes().all(|digit| digit.is_ascii_digit())
                })
                .and_then(|digits| digits.parse().ok())
                .map(Framing::Length)
                .ok_or(MessageError::Syntax("Content-Length is not one number")),
            (None, None) => Ok(Framing::Rest),
        }
    }
}

fn body(mut rest: &[u8], framing: Framing, trailers: &mut Fields) -> Result<Vec<u8>, MessageError> {
    match framing {
        Framing::Chunked => {}
        // No content at all is a head alone: the answer to a HEAD, a 304, or what somebody kept of a message.
        Framing::Length(length) if !rest.is_empty() && rest.len() as u64 != length => {
            return Err(MessageError::Syntax("the content has not the length that Content-Length says"));
        }
        Framing::Length(_) | Framing::Rest => return Ok(rest.to_vec()),
    }
    let mut body = Vec::new();
    loop {
        let (size, after) = line(rest)?;
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
        let size = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.len() <= 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .ok_or(MessageError::Syntax("a chunk size is malformed"))?;
        if size == 0 {
            return match fields(after, trailers)? {
                [] => Ok(body),
                _ => Err(MessageError::Syntax("bytes after the last chunk")),
            };
        }
        let chunk = after.get(..size).ok_or(MessageError::Syntax("a chunk is cut short"))?;
        body.extend_from_slice(chunk);
        rest = after[size..].strip_prefix(b"\r\n").ok_or(MessageError::Syntax("a chunk is too long"))?;
    }
}

fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), MessageError> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n").ok_or(MessageError::Syntax("the head is cut short"))?;
    Ok((&bytes[..end], &bytes[end + 2..]))
}
