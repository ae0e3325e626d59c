//! Several Portals at once: the same request to each, and what holds for all answers.

use std::time::Duration;

use super::super::common::requests::{FromOutside, from_outside, request};
use super::super::prelude::*;
use crate::suite::kit::way::{Request, Way};
use crate::suite::registry::Nested;

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r#"^(a stranger|every Portal's owner) sends ([A-Z]+) (\S+) to (?:its|every Portal's) ({app})(?: with (the body "[^"]*"|the file "[^"]*"|a body (?:of \d+ (?:bytes|KiB|MiB))))?$"#,
        each_is_asked,
    );
    let of_answer = |args: &Args| format!("the answer{}", args.text(0));
    let patience = |_: &Args| Duration::ZERO;
    steps.then_that(r"^every answer((?:'s)? .+)$", Nested { sentence: of_answer, patience }, every_answer);
    let of_one = |args: &Args| format!("one's {} received {}", args.text(0), args.text(1));
    let nested = Nested { sentence: of_one, patience };
    steps.then_that(r"^every Portal's ({app}) received (.+)$", nested, every_app_received);
}

/// At the same moment.
async fn each_is_asked(world: &mut World, args: Args) -> StepResult {
    let (who, app) = (args.text(0), args.text(3));
    let mut requests = Vec::new();
    for portal in world.scene().real_names() {
        world.scene().app(&portal, app)?;
        let who = if who == "a stranger" { who.to_owned() } else { format!("{portal}'s owner") };
        let FromOutside { client, host, target, addressed } =
            from_outside(world, &who, &portal, app, args.text(2)).await?;
        let call = request(world, args.text(1), &target, args.text(4), &args)?;
        requests.push(Request { way: Way::Outside { client, host, http2: false }, call, addressed });
    }
    if requests.is_empty() {
        return Err(StepFailure::mistake("there is no Portal"));
    }
    world.send_together(requests).await
}

async fn every_answer(world: &mut World, args: Args) -> StepResult {
    let count = world.latest().len();
    if count == 0 {
        return Err(StepFailure::mistake("no request was made yet: a `When` is missing"));
    }
    for n in 0..count {
        // Where it fails, that one stays "it": the evidence is about it.
        world.point_at(n);
        let from = world.exchange()?.addressed.as_ref().map(ToString::to_string);
        let holds = world.check(&format!("the answer{}", args.text(0)), &args).await;
        holds.map_err(|mut failure| {
            if let (true, Some(from)) = (failure.is_expectation(), from) {
                let details = failure.details_mut();
                details.expected = format!("of {from}: {}", details.expected);
            }
            failure
        })?;
    }
    world.point_at_latest();
    Ok(())
}

async fn every_app_received(world: &mut World, args: Args) -> StepResult {
    for portal in world.scene().real_names() {
        world.check(&format!("{portal}'s {} received {}", args.text(0), args.text(1)), &args).await?;
    }
    Ok(())
}
