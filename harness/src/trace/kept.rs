//! The entries that are kept: in order, found by their request, the oldest gone first.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::bodies::{Bodies, MOST};
use super::body::BodyEnd;
use super::tap::Taken;
use super::{Entry, Hop, What};

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
    bodies: Bodies,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept::with_capacity(CAPACITY, MOST)
    }
}

impl Kept {
    /// So many entries at most, and so many bytes of bodies.
    pub(super) fn with_capacity(capacity: usize, bodies: usize) -> Kept {
        let (entries, of_request, bodies) = (VecDeque::new(), HashMap::new(), Bodies::with_most(bodies));
        Kept { capacity, began: Instant::now(), entries, next_seq: 0, of_request, bodies }
    }

    /// How long the trace has been there.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Adds an entry; its place.
    pub(super) fn push(&mut self, what: What) -> u64 {
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
        let (seq, body) = (entry.seq, entry.body_size());
        self.entries.push_back(Timed { at: self.began.elapsed(), entry });
        self.keep_body(seq, body);
        seq
    }

    /// The body of this hop is on its way; none where it is not to be kept.
    pub(super) fn begin_body(&mut self, seq: u64) -> Option<Taken> {
        self.hop_mut(seq).filter(|hop| hop.may_show_body())?;
        Some(self.bodies.begin(seq))
    }

    /// It is on its way no more.
    pub(super) fn end_body(&mut self, seq: u64, end: BodyEnd) {
        let Some(taken) = self.bodies.end(seq, self.capacity) else { return };
        let Some(hop) = self.hop_mut(seq) else { return };
        hop.body = taken.body(end);
        let size = hop.body.as_ref().map_or(0, |body| body.size());
        self.keep_body(seq, size);
    }

    /// The requests of which a body ended, from the place `from` among these ends on, each with its place.
    pub(super) fn ended_bodies(&self, from: u64) -> impl Iterator<Item = (u64, Option<&str>)> {
        self.bodies.ended(from).map(|(place, seq)| (place, self.at(seq).and_then(|timed| timed.entry.trace_id())))
    }

