//! What went wrong with the value of a field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Source;

/// The value is not the wanted one: why?
pub(super) fn cause(source: &Source, name: &str, parameters: &str, wanted: &str, made: &str) -> Option<&'static str> {
    let lines = source.lines(name, parameters);
    let plain = lines.join(", ");
    let has = |flag: &str| parameters.split(';').any(|parameter| parameter == flag);
    if made.contains('\r') || made.contains("\\r\\n") {
        return Some("a folded line is not unfolded: it becomes one space");
    }
    if parameters.split(';').any(|parameter| parameter.starts_with("key=")) {
        return Some(member(wanted, made, &plain));
    }
    if has("bs") {
        return Some(wrapped(made, &lines));
    }
    if has("sf") {
        return Some(if made == plain || made == lines.join(",") {
            "`sf` is not heeded: the value has to be serialised anew as a structured field"
        } else if made.is_empty() {
            "the structured field is left empty"
        } else {
            "the structured field is not serialised as RFC 9651 §4.1 does it"
        });
    }
    if made.is_empty() && (has("req") || has("tr")) {
        return Some("`req` or `tr` is not heeded: the field is looked for in another part of the message");
    }
    unwrapped(&lines, wanted, made)
}

fn member(wanted: &str, made: &str, plain: &str) -> &'static str {
    if made == plain {
        "`key` is not heeded: the whole field is taken"
    } else if made.is_empty() {
        "the member of the dictionary is left empty"
    } else if plain.contains(made) && !made.contains(wanted) && plain.contains(wanted) {
        "another member is taken: of members with the same name the last one counts"
    } else {
        "the member is not serialised as RFC 9651 §4.1 does it"
    }
}

fn wrapped(made: &str, lines: &[&str]) -> &'static str {
    let wrap = |value: &str| format!(":{}:", STANDARD.encode(value));
    if !made.starts_with(':') {
        "`bs` is not heeded: each line has to be wrapped as a byte sequence"
    } else if lines.len() > 1 && [", ", ","].iter().any(|comma| made == wrap(&lines.join(comma))) {
        "the lines are joined before they are wrapped: each one is wrapped by itself"
    } else if lines.len() > 1
        && !made.contains(", ")
        && made == lines.iter().map(|line| wrap(line)).collect::<Vec<_>>().join(",")
    {
        "the wrapped lines are joined with a comma alone: a comma and a space are due"
    } else {
        "what is wrapped with `bs` is not the value of the line, trimmed"
    }
}

fn unwrapped(lines: &[&str], wanted: &str, made: &str) -> Option<&'static str> {
    let spaces = |text: &str| text.split_whitespace().collect::<String>();
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort();
        parts
    };
    let full: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    let folded = lines.iter().any(|line| line.contains('\n'));
    if made == wanted.trim() && made != wanted {
        Some("whitespace at an end of the joined value is dropped: only that of each line is")
    } else if made.trim() == wanted {
        Some("whitespace around the value is kept")
    } else if lines.len() > 1 && made == lines.join(",") {
        Some("the lines are joined with a comma alone: a comma and a space are due")
    } else if lines.len() > 1 && (made == lines.join("; ") || made == lines.join("\n")) {
        Some("the lines are joined with something else than a comma and a space")
    } else if spaces(made) == spaces(wanted) {
        Some(if folded {
            "a folded line is unfolded otherwise: line end and whitespace around it become one space"
        } else {
            "whitespace inside the value is changed, or that of a line is kept"
        })
    } else if made.is_empty() {
        Some("the field is left empty: perhaps it is not found")
    } else if full.len() < lines.len() && made == full.join(", ") {
        Some("empty lines of the field are left out: they count too")
    } else if lines.len() > 1 && lines.first() == Some(&made) {
        Some("only the first line of the field is taken")
    } else if lines.len() > 1 && lines.last() == Some(&made) {
        Some("only the last line of the field is taken")
    } else if sorted(made) == sorted(wanted) {
        Some("the lines of the field are put in another order")
    } else if made.eq_ignore_ascii_case(wanted) {
        Some("the case of the value is changed")
    } else {
        None
    }
}
