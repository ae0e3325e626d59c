//! What holds not at once but in the end.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::super::prelude::*;
use crate::suite::registry::Nested;

/// How often it is looked whether it holds by now.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) fn register(steps: &mut Steps) {
    let nested = Nested { sentence: |args| args.text(1).to_owned(), patience: |args| within(args).unwrap_or_default() };
    steps.then_that(r"^within (\d{1,4}) seconds? (.+)$", nested, holds_in_time);
}

fn within(args: &Args) -> StepResult<Duration> {
    Ok(Duration::from_secs(args.get(0)?))
}

/// What only asks (GET and HEAD) is asked anew before each further look.
async fn holds_in_time(world: &mut World, args: Args) -> StepResult {
    let until = Instant::now() + within(&args)?;
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    again.tick().await;
    loop {
        world.point_at_latest();
        let mut failure = match world.check(args.text(1), &args).await {
            Ok(()) => return Ok(()),
            Err(failure) if failure.is_expectation() => failure,
            Err(failure) => return Err(failure),
        };
        if Instant::now() >= until {
            let details = failure.details_mut();
            details.expected = format!("within {} s: {}", args.text(0), details.expected);
            return Err(failure);
        }
        again.tick().await;
        world.ask_again().await?;
    }
}
