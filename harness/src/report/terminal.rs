//! The report for people: by requirement, then what failed, then one line.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::printable::printable;
use crate::suite::diverge::Bases;
use crate::verdict::{Event, EventSink, Failure, RequirementResult, ScenarioResult, Summary, Verdict};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What failed, and the last line.
    Little,
    /// The requirements too.
    Normal,
    /// Every scenario as it ends, and the hops of what failed.
    Much,
    /// Every step too.
    All,
}

/// Writes the report when the run has ended.
pub struct TerminalReport<W> {
    out: W,
    detail: Detail,
    failed: Option<io::Error>,
}

impl<W: Write> TerminalReport<W> {
    /// Writes to `out`.
    pub fn new(out: W, detail: Detail) -> TerminalReport<W> {
        TerminalReport { out, detail, failed: None }
    }

    /// What was written to, or why writing failed.
    pub fn finish(self) -> io::Result<W> {
        match self.failed {
            None => Ok(self.out),
            Some(error) => Err(error),
        }
    }

    fn write(&mut self, summary: &Summary) -> io::Result<()> {
        if self.detail >= Detail::Normal {
            self.requirements(summary)?;
        }
        let (mut told, mut again) = (HashSet::new(), 0);
        for verdict in [Verdict::Fail, Verdict::Timeout, Verdict::UnexpectedPass, Verdict::Error] {
            for result in summary.scenarios.iter().filter(|result| result.verdict == verdict) {
                match dead(result) {
                    Some(why) if told.contains(&why) => again += 1,
                    why => {
                        told.extend(why);
                        self.failure(summary, result)?;
                    }
                }
            }
        }
        if again > 0 {
            writeln!(self.out, "For the same reason {again} more scenarios could not be run.\n")?;
        }
        if self.detail >= Detail::Normal {
            self.reasons(summary)?;
        }
        self.not_run(summary)?;
        if !summary.flaky.is_empty() {
            writeln!(self.out, "Verdicts that changed from round to round: none of them is to be trusted")?;
            summary.flaky.iter().try_for_each(|flaky| writeln!(self.out, "  {flaky}"))?;
            writeln!(self.out)?;
        }
        if !summary.stale.is_empty() {
            writeln!(self.out, "The list of known failures is out of date")?;
            summary.stale.iter().try_for_each(|entry| writeln!(self.out, "  {entry}"))?;
            writeln!(self.out)?;
        }
        writeln!(self.out, "{}", last_line(summary))
    }

    fn requirements(&mut self, summary: &Summary) -> io::Result<()> {
        let tested: Vec<_> = summary.requirements.iter().filter(|requirement| requirement.verdict.is_some()).collect();
        let (testbed, own): (Vec<&RequirementResult>, Vec<_>) =
            tested.into_iter().partition(|requirement| requirement.testbed);
        let (deciding, apart): (Vec<_>, Vec<_>) = own.into_iter().partition(|requirement| requirement.counts);
        self.table("Requirements that decide", &deciding, summary)?;
        self.table("Reported apart", &apart, summary)?;
        self.table("Of the testbed's own proxy, not of the subject", &testbed, summary)?;

        let untested: Vec<_> =
            summary.requirements.iter().filter(|requirement| requirement.verdict.is_none()).collect();
        match untested.as_slice() {
            [] => Ok(()),
            few if few.len() <= 12 => {
                let few: Vec<String> = few.iter().map(|one| format!("{} ({})", one.id, one.level)).collect();
                writeln!(self.out, "Not tested in this run: {}\n", few.join(", "))
            }
            many => writeln!(self.out, "Not tested in this run: {} other requirements\n", many.len()),
        }
    }

