//! Every hop of every request, in the order in which they happened, with the signature bases made and rebuilt on the way.
//!
//! Hops are recorded by the harness's own parts (app side, proxy, outside client), never by the Core under test: what a
//! foreign Core does is traced just as well. A hop is recorded *before* its bytes go on, so that the order of the
//! entries is the order of cause and effect. Requests are correlated by the field [`TRACE_FIELD`], which whoever makes
//! the request adds. Each hop is recorded by exactly one part:
//!
//! | hop | recorded by |
//! |---|---|
//! | app → own Core, and its answer | the app side (`EchoApp`) |
//! | outside or a Core → proxy, and its answer | the proxy |
//! | proxy → own Core (`/internal/auth`, TERM-5, `/core/…`), and its answer | the proxy |
//! | proxy → app, and its answer | the echo app, which really received it |
//!
//! Of bodies the beginning is kept, on the way of apps alone: what goes to a Core itself may hold what is nobody's business,
//! as pairing codes. Whoever records a hop takes its body, too, with a [`Tap`], as it streams by.

mod bodies;
mod body;
mod kept;
mod tap;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use body::{Body, BodyEnd, EXCERPT};
use kept::Kept;
pub use kept::Timed;
pub(crate) use tap::Tap;

/// The request field that correlates the hops of one request. End-to-end, not covered by signatures of a Core.
pub const TRACE_FIELD: &str = "countersign-trace";

/// Where an app finds its peers, at its Core.
pub(crate) const CALL_PEER: &str = "/internal/call_peer/";

/// How many origins are remembered.
const ORIGINS: usize = 1 << 14;

/// Who sends or receives on a hop. `portal` is the name that the Portal has in the topology.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "party", rename_all = "snake_case")]
pub enum Party {
    /// An app of a Portal.
    App {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
    },
    /// A Portal's Core.
    Core {
        /// Name of the Portal.
        portal: String,
    },
    /// A Portal's proxy.
    Proxy {
        /// Name of the Portal.
        portal: String,
    },
    /// Anyone outside of the Portals: a browser, a stranger, the suite.
    Outside,
}

impl Party {
    /// The app `app` on `portal`.
    pub fn app(portal: impl Into<String>, app: impl Into<String>) -> Party {
        Party::App { portal: portal.into(), app: app.into() }
    }

    /// The Core of `portal`.
    pub fn core(portal: impl Into<String>) -> Party {
        Party::Core { portal: portal.into() }
    }

    /// The proxy of `portal`.
    pub fn proxy(portal: impl Into<String>) -> Party {
        Party::Proxy { portal: portal.into() }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::App { portal, app } => write!(f, "{app} on {portal}"),
            Party::Core { portal } => write!(f, "Core on {portal}"),
            Party::Proxy { portal } => write!(f, "proxy on {portal}"),
            Party::Outside => f.write_str("outside"),
        }
    }
}

/// Which way a hop goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HopKind {
    /// A request.
    Request,
    /// The answer to one.
    Answer,
}

/// One message from one party to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The value of [`TRACE_FIELD`], where the request has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Who sent it.
    pub from: Party,
    /// Who received it.
    pub to: Party,
    /// Request or answer.
    pub kind: HopKind,
    /// Method of the request, also on its answer.
    pub method: String,
    /// Target of the request as on the wire, also on its answer.
    pub target: String,
    /// Status of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The fields in order; bytes outside UTF-8 are replaced, this is for reading.
    pub fields: Vec<(String, String)>,
    /// What a reader should know beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its body, where it has one that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<Body>>,
}

impl Hop {
    /// A request; the trace id is read from `fields`.
    pub fn request(
        from: Party,
        to: Party,
        method: impl Into<String>,
        target: impl Into<String>,
        fields: &http::HeaderMap,
    ) -> Hop {
        Hop {
            trace_id: trace_id_of(fields),
            from,
            to,
            kind: HopKind::Request,
            method: method.into(),
            target: target.into(),
            status: None,
            fields: readable(fields),
            note: None,
            body: None,
        }
    }

    /// The answer to this request: the other way round, with the same trace id, method and target.
    pub fn answer(&self, status: u16, fields: &http::HeaderMap) -> Hop {
        Hop {
            trace_id: self.trace_id.clone(),
            from: self.to.clone(),
            to: self.from.clone(),
            kind: HopKind::Answer,
            method: self.method.clone(),
            target: self.target.clone(),
            status: Some(status),
            fields: readable(fields),
            note: None,
            body: None,
        }
    }

