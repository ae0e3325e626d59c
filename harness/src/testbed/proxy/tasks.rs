//! Every task of a proxy is started here, so that none outlives it.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and ends them all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    ended: CancellationToken,
    connections: Arc<Mutex<Connections>>,
}

/// The connections that are open, to be ended by themselves.
#[derive(Debug, Clone, Default)]
struct Connections {
    tracker: TaskTracker,
    ended: CancellationToken,
}

impl Tasks {
    /// Starts a task; it ends at the latest with [`Tasks::end`].
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let ended = self.ended.clone();
        let task = async move {
            let _ = ended.run_until_cancelled_owned(task).await;
        };
        self.tracker.spawn(task).abort_handle()
    }

    /// Starts a task that ends at the latest when the answer is dropped.
    pub(crate) fn spawn_owned(&self, task: impl Future<Output = ()> + Send + 'static) -> Owned {
        Owned(Some(self.spawn(task)))
    }

    /// Starts the task of a connection; it ends at the latest with [`Tasks::end`] or [`Tasks::end_connections`].
    pub(crate) fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Connections { tracker, ended } = self.lock().clone();
        self.spawn(tracker.track_future(async move {
            let _ = ended.run_until_cancelled_owned(task).await;
        }));
    }

    /// Ends all connections that are open now; none of them is left afterwards.
    pub(crate) async fn end_connections(&self) {
        let Connections { tracker, ended } = std::mem::take(&mut *self.lock());
        ended.cancel();
        tracker.close();
        tracker.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all tasks at their next suspension.
    pub(crate) fn end(&self) {
        self.ended.cancel();
        self.tracker.close();
    }

    /// Waits until none is left.
    pub(crate) async fn ended(&self) {
        self.tracker.wait().await;
    }
}

/// Lets hyper start the tasks of its HTTP/2 connections here.
impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

/// Ends its task when dropped.
#[derive(Debug)]
pub(crate) struct Owned(Option<AbortHandle>);

impl Owned {
    /// Lets the task go on by itself.
    pub(crate) fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
