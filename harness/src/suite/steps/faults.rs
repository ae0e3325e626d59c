//! Faults: on the ways between Portals, of Cores, apps, keys, names, certificates and proxies.

mod calls;

use super::prelude::*;
use crate::testbed::Fault;

pub(super) fn register(steps: &mut Steps) {
    steps.given_or_when("this fault is on: {string}", async |world, args| begin(world, args.text(0)).await);
    steps.given_or_when("this fault is over: {string}", async |world, args| end(world, args.text(0)).await);
    steps.given_or_when("all faults are over", async |world, _| {
        world.scene().testbed()?.heal("").await?;
        Ok(())
    });
    steps.given_or_when(
        r"^the link (?:from ({portal}) to ({portal})|between ({portal}) and ({portal})) has a (latency|jitter|bandwidth) of (\d+) (ms|(?:B|KiB|MiB)/s)(?: and a (jitter|bandwidth) of (\d+) (ms|(?:B|KiB|MiB)/s))?$",
        link_is_slow,
    );
    steps.given_or_when(
        r"^the link (?:from ({portal}) to ({portal})|between ({portal}) and ({portal})) (flaps every \d+ ms|is (?:cut|reset|a black hole|whole again|cut after \d+ (?:B|KiB|MiB) of the (?:request|answer)))$",
        link_is,
    );
    steps.given_or_when("^({portal})'s Core is (killed|frozen|thawed)$", core_is);
    steps.given_or_when("^({portal})'s ({app}) is (killed|started again|frozen|thawed)$", app_is);
    steps.given_or_when("^({portal})'s (key|name) is (rotated|gone|back)$", identity_is);
    steps.given_or_when(r#"^({portal})'s proxy (has|no longer has) the fault "([^"]+)"$"#, proxy_has);
    calls::register(steps);
}

/// Puts a fault on.
pub(super) async fn begin(world: &mut World, text: &str) -> StepResult {
    let fault = Fault::parse(text).map_err(StepFailure::error)?;
    if hangs(text) {
        world.scene().silence_is_bearable()?;
    }
    Ok(world.scene().testbed()?.apply(&fault).await?)
}

/// Takes off what begins with these words. That there is none is a mistake of the scenario's.
pub(super) async fn end(world: &mut World, words: &str) -> StepResult {
    match world.scene().testbed()?.heal(words).await?.is_empty() {
        true => Err(StepFailure::mistake(format!("no fault that begins with `{words}` is on"))),
        false => Ok(()),
    }
}

/// Whether whoever calls has to give up by itself.
fn hangs(text: &str) -> bool {
    text.ends_with("black-hole") || text.ends_with("frozen")
}

/// `alice -> bob` or `alice <-> bob`, of the first four captures.
fn way(args: &Args) -> String {
    match args.text(0) {
        "" => format!("{} <-> {}", args.text(2), args.text(3)),
        from => format!("{from} -> {}", args.text(1)),
    }
}

async fn link_is_slow(world: &mut World, args: Args) -> StepResult {
    let mut text = format!("{} {} {}{}", way(&args), args.text(4), args.text(5), args.text(6));
    if !args.text(7).is_empty() {
        text.push_str(&format!(" {} {}{}", args.text(7), args.text(8), args.text(9)));
    }
    begin(world, &text).await
}

async fn link_is(world: &mut World, args: Args) -> StepResult {
    let way = way(&args);
    let said: Vec<&str> = args.text(4).split(' ').collect();
    match said.as_slice() {
        ["is", "whole", "again"] => end(world, &way).await,
        ["is", "a", "black", "hole"] => begin(world, &format!("{way} black-hole")).await,
        ["flaps", "every", time, unit] => begin(world, &format!("{way} flapping {time}{unit}")).await,
        ["is", "cut", "after", count, unit, rest @ ..] => {
            begin(world, &format!("{way} cut after {count}{unit} {}", rest.join(" "))).await
        }
        ["is", rest @ ..] => begin(world, &format!("{way} {}", rest.join(" "))).await,
        _ => Err(StepFailure::mistake(format!("`{}` is nothing that a link can be", args.text(4)))),
    }
}

async fn core_is(world: &mut World, args: Args) -> StepResult {
    let core = format!("{} core", args.text(0));
    match args.text(1) {
        "thawed" => end(world, &format!("{core} frozen")).await,
        fault => begin(world, &format!("{core} {fault}")).await,
    }
}

async fn app_is(world: &mut World, args: Args) -> StepResult {
    let app = format!("{} app {}", args.text(0), args.text(1));
    match args.text(2) {
        "thawed" => end(world, &format!("{app} frozen")).await,
        "started again" => end(world, &format!("{app} killed")).await,
        fault => begin(world, &format!("{app} {fault}")).await,
    }
}

async fn identity_is(world: &mut World, args: Args) -> StepResult {
    let what = format!("{} {}", args.text(0), args.text(1));
    match args.text(2) {
        "back" => end(world, &what).await,
        fault => begin(world, &format!("{what} {fault}")).await,
    }
}

async fn proxy_has(world: &mut World, args: Args) -> StepResult {
    let fault = format!("{} proxy {}", args.text(0), args.text(2));
    match args.text(1) {
        "has" => begin(world, &fault).await,
        _ => end(world, &fault).await,
    }
}
