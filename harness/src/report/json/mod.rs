//! The report for programs. Its shape is fixed by `fixtures/report.schema.json`, and for vectors by
//! `fixtures/vectors-report.schema.json`. That of `check` holds all that came out of a run: what was written can be read
//! again, and every other report can be made from it.

mod layout;
mod read;

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use serde::ser::Serializer;

pub use self::read::{ReadError, read};
use crate::verdict::{Flaky, RequirementResult, ScenarioResult, SubjectInfo, SuiteInfo, Summary, Verdict};

/// The report as it is written.
pub fn report(summary: &Summary) -> impl Serialize {
    Report {
        suite: &summary.suite,
        subject: &summary.subject,
        summary: Counts::of(|verdict| summary.count(verdict)),
        seconds: summary.took,
        ended_early: summary.ended_early,
        time_up: summary.time_up,
        requirements: &summary.requirements,
        scenarios: &summary.scenarios,
        stale: &summary.stale,
        not_run: &summary.not_run,
        flaky: &summary.flaky,
    }
}

#[derive(Serialize)]
struct Report<'a> {
    suite: &'a SuiteInfo,
    subject: &'a SubjectInfo,
    summary: Counts,
    #[serde(serialize_with = "crate::verdict::seconds")]
    seconds: Duration,
    ended_early: bool,
    time_up: bool,
    requirements: &'a [RequirementResult],
    scenarios: &'a [ScenarioResult],
    stale: &'a [String],
    not_run: &'a [String],
    flaky: &'a [Flaky],
}

/// Writes a report, with line breaks where people look for them.
pub(super) fn write(report: &impl Serialize, mut out: &mut dyn Write) -> io::Result<()> {
    report.serialize(&mut serde_json::Serializer::with_formatter(&mut out, layout::Lines::default()))?;
    out.write_all(b"\n")
}

/// How many came out how.
pub(super) struct Counts([(Verdict, usize); Verdict::ALL.len()]);

impl Counts {
    pub(super) fn of(count: impl Fn(Verdict) -> usize) -> Counts {
        Counts(Verdict::ALL.map(|verdict| (verdict, count(verdict))))
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0)
    }
}

#[cfg(test)]
mod tests;
