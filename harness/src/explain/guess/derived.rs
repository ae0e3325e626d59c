//! What signers get wrong about derived components: authority, scheme, path and query, alone and within `@target-uri`.

use percent_encoding::utf8_percent_encode;
use portal_core::rfc9421::{ComponentId, Request};

use super::draft::{Draft, Line};
use super::uri::{
    COMPONENT_SET, PATH_SET, STRICT_PATH_SET, UNRESERVED, decoded, encoded, escapes, form, sorted, squeezed,
};
use super::{Deviation, Trial, Variation};
use crate::explain::base;
use crate::explain::identifier::{Parameters, split, unquote};
use crate::explain::read::Located;

const AUTHORITY: &str =
    "The host is in lower case, and the scheme's default port is left out, no other (RFC 9421 §2.2.3).";
const SCHEME: &str = "The scheme is that of the request as the client sent it; if the message is the other one's, say --scheme (RFC 9421 §2.2.4).";
const PATH: &str = "The path stays as it was sent, only an empty one becomes / (RFC 9421 §2.2.6).";
const QUERY: &str =
    "The query stays as it was sent, with its leading ?; without a query it is ? alone (RFC 9421 §2.2.7).";
const METHOD: &str = "The method stays as it was sent; it is case-sensitive (RFC 9421 §2.2.1).";
const TARGET: &str = "@request-target is the second word of the request line, nothing else (RFC 9421 §2.2.5).";
const PARAM: &str = "The value is decoded as a form and then percent-encoded, a space as %20 (RFC 9421 §2.2.8).";
const STATUS: &str = "@status is the three digits alone (RFC 9421 §2.2.9).";

/// Bases that differ in derived components.
pub(super) fn variations(trial: &Trial<'_>, draft: &Draft) -> Vec<Variation> {
    let mut found = Vec::new();
    for rule in rules(trial) {
        let changed = |line: &Line| pieces_changed(trial, line, &rule);
        let affected: Vec<&Line> = draft.lines.iter().filter(|line| changed(line).is_some()).collect();
        // Whoever does it does it everywhere; or else in one place.
        let mut groups = vec![affected.clone()];
        if affected.len() > 1 {
            groups.extend(affected.iter().map(|line| vec![*line]));
        }
        for group in groups {
            let in_group = |line: &Line| group.iter().any(|member| member.component == line.component);
            if let Some(draft) = draft.with_values(|line| in_group(line).then(|| changed(line)).flatten()) {
                let names: Vec<&str> = group.iter().map(|line| line.id.as_str()).collect();
                let did = format!("{} in {}", rule.did, names.join(" and "));
                found.push((Deviation::new(rule.code, did, rule.says), draft));
            }
        }
    }
    found.extend(draft.lines.iter().flat_map(|line| single(trial, draft, line)));
    found
}

/// A change to the pieces of a URI, wherever they occur.
struct Rule {
    code: &'static str,
    did: String,
    says: &'static str,
    change: Change,
}

type Change = Box<dyn Fn(&mut Pieces, &Request)>;

/// A derived component's value in pieces; those that are absent are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pieces {
    scheme: Option<String>,
    authority: Option<String>,
    path: Option<String>,
    /// With its `?`; empty where there is none.
    query: Option<String>,
}

impl Pieces {
    fn of(name: &str, value: &str) -> Option<Pieces> {
        let nothing = Pieces { scheme: None, authority: None, path: None, query: None };
        let text = Some(value.to_owned());
        Some(match name {
            "@scheme" => Pieces { scheme: text, ..nothing },
            "@authority" => Pieces { authority: text, ..nothing },
            "@path" => Pieces { path: text, ..nothing },
            "@query" => Pieces { query: text, ..nothing },
            "@request-target" if value.starts_with('/') => {
                let (path, query) = value.split_at(value.find('?').unwrap_or(value.len()));
                Pieces { path: Some(path.to_owned()), query: Some(query.to_owned()), ..nothing }
            }
            "@target-uri" => {
                let (scheme, rest) = value.split_once("://")?;
                let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
                Pieces {
                    scheme: Some(scheme.to_owned()),
                    authority: Some(authority.to_owned()),
                    path: Some(path.to_owned()),
                    query: Some(query.to_owned()),
                }
            }
            _ => return None,
        })
    }

    fn text(&self) -> String {
        let scheme = match (&self.scheme, &self.authority) {
            (Some(scheme), Some(_)) => format!("{scheme}://"),
            (Some(scheme), None) => scheme.clone(),
            (None, _) => String::new(),
        };
        let piece = |piece: &Option<String>| piece.clone().unwrap_or_default();
        [scheme, piece(&self.authority), piece(&self.path), piece(&self.query)].concat()
    }
}

