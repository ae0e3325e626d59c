//! The texts of a case: escapes, line ends, placeholders, and edits of which each applies exactly once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A signature that is made: what the placeholders stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The inner list with its parameters.
    pub input: String,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The signatures that are made so far, by label.
pub type Signatures = BTreeMap<String, Made>;

/// Bytes of a head: each line ends with CRLF but the last; escapes are undone.
///
/// # Errors
/// An escape that is not known.
pub fn head(text: &str) -> Result<Vec<u8>, String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    bytes(&text.replace('\n', "\r\n"))
}

/// Bytes of a text with its escapes undone: `\xHH`, `\t`, `\r`, `\\`.
///
/// # Errors
/// An escape that is not known.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (unescaped, length) = match rest {
            [b't', ..] => (b'\t', 1),
            [b'r', ..] => (b'\r', 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
                (digit(*high) << 4 | digit(*low), 3)
            }
            _ => {
                let shown: String = String::from_utf8_lossy(rest).chars().take(3).collect();
                return Err(format!(
                    "`\\{shown}` is no escape; there are \\xHH, \\t, \\r and \\\\ (a backslash is \\\\)"
                ));
            }
        };
        out.push(unescaped);
        rest = &rest[length..];
    }
    Ok(out)
}

/// Puts what is made in the place of `{input:LABEL}`, `{signature:LABEL}` and `{base64:LABEL}` (without its colons).
///
/// # Errors
/// A label without a signature.
pub fn fill(template: &[u8], made: &Signatures) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(template.len());
    let mut rest = template;
    while let Some((at, placeholder)) = next_placeholder(rest) {
        let Some(signature) = made.get(placeholder.label) else {
            let known: Vec<_> = made.keys().map(String::as_str).collect();
            return Err(format!(
                "there is no signature `{}` here (made so far: {})",
                placeholder.label,
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ));
        };
        out.extend_from_slice(&rest[..at]);
        match placeholder.kind {
            Kind::Input => out.extend_from_slice(signature.input.as_bytes()),
            Kind::Signature => out.extend_from_slice(format!(":{}:", STANDARD.encode(&signature.signature)).as_bytes()),
            Kind::Base64 => out.extend_from_slice(STANDARD.encode(&signature.signature).as_bytes()),
        }
        rest = &rest[at + placeholder.length..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// Whether one of the placeholders for this label is in it.
pub fn mentions(template: &[u8], label: &str) -> bool {
    let mut rest = template;
    while let Some((at, placeholder)) = next_placeholder(rest) {
        if placeholder.label == label {
            return true;
        }
        rest = &rest[at + placeholder.length..];
    }
    false
}

enum Kind {
    Input,
    Signature,
    Base64,
}

struct Placeholder<'t> {
    kind: Kind,
    label: &'t str,
    length: usize,
}

fn next_placeholder(text: &[u8]) -> Option<(usize, Placeholder<'_>)> {
    (0..text.len()).find_map(|at| placeholder(&text[at..]).map(|placeholder| (at, placeholder)))
}

fn placeholder(text: &[u8]) -> Option<Placeholder<'_>> {
    for (kind, opening) in
        [(Kind::Input, &b"{input:"[..]), (Kind::Signature, b"{signature:"), (Kind::Base64, b"{base64:")]
    {
        if let Some(rest) = text.strip_prefix(opening) {
            let end = rest.iter().position(|byte| *byte == b'}')?;
            let label = std::str::from_utf8(&rest[..end]).ok()?;
            return Some(Placeholder { kind, label, length: opening.len() + end + 1 });
        }
    }
    None
}

/// How often `part` occurs in `whole`, overlapping occurrences too.
pub fn count(whole: &[u8], part: &[u8]) -> usize {
    if part.is_empty() { 0 } else { whole.windows(part.len()).filter(|window| *window == part).count() }
}

/// Replaces the only occurrence of `from`.
///
/// # Errors
/// It occurs never or more than once, or nothing changes.
pub fn replace_once(whole: &[u8], from: &[u8], to: &[u8]) -> Result<Vec<u8>, String> {
    if from == to {
        return Err("`from` and `to` are the same".to_owned());
    }
    match count(whole, from) {
        1 => {}
        0 => return Err(format!("`from` ({}) does not occur in:\n{}", shown(from), shown_lines(whole))),
        n => return Err(format!("`from` ({}) occurs {n} times; make it longer:\n{}", shown(from), shown_lines(whole))),
    }
    let at = whole.windows(from.len()).position(|window| window == from).unwrap_or_default();
    Ok([&whole[..at], to, &whole[at + from.len()..]].concat())
}

/// Bytes as text, each one character (ISO 8859-1): nothing is lost.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text.
///
/// # Errors
/// A character beyond U+00FF.
pub fn from_latin1(text: &str) -> Result<Vec<u8>, String> {
    text.chars().map(|c| u8::try_from(u32::from(c)).map_err(|_| format!("{c:?} is not ISO 8859-1"))).collect()
}

/// On one line, for a message.
pub fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\\"", "\"")
}

fn shown_lines(bytes: &[u8]) -> String {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.map(|line| format!("    {}", shown(line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_after_the_line_ends() {
        assert_eq!(head("GET / HTTP/1.1\nA: \\xe4\\t\\\\\n").unwrap(), b"GET / HTTP/1.1\r\nA: \xe4\t\\");
        assert_eq!(head("A: b\\x0a").unwrap(), b"A: b\n");
        assert_eq!(head("A:\n\n").unwrap(), b"A:\r\n");
        assert!(bytes("a\\n").unwrap_err().contains("`\\n` is no escape"));
        assert!(bytes("a\\x4").is_err());
    }

    #[test]
    fn placeholders_are_filled() {
        let made = [("s".to_owned(), Made { input: "()".to_owned(), signature: vec![0; 3] })].into();
        assert_eq!(fill(b"a {input:s} {signature:s} {other:s}", &made).unwrap(), b"a () :AAAA: {other:s}");
        assert!(fill(b"{input:t}", &made).unwrap_err().contains("no signature `t` here (made so far: s)"));
        assert!(mentions(b"{input:t} {signature:s}", "s") && !mentions(b"{input:t}", "s"));
    }

    #[test]
    fn an_edit_applies_exactly_once() {
        assert_eq!(replace_once(b"a b c", b"b", b"").unwrap(), b"a  c");
        assert!(replace_once(b"a b b", b"b", b"c").unwrap_err().contains("occurs 2 times"));
        assert!(replace_once(b"a", b"b", b"c").unwrap_err().contains("does not occur"));
        assert!(replace_once(b"aaa", b"aa", b"c").unwrap_err().contains("2 times"));
        assert!(replace_once(b"a", b"a", b"a").is_err());
        assert!(replace_once(b"a", b"", b"a").is_err());
    }

    #[test]
    fn latin1_keeps_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_latin1(&latin1(&all)).unwrap(), all);
        assert!(from_latin1("€").is_err());
    }
}