    /// With a note.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Hop {
        self.note = Some(note.into());
        self
    }

    /// With a body that is known by now, where that may be kept.
    #[must_use]
    pub(crate) fn with_body(mut self, body: Option<Box<Body>>) -> Hop {
        self.body = body.filter(|_| self.may_show_body());
        self
    }

    /// Whether it is on the way of an app, so that its body may be kept.
    fn may_show_body(&self) -> bool {
        let asked = match self.kind {
            HopKind::Request => (&self.from, &self.to),
            HopKind::Answer => (&self.to, &self.from),
        };
        match asked {
            (Party::App { .. }, Party::Core { .. }) => is_call(&self.target),
            (Party::Proxy { .. }, Party::App { .. }) => true,
            (_, Party::Proxy { .. }) => !self.target.starts_with("/core/"),
            _ => false,
        }
    }

    /// The value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            None => write!(f, "{} -> {}: {} {}", self.from, self.to, self.method, self.target)?,
            Some(status) => write!(f, "{} -> {}: {status} to {} {}", self.from, self.to, self.method, self.target)?,
        }
        match &self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}

/// What a Core did with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureOutcome {
    /// It made one.
    Made,
    /// It rebuilt the base and the signature verified.
    Verified,
    /// It refused the signature.
    Rejected {
        /// The step of RFC 9421 §3.2 (`parse`, `select`, …).
        step: String,
        /// The stable code of the reason.
        code: String,
    },
}

/// A signature base that a Core made or rebuilt. Only Cores that can be observed give these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureEvent {
    /// The value of [`TRACE_FIELD`], where the request has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The Portal whose Core it was.
    pub portal: String,
    /// Label of the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Value of Signature-Input for this label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_input: Option<String>,
    /// The signature base, where the Core came that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What came out.
    pub outcome: SignatureOutcome,
}

/// One entry of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the trace; grows by one for each entry, whatever its request.
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What an entry tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A message went from one party to the next.
    Hop(Hop),
    /// A Core made or rebuilt a signature base.
    Signature(SignatureEvent),
}

impl Entry {
    /// How much memory its body takes, in bytes.
    fn body_size(&self) -> usize {
        match &self.what {
            What::Hop(hop) => hop.body.as_ref().map_or(0, |body| body.size()),
            What::Signature(_) => 0,
        }
    }

    /// The value of [`TRACE_FIELD`], where the request has one.
    pub fn trace_id(&self) -> Option<&str> {
        match &self.what {
            What::Hop(hop) => hop.trace_id.as_deref(),
            What::Signature(event) => event.trace_id.as_deref(),
        }
    }
}

/// The wait was too long; tells what was there instead.
#[derive(Debug, thiserror::Error)]
#[error("waited {within:?} for {what}; last seen:\n{seen}")]
pub struct TraceTimeout {
    /// What was waited for.
    pub what: String,
    /// How long.
    pub within: Duration,
    /// The entries of the request that were there, one a line.
    pub seen: String,
}

/// A cloneable handle to the one trace of a testbed. Bounded: beyond 131,072 entries the oldest go.
#[derive(Debug, Clone)]
pub struct Trace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    kept: Kept,
    next_id: u64,
    origins: HashMap<String, Party>,
    origins_in_order: VecDeque<String>,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace::new()
    }
}

impl Trace {
    /// An empty trace.
    pub fn new() -> Trace {
        Trace { inner: Arc::new(Inner { state: Mutex::default(), changed: watch::Sender::new(0) }) }
    }

    /// A fresh value for [`TRACE_FIELD`], for a request that `origin` is about to make.
    pub fn begin(&self, origin: Party) -> String {
        let mut state = self.state();
        state.next_id += 1;
        let id = format!("t{}", state.next_id);
        if state.origins_in_order.len() == ORIGINS
            && let Some(oldest) = state.origins_in_order.pop_front()
        {
            state.origins.remove(&oldest);
        }
        state.origins_in_order.push_back(id.clone());
        state.origins.insert(id.clone(), origin);
        id
    }

    /// Who stands on the outer side of a proxy for a request with this trace id: the Core that was last asked by an app
    /// (apps pass calls on), or that of the app that the request comes from, or else someone outside.
    pub fn caller_of(&self, trace_id: Option<&str>) -> Party {
        let Some(id) = trace_id else { return Party::Outside };
        let state = self.state();
        let asked = state.kept.of(id).rev().find_map(|timed| match &timed.entry.what {
            What::Hop(Hop {
                kind: HopKind::Request, from: Party::App { .. }, to: core @ Party::Core { .. }, ..
            }) => Some(core.clone()),
            _ => None,
        });
        if let Some(core) = asked {
            return core;
        }
        match state.origins.get(id) {
            Some(Party::App { portal, .. } | Party::Core { portal }) => Party::core(portal),
            _ => Party::Outside,
        }
    }

