//! Listeners and connections: HTTP/1.1, bounded, finishing what is in flight when asked to stop.

use std::{
    convert::Infallible,
    fmt::Debug,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
pub use axum::{Error as BodyError, body::Body};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{limits::Limits, tasks::Tasks};

/// The pause after a failed accept, which is mostly about file descriptors that others have to give back first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a request came in; an extension of every request.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The address that the connection comes from.
    pub source: SocketAddr,
    /// The app whose door it is; none on the main listener.
    pub door: Option<Arc<str>>,
}

/// Something that answers requests: all of a Core's HTTP surface, or a part put around it.
#[async_trait]
pub trait Surface: Send + Sync + Debug {
    /// Answers one request. Its extensions hold an [`Arrived`].
    async fn answer(&self, request: Request<Body>) -> Response<Body>;
}

/// A listener with what it takes to serve it.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    pub(crate) door: Option<Arc<str>>,
    pub(crate) surface: Arc<dyn Surface>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) tasks: Tasks,
    pub(crate) title_case_fields: bool,
    /// Closes this listener alone.
    pub(crate) closed: CancellationToken,
}

impl Listening {
    /// Accepts until closed; every connection is a task.
    pub(crate) async fn accept(self) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.tasks.stopping() => return,
                () = self.closed.cancelled() => return,
                accepted = async {
                    let place = places.clone().acquire_owned().await;
                    (self.listener.accept().await, place)
                } => accepted,
            };
            match accepted {
                (Ok((stream, source)), Ok(place)) => {
                    let connection = self.connection(stream, source);
                    self.tasks.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                (Err(error), _) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    let _ = timeout(ACCEPT_PAUSE, self.tasks.stopping()).await;
                }
                (_, Err(_)) => return,
            }
        }
    }

    fn connection(&self, stream: TcpStream, source: SocketAddr) -> impl Future<Output = ()> + Send + 'static {
        let arrived = Arrived { source, door: self.door.clone() };
        let (surface, tasks) = (self.surface.clone(), self.tasks.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let surface = surface.clone();
            let expects = request.headers().contains_key(header::EXPECT);
            let tasks = tasks.clone();
            let mut request = request.map(|body| Body::new(Received { inner: Some(body), is_coming: !expects, tasks }));
            request.extensions_mut().insert(arrived.clone());
            async move { Ok::<_, Infallible>(surface.answer(request).await) }
        });
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_read)
            .max_headers(self.limits.header_fields)
            .max_buf_size(self.limits.header_bytes)
            .half_close(true)
            .title_case_headers(self.title_case_fields)
            // An answer of a peer's is handed back as it is; it has a Date of its own or none.
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service);
        let (tasks, closed) = (self.tasks.clone(), self.closed.clone());
        async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = async { tokio::select! { () = tasks.stopping() => (), () = closed.cancelled() => () } } => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%source, %error, "a connection ended early");
            }
        }
    }
}

/// How much of a body that nobody wanted is read, and for how long.
const DRAIN_BYTES: usize = 64 << 20;
const DRAIN_FOR: Duration = Duration::from_secs(10);

/// The body of a request. What is left of it when it is dropped is read on for a while: whoever is still sending would
/// otherwise see a broken connection instead of the answer that says why it is refused.
struct Received {
    inner: Option<Incoming>,
    /// Whether the sender sends without having been told to go on (`Expect: 100-continue`).
    is_coming: bool,
    tasks: Tasks,
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        this.is_coming = true;
        match &mut this.inner {
            Some(inner) => Pin::new(inner).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take().filter(|inner| self.is_coming && !inner.is_end_stream()) else { return };
        if Handle::try_current().is_err() {
            return;
        }
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = tasks.stopping() => {}
                _ = timeout(DRAIN_FOR, drain(inner)) => {}
            }
        });
    }
}

async fn drain(mut body: Incoming) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
