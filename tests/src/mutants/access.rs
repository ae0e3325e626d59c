//! Cores that decide wrongly who may come in (contract §5).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, StatusCode};
use portal_core::CoreBuilder;
use portal_core::acl::{Access, Client, Decide, LongestPrefix, Permit, literal_match, permits};
use portal_core::auth::{Forwarded, FromForwarded, Rebuild};
use portal_core::manifest::{Manifest, Rule};
use portal_core::refusal::Refusal;

use super::surface::answers;
use super::{Mutant, core};

pub(super) const MUTANTS: &[Mutant] = &[
    core("shortest-prefix-first", "ACL-1", |it| {
        decides(it, |client, manifest, path| by_rule(client, manifest.rules().iter().rfind(|it| is_under(path, it))))
    }),
    core("prefixes-without-case", "ACL-1", |it| {
        decides(it, |client, manifest, path| {
            let path = path.to_ascii_lowercase();
            by_rule(client, manifest.rules().iter().find(|it| path.starts_with(&it.prefix().to_ascii_lowercase())))
        })
    }),
    core("prefixes-end-at-segments", "ACL-1", |it| {
        decides(it, |client, manifest, path| {
            let path = without_query(path);
            let ends = |prefix: &str| {
                prefix.ends_with('/')
                    || ["", "/"].iter().any(|end| {
                        path.strip_prefix(prefix)
                            .is_some_and(|rest| if end.is_empty() { rest.is_empty() } else { rest.starts_with(end) })
                    })
            };
            by_rule(
                client,
                manifest.rules().iter().find(|it| it.prefix().is_empty() || is_under(path, it) && ends(it.prefix())),
            )
        })
    }),
    core("public-is-for-the-known-only", "ACL-2", |it| {
        decides(it, |client, manifest, path| match client {
            Client::Anonymous => Err(Refusal::AccessDenied),
            _ => LongestPrefix.decide(client, manifest, path),
        })
    }),
    core("peers-come-to-private-paths", "ACL-2", |it| {
        opens(it, |access, client| access == Access::Private && matches!(client, Client::Peer { .. }))
    }),
    core("terminals-come-to-peer-paths", "ACL-2", |it| {
        opens(it, |access, client| access == Access::Peer && matches!(client, Client::Terminal { .. }))
    }),
    core("strangers-come-to-peer-paths", "ACL-2", |it| {
        opens(it, |access, client| access == Access::Peer && *client == Client::Anonymous)
    }),
    core("refuses-with-403", "ACL-3", |it| {
        answers(it, "/internal/auth", |mut answer| {
            if answer.status() == StatusCode::UNAUTHORIZED {
                *answer.status_mut() = StatusCode::FORBIDDEN;
            }
            answer
        })
    }),
    core("calls-the-anonymous-public", "ACL-4", |it| {
        answers(it, "/internal/auth", |mut answer| {
            if answer.headers().get("x-ptl-client-type").is_some_and(|kind| kind == "anonymous") {
                answer.headers_mut().insert("x-ptl-client-type", HeaderValue::from_static("public"));
            }
            answer
        })
    }),
    core("gives-a-peer-no-name", "ACL-5", |it| {
        renames(it, |client| match client {
            Client::Peer { id, .. } => Client::Peer { id, name: String::new() },
            other => other,
        })
    }),
    core("gives-a-peer-another-id", "PEER-17", |it| {
        renames(it, |client| match client {
            Client::Peer { id, name } => Client::Peer { id: id.chars().rev().collect(), name },
            other => other,
        })
    }),
    core("decides-on-the-normal-form-alone", "ACL-8", |it| {
        decides(it, |client, manifest, path| {
            let normal = normal_form(without_query(path));
            by_rule(client, literal_match(manifest, &normal))
        })
    }),
    core("decides-on-the-raw-path-alone", "ACL-8", |it| {
        decides(it, |client, manifest, path| by_rule(client, literal_match(manifest, without_query(path))))
    }),
    core("an-unknown-app-is-401", "ACL-9", |it| {
        answers(it, "/internal/auth", |mut answer| {
            if answer.status() == StatusCode::NOT_FOUND {
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
            }
            answer
        })
    }),
    core("compares-hosts-with-case", "ACL-10", |it| it.replace(|parts| parts.rebuild = Arc::new(HostsWithCase))),
    core("takes-any-host", "ACL-10", |it| it.replace(|parts| parts.rebuild = Arc::new(FirstDomain(Mutex::default())))),
    core("keeps-to-the-first-app-json", "ACL-11", |it| {
        it.replace(|parts| parts.decide = Arc::new(FirstManifest(Mutex::default())))
    }),
];

