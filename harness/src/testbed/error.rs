//! What can go wrong with a testbed itself.

use super::identity::BadKey;
use super::pki::PkiError;
use crate::subject::SubjectError;
use crate::subject::hooks::HookError;
use crate::topology::TopologyError;
use crate::wire::{Reply, WireError};

/// Why a testbed is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestbedError {
    /// The topology can't be.
    #[error("topology: {0}")]
    Topology(#[from] TopologyError),
    /// The Core under test is not there; the subject's fault.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// No socket, no folder, no more files.
    #[error("the machine: {0}")]
    Io(#[from] std::io::Error),
    /// No certificate.
    #[error("certificates: {0}")]
    Pki(#[from] PkiError),
    /// A key that can't be used.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// An exchange failed.
    #[error("{what}: {source}")]
    Wire {
        /// What was done.
        what: String,
        /// What came of it.
        source: WireError,
    },
    /// A Core did not do what it has to do for the testbed to stand.
    #[error("{what}: answered {status} {body}")]
    Refused {
        /// What was asked.
        what: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// Whoever answers is not who was started.
    #[error("the Core of {portal} answers as {found}, and should be {expected}")]
    WrongInstance {
        /// Name of the Portal.
        portal: String,
        /// The ID it should have.
        expected: String,
        /// The ID it says.
        found: String,
    },
    /// There is nothing of that name.
    #[error("there is no {what} named `{name}`")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// There is something of that name already.
    #[error("there is already a {what} named `{name}`")]
    Exists {
        /// What.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// What the descriptor says could not be done.
    #[error("{what}: {why}")]
    Hook {
        /// What was done.
        what: String,
        /// What is known.
        why: String,
    },
    /// A task of the testbed's own broke off.
    #[error("a task of the testbed broke off: {0}")]
    Task(String),
}

impl TestbedError {
    pub(super) fn wire(what: impl Into<String>) -> impl FnOnce(WireError) -> TestbedError {
        let what = what.into();
        move |source| TestbedError::Wire { what, source }
    }

    /// Something that the descriptor says was not done.
    pub(super) fn hook(what: &str, error: HookError) -> TestbedError {
        let what = what.to_owned();
        match error {
            HookError::Wire(source) => TestbedError::Wire { what, source },
            other => TestbedError::Hook { what, why: other.to_string() },
        }
    }

    /// The reply where it has one of these statuses, else that it was refused.
    pub(super) fn expect(what: &str, statuses: &[u16], reply: Reply) -> Result<Reply, TestbedError> {
        if statuses.contains(&reply.status) {
            return Ok(reply);
        }
        let body: String = reply.text().chars().take(500).collect();
        Err(TestbedError::Refused { what: what.to_owned(), status: reply.status, body })
    }
}
