//! Several Portals on loopback, each with a proxy, a Core and echo apps.

pub mod client;
pub mod echo_app;
pub mod faults;
pub mod identity;
pub mod keys;
pub mod names;
pub mod pki;
pub mod proxy;

pub use client::{OutsideChannel, OutsideClient};
pub use echo_app::{Answer, EchoApp, Received};
