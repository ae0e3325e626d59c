//! The signature base line by line, and where each value comes from.

use portal_core::rfc9421::{
    ComponentError, ComponentId, FieldType, FieldTypes, Reason, Request, SignatureBase, SignatureInput,
};

use super::data::BaseLine;
use super::identifier::{self, Parameters};
use super::read::{Located, Start, Subject};

/// The value of one component, or why it has none.
pub(super) fn value(subject: &Subject, id: &ComponentId, types: &FieldTypes) -> Result<String, Reason> {
    let input: SignatureInput = format!("({})", id.as_str()).parse().map_err(|error: ComponentError| error.reason)?;
    let base = SignatureBase::build(&subject.as_message(), &input, types).map_err(|error| error.reason)?;
    let line = base.lines().next().unwrap_or_default();
    Ok(line.get(id.as_str().len() + 2..).unwrap_or_default().to_owned())
}

/// The lines of the base of an input, of which the last one is `@signature-params`; and what has no value.
pub(super) fn lines(
    subject: &Subject,
    label: &str,
    input: &SignatureInput,
    types: &FieldTypes,
) -> (Vec<BaseLine>, Vec<ComponentError>) {
    let mut seen: Vec<&ComponentId> = Vec::new();
    let mut errors = Vec::new();
    let mut all: Vec<BaseLine> = Vec::with_capacity(input.components().len() + 1);
    for id in input.components() {
        let value = if seen.contains(&id) { Err(Reason::DuplicateComponent) } else { value(subject, id, types) };
        seen.push(id);
        let (from, lines) = origin(subject, id, types);
        let (value, from) = match value {
            Ok(value) => (Some(value), from),
            Err(reason) => {
                errors.push(ComponentError { reason, component: Some(Box::new(id.clone())) });
                (None, reason.to_string())
            }
        };
        all.push(BaseLine { component: id.to_string(), value, from, lines });
    }
    all.push(params_line(subject, label, input));
    (all, errors)
}

fn params_line(subject: &Subject, label: &str, input: &SignatureInput) -> BaseLine {
    let (received, line) = received(&subject.message, label).unzip();
    let from = match received {
        None => "the input that was given".to_owned(),
        Some(received) if received == input.as_str() => format!("Signature-Input under {label}, as received"),
        Some(received) => format!("Signature-Input under {label}, serialized again; received as {received}"),
    };
    BaseLine {
        component: "\"@signature-params\"".to_owned(),
        value: Some(input.to_string()),
        from,
        lines: line.into_iter().collect(),
    }
}

/// What stands under a label in Signature-Input, as received, and the line of the file that it begins on.
pub(super) fn received(message: &Located, label: &str) -> Option<(String, usize)> {
    let in_header = identifier::member(message.fields(), "signature-input", label).map(|found| (found, false));
    let found = in_header
        .or_else(|| identifier::member(message.trailers(), "signature-input", label).map(|found| (found, true)));
    let ((text, at), trailers) = found?;
    Some((text, message.lines_of("signature-input", trailers).get(at).copied().unwrap_or_default()))
}

/// Where the value of a component comes from, in words, and on which lines of the file.
fn origin(subject: &Subject, id: &ComponentId, types: &FieldTypes) -> (String, Vec<usize>) {
    let parameters = Parameters::of(id);
    let Some(source) = subject.source(parameters.req) else {
        return ("the related request, which is not known".to_owned(), Vec::new());
    };
    let (mut from, lines) = if id.name().starts_with('@') {
        derived(source, id.name(), &parameters)
    } else {
        field(source, id.name(), &parameters, types)
    };
    if parameters.req {
        let file = if source.file == subject.message.file { String::new() } else { format!(", {}", source.file) };
        from.insert_str(0, &format!("related request{file}: "));
    }
    (from, lines)
}

