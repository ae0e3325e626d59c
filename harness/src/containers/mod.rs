//! Containers: what the testbed asks of a Docker engine, and how it leaves nothing behind.
//!
//! ```text
//!  network of alice's Portal                        │ this process
//!                                                   │
//!   seat of chat ── portal_core:80 ──▶ Core ── gateway:… ──▶ names ──▶ proxies
//!        ▲                              ▲           │
//!        └──────── the app's brains ────┼───────────┤
//!                                       └───────────┤ proxy, owner
//! ```
//!
//! Each Portal has a network of its own. The Core is a container in it, with the real name `portal_core`. An app is present
//! there with a container, too, its *seat*: a relay, through which the app's calls go out, so that the Core sees the
//! source address of a container. What an app decides and what a proxy does stays in this process, where scenarios can
//! order and read it.
//!
//! The Core finds other Portals through a CONNECT proxy at the gateway. Where it ignores proxies, a *guide* is in the network,
//! too: its resolver knows the names of the testbed, and its port 443 leads on by the name in the handshake.
//!
//! All that is made carries the labels of its [`Run`]; [`clean`] takes away what runs left whose process is gone.

pub(crate) mod app;
pub mod clean;
mod compose;
mod container;
pub mod elf;
pub mod engine;
pub mod image;
mod network;
pub(crate) mod part;
mod run;
pub(crate) mod seat;
pub(crate) mod template;

pub(crate) use container::{Container, ContainerPlan, Mounted, Started};
pub use engine::{Engine, EngineError};
pub(crate) use network::Network;
pub use run::Run;