fn pieces_changed(trial: &Trial<'_>, line: &Line, rule: &Rule) -> Option<String> {
    let id = component(trial, line)?;
    let request = source(trial, id)?.request()?;
    let value = line.value.as_deref()?;
    let mut pieces = Pieces::of(id.name(), value)?;
    (rule.change)(&mut pieces, request);
    let text = pieces.text();
    (text != value).then_some(text)
}

fn component<'t>(trial: &Trial<'t>, line: &Line) -> Option<&'t ComponentId> {
    trial.input.components().get(line.component)
}

fn source<'t>(trial: &Trial<'t>, id: &ComponentId) -> Option<&'t Located> {
    trial.subject.source(id.is_from_request())
}

fn rules(trial: &Trial<'_>) -> Vec<Rule> {
    let requests = [Some(&trial.subject.message), trial.subject.related.as_ref()];
    let request = requests.into_iter().flatten().find_map(Located::request);
    let is_https = request.is_some_and(|request| base::scheme(request) == "https");
    let other_scheme = if is_https { "used http, not https," } else { "used https, not http," };
    let mut rules = Vec::new();
    let mut rule = |code, did: &str, says, change: fn(&mut Pieces, &Request)| {
        rules.push(Rule { code, did: did.to_owned(), says, change: Box::new(change) });
    };
    rule("port_kept", "kept the default port", AUTHORITY, |pieces, request| {
        authority(pieces, |authority| {
            let raw = raw_authority(request);
            let port = raw.rsplit_once(':').filter(|_| is_default_port(&raw, request));
            match port {
                Some((_, port)) if !authority.ends_with(&format!(":{port}")) => format!("{authority}:{port}"),
                _ => authority,
            }
        });
    });
    rule("port_added", "written the default port, which the message does not have,", AUTHORITY, |pieces, request| {
        authority(pieces, |authority| {
            let port = if base::scheme(request) == "https" { 443 } else { 80 };
            if has_port(&authority) { authority } else { format!("{authority}:{port}") }
        });
    });
    rule("port_dropped", "left out a port that is not the default", AUTHORITY, |pieces, _| {
        authority(pieces, |authority| match authority.rsplit_once(':') {
            Some((host, _)) if has_port(&authority) => host.to_owned(),
            _ => authority,
        });
    });
    rule("host_case", "kept the upper case of the host", AUTHORITY, |pieces, request| {
        authority(pieces, |authority| {
            let raw = raw_authority(request);
            let host = if has_port(&raw) { raw.rsplit_once(':').map_or(raw.as_str(), |(host, _)| host) } else { &raw };
            match authority.get(host.len()..) {
                Some(port) if authority[..host.len()].eq_ignore_ascii_case(host) => format!("{host}{port}"),
                _ => authority,
            }
        });
    });
    rule("other_scheme", other_scheme, SCHEME, |pieces, request| {
        let other = if base::scheme(request) == "https" { "http" } else { "https" };
        if let Some(scheme) = &mut pieces.scheme {
            *scheme = other.to_owned();
        }
        authority(pieces, |_| {
            let raw = raw_authority(request).to_ascii_lowercase();
            let default = if other == "https" { ":443" } else { ":80" };
            raw.strip_suffix(default).unwrap_or(&raw).to_owned()
        });
    });
    rule("path_decoded", "decoded the path", PATH, |pieces, _| path(pieces, |path| decoded(&path)));
    rule("path_encoded", "encoded the path anew", PATH, |pieces, _| path(pieces, |path| encoded(&path, PATH_SET)));
    rule("path_encoded", "encoded the path anew", PATH, |pieces, _| {
        path(pieces, |path| encoded(&path, STRICT_PATH_SET))
    });
    rule("path_escapes_case", "changed the case of percent-encoding in the path", PATH, |pieces, _| {
        path(pieces, |path| escapes(&path, str::to_ascii_uppercase));
    });
    rule("path_escapes_case", "changed the case of percent-encoding in the path", PATH, |pieces, _| {
        path(pieces, |path| escapes(&path, str::to_ascii_lowercase));
    });
    rule("path_slash_added", "added a slash to the path", PATH, |pieces, _| path(pieces, |path| path + "/"));
    rule("path_slash_dropped", "left out the slash at the end of the path", PATH, |pieces, _| {
        path(pieces, |path| path.trim_end_matches('/').to_owned());
    });
    rule("path_normalized", "resolved //, . or .. in the path", PATH, |pieces, _| path(pieces, |path| squeezed(&path)));
    rule("path_lower_case", "put the path in lower case", PATH, |pieces, _| {
        path(pieces, |path| path.to_ascii_lowercase())
    });
    rule("query_empty", "left out the ? of an empty query", QUERY, |pieces, _| {
        query(pieces, |query| if query == "?" { String::new() } else { query });
    });
    rule("query_dropped", "left out the query", QUERY, |pieces, _| {
        let alone = pieces.path.is_none();
        query(pieces, |_| if alone { "?" } else { "" }.to_owned());
    });
    rule("query_mark_added", "added a ? without a query", QUERY, |pieces, _| {
        query(pieces, |query| if query.is_empty() { "?".to_owned() } else { query });
    });
    rule("query_without_mark", "left out the leading ?", QUERY, |pieces, _| {
        query(pieces, |query| query.strip_prefix('?').unwrap_or(&query).to_owned());
    });
    rule("query_escapes_case", "changed the case of percent-encoding in the query", QUERY, |pieces, _| {
        query(pieces, |query| escapes(&query, str::to_ascii_uppercase));
    });
    rule("query_escapes_case", "changed the case of percent-encoding in the query", QUERY, |pieces, _| {
        query(pieces, |query| escapes(&query, str::to_ascii_lowercase));
    });
    rule("query_decoded", "decoded the query", QUERY, |pieces, _| query(pieces, |query| decoded(&query)));
    rule("query_decoded", "decoded the query", QUERY, |pieces, _| {
        query(pieces, |query| decoded(&query.replace('+', " ")))
    });
    rule("query_plus", "turned + into %20 in the query", QUERY, |pieces, _| {
        query(pieces, |query| query.replace('+', "%20"))
    });
    rule("query_plus", "turned %20 into + in the query", QUERY, |pieces, _| {
        query(pieces, |query| query.replace("%20", "+"))
    });
    rule("query_encoded", "parsed the query and encoded it anew", QUERY, |pieces, _| {
        query(pieces, |query| form(&query, "%20"))
    });
    rule("query_encoded", "parsed the query and encoded it anew", QUERY, |pieces, _| {
        query(pieces, |query| form(&query, "+"))
    });
    rule("query_sorted", "sorted the parameters of the query", QUERY, |pieces, _| {
        query(pieces, |query| sorted(&query))
    });
    rules.extend(of_this_message(trial));
    rules
}

