//! Sends one signed request to a peer and hands back the answer as it streams in.
//!
//! A connection carries one request at a time, also under HTTP/2: an app that reads its answer slowly would otherwise
//! hold up the flow-control window that others share (CALL-10). Nothing is ever sent twice; redirects are answers like
//! any other (CALL-7).

use std::{
    collections::HashMap,
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version, header, uri};
use http_body::{Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, Sleep, timeout};

use crate::{
    clock::Clock,
    connect::{Connect, Destination, SendError, Timeouts},
    spool::{Progress, Spooled, SpooledBody},
    tasks::Tasks,
};

/// How many idle connections are kept to one destination, and in all.
const IDLE_EACH: usize = 4;
const IDLE_ALL: usize = 64;
/// How long an idle connection may be used again: shorter than proxies commonly keep theirs, so that a request rarely
/// meets one that is being closed.
const IDLE_FOR: Duration = Duration::from_secs(10);
const MAX_ANSWER_FIELDS: usize = 256;
const MAX_ANSWER_HEAD: usize = 256 * 1024;

/// A request that is ready to leave.
#[derive(Debug)]
pub struct Outgoing {
    /// Where to.
    pub destination: Destination,
    /// The method.
    pub method: Method,
    /// Path and query, byte for byte.
    pub target: String,
    /// The fields, signatures among them; neither Host nor any framing.
    pub fields: HeaderMap,
    /// The body.
    pub body: Spooled,
}

/// Sends requests to other Portals.
#[async_trait]
pub trait Transport: Send + Sync + Debug {
    /// Sends `request` once and answers with whatever the peer answers.
    ///
    /// # Errors
    /// When there is no answer.
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError>;
}

/// Sends over TLS, HTTP/2 or HTTP/1.1 as negotiated.
#[derive(Clone, Debug)]
pub struct HttpsTransport {
    connect: Connect,
    timeouts: Timeouts,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    title_case_fields: bool,
    idle: Arc<Mutex<Idle>>,
}

#[derive(Debug, Default)]
struct Idle {
    closed: bool,
    count: usize,
    connections: HashMap<Destination, Vec<Resting>>,
}

#[derive(Debug)]
struct Resting {
    sender: Sender,
    since: Instant,
    since_wall: SystemTime,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<SpooledBody>),
    Http2(http2::SendRequest<SpooledBody>),
}

/// The head of an answer, or the request back where nothing of it was sent.
type Answered = Result<Response<Incoming>, TrySendError<Request<SpooledBody>>>;

impl HttpsTransport {
    pub(crate) fn new(connect: Connect, timeouts: Timeouts, clock: Arc<dyn Clock>, tasks: Tasks) -> Self {
        HttpsTransport { connect, timeouts, clock, tasks, title_case_fields: false, idle: Arc::default() }
    }

    /// The same, with the names of fields written in this way over HTTP/1.1.
    pub(crate) fn title_case_fields(self, title_case_fields: bool) -> Self {
        HttpsTransport { title_case_fields, ..self }
    }

    /// Closes idle connections and keeps none from now on.
    pub(crate) fn close(&self) {
        let mut idle = self.idle();
        idle.closed = true;
        idle.connections.clear();
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        let now = self.clock.now();
        let mut idle = self.idle();
        idle.connections.retain(|_, resting| {
            resting.retain(|one| one.is_usable(now));
            !resting.is_empty()
        });
        idle.count = idle.connections.values().map(Vec::len).sum();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self, destination: &Destination) -> Option<Sender> {
        let now = self.clock.now();
        let mut idle = self.idle();
        while let Some(resting) = idle.connections.get_mut(destination).and_then(Vec::pop) {
            idle.count = idle.count.saturating_sub(1);
            if resting.is_usable(now) {
                return Some(resting.sender);
            }
        }
        None
    }

    fn put_back(&self, destination: &Destination, sender: Sender) {
        let since_wall = self.clock.now();
        let mut idle = self.idle();
        if idle.closed || idle.count >= IDLE_ALL {
            return;
        }
        let resting = idle.connections.entry(destination.clone()).or_default();
        if resting.len() < IDLE_EACH {
            resting.push(Resting { sender, since: Instant::now(), since_wall });
            idle.count += 1;
        }
    }

    async fn open(&self, destination: &Destination) -> Result<Sender, SendError> {
        let stream = self.connect.open(destination).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2".as_slice());
        let broken =
            |error: hyper::Error| SendError::Broken { destination: destination.clone(), reason: describe(&error) };
        let io = TokioIo::new(stream);
        if is_http2 {
            let (sender, connection) = http2::Builder::new(self.tasks.clone())
                .timer(TokioTimer::new())
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(1 << 20)
                .max_header_list_size(u32::try_from(MAX_ANSWER_HEAD).unwrap_or(u32::MAX))
                .handshake(io)
                .await
                .map_err(broken)?;
            self.tasks.spawn(async move {
                let _ = connection.await;
            });
            Ok(Sender::Http2(sender))
        } else {
            let (sender, connection) = http1::Builder::new()
                .max_headers(MAX_ANSWER_FIELDS)
                .max_buf_size(MAX_ANSWER_HEAD)
                .title_case_headers(self.title_case_fields)
                .handshake(io)
                .await
                .map_err(broken)?;
            self.tasks.spawn(async move {
                let _ = connection.await;
            });
            Ok(Sender::Http1(sender))
        }
    }

