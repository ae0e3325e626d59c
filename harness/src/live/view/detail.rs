//! One call with all that is known about it: its hops, what Cores decided, the signature bases side by side, and what it
//! takes to make it again.

use serde::Serialize;

use super::summary::{self, Summary};
use crate::page::clipped;
use crate::redact::{BLANK, Secrets};
use crate::suite::evidence;
use crate::trace::{Entry, Hop, Party, SignatureEvent, SignatureOutcome, TRACE_FIELD, Timed, What};
use crate::verdict::Bases;

/// How many entries of a call are shown at most.
const ENTRIES: usize = 400;
/// Fields that belong to one connection, or that are made anew for another call.
const OWN_FIELDS: [&str; 7] =
    ["host", "connection", "content-length", "transfer-encoding", "expect", "te", TRACE_FIELD];

/// A call.
#[derive(Debug, Serialize)]
pub(super) struct Detail {
    call: Summary,
    entries: Vec<Shown>,
    left_out: usize,
    decisions: Vec<Decision>,
    signatures: Vec<Rebuilt>,
    again: Option<Again>,
}

/// An entry, with its time in microseconds since the call began.
#[derive(Debug, Serialize)]
struct Shown {
    at: u64,
    #[serde(flatten)]
    entry: Entry,
}

/// What a Core said to its proxy.
#[derive(Debug, Serialize)]
struct Decision {
    portal: String,
    status: Option<u16>,
    /// The fields for the app.
    declared: Vec<(String, String)>,
    /// Why not.
    why: Option<String>,
}

/// A signature of which someone rebuilt the base.
#[derive(Debug, Serialize)]
struct Rebuilt {
    portal: String,
    label: Option<String>,
    verified: bool,
    bases: Bases,
    changed_by: Option<String>,
}

/// What it takes to make the call again.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Again {
    portal: String,
    app: String,
    peer: String,
    method: String,
    path: String,
    fields: Vec<(String, String)>,
    /// What is not shown of it, by name: the call goes without.
    blanked: Vec<String>,
    /// Whether the call had a body, and the body where it was kept.
    had_body: bool,
    body: Option<String>,
}

/// All about a call; its body where that was kept.
pub(super) fn of(call: Summary, timed: Vec<Timed>, body: Option<String>) -> Detail {
    let left_out = timed.len().saturating_sub(ENTRIES);
    let began = timed.first().map_or_else(Default::default, |timed| timed.at);
    let mut entries: Vec<Shown> = timed
        .into_iter()
        .take(ENTRIES)
        .map(|Timed { at, entry }| Shown { at: u64::try_from((at - began).as_micros()).unwrap_or(u64::MAX), entry })
        .collect();
    let mut secrets = Secrets::default();
    entries.iter().for_each(|shown| secrets.learn(&shown.entry));
    // Before they are blanked: what differs may be a secret.
    let signatures = rebuilt(&entries, &secrets);
    let path = path(&call, &entries);
    for shown in &mut entries {
        secrets.entry(&mut shown.entry);
        clip(&mut shown.entry);
    }
    let decisions = hops(&entries).filter(|hop| summary::is_decision(hop)).map(decision).collect();
    let again = again(&call, &entries, body).map(|again| again.to(path, &secrets));
    Detail { call, entries, left_out, decisions, signatures, again }
}

fn hops(entries: &[Shown]) -> impl Iterator<Item = &Hop> {
    entries.iter().filter_map(|shown| match &shown.entry.what {
        What::Hop(hop) => Some(hop),
        What::Signature(_) => None,
    })
}

fn clip(entry: &mut Entry) {
    if let What::Hop(hop) = &mut entry.what {
        hop.target = clipped(&hop.target);
        hop.fields.iter_mut().for_each(|(_, value)| *value = clipped(value));
    }
}

fn decision(hop: &Hop) -> Decision {
    let portal = match &hop.from {
        Party::Core { portal } => portal.clone(),
        other => other.to_string(),
    };
    let is_declared =
        |(name, _): &&(String, String)| name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-ptl-"));
    let declared = hop.fields.iter().filter(is_declared).cloned().collect();
    Decision { portal, status: hop.status, declared, why: hop.note.clone() }
}

fn rebuilt(entries: &[Shown], secrets: &Secrets) -> Vec<Rebuilt> {
    let events: Vec<SignatureEvent> = entries
        .iter()
        .filter_map(|shown| match &shown.entry.what {
            What::Signature(event) => Some(event.clone()),
            What::Hop(_) => None,
        })
        .collect();
    let hops: Vec<Hop> = hops(entries).cloned().collect();
    let of_event = |(event, mut bases): (&SignatureEvent, Bases)| {
        let mut changed_by = bases.component().and_then(|component| evidence::changed_by(component, &hops));
        changed_by.iter_mut().for_each(|text| secrets.blank(text));
        secrets.blank(&mut bases.made);
        secrets.blank(&mut bases.rebuilt);
        Rebuilt {
            portal: event.portal.clone(),
            label: event.label.clone(),
            verified: event.outcome == SignatureOutcome::Verified,
            bases,
            changed_by,
        }
    };
    evidence::rebuilt(&events).map(of_event).collect()
}

/// Where on the peer the call went, in full.
fn path(call: &Summary, entries: &[Shown]) -> String {
    let target = hops(entries).next().map_or("", |hop| &hop.target);
    match &call.peer {
        Some(_) => target.splitn(5, '/').nth(4).map_or_else(|| "/".to_owned(), |rest| format!("/{rest}")),
        None => target.to_owned(),
    }
}

impl Again {
    /// To this path, without what is secret in it.
    fn to(mut self, path: String, secrets: &Secrets) -> Again {
        self.path.clone_from(&path);
        secrets.blank(&mut self.path);
        if self.path != path {
            self.blanked.push("a part of its path".to_owned());
        }
        self
    }
}

/// Only a call from an app to a peer can be made again: the rest of the world is not ours to move.
fn again(call: &Summary, entries: &[Shown], body: Option<String>) -> Option<Again> {
    let (portal, app) = (call.from.portal.clone()?, call.from.app.clone()?);
    let first = hops(entries).next()?;
    let peer = match (&call.peer, &first.to) {
        (Some(peer), _) => peer.clone(),
        // Where the app itself is not seen: the name by which its Core found the peer.
        (None, Party::Proxy { .. }) => first.field("host")?.split('.').nth(1)?.to_owned(),
        _ => return None,
    };
    let is_own = |name: &str| {
        let made = ["signature", "content-digest", "x-forwarded", "x-ptl"];
        OWN_FIELDS.iter().any(|own| name.eq_ignore_ascii_case(own))
            || made.iter().any(|start| name.to_ascii_lowercase().starts_with(start)) && call.peer.is_none()
    };
    let fields = first.fields.iter().filter(|(name, _)| !is_own(name));
    let (blanked, fields): (Vec<_>, Vec<_>) = fields.cloned().partition(|(_, value)| value.contains(BLANK));
    let length = first.field("content-length").map_or(0, |length| length.trim().parse().unwrap_or(0_u64));
    Some(Again {
        portal,
        app,
        peer,
        method: call.method.clone(),
        path: String::new(),
        fields,
        blanked: blanked.into_iter().map(|(name, _)| name).collect(),
        had_body: length > 0 || first.field("transfer-encoding").is_some(),
        body,
    })
}

#[cfg(test)]
mod tests;
