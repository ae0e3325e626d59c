//! Lines of bounded length, and the end of what a child says on standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _};

/// So much of standard error is kept.
const TAIL: usize = 4 << 10;
/// And shown: so many lines of it.
const TAIL_LINES: usize = 15;

/// There is no next line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineError {
    /// The end, or an error, which comes to the same.
    End {
        /// What stood there without a line end.
        rest: Vec<u8>,
    },
    /// More than is taken.
    TooLong {
        /// As far as it was read.
        beginning: Vec<u8>,
    },
}

/// Reads lines.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    from: R,
    limit: usize,
}

impl<R: AsyncBufRead + Unpin> LineReader<R> {
    pub(super) fn new(from: R, limit: usize) -> LineReader<R> {
        LineReader { from, limit }
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, LineError> {
        let mut line = Vec::new();
        loop {
            let available = match self.from.fill_buf().await {
                Ok([]) | Err(_) => return Err(LineError::End { rest: line }),
                Ok(available) => available,
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&available[..end.unwrap_or(available.len())]);
            let used = end.map_or(available.len(), |end| end + 1);
            self.from.consume(used);
            if line.len() > self.limit {
                return Err(LineError::TooLong { beginning: line });
            }
            if end.is_some() {
                line.pop_if(|byte| *byte == b'\r');
                return Ok(line);
            }
        }
    }
}

/// The last bytes of what was said.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<VecDeque<u8>>);

impl Tail {
    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(bytes);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }

    /// The last lines, readable.
    pub(super) fn text(&self) -> String {
        let kept: Vec<u8> = self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<&str> = text.trim_end().lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

/// Keeps the end of what is said until nothing more comes.
pub(super) async fn keep_tail(mut from: impl AsyncRead + Unpin, tail: Arc<Tail>) {
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        tail.add(&piece[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_have_an_end_and_a_limit() {
        let mut lines = LineReader::new(b"one\r\n\ntwo\nmuch too long\n".as_slice(), 4);
        assert_eq!(lines.next().await, Ok(b"one".to_vec()));
        assert_eq!(lines.next().await, Ok(Vec::new()));
        assert_eq!(lines.next().await, Ok(b"two".to_vec()));
        assert_eq!(lines.next().await, Err(LineError::TooLong { beginning: b"much too long".to_vec() }));
        let mut lines = LineReader::new(b"rest".as_slice(), 4);
        assert_eq!(lines.next().await, Err(LineError::End { rest: b"rest".to_vec() }));
    }

    #[tokio::test]
    async fn the_end_of_what_was_said_is_kept() {
        let tail = Arc::new(Tail::default());
        let said: String = (0..2000).map(|n| format!("line {n}\n")).collect();
        keep_tail(said.as_bytes(), Arc::clone(&tail)).await;
        let text = tail.text();
        assert!(text.starts_with("line 1985\n") && text.ends_with("line 1999"), "{text}");
    }
}
