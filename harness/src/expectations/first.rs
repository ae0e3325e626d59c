//! A first list of known failures, from what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Case;
use crate::verdict::{ScenarioResult, Verdict};

/// How long a reason gets, in characters.
const REASON: usize = 160;

/// A list that excuses what failed or took too long, among `all` cases that there are. A requirement stands in it where all
/// of its cases ran and failed, else the cases do. What was known already keeps its reason, owner and day.
pub fn first_list<C: Case>(all: &[C], results: &[ScenarioResult], owner: &str, until: time::Date) -> FirstList {
    let failed: Vec<&ScenarioResult> = results.iter().filter(|result| is_listed(result.verdict)).collect();
    let mut left: BTreeSet<&str> = failed.iter().map(|result| result.id()).collect();
    let mut entries = Vec::new();

    let until = until.to_string();
    for result in &failed {
        if let Some(known) = &result.known {
            left.remove(result.id());
            entries.push(entry(result.id(), &known.reason, &known.owner, &known.until));
        }
    }
    let mut by_requirement: BTreeMap<&str, Vec<&ScenarioResult>> = BTreeMap::new();
    for result in failed.iter().filter(|result| result.known.is_none()) {
        for id in result.requirements() {
            by_requirement.entry(id).or_default().push(result);
        }
    }
    for (requirement, of_it) in by_requirement {
        let there_are = all.iter().filter(|case| case.requirements().iter().any(|id| id == requirement)).count();
        if of_it.len() > 1 && of_it.len() == there_are && of_it.iter().any(|result| left.contains(result.id())) {
            left.retain(|id| !of_it.iter().any(|result| result.id() == *id));
            let reason = format!("all {there_are} scenarios fail; the first: {}", reason(of_it[0]));
            entries.push(entry(requirement, &reason, owner, &until));
        }
    }
    for result in failed.iter().filter(|result| left.contains(result.id())) {
        entries.push(entry(result.id(), &reason(result), owner, &until));
    }
    let text = format!(
        "# What is known to fail. Say why, and who cares for it until when: an entry that is overdue fails the run, and\n\
         # so does one whose scenarios pass.\n{}",
        entries.concat()
    );
    FirstList { text, entries: entries.len(), failures: failed.len() }
}

/// A list, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstList {
    /// TOML.
    pub text: String,
    /// How many entries it has.
    pub entries: usize,
    /// How many failures they excuse.
    pub failures: usize,
}

fn is_listed(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Timeout | Verdict::KnownFailure)
}

fn entry(id: &str, reason: &str, owner: &str, until: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut entry = String::new();
    // Writing to a String can't fail.
    let _ = write!(
        entry,
        "\n[[known]]\nid = {}\nreason = {}\nowner = {}\nuntil = {until}\n",
        quoted(id),
        quoted(reason),
        quoted(owner)
    );
    entry
}

fn reason(result: &ScenarioResult) -> String {
    let Some(failure) = &result.failure else { return "it fails".to_owned() };
    let text = format!("expected {}, got {}", failure.expected, failure.got);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::NOW;
    use super::super::{Expectations, day};
    use super::*;
    use crate::expectations::Known;
    use crate::report::sample;

    fn result(id: &str, requirements: &[&str], verdict: Verdict) -> ScenarioResult {
        let mut result = sample::summary().scenarios[1].clone();
        result.scenario.id = id.into();
        result.scenario.requirements = requirements.iter().map(|id| (*id).into()).collect();
        result.verdict = verdict;
        if verdict == Verdict::Pass {
            result.failure = None;
        }
        result
    }

    fn results() -> Vec<ScenarioResult> {
        vec![
            result("f/a", &["A-1"], Verdict::Fail),
            result("f/b", &["A-1", "B-1"], Verdict::Timeout),
            result("f/c", &["B-1"], Verdict::Pass),
            result("f/d", &["B-1"], Verdict::Fail),
            result("f/e", &["C-1"], Verdict::Error),
            result("f/g", &["D-1"], Verdict::Fail),
        ]
    }

    fn list(results: &[ScenarioResult]) -> FirstList {
        first_list(&results.iter().collect::<Vec<_>>(), results, "ann \"o\"", day(NOW))
    }

    #[test]
    fn a_requirement_that_fails_as_a_whole_is_one_entry() {
        let list = list(&results());
        assert_eq!((list.entries, list.failures), (3, 4));
        let ids: Vec<_> = list.text.lines().filter(|line| line.starts_with("id = ")).collect();
        assert_eq!(ids, ["id = \"A-1\"", "id = \"f/d\"", "id = \"f/g\""]);
    }

    #[test]
    fn the_list_excuses_what_failed_and_nothing_else() {
        let mut results = results();
        let text = list(&results).text;
        let read = Expectations::parse(Path::new("k.toml"), &text, NOW).unwrap();
        let all = results.clone();
        read.check(&all).unwrap();
        results.iter_mut().for_each(|result| read.excuse(result));
        use Verdict::*;
        let verdicts: Vec<_> = results.iter().map(|result| result.verdict).collect();
        assert_eq!(verdicts, [KnownFailure, KnownFailure, Pass, KnownFailure, Error, KnownFailure]);
        assert_eq!(read.stale(&all, &mut results), [""; 0]);
    }

    #[test]
    fn a_requirement_of_which_something_did_not_run_is_no_entry() {
        let ran = results();
        let mut all = ran.clone();
        all.push(result("f/z", &["A-1"], Verdict::Pass));
        let list = first_list(&all, &ran, "o", day(NOW));
        assert!(!list.text.contains("\"A-1\"") && list.text.contains("\"f/a\""), "{}", list.text);
    }

    #[test]
    fn what_was_known_keeps_what_was_said_of_it() {
        let mut results = results();
        results[5].verdict = Verdict::KnownFailure;
        let (reason, owner) = ("said".to_owned(), "bea".to_owned());
        results[5].known = Some(Known { reason, owner, until: "2030-01-01".into(), place: "k.toml:1".into() });
        let text = list(&results).text;
        let expected = "id = \"f/g\"\nreason = \"said\"\nowner = \"bea\"\nuntil = 2030-01-01\n";
        assert!(text.contains(expected), "{text}");
    }
}
