//! The built-in Core, frozen: what comes in, what goes out and what streams through waits until it thaws.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use portal_core::server::{Body, BodyError, Surface};
use tokio::sync::watch;

/// Holds a Core up, or lets it go on. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Ice(watch::Sender<bool>);

impl Ice {
    pub(super) fn freeze(&self, frozen: bool) {
        self.0.send_replace(frozen);
    }

    /// Around everything that a Core answers.
    pub(super) fn around(&self, within: Arc<dyn Surface>) -> Arc<dyn Surface> {
        Arc::new(Iced { within, ice: self.clone() })
    }

    async fn thawed(&self) {
        // `self` holds the sender: waiting ends with the thaw.
        let _ = self.0.subscribe().wait_for(|frozen| !frozen).await;
    }

    fn body(&self, body: Body) -> Body {
        Body::new(IcedBody { body, ice: self.clone(), waiting: None })
    }
}

#[derive(Debug)]
struct Iced {
    within: Arc<dyn Surface>,
    ice: Ice,
}

#[async_trait]
impl Surface for Iced {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.ice.thawed().await;
        let answer = self.within.answer(request.map(|body| self.ice.body(body))).await;
        self.ice.thawed().await;
        answer.map(|body| self.ice.body(body))
    }
}

struct IcedBody {
    body: Body,
    ice: Ice,
    waiting: Option<BoxFuture<'static, ()>>,
}

impl HttpBody for IcedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.waiting.is_none() && *this.ice.0.borrow() {
            let ice = this.ice.clone();
            this.waiting = Some(Box::pin(async move { ice.thawed().await }));
        }
        if let Some(waiting) = &mut this.waiting {
            ready!(waiting.as_mut().poll(cx));
            this.waiting = None;
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for IcedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IcedBody").finish_non_exhaustive()
    }
}
