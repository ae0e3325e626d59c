//! The report for CI servers, as GitHub's actions, GitLab and Jenkins read it: a `testsuite` for each feature, a
//! `testcase` for each scenario. `classname` and `name`, with a `/` between them, are the scenario's stable id. What is
//! known to fail is skipped, with the reason.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use super::terminal::{facts, one_line};
use super::xml::{Attribute, Text};
use crate::vectors::results::{VectorResult, VectorSummary};
use crate::verdict::{Failure, ScenarioResult, Summary, Verdict};

/// The report on a run of `check`.
pub fn check(summary: &Summary) -> String {
    let subject = &summary.subject;
    let cases = summary.scenarios.iter().map(|result| Case::of_scenario(summary, result)).collect();
    let version = subject.version.as_deref().unwrap_or("of unknown version");
    written(
        &format!("{} {version}{}", subject.name, subject.receive.beside()),
        &summary.suite.version,
        summary.took,
        cases,
    )
}

/// The report on a run of vectors.
pub fn vectors(summary: &VectorSummary) -> String {
    let cases = summary.vectors.iter().map(Case::of_vector).collect();
    let subject = format!("{} {}", summary.subject.name, summary.subject.version);
    written(&subject, &summary.suite.version, summary.took, cases)
}

struct Case<'a> {
    suite: &'a str,
    class: &'a str,
    name: &'a str,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    Passed,
    Failed {
        kind: &'static str,
        message: String,
        text: String,
    },
    /// Nothing is known about the subject.
    Error {
        kind: &'static str,
        message: String,
        text: String,
    },
    Skipped {
        message: String,
    },
}

impl<'a> Case<'a> {
    fn of_scenario(summary: &Summary, result: &'a ScenarioResult) -> Case<'a> {
        let (class, name) = result.scenario.id.split_once('/').unwrap_or(("scenarios", &result.scenario.id));
        let mut text = Vec::new();
        // Nothing can go wrong in memory.
        let _ = facts(&mut text, summary, result, &[]);
        let text = String::from_utf8_lossy(&text).into_owned();
        let outcome =
            outcome(result.verdict, result.failure.as_ref(), result.known.as_ref().map(|known| known.shown()), text);
        Case { suite: &result.scenario.feature, class, name, took: result.seconds, outcome }
    }

    fn of_vector(result: &'a VectorResult) -> Case<'a> {
        let (vector, text) = (&result.vector, result.failure.as_ref().map(told).unwrap_or_default());
        let outcome =
            outcome(result.verdict, result.failure.as_ref(), result.known.as_ref().map(|known| known.shown()), text);
        Case { suite: &vector.section, class: &vector.section, name: &vector.id, took: result.seconds, outcome }
    }
}

fn outcome(verdict: Verdict, failure: Option<&Failure>, known: Option<String>, text: String) -> Outcome {
    let reason = || failure.map(|failure| one_line(&failure.got)).unwrap_or_default();
    let message = || failure.map(in_short).unwrap_or_default();
    match verdict {
        Verdict::Pass => Outcome::Passed,
        Verdict::Skip => Outcome::Skipped { message: reason() },
        Verdict::Unsupported => Outcome::Skipped { message: format!("unsupported: {}", reason()) },
        Verdict::KnownFailure => {
            Outcome::Skipped { message: format!("known failure: {}", known.unwrap_or_else(reason)) }
        }
        Verdict::UnexpectedPass => {
            let listed = known.unwrap_or_default();
            let message = "it is listed as failing, but passes: delete the entry".to_owned();
            Outcome::Failed { kind: "unexpected_pass", message, text: format!("  listed       {listed}\n") }
        }
        Verdict::Timeout => Outcome::Failed { kind: "timeout", message: message(), text },
        Verdict::Fail => Outcome::Failed { kind: "fail", message: message(), text },
        Verdict::Error => {
            let kind = match failure {
                Some(failure) if failure.subject_died => "subject_died",
                Some(failure) if failure.mistaken => "feature",
                _ => "harness",
            };
            Outcome::Error { kind, message: reason(), text }
        }
    }
}

/// A failure in a line.
fn in_short(failure: &Failure) -> String {
    let requirement = failure.requirement.as_ref().map(|id| format!("{id}: ")).unwrap_or_default();
    format!("{requirement}expected {}, got {}", one_line(&failure.expected), one_line(&failure.got))
}

fn told(failure: &Failure) -> String {
    let Failure { step, expected, got, replay, .. } = failure;
    format!("  step         {step}\n  expected     {expected}\n  got          {got}\n  run alone    {replay}\n")
}

fn written(subject: &str, version: &str, took: Duration, cases: Vec<Case<'_>>) -> String {
    let mut suites: Vec<(&str, Vec<&Case<'_>>)> = Vec::new();
    for case in &cases {
        match suites.iter_mut().find(|(name, _)| *name == case.suite) {
            Some((_, of_it)) => of_it.push(case),
            None => suites.push((case.suite, vec![case])),
        }
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a string can't fail.
    let _ = write(&mut out, subject, version, took, &cases, &suites);
    out
}

fn write(
    out: &mut String,
    subject: &str,
    version: &str,
    took: Duration,
    cases: &[Case<'_>],
    suites: &[(&str, Vec<&Case<'_>>)],
) -> fmt::Result {
    let name = format!("countersign {version}: {subject}");
    writeln!(
        out,
        "<testsuites{}{}{}{}{}>",
        Attribute("name", name),
        Attribute("tests", cases.len()),
        Attribute("failures", count(cases, |case| matches!(case.outcome, Outcome::Failed { .. }))),
        Attribute("errors", count(cases, |case| matches!(case.outcome, Outcome::Error { .. }))),
        Attribute("time", Seconds(took)),
    )?;
    for (suite, of_it) in suites {
        let of = |wanted: fn(&Outcome) -> bool| count(of_it, |case| wanted(&case.outcome));
        writeln!(
            out,
            "  <testsuite{}{}{}{}{}{}>",
            Attribute("name", suite),
            Attribute("tests", of_it.len()),
            Attribute("failures", of(|outcome| matches!(outcome, Outcome::Failed { .. }))),
            Attribute("errors", of(|outcome| matches!(outcome, Outcome::Error { .. }))),
            Attribute("skipped", of(|outcome| matches!(outcome, Outcome::Skipped { .. }))),
            Attribute("time", Seconds(of_it.iter().map(|case| case.took).sum())),
        )?;
        of_it.iter().try_for_each(|case| case.write(out))?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn count<T>(of: &[T], wanted: impl Fn(&T) -> bool) -> usize {
    of.iter().filter(|one| wanted(one)).count()
}

impl Case<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let (class, name) = (Attribute("classname", self.class), Attribute("name", self.name));
        write!(out, "    <testcase{class}{name}{}", Attribute("time", Seconds(self.took)))?;
        let (element, kind, message, text) = match &self.outcome {
            Outcome::Passed => return writeln!(out, "/>"),
            Outcome::Skipped { message } => {
                return writeln!(out, "><skipped{}/></testcase>", Attribute("message", message));
            }
            Outcome::Failed { kind, message, text } => ("failure", kind, message, text),
            Outcome::Error { kind, message, text } => ("error", kind, message, text),
        };
        let (message, kind) = (Attribute("message", message), Attribute("type", kind));
        writeln!(out, ">\n      <{element}{message}{kind}>{}</{element}>\n    </testcase>", Text(text))
    }
}

struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0.as_secs_f64())
    }
}
