//! Time.

use super::super::prelude::*;

pub(super) fn register(steps: &mut Steps) {
    steps.given(r"^({portal})'s clock is (\d+) (seconds|minutes|hours) (ahead|behind)$", clock_is_off);
    steps.when(r"^(\d+) (seconds|minutes|hours) pass(?: on ({portal})'s clock)?$", time_passes);
}

async fn clock_is_off(world: &mut World, args: Args) -> StepResult {
    let by = times::duration(args.text(1), args.text(2))?;
    let portal = world.scene().portal(args.text(0))?;
    match args.text(3) {
        "ahead" => portal.clock().advance(by),
        _ => portal.clock().rewind(by),
    }
    Ok(portal.clock_changed().await?)
}

async fn time_passes(world: &mut World, args: Args) -> StepResult {
    let by = times::duration(args.text(0), args.text(1))?;
    match args.text(2) {
        "" => world.scene().advance(by).await,
        portal => {
            let portal = world.scene().portal(portal)?;
            portal.clock().advance(by);
            Ok(portal.clock_changed().await?)
        }
    }
}
