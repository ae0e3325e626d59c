//! What most likely went wrong, seen from the first line of the base that differs from the expected one.
//!
//! Here it is known which side is wrong, and the message is at hand: so it can be said what the library did. Where that
//! gives nothing, [`diverge`](crate::suite::diverge) says what differs.

mod field;

use super::protocol::Parsed;
use crate::verdict::Bases;

/// What a base is made from.
#[derive(Debug, Clone)]
pub struct Source {
    message: Parsed,
    related: Option<Parsed>,
}

impl Source {
    /// Of a message, and of the request that it answers.
    pub fn new(message: Parsed, related: Option<Parsed>) -> Source {
        Source { message, related }
    }

    /// The values of the lines of a field, as they stand in the part of the message that the parameters name.
    fn lines(&self, name: &str, parameters: &str) -> Vec<&str> {
        let has = |flag: &str| parameters.split(';').any(|parameter| parameter == flag);
        let message = if has("req") { self.related.as_ref().unwrap_or(&self.message) } else { &self.message };
        let fields = if has("tr") { &message.trailers } else { &message.fields };
        fields.iter().filter(|[known, _]| known.eq_ignore_ascii_case(name)).map(|[_, value]| value.as_str()).collect()
    }

    /// The authority is that of Host, where the target has one itself.
    fn host(&self, parameters: &str, made: &str) -> Option<&'static str> {
        let host = self.lines("host", parameters);
        let target = self.message.target.as_deref().unwrap_or_default();
        (host.first().is_some_and(|host| host.eq_ignore_ascii_case(made)) && !target.starts_with('/'))
            .then_some("Host is taken, although the target has an authority itself")
    }
}

/// Sets the two bases side by side, with a guess.
pub fn compare(source: &Source, expected: &[u8], got: &[u8]) -> Bases {
    let (made, rebuilt) = (super::parsed::text(expected), super::parsed::text(got));
    let mut bases = Bases::compare(made, rebuilt);
    if let Some(line) = bases.line {
        let named = cause(source, &bases.made, &bases.rebuilt, line).map(str::to_owned);
        bases.guess = named.or(bases.guess);
    }
    bases.made = shown(&bases.made);
    bases.rebuilt = shown(&bases.rebuilt);
    bases
}

/// A base that must not be: what the library put where there is nothing to put.
pub fn careless(source: &Source, base: &[u8]) -> Option<&'static str> {
    let text = super::parsed::text(base);
    let lines: Vec<(&str, &str)> = text.split('\n').filter_map(split).collect();
    let same = |(n, (identifier, _)): (usize, &(&str, &str))| lines[..n].iter().any(|(known, _)| known == identifier);
    if lines.iter().enumerate().any(same) {
        return Some("a component that is covered twice is let through");
    }
    lines.iter().find_map(|(identifier, value)| careless_line(source, identifier, value))
}

fn careless_line(source: &Source, identifier: &str, value: &str) -> Option<&'static str> {
    let (name, parameters) = name(identifier)?;
    if name == "@signature-params" {
        return None;
    }
    if name.chars().any(|character| character.is_ascii_uppercase()) {
        return Some("a component name that is not in lower case is let through");
    }
    if value.chars().any(|character| !matches!(character, ' '..='~' | '\t')) {
        return Some("a value with bytes that are no visible ASCII is let through");
    }
    if name.starts_with('@') {
        // A query parameter may have an empty value; nothing else that is derived does.
        return (value.is_empty() && name != "@query-param")
            .then_some("a derived component that the message does not have is taken as empty");
    }
    if value.is_empty() && parameters.split(';').any(|parameter| parameter.starts_with("key=")) {
        return Some("a member that the dictionary does not have is taken as empty");
    }
    if !source.lines(name, parameters).is_empty() {
        return None;
    }
    Some(if value.is_empty() {
        "a field that the message does not have is taken as empty"
    } else {
        "a field that is not in this part of the message is taken from another one"
    })
}

