//! The body of a message, as far as it is kept: its beginning, how long it was, and whether it came to its end.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// How much of a body is kept, in bytes: its beginning.
pub const EXCERPT: usize = 4 << 10;

/// How long a body may be that is told whole in a line, in characters.
const LINE: usize = 120;

/// A body. Its beginning is shown as [`text`](Body::text) or as [`base64`](Body::base64), or it was let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The beginning, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The beginning, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// How many bytes went by.
    pub length: u64,
    /// How many of them are not shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Whether it came to its end.
    pub end: BodyEnd,
}

/// Whether a body came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyEnd {
    /// All of it went by.
    Complete,
    /// No more will come.
    BrokenOff,
    /// More may come.
    GoingOn,
}

impl Body {
    /// One that begins with these bytes, of so many.
    pub fn new(beginning: &[u8], length: u64, end: BodyEnd) -> Body {
        let kept = &beginning[..beginning.len().min(EXCERPT)];
        let is_all = end == BodyEnd::Complete && length == kept.len() as u64;
        let (shown, text, base64) = match readable(kept, is_all) {
            Some(text) => (text.len(), Some(text), None),
            None => (kept.len(), None, Some(BASE64_STANDARD.encode(kept))),
        };
        let text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        Body { text, base64, length, left_out: length - shown as u64, end }
    }

    /// One that came whole, or broke off; none where there is nothing in it.
    pub(crate) fn arrived(beginning: &[u8], length: u64, whole: bool) -> Option<Box<Body>> {
        let end = if whole { BodyEnd::Complete } else { BodyEnd::BrokenOff };
        (length > 0 || !whole).then(|| Box::new(Body::new(beginning, length, end)))
    }

    /// How much memory its beginning takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.text.iter().chain(&self.base64).map(String::len).sum()
    }

    /// Without its beginning.
    pub(super) fn let_go(&mut self) {
        (self.text, self.base64, self.left_out) = (None, None, self.length);
    }
}

/// In a line: all of it where it is short, or else how long it is.
impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.end {
            BodyEnd::Complete => "",
            BodyEnd::BrokenOff => ", then it broke off",
            BodyEnd::GoingOn => " so far",
        };
        let is_short = |text: &&str| !text.contains(char::is_control) && text.chars().count() <= LINE;
        let bytes = if self.length == 1 { "byte" } else { "bytes" };
        let text = self.text.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
        match text.filter(|text| self.left_out == 0 && is_short(text)) {
            Some(text) => write!(f, "{text} ({} {bytes}{end})", self.length),
            None => write!(f, "{} {bytes}{end}", self.length),
        }
    }
}

/// The bytes as text, where they are: UTF-8 without control characters that are not for text. A character that is cut at
/// the end is left out, where that is not the end of all.
fn readable(bytes: &[u8], is_all: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if !is_all && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_of_text = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    text.chars().all(is_of_text).then_some(text)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(bytes: &[u8]) -> Body {
        Body::new(bytes, bytes.len() as u64, BodyEnd::Complete)
    }

    #[test]
    fn text_is_text_and_all_else_is_base64() {
        for text in ["{\"a\": \"ü\"}\r\n\t", " "] {
            let body = complete(text.as_bytes());
            assert_eq!((body.text.as_deref(), body.base64, body.left_out), (Some(text), None, 0));
        }
        for bytes in
            [&b"\x00"[..], b"a\x1b[31m", b"\xff\xfe", "ü".as_bytes().split_last().unwrap().1, "\u{9b}".as_bytes()]
        {
            let body = complete(bytes);
            assert_eq!((body.text, body.base64), (None, Some(BASE64_STANDARD.encode(bytes))));
        }
    }

    #[test]
    fn a_long_one_says_how_much_was_left_out_and_is_cut_between_characters() {
        let long = format!("x{}", "ü".repeat(EXCERPT));
        let body = complete(long.as_bytes());
        let shown = body.text.as_deref().unwrap().len();
        assert_eq!((shown, body.left_out), (EXCERPT - 1, (long.len() - shown) as u64));
        let body = complete(&[0; EXCERPT + 1]);
        assert_eq!((body.base64.as_ref().map(String::len), body.left_out), (Some(EXCERPT.div_ceil(3) * 4), 1));
    }

    #[test]
    fn in_a_line_it_is_told_whole_or_not_at_all() {
        let told = |bytes: &[u8], end| Body::new(bytes, bytes.len() as u64, end).to_string();
        assert_eq!(told(b"{}", BodyEnd::Complete), "{} (2 bytes)");
        assert_eq!(told(b"{}", BodyEnd::BrokenOff), "{} (2 bytes, then it broke off)");
        assert_eq!(told(b"a\nb", BodyEnd::GoingOn), "3 bytes so far");
        assert_eq!(told(&[b'x'; LINE + 1], BodyEnd::Complete), "121 bytes");
        assert_eq!(told(b"one line\r\n", BodyEnd::Complete), "one line (10 bytes)");
        assert_eq!(told(b"\xff", BodyEnd::Complete), "1 byte");
    }

    #[test]
    fn what_is_let_go_says_how_much_it_was() {
        let mut body = complete(b"hello");
        body.let_go();
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"length":5,"left_out":5,"end":"complete"}"#);
    }
}
