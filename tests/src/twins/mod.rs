//! Twins: Cores that keep the contract, but in their own way. The suite must pass every one of them; where it does not, it
//! tests for a habit of ours and not for the contract.
//!
//! A twin is made as a [mutant](crate::mutants) is, and names the sentence that allows what it does. Twins of one crowd can
//! do all that they do at once: so a run on a crowd is a run on each of its twins.

mod answers;
mod careless;
mod knowing;
mod messages;
mod run;
mod signing;

use countersign::contract::Threshold;
use countersign::subject::Subject;
use countersign::testbed::faults::Faults;
use portal_core::CoreBuilder;

use crate::mutants::Part;
pub use run::{FalseAlarm, run};

/// A Portal that is right in its own way.
#[derive(Clone, Copy, Debug)]
pub struct Twin {
    /// Its name.
    pub name: &'static str,
    /// The sentences that allow it: `ID: words of the requirement`, or `RFC 9110 §5.1: …`.
    pub allowed_by: &'static [&'static str],
    /// What it keeps.
    pub keeps: Keeps,
    /// The twins with which it can be one Core.
    pub crowd: u8,
    /// Where it has its own way.
    pub part: Part,
}

/// How much of the contract a twin keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// All of it.
    Everything,
    /// What it must: of that which it should, or may, it leaves something out.
    Musts,
}

impl Keeps {
    /// The level at which it conforms.
    pub fn level(self) -> Threshold {
        match self {
            Keeps::Everything => Threshold::May,
            Keeps::Musts => Threshold::Must,
        }
    }
}

/// All twins, crowd by crowd.
pub fn all() -> Vec<Twin> {
    let mut all = [signing::TWINS, messages::TWINS, answers::TWINS, knowing::TWINS].concat();
    all.extend(careless::twins());
    all.sort_by_key(|twin| twin.crowd);
    all
}

/// One Portal that has the ways of all of these.
pub fn together(twins: &[Twin]) -> Subject {
    let mut changes: Vec<fn(CoreBuilder) -> CoreBuilder> = Vec::new();
    let mut faults = Faults::NONE;
    for twin in twins {
        match twin.part {
            Part::Core(change) => changes.push(change),
            Part::Proxy(fault) => faults = faults.with(fault),
        }
    }
    Subject::builtin_with(move |builder| changes.iter().fold(builder, |builder, change| change(builder)), faults)
}

const fn twin(
    crowd: u8,
    name: &'static str,
    allowed_by: &'static [&'static str],
    change: fn(CoreBuilder) -> CoreBuilder,
) -> Twin {
    Twin { name, allowed_by, keeps: Keeps::Everything, crowd, part: Part::Core(change) }
}