/// The identifier and the value of a line.
fn split(line: &str) -> Option<(&str, &str)> {
    // A value may hold anything; an identifier has no `: ` outside of its strings.
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ':' if !quoted => {
                let value = &line[at + 1..];
                return Some((&line[..at], value.strip_prefix(' ').unwrap_or(value)));
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    None
}

/// The name and the parameters of an identifier.
fn name(identifier: &str) -> Option<(&str, &str)> {
    let (name, parameters) = identifier.strip_prefix('"')?.split_once('"')?;
    Some((name, parameters.trim_start_matches(';')))
}

fn cause(source: &Source, expected: &str, got: &str, line: usize) -> Option<&'static str> {
    if got.is_empty() {
        return Some("the base is empty");
    }
    let nth = |text: &str| text.split('\n').nth(line - 1).map(str::to_owned);
    let (Some(wanted), Some(made)) = (nth(expected), nth(got)) else { return missing(expected, got) };
    let (Some((wanted_id, wanted)), Some((made_id, made))) = (split(&wanted), split(&made)) else {
        return Some("a line is no `identifier: value`: perhaps a line end stands in the value before it");
    };
    if wanted_id != made_id {
        return identifiers(wanted_id, made_id);
    }
    let (name, parameters) = name(wanted_id)?;
    match name {
        "@signature-params" => signature_params(wanted, made),
        "@method" => made.eq_ignore_ascii_case(wanted).then_some("the case of the method is changed"),
        "@authority" => authority(wanted, made).or_else(|| source.host(parameters, made)),
        "@scheme" => made.eq_ignore_ascii_case(wanted).then_some("the scheme is not in lower case"),
        "@target-uri" => target_uri(wanted, made),
        "@path" => path(wanted, made),
        "@query" => query(wanted, made),
        "@query-param" => query_param(wanted, made),
        "@request-target" => request_target(wanted, made),
        _ if name.starts_with('@') => None,
        _ => field::cause(source, name, parameters, wanted, made),
    }
}

fn missing(expected: &str, got: &str) -> Option<&'static str> {
    let count = |text: &str| text.split('\n').count();
    if got.strip_suffix('\n') == Some(expected) {
        Some("a line end is put after the last line: there must be none")
    } else if count(got) < count(expected) && !got.contains("\"@signature-params\": ") {
        Some("the last line, `@signature-params`, is missing")
    } else if count(got) < count(expected) {
        Some("a component is left out")
    } else {
        Some("there are more lines than covered components")
    }
}

fn identifiers(wanted: &str, made: &str) -> Option<&'static str> {
    let (wanted_name, wanted_parameters) = name(wanted)?;
    let Some((made_name, made_parameters)) = name(made) else {
        return Some("the identifier of the component is not written as a string in quotes");
    };
    if wanted_name != made_name {
        let case = wanted_name.eq_ignore_ascii_case(made_name);
        return Some(if case {
            "the component's name is not in lower case"
        } else {
            "the components stand in another order, or one is left out"
        });
    }
    let sorted = |parameters: &str| {
        let mut parameters: Vec<String> = parameters.split(';').map(str::to_owned).collect();
        parameters.sort();
        parameters
    };
    Some(if made_parameters.is_empty() {
        "the parameters of the component are left out of its identifier"
    } else if sorted(wanted_parameters) == sorted(made_parameters) {
        "the parameters of the component are put in another order: it is the signer's that counts"
    } else {
        "the parameters of the component are not serialised as the signer wrote them"
    })
}

fn signature_params(wanted: &str, made: &str) -> Option<&'static str> {
    let spaces = |text: &str| text.split_whitespace().collect::<String>();
    let parameters = |text: &str| {
        let parameters = text.split_once(')').map_or("", |(_, parameters)| parameters);
        parameters
            .split(';')
            .map(|parameter| parameter.trim().to_owned())
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
    };
    let (of_wanted, of_made) = (parameters(wanted), parameters(made));
    let name = |parameter: &String| parameter.split('=').next().unwrap_or_default().to_owned();
    let names = |parameters: &[String]| parameters.iter().map(name).collect::<Vec<_>>();
    let has_all = |these: &[String], those: &[String]| these.iter().all(|one| those.contains(one));
    if made.trim().is_empty() || !made.contains('(') {
        Some("`@signature-params` does not have the covered components and the parameters as its value")
    } else if spaces(wanted) == spaces(made) {
        Some("whitespace is taken over from the field: the value has to be serialised anew")
    } else if of_wanted != of_made && of_wanted.len() == of_made.len() && has_all(&of_wanted, &of_made) {
        Some("the parameters are put in another order: it is the signer's that counts")
    } else if of_made.len() < of_wanted.len() && has_all(&names(&of_made), &names(&of_wanted)) {
        Some("a parameter is left out: those that are not known have to stay too")
    } else if of_made.len() > of_wanted.len() && has_all(&names(&of_wanted), &names(&of_made)) {
        Some("a parameter is added that the signer did not write")
    } else if names(&of_wanted) == names(&of_made) && wanted.replace('"', "") == made.replace('"', "") {
        Some("the type of a parameter is changed: a string, a token and a number are written differently")
    } else {
        None
    }
}

fn authority(wanted: &str, made: &str) -> Option<&'static str> {
    let lower = made.to_ascii_lowercase();
    if made.is_empty() {
        Some("the authority is left empty: it comes from Host, or from the target in absolute form")
    } else if lower == wanted {
        Some("the host is not put in lower case")
    } else if [":443", ":80"].iter().any(|port| lower.strip_suffix(port) == Some(wanted)) {
        Some("the default port is kept")
    } else if wanted.strip_prefix(&lower).is_some_and(|port| port.starts_with(':')) {
        Some("a port that is not the default one is dropped")
    } else if lower.rsplit_once('@').is_some_and(|(_, host)| host == wanted) {
        Some("the userinfo is kept")
    } else if wanted.starts_with('[') && !made.starts_with('[') {
        Some("the brackets of an IPv6 address are dropped")
    } else if made.contains("://") || made.contains('/') {
        Some("the whole target is taken, not its authority")
    } else {
        None
    }
}

