//! Keywords as they are written, and as they may have been meant.

use crate::contract::distance;

const SECTIONS: [&str; 9] = [
    "Feature",
    "Background",
    "Rule",
    "Scenario",
    "Scenario Outline",
    "Scenario Template",
    "Example",
    "Examples",
    "Scenarios",
];
const STEP_KEYWORDS: [&str; 5] = ["Given", "When", "Then", "And", "But"];

/// The keyword that a line was probably meant to begin with: what is written, what is meant.
pub(super) fn misspelt(line: &str) -> Option<(String, &'static str)> {
    misspelt_section(line).or_else(|| {
        let word = line.split_whitespace().next()?;
        nearest(word, &STEP_KEYWORDS).map(|keyword| (word.to_owned(), keyword))
    })
}

pub(super) fn misspelt_section(line: &str) -> Option<(String, &'static str)> {
    let (word, _) = line.trim().split_once(':')?;
    let word = word.trim();
    if word.split_whitespace().count() > 2 {
        return None;
    }
    nearest(word, &SECTIONS).map(|section| (word.to_owned(), section))
}

/// The keyword that is near, if the word is not one itself; short words must be nearer.
fn nearest(word: &str, keywords: &[&'static str]) -> Option<&'static str> {
    if keywords.contains(&word) {
        return None;
    }
    let far = |keyword: &str| distance(&word.to_lowercase(), &keyword.to_lowercase());
    let near = keywords.iter().filter(|keyword| far(keyword) <= if keyword.len() > 5 { 2 } else { 1 });
    near.min_by_key(|keyword| (far(keyword), keyword.len().abs_diff(word.len()))).copied()
}

/// The keyword that the line begins with, unless it ends like a sentence of prose, as no step does.
pub(super) fn step_keyword(line: &str) -> Option<&'static str> {
    if line.trim_end().ends_with(['.', ',', ';']) {
        return None;
    }
    let word = line.split_whitespace().next()?;
    STEP_KEYWORDS.into_iter().find(|keyword| *keyword == word)
}

/// Elements of HTML, which steps about pages have in their texts.
const HTML: &str = " article aside body br button code div em footer form h1 h2 h3 h4 h5 h6 head header hr html img input \
                    label li link main meta nav ol option pre script section select small span strong style sub sup table \
                    tbody td textarea th thead title tr ul ";

/// Whether `<name>` in this text begins an element of HTML: one that is known, or one that ends there too. Short names may
/// well be placeholders.
pub(crate) fn is_html(name: &str, text: &str) -> bool {
    let is_known = !name.contains(' ') && HTML.contains(&format!(" {name} "));
    is_known || text.contains(&format!("</{name}>"))
}
