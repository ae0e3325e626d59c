//! What must have come of an attack and of its twin: from the contract's text.

use super::super::common::outcomes::expect_client;
use super::super::prelude::*;
use super::{Arrived, Role, Seen};
use crate::attack::{Attack, Expected, Place};
use crate::suite::kit::body::Fingerprint;
use crate::testbed::Received;
use crate::wire::Content;

/// What every forged value holds.
const FORGED: &str = "forged";
/// How long a costly request may take (AUTH-13), in seconds.
const BOUND: f64 = 2.0;
/// How a costly request may be refused.
const TOO_MUCH: &[u16] = &[400, 401, 413, 414, 431];

/// Fails unless what was seen is as it must be.
pub(super) async fn judge(world: &World, attack: &Attack, seen: &Seen) -> StepResult {
    let peer = attack.valid.signer();
    match (seen.role, attack.expected) {
        (Role::Twin(peer), _) => let_in_as_peer(world, seen, peer).await,
        (_, Expected::HeldUp) => nothing_received(seen),
        (_, Expected::Nobody) => nobody(world, seen).await,
        (_, Expected::NobodyOr(statuses, _)) if is_refused(world, seen, statuses)? => nothing_received(seen),
        (_, Expected::NobodyOr(..)) => nobody(world, seen).await,
        (_, Expected::Refused(statuses)) => refused(world, seen, statuses),
        (_, Expected::BodyRefused) => refused(world, seen, &[400]),
        (
            _,
            Expected::NothingForged(statuses)
            | Expected::OneReading(statuses, _)
            | Expected::AsSentOr(statuses, _)
            | Expected::AsSentByAnyoneOr(statuses, _),
        ) if is_refused(world, seen, statuses)? => nothing_received(seen),
        (_, Expected::NothingForged(_)) => {
            let_in_as_peer(world, seen, peer).await?;
            nothing_forged(seen)
        }
        (_, Expected::OneReading(..)) => {
            let_in_as_peer(world, seen, peer).await?;
            same_body(seen)
        }
        (_, Expected::AsSentOr(..)) => {
            let_in_as_peer(world, seen, peer).await?;
            same_target(seen)
        }
        (_, Expected::AsSentByAnyoneOr(..)) => {
            if let_in_as_peer(world, seen, peer).await.is_err() {
                nobody(world, seen).await?;
            }
            same_target(seen)
        }
        (_, Expected::Bounded) => {
            in_time(world, seen)?;
            if is_refused(world, seen, TOO_MUCH)? { nothing_received(seen) } else { nobody(world, seen).await }
        }
    }
}

/// 200 as anonymous on a public path, 401 on a peer path.
async fn nobody(world: &World, seen: &Seen) -> StepResult {
    match seen.place {
        Place::Public => let_in(world, seen, "anonymous").await,
        Place::Peers => refused(world, seen, &[401]),
    }
}

async fn let_in_as_peer(world: &World, seen: &Seen, peer: &str) -> StepResult {
    let_in(world, seen, &format!("the peer {peer}")).await
}

async fn let_in(world: &World, seen: &Seen, who: &str) -> StepResult {
    let exchange = exchange(world, seen)?;
    let answer = exchange.answer()?;
    answer.expect_status(200)?;
    if let Some(portal) = &exchange.asked {
        return expect_client(world, portal, who, &answer.fields.to_readable()).await;
    }
    let Receiver::App { portal, .. } = &seen.addressed else {
        return Err(StepFailure::mistake("an attack is for an app of a Portal with a Core"));
    };
    for (receiver, arrived) in seen.received.iter().filter(|(receiver, _)| *receiver != seen.addressed) {
        expect_nothing(receiver, arrived)?;
    }
    let arrived = seen.received.iter().find(|(receiver, _)| *receiver == seen.addressed);
    match arrived.map(|(_, arrived)| (arrived.begun, arrived.whole.as_slice())) {
        Some((1, [one])) => expect_client(world, portal, who, &one.fields).await,
        Some((begun, whole)) => {
            let got = format!("{begun}, {} of them whole; the sender got {}", whole.len(), exchange.told());
            Err(StepFailure::fail(format!("{} receives one request", seen.addressed), got))
        }
        None => Err(StepFailure::error(format!("{} is not installed", seen.addressed))),
    }
}

fn is_refused(world: &World, seen: &Seen, statuses: &[u16]) -> StepResult<bool> {
    Ok(exchange(world, seen)?.answer().is_ok_and(|answer| statuses.contains(&answer.status)))
}

fn refused(world: &World, seen: &Seen, statuses: &[u16]) -> StepResult {
    exchange(world, seen)?.answer()?.expect_status_among(statuses)?;
    nothing_received(seen)
}

fn nothing_received(seen: &Seen) -> StepResult {
    seen.received.iter().try_for_each(|(receiver, arrived)| expect_nothing(receiver, arrived))
}

fn expect_nothing(receiver: &Receiver, arrived: &Arrived) -> StepResult {
    expect::holds(arrived.begun == 0, format!("{receiver} receives nothing"), || {
        let whole: Vec<_> = arrived.whole.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
        format!("{} requests: {}", arrived.begun, whole.join(", "))
    })
}

fn nothing_forged(seen: &Seen) -> StepResult {
    let Some(one) = the_one(seen) else { return Ok(()) };
    let identity = |name: &str| name.to_ascii_lowercase().replace('_', "-").starts_with("x-ptl-");
    let lines = one.fields.iter().chain(&one.trailers);
    let forged = lines.clone().find(|(name, value)| identity(name) && value.contains(FORGED));
    expect::holds(forged.is_none(), format!("{} receives no field X-Ptl-… that was forged", seen.addressed), || {
        forged.map_or_else(String::new, |(name, value)| format!("{name}: {value}"))
    })
}

fn same_body(seen: &Seen) -> StepResult {
    let Some(one) = the_one(seen) else { return Ok(()) };
    let signed = seen.signed_body.clone().unwrap_or_default();
    let wanted = Fingerprint::of(&Content::Bytes(signed.into()));
    let got = Fingerprint { length: one.body_length, sha256: one.body_sha256.clone() };
    expect::holds(wanted == got, format!("{} receives {wanted}", seen.addressed), || got.to_string())
}

fn same_target(seen: &Seen) -> StepResult {
    let Some(one) = the_one(seen) else { return Ok(()) };
    expect::holds(one.target == seen.target, format!("{} receives the target {}", seen.addressed, seen.target), || {
        one.target.clone()
    })
}

fn in_time(world: &World, seen: &Seen) -> StepResult {
    let exchange = exchange(world, seen)?;
    let took = exchange.took.as_secs_f64();
    expect::holds(took <= BOUND, format!("an answer within {BOUND} s"), || {
        format!("it took {took:.1} s: {}", exchange.told())
    })
}

/// The request that the app received.
fn the_one(seen: &Seen) -> Option<&Received> {
    let (_, arrived) = seen.received.iter().find(|(receiver, _)| *receiver == seen.addressed)?;
    arrived.whole.first()
}

fn exchange<'w>(world: &'w World, seen: &Seen) -> StepResult<&'w Exchange> {
    let found = seen.exchange.and_then(|at| world.exchanges().get(at));
    found.ok_or_else(|| StepFailure::mistake("nothing was sent that could be answered"))
}
