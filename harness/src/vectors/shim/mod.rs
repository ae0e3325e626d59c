//! Libraries that speak the shim protocol in this process. `countersign shim` puts them on standard input and output;
//! `countersign vectors` asks them directly.

pub mod check;
pub mod core;
pub mod httpsig;
pub mod serve;

use std::sync::Arc;

use super::protocol::{Answer, Hello, Request};

/// A library under test that speaks the protocol without a process of its own.
///
/// A panic is caught by whoever asks, and costs the case at hand, like a crash of a shim.
pub trait Subject: Send + Sync {
    /// Who it is, and what it can do.
    fn hello(&self) -> Hello;

    /// The answer to anything but [`Request::Hello`], with the id of the request.
    fn answer(&self, request: &Request) -> Answer;
}

/// The subject that is built in under this name: `core` or `httpsig`.
pub fn built_in(name: &str) -> Option<Arc<dyn Subject>> {
    match name {
        "core" => Some(Arc::new(core::Core)),
        "httpsig" => Some(Arc::new(httpsig::Httpsig)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
