//! The report on vectors for people: by section and feature, then what failed, then one line.

pub mod json;
pub mod progress;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::terminal::{Detail, bases, entry, many};
use crate::vectors::results::{Conclusion, VectorEvent, VectorResult, VectorSink, VectorSummary};
use crate::verdict::Verdict;

/// Writes the report when the run has ended.
pub struct VectorReport<W> {
    out: W,
    detail: Detail,
    failed: Option<io::Error>,
}

impl<W: Write> VectorReport<W> {
    /// Writes to `out`.
    pub fn new(out: W, detail: Detail) -> VectorReport<W> {
        VectorReport { out, detail, failed: None }
    }

    /// What was written to, or why writing failed.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish(self) -> io::Result<W> {
        match self.failed {
            None => Ok(self.out),
            Some(error) => Err(error),
        }
    }

    fn write(&mut self, summary: &VectorSummary) -> io::Result<()> {
        if self.detail >= Detail::Normal {
            table::sections(&mut self.out, summary)?;
            table::features(&mut self.out, summary)?;
        }
        for verdict in [Verdict::Fail, Verdict::Timeout, Verdict::UnexpectedPass, Verdict::Error] {
            for result in summary.vectors.iter().filter(|result| result.verdict == verdict) {
                self.failure(summary, result)?;
            }
        }
        if self.detail >= Detail::Normal {
            self.reasons(summary)?;
            self.causes(summary)?;
        }
        if !summary.stale.is_empty() {
            writeln!(self.out, "The list of known failures is out of date")?;
            summary.stale.iter().try_for_each(|entry| writeln!(self.out, "  {entry}"))?;
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}", last_line(summary))?;
        self.out.flush()
    }

    fn failure(&mut self, summary: &VectorSummary, result: &VectorResult) -> io::Result<()> {
        let out = &mut self.out;
        let heading = match result.verdict {
            Verdict::Error => "ERROR of the shim",
            verdict => verdict.words(),
        };
        let apart = if summary.decides(result) { "" } else { " (reported apart)" };
        writeln!(out, "{heading}: {}{apart}", result.vector.id)?;
        let vector = &result.vector;
        let severity =
            vector.severity.map(|severity| format!(", severity {}", table::word(severity))).unwrap_or_default();
        entry(out, "vector", &format!("{} (section {}{severity})", vector.name, vector.section))?;
        if let Some(known) = &result.known {
            entry(out, "listed", &known.shown())?;
        }
        let Some(failure) = &result.failure else { return writeln!(out) };
        if let Some(id) = &failure.requirement {
            let sentence = failure.sentence.as_deref().unwrap_or_default();
            entry(out, "requirement", &format!("{id} {}: {sentence}", vector.level))?;
        }
        entry(out, "step", &failure.step)?;
        entry(out, "expected", &failure.expected)?;
        entry(out, "got", &failure.got)?;
        if let Some(these) = &failure.bases {
            bases(out, these, ["expected", "got"], "they differ only in what can't be shown")?;
        }
        entry(out, "run alone", &failure.replay)?;
        writeln!(out)
    }

    /// Why vectors were not tested, and what is known to fail: each reason once.
    fn reasons(&mut self, summary: &VectorSummary) -> io::Result<()> {
        let mut reasons: BTreeMap<(Verdict, &str), Vec<&str>> = BTreeMap::new();
        for result in &summary.vectors {
            let reason = match (result.verdict, &result.known, &result.failure) {
                (Verdict::KnownFailure, Some(known), _) => known.reason.as_str(),
                (Verdict::Unsupported | Verdict::Skip, _, Some(failure)) => failure.got.as_str(),
                _ => continue,
            };
            reasons.entry((result.verdict, reason)).or_default().push(&result.vector.id);
        }
        for ((verdict, reason), ids) in &reasons {
            let which = match ids.as_slice() {
                [one] => (*one).to_owned(),
                some if self.detail >= Detail::Much => some.join(", "),
                some => many(some.len(), "vector"),
            };
            writeln!(self.out, "{}: {reason}: {which}", verdict.words())?;
        }
        if reasons.is_empty() { Ok(()) } else { writeln!(self.out) }
    }

    /// What several failures have in common.
    fn causes(&mut self, summary: &VectorSummary) -> io::Result<()> {
        let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
        for failure in summary.breaking().filter_map(|result| result.failure.as_ref()) {
            let guess = failure.bases.as_ref().and_then(|bases| bases.guess.as_deref());
            if let Some(cause) = guess.or_else(|| failure.got.split_once('\n').map(|(_, why)| why)) {
                *causes.entry(cause.lines().next().unwrap_or_default()).or_default() += 1;
            }
        }
        let mut causes: Vec<_> = causes.into_iter().filter(|(_, count)| *count > 1).collect();
        if causes.is_empty() {
            return Ok(());
        }
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        writeln!(self.out, "What most likely goes wrong more than once")?;
        causes.iter().try_for_each(|(cause, count)| writeln!(self.out, "  {count:>4} x {cause}"))?;
        writeln!(self.out)
    }
}

impl<W: Write> VectorSink for VectorReport<W> {
    fn event(&mut self, event: &VectorEvent) {
        if let VectorEvent::Ended(summary) = event {
            self.failed = self.write(summary).err();
        }
    }
}

/// What came out, in one line.
pub fn last_line(summary: &VectorSummary) -> String {
    // An unexpected pass is no failure of the library: the list is wrong.
    let broken = summary.breaking().filter(|result| result.verdict != Verdict::UnexpectedPass).count();
    let asked = if summary.whole { "" } else { " in the vectors that were asked for" };
    let mut line = match summary.conclusion() {
        Conclusion::Error => {
            format!(
                "Not known whether it conforms: the shim failed on {}",
                many(summary.count(Verdict::Error), "vector")
            )
        }
        Conclusion::Partial => {
            let lacks = summary.lacks.join("; ");
            let too = if broken > 0 { format!("; and {}", failing(broken)) } else { String::new() };
            format!("Partial, so nothing is said about conformance: {lacks}{too}")
        }
        Conclusion::DoesNotConform if broken > 0 => {
            format!("Does not conform{asked}: {}", failing(broken))
        }
        Conclusion::DoesNotConform => "Does not pass: the list of known failures is out of date".to_owned(),
        Conclusion::EndedEarly => "Ended early, so nothing is said about conformance".to_owned(),
        Conclusion::Conforms => match summary.count(Verdict::KnownFailure) {
            0 => format!("Conforms{asked}"),
            known => format!("Conforms{asked}, but for {}", many(known, "known failure")),
        },
    };
    let apart = summary.apart().count();
    if apart > 0 {
        line.push_str(&format!("; reported apart: {}", failing(apart)));
    }
    if summary.ended_early && summary.conclusion() != Conclusion::EndedEarly {
        line.push_str("; ended early");
    }
    let counts = Verdict::ALL.into_iter().map(|verdict| (verdict, summary.count(verdict))).filter(|(_, n)| *n > 0);
    let counts: Vec<String> = counts.map(|(verdict, count)| format!("{count} {}", verdict.words())).collect();
    let (name, version) = (&summary.subject.name, &summary.subject.version);
    let vectors = many(summary.vectors.len(), "vector");
    format!("{line}. {name} {version}, {vectors}: {}; {:.1} s", counts.join(", "), summary.took.as_secs_f64())
}

fn failing(count: usize) -> String {
    if count == 1 { "1 vector fails".to_owned() } else { format!("{count} vectors fail") }
}
