//! What an attack is: one defect in a valid request, and what must come of it.

use serde::Serialize;

use super::cast::Cast;
use super::draft::{Draft, DraftError};
use super::raw::Raw;
use super::recipe::{Place, Recipe, RecipeError, Valid};

/// A valid request with exactly one defect. Its *twin* is the same request without the defect, or with one that is
/// harmless, and is let in.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// Its name: stable, and its own.
    pub name: &'static str,
    /// The requirement that it attacks.
    pub requirement: &'static str,
    /// What is wrong with the request, in words that complete "the request is valid, but …".
    pub what: &'static str,
    /// Why it must not succeed.
    pub why: &'static str,
    /// The request that is spoilt.
    pub valid: Valid,
    /// The one defect.
    pub defect: Defect,
    /// What the twin has in place of the defect, where it has anything: in words, and what is done.
    pub harmless: Option<(&'static str, Defect)>,
    /// What must come of it.
    pub expected: Expected,
    /// Whom it is sent to.
    pub door: Door,
    /// What happens between the twin and the attack.
    pub meanwhile: Meanwhile,
}

/// The one defect, by where it comes in.
#[derive(Debug, Clone, Copy)]
pub enum Defect {
    /// The request is made or signed in a wrong way.
    Made(fn(&mut Recipe, &Cast)),
    /// What is sent differs from what was signed.
    Changed(fn(&mut Draft, &Cast)),
    /// The message itself is written in a wrong way.
    Written(fn(&mut Raw, &Cast)),
    /// The twin is sent once more, changed like this.
    Again(fn(&mut Draft, &Cast)),
    /// The twin is signed once more, with this changed.
    AgainSigned(fn(&mut Recipe, &Cast)),
    /// The request is as it should be, but not the time: see [`Attack::meanwhile`].
    Circumstance,
    /// It is sent, but not to its end.
    Slow(Slow),
}

/// How a request is not sent to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// Half of its head, on so many connections.
    Head(usize),
    /// Its head and half of its body.
    Body,
}

/// Whom it is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The proxy of the Portal.
    Proxy,
    /// Its Core, as the proxy would ask it: the proxy's own limits are not in the way.
    Core,
    /// The proxy of another Portal.
    Elsewhere,
}

/// What happens between the twin and the attack. It is undone before the twin comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// Nothing.
    Nothing,
    /// The Core is restarted.
    CoreRestarts,
    /// The owner removes the peer.
    PeerRemoved,
    /// The peer's Portal tells another key of its own under the same ID, and the owner adds the peer once more.
    KeyChanges,
    /// A Portal with the same short ID takes over the peer's address, and the owner adds the peer once more.
    AddressTaken,
}

