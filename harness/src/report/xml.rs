//! As much of XML as a report needs.

use std::fmt::{self, Display, Write as _};

/// Text between tags. Characters that XML does not have are replaced.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            // `]]>` must not stand in a text.
            '>' => f.write_str("&gt;"),
            '\n' | '\t' => f.write_char(c),
            _ if is_known(c) => f.write_char(c),
            _ => f.write_char(char::REPLACEMENT_CHARACTER),
        })
    }
}

/// An attribute with its value, and a space before it.
pub(super) struct Attribute<'a, V>(pub(super) &'a str, pub(super) V);

impl<V: Display> Display for Attribute<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}=\"", self.0)?;
        self.1.to_string().chars().try_for_each(|c| match c {
            '"' => f.write_str("&quot;"),
            // As they are, a reader would make spaces of them.
            '\n' => f.write_str("&#10;"),
            '\t' => f.write_str("&#9;"),
            c => Text(c.encode_utf8(&mut [0; 4])).fmt(f),
        })?;
        f.write_char('"')
    }
}

/// Whether XML 1.0 has this character (§2.2), and it is no control character.
fn is_known(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(
            Text("a<b & c]]>\u{1b}[1m\u{0}\r\u{ffff}").to_string(),
            "a&lt;b &amp; c]]&gt;\u{fffd}[1m\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(Attribute("name", "a\"<\n'b'").to_string(), " name=\"a&quot;&lt;&#10;'b'\"");
        assert_eq!(Attribute("tests", 3).to_string(), " tests=\"3\"");
    }
}
