//! The RFC 9421 corpus and the libraries that it is run against.
//!
//! ```text
//! load ── corpus ─→ runner ─→ prepare ─→ client ─→ a shim (or shim/, in this process)
//!                     │                     │ protocol
//!                     │       judge ←───────┘
//!                     │         └─ guess: why a base differs
//!                     └─→ results: events, and what came out
//! ```
//! [`corpus`] is the data, in `fixtures/vectors/`; [`protocol`] is how a library under test is spoken to, [`shim`] are the
//! ones that come with this program. What a vector expects never leaves [`judge`]; [`crypto`] and the reading of messages
//! for shims share nothing with the engine.

pub mod catalogue;
pub mod client;
pub mod corpus;
pub mod crypto;
pub mod export;
pub mod guess;
pub mod judge;
pub mod load;
mod parsed;
pub mod protocol;
pub mod results;
pub mod runner;
pub mod shim;
