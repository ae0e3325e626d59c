//! What a library must be able to do for a case: derived from what the case itself shows.

use countersign::vectors::corpus::Feature;

use super::format::Case;

/// What a library must be able to do for the case.
pub(super) fn requires(case: &Case, verifies: bool) -> Vec<Feature> {
    let mut shown = Vec::new();
    let covers = without_strings(&case.covers);
    for (feature, parameter) in
        [(Feature::Sf, "sf"), (Feature::Key, "key"), (Feature::Bs, "bs"), (Feature::Req, "req"), (Feature::Tr, "tr")]
    {
        let component = covers.split(')').next().unwrap_or_default();
        if component.split([' ', '(', ';', '=']).any(|word| word == parameter) {
            shown.push(feature);
        }
    }
    if case.covers.contains("\"@query-param\"") {
        shown.push(Feature::QueryParam);
    }
    if case.message.starts_with("HTTP/") {
        shown.push(Feature::Response);
    }
    if verifies && !case.policy.is_empty() {
        shown.push(Feature::Policy);
    }
    union(&shown, &case.requires)
}

/// Both, without doubles.
pub(super) fn union(some: &[Feature], more: &[Feature]) -> Vec<Feature> {
    let mut all = [some, more].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// A serialised list with its strings emptied.
fn without_strings(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut out = String::new();
    for character in text.chars() {
        let boundary = character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        if boundary {
            quoted = !quoted;
        }
        if boundary || !quoted {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_show_nothing() {
        assert_eq!(without_strings(r#"("x";key="a;sf" "b\";bs";tr)"#), r#"("";key="" "";tr)"#);
    }
}
