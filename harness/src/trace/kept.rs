//! The entries that are kept: in order, found by their request, the oldest gone first.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Entry, What};

/// How many entries are kept: those of 10,000 calls from app to app, and some.
const CAPACITY: usize = 1 << 17;

/// An entry, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// How long after the trace began.
    pub at: Duration,
    /// The entry.
    pub entry: Entry,
}

#[derive(Debug)]
pub(super) struct Kept {
    capacity: usize,
    began: Instant,
    entries: VecDeque<Timed>,
    next_seq: u64,
    /// The places in the trace of each request's entries.
    of_request: HashMap<String, VecDeque<u64>>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept::with_capacity(CAPACITY)
    }
}

impl Kept {
    pub(super) fn with_capacity(capacity: usize) -> Kept {
        let (entries, of_request) = (VecDeque::new(), HashMap::new());
        Kept { capacity, began: Instant::now(), entries, next_seq: 0, of_request }
    }

    /// How long the trace has been there.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn push(&mut self, what: What) {
        let entry = Entry { seq: self.next_seq, what };
        self.next_seq += 1;
        if self.entries.len() == self.capacity {
            self.drop_oldest();
        }
        if let Some(id) = entry.trace_id() {
            // Most requests have entries already: no new text for those.
            match self.of_request.get_mut(id) {
                Some(seqs) => seqs.push_back(entry.seq),
                None => drop(self.of_request.insert(id.to_owned(), VecDeque::from([entry.seq]))),
            }
        }
        self.entries.push_back(Timed { at: self.began.elapsed(), entry });
    }

    /// Those from the place `seq` on, oldest first.
    pub(super) fn from(&self, seq: u64) -> impl Iterator<Item = &Timed> {
        let skipped = usize::try_from(seq.saturating_sub(self.first_seq())).unwrap_or(usize::MAX);
        self.entries.range(skipped.min(self.entries.len())..)
    }

    /// Those of one request, oldest first.
    pub(super) fn of(&self, trace_id: &str) -> impl DoubleEndedIterator<Item = &Timed> {
        self.of_request.get(trace_id).into_iter().flatten().filter_map(|seq| self.at(*seq))
    }

    fn at(&self, seq: u64) -> Option<&Timed> {
        self.entries.get(usize::try_from(seq.checked_sub(self.first_seq())?).ok()?)
    }

    fn first_seq(&self) -> u64 {
        self.next_seq - self.entries.len() as u64
    }

    fn drop_oldest(&mut self) {
        let Some(Timed { entry, .. }) = self.entries.pop_front() else { return };
        let Some(id) = entry.trace_id() else { return };
        if let Some(seqs) = self.of_request.get_mut(id) {
            seqs.pop_front();
            if seqs.is_empty() {
                self.of_request.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Hop, Party};

    fn push(kept: &mut Kept, id: Option<&str>) {
        let hop = Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/", &http::HeaderMap::new());
        kept.push(What::Hop(Hop { trace_id: id.map(str::to_owned), ..hop }));
    }

    fn seqs<'a>(entries: impl Iterator<Item = &'a Timed>) -> Vec<u64> {
        entries.map(|timed| timed.entry.seq).collect()
    }

    #[test]
    fn entries_are_found_by_place_and_by_request_also_when_the_oldest_are_gone() {
        let mut kept = Kept::with_capacity(4);
        for id in [Some("a"), None, Some("b"), Some("a")] {
            push(&mut kept, id);
        }
        assert_eq!(seqs(kept.from(0)), [0, 1, 2, 3]);
        assert_eq!(seqs(kept.from(3)), [3]);
        assert!(seqs(kept.from(4)).is_empty());
        assert_eq!(seqs(kept.of("a")), [0, 3]);

        for _ in 0..3 {
            push(&mut kept, Some("c"));
        }
        assert_eq!(seqs(kept.from(0)), [3, 4, 5, 6]);
        assert_eq!(seqs(kept.of("a")), [3]);
        assert!(seqs(kept.of("b")).is_empty());
        assert_eq!(seqs(kept.of("c").rev()), [6, 5, 4]);
        assert_eq!(kept.of_request.len(), 2, "of what is gone nothing is kept");
    }

    #[test]
    fn times_only_grow() {
        let mut kept = Kept::default();
        for _ in 0..3 {
            push(&mut kept, None);
        }
        let times: Vec<_> = kept.from(0).map(|timed| timed.at).collect();
        assert!(times.is_sorted() && *times.last().unwrap() <= kept.age(), "{times:?}");
    }
}
