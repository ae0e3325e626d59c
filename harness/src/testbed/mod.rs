//! Several Portals on loopback, each with a proxy, a Core and echo apps.

pub mod faults;
pub mod names;
