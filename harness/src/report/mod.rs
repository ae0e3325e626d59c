//! Reports: they take [`Event`]s and see nothing else.

pub mod diff;
pub mod file;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod matrix;
pub mod merge;
pub mod progress;
pub mod terminal;
pub mod vectors;
mod xml;

use serde::Serialize;

use crate::verdict::{Event, EventSink, Summary};

/// The verdict on a run, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Headline {
    Conforms,
    DoesNotConform,
    NotKnown,
}

impl Headline {
    fn of(summary: &Summary) -> Headline {
        let in_doubt = summary.harness_failed()
            || summary.mistaken()
            || summary.subject_died()
            || summary.ended_early
            || summary.time_up
            || !summary.flaky.is_empty()
            || summary.nothing_tested();
        if !summary.conforms() || !summary.stale.is_empty() {
            Headline::DoesNotConform
        } else if in_doubt {
            Headline::NotKnown
        } else {
            Headline::Conforms
        }
    }
}

/// Hands every event to several reporters.
#[derive(Default)]
pub struct Several<'a>(pub Vec<&'a mut dyn EventSink>);

impl EventSink for Several<'_> {
    fn event(&mut self, event: &Event) {
        for sink in &mut self.0 {
            sink.event(event);
        }
    }
}

/// Something to report on, for tests.
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
