//! Runs the suite on mutants and says by which scenarios they were caught.

use countersign::subject::Subject;
use countersign::suite::{RunError, RunOptions, Selection, Suite};
use countersign::testbed::faults::Faults;
use countersign::verdict::{Event, ScenarioResult, Verdict};
use regex::Regex;

use super::wrecks::fails_as_expected;
use super::{Mutant, Part};

/// What came of hunting one mutant.
#[derive(Debug, Clone, Default)]
pub struct Hunt {
    /// How many scenarios of its requirement ran.
    pub ran: usize,
    /// Those of them that failed it: only they count as having caught it.
    pub caught_by: Vec<String>,
    /// Those of these that failed it in a `Then`, and not in their preparations.
    pub caught_in_then: Vec<String>,
    /// Those in which the harness itself was at fault; a mutant is not caught by that.
    pub errors: Vec<String>,
}

/// How far to hunt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The first scenario that catches it.
    FirstKill,
    /// All scenarios of its requirement have run.
    AllScenarios,
}

impl Mutant {
    /// The Core or proxy with its one wrong part, as the suite's subject.
    pub fn subject(&self) -> Subject {
        match self.part {
            Part::Core(change) => Subject::builtin_with(change, Faults::NONE),
            Part::Proxy(fault) => Subject::builtin_with(|builder| builder, fault),
        }
    }

    /// Whether this scenario alone catches it; not if it is none of its requirement, or is there no more.
    ///
    /// # Errors
    /// The run could not begin.
    pub fn is_caught_by(&self, suite: &Suite, scenario: &str) -> Result<bool, RunError> {
        let Ok(id) = Regex::new(&format!("^{}$", regex::escape(scenario))) else { return Ok(false) };
        let alone = Selection::all().requirement(self.breaks).name(id);
        match suite.scenarios(&alone).is_empty() {
            true => Ok(false),
            false => Ok(!self.run(suite, alone, Until::FirstKill)?.caught_by.is_empty()),
        }
    }

    /// Runs the scenarios of the requirement that it breaks.
    ///
    /// # Errors
    /// The run could not begin: the requirement has no scenarios, or the features have mistakes.
    pub fn hunt(&self, suite: &Suite, until: Until) -> Result<Hunt, RunError> {
        self.run(suite, Selection::all().requirement(self.breaks), until)
    }

    fn run(&self, suite: &Suite, selection: Selection, until: Until) -> Result<Hunt, RunError> {
        let options = RunOptions {
            subject: self.subject(),
            selection,
            stop_at_first_failure: until == Until::FirstKill,
            ..RunOptions::default()
        };
        let summary = suite.run(&options, &mut |_: &Event| {})?;
        let with = |wanted: fn(&ScenarioResult) -> bool| {
            let found = summary.scenarios.iter().filter(|result| wanted(result));
            found.map(|result| result.scenario.id.clone()).collect()
        };
        Ok(Hunt {
            ran: summary.scenarios.len(),
            caught_by: with(|result| result.verdict.breaks()),
            caught_in_then: with(fails_as_expected),
            errors: with(|result| result.verdict == Verdict::Error),
        })
    }
}
