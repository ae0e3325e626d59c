//! Requests made by hand: signed, and then spoilt in exactly one place.
//!
//! Nothing here uses the signature engine of the Core: what the suite expects must not come from the code under test.
//! [`base`] is a second, small reading of RFC 9421 §2, for the components that scenarios use; [`keys`] goes straight to
//! the cryptographic library; [`Draft`] is a request with its signatures as data; [`own_signature`] checks one that
//! arrived.

pub mod base;
mod draft;
pub mod keys;
mod received;

pub use draft::{Draft, DraftError, DraftSignature, Parameter, Signer};
pub use received::{Received, ReceivedSignature, own_signature, signatures};
