//! Text of others, as a terminal may show it.

/// The text with its control characters escaped: what a subject says must not reach a terminal as it is. Line ends and tabs
/// stay.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        _ if c.is_control() => c.escape_default().to_string(),
        _ => c.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_would_steer_a_terminal_is_seen_instead() {
        assert_eq!(printable("a\tb\nä \u{1b}[2J\r\u{9b}1m\0"), "a\tb\nä \\u{1b}[2J\\r\\u{9b}1m\\u{0}");
    }
}
