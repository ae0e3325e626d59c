//! Does the testbed find its way with a Core, as its descriptor says? Hook by hook, in plain words.
//!
//! Nothing here is a verdict about the contract: that is what the scenarios are for.

mod state;
mod text;
mod walk;

use std::time::Instant;

use crate::subject::Subject;
use crate::subject::descriptor::Descriptor;
use walk::Walk;

/// The steps, in the order in which they are taken.
pub const STEPS: [&str; 16] = [
    "start",
    "ready",
    "whoareyou",
    "portal",
    "install",
    "recognise",
    "pair",
    "names",
    "trust",
    "call",
    "restart",
    "kill",
    "set_clock",
    "import_identity",
    "rotate",
    "reset",
];
/// The last one, which is taken whatever came before.
pub const STOP: &str = "stop";

/// What came of all steps.
#[derive(Debug, Clone, Default)]
pub struct Checkup {
    /// What came of each, in order.
    pub steps: Vec<Step>,
    /// The testbed itself could not go on; that is not the Core's fault.
    pub harness: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, out of [`STEPS`] and [`STOP`].
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was as expected.
    Fine(Seen),
    /// It was not.
    Wrong(Seen, String),
    /// It was not tried, for this reason.
    LeftOut(String),
}

/// What was done, what was expected, what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What was done.
    pub did: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// Starts the Core that `descriptor` describes, does with it all that a run does, and ends it.
pub async fn examine(subject: &Subject, descriptor: &Descriptor, mut told: impl FnMut(&Step)) -> Checkup {
    let mut walk = Walk::new(subject, descriptor, &mut told);
    walk.go().await;
    let began = Instant::now();
    subject.finish().await;
    walk.stopped(began.elapsed());
    walk.into_checkup()
}

impl Checkup {
    /// Whether all that was tried was as expected.
    pub fn is_fine(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step.outcome, Outcome::Wrong(..)))
    }

    /// Whether the Core came up at all.
    pub fn started(&self) -> bool {
        !self.steps.iter().any(|step| step.name == "start" && matches!(step.outcome, Outcome::Wrong(..)))
    }
}
