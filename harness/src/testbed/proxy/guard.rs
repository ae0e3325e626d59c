//! Stands between a connection's bytes and hyper: each head is judged by [`head`](super::head) before hyper reads it.
//!
//! A refused head never reaches hyper. In its place hyper gets a harmless one, and the service finds the refusal as the
//! verdict on this request; nothing more is read from such a connection.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::chunked::Chunked;
use super::head::{self, Framing, Head};
use super::lenient;
use super::refuse::Refusal;
use super::timer::Timer;
use crate::testbed::faults::Faults;

/// What hyper reads instead of a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\n\r\n";
const PIECE: usize = 16 * 1024;
/// How long a closed connection is read on, so that the answer is not lost by a reset, and how much of it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 16 << 20;

/// What the guard allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardLimits {
    pub(super) head_bytes: usize,
    pub(super) fields: usize,
    /// How long a caller may take no byte of an answer.
    pub(super) write_stall: Duration,
}

/// The verdicts on the heads of one connection, in their order.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    heads: VecDeque<Result<Head, Refusal>>,
    tunnel: Option<bool>,
    waiting: Option<Waker>,
}

impl Verdicts {
    /// The verdict on the request that hyper hands out now: it hands out one for each head, in order.
    pub(super) fn next(&self) -> Option<Result<Head, Refusal>> {
        self.lock().heads.pop_front()
    }

