//! Portal Core.

pub mod digest;
pub mod rfc9421;
#[cfg(feature = "server")]
pub mod resolve;
#[cfg(feature = "server")]
pub mod spool;
#[cfg(feature = "server")]
pub(crate) mod tasks;