    fn table(&mut self, title: &str, rows: &[&RequirementResult], summary: &Summary) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{title}")?;
        writeln!(self.out, "  {:<9} {:<6} {:<14} {:<10} ", "id", "level", "verdict", "scenarios")?;
        for row in rows {
            let verdict = row.verdict.map_or("", Verdict::words);
            let bad = summary.scenarios_of(&row.id).filter(|result| result.verdict != Verdict::Pass).count();
            let count =
                if bad == 0 { row.scenarios.len().to_string() } else { format!("{bad} of {}", row.scenarios.len()) };
            writeln!(self.out, "  {:<9} {:<6} {verdict:<14} {count:<10} {}", row.id, row.level, row.title)?;
        }
        writeln!(self.out)
    }

    fn failure(&mut self, summary: &Summary, result: &ScenarioResult) -> io::Result<()> {
        let Some(failure) = &result.failure else {
            // An unexpected pass: the list says more than is true.
            writeln!(self.out, "{}: {}", result.verdict.words(), result.scenario.id)?;
            if let Some(known) = &result.known {
                entry(&mut self.out, "listed", &known.shown())?;
            }
            return writeln!(self.out);
        };
        let heading = match result.verdict {
            Verdict::Error if failure.subject_died => "THE SUBJECT DIED",
            Verdict::Error if failure.mistaken => "MISTAKE in the feature",
            Verdict::Error => "ERROR of the harness, not of the subject",
            verdict => verdict.words(),
        };
        writeln!(self.out, "{heading}: {}", result.scenario.id)?;
        let hops = if self.detail >= Detail::Much { failure.trace.as_slice() } else { &[] };
        facts(&mut self.out, summary, result, hops)?;
        writeln!(self.out)
    }

    /// What was to run and did not.
    fn not_run(&mut self, summary: &Summary) -> io::Result<()> {
        let shown = if self.detail >= Detail::Much { usize::MAX } else { 10 };
        if summary.not_run.is_empty() || self.detail < Detail::Normal {
            return Ok(());
        }
        writeln!(self.out, "Did not run, or not to the end")?;
        summary.not_run.iter().take(shown).try_for_each(|id| writeln!(self.out, "  {id}"))?;
        if summary.not_run.len() > shown {
            writeln!(self.out, "  and {} more (-v shows all)", summary.not_run.len() - shown)?;
        }
        writeln!(self.out)
    }

    fn reasons(&mut self, summary: &Summary) -> io::Result<()> {
        let off = |id: &str| summary.requirements.iter().find(|requirement| requirement.id == id)?.off.as_ref();
        let mut any = false;
        for requirement in summary.requirements.iter().filter(|requirement| requirement.verdict.is_some()) {
            let Some(reason) = &requirement.off else { continue };
            any = true;
            writeln!(self.out, "off: {} {}: {reason}", requirement.id, requirement.title)?;
        }
        for result in &summary.scenarios {
            let told = |id: &String| off(id).is_some();
            // That was said with the requirement.
            if result.verdict == Verdict::Skip && result.scenario.requirements.iter().all(told) {
                continue;
            }
            let reason = match (result.verdict, &result.known, &result.failure) {
                (Verdict::KnownFailure, Some(known), _) => known.shown(),
                (Verdict::Skip | Verdict::Unsupported, _, Some(Failure { got, .. })) => got.clone(),
                _ => continue,
            };
            any = true;
            writeln!(self.out, "{}: {}: {reason}", result.verdict.words(), result.scenario.id)?;
        }
        if any { writeln!(self.out) } else { Ok(()) }
    }
}

impl<W: Write> EventSink for TerminalReport<W> {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(summary) = event {
            // What a subject says is in many places of it.
            let mut report = TerminalReport::new(Vec::new(), self.detail);
            let shown = report.write(summary).map(|()| printable(&String::from_utf8_lossy(&report.out)));
            let written = shown.and_then(|shown| self.out.write_all(shown.as_bytes()));
            self.failed = written.and_then(|()| self.out.flush()).err();
        }
    }
}

