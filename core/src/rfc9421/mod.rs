//! HTTP Message Signatures (RFC 9421): pure, without I/O and without a clock, usable alone (feature `server` off).
//!
//! In another project: `portal-core = { …, default-features = false }`.
//!
//! | to | see |
//! |---|---|
//! | hold a message | [`Request`], [`Response`], [`Message`], [`Fields`]; read bytes with [`Request::parse_http1`] |
//! | say what is covered | [`SignatureInput`], [`ComponentId`] |
//! | sign | [`sign`], [`sign_with`], [`SigningKey`] |
//! | verify | [`Signatures`], [`verify()`], [`VerifyingKey`], [`Policy`] |
//! | understand a refusal | [`Rejection`], [`Step`], [`Reason`], [`SignatureBase`] |
//! | ask for signatures, or be asked | [`RequestedSignature`] |
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
//! assert_eq!(signed.base.as_str(), concat!(
//!     "\"@method\": POST\n",
//!     "\"@target-uri\": https://app.example/inbox?from=me\n",
//!     "\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n",
//!     "\"@signature-params\": (\"@method\" \"@target-uri\" \"content-digest\")",
//!     ";created=1700000000;keyid=\"me\";alg=\"ed25519\"",
//! ));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A covered digest protects the content only if somebody compares it with the content (RFC 9530): that, like the
//! memory of nonces, is for the application to do.
//!
//! # Verifying
//!
//! Read the signatures, find the key (by `keyid`, or otherwise: RFC 9421 §3.2 step 5), say in a [`Policy`] what is
//! required beyond the RFC's minimum. Only [`verify()`] makes a [`Verified`], so to hold one is the proof;
//! what it doesn't cover may be anybody's.
//!
//! ```
//! use portal_core::rfc9421::*;
//! # let mut request = Request::new("GET", "/inbox", Scheme::Https)?;
//! # request.fields_mut().push("Host", "app.example")?;
//! # let key = SigningKey::generate_ed25519()?;
//! # let input = SignatureInput::builder().components(["@method", "@authority", "@path", "@query"]);
//! # let input = input.created(1_700_000_000).keyid("me").build()?;
//! # sign(&Message::from(&request), "sig1", &input, &key)?.attach(request.fields_mut())?;
//! # let known_keys = |keyid: Option<&str>| (keyid == Some("me")).then(|| key.verifying_key());
//!
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
//! let message = Message::from(&request);
//! let signatures = Signatures::parse(&message, &Limits::default())?;
//! let found = signatures.iter().next().ok_or("nobody signed this")?;
//! let key = known_keys(found.input.keyid()).ok_or("whose key is that?")?;
//! let verified = verify(&message, &found.label, &signatures, &key, &policy, 1_700_000_010)?;
//! assert!(verified.input().covers("@path"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Refusals
//!
//! A [`Rejection`] names the [`Step`] of RFC 9421 §3.2 that failed, a [`Reason`] with a stable code, the component that
//! it failed at, and carries the [`SignatureBase`] as the verifier sees it wherever one could be made: compare it with
//! the signer's line by line. The cryptographic step fails only with `signature_invalid`.
//!
//! ```
//! use portal_core::rfc9421::*;
//! # let mut sent = Request::new("GET", "/inbox", Scheme::Https)?;
//! # sent.fields_mut().push("Host", "app.example")?;
//! # let key = SigningKey::generate_ed25519()?;
//! # let input = SignatureInput::builder().components(["@method", "@authority"]).build()?;
//! # let signed = sign(&Message::from(&sent), "sig1", &input, &key)?;
//! # signed.attach(sent.fields_mut())?;
//! # let mut arrived = sent.clone();
//! # arrived.fields_mut().remove("host");
//! # arrived.fields_mut().push("Host", "10.0.0.1:8080")?;
//!
//! // A proxy put another Host into the request.
//! let message = Message::from(&arrived);
//! let signatures = Signatures::parse(&message, &Limits::default())?;
//! let refused = verify(&message, "sig1", &signatures, &key.verifying_key(), &Policy::default(), 0).unwrap_err();
//! assert_eq!((refused.step, refused.reason.code()), (Step::Crypto, "signature_invalid"));
//! let seen = refused.base.ok_or("no base")?;
//! let differing: Vec<_> = signed.base.lines().zip(seen.lines()).filter(|(ours, theirs)| ours != theirs).collect();
//! assert_eq!(differing, [("\"@authority\": app.example", "\"@authority\": 10.0.0.1:8080")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Responses, and the requests that they answer
//!
//! A response's signature covers components of its request with `;req` (RFC 9421 §2.4); both sides need that request
//! as it was sent.
//!
//! ```
//! use portal_core::rfc9421::*;
//!
//! let (request, _) = Request::parse_http1(b"PUT /it HTTP/1.1\r\nHost: app.example\r\n\r\n", Scheme::Https)?;
//! let mut response = Response::new(204)?;
//! let input = SignatureInput::builder().components(["@status", "\"@method\";req", "\"@path\";req"]).build()?;
//! let key = SigningKey::generate_ed25519()?;
//! let signed = sign(&Message::Response { response: &response, request: Some(&request) }, "sig1", &input, &key)?;
//! signed.attach(response.fields_mut())?;
//!
//! let verified = |request| {
//!     let message = Message::Response { response: &response, request };
//!     let signatures = Signatures::parse(&message, &Limits::default())?;
//!     verify(&message, "sig1", &signatures, &key.verifying_key(), &Policy::default(), 0)
//! };
//! assert!(verified(Some(&request)).is_ok());
//! assert_eq!(verified(None).unwrap_err().reason, Reason::NoRelatedRequest);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Fields: structured, binary, in trailers
//!
//! A field is covered as it stands, its lines joined; `;sf` covers the canonical form of a structured field, `;key` one
//! member of a Dictionary, `;bs` each line by itself and any bytes, `;tr` the trailer of that name. `;sf` needs the
//! field's type: the registered ones are known, [`FieldTypes`] takes an application's own.
//!
//! ```
//! use portal_core::rfc9421::*;
//!
//! let (request, body) = Request::parse_http1(
//!     b"POST / HTTP/1.1\r\nHost: a\r\nMy-Dict: a=1,   b=2;x\r\nMy-Dict: c\r\nTransfer-Encoding: chunked\r\n\r\n\
//!       2\r\nhi\r\n0\r\nExpires: soon\r\n\r\n",
//!     Scheme::Https,
//! )?;
//! assert_eq!(body, b"hi");
//! let types = FieldTypes::default().with("my-dict", FieldType::Dictionary);
//! let input = r#"("my-dict" "my-dict";sf "my-dict";key="b" "my-dict";bs "expires";tr)"#.parse()?;
//! let base = SignatureBase::build(&Message::from(&request), &input, &types)?;
//! assert_eq!(base.lines().take(5).collect::<Vec<_>>(), [
//!     r#""my-dict": a=1,   b=2;x, c"#,
//!     r#""my-dict";sf: a=1, b=2;x, c"#,
//!     r#""my-dict";key="b": 2;x"#,
//!     r#""my-dict";bs: :YT0xLCAgIGI9Mjt4:, :Yw==:"#,
//!     r#""expires";tr: soon"#,
//! ]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`sign_with`] and [`Policy::field_types`] take the types; the signature fields may stand in trailers, too.
//!
//! # Keys
//!
//! From PEM or DER (SubjectPublicKeyInfo, PKCS#8, PKCS#1, SEC1), from JWK, or as a shared secret; each bound to one
//! [`Algorithm`], so that a message can't choose. An RSA key is for `rsa-pss-sha512` unless its JWK or
//! [`VerifyingKey::with_algorithm`] says otherwise. Private keys are wiped from memory and never shown.
//!
//! ```
//! use portal_core::rfc9421::*;
//!
//! let pem = "-----BEGIN PUBLIC KEY-----\n\
//!            MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n\
//!            -----END PUBLIC KEY-----\n";
//! let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"it","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
//! assert!(VerifyingKey::from_pem(pem)? == VerifyingKey::from_jwk(jwk)?);
//! assert_eq!(VerifyingKey::from_jwk(jwk)?.kid(), Some("it"));
//! assert_eq!(SigningKey::from_shared_secret(b"...").algorithm(), Algorithm::HmacSha256);
//! # Ok::<(), KeyError>(())
//! ```
//!
//! A JWK whose `alg` names a JWS algorithm (RFC 9421 §3.3.7) is bound to it; EdDSA, Ed25519, ES256, ES384, PS512, RS256
//! and HS256 are what the registry's six are, all others are refused, `none` first. Such a key signs no input that
//! states `alg`, and verifies none: see [`VerifyingKey::has_jws_algorithm`].
//!
//! # Where the RFC leaves room
//!
//! - `@target-uri` is normalized (RFC 9110 §4.2.3): scheme and host in lower case, default port left out, an empty path
//!   as `/` (not for OPTIONS and CONNECT), so that the absolute and origin form of one request have one value.
//! - A port is a number: `:0443` is the default port of https and left out; other ports keep their leading zeros.
//! - A query parameter that isn't UTF-8 is read as the URL Standard says (U+FFFD); cover `@query` where that matters.
//! - `key` on a field of unknown type reads it as a Dictionary; `sf` needs a known type ([`FieldTypes`]). An empty List
//!   or Dictionary under `sf` has the empty string as its value.
//! - One member of a Dictionary may not be covered both with `key` alone and with `key` and `sf`, which is the same.
//! - A label that is used twice, stands in one field only or has a value of the wrong type can't be verified; the other
//!   labels of the message can. A field that can't be read at all makes all of them unusable.
//! - A repeated *parameter* is what RFC 9651 says: the last value, at the first place.
//! - `created` and `expires` before 1970 are refused; `created` in the future is, where the policy has a `max_age`;
//!   `expires` before `created` is left to the clock.
//! - An RSA key is for `rsa-pss-sha512` unless it is bound to `rsa-v1_5-sha256`; one whose container says
//!   `id-RSASSA-PSS` can't be. Moduli of 2048 to 8192 bits are accepted. Ed25519 refuses points of small order.
//! - A shared secret may be of any length, one from a JWK not empty, and with `HS256` of 32 bytes at least.
//! - HTTP/2's `:authority` takes the place of Host ([`Request::with_authority`]); a Host that differs is an error.

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
mod signing_key;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub use accept::{RequestedSignature, RequestedSignatureBuilder, Target};
pub use algorithm::Algorithm;
pub use base::SignatureBase;
pub use component::ComponentId;
pub use field::{FieldType, FieldTypes};
pub use keys::{KeyError, VerifyingKey};
pub use message::{Fields, Message, MessageError, Request, Response, Scheme};
pub use params::{SignatureInput, SignatureInputBuilder};
pub use policy::{Policy, Requirement};
pub use reject::{ComponentError, Reason, Rejection, Step};
pub use sign::{SignError, Signed, free_label, sign, sign_with};
pub use signatures::{LabelledSignature, Limits, Signatures};
pub use signing_key::SigningKey;
pub use verify::{Verified, verify};
