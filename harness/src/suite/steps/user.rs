//! Steps that app developers need beside the others: what is in a body, what holds in the end, what holds on every Portal.

use super::prelude::*;

mod bodies;
mod eventually;
mod everywhere;
mod json;

pub(super) fn register(steps: &mut Steps) {
    json::register(steps);
    bodies::register(steps);
    everywhere::register(steps);
    eventually::register(steps);
}