/// What must come of an attack: from the contract's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It authenticates nobody: 200 as anonymous on a public path, 401 on a peer path.
    Nobody,
    /// The same, or it is refused with one of these statuses; why both are right.
    NobodyOr(&'static [u16], &'static str),
    /// It is refused with one of these statuses and reaches no app.
    Refused(&'static [u16]),
    /// Its body is refused: 400, and no app sees any of it.
    BodyRefused,
    /// Whatever was forged does not reach the app, which is told who really asks; or it is refused with one of these.
    NothingForged(&'static [u16]),
    /// It has one reading: it is refused with one of these statuses, or reaches the app once, with the body that was
    /// signed; why both are right.
    OneReading(&'static [u16], &'static str),
    /// It reaches the app exactly as it was sent, or is refused with one of these statuses; why both are right.
    AsSentOr(&'static [u16], &'static str),
    /// The same, and it may just as well be taken for nobody's: the target is no URI, so nobody has to make a signature base
    /// of it.
    AsSentByAnyoneOr(&'static [u16], &'static str),
    /// It is answered within two seconds with a refusal, or authenticates nobody.
    Bounded,
    /// It reaches no app while it is not complete, and others are served meanwhile.
    HeldUp,
}

impl Attack {
    const fn new(
        name: &'static str,
        requirement: &'static str,
        what: &'static str,
        why: &'static str,
        valid: Valid,
        defect: Defect,
    ) -> Attack {
        Attack {
            name,
            requirement,
            what,
            why,
            valid,
            defect,
            harmless: None,
            expected: Expected::Nobody,
            door: Door::Proxy,
            meanwhile: Meanwhile::Nothing,
        }
    }

    /// With this in place of the defect in the twin.
    pub(super) const fn harmless(self, what: &'static str, defect: Defect) -> Attack {
        Attack { harmless: Some((what, defect)), ..self }
    }

    /// With another outcome than that nobody is authenticated.
    pub(super) const fn expecting(self, expected: Expected) -> Attack {
        Attack { expected, ..self }
    }

    /// At another door.
    pub(super) const fn at(self, door: Door) -> Attack {
        Attack { door, ..self }
    }

    /// With this in between.
    pub(super) const fn after(self, meanwhile: Meanwhile) -> Attack {
        Attack { meanwhile, ..self }
    }

    /// The tag of what a subject must be able to do.
    pub fn needs(&self) -> Option<&'static str> {
        match self.meanwhile {
            Meanwhile::CoreRestarts => Some("needs-restart"),
            _ => None,
        }
    }

    /// What the twin is, in words.
    pub fn twin(&self) -> &'static str {
        match (self.harmless, self.defect) {
            (Some((what, _)), _) => what,
            (None, Defect::Again(_) | Defect::AgainSigned(_) | Defect::Circumstance) => "the same request, before that",
            (None, _) => "the same request without the defect",
        }
    }

    /// The attack on one path, with the valid request that it was made from.
    ///
    /// # Errors
    /// The valid request can't be made or signed.
    pub fn craft(&self, place: Place, cast: &Cast) -> Result<Crafted, RecipeError> {
        let recipe = Recipe::valid(self.valid, place, cast)?;
        let valid = recipe.signed(cast)?;
        let (attack, _) = shot(&self.defect, &recipe, &valid, cast)?;
        let (twin, twin_by) = match &self.harmless {
            Some((_, harmless)) => shot(harmless, &recipe, &valid, cast)?,
            None => (Shot::Draft(valid.clone()), recipe.pen.holder()),
        };
        Ok(Crafted { valid, twin, twin_by, attack })
    }
}

/// What is sent, and who signed it.
fn shot(defect: &Defect, recipe: &Recipe, valid: &Draft, cast: &Cast) -> Result<(Shot, &'static str), RecipeError> {
    let signer = recipe.pen.holder();
    Ok(match defect {
        Defect::Made(change) | Defect::AgainSigned(change) => {
            let mut recipe = recipe.clone();
            change(&mut recipe, cast);
            (Shot::Draft(recipe.signed(cast)?), recipe.pen.holder())
        }
        Defect::Changed(change) | Defect::Again(change) => {
            let mut draft = valid.clone();
            change(&mut draft, cast);
            (Shot::Draft(draft), signer)
        }
        Defect::Written(change) => {
            let mut raw = Raw::of(valid);
            change(&mut raw, cast);
            (Shot::Raw(raw), signer)
        }
        Defect::Circumstance | Defect::Slow(_) => (Shot::Draft(valid.clone()), signer),
    })
}

/// An attack, ready to be sent.
#[derive(Debug, Clone)]
pub struct Crafted {
    /// The valid request.
    pub valid: Draft,
    /// The twin.
    pub twin: Shot,
    /// Who signed the twin.
    pub twin_by: &'static str,
    /// The attack.
    pub attack: Shot,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shot {
    /// A request.
    Draft(Draft),
    /// Bytes.
    Raw(Raw),
}

impl Shot {
    /// The bytes of the message.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Shot::Draft(draft) => Raw::of(draft).to_bytes(),
            Shot::Raw(raw) => raw.to_bytes(),
        }
    }
}

