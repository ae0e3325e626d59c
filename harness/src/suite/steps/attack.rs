//! The hostile peer tries an attack of the catalogue; its twin is let in before and afterwards.

mod judging;
mod shooting;
mod telling;

use super::prelude::*;
use crate::attack::{self, Attack, CAROL, Cast, Crafted, DANA, Defect, Door, MALLORY, Meanwhile, Place, catalogue};
use crate::testbed::Answer as FakeAnswer;
use crate::testbed::Received;
use crate::testbed::identity::TestIdentity;

pub(super) fn register(steps: &mut Steps) {
    steps.when(r#"^the hostile peer tries "([^"]+)" on ({portal})$"#, tries);
    steps.then(
        "^(nobody is authenticated by it(?:, or it is refused)?|it is turned away|its body is turned away|\
         the app is told nothing that was forged|it is read in one way or refused|\
         it arrives as it was sent or is refused|it costs no more than it should|it holds up nobody), \
         and its twin is let in$",
        came_to,
    );
}

/// An attack that was tried.
#[derive(Default)]
struct Trial {
    attack: Option<&'static Attack>,
    seen: Vec<Seen>,
}

/// What was sent once, and what came of it.
struct Seen {
    /// Whether it is the attack or its twin.
    role: Role,
    /// On which path.
    place: Place,
    /// What was sent.
    target: String,
    /// The body that was signed.
    signed_body: Option<Vec<u8>>,
    /// Where in the world's exchanges what came back is; none where nothing was waited for.
    exchange: Option<usize>,
    /// The app that it is for.
    addressed: Receiver,
    /// What everybody received meanwhile.
    received: Vec<(Receiver, Arrived)>,
}

/// What one receiver got.
struct Arrived {
    begun: usize,
    whole: Vec<Received>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It has to be let in as this peer.
    Twin(&'static str),
    /// It is the attack.
    Attack,
}

/// Where the attack takes place.
struct Stage {
    /// The Portal that is attacked.
    portal: String,
    /// Those who only sign: they need not be there.
    absent: Vec<(String, TestIdentity)>,
}

async fn tries(world: &mut World, args: Args) -> StepResult {
    let (_, attack) = catalogue::find(args.text(0)).ok_or_else(|| unknown(args.text(0)))?;
    let stage = Stage::set(world, args.text(1))?;
    let mut trial = Trial { attack: Some(attack), seen: Vec::new() };

    // What is sent again has to be sent first, on each path. Else one path before and the other one afterwards will do.
    let again = matches!(attack.defect, Defect::Again(_) | Defect::AgainSigned(_));
    let mut originals = Vec::new();
    for place in Place::BOTH.into_iter().filter(|place| again || *place == Place::Peers) {
        let original = stage.craft(world, attack, place)?;
        trial.seen.push(twin(world, attack, place, &original, &stage).await?);
        originals.push(original);
    }
    meanwhile(world, attack, &stage).await?;
    if let Defect::Slow(slow) = attack.defect {
        let one = stage.craft(world, attack, Place::Peers)?;
        world.exhibit("The valid request", telling::message(&one.valid));
        let held = shooting::hold(world, slow, &one.valid, &stage.portal).await?;
        trial.seen.push(held.seen);
        let one = stage.craft(world, attack, Place::Peers)?;
        trial.seen.push(twin(world, attack, Place::Peers, &one, &stage).await?);
        drop(held.streams);
    } else {
        let mut originals = originals.into_iter().filter(|_| again);
        for place in Place::BOTH {
            let one = match originals.next() {
                Some(original) => original,
                None => stage.craft(world, attack, place)?,
            };
            if place == Place::Peers {
                telling::exhibit(world, &one);
            }
            let (receiver, door) = door(world, attack.door, &stage.portal)?;
            let by = attack.valid.signer();
            let shot = shooting::Shooting { shot: &one.attack, valid: &one.valid, by, door, place, role: Role::Attack };
            trial.seen.push(shot.shoot(world, &receiver).await?);
        }
    }
    undone(world, attack, &stage.portal).await?;
    let one = stage.craft(world, attack, Place::Public)?;
    trial.seen.push(twin(world, attack, Place::Public, &one, &stage).await?);
    *world.part::<Trial>() = trial;
    Ok(())
}

async fn came_to(world: &mut World, args: Args) -> StepResult {
    let trial = std::mem::take(world.part::<Trial>());
    let attack = trial.attack.ok_or_else(|| StepFailure::mistake("the hostile peer has tried nothing yet"))?;
    let sentence = attack.expected.sentence();
    if sentence != args.text(0) {
        let what = format!("of {} it is to be said that {sentence}, and its twin is let in", attack.name);
        return Err(StepFailure::error(what));
    }
    world.exhibit("What came of it", telling::outcomes(world, &trial.seen));
    for seen in &trial.seen {
        if let Err(mut failure) = judging::judge(world, attack, seen).await {
            if let Some(exchange) = seen.exchange.and_then(|at| world.exchanges().get(at)) {
                world.add_evidence_of(&mut failure, exchange);
            }
            let details = failure.details_mut();
            details.expected = format!("{}: {}", telling::which(seen), details.expected);
            details.requirement.get_or_insert_with(|| attack.requirement.to_owned());
            return Err(failure);
        }
    }
    Ok(())
}

async fn twin(world: &mut World, attack: &Attack, place: Place, crafted: &Crafted, stage: &Stage) -> StepResult<Seen> {
    // What is meant for another Portal is a replay: its twin goes where it belongs.
    let wanted = if attack.door == Door::Elsewhere { Door::Proxy } else { attack.door };
    let (receiver, door) = door(world, wanted, &stage.portal)?;
    let Crafted { twin: shot, twin_by: by, valid, .. } = crafted;
    let shooting = shooting::Shooting { shot, valid, by, door, place, role: Role::Twin(by) };
    shooting.shoot(world, &receiver).await
}

impl Stage {
    fn set(world: &mut World, portal: &str) -> StepResult<Stage> {
        let mut absent = Vec::new();
        for name in [CAROL, MALLORY] {
            if world.scene().fakes().all(|fake| fake.name() != name) {
                absent.push((name.to_owned(), world.chance().identity(name)?));
            }
        }
        Ok(Stage { portal: portal.to_owned(), absent })
    }

    /// The attack on one path, with a nonce of its own.
    fn craft(&self, world: &mut World, attack: &Attack, place: Place) -> StepResult<Crafted> {
        let nonce = attack::nonce(world.chance().bytes());
        Ok(attack.craft(place, &Cast { nonce, ..self.cast(world)? })?)
    }

    /// Who is there, as the hostile peer knows them.
    fn cast(&self, world: &World) -> StepResult<Cast> {
        let scene = world.scene();
        let testbed = scene.testbed()?;
        let domain = |name: &str| Ok::<_, StepFailure>(testbed.outside().authority(scene.portal(name)?.domain()));
        let profile = testbed.profile();
        let present = scene.fakes().map(|fake| (fake.name().to_owned(), fake.identity().clone()));
        Ok(Cast {
            now: i64::try_from(scene.now()?)?,
            nonce: String::new(),
            window: i64::try_from(profile.window_seconds)?,
            skew: i64::try_from(profile.skew_seconds)?,
            domain: domain(&self.portal)?,
            elsewhere: elsewhere(world, &self.portal).map(|other| domain(&other)).transpose()?,
            players: present.chain(self.absent.iter().cloned()).collect(),
        })
    }
}

fn elsewhere(world: &World, portal: &str) -> Option<String> {
    world.scene().real_names().into_iter().find(|name| name != portal)
}

/// The app that an attack is for, and the way to it.
fn door(world: &World, door: Door, portal: &str) -> StepResult<(Receiver, shooting::Way)> {
    let proxy_of = |name: &str| Ok::<_, StepFailure>(shooting::Way::Proxy(world.scene().portal(name)?.host_of("chat")));
    match door {
        Door::Proxy => Ok((Receiver::app(portal, "chat"), proxy_of(portal)?)),
        Door::Core => Ok((Receiver::app(portal, "chat"), shooting::Way::Core(portal.to_owned()))),
        Door::Elsewhere => {
            let missing = || StepFailure::mistake("the attack needs another Portal with a Core on the stage");
            let other = elsewhere(world, portal).ok_or_else(missing)?;
            Ok((Receiver::app(&other, "chat"), proxy_of(&other)?))
        }
    }
}

async fn meanwhile(world: &mut World, attack: &Attack, stage: &Stage) -> StepResult {
    let portal = stage.portal.as_str();
    let signer = attack.valid.signer();
    match attack.meanwhile {
        Meanwhile::Nothing => Ok(()),
        Meanwhile::CoreRestarts => Ok(world.scene().portal(portal)?.restart_core().await?),
        Meanwhile::PeerRemoved => {
            let id = world.scene().person(signer)?.id().to_owned();
            let reply = world.scene().portal(portal)?.remove_peer(&id).await?;
            Answer::from(reply).expect_status(204)
        }
        Meanwhile::KeyChanges => {
            let key = stage.cast(world)?.player(MALLORY)?.public_key_pem().to_owned();
            let fake = world.scene().fake(signer)?;
            let mut introduction = fake.introduction();
            introduction["public_key_pem"] = key.into();
            fake.introduce_as(FakeAnswer::json(&introduction));
            add(world, portal, signer).await
        }
        Meanwhile::AddressTaken => {
            world.scene().fake(DANA)?.take_address().await;
            add(world, portal, signer).await
        }
    }
}

/// Undoes what happened meanwhile.
async fn undone(world: &mut World, attack: &Attack, portal: &str) -> StepResult {
    let signer = attack.valid.signer();
    match attack.meanwhile {
        Meanwhile::Nothing | Meanwhile::CoreRestarts => Ok(()),
        Meanwhile::PeerRemoved => add(world, portal, signer).await,
        Meanwhile::KeyChanges => {
            world.scene().fake(signer)?.tell_truth();
            add(world, portal, signer).await
        }
        Meanwhile::AddressTaken => {
            world.scene().fake(signer)?.take_address().await;
            add(world, portal, signer).await
        }
    }
}

async fn add(world: &World, portal: &str, peer: &str) -> StepResult {
    let id = world.scene().person(peer)?.id().to_owned();
    Answer::from(world.scene().portal(portal)?.put_peer(&id, None).await?).expect_status(200)
}

fn unknown(name: &str) -> StepFailure {
    let nearest = catalogue::nearest(name);
    let advice = if nearest.is_empty() { String::new() } else { format!("; there is {}", nearest.join(", ")) };
    StepFailure::mistake(format!("there is no attack `{name}`{advice}"))
}

#[cfg(test)]
mod tests;
