//! Runs the suite on twins and says which scenarios raise a false alarm.

use countersign::suite::{RunError, RunOptions, Selection, Suite};
use countersign::verdict::{Event, ScenarioResult, Verdict};

use super::{Keeps, Twin, together};

/// A scenario that does not pass a Portal that is right.
#[derive(Debug, Clone)]
pub struct FalseAlarm {
    /// The scenario's id.
    pub scenario: String,
    /// What came out.
    pub verdict: Verdict,
    /// What it expected, and what came.
    pub why: String,
}

/// Runs a selection on one Portal that has the ways of all of these twins, and gives the scenarios that do not pass it but
/// should.
///
/// # Errors
/// The run could not begin.
pub fn run(suite: &Suite, twins: &[Twin], selection: Selection) -> Result<Vec<FalseAlarm>, RunError> {
    let keeps = match twins.iter().all(|twin| twin.keeps == Keeps::Everything) {
        true => Keeps::Everything,
        false => Keeps::Musts,
    };
    // Slow ways wait more than they compute.
    let options =
        RunOptions { subject: together(twins), selection, level: keeps.level(), jobs: 8, ..RunOptions::default() };
    let summary = suite.run(&options, &mut |_: &Event| {})?;
    let decides = |result: &ScenarioResult| {
        let binds = |id: &String| {
            let requirement = suite.contract().iter().find(|requirement| requirement.id == *id);
            let level = result.scenario.level;
            requirement
                .is_some_and(|it| it.counts(keeps.level()) && level.is_none_or(|level| keeps.level().covers(level)))
        };
        result.scenario.requirements.iter().any(binds)
    };
    let alarm = |result: &ScenarioResult| FalseAlarm {
        scenario: result.scenario.id.clone(),
        verdict: result.verdict,
        why: result.failure.as_ref().map_or_else(String::new, |failure| {
            format!("{}: expected {}, got {}", failure.step, failure.expected, failure.got)
        }),
    };
    let alarming = |result: &&ScenarioResult| {
        result.verdict != Verdict::Pass && (decides(result) || result.verdict == Verdict::Error)
    };
    Ok(summary.scenarios.iter().filter(alarming).map(alarm).collect())
}
