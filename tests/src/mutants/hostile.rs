//! Cores that the hostile peer gets past by sending again, by detours, or by sending too much (AUTH-9, ACL-8, AUTH-13).

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use portal_core::CoreBuilder;
use portal_core::acl::{Client, Decide, LongestPrefix, Permit, literal_match, permits};
use portal_core::auth::{AsTheRfcSays, ToVerify, VerifyPeer};
use portal_core::limits::Limits;
use portal_core::manifest::Manifest;
use portal_core::refusal::Refusal;
use portal_core::rfc9421::{Reason, Rejection, Step, Verified};

use super::surface::{around_surface, without_dots};
use super::{Mutant, core};

const AUTH: &str = "/internal/auth";
/// Longer than an answer may take.
const TOO_LONG: Duration = Duration::from_secs(4);

pub(super) const MUTANTS: &[Mutant] = &[
    // What was overheard is sent again: a memory that keeps something else than the nonce of a key.
    core("remembers-signatures-and-not-nonces", "AUTH-9", |it| {
        remembers(it, |_, proof| proof.base().as_str().to_owned())
    }),
    core("counts-a-nonce-for-each-tag", "AUTH-9", |it| {
        remembers(it, |_, proof| format!("{:?} {:?}", proof.input().nonce(), proof.input().tag()))
    }),
    core("counts-a-nonce-for-each-label", "AUTH-9", |it| {
        remembers(it, |it, proof| format!("{:?} {}", proof.input().nonce(), it.label))
    }),
    core("counts-a-nonce-for-each-host", "AUTH-9", |it| {
        remembers(it, |it, proof| {
            let host = it.request.fields().values("host").next().map(|host| host.to_vec()).unwrap_or_default();
            format!("{:?} {}", proof.input().nonce(), String::from_utf8_lossy(&host).to_ascii_lowercase())
        })
    }),
    // A path that is open leads to one that is closed: a normal form that is not one.
    core("decodes-no-path-that-it-decides-on", "ACL-8", |it| normal(it, |path| resolved(&merged(path)))),
    core("resolves-no-dots", "ACL-8", |it| normal(it, |path| merged(&decoded(path)))),
    core("decodes-dots-and-no-slashes", "ACL-8", |it| {
        normal(it, |path| resolved(&merged(&path.replace("%2e", ".").replace("%2E", "."))))
    }),
    core("decodes-small-letters-only", "ACL-8", |it| {
        normal(it, |path| resolved(&merged(&path.replace("%2e", ".").replace("%2f", "/"))))
    }),
    core("takes-back-one-detour-only", "ACL-8", |it| {
        normal(it, |path| {
            let path = merged(&decoded(path));
            match path.split_once("/../") {
                Some((before, after)) => format!("{}/{after}", before.rsplit_once('/').map_or("", |(start, _)| start)),
                None => path,
            }
        })
    }),
    core("stays-where-a-path-ends-in-dots", "ACL-8", |it| {
        normal(it, |path| {
            let path = merged(&decoded(path));
            if path.ends_with("/..") { path } else { resolved(&path) }
        })
    }),
    // Too much of everything.
    core("reads-each-of-thousands-of-labels", "AUTH-13", |it| loses(it, |asked| count(asked.headers(), b",") > 1_000)),
    core("reads-each-of-thousands-of-parameters", "AUTH-13", |it| {
        loses(it, |asked| count(asked.headers(), b";p") > 1_000)
    }),
    core("looks-up-each-of-thousands-of-components", "AUTH-13", |it| {
        loses(it, |asked| count(asked.headers(), b"\"@query-param\"") > 1_000)
    }),
    core("takes-heads-of-any-size", "AUTH-13", takes_any_size),
    core("reads-hundreds-of-kilobytes-slowly", "AUTH-13", |it| {
        loses(takes_any_size(it), |asked| asked.headers().values().any(|value| value.len() > 256 * 1024))
    }),
    core("opens-every-parenthesis", "AUTH-13", |it| breaks(it, |asked| count(asked.headers(), b"((") > 1_000)),
];

/// Refuses what it has seen, and sees no more than `what` of it.
fn remembers(it: CoreBuilder, what: fn(&ToVerify<'_>, &Verified) -> String) -> CoreBuilder {
    it.replace(|parts| {
        parts.profile.refuse_replays = false;
        parts.verifier = Arc::new(Remembers { what, seen: Mutex::default() });
    })
}

struct Remembers {
    what: fn(&ToVerify<'_>, &Verified) -> String,
    seen: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Remembers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembers")
    }
}

impl VerifyPeer for Remembers {
    fn verify(&self, it: &ToVerify<'_>) -> Result<Verified, Rejection> {
        let verified = AsTheRfcSays.verify(it)?;
        if verified.input().nonce().is_none() {
            return Ok(verified);
        }
        let what = format!("{} {}", it.peer.short_id(), (self.what)(it, &verified));
        match self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            true => Ok(verified),
            false => {
                Err(Rejection { step: Step::Policy, reason: Reason::MissingComponent, component: None, base: None })
            }
        }
    }
}

/// Decides on the raw path, and on what it takes for its normal form.
fn normal(it: CoreBuilder, form: fn(&str) -> String) -> CoreBuilder {
    it.replace(|parts| parts.decide = Arc::new(Normal(form)))
}

#[derive(Debug)]
struct Normal(fn(&str) -> String);

impl Decide for Normal {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        let path = raw_path.split('?').next().unwrap_or_default();
        let permitted = |path: &str| literal_match(manifest, path).filter(|rule| permits(rule.access(), client));
        match (permitted(path), permitted(&(self.0)(path))) {
            (Some(rule), Some(_)) => Ok(Permit::unchecked(rule, client)),
            _ => LongestPrefix.decide(client, manifest, raw_path).and(Err(Refusal::AccessDenied)),
        }
    }
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn merged(path: &str) -> String {
    let mut merged = path.to_owned();
    while merged.contains("//") {
        merged = merged.replace("//", "/");
    }
    merged
}

fn resolved(path: &str) -> String {
    format!("/{}", without_dots(path.strip_prefix('/').unwrap_or(path)))
}

/// How often this stands in Signature-Input.
fn count(fields: &HeaderMap, what: &[u8]) -> usize {
    let lines = fields.get_all("signature-input").iter().map(|line| line.as_bytes());
    lines.map(|line| line.windows(what.len()).filter(|part| *part == what).count()).sum()
}

fn takes_any_size(it: CoreBuilder) -> CoreBuilder {
    it.limits(Limits { header_bytes: 16 << 20, header_fields: 20_000, ..Limits::default() })
}

/// Needs far too long for such a question.
fn loses(it: CoreBuilder, itself: fn(&Request<Body>) -> bool) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_lost = request.uri().path() == AUTH && itself(&request);
        Box::pin(async move {
            if is_lost {
                too_long().await;
            }
            within.answer(request).await
        })
    })
}

/// Has an error for such a question.
fn breaks(it: CoreBuilder, on: fn(&Request<Body>) -> bool) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_broken = request.uri().path() == AUTH && on(&request);
        Box::pin(async move {
            let mut answer = within.answer(request).await;
            if is_broken {
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            answer
        })
    })
}

/// As work that takes longer than an answer may.
pub(super) async fn too_long() {
    let _ = tokio::time::timeout(TOO_LONG, pending::<()>()).await;
}