/// What there is to say about a scenario that did not pass, a name and a text for each.
pub(super) fn facts(
    out: &mut impl Write,
    summary: &Summary,
    result: &ScenarioResult,
    hops: &[String],
) -> io::Result<()> {
    let (scenario, Some(failure)) = (&result.scenario, &result.failure) else { return Ok(()) };
    entry(out, "scenario", &format!("{} ({}:{})", scenario.name, scenario.feature, scenario.line))?;
    if let Some(id) = &failure.requirement {
        // A scenario may bind less than its requirement.
        let level = scenario.level.or_else(|| Some(summary.requirement(id)?.level));
        let level = level.map(|level| format!(" {level}")).unwrap_or_default();
        entry(out, "requirement", &format!("{id}{level}: {}", failure.sentence.as_deref().unwrap_or_default()))?;
    }
    entry(out, "step", &failure.step)?;
    entry(out, "expected", &failure.expected)?;
    entry(out, "got", &failure.got)?;
    if let Some(bases) = &failure.bases {
        self::bases(out, bases, ["signed", "rebuilt"], "both sides built the same signature base")?;
    }
    if let Some(hop) = &failure.hop {
        entry(out, "changed by", hop)?;
    }
    if !hops.is_empty() {
        entry(out, "hops", &hops.join("\n"))?;
    }
    entry(out, "run alone", &failure.replay)
}

