//! What an echo app received.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::trace::TRACE_FIELD;
use crate::wire::{Arrived, Fields, Head, Reply};

/// How many requests an app keeps; the oldest go first.
const CAPACITY: usize = 4096;
/// The largest body that is kept, in bytes; of larger ones there are length and hash.
const KEEP_BODY: u64 = 1 << 20;
/// So much is kept of all bodies together, in bytes as base64; the oldest go first, for a testbed may stay up for days.
const KEEP_BODIES: usize = 256 << 20;

/// A request exactly as it arrived. As JSON it is what the app answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Name of the Portal.
    pub portal: String,
    /// Name of the app.
    pub app: String,
    /// The method.
    pub method: String,
    /// The request target, not decoded.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The first Host field, empty where there is none.
    pub host: String,
    /// The field lines in order, with the names as they were written.
    pub fields: Vec<(String, String)>,
    /// The body in base64; none if it is longer than 1 MiB.
    pub body_b64: Option<String>,
    /// Length of the body.
    pub body_length: u64,
    /// SHA-256 of the body, lower-case hex.
    pub body_sha256: String,
    /// Fields after the body.
    pub trailers: Vec<(String, String)>,
    /// Why the body ended early, if it did.
    pub cut: Option<String>,
}

impl Received {
    pub(super) fn new(portal: &str, app: &str, head: &Head, body: Option<Arrived>) -> Received {
        let (method, target, version) =
            head.request_line().unwrap_or_else(|_| (String::new(), head.start_line.clone(), String::new()));
        let body = body.unwrap_or_else(|| Arrived::gatherer(None).finish(Fields::new(), None));
        Received {
            portal: portal.to_owned(),
            app: app.to_owned(),
            method,
            target,
            version,
            host: head.fields.get("host").unwrap_or_default(),
            fields: head.fields.to_readable(),
            body_b64: (body.length <= KEEP_BODY).then(|| BASE64_STANDARD.encode(&body.kept)),
            body_length: body.length,
            body_sha256: body.sha256,
            trailers: body.trailers.to_readable(),
            cut: body.cut,
        }
    }

    /// The value of the first field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of all fields of that name, in order.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body; none if it is longer than 1 MiB.
    pub fn body(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(self.body_b64.as_ref()?).ok()
    }

    /// The value that correlates the hops of this request.
    pub fn trace_id(&self) -> Option<&str> {
        self.field(TRACE_FIELD)
    }
}

impl Reply {
    /// What arrived at the echo app that gave this answer; none where it is no echo.
    pub fn echo(&self) -> Option<Received> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A bounded wait that was in vain; tells what was there instead.
#[derive(Debug, thiserror::Error)]
#[error("{who}: waited {within:?} for {count} requests; received so far: {}", if .seen.is_empty() { "none" } else { .seen })]
pub struct WaitTimeout {
    /// The app that waited.
    pub who: String,
    /// For how many requests.
    pub count: usize,
    /// How long.
    pub within: Duration,
    /// The requests that were there, one a line.
    pub seen: String,
}

/// The requests that one app received.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    arrivals: usize,
    kept: VecDeque<Received>,
    /// The length of all bodies that are kept.
    bodies: usize,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox { state: Arc::default(), changed: watch::Sender::new(0) }
    }

    /// The head of a request is there.
    pub(super) fn arriving(&self) {
        self.state().arrivals += 1;
        self.changed.send_modify(|count| *count += 1);
    }

    /// All of a request that will come is there.
    pub(super) fn keep(&self, received: Received) {
        let mut state = self.state();
        state.bodies += received.body_b64.as_ref().map_or(0, String::len);
        state.kept.push_back(received);
        while state.kept.len() > CAPACITY || state.bodies > KEEP_BODIES {
            let Some(oldest) = state.kept.pop_front() else { break };
            state.bodies -= oldest.body_b64.as_ref().map_or(0, String::len);
        }
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn arrivals(&self) -> usize {
        self.state().arrivals
    }

    pub(super) fn kept(&self) -> Vec<Received> {
        self.state().kept.iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        *self.state() = State::default();
    }

    pub(super) async fn wait_for(
        &self,
        who: &str,
        count: usize,
        within: Duration,
    ) -> Result<Vec<Received>, WaitTimeout> {
        let mut changed = self.changed.subscribe();
        let enough = async {
            while self.state().kept.len() < count {
                // `self` holds the sender: it can't be gone.
                let _ = changed.changed().await;
            }
            self.kept()
        };
        tokio::time::timeout(within, enough).await.map_err(|_| {
            let seen: Vec<_> = self.kept().iter().map(|one| format!("{} {}", one.method, one.target)).collect();
            WaitTimeout { who: who.to_owned(), count, within, seen: seen.join("\n") }
        })
    }

    pub(super) async fn wait_for_arrivals(&self, who: &str, count: usize, within: Duration) -> Result<(), WaitTimeout> {
        let mut changed = self.changed.subscribe();
        let enough = async {
            while self.arrivals() < count {
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(within, enough).await.map_err(|_| WaitTimeout {
            who: who.to_owned(),
            count,
            within,
            seen: format!("{} whose head arrived", self.arrivals()),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
