//! Whole Cores: over real sockets, with real TLS, and as the program that users start.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod authentication;
mod bodies;
mod calls;
mod outside;
mod program;
mod support;
mod surface;
