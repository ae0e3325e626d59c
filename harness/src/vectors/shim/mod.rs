//! Libraries that speak the shim protocol in this process. `countersign shim` puts them on standard input and output;
//! `countersign vectors` asks them directly.

pub mod check;
pub mod core;
pub mod httpsig;
pub mod serve;

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

#[cfg(test)]
mod tests;
