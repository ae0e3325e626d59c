//! HTTP Message Signatures (RFC 9421): pure, without I/O and without a clock, usable alone (feature `server` off).
//!
//! # Signing
//!
//! A [`Request`] or [`Response`] holds a message as it is on the wire; a [`SignatureInput`] says what is covered and
//! with which parameters, both in the order of the calls; [`sign`] gives the two field values.
//!
//! ```
//! use portal_core::rfc9421::*;
//!
//! let mut request = Request::new("POST", "/inbox?from=me", Scheme::Https)?;
//! request.fields_mut().push("Host", "app.example")?;
//! request.fields_mut().push("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")?;
//!
//! let key = SigningKey::generate_ed25519()?;
//! let input = SignatureInput::builder()
//!     .components(["@method", "@target-uri", "content-digest"])
//!     .created(1_700_000_000)
//!     .keyid("me")
//!     .alg(key.algorithm())
//!     .build()?;
//! let signed = sign(&Message::from(&request), "sig1", &input, &key)?;
//! signed.attach(request.fields_mut())?;
//!
//! // Verifying: read what is there, find the key by its keyid, say what is required.
//! let message = Message::from(&request);
//! let signatures = Signatures::parse(&message, &Limits::default())?;
//! let policy = Policy {
//!     required: vec![
//!         Requirement::all(&["@method"])?,
//!         Requirement::any(&[&["@target-uri"], &["@authority", "@path", "@query"]])?,
//!     ],
//!     algorithms: vec![Algorithm::Ed25519, Algorithm::RsaPssSha512],
//!     max_age: Some(300),
//!     skew: 30,
//!     ..Policy::default()
//! };
//! for found in signatures.iter() {
//!     assert_eq!(found.input.keyid(), Some("me"));
//!     match verify(&message, &found.label, &signatures, &key.verifying_key(), &policy, 1_700_000_010) {
//!         Ok(verified) => println!("signed:\n{}", verified.base()),
//!         Err(rejection) => panic!("{rejection}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Refusals
//!
//! A [`Rejection`] names the [`Step`] of RFC 9421 §3.2 that failed, a [`Reason`] with a stable code, the component that
//! it failed at, and carries the [`SignatureBase`] as the verifier sees it wherever one could be made: compare it with
//! the signer's line by line. The cryptographic step fails only with `signature_invalid`.
//!
//! # Where the RFC leaves room
//!
//! - `@target-uri` is normalized (RFC 9110 §4.2.3): scheme and host in lower case, default port left out, an empty path
//!   as `/` (not for OPTIONS and CONNECT), so that the absolute and origin form of one request have one value.
//! - A query parameter that isn't UTF-8 is read as the URL Standard says (U+FFFD); cover `@query` where that matters.
//! - `key` on a field of unknown type reads it as a Dictionary; `sf` needs a known type ([`FieldTypes`]). An empty List
//!   or Dictionary under `sf` has the empty string as its value.
//! - A label that is used twice, stands in one field only or has a value of the wrong type can't be verified; the other
//!   labels of the message can. A field that can't be read at all makes all of them unusable.
//! - A repeated *parameter* is what RFC 9651 says: the last value, at the first place.
//! - An RSA key is for `rsa-pss-sha512` unless it is bound to `rsa-v1_5-sha256`; one whose container says
//!   `id-RSASSA-PSS` can't be. Moduli of 2048 to 8192 bits are accepted. Ed25519 refuses points of small order.

pub(crate) mod field;

mod accept;
mod algorithm;
mod base;
mod component;
mod der;
mod derived;
mod form;
mod http1;
mod jwk;
mod keys;
mod kind;
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

pub use accept::{RequestedSignature, RequestedSignatureBuilder, Target};
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
