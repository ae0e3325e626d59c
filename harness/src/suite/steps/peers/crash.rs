//! A Core that is killed while it writes: what it had acknowledged is there.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};

use super::super::prelude::*;
use crate::suite::kit::people::ListedPeer;
use crate::testbed::Portal;
use crate::wire::Reply;

/// So many changes are under way at the same moment.
const AT_ONCE: usize = 8;
const ALPHABET: &[u8; 32] = b"abcdefghjklnpqrstvwxyz0123456789";

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r"^({portal})'s Core is killed and started while (\d+) peers are being added and every third removed$",
        killed_while_writing,
    );
    steps.then("^every change that ({portal})'s Core had acknowledged is there$", acknowledged_is_there);
}

/// What has to be listed after a crash.
#[derive(Debug, Default)]
struct Ledger(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    state: State,
}

/// What the Core had said of a peer when it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was acknowledged that it is listed.
    Listed,
    /// It was acknowledged that it is removed.
    Removed,
    /// The last change was not acknowledged: either is right.
    Open,
}

async fn killed_while_writing(world: &mut World, args: Args) -> StepResult {
    let portal = world.scene().portal(args.text(0))?.clone();
    let count = args.get::<usize>(1)?;
    let mut ledger = Ledger::default();
    for before in world.scene().listed_peers(portal.name()).await? {
        ledger.0.insert(before.id, Entry { name: before.name, state: State::Listed });
    }
    let mut newcomers = Vec::with_capacity(count);
    for number in 0..count {
        newcomers.push((number, random_id(world.chance().bytes())));
    }

    let killed = Cell::new(false);
    let changes = newcomers.into_iter().map(|(number, id)| {
        let (portal, killed) = (&portal, &killed);
        async move { change(portal, killed, number, id).await }
    });
    let mut changes = stream::iter(changes).buffer_unordered(AT_ONCE);
    let mut done = Vec::with_capacity(count);
    while done.len() < count / 2
        && let Some(change) = changes.next().await
    {
        done.push(change?);
    }
    // What is under way goes on while the Core dies.
    killed.set(true);
    let (kill, rest) = tokio::join!(portal.kill_core(), changes.collect::<Vec<_>>());
    kill?;
    for change in rest {
        done.push(change?);
    }
    ledger.0.extend(done);
    portal.start_core().await?;
    world.remember(portal.name(), ledger);
    Ok(())
}

/// Adds a peer, and removes it again if it is a third one.
async fn change(portal: &Portal, killed: &Cell<bool>, number: usize, id: String) -> StepResult<(String, Entry)> {
    let name = format!("Peer {number}");
    let mut state = State::Open;
    if acknowledged(portal.put_peer(&id, Some(&name)).await.ok(), &[200, 201], killed)? {
        state = State::Listed;
        if number % 3 == 2 {
            state = State::Open;
            if acknowledged(portal.remove_peer(&id).await.ok(), &[200, 204], killed)? {
                state = State::Removed;
            }
        }
    }
    Ok((id, Entry { name, state }))
}

/// Whether the Core said that it is done. It has to, as long as it lives.
fn acknowledged(reply: Option<Reply>, statuses: &[u16], killed: &Cell<bool>) -> StepResult<bool> {
    match reply {
        Some(reply) if statuses.contains(&reply.status) => Ok(true),
        Some(reply) => Err(StepFailure::fail("the change of a peer is acknowledged", Answer::from(reply).summary())),
        None if killed.get() => Ok(false),
        None => Err(StepFailure::fail("the change of a peer is acknowledged", "no answer")),
    }
}

async fn acknowledged_is_there(world: &mut World, args: Args) -> StepResult {
    let listed = world.scene().listed_peers(args.text(0)).await?;
    world.recall::<Ledger>(args.text(0))?.check(&listed)
}

impl Ledger {
    fn check(&self, listed: &[ListedPeer]) -> StepResult {
        if !self.0.values().any(|entry| entry.state == State::Listed) {
            return Err(StepFailure::fail("changes that the Core acknowledged before it was killed", "none"));
        }
        for (id, entry) in &self.0 {
            let found = listed.iter().find(|peer| peer.is(id) || peer.id == *id);
            let name = &entry.name;
            match (entry.state, found) {
                (State::Listed, None) => {
                    return Err(StepFailure::fail(format!("`{name}`, whose addition was acknowledged"), "it is lost"));
                }
                (State::Removed, Some(_)) => {
                    let expected = format!("no `{name}`, whose removal was acknowledged");
                    return Err(StepFailure::fail(expected, "it is listed again"));
                }
                (_, Some(peer)) if peer.name != *name => {
                    return Err(StepFailure::fail(
                        format!("the peer `{name}`"),
                        format!("it is named `{}`", peer.name),
                    ));
                }
                _ => {}
            }
        }
        match listed.iter().find(|peer| !self.0.keys().any(|id| peer.is(id) || peer.id == *id)) {
            Some(stranger) => Err(StepFailure::fail("only peers that were added", format!("{} too", stranger.id))),
            None => Ok(()),
        }
    }
}

/// A well-formed ID that nobody has.
fn random_id(bytes: [u8; 103]) -> String {
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        let entries = [("aaaaaa1", State::Listed), ("bbbbbb1", State::Removed), ("cccccc1", State::Open)];
        let entry = |(id, state): (&str, State)| (id.to_owned(), Entry { name: format!("<{id}>"), state });
        Ledger(entries.map(entry).into())
    }

    fn listed(peers: &[(&str, &str)]) -> Vec<ListedPeer> {
        let peer = |(id, name): &(&str, &str)| ListedPeer {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            is_reachable: false,
            public_bytes_b64: String::new(),
        };
        peers.iter().map(peer).collect()
    }

    #[test]
    fn what_was_acknowledged_has_to_be_there_and_what_was_under_way_may() {
        let check = |peers: &[(&str, &str)]| ledger().check(&listed(peers));
        check(&[("aaaaaa1", "<aaaaaa1>")]).unwrap();
        check(&[("aaaaaa1", "<aaaaaa1>"), ("cccccc1", "<cccccc1>")]).unwrap();
        assert_eq!(check(&[]).unwrap_err().got(), "it is lost");
        assert_eq!(
            check(&[("aaaaaa1", "<aaaaaa1>"), ("bbbbbb1", "<bbbbbb1>")]).unwrap_err().got(),
            "it is listed again"
        );
        assert_eq!(check(&[("aaaaaa1", "x")]).unwrap_err().got(), "it is named `x`");
        assert_eq!(check(&[("aaaaaa1", "<aaaaaa1>"), ("dddddd1", "x")]).unwrap_err().got(), "dddddd1 too");
        assert!(Ledger::default().check(&[]).unwrap_err().is_fail());
    }

    #[test]
    fn an_id_is_well_formed() {
        let (one, other) = (random_id([7; 103]), random_id([200; 103]));
        assert_ne!(one, other);
        assert!(one.len() == 103 && one.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
