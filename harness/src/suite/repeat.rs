//! Several runs of the same, one after the other, and whether they agree.

use std::collections::HashMap;

use crate::verdict::{Flaky, ScenarioResult, Summary, Verdict};

/// What came out of the rounds so far. Of each scenario the worst result is kept, and every verdict.
#[derive(Debug, Default)]
pub struct Rounds {
    summary: Option<Summary>,
    verdicts: HashMap<String, Vec<Option<Verdict>>>,
    count: usize,
}

impl Rounds {
    /// How many there were.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds one.
    pub fn add(&mut self, round: Summary) {
        for result in &round.scenarios {
            let verdicts = self.verdicts.entry(result.scenario.id.clone()).or_default();
            verdicts.resize(self.count, None);
            verdicts.push(Some(result.verdict));
        }
        self.count += 1;
        match &mut self.summary {
            None => self.summary = Some(round),
            Some(summary) => merge(summary, round),
        }
    }

    /// All rounds as one run: each scenario once, with the worst of its results, and what was flaky. Nothing where there
    /// was no round.
    pub fn summary(self) -> Option<Summary> {
        let Rounds { summary, mut verdicts, count } = self;
        let mut summary = summary?;
        // A round that was ended early says nothing about what it did not run.
        let whole = !summary.ended_early;
        for scenario in &summary.scenarios {
            let mut verdicts = verdicts.remove(&scenario.scenario.id).unwrap_or_default();
            verdicts.resize(count, None);
            let mut seen = verdicts.iter().filter(|verdict| whole || verdict.is_some());
            let first = seen.next();
            if seen.any(|verdict| Some(verdict) != first) {
                summary.flaky.push(Flaky { id: scenario.scenario.id.clone(), verdicts });
            }
        }
        Some(summary)
    }
}

fn merge(summary: &mut Summary, round: Summary) {
    for result in round.scenarios {
        match summary.scenarios.iter_mut().find(|known| known.scenario.id == result.scenario.id) {
            Some(known) if badness(&result) > badness(known) => *known = result,
            Some(_) => {}
            None => summary.scenarios.push(result),
        }
    }
    for (known, new) in summary.requirements.iter_mut().zip(round.requirements) {
        known.verdict = known.verdict.max(new.verdict);
        known.apart = known.apart.max(new.apart);
    }
    // What is stale in one round and not in another is flaky, not stale.
    summary.stale.retain(|entry| round.stale.contains(entry));
    summary.not_run = round.not_run;
    summary.took += round.took;
    summary.ended_early |= round.ended_early;
    summary.time_up |= round.time_up;
}

/// A Core that died is graver than whatever else went wrong: the order of the exit codes.
fn badness(result: &ScenarioResult) -> (bool, bool, Verdict) {
    let died = result.failure.as_ref().is_some_and(|failure| failure.subject_died);
    (died, result.verdict == Verdict::Error, result.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::report::sample;

    /// All pass.
    fn good() -> Summary {
        let mut summary = sample::summary();
        for result in &mut summary.scenarios {
            (result.verdict, result.failure) = (Verdict::Pass, None);
        }
        for requirement in &mut summary.requirements {
            requirement.verdict = requirement.verdict.map(|_| Verdict::Pass);
        }
        summary
    }

    fn rounds(all: impl IntoIterator<Item = Summary>) -> Summary {
        let mut rounds = Rounds::default();
        all.into_iter().for_each(|round| rounds.add(round));
        rounds.summary().unwrap()
    }

    #[test]
    fn equal_rounds_are_as_one() {
        let all = rounds([good(), good(), good()]);
        assert_eq!((all.flaky.len(), all.scenarios.len(), Exit::of(&all).code()), (0, 4, 0));
        assert_eq!(all.took, 3 * good().took);
        let all = rounds([sample::summary(), sample::summary()]);
        assert_eq!((all.flaky.len(), Exit::of(&all).code()), (0, 3));
    }

    #[test]
    fn a_requirement_that_broke_once_is_broken_and_what_changed_is_flaky() {
        let mut bad = sample::summary();
        bad.scenarios[2] = good().scenarios[2].clone();
        let all = rounds([good(), bad, good()]);
        assert_eq!(all.scenarios[1].verdict, Verdict::Fail);
        assert_eq!(Exit::of(&all).code(), 1);
        let ids: Vec<_> = all.flaky.iter().map(ToString::to_string).collect();
        assert_eq!(
            ids,
            ["call_peer/kept/b: 2 pass, 1 FAIL (round 2)", "call_peer/kept/d: 2 pass, 1 unsupported (round 2)"]
        );
    }

    #[test]
    fn an_error_in_any_round_is_not_hidden_by_a_failure_in_another() {
        let (mut fails, mut errs) = (good(), good());
        fails.scenarios[1] = sample::summary().scenarios[1].clone();
        errs.scenarios[1].verdict = Verdict::Error;
        for all in [rounds([fails.clone(), errs.clone()]), rounds([errs, fails])] {
            assert_eq!((all.scenarios[1].verdict, Exit::of(&all).code()), (Verdict::Error, 3));
        }
    }

    #[test]
    fn a_change_without_a_failure_is_not_trusted_either() {
        let mut skips = good();
        skips.scenarios[3].verdict = Verdict::Skip;
        let all = rounds([good(), skips]);
        assert_eq!(Exit::of(&all).code(), 3);
    }

    #[test]
    fn what_a_round_did_not_run_any_more_is_not_flaky() {
        let mut short = good();
        (short.ended_early, short.time_up) = (true, true);
        short.scenarios.truncate(2);
        short.not_run = vec!["call_peer/kept/c".into()];
        let all = rounds([good(), short]);
        assert_eq!((all.flaky.len(), all.not_run.len(), Exit::of(&all).code()), (0, 1, 124));
    }
}
