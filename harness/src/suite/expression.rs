//! Sentences of steps: regular expressions, or plain words with `{…}` in them.

use regex::Regex;

/// A sentence that begins with `^` is a regular expression. Any other is taken literally, with these exceptions:
///
/// | written | captures |
/// |---|---|
/// | `{string}` | what stands between double quotes |
/// | `{word}` | letters, digits, `_`, `-`, `.`, `:`, `/`, … up to the next space, without quotes |
/// | `{int}` | a whole number |
/// | `{list}` | `A`, `A and B`, `A, B and C`: see [`Args::list`](super::Args::list) |
/// | `{rest}` | everything up to the end, at least one character |
/// | `(s)` | nothing: the text in brackets may be there or not |
pub(crate) fn pattern(sentence: &str) -> Result<Regex, regex::Error> {
    if sentence.starts_with('^') {
        let sentence = if sentence.ends_with('$') { sentence.to_owned() } else { format!("{sentence}$") };
        return Regex::new(&sentence);
    }
    let mut pattern = String::from("^");
    let mut rest = sentence;
    while let Some(at) = rest.find(['{', '(']) {
        pattern.push_str(&regex::escape(&rest[..at]));
        rest = &rest[at..];
        let (closing, replaced) = if rest.starts_with('{') {
            let end = rest.find('}').unwrap_or(rest.len() - 1);
            (end, parameter(&rest[..=end]).map(str::to_owned))
        } else {
            let end = rest.find(')').unwrap_or(rest.len() - 1);
            (end, Some(format!("(?:{})?", regex::escape(rest[..=end].trim_matches(['(', ')'])))))
        };
        match replaced {
            Some(replaced) => pattern.push_str(&replaced),
            // Not closed or not known: as a regular expression it is broken, and says so.
            None => return Regex::new(&format!("{pattern}(?<unknown parameter {}>", &rest[..=closing])),
        }
        rest = &rest[closing + 1..];
    }
    pattern.push_str(&regex::escape(rest));
    pattern.push('$');
    Regex::new(&pattern)
}

fn parameter(written: &str) -> Option<&'static str> {
    match written {
        "{string}" => Some(r#""([^"]*)""#),
        "{word}" => Some(r#"([^\s"]+)"#),
        "{int}" => Some(r"(-?\d+)"),
        "{list}" => Some(r"(.+?)"),
        "{rest}" => Some(r"(.+)"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(sentence: &str, text: &str) -> Option<Vec<String>> {
        let pattern = pattern(sentence).unwrap();
        let found = pattern.captures(text)?;
        Some(found.iter().skip(1).map(|c| c.map(|c| c.as_str().to_owned()).unwrap_or_default()).collect())
    }

    #[test]
    fn parameters_capture_what_they_say() {
        assert_eq!(captures("{word} calls {string}", "Ada calls \"/a b\""), Some(vec!["Ada".into(), "/a b".into()]));
        assert_eq!(captures("{int} hop(s)", "3 hops"), Some(vec!["3".into()]));
        assert_eq!(captures("{int} hop(s)", "1 hop"), Some(vec!["1".into()]));
        assert_eq!(captures("the answer is {int}.", "the answer is 200!"), None);
        assert_eq!(
            captures("the Portals {list} are up", "the Portals A, B and C are up"),
            Some(vec!["A, B and C".into()])
        );
    }

    #[test]
    fn a_regular_expression_matches_to_the_end() {
        assert_eq!(captures("^a (.)", "a b"), Some(vec!["b".into()]));
        assert_eq!(captures("^a (.)", "a bc"), None);
    }

    #[test]
    fn an_unknown_parameter_is_an_error() {
        assert!(pattern("a {colour}").is_err());
        assert!(pattern("a {word").is_err());
    }
}