    /// Adds a hop; its place. To be called before the message goes on.
    pub fn record(&self, hop: Hop) -> u64 {
        self.push(What::Hop(hop))
    }

    /// What takes the body of the hop at this place as it passes, where that may be kept.
    pub(crate) fn tap(&self, seq: u64) -> Tap {
        let taken = self.state().kept.begin_body(seq);
        taken.map_or_else(Tap::default, |taken| Tap::new(self.clone(), seq, taken))
    }

    fn close_body(&self, seq: u64, end: BodyEnd) {
        self.state().kept.end_body(seq, end);
        self.tell();
    }

    /// Adds what a Core did with a signature.
    pub fn record_signature(&self, event: SignatureEvent) {
        self.push(What::Signature(event));
    }

    /// All entries that are still there.
    pub fn entries(&self) -> Vec<Entry> {
        let state = self.state();
        state.kept.from(0).map(|timed| state.kept.now(timed).entry).collect()
    }

    /// The entries of one request.
    pub fn entries_of(&self, trace_id: &str) -> Vec<Entry> {
        self.timed_entries_of(trace_id).into_iter().map(|timed| timed.entry).collect()
    }

    /// At most `most` entries from the place `seq` on, those that are still there. It costs what they cost.
    pub fn entries_from(&self, seq: u64, most: usize) -> Vec<Timed> {
        let state = self.state();
        state.kept.from(seq).take(most).map(|timed| state.kept.now(timed)).collect()
    }

    /// The entries of one request, with the time of each.
    pub fn timed_entries_of(&self, trace_id: &str) -> Vec<Timed> {
        let state = self.state();
        state.kept.of(trace_id).map(|timed| state.kept.now(timed)).collect()
    }

    /// The requests of which a body ended after its hop was there: at most `most`, from the place `from` among these ends
    /// on, each with its place.
    pub(crate) fn ended_bodies(&self, from: u64, most: usize) -> Vec<(u64, Option<String>)> {
        let state = self.state();
        state.kept.ended_bodies(from).take(most).map(|(place, id)| (place, id.map(str::to_owned))).collect()
    }

    /// How long ago the trace began: the clock of [`Timed::at`].
    pub fn age(&self) -> Duration {
        self.state().kept.age()
    }

    /// Tells whenever an entry was added, or a body ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// The hops of one request, in order.
    pub fn hops(&self, trace_id: &str) -> Vec<Hop> {
        hops_among(self.entries_of(trace_id))
    }

    /// What Cores did with the signatures of one request, in order.
    pub fn signatures(&self, trace_id: &str) -> Vec<SignatureEvent> {
        let signatures = self.entries_of(trace_id).into_iter().filter_map(|entry| match entry.what {
            What::Signature(event) => Some(event),
            What::Hop(_) => None,
        });
        signatures.collect()
    }

    /// All hops that are still there, whatever their request.
    pub fn all_hops(&self) -> Vec<Hop> {
        hops_among(self.entries())
    }

    /// Waits until a request has at least `count` hops.
    pub async fn wait_for_hops(
        &self,
        trace_id: &str,
        count: usize,
        within: Duration,
    ) -> Result<Vec<Hop>, TraceTimeout> {
        let mut changed = self.inner.changed.subscribe();
        let enough = async {
            loop {
                let hops = self.hops(trace_id);
                if hops.len() >= count {
                    return hops;
                }
                // The sender lives in `self`: it can't be gone.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(within, enough).await.map_err(|_| TraceTimeout {
            what: format!("{count} hops of {trace_id}"),
            within,
            seen: lines(&self.hops(trace_id)),
        })
    }

    fn push(&self, what: What) -> u64 {
        let seq = self.state().kept.push(what);
        self.tell();
        seq
    }

    fn tell(&self) {
        self.inner.changed.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hops, one a line.
pub fn lines(hops: &[Hop]) -> String {
    hops.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The value of [`TRACE_FIELD`] among these fields.
pub fn trace_id_of(fields: &http::HeaderMap) -> Option<String> {
    fields.get(TRACE_FIELD).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Whether an app calls a peer; targets may be as for an HTTP proxy.
fn is_call(target: &str) -> bool {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("", |at| &rest[at..]),
        _ => target,
    };
    path.starts_with(CALL_PEER)
}

fn hops_among(entries: Vec<Entry>) -> Vec<Hop> {
    let hops = entries.into_iter().filter_map(|entry| match entry.what {
        What::Hop(hop) => Some(hop),
        What::Signature(_) => None,
    });
    hops.collect()
}

fn readable(fields: &http::HeaderMap) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
