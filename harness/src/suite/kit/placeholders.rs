//! Placeholders: `{bob.id}` in a sentence, a cell or a text under a step stands for what it names. `{{ … }}` is left alone.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::suite::failure::{StepFailure, StepResult};
use crate::topology::PORTAL_NAME;

/// A placeholder taken apart: `{bob.id[:20]}` is the fact `bob.id`, of which the first 20 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// As written, braces included.
    pub(crate) written: String,
    /// Who: the first word.
    pub(crate) who: String,
    /// What about them: the other words.
    pub(crate) what: Vec<String>,
    upper: bool,
    first: Option<usize>,
}

/// All placeholders of a text in order, and where they stand.
fn find(text: &str) -> Vec<(Range<usize>, Placeholder)> {
    let found = pattern().captures_iter(text).filter_map(|captures| {
        let whole = captures.get(0)?;
        let of_template = text[..whole.start()].ends_with('{');
        let placeholder = Placeholder::new(whole.as_str(), captures.get(1)?.as_str(), captures.get(2))?;
        (!of_template).then_some((whole.range(), placeholder))
    });
    found.collect()
}

impl Placeholder {
    fn new(written: &str, path: &str, first: Option<regex::Match<'_>>) -> Option<Placeholder> {
        let mut words: Vec<String> = path.split('.').map(str::to_owned).collect();
        let upper = words.last().is_some_and(|word| word == "upper");
        if upper {
            words.pop();
        }
        let who = words.remove(0);
        let first = first.and_then(|digits| digits.as_str().parse().ok());
        (!words.is_empty()).then(|| Placeholder { written: written.to_owned(), who, what: words, upper, first })
    }

    /// What stands in its place, given the fact that it names.
    fn shown(&self, fact: &str) -> String {
        let fact: String = fact.chars().take(self.first.unwrap_or(usize::MAX)).collect();
        if self.upper { fact.to_uppercase() } else { fact }
    }

    /// Nothing is known under this name.
    pub(crate) fn unknown(&self) -> StepFailure {
        StepFailure::mistake(format!("nothing is known as `{}`", self.written))
    }
}

/// The text with each placeholder replaced by what `fact` tells.
pub(crate) async fn fill(
    text: &str,
    mut fact: impl AsyncFnMut(&Placeholder) -> StepResult<String>,
) -> StepResult<String> {
    let mut filled = String::with_capacity(text.len());
    let mut from = 0;
    for (at, placeholder) in find(text) {
        filled.push_str(&text[from..at.start]);
        filled.push_str(&placeholder.shown(&fact(&placeholder).await?));
        from = at.end;
    }
    filled.push_str(&text[from..]);
    Ok(filled)
}

fn pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        match Regex::new(&format!(r"\{{({PORTAL_NAME}(?:\.[a-z_]+|\.{PORTAL_NAME})+)(?:\[:(\d+)\])?\}}")) {
            Ok(pattern) => pattern,
            Err(error) => panic!("a broken pattern: {error}"),
        }
    });
    &PATTERN
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn filled(text: &str) -> String {
        fill(text, async |one| Ok(format!("<{} {}>", one.who, one.what.join(" ")))).await.unwrap()
    }

    #[tokio::test]
    async fn each_placeholder_is_replaced() {
        assert_eq!(filled("a {bob.id} b {alice.listed.bob}").await, "a <bob id> b <alice listed bob>");
        assert_eq!(filled("{bob.id}{bob.id}").await, "<bob id><bob id>");
        assert_eq!(filled("{bob.id[:3]}").await, "<bo");
        assert_eq!(filled("{home-1.id} {a.listed.home-1}").await, "<home-1 id> <a listed home-1>");
        assert_eq!(filled("{bob.short_id.upper}").await, "<BOB SHORT_ID>");
    }

    #[tokio::test]
    async fn templates_and_other_braces_are_left_alone() {
        for text in ["{{ portal.id }}", "{{portal.id}}", "{\"v\": 1}", "{bob}", "/a{2,3}/", "{Bob.id}"] {
            assert_eq!(filled(text).await, text);
        }
        assert_eq!(filled("{{portal.id}} {bob.id}").await, "{{portal.id}} <bob id>");
    }
}
