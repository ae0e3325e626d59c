//! Portal Core.

pub mod digest;
#[cfg(feature = "server")]
pub mod resolve;
pub mod rfc9421;
#[cfg(feature = "server")]
pub mod spool;
#[cfg(feature = "server")]
pub(crate) mod tasks;

#[cfg(feature = "server")]
pub mod acl;
#[cfg(feature = "server")]
pub mod clock;
#[cfg(feature = "server")]
pub mod headers;
#[cfg(feature = "server")]
pub(crate) mod json;
#[cfg(feature = "server")]
pub mod manifest;
#[cfg(feature = "server")]
pub mod refusal;
#[cfg(feature = "server")]
pub mod store;
