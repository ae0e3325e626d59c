//! Whole Cores: over real sockets, with real TLS, and as the program that users start.

mod authentication;
mod calls;
mod program;
mod support;
mod surface;
