//! Bodies of calls that were made on someone's order, so that they can be made again.

use std::collections::VecDeque;

/// A body longer than this is not kept, in bytes.
const LONGEST: usize = 64 << 10;
/// How many are kept; the oldest go first.
const MOST: usize = 200;

#[derive(Debug, Default)]
pub(super) struct KeptBodies(VecDeque<(String, String)>);

impl KeptBodies {
    /// Only texts are kept: the page could not show others.
    pub(super) fn keep(&mut self, trace_id: &str, body: &[u8]) {
        let Ok(text) = std::str::from_utf8(body) else { return };
        if text.is_empty() || text.len() > LONGEST {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((trace_id.to_owned(), text.to_owned()));
    }

    pub(super) fn of(&self, trace_id: &str) -> Option<String> {
        self.0.iter().rev().find(|(id, _)| id == trace_id).map(|(_, body)| body.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_kept_the_latest_ones() {
        let mut bodies = KeptBodies::default();
        bodies.keep("a", b"hello");
        bodies.keep("b", b"\xff");
        bodies.keep("c", &[b'x'; LONGEST + 1]);
        assert_eq!(bodies.of("a").as_deref(), Some("hello"));
        assert_eq!((bodies.of("b"), bodies.of("c")), (None, None));
        for n in 0..MOST {
            bodies.keep(&format!("n{n}"), b"x");
        }
        assert_eq!(bodies.of("a"), None);
    }
}
