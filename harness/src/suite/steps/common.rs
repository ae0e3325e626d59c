//! Steps that every domain uses: the Portals, and the last answer.

use super::prelude::*;

pub(super) fn register(steps: &mut Steps) {
    steps.then("the answer has status {int}", async |world, args| world.answer()?.expect_status(args.get(0)?));
}
