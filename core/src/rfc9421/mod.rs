//! HTTP Message Signatures (RFC 9421): pure, without I/O and without a clock.
pub(crate) mod field;

mod algorithm;
mod base;
mod component;
mod der;
mod derived;
mod form;
mod http1;
mod keys;
mod message;
mod params;
mod policy;
mod reject;
mod sign;
mod signatures;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub use algorithm::Algorithm;
pub use base::SignatureBase;
pub use component::ComponentId;
pub use field::{FieldType, FieldTypes};
pub use keys::{KeyError, SigningKey, VerifyingKey};
pub use message::{Fields, Message, MessageError, Request, Response, Scheme};
pub use params::{SignatureInput, SignatureInputBuilder};
pub use policy::{Policy, Requirement};
pub use reject::{ComponentError, Reason, Rejection, Step};
pub use sign::{SignError, Signed, free_label, sign, sign_with};
pub use signatures::{LabelledSignature, Limits, Signatures};
pub use verify::{Verified, verify};