fn target_uri(wanted: &str, made: &str) -> Option<&'static str> {
    if made.starts_with('/') {
        return Some("the target is taken as it stands in the request line: scheme and authority are missing");
    }
    if made.matches("://").count() > wanted.matches("://").count() {
        return Some("scheme and host are put before a target in absolute form once more");
    }
    if made.strip_suffix('*').is_some_and(|rest| rest.trim_end_matches('/') == wanted.trim_end_matches('/')) {
        return Some("the asterisk is put behind the authority: a target in asterisk form has no path");
    }
    let apart = |uri: &str| {
        let (scheme, rest) = uri.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        Some((scheme.to_owned(), rest[..end].to_owned(), rest[end..].to_owned()))
    };
    let ((wanted_scheme, wanted_host, wanted_rest), (made_scheme, made_host, made_rest)) =
        (apart(wanted)?, apart(made)?);
    if made_scheme != wanted_scheme {
        Some(if made_scheme.eq_ignore_ascii_case(&wanted_scheme) {
            "the case of the scheme is changed"
        } else {
            "another scheme than that of the connection is taken"
        })
    } else if made_host != wanted_host {
        authority(&wanted_host, &made_host)
    } else {
        request_target(&wanted_rest, &made_rest)
    }
}

fn request_target(wanted: &str, made: &str) -> Option<&'static str> {
    if wanted.contains("://") && made.starts_with('/') {
        return Some("the absolute form of the target is cut down to path and query");
    }
    if wanted.starts_with('/') && made.contains("://") {
        return Some("the absolute form is taken where the target stands in origin form");
    }
    let apart = |target: &str| match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(format!("?{query}"))),
        None => (target.to_owned(), None),
    };
    let ((wanted_path, wanted_query), (made_path, made_query)) = (apart(wanted), apart(made));
    if made_path != wanted_path {
        return path(&wanted_path, &made_path);
    }
    match (wanted_query, made_query) {
        (Some(wanted), Some(made)) => query(&wanted, &made),
        (Some(wanted), None) if wanted == "?" => Some("a `?` with nothing after it is dropped"),
        (None, Some(made)) if made == "?" => Some("a `?` is put where there is no query"),
        (Some(_), None) => Some("the query is left out"),
        (None, _) => None,
    }
}

fn path(wanted: &str, made: &str) -> Option<&'static str> {
    if wanted == "/" && made.is_empty() {
        Some("an empty path is left empty: it is written as `/`")
    } else if made.contains("://") {
        Some("the path is not taken out of a target in absolute form")
    } else if made.split_once('?').is_some_and(|(path, _)| path == wanted) {
        Some("the query is taken along with the path")
    } else if decoded(made) == decoded(wanted) {
        encoding(wanted, made, "the path is decoded or encoded anew: it stays as it was sent")
    } else {
        None
    }
}

fn query(wanted: &str, made: &str) -> Option<&'static str> {
    let bare = |text: &str| text.strip_prefix('?').unwrap_or(text).to_owned();
    if wanted == "?" && made.is_empty() {
        Some("without a query the value is left empty: it is `?`")
    } else if made == bare(wanted) {
        Some("the leading `?` is dropped")
    } else if made.is_empty() || made == "?" {
        Some("the query is left out")
    } else if decoded(&bare(made)) == decoded(&bare(wanted)) {
        encoding(wanted, made, "the query is decoded or encoded anew: it stays as it was sent")
    } else {
        None
    }
}

fn query_param(wanted: &str, made: &str) -> Option<&'static str> {
    let plus = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<_>>();
    if made.is_empty() {
        Some("the value of the query parameter is left empty")
    } else if made.contains('+') && wanted.contains("%20") && made.replace('+', "%20") == wanted {
        Some("a space is written as `+`: it is written as `%20`")
    } else if plus(wanted) == made.as_bytes() {
        Some("the value is not encoded again after it was decoded")
    } else if decoded(wanted) == decoded(made) {
        encoding(wanted, made, "the value is not encoded as the form parser and the encoder of §2.2.8 do it")
    } else {
        Some("the value of another query parameter, or several at once")
    }
}

fn encoding(wanted: &str, made: &str, otherwise: &'static str) -> Option<&'static str> {
    let case = made.eq_ignore_ascii_case(wanted);
    Some(if case { "the case of percent-encoding is changed (`%2f`, `%2F`)" } else { otherwise })
}

fn decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).collect()
}

/// What can't be seen is escaped, so that a difference can.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push('\n'),
            ' '..='~' => shown.push(character),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            other => shown.push_str(&format!("\\x{:02X}", u32::from(other))),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
