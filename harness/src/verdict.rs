//! Verdicts, results and the events from which every report is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::contract::{Level, Responsible};
use crate::expectations::Known;
use crate::record::Record;
use crate::subject::Receive;

pub use crate::suite::diverge::Bases;

/// What came out of a scenario or a requirement. In the order of how bad it is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does what the contract says.
    Pass,
    /// Not tested here, for a reason that is given.
    Skip,
    /// The subject can't be tested on this, for a reason that is given.
    Unsupported,
    /// It fails, and a list says that it is known to.
    KnownFailure,
    /// A list says that it fails, but it does not: the list is out of date.
    UnexpectedPass,
    /// The harness or the testbed is at fault, or the subject did not start: nothing is known about the requirement.
    Error,
    /// It took too long.
    Timeout,
    /// It does not do what the contract says.
    Fail,
}

impl Verdict {
    /// All of them, the best first.
    pub const ALL: [Verdict; 8] = [
        Verdict::Pass,
        Verdict::Skip,
        Verdict::Unsupported,
        Verdict::KnownFailure,
        Verdict::UnexpectedPass,
        Verdict::Error,
        Verdict::Timeout,
        Verdict::Fail,
    ];

    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Skip => "skipped",
            Verdict::Unsupported => "unsupported",
            Verdict::KnownFailure => "known failure",
            Verdict::UnexpectedPass => "unexpected pass",
            Verdict::Error => "error",
            Verdict::Timeout => "timeout",
            Verdict::Fail => "FAIL",
        }
    }

    /// Whether the subject does not conform because of it. An unexpected pass is the list's fault, not the subject's.
    pub fn breaks(self) -> bool {
        matches!(self, Verdict::Fail | Verdict::Timeout)
    }

    /// The worst of several; of none, nothing.
    pub fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Option<Verdict> {
        verdicts.into_iter().max()
    }
}

/// What the evidence of a failure says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The requirement.
    pub requirement: Option<String>,
    /// The requirement's sentence.
    pub sentence: Option<String>,
    /// The step, with its keyword, and where it stands.
    pub step: String,
    /// What was expected.
    pub expected: String,
    /// What came, or the reason.
    pub got: String,
    /// The two signature bases, where there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bases: Option<Bases>,
    /// Which hop changed what should have stayed, where the trace shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// The command that runs it alone.
    pub replay: String,
    /// The hops of the last request, for `-v`.
    #[serde(skip)]
    pub trace: Vec<String>,
    /// The subject itself did not start or died.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subject_died: bool,
    /// The feature says what can't be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mistaken: bool,
}

/// A scenario, before and after it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioInfo {
    /// Stable: `feature-file/scenario-name/example-row`.
    pub id: String,
    /// Its name as written, examples filled in.
    pub name: String,
    /// The file.
    pub feature: String,
    /// The line: of the scenario, or of the example's row.
    pub line: usize,
    /// Its tags and its feature's, without the `@`.
    pub tags: Vec<String>,
    /// The requirements among the tags.
    pub requirements: Vec<String>,
    /// Where it binds less than its requirement (`@level-should`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

/// What came out of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Which one.
    #[serde(flatten)]
    pub scenario: ScenarioInfo,
    /// What came out.
    pub verdict: Verdict,
    /// How long it took.
    #[serde(serialize_with = "seconds", deserialize_with = "from_seconds")]
    pub seconds: Duration,
    /// The entry of the list of known failures that speaks of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What happened, step by step and hop by hop.
    #[serde(serialize_with = "shared", deserialize_with = "to_be_shared", default)]
    pub record: Arc<Record>,
}

