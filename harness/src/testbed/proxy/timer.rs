//! A deadline that can be polled.

use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Ready once its time has come.
pub(super) struct Timer(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Timer {
    pub(super) fn after(duration: Duration) -> Timer {
        Timer(Box::pin(async move {
            let _ = tokio::time::timeout(duration, pending::<()>()).await;
        }))
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
