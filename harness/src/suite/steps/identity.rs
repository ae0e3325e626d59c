//! Who a Portal is: its ID, its key, and what it keeps to itself.

use super::prelude::*;
use crate::testbed::identity::portal_id;
use crate::wire::Call;

mod secrets;

pub(super) fn register(steps: &mut Steps) {
    steps.then("^the IDs of ({portals}) all differ$", ids_differ);
    steps.then("^({portal})'s ID is the hash of the public key that it gives$", id_is_hash);
    steps.then("^({portal})'s whoareyou is the same as at the beginning$", whoareyou_is_the_same);
    secrets::register(steps);
}

async fn ids_differ(world: &mut World, args: Args) -> StepResult {
    let mut seen: Vec<(String, String)> = Vec::new();
    for name in args.list(0) {
        let id = told(world, &name, "id").await?;
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == id) {
            return Err(StepFailure::fail("every Portal has an ID of its own", format!("{other} and {name}: {id}")));
        }
        seen.push((name, id));
    }
    Ok(())
}

async fn id_is_hash(world: &mut World, args: Args) -> StepResult {
    let name = args.text(0);
    let id = told(world, name, "id").await?;
    let public_key_pem = told(world, name, "public_key_pem").await?;
    expect::same("the ID, made of the public key that the Core gives,", portal_id(&public_key_pem), id)
}

async fn whoareyou_is_the_same(world: &mut World, args: Args) -> StepResult {
    let name = args.text(0);
    let at_first = world.scene().person(name)?;
    let domain = world.scene().testbed()?.outside().authority(at_first.host());
    for (member, before) in
        [("id", at_first.id()), ("public_key_pem", at_first.public_key_pem.as_str()), ("domain", domain.as_str())]
    {
        let now = told(world, name, member).await?;
        expect::same(&format!("`{member}`, as at the beginning,"), before.to_owned(), now)?;
    }
    Ok(())
}

/// What a Core says of itself now.
async fn told(world: &World, portal: &str, member: &str) -> StepResult<String> {
    let reply = world.scene().portal(portal)?.ask_core(Call::get("/public/meta/whoareyou")).await?;
    let answer = Answer::from(reply);
    answer.expect_status(200)?;
    let value = answer.expect_json()?[member].as_str().map(str::to_owned);
    expect::some(value, format!("`{member}` in what {portal}'s Core says of itself"))
}
