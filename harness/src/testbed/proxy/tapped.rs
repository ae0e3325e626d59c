//! A body that is put down in the trace as it passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::trace::{Tap, Trace};

/// A body with a tap: what is known of it stands in the trace before its last frame is handed on.
pub(super) struct Tapped<B> {
    inner: B,
    tap: Tap,
}

impl<B> Tapped<B> {
    /// One that passes without a trace.
    pub(super) fn untapped(inner: B) -> Tapped<B> {
        Tapped { inner, tap: Tap::default() }
    }
}

impl<B: HttpBody> Tapped<B> {
    /// The body of the hop at this place.
    pub(super) fn new(inner: B, trace: &Trace, seq: u64) -> Tapped<B> {
        let tap = match inner.size_hint().exact() {
            _ if inner.is_end_stream() => Tap::default(),
            Some(0) => Tap::default(),
            // Where the length is known, whoever takes it does not ask for more.
            Some(length) => trace.tap(seq).expecting(length),
            None => trace.tap(seq),
        };
        Tapped { inner, tap }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Tapped<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &frame {
            None => this.tap.end(),
            Some(Err(_)) => this.tap.break_off(),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.tap.take(data);
                }
                // Nobody asks for a frame after the last one.
                if frame.is_trailers() || this.inner.is_end_stream() {
                    this.tap.end();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;
    use crate::trace::{Hop, Party, What};

    fn tapped<B: HttpBody>(trace: &Trace, body: B) -> Tapped<B> {
        let hop = Hop::request(Party::Outside, Party::proxy("bob"), "POST", "/", &http::HeaderMap::new());
        let seq = trace.record(hop);
        Tapped::new(body, trace, seq)
    }

    fn seen(trace: &Trace) -> String {
        match trace.entries().remove(0).what {
            What::Hop(hop) => hop.body.unwrap().to_string(),
            What::Signature(_) => String::new(),
        }
    }

    /// A body of these frames, of which nobody knows which is the last.
    fn frames(
        frames: impl IntoIterator<Item = Result<Frame<Bytes>, &'static str>>,
    ) -> impl HttpBody<Data = Bytes, Error = &'static str> + Unpin {
        StreamBody::new(futures_util::stream::iter(frames.into_iter().collect::<VecDeque<_>>()))
    }

    #[tokio::test]
    async fn a_body_is_known_whole_with_the_last_frame_that_is_asked_for() {
        let trace = Trace::new();
        let mut known = tapped(&trace, Full::new(Bytes::from_static(b"hello")));
        known.frame().await.unwrap().unwrap();
        assert_eq!(seen(&trace), "hello (5 bytes)", "the length was known");

        let trace = Trace::new();
        let data = |text: &'static str| Ok(Frame::data(Bytes::from_static(text.as_bytes())));
        let mut streamed = tapped(&trace, frames([data("one"), data("two")]));
        streamed.frame().await.unwrap().unwrap();
        assert_eq!(seen(&trace), "one (3 bytes so far)");
        streamed.frame().await.unwrap().unwrap();
        assert_eq!(seen(&trace), "onetwo (6 bytes so far)");
        assert!(streamed.frame().await.is_none());
        assert_eq!(seen(&trace), "onetwo (6 bytes)");

        let trace = Trace::new();
        let mut with_trailers = tapped(&trace, frames([data("one"), Ok(Frame::trailers(http::HeaderMap::new()))]));
        with_trailers.frame().await.unwrap().unwrap();
        with_trailers.frame().await.unwrap().unwrap();
        assert_eq!(seen(&trace), "one (3 bytes)");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_or_is_not_read_says_so() {
        let trace = Trace::new();
        let mut broken = tapped(&trace, frames([Ok(Frame::data(Bytes::from_static(b"on"))), Err("gone")]));
        broken.frame().await.unwrap().unwrap();
        broken.frame().await.unwrap().unwrap_err();
        assert_eq!(seen(&trace), "on (2 bytes, then it broke off)");

        let trace = Trace::new();
        drop(tapped(&trace, Full::new(Bytes::from_static(b"hello"))));
        assert_eq!(seen(&trace), "0 bytes, then it broke off");
    }
}
