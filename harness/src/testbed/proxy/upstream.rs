//! Requests to the Core and to apps: HTTP/1.1, a connection for each, streaming both ways.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fields::clean_trailers;
use super::refuse::Refusal;
use super::tasks::{Owned, Tasks};
use super::timer::Timer;
use crate::testbed::faults::{Faults, ProxyFault};

/// A body on its way, in either direction.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// RFC 9110 §10.1.1: who waits for a 100 does not wait for ever.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// No body.
pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// How long an upstream may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    /// For the head of the answer, after the request's last byte.
    pub(super) answer: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    Unreachable(String),
    Silent,
}

/// An answer and the task that drives its connection.
pub(super) struct Answered {
    pub(super) response: Response<Incoming>,
    pub(super) driver: Owned,
}

/// Sends `request` to `address` and waits for the head of the answer. `progress` counts what has gone of the body.
pub(super) async fn send(
    address: SocketAddr,
    request: Request<Body>,
    progress: &AtomicU64,
    patience: Patience,
    tasks: &Tasks,
) -> Result<Answered, SendError> {
    let unreachable = |error: &dyn StdError| SendError::Unreachable(error.to_string());
    let connect = timeout(patience.connect, TcpStream::connect(address));
    let stream = connect.await.map_err(|_| SendError::Silent)?.map_err(|error| unreachable(&error))?;
    // Small messages must not wait for each other.
    stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
    let handshake = http1::Builder::new().max_buf_size(256 * 1024).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|error| unreachable(&error))?;
    let driver = tasks.spawn_owned(async move {
        // An error shows on the answer, or on its body.
        let _ = connection.with_upgrades().await;
    });
    let mut sending = pin!(sender.send_request(request));
    loop {
        let gone = progress.load(Ordering::Relaxed);
        match timeout(patience.answer, &mut sending).await {
            Ok(Ok(response)) => return Ok(Answered { response, driver }),
            Ok(Err(error)) => return Err(unreachable(&error)),
            Err(_) if progress.load(Ordering::Relaxed) != gone => (),
            Err(_) => return Err(SendError::Silent),
        }
    }
}

/// The body of an answer, which keeps its connection going as long as it is read.
pub(super) struct AnswerBody {
    incoming: Incoming,
    faults: Faults,
    _driver: Owned,
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, driver: Owned, faults: Faults) -> AnswerBody {
        AnswerBody { incoming, faults, _driver: driver }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
            Some(Ok(frame)) if frame.is_trailers() && this.faults.has(ProxyFault::DropsTrailers) => Poll::Ready(None),
            other => Poll::Ready(other.map(|frame| frame.map_err(BoxError::from))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// What became of a caller's body, and how much of it has gone on.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate {
    pub(super) progress: Arc<AtomicU64>,
    end: Arc<AtomicU8>,
}

impl Fate {
    /// The refusal that the body's own fault deserves.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.end.load(Ordering::Relaxed) {
            1 => Some(Refusal::BodyBroken),
            2 => Some(Refusal::BodySilent),
            _ => None,
        }
    }
}

/// A caller's body on its way up: bounded in its pauses, cleaned in its trailers, held back until it is wanted.
pub(super) struct CallerBody<B> {
    inner: B,
    gate: Option<Gate>,
    idle: Duration,
    timer: Option<Timer>,
    fate: Fate,
    faults: Faults,
}

/// Opens when the app says `100 Continue`, or after a while.
pub(super) struct Gate {
    opened: oneshot::Receiver<()>,
    timer: Option<Timer>,
}

impl Gate {
    pub(super) fn new() -> (oneshot::Sender<()>, Gate) {
        let (open, opened) = oneshot::channel();
        (open, Gate { opened, timer: None })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Dropped unopened means that no 100 will come: then it is the timer's turn.
        if let Poll::Ready(Ok(())) = Pin::new(&mut self.opened).poll(cx) {
            return Poll::Ready(());
        }
        self.timer.get_or_insert_with(|| Timer::after(CONTINUE_WAIT)).poll(cx)
    }
}

impl<B> CallerBody<B> {
    pub(super) fn new(inner: B, gate: Option<Gate>, idle: Duration, fate: Fate, faults: Faults) -> CallerBody<B> {
        CallerBody { inner, gate, idle, timer: None, fate, faults }
    }
}

impl<B> HttpBody for CallerBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Some(gate) = &mut this.gate {
            ready!(gate.poll(cx));
            this.gate = None;
        }
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            let idle = this.idle;
            ready!(this.timer.get_or_insert_with(|| Timer::after(idle)).poll(cx));
            this.fate.end.store(2, Ordering::Relaxed);
            return Poll::Ready(Some(Err("the body did not go on".into())));
        };
        this.timer = None;
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame = frame.map_err(|error| {
            this.fate.end.store(1, Ordering::Relaxed);
            error.into()
        })?;
        match frame.into_trailers() {
            Ok(_) if this.faults.has(ProxyFault::DropsTrailers) => Poll::Ready(None),
            Ok(mut trailers) => {
                clean_trailers(&mut trailers, this.faults);
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Err(data) => {
                this.fate.progress.fetch_add(1, Ordering::Relaxed);
                Poll::Ready(Some(Ok(data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