fn derived(source: &Located, name: &str, parameters: &Parameters) -> (String, Vec<usize>) {
    let first = vec![source.first_line_at];
    let Start::Request(request) = &source.start else { return ("status line".to_owned(), first) };
    let from = match name {
        "@method" => "method of the request line".to_owned(),
        "@request-target" => "request line, verbatim".to_owned(),
        "@path" if path(request.target()).is_empty() => "request line; an empty path is written as /".to_owned(),
        "@path" => "path of the request line".to_owned(),
        "@query" if query(request.target()).is_none() => "request line, which has no query: `?` alone".to_owned(),
        "@query" => "query of the request line".to_owned(),
        "@query-param" => {
            let name = parameters.name.as_deref().unwrap_or_default();
            format!("parameter {name} in the query of the request line, decoded and encoded again")
        }
        "@scheme" => format!("scheme ({})", source.scheme_from),
        "@authority" => {
            let (from, lines) = authority(source, request);
            return (from, lines);
        }
        "@target-uri" => {
            let (authority, mut lines) = authority(source, request);
            lines.insert(0, source.first_line_at);
            lines.sort_unstable();
            lines.dedup();
            if is_absolute(request.target()) {
                return ("request line, an absolute target, normalized".to_owned(), lines);
            }
            let scheme = scheme(request);
            return (format!("{scheme} ({}), {authority}, and the request line's target", source.scheme_from), lines);
        }
        _ => "request line".to_owned(),
    };
    (from, first)
}

/// Where the authority comes from, and what was done to it.
fn authority(source: &Located, request: &Request) -> (String, Vec<usize>) {
    let in_target = is_absolute(request.target()) || request.method() == "CONNECT";
    let (raw, mut from, lines) = if in_target {
        let raw = authority_of(request.target()).to_owned();
        (raw, "authority of the request line".to_owned(), vec![source.first_line_at])
    } else {
        let raw = host(request).unwrap_or_default();
        match source.authority_line {
            Some(line) => (raw, ":authority".to_owned(), vec![line]),
            None => (raw, "Host".to_owned(), source.lines_of("host", false)),
        }
    };
    if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
        from.push_str(", lower-cased");
    }
    let default = if scheme(request) == "https" { ":443" } else { ":80" };
    if raw.ends_with(default) {
        from.push_str(&format!(", default port {} dropped", &default[1..]));
    }
    (from, lines)
}

fn field(source: &Located, name: &str, parameters: &Parameters, types: &FieldTypes) -> (String, Vec<usize>) {
    let fields = if parameters.tr { source.trailers() } else { source.fields() };
    let lines = source.lines_of(name, parameters.tr);
    let values: Vec<&[u8]> = fields.values(name).collect();
    let mut from = if parameters.tr { "trailer".to_owned() } else { "field".to_owned() };
    if values.iter().any(|value| value.contains(&b'\n')) {
        from.push_str(", unfolded");
    }
    if let Some(key) = &parameters.key {
        from.push_str(&format!(", parsed as a Dictionary: its member {key}, serialized again"));
    } else if parameters.sf {
        let kind = match types.of(name) {
            Some(FieldType::List) => "a List",
            Some(FieldType::Dictionary) => "a Dictionary",
            Some(FieldType::Item) => "an Item",
            None => "what it is",
        };
        from.push_str(&format!(", parsed as {kind} and serialized again"));
    } else if parameters.bs {
        from.push_str(if values.len() > 1 { ", each line as a Byte Sequence" } else { ", as a Byte Sequence" });
    } else if values.iter().all(|value| value.trim_ascii().is_empty()) {
        from.push_str(", which is empty");
    }
    if values.len() > 1 && !parameters.bs {
        from.push_str(&format!(", {} lines joined with a comma and a space", values.len()));
    }
    (from, lines)
}

/// Helpers on request targets, verbatim.
pub(super) fn is_absolute(target: &str) -> bool {
    !target.starts_with('/') && target.contains("://")
}

/// The authority of an absolute target, or the whole of an authority form.
pub(super) fn authority_of(target: &str) -> &str {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

/// The path, empty where there is none.
pub(super) fn path(target: &str) -> &str {
    let rest = if is_absolute(target) {
        let behind = target.split_once("://").map_or(target, |(_, rest)| rest);
        &behind[behind.find(['/', '?']).unwrap_or(behind.len())..]
    } else {
        target
    };
    rest.split('?').next().unwrap_or_default()
}

/// The query without its `?`.
pub(super) fn query(target: &str) -> Option<&str> {
    target.split_once('?').map(|(_, query)| query)
}

/// The scheme, in lower case; that of an absolute target wins.
pub(super) fn scheme(request: &Request) -> String {
    match request.target().split_once("://") {
        Some((scheme, _)) if is_absolute(request.target()) => scheme.to_ascii_lowercase(),
        _ => request.scheme().as_str().to_owned(),
    }
}

/// The first Host field's value.
pub(super) fn host(request: &Request) -> Option<String> {
    request.fields().values("host").next().map(|host| String::from_utf8_lossy(host).trim().to_owned())
}