/// Rules that hold values of the message: forwarding fields, prefixes of the path, parameters of the query.
fn of_this_message(trial: &Trial<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    let subject = trial.subject;
    let Some(request) = subject.message.request().or(subject.related.as_ref().and_then(Located::request)) else {
        return rules;
    };
    for name in ["forwarded", "x-forwarded-host", "x-original-host"] {
        for value in request.fields().values(name) {
            let Some(host) = forwarded_host(name, &String::from_utf8_lossy(value)) else { continue };
            rules.push(Rule {
                code: "forwarded_host",
                did: format!("used {host}, which is in {name},"),
                says: "The authority is that of the request as it was signed: explain the message as it was before the proxy (RFC 9421 §2.2.3).",
                change: Box::new(move |pieces, _| authority(pieces, |_| host.clone())),
            });
        }
    }
    let whole = base::path(request.target());
    for (at, _) in whole.match_indices('/').skip(1).take(16) {
        let prefix = whole[..at].to_owned();
        rules.push(Rule {
            code: "path_prefix_dropped",
            did: format!("left out {prefix} at the start of the path"),
            says: PATH,
            change: Box::new(move |pieces, _| {
                path(pieces, |path| path.strip_prefix(&prefix).map_or(path.clone(), str::to_owned));
            }),
        });
    }
    for parameter in base::query(request.target()).unwrap_or_default().split('&').take(16) {
        let parameter = parameter.to_owned();
        rules.push(Rule {
            code: "query_parameter_dropped",
            did: format!("left out {parameter} of the query"),
            says: QUERY,
            change: Box::new(move |pieces, _| {
                query(pieces, |query| {
                    let kept: Vec<&str> =
                        query.trim_start_matches('?').split('&').filter(|part| *part != parameter).collect();
                    format!("?{}", kept.join("&"))
                });
            }),
        });
    }
    rules
}

/// The first host that a forwarding field names (RFC 7239 §5.3).
fn forwarded_host(name: &str, value: &str) -> Option<String> {
    let first = split(value, ',').into_iter().next()?;
    let host = if name == "forwarded" {
        let pairs = split(first, ';').into_iter().filter_map(|pair| pair.split_once('='));
        unquote(pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("host")).map(|(_, host)| host.trim()).next()?)
    } else {
        first.trim().to_owned()
    };
    Some(host.to_ascii_lowercase())
}

