//! Two signature bases side by side: where they first differ, and what most likely went wrong.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The base that the sender signed and the one that the receiver rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bases {
    /// The one that was signed.
    pub made: String,
    /// The one that was rebuilt.
    pub rebuilt: String,
    /// The first line that differs, counted from 1; nothing where they are the same.
    pub line: Option<usize>,
    /// What most likely went wrong.
    pub guess: Option<String>,
}

impl Bases {
    /// Compares two bases.
    pub fn compare(made: String, rebuilt: String) -> Bases {
        let line = first_difference(&made, &rebuilt);
        let guess = line.map(|line| guess(&made, &rebuilt, line).to_owned());
        Bases { made, rebuilt, line, guess }
    }

    /// The name of the component on the first line that differs.
    pub fn component(&self) -> Option<&str> {
        let line = self.made.split('\n').nth(self.line? - 1)?;
        Some(split(line).0)
    }
}

fn first_difference(made: &str, rebuilt: &str) -> Option<usize> {
    if made == rebuilt {
        return None;
    }
    let same = made.split('\n').zip(rebuilt.split('\n')).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

/// A line of a base: the component identifier, and the value.
fn split(line: &str) -> (&str, &str) {
    // The name is in quotes and may have parameters; a value may hold anything.
    match line.find(": ") {
        Some(at) => (&line[..at], &line[at + 2..]),
        None => (line.trim_end_matches(':'), ""),
    }
}

fn guess(made: &str, rebuilt: &str, line: usize) -> &'static str {
    let (made, rebuilt): (Vec<&str>, Vec<&str>) = (made.split('\n').collect(), rebuilt.split('\n').collect());
    let (Some(a), Some(b)) = (made.get(line - 1), rebuilt.get(line - 1)) else {
        return match (made.last(), rebuilt.last()) {
            (Some(&""), _) => "the base does not end in a line end, but the side that signed put one",
            (_, Some(&"")) => "the base does not end in a line end, but the side that rebuilt it put one",
            _ if made.len() < rebuilt.len() => "a component is missing from the base that was signed",
            _ => "a component is missing from the base that was rebuilt",
        };
    };
    if a.trim_end_matches('\r') == b.trim_end_matches('\r') {
        return "lines of the base end in LF alone, one side has CR LF";
    }
    let ((name_a, value_a), (name_b, value_b)) = (split(a), split(b));
    if name_a != name_b {
        return different_components(&made, &rebuilt, name_a, name_b);
    }
    let name = name_a.trim_start_matches('"').split('"').next().unwrap_or_default();
    match name {
        "@signature-params" => signature_params(value_a, value_b),
        "@method" => method(value_a, value_b),
        "@authority" => authority(value_a, value_b),
        "@scheme" => "the scheme is taken from the inner connection instead of the public one",
        "@target-uri" => target_uri(value_a, value_b),
        "@path" => path(value_a, value_b),
        "@query" => query(value_a, value_b),
        "@request-target" => request_target(value_a, value_b),
        _ if name.starts_with('@') => "the derived component has another value",
        _ => field(value_a, value_b),
    }
}

fn different_components(made: &[&str], rebuilt: &[&str], a: &str, b: &str) -> &'static str {
    let names = |lines: &[&str]| lines.iter().map(|line| split(line).0.to_owned()).collect::<Vec<_>>();
    let (names_a, names_b) = (names(made), names(rebuilt));
    let (set_a, set_b): (HashSet<_>, HashSet<_>) = (names_a.iter().collect(), names_b.iter().collect());
    if a.eq_ignore_ascii_case(b) {
        "the component's name is not in lower case"
    } else if a.split(';').next() == b.split(';').next() {
        "the component's parameters differ, or stand in another order"
    } else if set_a == set_b {
        "the components stand in another order"
    } else if set_a.is_superset(&set_b) {
        "a component is missing from the base that was rebuilt"
    } else if set_b.is_superset(&set_a) {
        "a component is missing from the base that was signed"
    } else {
        "the two sides cover different components"
    }
}

fn signature_params(a: &str, b: &str) -> &'static str {
    let parts = |value: &str| {
        let (components, params) = value.split_once(')').unwrap_or((value, ""));
        (components.to_owned(), params.split(';').map(str::to_owned).collect::<Vec<_>>())
    };
    let ((components_a, params_a), (components_b, params_b)) = (parts(a), parts(b));
    if components_a != components_b {
        let sorted = |text: &str| {
            let mut words: Vec<_> = text.trim_start_matches('(').split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        return if sorted(&components_a) == sorted(&components_b) {
            "the components stand in another order"
        } else {
            "the list of covered components differs"
        };
    }
    let set = |params: &[String]| params.iter().cloned().collect::<HashSet<_>>();
    let names = |params: &[String]| {
        params.iter().map(|p| p.split('=').next().unwrap_or_default().to_owned()).collect::<HashSet<_>>()
    };
    if set(&params_a) == set(&params_b) {
        "the parameters stand in another order: it is the signer's that counts"
    } else if names(&params_a) != names(&params_b) {
        "a parameter is missing on one side: those that are not known have to stay too"
    } else if a.replace('"', "") == b.replace('"', "") {
        "a parameter is a string on one side and a token or number on the other"
    } else {
        "a parameter has another value"
    }
}

