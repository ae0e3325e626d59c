//! A deadline that can be polled.

use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Ready once its time has come.
pub(in crate::testbed) struct Timer(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Timer {
    pub(in crate::testbed) fn after(duration: Duration) -> Timer {
        Timer(Box::pin(async move {
            let _ = tokio::time::timeout(duration, pending::<()>()).await;
        }))
    }

    pub(in crate::testbed) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