    /// Says what became of a WebSocket handshake: until then nothing that follows it is read as anything.
    pub(super) fn settle(&self, tunnel: bool) {
        let mut shared = self.lock();
        shared.tunnel = Some(tunnel);
        if let Some(waiting) = shared.waiting.take() {
            waiting.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose heads are judged.
pub(super) struct Guard<S> {
    inner: S,
    verdicts: Arc<Verdicts>,
    limits: GuardLimits,
    /// As they are at the moment: each head is judged by them.
    faults: Box<dyn Fn() -> Faults + Send>,
    state: State,
    /// Read, but not judged.
    raw: BytesMut,
    /// How much of `raw` was searched for the end of a head.
    searched: usize,
    /// Judged, for hyper.
    ready: BytesMut,
    ended: bool,
    stalled: Option<Timer>,
    lingering: Option<(Timer, usize)>,
}

#[derive(Debug)]
enum State {
    Head,
    Body(u64),
    Chunked(Chunked),
    Handshake,
    Tunnel,
    Refused,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    pub(super) fn new(
        inner: S,
        limits: GuardLimits,
        faults: impl Fn() -> Faults + Send + 'static,
    ) -> (Guard<S>, Arc<Verdicts>) {
        let verdicts = Arc::new(Verdicts::default());
        let guard = Guard {
            inner,
            verdicts: verdicts.clone(),
            limits,
            faults: Box::new(faults),
            state: State::Head,
            raw: BytesMut::new(),
            searched: 0,
            ready: BytesMut::new(),
            ended: false,
            stalled: None,
            lingering: None,
        };
        (guard, verdicts)
    }

    /// For HTTP/2, whose frames leave no room for a second reading: only slow takers are bounded.
    pub(super) fn transparent(inner: S, limits: GuardLimits) -> Guard<S> {
        let (guard, _) = Guard::new(inner, limits, || Faults::NONE);
        Guard { state: State::Tunnel, ..guard }
    }

    /// Moves what can be judged from `raw` to `ready`. Whether there may be more to judge in what is left.
    fn judge(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        match &mut self.state {
            State::Head => self.judge_head(),
            State::Body(left) => {
                let part = usize::try_from(*left).unwrap_or(usize::MAX).min(self.raw.len());
                *left -= part as u64;
                if *left == 0 {
                    self.state = State::Head;
                }
                self.ready.unsplit(self.raw.split_to(part));
            }
            State::Chunked(chunked) => {
                let part = chunked.advance(&self.raw).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                if chunked.is_done() {
                    self.state = State::Head;
                }
                self.ready.unsplit(self.raw.split_to(part));
            }
            State::Handshake => {
                let mut shared = self.verdicts.lock();
                match shared.tunnel.take() {
                    None => shared.waiting = Some(cx.waker().clone()),
                    settled => {
                        self.state = if settled == Some(true) { State::Tunnel } else { State::Head };
                        return Ok(true);
                    }
                }
            }
            State::Tunnel => self.ready.unsplit(self.raw.split()),
            State::Refused => self.raw.clear(),
        }
        Ok(false)
    }

    fn judge_head(&mut self) {
        // RFC 9112 §2.2: an empty line before a request is to be ignored.
        while self.raw.starts_with(b"\r\n") {
            self.raw.advance(2);
            self.searched = 0;
        }
        let faults = (self.faults)();
        let verdict = match head::find_end(&self.raw, self.searched, faults) {
            Ok(Some(end)) if end > self.limits.head_bytes => Err(Refusal::HeadTooLarge),
            Ok(None) if self.raw.len() > self.limits.head_bytes => Err(Refusal::HeadTooLarge),
            Ok(None) => {
                self.searched = self.raw.len();
                return;
            }
            Ok(Some(end)) => {
                let end = lenient::spelled_anew(&mut self.raw, end, faults);
                head::read(&self.raw[..end], self.limits.fields, faults).map(|head| (end, head))
            }
            Err(refusal) => Err(refusal),
        };
        self.searched = 0;
        let verdict = match verdict {
            Ok((end, head)) => {
                self.ready.unsplit(self.raw.split_to(end));
                self.state = match head.framing {
                    Framing::Chunked => State::Chunked(Chunked::default()),
                    Framing::Length(length) if length > 0 => State::Body(length),
                    Framing::Length(_) if head.upgrade => State::Handshake,
                    Framing::Length(_) => State::Head,
                };
                Ok(head)
            }
            Err(refusal) => {
                self.state = State::Refused;
                self.raw.clear();
                self.ready.extend_from_slice(STAND_IN);
                Err(refusal)
            }
        };
        self.verdicts.lock().heads.push_back(verdict);
    }

    /// Reads on after the answer until the caller has closed too, bounded: bytes that nobody read would make the
    /// kernel reset the connection, and the answer could be lost.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (timer, left) = self.lingering.get_or_insert_with(|| (Timer::after(LINGER), LINGER_BYTES));
        loop {
            if *left == 0 || timer.poll(cx).is_ready() {
                return Poll::Ready(());
            }
            self.raw.clear();
            self.raw.reserve(PIECE);
            match ready!(poll_read_buf(Pin::new(&mut self.inner), cx, &mut self.raw)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(read) => *left = left.saturating_sub(read),
            }
        }
    }

    /// Bounds how long a caller may refuse to take bytes.
    fn watch_stall<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.limits.write_stall;
        ready!(self.stalled.get_or_insert_with(|| Timer::after(limit)).poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready.is_empty() && !this.raw.is_empty() && this.judge(cx)? {
                continue;
            }
            if !this.ready.is_empty() {
                let part = this.ready.len().min(buf.remaining());
                buf.put_slice(&this.ready.split_to(part));
                return Poll::Ready(Ok(()));
            }
            if this.ended || matches!(this.state, State::Refused) {
                return Poll::Ready(Ok(()));
            }
            if matches!(this.state, State::Tunnel) && this.raw.is_empty() {
                return Pin::new(&mut this.inner).poll_read(cx, buf);
            }
            // Bytes behind a handshake are held, not piled up.
            if matches!(this.state, State::Handshake) && this.raw.len() >= PIECE {
                return Poll::Pending;
            }
            this.raw.reserve(PIECE);
            if ready!(poll_read_buf(Pin::new(&mut this.inner), cx, &mut this.raw))? == 0 {
                this.ended = true;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch_stall(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, bufs);
        this.watch_stall(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch_stall(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
            ready!(this.watch_stall(shut, cx))?;
        }
        // The other direction of a tunnel is still in use.
        if !this.ended && !matches!(this.state, State::Tunnel | State::Handshake) {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
