//! The owner's contact list.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::time::{Instant, MissedTickBehavior};

use super::drafts;
use super::prelude::*;
use crate::suite::kit::people::{AGAIN, LEARNING, ListedPeer, Person};
use crate::testbed::Answer as FakeAnswer;
use crate::testbed::fake_portal::WHO_ARE_YOU;

mod crash;

/// How long a whoareyou without end goes on.
const ENDLESS: usize = 16 << 20;

pub(super) fn register(steps: &mut Steps) {
    steps.then("^({portal})'s peers are$", peers_are);
    steps.then("^({portal}) has no peers$", has_no_peers);
    steps.given("^({portal})'s whoareyou says$", whoareyou_says);
    steps.given(
        "^asked who it is, ({portal}) (sends no JSON|sends nothing|sends without end|answers with 500|is silent|redirects to ({portal}))$",
        asked_who_it_is,
    );
    steps.when("it is sent, and signed and sent anew 60 seconds later if it was refused", is_sent_twice);
    crash::register(steps);
}

async fn peers_are(world: &mut World, args: Args) -> StepResult {
    let mut expected = Vec::new();
    for row in args.table()?.rows() {
        let person = world.scene().person(row.cell("peer")?)?;
        expected.push((person, row));
    }
    let until = Instant::now() + LEARNING;
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        again.tick().await;
        let listed = world.scene().listed_peers(args.text(0)).await?;
        match differs(&expected, &listed)? {
            None => return Ok(()),
            Some(what) if Instant::now() >= until => {
                let list: Vec<_> = listed.iter().map(told).collect();
                return Err(StepFailure::fail(what, format!("the list {}", list.join(", "))));
            }
            Some(_) => {}
        }
    }
}

/// What the list should say and does not.
fn differs(expected: &[(Person, Row<'_>)], listed: &[ListedPeer]) -> StepResult<Option<String>> {
    let mut left: Vec<&ListedPeer> = listed.iter().collect();
    for (person, row) in expected {
        let mut fitting = None;
        for (at, peer) in left.iter().enumerate() {
            if peer.is(person.id()) && fits(peer, person, row)? {
                fitting = Some(at);
            }
        }
        match fitting {
            Some(at) => drop(left.remove(at)),
            None => {
                let cells = ["peer", "name", "reachable", "key"];
                let cells = cells.iter().filter_map(|name| Some(format!("{name} {}", row.cell_if_any(name)?)));
                return Ok(Some(format!("a peer with {}", cells.collect::<Vec<_>>().join(", "))));
            }
        }
    }
    Ok((!left.is_empty()).then(|| format!("{} peers and no more", expected.len())))
}

fn fits(peer: &ListedPeer, person: &Person, row: &Row<'_>) -> StepResult<bool> {
    if let Some(name) = row.cell_if_any("name")
        && !fields::cell_matches(name, &peer.name)?
    {
        return Ok(false);
    }
    if let Some(reachable) = row.cell_if_any("reachable")
        && reachable != if peer.is_reachable { "true" } else { "false" }
    {
        return Ok(false);
    }
    Ok(match row.cell_if_any("key") {
        None => true,
        Some("known") => is_key_of(&peer.public_bytes_b64, person),
        Some("unknown") => peer.public_bytes_b64.is_empty(),
        Some(other) => return Err(StepFailure::mistake(format!("`{other}` in column `key`: known or unknown"))),
    })
}

/// Whether these are the bytes of the Portal's public key, its PEM text or the DER in it.
fn is_key_of(public_bytes_b64: &str, person: &Person) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(public_bytes_b64) else { return false };
    let pem = person.public_key_pem.trim();
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    bytes.trim_ascii() == pem.as_bytes() || BASE64_STANDARD.decode(der).is_ok_and(|der| der == bytes)
}

fn told(peer: &ListedPeer) -> String {
    let id = peer.id.get(..12).unwrap_or(&peer.id);
    let key = if peer.public_bytes_b64.is_empty() { "without key" } else { "with a key" };
    let reachable = if peer.is_reachable { "reachable" } else { "not reachable" };
    format!("{id} named `{}` {key}, {reachable}", peer.name)
}

async fn has_no_peers(world: &mut World, args: Args) -> StepResult {
    let listed = world.scene().listed_peers(args.text(0)).await?;
    let list: Vec<_> = listed.iter().map(told).collect();
    expect::holds(list.is_empty(), "no peers", || list.join(", "))
}

async fn whoareyou_says(world: &mut World, args: Args) -> StepResult {
    let fake = world.scene().fake(args.text(0))?;
    let mut introduction = fake.introduction();
    for row in args.table()?.rows() {
        introduction[row.cell("at")?] = row.cell("value")?.into();
    }
    fake.introduce_with(&introduction);
    Ok(())
}

async fn asked_who_it_is(world: &mut World, args: Args) -> StepResult {
    let fake = world.scene().fake(args.text(0))?;
    let answer = match args.text(1) {
        "sends no JSON" => FakeAnswer::status(200).field("Content-Type", "text/html").body("<p>It is me.</p>"),
        "sends nothing" => FakeAnswer::status(200),
        "sends without end" => {
            let mut body = b"{\"id\": \"".to_vec();
            body.resize(ENDLESS, b'a');
            FakeAnswer::status(200).field("Content-Type", "application/json").body(body).chunked()
        }
        "answers with 500" => FakeAnswer::status(500).body("Internal Server Error"),
        "is silent" => FakeAnswer::silence(),
        _ => {
            let domain = world.scene().person(args.text(2))?.host().to_owned();
            let authority = world.scene().testbed()?.outside().authority(&domain);
            // With a query, so that it counts as a request: questions who it is do not.
            let location = format!("https://{authority}{WHO_ARE_YOU}?redirected");
            FakeAnswer::redirect(302, &location)
        }
    };
    fake.introduce_as(answer);
    Ok(())
}

async fn is_sent_twice(world: &mut World, _: Args) -> StepResult {
    drafts::send(world, |call| call).await?;
    if world.answer()?.status != 401 {
        return Ok(());
    }
    if !world.subject()?.capabilities().clock {
        let why = "the key was not asked for at once, and the subject's clock can't be set to a minute later";
        return Err(StepFailure::unsupported(why));
    }
    world.scene().advance(Duration::from_secs(60)).await?;
    drafts::sign_anew(world)?;
    drafts::send(world, |call| call).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_as_pem_and_as_der() {
        let pem = "-----BEGIN PUBLIC KEY-----\nAAEC\nAwQF\n-----END PUBLIC KEY-----\n";
        let person = Person::new("id", "domain", pem);
        assert!(is_key_of(&BASE64_STANDARD.encode(pem), &person));
        assert!(is_key_of(&BASE64_STANDARD.encode(pem.trim()), &person));
        assert!(is_key_of(&BASE64_STANDARD.encode([0, 1, 2, 3, 4, 5]), &person));
        assert!(!is_key_of(&BASE64_STANDARD.encode([0, 1, 2, 3, 4, 6]), &person));
        assert!(!is_key_of("", &person) && !is_key_of("?", &person));
    }
}