    /// Waits for the head of the answer, for as long as the peer goes on taking the request.
    async fn answer<E>(
        &self,
        destination: &Destination,
        progress: &Progress,
        answer: impl Future<Output = Result<Response<Incoming>, E>>,
    ) -> Result<Result<Response<Incoming>, E>, SendError> {
        let mut answer = std::pin::pin!(answer);
        let waited = self.timeouts.answer;
        loop {
            let taken = progress.bytes();
            match timeout(waited, answer.as_mut()).await {
                Ok(answer) => return Ok(answer),
                Err(_) if progress.bytes() > taken => {}
                Err(_) => return Err(SendError::Silent { destination: destination.clone(), waited }),
            }
        }
    }
}

#[async_trait]
impl Transport for HttpsTransport {
    async fn send(&self, request: Outgoing) -> Result<Response<Body>, SendError> {
        let Outgoing { destination, method, target, fields, body } = request;
        let progress = Progress::default();
        let mut body = Some(body.into_body(progress.clone()));
        loop {
            let (mut sender, reused) = match self.take_idle(&destination) {
                Some(sender) => (sender, true),
                None => (self.open(&destination).await?, false),
            };
            let message =
                sender.message(&destination, &method, &target, &fields, body.take().unwrap_or_else(nothing))?;
            match self.answer(&destination, &progress, sender.send(message)).await? {
                Ok(answer) => {
                    let lease = Lease { transport: self.clone(), destination, sender: Some(sender) };
                    return Ok(answer.map(|inner| Body::new(Answer::new(inner, lease, self.timeouts.stream_idle))));
                }
                Err(mut error) => match error.take_message() {
                    // The connection had gone before any of the request was written: nothing has been sent.
                    Some(message) if reused && progress.bytes() == 0 => body = Some(message.into_body()),
                    _ => return Err(SendError::Broken { destination, reason: describe(error.error()) }),
                },
            }
        }
    }
}

fn nothing() -> SpooledBody {
    Spooled::empty().into_body(Progress::default())
}

fn describe(error: &hyper::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

impl Resting {
    /// The clock may have been set meanwhile: then the certificate wants to be seen again.
    fn is_usable(&self, now: SystemTime) -> bool {
        let wall = now.duration_since(self.since_wall).unwrap_or_else(|error| error.duration());
        self.since.elapsed() < IDLE_FOR && wall < IDLE_FOR && self.sender.is_ready()
    }
}

impl Sender {
    fn is_ready(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    fn send(&mut self, message: Request<SpooledBody>) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
        match self {
            Sender::Http1(sender) => Box::pin(sender.try_send_request(message)),
            Sender::Http2(sender) => Box::pin(sender.try_send_request(message)),
        }
    }

    fn message(
        &self,
        destination: &Destination,
        method: &Method,
        target: &str,
        fields: &HeaderMap,
        body: SpooledBody,
    ) -> Result<Request<SpooledBody>, SendError> {
        let unsendable = |reason: String| SendError::Broken { destination: destination.clone(), reason };
        let authority = destination.authority();
        let mut message = Request::new(body);
        *message.method_mut() = method.clone();
        match self {
            Sender::Http1(_) => {
                *message.uri_mut() = Uri::try_from(target).map_err(|error| unsendable(error.to_string()))?;
                let host = HeaderValue::try_from(authority).map_err(|error| unsendable(error.to_string()))?;
                message.headers_mut().insert(header::HOST, host);
                // RFC 9110 §10.1.4: who sends TE also says so in Connection.
                if fields.contains_key(header::TE) {
                    message.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("te"));
                }
            }
            Sender::Http2(_) => {
                *message.version_mut() = Version::HTTP_2;
                *message.uri_mut() = uri::Builder::new()
                    .scheme(uri::Scheme::HTTPS)
                    .authority(authority)
                    .path_and_query(target)
                    .build()
                    .map_err(|error| unsendable(error.to_string()))?;
            }
        }
        for (name, value) in fields {
            message.headers_mut().append(name, value.clone());
        }
        Ok(message)
    }
}

/// A connection in use; goes back when the answer has been read to its end.
struct Lease {
    transport: HttpsTransport,
    destination: Destination,
    sender: Option<Sender>,
}

impl Lease {
    fn give_back(&mut self) {
        if let Some(sender) = self.sender.take() {
            self.transport.put_back(&self.destination, sender);
        }
    }
}

/// The body of an answer, which holds on to its connection.
struct Answer {
    inner: Incoming,
    lease: Lease,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Answer {
    fn new(inner: Incoming, mut lease: Lease, idle: Duration) -> Self {
        if http_body::Body::is_end_stream(&inner) {
            lease.give_back();
        }
        Answer { inner, lease, idle, deadline: Box::pin(tokio::time::sleep_until(Instant::now() + idle)) }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.deadline.as_mut().reset(Instant::now() + this.idle);
                if this.inner.is_end_stream() {
                    this.lease.give_back();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.lease.give_back();
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(this.deadline.as_mut().poll(cx));
                Poll::Ready(Some(Err(
                    format!("{} paused for {:?} in its answer", this.lease.destination, this.idle).into()
                )))
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