/// What came out for a requirement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequirementResult {
    /// Its id.
    pub id: String,
    /// Its level.
    pub level: Level,
    /// Who is responsible.
    pub responsible: Responsible,
    /// Where it comes from.
    pub source: Vec<String>,
    /// What was tested is the testbed's own proxy: it says nothing about the subject, and does not count.
    pub testbed: bool,
    /// The worst of its scenarios that bind as it does, or as much as was asked for; nothing where none ran.
    pub verdict: Option<Verdict>,
    /// Why the subject's profile turns it off, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// The ids of the scenarios that ran.
    pub scenarios: Vec<String>,
    /// Its title.
    pub title: String,
    /// What it says, in a sentence.
    pub sentence: String,
    /// Whether it decides about the exit code.
    pub counts: bool,
    /// The worst of its scenarios that bind less, and were not asked for.
    pub apart: Option<Verdict>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteInfo {
    /// Name of the suite.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Over the names and the contents of the features.
    pub features_sha256: String,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectInfo {
    /// Its name.
    pub name: String,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// How it runs: `built-in`, `command`, `url`, `mixed`.
    pub kind: String,
    /// How requests from outside come to it.
    #[serde(default)]
    pub receive: Receive,
}

/// What happens while the suite runs. Everything that is shown or written is made of these.
#[derive(Debug, Clone)]
pub enum Event {
    /// The features were read and checked; this will run.
    Started {
        /// What was run.
        suite: SuiteInfo,
        /// What is tested.
        subject: SubjectInfo,
        /// How many scenarios.
        scenarios: usize,
    },
    /// A scenario began.
    ScenarioStarted(ScenarioInfo),
    /// A step of it came to an end.
    StepFinished {
        /// The scenario's id.
        scenario: String,
        /// The step, with its keyword.
        step: String,
        /// Whether it passed.
        passed: bool,
    },
    /// A scenario came to its end.
    ScenarioFinished(Box<ScenarioResult>),
    /// The end, with everything.
    Finished(Arc<Summary>),
}

/// Takes events. A reporter is one of these and sees nothing else.
pub trait EventSink {
    /// Takes one.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> EventSink for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}

/// A scenario whose verdict changed from round to round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaky {
    /// Its id.
    pub id: String,
    /// What came out in each round; nothing where it did not run.
    pub verdicts: Vec<Option<Verdict>>,
}

/// How often which verdict came, and in which rounds the rarer ones: `48 pass, 2 FAIL (rounds 3, 17)`.
impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(Option<Verdict>, Vec<usize>)> = Vec::new();
        for (n, verdict) in self.verdicts.iter().enumerate() {
            match kinds.iter_mut().find(|(kind, _)| kind == verdict) {
                Some((_, rounds)) => rounds.push(n + 1),
                None => kinds.push((*verdict, vec![n + 1])),
            }
        }
        kinds.sort_by_key(|(_, rounds)| std::cmp::Reverse(rounds.len()));
        let shown = kinds.iter().enumerate().map(|(n, (verdict, rounds))| {
            let words = verdict.map_or("not run", Verdict::words);
            let which: Vec<String> = rounds.iter().take(10).map(ToString::to_string).collect();
            let more = if rounds.len() > which.len() { ", …" } else { "" };
            match (n, rounds.len()) {
                (0, count) => format!("{count} {words}"),
                (_, 1) => format!("1 {words} (round {})", which.concat()),
                (_, count) => format!("{count} {words} (rounds {}{more})", which.join(", ")),
            }
        });
        write!(f, "{}: {}", self.id, shown.collect::<Vec<_>>().join(", "))
    }
}

/// Everything that came out of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// What was run.
    pub suite: SuiteInfo,
    /// What was tested.
    pub subject: SubjectInfo,
    /// The requirements, in the order of the catalogue.
    pub requirements: Vec<RequirementResult>,
    /// The scenarios that ran, in the order of the features.
    pub scenarios: Vec<ScenarioResult>,
    /// Entries of the list of known failures that have to go, with file and line, and what to do.
    pub stale: Vec<String>,
    /// How long it took.
    pub took: Duration,
    /// The run was ended early (by the first failure, where that was asked for, by Ctrl-C, or because time was up).
    pub ended_early: bool,
    /// It was ended because its time was up.
    pub time_up: bool,
    /// The ids of the scenarios that were to run and did not, or not to their end.
    pub not_run: Vec<String>,
    /// The scenarios whose verdict changed from round to round, where there were several.
    pub flaky: Vec<Flaky>,
}

