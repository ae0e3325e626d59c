//! What happened in a scenario, step by step and hop by hop: the material of reports and bundles.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::trace::{Entry, Trace};
use crate::verdict;

/// How many entries of a trace a record keeps: the first ones, with the latest at the end.
const ENTRIES: usize = 400;

/// What happened in a scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its steps in order, as far as it came.
    pub steps: Vec<StepRecord>,
    /// The hops and the signature bases of all its requests, in the order in which they happened.
    pub entries: Vec<Entry>,
    /// How many entries in the middle were left out.
    pub left_out: usize,
    /// What steps want to be seen beside: what was sent, and what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exhibits: Vec<Exhibit>,
}

/// A text for readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// What it is.
    pub title: String,
    /// The text, several lines.
    pub text: String,
}

/// A step that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step, with its keyword.
    pub text: String,
    /// Where it stands in its feature file.
    pub line: usize,
    /// Whether it passed.
    pub passed: bool,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "verdict::seconds", deserialize_with = "verdict::from_seconds")]
    pub took: Duration,
}

impl Record {
    /// The record of a scenario whose requests left this trace, after so many entries that are of others.
    pub(crate) fn since(trace: &Trace, before: usize) -> Record {
        let mut entries = trace.entries();
        entries.drain(..before.min(entries.len()));
        let left_out = entries.len().saturating_sub(ENTRIES);
        if left_out > 0 {
            let half = ENTRIES / 2;
            entries.drain(half..half + left_out);
        }
        Record { entries, left_out, ..Record::default() }
    }
}

/// What it takes to run a scenario again as it was. Not part of its record: reports never see a key.
#[derive(Clone, Default)]
pub(crate) struct Staged {
    /// Private keys (PKCS#8 PEM) that the harness made, by the name of the Portal.
    pub(crate) keys: BTreeMap<String, String>,
    /// When it began, on the testbed's clock, in seconds since 1970.
    pub(crate) began: u64,
    /// How far that clock was moved by the scenario, in seconds.
    pub(crate) moved: i64,
}

/// The records of the scenarios that ended, by id, until whoever writes the results takes them.
#[derive(Clone, Default)]
pub(crate) struct Records(Rc<RefCell<HashMap<String, (Record, Staged)>>>);

impl Records {
    pub(crate) fn keep(&self, scenario: &str, record: Record, staged: Staged) {
        self.0.borrow_mut().insert(scenario.to_owned(), (record, staged));
    }

    /// The record of a scenario, with the steps that the writer saw.
    pub(crate) fn take(&self, scenario: &str, steps: Vec<StepRecord>) -> (Arc<Record>, Staged) {
        let (record, staged) = self.0.borrow_mut().remove(scenario).unwrap_or_default();
        (Arc::new(Record { steps, ..record }), staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Hop, Party, What};

    #[test]
    fn a_long_trace_keeps_its_beginning_and_its_end() {
        let trace = Trace::new();
        for n in 0..1000 {
            let hop =
                Hop::request(Party::Outside, Party::proxy("bob"), "GET", format!("/{n}"), &http::HeaderMap::new());
            trace.record(hop);
        }
        let record = Record::since(&trace, 0);
        assert_eq!((record.entries.len(), record.left_out), (400, 600));
        let target = |entry: &Entry| match &entry.what {
            What::Hop(hop) => hop.target.clone(),
            What::Signature(_) => String::new(),
        };
        assert_eq!(target(&record.entries[199]), "/199");
        assert_eq!(target(&record.entries[200]), "/800");
    }

    #[test]
    fn a_record_is_taken_once_and_gets_its_steps() {
        let records = Records::default();
        records.keep("a", Record { left_out: 7, ..Record::default() }, Staged::default());
        let step = StepRecord { text: "Then b".into(), line: 3, passed: true, took: Duration::ZERO };
        assert_eq!(records.take("a", vec![step.clone()]).0.steps, [step]);
        assert_eq!(records.take("a", Vec::new()).0.left_out, 0);
    }
}
