//! The calls that the view shows: read off the trace whenever someone looks, bounded, and in the order of their changes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use super::summary::{self, Summary};
use crate::trace::{Timed, Trace};

/// How many calls are kept; the oldest go first.
pub const KEPT: usize = 10_000;
/// How many entries are read at a time.
const AT_ONCE: usize = 1024;

/// The latest calls.
#[derive(Debug)]
pub(super) struct Calls {
    most: usize,
    held: HashMap<String, Held>,
    /// By the latest change of each: who has seen all up to one is told of those behind it.
    by_change: BTreeMap<u64, String>,
    in_order: VecDeque<String>,
    /// The latest changes of calls that are no longer kept.
    gone: VecDeque<u64>,
    next_seq: u64,
    /// Where to go on among the bodies that ended.
    next_end: u64,
    /// How many changes there were: entries, and ends of bodies.
    changes: u64,
    begun: u64,
}

#[derive(Debug)]
struct Held {
    began: Duration,
    summary: Summary,
}

/// What a reader has not seen yet.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Calls that are new or went on, in the order of their latest changes.
    pub(super) calls: Vec<Summary>,
    /// How many calls went on and are gone by now.
    pub(super) missed: usize,
    /// The reader has now seen the changes before this one.
    pub(super) seen: u64,
}

impl Default for Calls {
    fn default() -> Calls {
        Calls::keeping(KEPT)
    }
}

impl Calls {
    fn keeping(most: usize) -> Calls {
        let (held, by_change) = (HashMap::new(), BTreeMap::new());
        let (in_order, gone) = (VecDeque::new(), VecDeque::new());
        Calls { most, held, by_change, in_order, gone, next_seq: 0, next_end: 0, changes: 0, begun: 0 }
    }

    /// Reads on in the trace.
    pub(super) fn catch_up(&mut self, trace: &Trace) {
        loop {
            let entries = trace.entries_from(self.next_seq, AT_ONCE);
            let Some(last) = entries.last() else { break };
            self.next_seq = last.entry.seq + 1;
            entries.iter().for_each(|timed| self.take(timed));
        }
        loop {
            let ended = trace.ended_bodies(self.next_end, AT_ONCE);
            let Some((last, _)) = ended.last() else { return };
            self.next_end = last + 1;
            for (_, id) in ended {
                self.changes += 1;
                id.into_iter().for_each(|id| self.body_ended(&id));
            }
        }
    }

    /// How many calls began so far.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// How many of them are kept.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// A call that is kept.
    pub(super) fn find(&self, id: &str) -> Option<&Summary> {
        Some(&self.held.get(id)?.summary)
    }

    /// At most `most` of the calls that a reader does not know who has seen the changes before `seen`.
    pub(super) fn news(&self, seen: u64, most: usize) -> News {
        let changed = self.by_change.range(seen..).take(most);
        let calls: Vec<Summary> =
            changed.filter_map(|(_, id)| self.held.get(id)).map(|held| held.summary.clone()).collect();
        let seen_now = match calls.last() {
            Some(Summary { changed: Some(last), .. }) if calls.len() == most => last + 1,
            _ => self.changes,
        };
        let missed = self.gone.iter().filter(|last| (seen..seen_now).contains(*last)).count();
        News { calls, missed, seen: seen_now }
    }

    fn take(&mut self, timed: &Timed) {
        self.changes += 1;
        let Some(id) = timed.entry.trace_id() else { return };
        if !self.held.contains_key(id) {
            // What is left of a call that is gone does not begin another one.
            let Some(hop) = summary::beginning(&timed.entry) else { return };
            self.begun += 1;
            let summary = Summary::begin(id, self.begun, millis(timed.at), hop);
            self.held.insert(id.to_owned(), Held { began: timed.at, summary });
            self.in_order.push_back(id.to_owned());
            self.forget();
        }
        let Some(Held { began, summary }) = self.held.get_mut(id) else { return };
        let took = timed.at.saturating_sub(*began);
        summary.take(timed, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.changed(id);
    }

    fn body_ended(&mut self, id: &str) {
        let Some(Held { summary, .. }) = self.held.get_mut(id) else { return };
        summary.bodies += 1;
        self.changed(id);
    }

    /// The latest change is one of this call.
    fn changed(&mut self, id: &str) {
        let Some(Held { summary, .. }) = self.held.get_mut(id) else { return };
        let now = self.changes - 1;
        let before = summary.changed.replace(now).and_then(|before| self.by_change.remove(&before));
        self.by_change.insert(now, before.unwrap_or_else(|| id.to_owned()));
    }

    fn forget(&mut self) {
        while self.in_order.len() > self.most {
            let Some(held) = self.in_order.pop_front().and_then(|id| self.held.remove(&id)) else { return };
            let Some(last) = held.summary.changed else { continue };
            self.by_change.remove(&last);
            if self.gone.len() == self.most {
                self.gone.pop_front();
            }
            self.gone.push_back(last);
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
