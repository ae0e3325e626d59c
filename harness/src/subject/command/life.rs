//! A Core that was started: a process of this machine, or a container.

use std::time::Duration;

use super::process::Process;
use crate::containers::{EngineError, Started};
use crate::subject::hooks::Body;

/// A Core that was started, until it ends.
pub(super) enum Life {
    Process(Process),
    Container(Started),
}

impl Life {
    /// Where signals go.
    pub(super) fn body(&self) -> Option<Body> {
        match self {
            Life::Process(process) => process.group().map(Body::Processes),
            Life::Container(started) => Some(Body::Container(started.container().clone())),
        }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<String> {
        match self {
            Life::Process(process) => process.ended(),
            Life::Container(started) => started.ended(),
        }
    }

    /// Waits until it has ended.
    pub(super) async fn end(&self) -> String {
        match self {
            Life::Process(process) => process.end().await,
            Life::Container(started) => started.end().await,
        }
    }

    /// It stands still wherever it is, or goes on.
    pub(super) async fn hold(&self, still: bool) -> Result<(), EngineError> {
        match self {
            Life::Process(process) => {
                process.group().into_iter().for_each(|group| if still { group.freeze() } else { group.thaw() });
                Ok(())
            }
            Life::Container(started) => started.hold(still).await,
        }
    }

    /// SIGTERM, and SIGKILL after that time. Whether it went by itself.
    pub(super) async fn stop(self, within: Duration) -> bool {
        match self {
            Life::Process(process) => process.stop(within).await,
            Life::Container(started) => started.stop(within).await,
        }
    }

    /// SIGKILL; it is gone when this returns.
    pub(super) async fn kill(self) {
        match self {
            Life::Process(process) => process.kill().await,
            Life::Container(started) => started.kill().await,
        }
    }
}