    /// As it is by now: with as much of its body as has gone by.
    pub(super) fn now(&self, timed: &Timed) -> Timed {
        let mut timed = timed.clone();
        if let (What::Hop(hop), Some(taken)) = (&mut timed.entry.what, self.bodies.on_the_way(timed.entry.seq)) {
            hop.body = taken.body(BodyEnd::GoingOn);
        }
        timed
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

    fn hop_mut(&mut self, seq: u64) -> Option<&mut Hop> {
        let place = usize::try_from(seq.checked_sub(self.first_seq())?).ok()?;
        match &mut self.entries.get_mut(place)?.entry.what {
            What::Hop(hop) => Some(hop),
            What::Signature(_) => None,
        }
    }

    fn keep_body(&mut self, seq: u64, size: usize) {
        for oldest in self.bodies.keep(seq, size) {
            if let Some(body) = self.hop_mut(oldest).and_then(|hop| hop.body.as_mut()) {
                body.let_go();
            }
        }
    }

    fn first_seq(&self) -> u64 {
        self.next_seq - self.entries.len() as u64
    }

    fn drop_oldest(&mut self) {
        let Some(Timed { entry, .. }) = self.entries.pop_front() else { return };
        self.bodies.forget(entry.seq);
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
    use crate::trace::{Body, Party};

    fn push(kept: &mut Kept, id: Option<&str>) {
        let hop = Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/", &http::HeaderMap::new());
        kept.push(What::Hop(Hop { trace_id: id.map(str::to_owned), ..hop }));
    }

    fn seqs<'a>(entries: impl Iterator<Item = &'a Timed>) -> Vec<u64> {
        entries.map(|timed| timed.entry.seq).collect()
    }

    #[test]
    fn entries_are_found_by_place_and_by_request_also_when_the_oldest_are_gone() {
        let mut kept = Kept::with_capacity(4, MOST);
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

    /// One that came at once.
    fn push_body(kept: &mut Kept, body: &str) -> u64 {
        let hop = Hop::request(Party::Outside, Party::proxy("bob"), "POST", "/", &http::HeaderMap::new());
        kept.push(What::Hop(hop.with_body(Body::arrived(body.as_bytes(), body.len() as u64, true))))
    }

    /// One that goes by in pieces.
    fn pass_body(kept: &mut Kept, pieces: &[&str], end: BodyEnd) -> u64 {
        let seq = push_body(kept, "");
        let taken = kept.begin_body(seq).unwrap();
        for piece in pieces {
            taken.add(piece.as_bytes());
        }
        kept.end_body(seq, end);
        seq
    }

    fn bodies(kept: &Kept) -> Vec<Option<String>> {
        let body = |timed: &Timed| match kept.now(timed).entry.what {
            What::Hop(hop) => hop.body.map(|body| body.to_string()),
            What::Signature(_) => None,
        };
        kept.from(0).map(body).collect()
    }

    #[test]
    fn the_bodies_of_the_oldest_hops_are_let_go_first() {
        let mut kept = Kept::with_capacity(4, 10);
        push_body(&mut kept, "12345");
        push_body(&mut kept, "");
        pass_body(&mut kept, &["12", "34"], BodyEnd::Complete);
        let whole = |text: &str| Some(format!("{text} ({} bytes)", text.len()));
        assert_eq!(bodies(&kept), [whole("12345"), None, whole("1234")]);
        pass_body(&mut kept, &["12"], BodyEnd::Complete);
        assert_eq!(bodies(&kept), [Some("5 bytes".to_owned()), None, whole("1234"), whole("12")]);
        // What goes with its hop makes room.
        (0..3).for_each(|_| push(&mut kept, None));
        push_body(&mut kept, "12345678");
        assert_eq!(bodies(&kept), [None, None, None, whole("12345678")]);
        kept.bodies.forget(kept.next_seq - 1);
        assert_eq!(pass_body(&mut kept, &["1234567890"], BodyEnd::Complete), kept.next_seq - 1);
        assert_eq!(bodies(&kept)[3], whole("1234567890"), "nothing else counts any more");
    }

    #[test]
    fn a_body_on_its_way_is_shown_as_far_as_it_came() {
        let mut kept = Kept::with_capacity(2, MOST);
        let seq = push_body(&mut kept, "");
        let taken = kept.begin_body(seq).unwrap();
        assert_eq!(bodies(&kept), [Some("0 bytes so far".to_owned())]);
        taken.add(b"one");
        assert_eq!(bodies(&kept), [Some("one (3 bytes so far)".to_owned())]);
        taken.add(b"two");
        kept.end_body(seq, BodyEnd::BrokenOff);
        assert_eq!(bodies(&kept), [Some("onetwo (6 bytes, then it broke off)".to_owned())]);
        // Of one whose hop is gone nothing is left.
        let seq = push_body(&mut kept, "");
        kept.begin_body(seq).unwrap().add(b"three");
        (0..2).for_each(|_| push(&mut kept, None));
        kept.end_body(seq, BodyEnd::Complete);
        assert_eq!(bodies(&kept), [None, None]);
        assert!(kept.bodies.on_the_way(seq).is_none());
    }

    #[test]
    fn ends_are_found_by_their_place_also_when_the_oldest_are_forgotten() {
        let mut kept = Kept::with_capacity(2, MOST);
        for _ in 0..2 {
            pass_body(&mut kept, &[], BodyEnd::Complete);
        }
        let places = |kept: &Kept, from| kept.ended_bodies(from).map(|(place, _)| place).collect::<Vec<_>>();
        assert_eq!((places(&kept, 0), places(&kept, 1), places(&kept, 2)), (vec![0, 1], vec![1], vec![]));
        assert_eq!(bodies(&kept), [None, None], "there was nothing in them");
        for _ in 0..3 {
            pass_body(&mut kept, &["x"], BodyEnd::Complete);
        }
        assert_eq!((places(&kept, 0), places(&kept, 4), places(&kept, 9)), (vec![3, 4], vec![4], vec![]));
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
