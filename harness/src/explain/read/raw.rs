//! One message as it is on the wire, or as an editor left it: LF or CR LF, with or without content and empty line.

use portal_core::rfc9421::{Fields, Scheme};

use super::head::{self, FieldLines, Line, lines};
use super::{BadInput, Body, Input, Layout, Located, Start};

/// Reads the one message of an input.
pub(super) fn read(input: &Input, scheme: Option<Scheme>) -> Result<Located, BadInput> {
    let mut notes = Vec::new();
    let file = input.name.as_str();
    let mut rest = lines(&input.bytes).skip_while(|line| is_before_the_message(unmarked(line.text)));
    let Some(first) = rest.next() else {
        let advice = "Give it an HTTP/1.1 message, such as `GET / HTTP/1.1` with fields below, or what curl -v prints.";
        return Err(BadInput::file(file, "holds no message", advice));
    };
    let first = Line { text: unmarked(first.text), ..first };
    let (start, first_line) = head::start(file, first, scheme.unwrap_or(Scheme::Https))?;
    let mut message = Located {
        file: file.to_owned(),
        scheme_from: scheme_from(&start, scheme),
        start,
        first_line,
        first_line_at: first.number,
        field_lines: Vec::new(),
        trailer_lines: Vec::new(),
        body: Body::Known(Vec::new()),
        authority_line: None,
        notes: Vec::new(),
        layout: None,
    };

    let mut fields = FieldLines::default();
    let mut end = None;
    for line in rest {
        if line.text.is_empty() {
            end = Some(line);
            break;
        }
        fields.add(file, line)?;
    }
    message.field_lines = fields.finish(file, message.fields_mut())?;
    let (head_end, body_start) = end.map_or((input.bytes.len(), input.bytes.len()), |line| (line.offset, line.next));
    message.layout = Some(Layout { head_end, crlf: first.crlf, closed: end.is_some() });
    if end.is_none() {
        notes.push("no empty line ends the head; it is taken as if there were one".to_owned());
    }
    let number = end.map_or(0, |line| line.number);
    read_body(&mut message, &input.bytes[body_start..], number, first.crlf, &mut notes)?;
    message.notes = notes;
    Ok(message)
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Without the mark that some editors put in front of a file.
fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Empty lines (RFC 9112 §2.2), and the comments that editors' request files have.
fn is_before_the_message(text: &[u8]) -> bool {
    text.is_empty() || text == b"#" || text.starts_with(b"# ") || text.starts_with(b"##") || text.starts_with(b"// ")
}

fn scheme_from(start: &Start, given: Option<Scheme>) -> &'static str {
    match (start, given) {
        (Start::Request(request), _) if request.target().contains("://") && !request.target().starts_with('/') => {
            "the request target"
        }
        (_, Some(_)) => "--scheme",
        (_, None) => "assumed; --scheme http says otherwise",
    }
}

/// What follows the head. `number` is that of the head's last line.
fn read_body(
    message: &mut Located,
    rest: &[u8],
    number: usize,
    crlf: bool,
    notes: &mut Vec<String>,
) -> Result<(), BadInput> {
    let codings: Vec<String> = message.fields().values("transfer-encoding").map(lower).collect();
    if !codings.is_empty() {
        if codings != ["chunked"] {
            message.body = Body::Unknown(format!("the transfer coding {} is not known", codings.join(", ")));
        } else if let Some(content) = chunked(message, rest, number)? {
            message.body = Body::Known(content);
        } else {
            notes.push(
                "Transfer-Encoding says chunked, but no chunks follow: the content is taken as it stands".to_owned(),
            );
            message.body = Body::Known(rest.to_vec());
        }
        return Ok(());
    }
    message.body = match content_length(message.fields()) {
        Length::None => {
            if !rest.is_empty() {
                notes.push(format!("no Content-Length: all {} bytes behind the head are the content", rest.len()));
            }
            Body::Known(rest.to_vec())
        }
        Length::Malformed => Body::Unknown("Content-Length is malformed".to_owned()),
        Length::Is(length) if length <= rest.len() => {
            let (content, behind) = rest.split_at(length);
            if behind.iter().any(|byte| !byte.is_ascii_whitespace()) {
                notes.push(format!("{} bytes behind the {length} of Content-Length are left aside", behind.len()));
            }
            Body::Known(content.to_vec())
        }
        Length::Is(length) => {
            // An editor has turned CR LF into LF, in the content too.
            let restored = with_crlf(rest);
            if !crlf && restored.len() == length {
                notes.push("the content's line ends are taken for CR LF: so Content-Length fits".to_owned());
                Body::Known(restored)
            } else {
                Body::Unknown(format!("Content-Length says {length}, but {} bytes follow the head", rest.len()))
            }
        }
    };
    Ok(())
}

/// What Content-Length says.
pub(super) enum Length {
    None,
    Is(usize),
    Malformed,
}

pub(super) fn content_length(fields: &Fields) -> Length {
    let mut values: Vec<String> = fields.values("content-length").map(lower).collect();
    values.dedup();
    match &values[..] {
        [] => Length::None,
        [one] if !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_digit()) => {
            one.parse().map_or(Length::Malformed, Length::Is)
        }
        _ => Length::Malformed,
    }
}

pub(super) fn lower(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim().to_ascii_lowercase()
}

pub(in crate::explain) fn with_crlf(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 16);
    for (at, byte) in content.iter().enumerate() {
        if *byte == b'\n' && (at == 0 || content[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

/// Decodes the chunks and reads the trailers behind them; nothing where it does not begin with a chunk.
fn chunked(message: &mut Located, rest: &[u8], number: usize) -> Result<Option<Vec<u8>>, BadInput> {
    let mut content = Vec::new();
    let mut at = 0;
    loop {
        let line_number = number + 1 + rest[..at].iter().filter(|byte| **byte == b'\n').count();
        let bad = |what: String| BadInput {
            file: message.file.clone(),
            line: Some(line_number),
            what,
            advice: "Give the chunks as they are on the wire, or the content itself without Transfer-Encoding."
                .to_owned(),
        };
        let Some(line) = lines(&rest[at..]).next() else { return Err(bad("the last chunk is missing".to_owned())) };
        let digits = line.text.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
        let is_size = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
        let size =
            std::str::from_utf8(digits).ok().filter(|_| is_size).and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size else {
            return if at == 0 { Ok(None) } else { Err(bad("a chunk does not begin with its size".to_owned())) };
        };
        at += line.next;
        if size == 0 {
            return trailers(message, &rest[at..], line_number).map(|()| Some(content));
        }
        let chunk = rest.get(at..at + size).ok_or_else(|| bad(format!("a chunk of {size} bytes is cut short")))?;
        content.extend_from_slice(chunk);
        at += size;
        let behind = &rest[at..];
        at += match behind {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return Err(bad(format!("a chunk is longer than the {size} bytes that it announces"))),
        };
    }
}

fn trailers(message: &mut Located, rest: &[u8], before: usize) -> Result<(), BadInput> {
    let mut fields = FieldLines::default();
    let file = message.file.clone();
    for line in lines(rest).take_while(|line| !line.text.is_empty()) {
        fields.add(&file, Line { number: before + line.number, ..line })?;
    }
    let into = match &mut message.start {
        Start::Request(request) => request.trailers_mut(),
        Start::Response(response) => response.trailers_mut(),
    };
    message.trailer_lines = fields.finish(&file, into)?;
    Ok(())
}
