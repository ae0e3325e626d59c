//! Calls to peers: through a door, from an address, over which hops, all at once.

use super::prelude::*;

mod doors;
mod hops;
mod together;

pub(super) fn register(steps: &mut Steps) {
    doors::register(steps);
    hops::register(steps);
    together::register(steps);
}
