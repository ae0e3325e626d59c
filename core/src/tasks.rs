//! Every task of a running Core is started here, so that none outlives it.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts tasks and ends them: asked first, by force after a while, and by force at once when dropped by its owner.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    /// Asks tasks to finish what they are doing.
    stopping: CancellationToken,
    /// Ends tasks wherever they are.
    aborted: CancellationToken,
}

impl Tasks {
    /// Starts `task`; it is ended at the latest by [`Tasks::abort`].
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let aborted = self.aborted.clone();
        self.tracker.spawn(async move {
            let _ = aborted.run_until_cancelled_owned(task).await;
        });
    }

    /// Resolves when tasks are asked to finish.
    pub(crate) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Asks tasks to finish, waits up to `grace`, then ends the rest. None is left afterwards.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "ending what did not finish in time");
            self.aborted.cancel();
            self.tracker.wait().await;
        }
    }

    /// Ends all tasks at their next suspension.
    pub(crate) fn abort(&self) {
        self.stopping.cancel();
        self.aborted.cancel();
        self.tracker.close();
    }
}

/// Lets hyper start the tasks of its HTTP/2 connections here.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn shutdown_lets_a_task_finish() {
        let tasks = Tasks::default();
        let done = Arc::new(Notify::new());
        let (inner, told) = (tasks.clone(), done.clone());
        tasks.spawn(async move {
            inner.stopping().await;
            told.notify_one();
        });
        tasks.shutdown(Duration::from_secs(30)).await;
        tokio::time::timeout(Duration::from_secs(1), done.notified()).await.unwrap();
    }

    #[tokio::test]
    async fn shutdown_ends_a_task_that_does_not_finish() {
        let tasks = Tasks::default();
        let held = Arc::new(());
        let in_task = held.clone();
        tasks.spawn(async move {
            let _held = in_task;
            pending::<()>().await;
        });
        tasks.shutdown(Duration::from_millis(20)).await;
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