/// A text of several lines in one, and not too long.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// A name, and what there is to say about it.
pub(super) fn entry(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    let mut lines = text.lines();
    writeln!(out, "  {name:<12} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(out, "  {:<12} {line}", ""))
}

/// Two bases side by side, with the first line that differs marked.
pub(crate) fn bases(out: &mut impl Write, bases: &Bases, sides: [&str; 2], same: &str) -> io::Result<()> {
    let Some(line) = bases.line else {
        return entry(out, "bases", same);
    };
    let guess = bases.guess.as_deref().map(|guess| format!(": {guess}")).unwrap_or_default();
    entry(out, "bases", &format!("they differ first on line {line}{guess}"))?;
    let (made, rebuilt): (Vec<&str>, Vec<&str>) =
        (bases.made.split('\n').collect(), bases.rebuilt.split('\n').collect());
    let [one, other] = sides.map(|side| format!("{side}:"));
    for n in 0..made.len().max(rebuilt.len()) {
        let (a, b) = (made.get(n).copied(), rebuilt.get(n).copied());
        let mark = if n + 1 == line { ">" } else { " " };
        if a == b {
            writeln!(out, "    {mark} {:>2} {:<9} {}", n + 1, "", a.unwrap_or_default())?;
        } else {
            writeln!(out, "    {mark} {:>2} {one:<9} {}", n + 1, a.unwrap_or("(no such line)"))?;
            writeln!(out, "    {mark}    {other:<9} {}", b.unwrap_or("(no such line)"))?;
        }
    }
    Ok(())
}

/// As far as it could be tested; what the profile turns off was not.
fn is_kept(verdict: Verdict) -> bool {
    !verdict.breaks() && !matches!(verdict, Verdict::KnownFailure | Verdict::Skip)
}

/// What came out, in one line.
pub fn last_line(summary: &Summary) -> String {
    let tested = |counts: bool| summary.requirements.iter().filter(move |r| r.counts == counts && r.verdict.is_some());
    let (kept, broken) = (
        tested(true).filter(|r| r.verdict.is_some_and(is_kept) && some_pass(summary, r)).count(),
        tested(true).filter(|r| r.verdict.is_some_and(Verdict::breaks)).count(),
    );
    if summary.requirements.is_empty() {
        return format!("{}. {}", without_requirements(summary), counted(summary));
    }
    let mut line = if summary.time_up && broken == 0 {
        "Time was up, so nothing is said about conformance".to_owned()
    } else if summary.ended_early && !summary.time_up {
        "Ended early, so nothing is said about conformance".to_owned()
    } else if broken > 0 {
        format!("Does not conform: {broken} of {} requirements are not kept", kept + broken)
    } else if summary.mistaken() {
        "Not known whether it conforms: a feature is mistaken".to_owned()
    } else if summary.harness_failed() {
        "Not known whether it conforms: the harness failed".to_owned()
    } else if summary.subject_died() {
        "Not known whether it conforms: the subject died".to_owned()
    } else if !summary.flaky.is_empty() {
        "Not known whether it conforms: verdicts changed from round to round".to_owned()
    } else if !summary.stale.is_empty() {
        "Does not pass: the list of known failures is out of date".to_owned()
    } else if summary.nothing_tested() {
        "Not known whether it conforms: nothing could be tested".to_owned()
    } else {
        match summary.count(Verdict::KnownFailure) {
            0 => format!("Conforms: {} kept", many(kept, "requirement")),
            known => format!("Conforms, but for {}: {} kept", many(known, "known failure"), many(kept, "requirement")),
        }
    };
    let broken = |verdict: Option<Verdict>| verdict.is_some_and(Verdict::breaks);
    let apart = summary.requirements.iter().filter(|r| (!r.counts && broken(r.verdict)) || broken(r.apart));
    let apart: Vec<_> = apart.map(|r| r.id.as_str()).collect();
    if !apart.is_empty() {
        line.push_str(&format!("; reported apart, not kept: {}", apart.join(", ")));
    }
    if !summary.not_run.is_empty() {
        let all = summary.not_run.len() + summary.scenarios.len();
        line.push_str(&format!("; {} of {} did not run", summary.not_run.len(), many(all, "scenario")));
    }
    format!("{line}. {}", counted(summary))
}

/// What a run of somebody's own features came to: every scenario decides.
fn without_requirements(summary: &Summary) -> String {
    let failed = summary.failures().count();
    let conclusion = if failed > 0 {
        format!("Does not pass: {failed} of {} failed", many(summary.scenarios.len(), "scenario"))
    } else if summary.time_up {
        "Time was up".to_owned()
    } else if summary.ended_early {
        "Ended early".to_owned()
    } else if summary.mistaken() {
        "Not known whether it passes: a feature is mistaken".to_owned()
    } else if summary.subject_died() {
        "Not known whether it passes: an app or a Core died".to_owned()
    } else if summary.harness_failed() {
        "Not known whether it passes: the harness failed".to_owned()
    } else if !summary.flaky.is_empty() {
        "Not known whether it passes: verdicts changed from round to round".to_owned()
    } else if !summary.stale.is_empty() {
        "Does not pass: the list of known failures is out of date".to_owned()
    } else if summary.nothing_tested() {
        "Not known whether it passes: nothing could be tested".to_owned()
    } else {
        match summary.count(Verdict::KnownFailure) {
            0 => "Passes".to_owned(),
            known => format!("Passes, but for {}", many(known, "known failure")),
        }
    };
    match summary.not_run.len() {
        0 => conclusion,
        missing => {
            format!("{conclusion}; {missing} of {} did not run", many(missing + summary.scenarios.len(), "scenario"))
        }
    }
}

/// How many scenarios came out how, and how long it took.
fn counted(summary: &Summary) -> String {
    let counts =
        Verdict::ALL.into_iter().map(|verdict| (verdict, summary.count(verdict))).filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(verdict, count)| format!("{count} {}", verdict.words())).collect();
    let scenarios = many(summary.scenarios.len(), "scenario");
    format!("{scenarios}: {}; {:.1} s", counts.join(", "), summary.took.as_secs_f64())
}

pub(super) fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What is unsupported in all of its scenarios is not kept.
fn some_pass(summary: &Summary, requirement: &RequirementResult) -> bool {
    summary.scenarios_of(&requirement.id).any(|result| !matches!(result.verdict, Verdict::Unsupported | Verdict::Skip))
}

/// Why the subject is dead, whatever its Portal was called.
fn dead(result: &ScenarioResult) -> Option<&str> {
    let failure = result.failure.as_ref().filter(|failure| failure.subject_died)?;
    Some(failure.got.split_once(" did not start: ").map_or(failure.got.as_str(), |(_, why)| why))
}