fn authority(pieces: &mut Pieces, change: impl Fn(String) -> String) {
    pieces.authority = pieces.authority.take().map(change);
}

fn path(pieces: &mut Pieces, change: impl Fn(String) -> String) {
    pieces.path = pieces.path.take().map(change);
}

fn query(pieces: &mut Pieces, change: impl Fn(String) -> String) {
    pieces.query = pieces.query.take().map(change);
}

fn raw_authority(request: &Request) -> String {
    if base::is_absolute(request.target()) || request.method() == "CONNECT" {
        base::authority_of(request.target()).to_owned()
    } else {
        base::host(request).unwrap_or_default()
    }
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'))
}

fn is_default_port(authority: &str, request: &Request) -> bool {
    authority.ends_with(if base::scheme(request) == "https" { ":443" } else { ":80" })
}

/// Changes to one line that are not about pieces of a URI.
fn single(trial: &Trial<'_>, draft: &Draft, line: &Line) -> Vec<Variation> {
    let Some((id, source)) = component(trial, line).and_then(|id| Some((id, source(trial, id)?))) else {
        return Vec::new();
    };
    let mut values: Vec<(&'static str, String, &'static str, String)> = Vec::new();
    let mut add = |code, did: &str, says, value: String| values.push((code, did.to_owned(), says, value));
    match (id.name(), source.request()) {
        ("@method", Some(request)) => {
            add("method_case", "put the method in lower case", METHOD, request.method().to_ascii_lowercase());
            add("method_case", "put the method in upper case", METHOD, request.method().to_ascii_uppercase());
            for other in ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                add(
                    "other_method",
                    &format!("signed the method {other}, which a redirect or proxy may have changed"),
                    METHOD,
                    other.to_owned(),
                );
            }
        }
        ("@request-target", Some(request)) => {
            let target = request.target();
            let method = request.method().to_ascii_lowercase();
            add(
                "target_with_method",
                "put the method before the target, as the Cavage drafts have it",
                TARGET,
                format!("{method} {target}"),
            );
            add(
                "target_absolute",
                "signed an absolute target",
                TARGET,
                format!("{}://{}{target}", base::scheme(request), raw_authority(request)),
            );
        }
        ("@path", Some(request)) => {
            add("path_with_query", "signed the query along with the path", PATH, request.target().to_owned());
            add("path_empty", "signed an empty path", PATH, String::new());
        }
        ("@target-uri", Some(request)) => {
            add(
                "target_uri_relative",
                "signed the path and query alone as @target-uri",
                "@target-uri is the whole URI with scheme and authority (RFC 9421 §2.2.2).",
                request.target().to_owned(),
            );
        }
        ("@query", _) => add("query_none", "signed no query at all", QUERY, String::new()),
        ("@query-param", Some(request)) => {
            let wanted = Parameters::of(id).name.unwrap_or_default();
            let same = |name: &str| decoded(&name.replace('+', " ")) == decoded(&wanted);
            let pairs = base::query(request.target()).unwrap_or_default().split('&');
            let raw = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find(|(name, _)| same(name));
            if let Some((_, raw)) = raw {
                let plain = decoded(&raw.replace('+', " "));
                add("param_raw", "signed the parameter as it was sent", PARAM, raw.to_owned());
                add("param_decoded", "signed the parameter decoded", PARAM, plain.clone());
                add(
                    "param_encoded",
                    "encoded the parameter in another way",
                    PARAM,
                    utf8_percent_encode(&plain, UNRESERVED).to_string(),
                );
                add(
                    "param_encoded",
                    "encoded a space in the parameter as +",
                    PARAM,
                    utf8_percent_encode(&plain, UNRESERVED).to_string().replace("%20", "+"),
                );
                add(
                    "param_encoded",
                    "encoded the parameter in another way",
                    PARAM,
                    utf8_percent_encode(&plain, COMPONENT_SET).to_string(),
                );
            }
        }
        ("@status", None) => {
            let words = source.first_line.split_once(' ').map_or("", |(_, status)| status.trim());
            add("status_with_reason", "signed the reason phrase along with the status", STATUS, words.to_owned());
        }
        _ => {}
    }
    let variation = |(code, did, says, value): (&'static str, String, &'static str, String)| {
        let changed = draft.with_values(|other| (other == line).then(|| value.clone()))?;
        Some((Deviation::new(code, did, says), changed))
    };
    values.into_iter().filter_map(variation).collect()
}
