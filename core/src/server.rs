//! Listeners and connections: HTTP/1.1, bounded, finishing what is in flight when asked to stop.

use std::{convert::Infallible, fmt::Debug, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
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
        let surface = self.surface.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let surface = surface.clone();
            let mut request = request.map(Body::new);
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
