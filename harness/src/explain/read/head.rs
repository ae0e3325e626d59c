//! First lines and field lines, common to both readings.

use portal_core::rfc9421::{Fields, MessageError, Request, Response, Scheme};

use super::{BadInput, Start};

/// More field lines than that are refused.
const MAX_LINES: usize = 4096;

/// A line without its end, with its number and the offset at which it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'b> {
    pub(super) number: usize,
    pub(super) offset: usize,
    /// The offset behind the line's end.
    pub(super) next: usize,
    pub(super) text: &'b [u8],
    /// Whether it ends in CR LF.
    pub(super) crlf: bool,
}

/// The lines of an input from an offset on; they end in LF or CR LF.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').enumerate().map(move |(at, whole)| {
        let start = offset;
        offset += whole.len();
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        Line { number: at + 1, offset: start, next: offset, text, crlf: text.len() < line.len() }
    })
}

/// The fields of a head while it is being read.
#[derive(Debug, Default)]
pub(super) struct FieldLines {
    /// Name, value with line foldings, first line.
    found: Vec<(String, Vec<u8>, usize)>,
}

impl FieldLines {
    /// Adds a field line, or the continuation of one (RFC 9112 §5.2).
    pub(super) fn add(&mut self, file: &str, line: Line<'_>) -> Result<(), BadInput> {
        let bad = |what: &str, advice: &str| BadInput {
            file: file.to_owned(),
            line: Some(line.number),
            what: what.to_owned(),
            advice: advice.to_owned(),
        };
        if let [b' ' | b'\t', ..] = line.text {
            let Some((_, value, _)) = self.found.last_mut() else {
                return Err(bad(
                    "a line begins with a space, but there is no field before it to continue",
                    "Remove the space, or the line.",
                ));
            };
            value.extend_from_slice(b"\r\n");
            value.extend_from_slice(line.text);
            return Ok(());
        }
        let Some(colon) = line.text.iter().position(|byte| *byte == b':') else {
            return Err(bad("a field line has no colon", "Write it as `Name: value`; an empty line ends the head."));
        };
        let name = std::str::from_utf8(&line.text[..colon]).unwrap_or_default();
        // Checked here, where the line is known.
        match Fields::new().push(name, b"") {
            Ok(()) => {}
            Err(_) if name.ends_with([' ', '\t']) => {
                return Err(bad(
                    "there is whitespace between the field name and the colon",
                    "Remove it: RFC 9112 §5.1 has such messages refused.",
                ));
            }
            Err(_) => return Err(bad("the field name is not a token", "Write the line as `Name: value`.")),
        }
        if self.found.len() == MAX_LINES {
            return Err(bad("there are more than 4096 field lines", "Cut the message down."));
        }
        self.found.push((name.to_owned(), line.text[colon + 1..].to_vec(), line.number));
        Ok(())
    }

    /// Moves the fields into a message; the line of each.
    pub(super) fn finish(self, file: &str, into: &mut Fields) -> Result<Vec<usize>, BadInput> {
        let mut numbers = Vec::with_capacity(self.found.len());
        for (name, value, line) in self.found {
            into.push(&name, &value).map_err(|error| BadInput {
                file: file.to_owned(),
                line: Some(line),
                what: error.to_string(),
                advice: "Remove the NUL or lone CR from the value: no message can carry it.".to_owned(),
            })?;
            numbers.push(line);
        }
        Ok(numbers)
    }
}

/// Whether this could be a request line.
pub(super) fn is_request_line(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut parts = text.trim_end().split(' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    is_version(version) && Request::new(method, target, Scheme::Https).is_ok()
}

/// Whether this could be a status line.
pub(super) fn is_status_line(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| status(text).is_some())
}

/// Reads a request line or status line.
pub(super) fn start(file: &str, line: Line<'_>, scheme: Scheme) -> Result<(Start, String), BadInput> {
    let bad = |what: String, advice: &str| BadInput {
        file: file.to_owned(),
        line: Some(line.number),
        what,
        advice: advice.to_owned(),
    };
    let Ok(text) = std::str::from_utf8(line.text) else {
        return Err(bad(
            "the first line is not text".to_owned(),
            "Give it an HTTP/1.1 message or what curl -v prints.",
        ));
    };
    if text.starts_with("HTTP/") {
        let Some(response) = status(text).and_then(|status| Response::new(status).ok()) else {
            return Err(bad(format!("`{}` is no status line", shorten(text)), "Write it as `HTTP/1.1 200 OK`."));
        };
        return Ok((Start::Response(response), text.to_owned()));
    }
    let parts: Vec<&str> = text.split(' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(bad(
            format!("`{}` is neither a request line nor a status line", shorten(text)),
            "Begin with a line such as `GET /path HTTP/1.1` or `HTTP/1.1 200 OK`.",
        ));
    };
    if !is_version(version) {
        return Err(bad(
            format!("`{}` is no version of HTTP", shorten(version)),
            "End the request line with HTTP/1.1.",
        ));
    }
    match Request::new(method, target, scheme) {
        Ok(request) => Ok((Start::Request(request), text.to_owned())),
        Err(MessageError::Target) => Err(bad(
            format!("the request target `{}` fits none of the four forms", shorten(target)),
            "Write /path?query, a URL with its scheme, host:port for CONNECT, or * for OPTIONS; percent-encode anything beyond ASCII and leave out the fragment.",
        )),
        Err(error) => Err(bad(error.to_string(), "Begin with a line such as `GET /path HTTP/1.1`.")),
    }
}

fn is_version(text: &str) -> bool {
    matches!(text, "HTTP/1.1" | "HTTP/1.0" | "HTTP/2" | "HTTP/2.0" | "HTTP/3" | "HTTP/3.0")
}

fn status(text: &str) -> Option<u16> {
    let (version, rest) = text.split_once(' ')?;
    let (code, reason) = rest.split_at_checked(3)?;
    let known = is_version(version) && (reason.is_empty() || reason.starts_with(' '));
    let digits = code.bytes().all(|byte| byte.is_ascii_digit());
    (known && digits).then(|| code.parse().ok()).flatten().filter(|code| *code >= 100)
}

/// Text of a message in an error: not longer than a line.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().map(|c| if c.is_control() { '.' } else { c }).take(60).collect();
    if text.chars().count() > 60 {
        short.push('…');
    }
    short
}
