//! Takes the beginning of a body as it passes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Trace;
use super::body::{Body, BodyEnd, EXCERPT};

/// Sees the pieces of a body before they go on, and keeps the first bytes. The hop has what came so far at any time, and
/// all of it before the last piece goes on: whoever has the whole message finds it in the trace. Dropped before its end, the
/// body broke off. The default one takes nothing.
#[derive(Debug, Default)]
pub(crate) struct Tap(Option<Opened>);

#[derive(Debug)]
struct Opened {
    trace: Trace,
    seq: u64,
    taken: Taken,
    expected: Option<u64>,
}

impl Tap {
    pub(super) fn new(trace: Trace, seq: u64, taken: Taken) -> Tap {
        Tap(Some(Opened { trace, seq, taken, expected: None }))
    }

    /// With so many bytes it is complete.
    #[must_use]
    pub(crate) fn expecting(mut self, length: u64) -> Tap {
        if let Some(opened) = &mut self.0 {
            opened.expected = Some(length);
        }
        self
    }

    /// This piece goes on next.
    pub(crate) fn take(&mut self, piece: &[u8]) {
        let Some(opened) = &self.0 else { return };
        let length = opened.taken.add(piece);
        if opened.expected == Some(length) {
            self.end();
        }
    }

    /// The end of the body goes on next.
    pub(crate) fn end(&mut self) {
        self.close(BodyEnd::Complete);
    }

    /// No more will come.
    pub(crate) fn break_off(&mut self) {
        self.close(BodyEnd::BrokenOff);
    }

    fn close(&mut self, end: BodyEnd) {
        if let Some(opened) = self.0.take() {
            opened.trace.close_body(opened.seq, end);
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.break_off();
    }
}

/// What went by of a body. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Excerpt>>);

#[derive(Debug, Default)]
struct Excerpt {
    beginning: Vec<u8>,
    length: u64,
}

impl Taken {
    /// One more piece; the length with it.
    pub(super) fn add(&self, piece: &[u8]) -> u64 {
        let mut excerpt = self.excerpt();
        let wanted = (EXCERPT - excerpt.beginning.len()).min(piece.len());
        excerpt.beginning.extend_from_slice(&piece[..wanted]);
        excerpt.length += piece.len() as u64;
        excerpt.length
    }

    /// As a body; none where it is complete and there is nothing in it.
    pub(super) fn body(&self, end: BodyEnd) -> Option<Box<Body>> {
        let excerpt = self.excerpt();
        let is_empty = excerpt.length == 0 && end == BodyEnd::Complete;
        (!is_empty).then(|| Box::new(Body::new(&excerpt.beginning, excerpt.length, end)))
    }

    fn excerpt(&self) -> MutexGuard<'_, Excerpt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_body_without_end_the_beginning_alone_is_held() {
        let taken = Taken::default();
        for piece in 1..=100 {
            assert_eq!(taken.add(&[b'a'; 1000]), piece * 1000);
        }
        assert_eq!(taken.excerpt().beginning.len(), EXCERPT);
        assert_eq!(taken.body(BodyEnd::BrokenOff).unwrap().left_out, 100_000 - EXCERPT as u64);
    }
}
