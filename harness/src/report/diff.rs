//! Two runs beside each other: what got better and what got worse.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::markdown::inline;
use super::terminal::{many, one_line};
use crate::printable::printable;
use crate::verdict::{ScenarioResult, Summary, Verdict};

/// How many scenarios are listed under one heading in Markdown.
const LISTED: usize = 200;

/// What differs between two runs.
#[derive(Debug)]
pub struct Diff<'a> {
    old: &'a Summary,
    new: &'a Summary,
    requirements: Vec<Changed<'a>>,
    scenarios: Vec<Changed<'a>>,
    appeared: Vec<&'a ScenarioResult>,
    gone: Vec<&'a ScenarioResult>,
}

/// Something whose verdict is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<'a> {
    /// The scenario or the requirement.
    pub id: &'a str,
    /// What came out before.
    pub old: Verdict,
    /// What comes out now.
    pub new: Verdict,
    /// Which way it went.
    pub way: Way,
    /// Why it does not pass now, in a line.
    pub why: Option<String>,
}

/// Which way a verdict went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It passed and does not any more, or it is newly known to fail.
    Worse,
    /// It passes now.
    Better,
    /// It did not pass before and does not now, for another reason.
    Otherwise,
}

impl Way {
    /// Which way it is from one verdict to another one; nothing if they are the same.
    pub fn of(old: Verdict, new: Verdict) -> Option<Way> {
        let passes = |verdict| matches!(verdict, Verdict::Pass | Verdict::UnexpectedPass);
        let fails = |verdict| matches!(verdict, Verdict::Fail | Verdict::Timeout | Verdict::KnownFailure);
        if old == new {
            None
        } else if passes(old) && passes(new) {
            // The list of known failures is wrong, or is mended: it passes all the same.
            Some(Way::Otherwise)
        } else if passes(new) {
            Some(Way::Better)
        } else if passes(old) || (fails(new) && !fails(old)) {
            Some(Way::Worse)
        } else {
            Some(Way::Otherwise)
        }
    }
}

impl<'a> Diff<'a> {
    /// Compares two runs.
    pub fn new(old: &'a Summary, new: &'a Summary) -> Diff<'a> {
        let by_id = |summary: &'a Summary| -> HashMap<&'a str, &'a ScenarioResult> {
            summary.scenarios.iter().map(|result| (result.scenario.id.as_str(), result)).collect()
        };
        let (before, now) = (by_id(old), by_id(new));
        let mut scenarios = Vec::new();
        let (mut appeared, mut gone) = (Vec::new(), Vec::new());
        for result in &new.scenarios {
            let id = result.scenario.id.as_str();
            match before.get(id) {
                None => appeared.push(result),
                Some(older) => scenarios.extend(changed(id, older.verdict, result.verdict, why(result))),
            }
        }
        gone.extend(old.scenarios.iter().filter(|result| !now.contains_key(result.scenario.id.as_str())));
        let requirements = new.requirements.iter().filter_map(|requirement| {
            let older = old.requirement(&requirement.id)?;
            changed(&requirement.id, older.verdict?, requirement.verdict?, None)
        });
        Diff { old, new, requirements: requirements.collect(), scenarios, appeared, gone }
    }

    /// Whether anything got worse.
    pub fn is_worse(&self) -> bool {
        self.requirements.iter().chain(&self.scenarios).any(|changed| changed.way == Way::Worse)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for note in self.notes() {
            let _ = writeln!(out, "Note: {note}\n");
        }
        for (way, title) in WAYS {
            let requirements: Vec<_> = self.requirements.iter().filter(|changed| changed.way == way).collect();
            let scenarios: Vec<_> = self.scenarios.iter().filter(|changed| changed.way == way).collect();
            if requirements.is_empty() && scenarios.is_empty() {
                continue;
            }
            let _ = writeln!(out, "{title}");
            for changed in requirements.into_iter().chain(scenarios) {
                let (old, new) = (changed.old.words(), changed.new.words());
                let _ = writeln!(out, "  {}: {old} -> {new}", changed.id);
                if let Some(why) = &changed.why {
                    let _ = writeln!(out, "    {}", printable(why));
                }
            }
            out.push('\n');
        }
        for (title, results) in [("New", &self.appeared), ("Gone", &self.gone)] {
            if !results.is_empty() {
                let _ = writeln!(out, "{title}");
                for result in results {
                    let _ = writeln!(out, "  {}: {}", result.scenario.id, result.verdict.words());
                }
                out.push('\n');
            }
        }
        let _ = writeln!(out, "{}", self.last_line());
        out
    }

    /// For a pull request.
    pub fn markdown(&self) -> String {
        let mark = if self.is_worse() { "❌" } else { "✅" };
        let mut out = format!(
            "## {mark} {}: what changed\n\n**{}**\n\n",
            inline(&self.new.subject.name),
            inline(&self.last_line())
        );
        for note in self.notes() {
            let _ = writeln!(out, "> {}\n", inline(&note));
        }
        for (way, title) in WAYS {
            let of = |all: &[Changed<'a>]| all.iter().filter(|changed| changed.way == way).cloned().collect::<Vec<_>>();
            let all: Vec<_> = of(&self.requirements).into_iter().chain(of(&self.scenarios)).collect();
            if all.is_empty() {
                continue;
            }
            let _ = writeln!(out, "### {title}\n\n| | before | now | |\n|---|---|---|---|");
            for Changed { id, old, new, why, .. } in all.iter().take(LISTED) {
                let why = why.as_deref().unwrap_or_default();
                let (id, old, new, why) = (inline(id), old.words(), new.words(), inline(why));
                let _ = writeln!(out, "| <code>{id}</code> | {old} | {new} | {why} |");
            }
            if all.len() > LISTED {
                let _ = writeln!(out, "\n… and {} more.", all.len() - LISTED);
            }
            out.push('\n');
        }
        for (title, results) in [("New scenarios", &self.appeared), ("Gone scenarios", &self.gone)] {
            if results.is_empty() {
                continue;
            }
            let _ = writeln!(out, "<details><summary>{title}: {}</summary>\n", results.len());
            for result in results.iter().take(LISTED) {
                let _ = writeln!(out, "- <code>{}</code>: {}", inline(&result.scenario.id), result.verdict.words());
            }
            if results.len() > LISTED {
                let _ = writeln!(out, "- … and {} more", results.len() - LISTED);
            }
            out.push_str("\n</details>\n\n");
        }
        out
    }

    /// What makes the two hard to compare.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let (old, new) = (&self.old.subject, &self.new.subject);
        if old.name != new.name {
            notes.push(format!("the subjects differ: {} before, {} now", old.name, new.name));
        }
        if old.receive != new.receive {
            notes.push("one of the runs was without a proxy in between: --receive direct".to_owned());
        }
        if self.old.suite.features_sha256 != self.new.suite.features_sha256 {
            notes.push("the features differ: a scenario of the same name may test something else".to_owned());
        }
        for (run, which) in [(self.old, "older"), (self.new, "newer")] {
            if run.ended_early {
                notes.push(format!("the {which} run was ended early"));
            }
        }
        notes
    }

    fn last_line(&self) -> String {
        let count = |way| self.scenarios.iter().filter(|changed| changed.way == way).count();
        let mut counts: BTreeMap<u8, String> = BTreeMap::new();
        let worse = self.requirements.iter().filter(|changed| changed.way == Way::Worse).count();
        for (n, count, words) in [
            (0, count(Way::Worse), "worse"),
            (1, count(Way::Better), "better"),
            (2, count(Way::Otherwise), "changed otherwise"),
            (3, self.appeared.len(), "new"),
            (4, self.gone.len(), "gone"),
        ] {
            if count > 0 {
                counts.insert(n, format!("{count} {words}"));
            }
        }
        let scenarios: Vec<String> = counts.into_values().collect();
        let scenarios = if scenarios.is_empty() { "none differs".to_owned() } else { scenarios.join(", ") };
        let verdict = match (self.is_worse(), worse) {
            (false, _) => "Not worse".to_owned(),
            (true, 0) => "Worse".to_owned(),
            (true, worse) => format!("Worse in {}", many(worse, "requirement")),
        };
        format!(
            "{verdict}. {} now, {} before: {scenarios}",
            many(self.new.scenarios.len(), "scenario"),
            self.old.scenarios.len()
        )
    }
}

