//! A compact Portal Core: it signs the requests that apps send to peers, and verifies those that peers send, with HTTP
//! Message Signatures (RFC 9421).
//!
//! # The flow
//!
//! ```mermaid
//! sequenceDiagram
//!   participant Aa as app
//!   participant Ac as own Core
//!   participant Bp as peer's proxy
//!   participant Bc as peer's Core
//!   participant Ba as app of the peer
//!   Aa->>Ac: its door: /internal/call_peer/{peer}/{rest}
//!   Note over Ac: doors: which app? · call_peer: which peer, which fields<br/>spool: the body, digest: its digest · rfc9421: sign
//!   Ac->>Bp: transport: https://{app}.{peer}.{zone}/{rest}
//!   Bp->>Bc: /internal/auth, X-Forwarded-*
//!   Note over Bc: auth: rebuild the request, cookie or signature → Client<br/>rfc9421: verify → Verified · replay: fresh?<br/>acl: decide → Permit or Refusal · headers: X-Ptl-*
//!   Bc-->>Bp: 200 with the fields to add, or 401
//!   Bp->>Ba: the request, with X-Ptl-*
//!   Ba-->>Bp: the answer
//!   Bp-->>Ac: the answer
//!   Ac-->>Aa: the answer, streamed
//! ```
//!
//! Two decisions are types: only [`rfc9421::verify()`] makes a [`rfc9421::Verified`], only the access decision makes an
//! `acl::Permit`. Without the feature `server` what remains is the signature engine alone: pure, without I/O and clock.
//!
//! # A Core of its own, or within a program
//!
//! The program `portal-core` serves one. A program that wants several puts them together from parts:
//!
//! ```
//! # #[cfg(feature = "server")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use portal_core::{core::Core, tls};
//! use tokio::net::TcpListener;
//!
//! # let roots = tls::client_config(std::sync::Arc::new(portal_core::clock::SystemClock), rustls::RootCertStore::empty())?;
//! let core = Core::builder().tls(roots).build()?;
//! let running = core.serve(TcpListener::bind("127.0.0.1:0").await?).await?;
//! println!("{} at {}", running.id().short(), running.address());
//! running.shutdown().await;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "server"))]
//! # fn main() {}
//! ```

// The flow: signatures and digests,
pub mod digest;
pub mod rfc9421;

// what a Core knows,
#[cfg(feature = "server")]
pub mod apps;
#[cfg(feature = "server")]
pub mod clock;
#[cfg(feature = "server")]
pub mod file_clock;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
mod json;
#[cfg(feature = "server")]
pub mod manifest;
#[cfg(feature = "server")]
pub mod peers;
#[cfg(feature = "server")]
pub mod places;
#[cfg(feature = "server")]
pub mod profile;
#[cfg(feature = "server")]
pub mod replay;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod terminals;

// incoming,
#[cfg(feature = "server")]
pub mod acl;
#[cfg(feature = "server")]
pub mod auth;
#[cfg(feature = "server")]
pub mod headers;
#[cfg(feature = "server")]
mod keys;

// outgoing,
#[cfg(feature = "server")]
pub mod call_peer;
#[cfg(feature = "server")]
pub mod connect;
#[cfg(feature = "server")]
pub mod outgoing;
#[cfg(feature = "server")]
pub mod resolve;
#[cfg(feature = "server")]
pub mod signing;
#[cfg(feature = "server")]
pub mod spool;
#[cfg(feature = "server")]
pub mod tls;
#[cfg(feature = "server")]
pub mod transport;
#[cfg(feature = "server")]
pub mod way_out;

// and around it.
#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod core;
#[cfg(feature = "server")]
mod doors;
#[cfg(feature = "server")]
pub mod limits;
#[cfg(feature = "server")]
pub mod observe;
#[cfg(feature = "server")]
pub mod parts;
#[cfg(feature = "server")]
pub mod program;
#[cfg(feature = "server")]
pub mod refusal;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
mod tasks;

#[cfg(feature = "server")]
pub use crate::core::{Core, CoreBuilder, RunningCore};
