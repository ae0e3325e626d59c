//! Reports: they take [`Event`]s and see nothing else.

pub mod json;
pub mod matrix;
pub mod progress;
pub mod terminal;
pub mod vectors;

use crate::verdict::{Event, EventSink};

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