type Decision = fn(&Client, &Manifest, &str) -> Result<Permit, Refusal>;

fn decides(it: CoreBuilder, decision: Decision) -> CoreBuilder {
    it.replace(|parts| parts.decide = Arc::new(Decides(decision)))
}

/// Also permits what `opens` says.
fn opens(it: CoreBuilder, opens: fn(Access, &Client) -> bool) -> CoreBuilder {
    it.replace(|parts| parts.decide = Arc::new(Opens(opens)))
}

fn renames(it: CoreBuilder, rename: fn(Client) -> Client) -> CoreBuilder {
    it.replace(|parts| parts.decide = Arc::new(Renames(rename)))
}

fn by_rule(client: &Client, rule: Option<&Rule>) -> Result<Permit, Refusal> {
    match rule {
        Some(rule) if permits(rule.access(), client) => Ok(Permit::unchecked(rule, client)),
        _ => Err(Refusal::AccessDenied),
    }
}

fn is_under(path: &str, rule: &Rule) -> bool {
    without_query(path).starts_with(rule.prefix())
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

fn normal_form(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            segments.pop();
        } else {
            segments.push(segment);
        }
    }
    let end = if decoded.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}

#[derive(Debug)]
struct Decides(Decision);

impl Decide for Decides {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        (self.0)(client, manifest, raw_path)
    }
}

#[derive(Debug)]
struct Opens(fn(Access, &Client) -> bool);

impl Decide for Opens {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        match literal_match(manifest, without_query(raw_path)) {
            Some(rule) if (self.0)(rule.access(), client) => Ok(Permit::unchecked(rule, client)),
            _ => LongestPrefix.decide(client, manifest, raw_path),
        }
    }
}

#[derive(Debug)]
struct Renames(fn(Client) -> Client);

impl Decide for Renames {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        LongestPrefix.decide(&(self.0)(client.clone()), manifest, raw_path)
    }
}

/// Decides by the app.json that it saw first.
#[derive(Debug)]
struct FirstManifest(Mutex<BTreeMap<String, Manifest>>);

impl Decide for FirstManifest {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = first.entry(manifest.name().to_owned()).or_insert_with(|| manifest.clone());
        LongestPrefix.decide(client, manifest, raw_path)
    }
}

#[derive(Debug)]
struct HostsWithCase;

impl Rebuild for HostsWithCase {
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal> {
        let forwarded = FromForwarded.rebuild(question)?;
        if forwarded.host.contains(|character: char| character.is_ascii_uppercase()) {
            return Err(Refusal::HostUnknown);
        }
        Ok(forwarded)
    }
}

/// Takes any host for one of the domain that it was first asked about.
#[derive(Debug)]
struct FirstDomain(Mutex<Option<String>>);

impl Rebuild for FirstDomain {
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal> {
        let mut forwarded = FromForwarded.rebuild(question)?;
        let (app, domain) = forwarded.host.split_once('.').unwrap_or((&forwarded.host, ""));
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let domain = first.get_or_insert_with(|| domain.to_owned());
        forwarded.host = format!("{app}.{domain}");
        Ok(forwarded)
    }
}
