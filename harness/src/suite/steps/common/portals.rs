//! The Portals, who is whose peer, and whether they are there.

use super::super::prelude::*;
use crate::topology::{KeyPlan, PortalPlan};

pub(super) fn register(steps: &mut Steps) {
    steps.given(
        r"^the Portals? ({portal}(?: \((?:ed25519|rsa-pss-sha512)\))?(?:(?:, | and ){portal}(?: \((?:ed25519|rsa-pss-sha512)\))?)*)$",
        portals_start,
    );
    steps.given(
        r"^the fake Portals? ({portal}(?: \((?:ed25519|rsa-pss-sha512)\))?(?:(?:, | and ){portal}(?: \((?:ed25519|rsa-pss-sha512)\))?)*)$",
        fake_portals_start,
    );
    steps.given("^the fake Portals ({portal}) and ({portal}) with the same short ID$", fake_portals_collide);
    steps.given("^({portals}) are peers$", all_are_peers);
    steps.given_or_when(r#"^({portal}) (?:has added|adds) ({portal}) as a peer(?: named "([^"]*)")?$"#, adds_peer);
    steps.given_or_when("^({portal}) (?:has removed|removes) the peer ({portal})$", removes_peer);
    steps.given_or_when("^({portal}) has paired the terminal ({terminal})$", pairs_terminal);
    steps.given_or_when("^({portal})'s Core is (stopped|started|restarted|killed and started)$", core_changes);
    steps.given_or_when("^({portal}) is away$", goes_away);
    steps.given_or_when("^({portal}) comes back$", comes_back);
    steps.given_or_when("^({portal}) takes over ({portal})'s address$", takes_over);
}

async fn portals_start(world: &mut World, args: Args) -> StepResult {
    let mut plans = Vec::new();
    for (name, key) in named_keys(&args.list(0))? {
        plans.push(PortalPlan::new(name).key(key));
    }
    world.start_portals(plans).await
}

async fn fake_portals_start(world: &mut World, args: Args) -> StepResult {
    for (name, key) in named_keys(&args.list(0))? {
        world.start_fake_portal(&name, &key).await?;
    }
    Ok(())
}

async fn fake_portals_collide(world: &mut World, args: Args) -> StepResult {
    world.start_colliding_fake_portals(args.text(0), args.text(1)).await
}

/// `alice`, `bob (rsa-pss-sha512)`.
fn named_keys(items: &[String]) -> StepResult<Vec<(String, KeyPlan)>> {
    let items = items.iter().map(|item| match item.split_once(" (") {
        None => Ok((item.clone(), KeyPlan::Ed25519)),
        Some((name, kind)) => Ok((name.to_owned(), kind.trim_end_matches(')').parse()?)),
    });
    items.collect()
}

/// Everybody who has a Core adds everybody else, and learns who that is: all are there.
async fn all_are_peers(world: &mut World, args: Args) -> StepResult {
    let names = args.list(0);
    for name in names.iter().filter(|name| world.scene().is_real(name)) {
        for other in names.iter().filter(|other| *other != name) {
            let id = world.scene().person(other)?.id().to_owned();
            let reply = world.scene().portal(name)?.put_peer(&id, None).await?;
            Answer::from(reply).expect_status(200)?;
        }
    }
    for name in names.iter().filter(|name| world.scene().is_real(name)) {
        for other in names.iter().filter(|other| *other != name) {
            world.scene().learns(name, other).await?;
        }
        let listed = world.scene().listed_peers(name).await?;
        for other in names.iter().filter(|other| *other != name) {
            let id = world.scene().person(other)?.id().to_owned();
            let entry = listed.iter().find(|peer| peer.is(&id));
            let entry = expect::some(entry, format!("{other} among the peers that {name}'s Core lists"))?;
            expect::holds(entry.is_reachable, format!("{name}'s Core knows the key of {other}"), || {
                "it is listed as not reachable".to_owned()
            })?;
        }
    }
    Ok(())
}

async fn adds_peer(world: &mut World, args: Args) -> StepResult {
    let name = Some(args.text(2)).filter(|name| !name.is_empty());
    add_peer(world, args.text(0), args.text(1), name).await
}

async fn add_peer(world: &World, portal: &str, peer: &str, name: Option<&str>) -> StepResult {
    let id = world.scene().person(peer)?.id().to_owned();
    let reply = world.scene().portal(portal)?.put_peer(&id, name).await?;
    Answer::from(reply).expect_status(200)?;
    world.scene().learns(portal, peer).await
}

async fn removes_peer(world: &mut World, args: Args) -> StepResult {
    let id = world.scene().person(args.text(1))?.id().to_owned();
    let reply = world.scene().portal(args.text(0))?.remove_peer(&id).await?;
    Answer::from(reply).expect_status(204)
}

async fn pairs_terminal(world: &mut World, args: Args) -> StepResult {
    world.scene_mut().pair(args.text(0), args.text(1)).await
}

async fn core_changes(world: &mut World, args: Args) -> StepResult {
    let portal = world.scene().portal(args.text(0))?;
    match args.text(1) {
        "stopped" => portal.stop_core().await?,
        "started" => {
            let (portal, killed) = (portal.clone(), format!("{} core killed", portal.name()));
            // Where it was killed by a fault, that is over now.
            if world.scene().testbed()?.heal(&killed).await?.is_empty() {
                portal.start_core().await?;
            }
        }
        "restarted" => portal.restart_core().await?,
        _ => {
            portal.kill_core().await?;
            portal.start_core().await?;
        }
    }
    Ok(())
}

async fn goes_away(world: &mut World, args: Args) -> StepResult {
    world.scene().leave(args.text(0)).await
}

async fn comes_back(world: &mut World, args: Args) -> StepResult {
    world.scene().come_back(args.text(0)).await
}

async fn takes_over(world: &mut World, args: Args) -> StepResult {
    world.scene().fake(args.text(0))?.take_address().await;
    Ok(())
}
