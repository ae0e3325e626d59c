//! Time.

use super::super::prelude::*;

pub(super) fn register(steps: &mut Steps) {
    steps.given(r"^([a-z]+)'s clock is (\d+) (seconds|minutes|hours) (ahead|behind)$", clock_is_off);
    steps.when(r"^(\d+) (seconds|minutes|hours) pass(?: on ([a-z]+)'s clock)?$", time_passes);
}

async fn clock_is_off(world: &mut World, args: Args) -> StepResult {
    let by = times::duration(args.text(1), args.text(2))?;
    let clock = world.scene().portal(args.text(0))?.clock();
    match args.text(3) {
        "ahead" => clock.advance(by),
        _ => clock.rewind(by),
    }
    Ok(())
}

async fn time_passes(world: &mut World, args: Args) -> StepResult {
    let by = times::duration(args.text(0), args.text(1))?;
    match args.text(2) {
        "" => world.scene().advance(by)?,
        portal => world.scene().portal(portal)?.clock().advance(by),
    }
    Ok(())
}
