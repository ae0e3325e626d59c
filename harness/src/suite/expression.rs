//! Sentences of steps: regular expressions, or plain words with `{…}` in them.

use regex::Regex;

use crate::topology::PORTAL_NAME;

/// A sentence that begins with `^` is a regular expression, in which shapes may stand: `({portal})` captures a name.
///
/// | written | matches |
/// |---|---|
/// | `{portal}` | the name of a Portal |
/// | `{portals}` | `a`, `a and b`, `a, b and c` |
/// | `{app}` | the name of an app |
/// | `{receiver}` | who gets requests: a Portal that the harness plays, or `bob's chat` |
/// | `{terminal}` | the name of a terminal |
///
/// Any other is taken literally, with these exceptions:
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
        let end = if sentence.ends_with('$') { "" } else { "$" };
        return Regex::new(&format!("{}{end}", with_shapes(sentence)));
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

/// The one place that says what names look like in sentences.
fn with_shapes(sentence: &str) -> String {
    let (portal, app) = (PORTAL_NAME, APP_NAME);
    sentence
        .replace("{portals}", &format!("{portal}(?:(?:, | and ){portal})*"))
        .replace("{receiver}", &format!("{portal}(?:'s {app})?"))
        .replace("{portal}", portal)
        .replace("{terminal}", portal)
        .replace("{app}", app)
}

/// The name of an app: a label of its host.
const APP_NAME: &str = "[a-z0-9][a-z0-9-]*";

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
    fn shapes_match_every_name() {
        let calls = "^({portal})'s ({app}) calls ({portal})$";
        assert_eq!(
            captures(calls, "home-1's chat calls bob"),
            Some(vec!["home-1".into(), "chat".into(), "bob".into()])
        );
        assert_eq!(captures(calls, "a's 2048 calls p2"), Some(vec!["a".into(), "2048".into(), "p2".into()]));
        assert_eq!(captures(calls, "1a's chat calls bob"), None);
        assert_eq!(captures(calls, "Bob's chat calls bob"), None);
        assert_eq!(captures("^({portals}) meet$", "a-1, b2 and c meet"), Some(vec!["a-1, b2 and c".into()]));
        assert_eq!(captures("^({receiver}) rests$", "b2's app-3 rests"), Some(vec!["b2's app-3".into()]));
        assert_eq!(captures("^({receiver}) rests$", "b2 rests"), Some(vec!["b2".into()]));
        assert!(pattern("^({colour})$").is_err());
    }

    #[test]
    fn an_unknown_parameter_is_an_error() {
        assert!(pattern("a {colour}").is_err());
        assert!(pattern("a {word").is_err());
    }
}
