//! The calls as server-sent events.
//!
//! Nothing is queued for a reader: it has a place among the changes, which are entries of the trace and ends of bodies, and
//! whenever it is ready it gets the calls that changed behind that place, as they are by then. So a slow reader costs
//! nothing, sees the latest state of each call, and is told how many it missed because they are gone. The id of an event
//! is such a place: a browser that lost the connection sends it as `Last-Event-ID` and goes on from there.
//!
//! | event | data |
//! |---|---|
//! | `hello` | `{run, now, begun, held, most}`: `now` in milliseconds since the trace began; another `run` means another program |
//! | `calls` | a list of [`Summary`](super::Summary), the latest state of each |
//! | `missed` | `{calls}`: so many went on and are gone |

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Inner;
use super::calls::{KEPT, News, millis};

/// How many calls an event tells of at most.
const AT_ONCE: usize = 500;
/// Changes within this time are told together.
const PACE: Duration = Duration::from_millis(60);
/// How often a reader of whom nothing is heard is told that the connection is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// The events from the place on that the browser saw last, until the program ends.
pub(super) fn stream(
    view: Arc<Inner>,
    last_event: Option<&str>,
    place: OwnedSemaphorePermit,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let reader = Reader::new(view, last_event, place);
    let events = unfold(reader, |mut reader| async move {
        let told = reader.next().await?;
        Some((Ok(told.event()), reader))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

/// One that is told of the calls.
struct Reader {
    view: Arc<Inner>,
    changes: watch::Receiver<u64>,
    /// It has seen the changes before this one.
    seen: Option<u64>,
    greeted: bool,
    /// There is more than it was told of.
    is_behind: bool,
    waiting: Option<Told>,
    pace: Interval,
    /// There are only so many.
    _place: OwnedSemaphorePermit,
}

/// What a reader is told.
struct Told {
    name: &'static str,
    id: Option<String>,
    data: Value,
}

impl Reader {
    fn new(view: Arc<Inner>, last_event: Option<&str>, place: OwnedSemaphorePermit) -> Reader {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let seen = last_event.and_then(|id| view.place(id));
        Reader {
            changes: view.trace.changes(),
            seen,
            greeted: false,
            is_behind: false,
            waiting: None,
            pace,
            view,
            _place: place,
        }
    }

    async fn next(&mut self) -> Option<Told> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.hello());
        }
        if let Some(told) = self.waiting.take() {
            return Some(told);
        }
        loop {
            // What is waiting already is told at once.
            if !self.is_behind {
                tokio::select! {
                    () = self.view.closing.cancelled() => return None,
                    _ = self.pace.tick() => {}
                }
            }
            // Before the trace is read: what comes in between wakes it again.
            self.changes.mark_unchanged();
            if let Some(told) = self.news() {
                return Some(told);
            }
            tokio::select! {
                () = self.view.closing.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
            }
        }
    }

    fn hello(&self) -> Told {
        let calls = self.view.calls();
        let now = millis(self.view.trace.age());
        let (begun, held) = (calls.begun(), calls.len());
        let data = json!({ "run": self.view.run, "now": now, "begun": begun, "held": held, "most": KEPT });
        Told { name: "hello", id: None, data }
    }

    fn news(&mut self) -> Option<Told> {
        let News { calls, missed, seen } = self.view.calls().news(self.seen.unwrap_or(0), AT_ONCE);
        // A new reader misses nothing: it is told at the beginning how many there were.
        self.is_behind = calls.len() == AT_ONCE;
        let missed = self.seen.replace(seen).map_or(0, |_| missed);
        let id = Some(self.view.id_of(seen));
        let calls = (!calls.is_empty()).then(|| Told { name: "calls", id: id.clone(), data: json!(calls) });
        if missed == 0 {
            return calls;
        }
        self.waiting = calls;
        Some(Told { name: "missed", id, data: json!({ "calls": missed }) })
    }
}

impl Told {
    fn event(self) -> Event {
        // The data is JSON on one line: it can always be sent.
        let event = Event::default().event(self.name).data(self.data.to_string());
        match self.id {
            Some(id) => event.id(id),
            None => event,
        }
    }
}

#[cfg(test)]
mod tests;
