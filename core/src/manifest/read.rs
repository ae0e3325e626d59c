//! From JSON to a [`Manifest`]. Every refusal names the place; nothing is guessed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::error::{ManifestError, Problem};
use super::format::Format;
use super::{MAX_HEADERS, MAX_MANIFEST_BYTES, MAX_PATHS, Manifest, Rule, Warning};
use crate::acl::Access;
use crate::headers::HeaderTemplate;
use crate::json::{self, JsonError};

type Object = Map<String, Value>;

pub(super) fn manifest(source: &[u8]) -> Result<Manifest, ManifestError> {
    if source.len() > MAX_MANIFEST_BYTES {
        let problem = Problem::TooLarge { bytes: source.len(), limit: MAX_MANIFEST_BYTES };
        return Err(ManifestError::new("$", problem));
    }
    let document = json::parse_unique(source).map_err(|error| match error {
        JsonError::Malformed { why } => ManifestError::new("$", Problem::NotJson { why }),
        JsonError::DuplicateKey { path, key } => ManifestError::new(path, Problem::DuplicateKey { key }),
    })?;
    let document = object(&document, "$")?;
    let format = Format::of(document)?;
    let name = name(document)?;
    let mut warnings = Vec::new();
    let http_port = http_port(document, format, &mut warnings)?;
    let mut rules = match format {
        Format::AppJson0 => rules(&paths_of_authentication(document)?, &mut warnings)?,
        _ => {
            let paths = required(
                document,
                "paths",
                "$",
                "an object of path prefixes, such as `\"paths\": {\"\": {\"access\": \"private\"}}`",
            )?;
            rules(object(paths, "$.paths")?, &mut warnings)?
        }
    };
    if !rules.iter().any(|rule| rule.prefix.is_empty()) {
        return Err(ManifestError::new("$.paths", Problem::DefaultMissing));
    }
    rules.sort_by_key(|rule| Reverse(rule.prefix.len()));
    Ok(Manifest { name, format, http_port, rules, warnings })
}

/// A DNS label; `_` too, as apps with it are deployed.
fn name(document: &Object) -> Result<String, ManifestError> {
    let name = string(required(document, "name", "$", "the app's name")?, "$.name")?;
    let fits = (1..=63).contains(&name.len())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !name.starts_with('-')
        && !name.ends_with('-');
    if !fits {
        return Err(ManifestError::new("$.name", Problem::NameMalformed { given: name.chars().take(80).collect() }));
    }
    Ok(name.to_owned())
}

fn http_port(document: &Object, format: Format, warnings: &mut Vec<Warning>) -> Result<Option<u16>, ManifestError> {
    if format.has_port() {
        let remedy = "the port on which the app serves HTTP (`entrypoints` came with 4.0)";
        return port(required(document, "port", "$", remedy)?, "$.port").map(Some);
    }
    let remedy = "a list such as `[{\"container_port\": 80, \"entrypoint_port\": \"http\"}]`";
    let entrypoints = required(document, "entrypoints", "$", remedy)?;
    let Value::Array(entrypoints) = entrypoints else {
        return Err(wrong_type("$.entrypoints", "a list", entrypoints));
    };
    if entrypoints.is_empty() {
        let remedy = remedy.to_owned();
        return Err(ManifestError::new("$.entrypoints", Problem::Missing { remedy }));
    }
    let mut http_port = None;
    for (index, entrypoint) in entrypoints.iter().enumerate() {
        let at = format!("$.entrypoints[{index}]");
        let entrypoint = object(entrypoint, &at)?;
        let key = "container_port";
        let remedy = "the port inside the container";
        let port = port(required(entrypoint, key, &at, remedy)?, &format!("{at}.{key}"))?;
        // The first 4.0 said `entrypoint` and `https`.
        let key = match entrypoint.contains_key("entrypoint") {
            true => "entrypoint",
            false => "entrypoint_port",
        };
        let kind_at = format!("{at}.{key}");
        let remedy = "\"http\" or \"mqtt\"";
        match string(required(entrypoint, key, &at, remedy)?, &kind_at)? {
            "http" | "https" => {
                http_port.get_or_insert(port);
            }
            "mqtt" => warnings.push(Warning {
                code: "mqtt_is_public",
                path: at,
                reason: "access control holds for HTTP alone; this entrypoint is open to anyone".to_owned(),
            }),
            other => {
                return Err(ManifestError::new(kind_at, Problem::EntrypointUnknown { given: other.to_owned() }));
            }
        }
    }
    Ok(http_port)
}

fn port(value: &Value, at: &str) -> Result<u16, ManifestError> {
    let Value::Number(number) = value else {
        return Err(wrong_type(at, "a number", value));
    };
    match number.as_u64().and_then(|port| u16::try_from(port).ok()) {
        Some(port) if port != 0 => Ok(port),
        _ => Err(ManifestError::new(at, Problem::PortOutOfRange { given: number.to_string() })),
    }
}

