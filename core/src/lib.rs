//! Portal Core.

#[cfg(feature = "server")]
pub mod resolve;
#[cfg(feature = "server")]
pub mod spool;
#[cfg(feature = "server")]
pub(crate) mod tasks;