impl Summary {
    /// How many scenarios came out like this.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.scenarios.iter().filter(|scenario| scenario.verdict == verdict).count()
    }

    /// What came out for a requirement.
    pub fn requirement(&self, id: &str) -> Option<&RequirementResult> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// The scenarios of a requirement that ran.
    pub fn scenarios_of(&self, requirement: &str) -> impl Iterator<Item = &ScenarioResult> {
        self.scenarios.iter().filter(move |result| result.scenario.requirements.iter().any(|id| id == requirement))
    }

    /// The scenarios that failed the subject.
    pub fn failures(&self) -> impl Iterator<Item = &ScenarioResult> {
        self.scenarios.iter().filter(|result| result.verdict.breaks())
    }

    /// Whether every requirement that counts was kept, as far as it could be tested, or is known not to be.
    /// Where there are no requirements, every scenario counts.
    pub fn conforms(&self) -> bool {
        if self.requirements.is_empty() {
            return self.failures().next().is_none();
        }
        !self
            .requirements
            .iter()
            .any(|requirement| requirement.counts && requirement.verdict.is_some_and(Verdict::breaks))
    }

    /// Whether the harness or the testbed was at fault somewhere.
    pub fn harness_failed(&self) -> bool {
        self.errors().any(|failure| !failure.is_some_and(|failure| failure.subject_died || failure.mistaken))
    }

    /// Whether a feature says what can't be done.
    pub fn mistaken(&self) -> bool {
        self.errors().any(|failure| failure.is_some_and(|failure| failure.mistaken))
    }

    /// Whether every scenario was left out, most of them because of what the subject can't do.
    pub fn nothing_tested(&self) -> bool {
        let left_out = |verdict: Verdict| matches!(verdict, Verdict::Unsupported | Verdict::Skip);
        self.count(Verdict::Unsupported) > 0 && self.scenarios.iter().all(|result| left_out(result.verdict))
    }

    /// Whether the subject did not start or died.
    pub fn subject_died(&self) -> bool {
        self.errors().any(|failure| failure.is_some_and(|failure| failure.subject_died))
    }

    fn errors(&self) -> impl Iterator<Item = Option<&Failure>> {
        self.scenarios.iter().filter(|result| result.verdict == Verdict::Error).map(|result| result.failure.as_ref())
    }
}

pub(crate) fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds are as fine as it gets with several scenarios at a time.
    serializer.serialize_f64((duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

pub(crate) fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

fn shared<S: serde::Serializer>(record: &Arc<Record>, serializer: S) -> Result<S::Ok, S::Error> {
    record.as_ref().serialize(serializer)
}

fn to_be_shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Record>, D::Error> {
    Record::deserialize(deserializer).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_of_its_scenarios_is_a_requirement_s() {
        use Verdict::*;
        assert_eq!(Verdict::worst([]), None);
        assert_eq!(Verdict::worst([Pass, Pass]), Some(Pass));
        assert_eq!(Verdict::worst([Pass, Skip]), Some(Skip));
        assert_eq!(Verdict::worst([Unsupported, Skip]), Some(Unsupported));
        assert_eq!(Verdict::worst([KnownFailure, Unsupported]), Some(KnownFailure));
        assert_eq!(Verdict::worst([Error, UnexpectedPass]), Some(Error));
        assert_eq!(Verdict::worst([Pass, Fail, Error, Timeout]), Some(Fail));
        assert!(Verdict::ALL.is_sorted());
    }

    #[test]
    fn verdicts_that_change_are_counted() {
        let mut verdicts = vec![Some(Verdict::Pass); 6];
        (verdicts[2], verdicts[4], verdicts[5]) = (Some(Verdict::Fail), Some(Verdict::Fail), None);
        let flaky = Flaky { id: "f/a".into(), verdicts };
        assert_eq!(flaky.to_string(), "f/a: 3 pass, 2 FAIL (rounds 3, 5), 1 not run (round 6)");
    }

    #[test]
    fn only_what_the_subject_did_wrong_breaks_conformance() {
        let breaking: Vec<_> = Verdict::ALL.into_iter().filter(|verdict| verdict.breaks()).collect();
        assert_eq!(breaking, [Verdict::Timeout, Verdict::Fail]);
    }
}