fn method(a: &str, b: &str) -> &'static str {
    if a.eq_ignore_ascii_case(b) {
        "the method has another case: methods are case-sensitive"
    } else {
        "another method: perhaps that of the inner request instead of the one that was signed"
    }
}

fn authority(a: &str, b: &str) -> &'static str {
    let without_port = |text: &str| text.rsplit_once(':').map_or(text.to_owned(), |(host, _)| host.to_owned());
    let port = |text: &str| text.rsplit_once(':').map(|(_, port)| port.to_owned());
    if a.eq_ignore_ascii_case(b) {
        return "the host is not in lower case";
    }
    if without_port(a).eq_ignore_ascii_case(&without_port(b)) {
        return match (port(a).as_deref(), port(b).as_deref()) {
            (None, Some("443" | "80")) | (Some("443" | "80"), None) => "a default port is kept: it has to be left out",
            (Some(_), None) | (None, Some(_)) => "a port that is not the default is dropped: it has to be kept",
            _ => "another port: perhaps that of the inner connection",
        };
    }
    if a.trim_end_matches('.') == b.trim_end_matches('.') {
        return "one side has a dot at the end of the host";
    }
    "another host: perhaps that of the inner request instead of the public one"
}

fn target_uri(a: &str, b: &str) -> &'static str {
    fn parts(uri: &str) -> (&str, &str, &str) {
        let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        (scheme, &rest[..end], &rest[end..])
    }
    let ((scheme_a, authority_a, target_a), (scheme_b, authority_b, target_b)) = (parts(a), parts(b));
    if scheme_a != scheme_b {
        "the scheme is taken from the inner connection instead of the public one"
    } else if authority_a != authority_b {
        authority(authority_a, authority_b)
    } else {
        request_target(target_a, target_b)
    }
}

fn request_target(a: &str, b: &str) -> &'static str {
    let parts = |target: &str| {
        target
            .split_once('?')
            .map_or((target.to_owned(), None), |(path, query)| (path.to_owned(), Some(query.to_owned())))
    };
    let ((path_a, query_a), (path_b, query_b)) = (parts(a), parts(b));
    if path_a != path_b {
        return path(&path_a, &path_b);
    }
    match (query_a, query_b) {
        (Some(a), Some(b)) => query(&a, &b),
        (Some(query), None) | (None, Some(query)) if query.is_empty() => {
            "a `?` with nothing after it is dropped by one side"
        }
        _ => "the query is dropped by one side",
    }
}

fn path(a: &str, b: &str) -> &'static str {
    if a.trim_end_matches('/') == b.trim_end_matches('/') {
        return if a.is_empty() || b.is_empty() {
            "an empty path has to be written as `/`"
        } else {
            "a slash at the end of the path is added or dropped"
        };
    }
    if a.eq_ignore_ascii_case(b) {
        return encoded_case(a, b, "the path has another case");
    }
    if decoded(a) == decoded(b) {
        return "the path is decoded or encoded anew: it has to stay as it was sent";
    }
    if squeezed(a) == squeezed(b) {
        return "the path is normalised (`//`, `.` or `..`): it has to stay as it was sent";
    }
    if a.ends_with(b) || b.ends_with(a) {
        return "a prefix of the path is added or dropped";
    }
    "another path"
}

fn query(a: &str, b: &str) -> &'static str {
    let (bare_a, bare_b) = (a.trim_start_matches('?'), b.trim_start_matches('?'));
    if bare_a == bare_b {
        return "the query's value begins with `?`, also when it is empty";
    }
    if bare_a.is_empty() || bare_b.is_empty() {
        return "the query is dropped by one side";
    }
    let sorted = |text: &str| {
        let mut parts: Vec<_> = text.split('&').map(str::to_owned).collect();
        parts.sort();
        parts
    };
    if a.eq_ignore_ascii_case(b) {
        return encoded_case(a, b, "the query has another case");
    }
    if decoded(bare_a) == decoded(bare_b) {
        return "the query is decoded or encoded anew: it has to stay as it was sent";
    }
    if sorted(bare_a) == sorted(bare_b) {
        return "the parts of the query stand in another order";
    }
    "another query"
}

fn field(a: &str, b: &str) -> &'static str {
    let without_spaces = |text: &str| text.split_whitespace().collect::<String>();
    if a.trim() == b.trim() {
        "whitespace around the field's value is not trimmed"
    } else if without_spaces(a) == without_spaces(b) {
        "whitespace inside the field's value differs: lines are joined with a comma and one space, folded ones with one space"
    } else if a.eq_ignore_ascii_case(b) {
        "the field's value has another case"
    } else if a.is_empty() || b.is_empty() {
        "the field is missing, or empty, on one side"
    } else if a.split(',').map(str::trim).eq(b.split(',').map(str::trim).take(a.split(',').count()))
        || b.split(',').map(str::trim).eq(a.split(',').map(str::trim).take(b.split(',').count()))
    {
        "one side has more lines of the field than the other"
    } else {
        "the field has another value"
    }
}

fn encoded_case(a: &str, b: &str, otherwise: &'static str) -> &'static str {
    let differs_in_escapes = a.contains('%') && decoded(a) == decoded(b);
    if differs_in_escapes {
        "percent-encoding has another case (`%2f`, `%2F`): it has to stay as it was sent"
    } else {
        otherwise
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).collect()
}

fn squeezed(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests;