const WAYS: [(Way, &str); 3] = [(Way::Worse, "Worse"), (Way::Better, "Better"), (Way::Otherwise, "Changed otherwise")];

fn changed(id: &str, old: Verdict, new: Verdict, why: Option<String>) -> Option<Changed<'_>> {
    Way::of(old, new).map(|way| Changed { id, old, new, way, why })
}

/// Why a scenario does not pass.
fn why(result: &ScenarioResult) -> Option<String> {
    let failure = result.failure.as_ref()?;
    let got = one_line(&failure.got);
    if failure.expected.is_empty() {
        Some(got)
    } else {
        Some(format!("expected {}, got {got}", one_line(&failure.expected)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn which_way_a_verdict_goes() {
        use Verdict::*;
        let worse = [
            (Pass, Fail),
            (Pass, Timeout),
            (Pass, Error),
            (Pass, Skip),
            (Pass, KnownFailure),
            (Skip, Fail),
            (Error, Fail),
        ];
        let better = [(Fail, Pass), (KnownFailure, UnexpectedPass), (Error, Pass), (Skip, Pass), (Timeout, Pass)];
        let otherwise = [
            (Fail, Timeout),
            (Fail, KnownFailure),
            (KnownFailure, Fail),
            (Fail, Error),
            (Fail, Skip),
            (UnexpectedPass, Pass),
            (Skip, Error),
        ];
        for (all, way) in [(&worse[..], Way::Worse), (&better[..], Way::Better), (&otherwise[..], Way::Otherwise)] {
            for (old, new) in all {
                assert_eq!(Way::of(*old, *new), Some(way), "{old:?} -> {new:?}");
            }
        }
        Verdict::ALL.into_iter().for_each(|verdict| assert_eq!(Way::of(verdict, verdict), None));
    }

    #[test]
    fn a_run_is_not_worse_than_itself() {
        let summary = sample::everything();
        let diff = Diff::new(&summary, &summary);
        assert!(!diff.is_worse());
        assert_eq!(diff.text(), "Not worse. 8 scenarios now, 8 before: none differs\n");
    }

    /// The same run with one scenario that got worse, one that got better, one new and one gone.
    fn later() -> Summary {
        let mut later = sample::everything();
        let failure = later.scenarios[1].failure.clone();
        later.scenarios[0].verdict = Verdict::Fail;
        later.scenarios[0].failure = failure;
        later.scenarios[1].verdict = Verdict::Pass;
        later.scenarios[1].failure = None;
        later.scenarios[4].verdict = Verdict::Fail;
        later.scenarios[7].scenario.id = "call_peer/kept/z".into();
        later.requirements[2].verdict = Some(Verdict::Fail);
        later
    }

    #[test]
    fn the_difference_for_people() {
        let (old, new) = (sample::everything(), later());
        let diff = Diff::new(&old, &new);
        assert!(diff.is_worse());
        insta::assert_snapshot!("diff_text", diff.text());
        insta::assert_snapshot!("diff_markdown", diff.markdown());
    }
}
