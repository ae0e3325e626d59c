//! The RFC 9421 corpus and the libraries that it is run against.
//!
//! [`corpus`] is the data, in `fixtures/vectors/`; [`protocol`] is how a library under test is spoken to,
//! [`shim`] are the ones that come with this program.

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
