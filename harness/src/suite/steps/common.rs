//! Steps that every domain uses: Portals, apps, calls, and what came of them.

use super::prelude::*;

mod alike;
mod answers;
mod apps;
mod clocks;
pub(crate) mod outcomes;
mod portals;
pub(crate) mod requests;

pub(super) fn register(steps: &mut Steps) {
    portals::register(steps);
    apps::register(steps);
    requests::register(steps);
    outcomes::register(steps);
    answers::register(steps);
    alike::register(steps);
    clocks::register(steps);
}