/// What 0.0 calls `authentication`, as `paths` (APP-1).
fn paths_of_authentication(document: &Object) -> Result<Object, ManifestError> {
    let private = json!({"access": "private", "headers": {
        "X-Ptl-Client-Type": "terminal",
        "X-Ptl-Client-Id": "{{ auth.client_id }}",
        "X-Ptl-Client-Name": "{{ auth.client_name }}",
    }});
    let public = json!({"access": "public", "headers": {"X-Ptl-Client-Type": "public"}});
    let peer = json!({"access": "peer", "headers": {
        "X-Ptl-Client-Type": "peer",
        "X-Ptl-Client-Id": "{{ auth.client_id }}",
        "X-Ptl-Client-Name": "{{ auth.client_name }}",
    }});
    let at = "$.authentication";
    let authentication = match document.get("authentication") {
        None | Some(Value::Null) => &Object::new(),
        Some(value) => object(value, at)?,
    };
    let default = match authentication.get("default_access") {
        None | Some(Value::Null) => private.clone(),
        Some(value) => {
            let at = format!("{at}.default_access");
            match access(string(value, &at)?, &at)? {
                Access::Private => private.clone(),
                Access::Public => public.clone(),
                Access::Peer => peer.clone(),
            }
        }
    };
    let mut paths = Object::new();
    paths.insert(String::new(), default);
    for (key, rule) in [("private_paths", private), ("public_paths", public), ("peer_paths", peer)] {
        let at = format!("{at}.{key}");
        let prefixes = match authentication.get(key) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(prefixes)) => prefixes,
            Some(other) => return Err(wrong_type(&at, "a list of path prefixes", other)),
        };
        for (index, prefix) in prefixes.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let prefix = string(prefix, &at)?;
            if paths.insert(prefix.to_owned(), rule.clone()).is_some() && !prefix.is_empty() {
                let key = prefix.to_owned();
                return Err(ManifestError::new(at, Problem::DuplicateKey { key }));
            }
        }
    }
    Ok(paths)
}

fn rules(paths: &Object, warnings: &mut Vec<Warning>) -> Result<Vec<Rule>, ManifestError> {
    at_most("$.paths", paths.len(), MAX_PATHS)?;
    paths.iter().map(|(prefix, declared)| rule(prefix, declared, warnings)).collect()
}

fn rule(prefix: &str, declared: &Value, warnings: &mut Vec<Warning>) -> Result<Rule, ManifestError> {
    let at = format!("$.paths[{prefix:?}]");
    let declared = object(declared, &at)?;
    let access_at = format!("{at}.access");
    let remedy = "\"public\", \"private\" or \"peer\"";
    let access = access(string(required(declared, "access", &at, remedy)?, &access_at)?, &access_at)?;
    let headers = match declared.get("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(headers) => {
            let at = format!("{at}.headers");
            declared_headers(object(headers, &at)?, &at)?
        }
    };
    for key in declared.keys() {
        if key != "access" && key != "headers" {
            warnings.push(Warning {
                code: "key_without_effect",
                path: format!("{at}.{key}"),
                reason: "this key has no effect here".to_owned(),
            });
        }
    }
    warnings.extend(warning_of_prefix(prefix, at));
    Ok(Rule { prefix: prefix.to_owned(), normalised: crate::acl::normalised_prefix(prefix), access, headers })
}

fn warning_of_prefix(prefix: &str, path: String) -> Option<Warning> {
    let (code, reason) = if prefix.is_empty() {
        return None;
    } else if !prefix.starts_with('/') {
        ("prefix_never_matches", format!("paths begin with `/`; write \"/{prefix}\""))
    } else if prefix.contains(['?', '#']) {
        ("prefix_never_matches", "only the path is compared; leave `?` and what follows out".to_owned())
    } else if crate::acl::normalised_prefix(prefix) != prefix.as_bytes() {
        ("prefix_not_normal", "this prefix is not in normal form; requests may never match it".to_owned())
    } else if !prefix.ends_with('/') {
        // APP-6
        (
            "prefix_opens_neighbours",
            format!(
                "this prefix holds for \"{prefix}\" and for all its neighbours, such as \"{prefix}foo\"; write \"{prefix}/\" if that is not meant"
            ),
        )
    } else {
        return None;
    };
    Some(Warning { code, path, reason })
}

fn declared_headers(declared: &Object, at: &str) -> Result<Vec<HeaderTemplate>, ManifestError> {
    at_most(at, declared.len(), MAX_HEADERS)?;
    let mut seen = BTreeSet::new();
    let mut headers = Vec::with_capacity(declared.len());
    for (name, template) in declared {
        let at = format!("{at}[{name:?}]");
        let template = string(template, &at)?;
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(ManifestError::new(at, Problem::HeaderDuplicate));
        }
        let header = HeaderTemplate::parse(name, template).map_err(|problem| ManifestError::new(at, problem))?;
        headers.push(header);
    }
    Ok(headers)
}

fn access(given: &str, at: &str) -> Result<Access, ManifestError> {
    match given {
        "public" => Ok(Access::Public),
        "private" => Ok(Access::Private),
        "peer" => Ok(Access::Peer),
        other => Err(ManifestError::new(at, Problem::AccessUnknown { given: other.chars().take(80).collect() })),
    }
}

fn required<'a>(object: &'a Object, key: &str, at: &str, remedy: &str) -> Result<&'a Value, ManifestError> {
    object
        .get(key)
        .ok_or_else(|| ManifestError::new(format!("{at}.{key}"), Problem::Missing { remedy: format!("add {remedy}") }))
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Object, ManifestError> {
    value.as_object().ok_or_else(|| wrong_type(at, "an object", value))
}

fn string<'a>(value: &'a Value, at: &str) -> Result<&'a str, ManifestError> {
    value.as_str().ok_or_else(|| wrong_type(at, "a string", value))
}

fn at_most(at: &str, count: usize, limit: usize) -> Result<(), ManifestError> {
    match count > limit {
        true => Err(ManifestError::new(at, Problem::TooMany { count, limit })),
        false => Ok(()),
    }
}

fn wrong_type(at: &str, expected: &'static str, value: &Value) -> ManifestError {
    let found = kind_of(value);
    ManifestError::new(at, Problem::WrongType { expected, found })
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