impl Expected {
    /// The sentence of the step that checks it.
    pub fn sentence(&self) -> &'static str {
        match self {
            Expected::Nobody => "nobody is authenticated by it",
            Expected::NobodyOr(..) => "nobody is authenticated by it, or it is refused",
            Expected::Refused(_) => "it is turned away",
            Expected::BodyRefused => "its body is turned away",
            Expected::NothingForged(_) => "the app is told nothing that was forged",
            Expected::OneReading(..) => "it is read in one way or refused",
            Expected::AsSentOr(..) | Expected::AsSentByAnyoneOr(..) => "it arrives as it was sent or is refused",
            Expected::Bounded => "it costs no more than it should",
            Expected::HeldUp => "it holds up nobody",
        }
    }

    /// What must come, in full.
    pub fn in_full(&self) -> String {
        let or = |statuses: &[u16]| statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let anonymous = "200 as anonymous on the public path, 401 on the peer path";
        match self {
            Expected::Nobody => anonymous.to_owned(),
            Expected::NobodyOr(statuses, why) => format!("{anonymous}; or {}: {why}", or(statuses)),
            Expected::Refused(statuses) => format!("{}, and no app receives anything", or(statuses)),
            Expected::BodyRefused => "400, and no app receives anything".to_owned(),
            Expected::NothingForged([]) => "200, and the app is told who really asks, and nothing else".to_owned(),
            Expected::NothingForged(statuses) => {
                format!("200, and the app is told who really asks, and nothing else; or {}", or(statuses))
            }
            Expected::OneReading(statuses, why) => {
                format!("{}; or the app receives it once, with the body that was signed: {why}", or(statuses))
            }
            Expected::AsSentOr(statuses, why) => {
                format!("{}; or the app receives exactly the target that was sent: {why}", or(statuses))
            }
            Expected::AsSentByAnyoneOr(statuses, why) => {
                format!(
                    "{}; or the app receives exactly the target that was sent, from the peer or from nobody: {why}",
                    or(statuses)
                )
            }
            Expected::Bounded => {
                "an answer within 2 seconds: 400, 401, 413, 414 or 431, or 200 as anonymous on the public path"
                    .to_owned()
            }
            Expected::HeldUp => "no app receives anything of it, and the twin is let in meanwhile".to_owned(),
        }
    }
}

/// A group of attacks.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What they have in common.
    pub about: &'static str,
    /// The attacks.
    pub attacks: &'static [Attack],
}

/// An attack as programs read it.
#[derive(Debug, Serialize)]
pub struct Listed {
    name: &'static str,
    family: &'static str,
    requirement: &'static str,
    what: &'static str,
    why: &'static str,
    twin: &'static str,
    expected: String,
    sentence: &'static str,
    needs: Option<&'static str>,
}

impl Family {
    /// An attack of it, as programs read it.
    pub fn listed(&self, attack: &Attack) -> Listed {
        Listed {
            name: attack.name,
            family: self.name,
            requirement: attack.requirement,
            what: attack.what,
            why: attack.why,
            twin: attack.twin(),
            expected: attack.expected.in_full(),
            sentence: attack.expected.sentence(),
            needs: attack.needs(),
        }
    }
}

/// What is signed in a wrong way.
pub(super) const fn made(
    name: &'static str,
    requirement: &'static str,
    what: &'static str,
    why: &'static str,
    change: fn(&mut Recipe, &Cast),
) -> Attack {
    Attack::new(name, requirement, what, why, Valid::Parts, Defect::Made(change))
}

/// What is changed after it was signed.
pub(super) const fn changed(
    name: &'static str,
    requirement: &'static str,
    what: &'static str,
    why: &'static str,
    change: fn(&mut Draft, &Cast),
) -> Attack {
    Attack::new(name, requirement, what, why, Valid::Parts, Defect::Changed(change))
}

/// What is written in a wrong way.
pub(super) const fn written(
    name: &'static str,
    requirement: &'static str,
    what: &'static str,
    why: &'static str,
    change: fn(&mut Raw, &Cast),
) -> Attack {
    Attack::new(name, requirement, what, why, Valid::Body, Defect::Written(change))
}

/// Anything else.
pub(super) const fn other(
    name: &'static str,
    requirement: &'static str,
    what: &'static str,
    why: &'static str,
    defect: Defect,
) -> Attack {
    Attack::new(name, requirement, what, why, Valid::Parts, defect)
}

impl Attack {
    /// Made from another valid request.
    pub(super) const fn from(self, valid: Valid) -> Attack {
        Attack { valid, ..self }
    }
}

/// A change of a draft that can't be made is a mistake of the catalogue's, which its tests find: nothing changes then.
pub(super) fn quietly(_: Result<(), DraftError>) {}
