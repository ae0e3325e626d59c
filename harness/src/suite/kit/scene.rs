//! The Portals of a scenario, with their apps, terminals and clocks, by the names that sentences give them.

use std::collections::BTreeMap;

use super::names::Receiver;
use super::placeholders::Placeholder;
use crate::suite::failure::{StepFailure, StepResult};
use crate::testbed::{EchoApp, Received};

/// The Portals of a scenario and what belongs to them.
#[derive(Default)]
pub(crate) struct Scene {
    apps: BTreeMap<Receiver, EchoApp>,
    before: BTreeMap<Receiver, Mark>,
}

/// What a receiver had got when the latest sending step began.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    arrivals: usize,
    kept: usize,
}

impl Scene {
    /// What a receiver got since the latest sending step began.
    pub(crate) fn received(&self, receiver: &Receiver) -> StepResult<Vec<Received>> {
        let app = self.apps.get(receiver).ok_or_else(|| unknown(receiver))?;
        let before = self.before.get(receiver).copied().unwrap_or_default();
        Ok(app.received().split_off(before.kept))
    }

    /// How many requests began to reach a receiver since the latest sending step began.
    pub(crate) fn arrivals(&self, receiver: &Receiver) -> StepResult<usize> {
        let app = self.apps.get(receiver).ok_or_else(|| unknown(receiver))?;
        Ok(app.arrivals() - self.before.get(receiver).copied().unwrap_or_default().arrivals)
    }

    /// What a placeholder names.
    pub(crate) async fn fact(&self, placeholder: &Placeholder) -> StepResult<String> {
        Err(placeholder.unknown())
    }

    pub(crate) fn mark(&mut self) {
        let marks = self
            .apps
            .iter()
            .map(|(receiver, app)| (receiver.clone(), Mark { arrivals: app.arrivals(), kept: app.received().len() }));
        self.before = marks.collect();
    }

    pub(crate) async fn end(&mut self) {}
}

fn unknown(receiver: &Receiver) -> StepFailure {
    StepFailure::error(format!("there is no {receiver}: a step before this one is missing"))
}
