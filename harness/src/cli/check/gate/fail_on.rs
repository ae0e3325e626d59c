//! `--fail-on`: what fails a run beside a requirement that is not kept.

use clap::ValueEnum;

use crate::verdict::{ScenarioResult, Summary, Verdict};

/// How many ids are shown.
const SHOWN: usize = 5;

/// What else fails a run. Skips and the like count where the scenario is of a requirement that decides (`--level`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum FailOn {
    /// A scenario fails or takes too long, also where its requirement does not decide
    Fail,
    /// The harness is at fault: fails the run in any case, with exit code 3
    Error,
    /// A scenario is skipped, for whatever reason
    Skip,
    /// A scenario can't be tested on this Core
    Unsupported,
    /// A scenario fails that is listed as a known failure
    KnownFailure,
    /// No scenario of a requirement that decides has run (not for shards or other selections)
    Untested,
}

impl FailOn {
    /// Why the run fails because of it, if it does.
    pub(super) fn objection(self, summary: &Summary) -> Option<String> {
        let verdicts: &[Verdict] = match self {
            FailOn::Fail => &[Verdict::Fail, Verdict::Timeout],
            FailOn::Error => &[Verdict::Error],
            FailOn::Skip => &[Verdict::Skip],
            FailOn::Unsupported => &[Verdict::Unsupported],
            FailOn::KnownFailure => &[Verdict::KnownFailure],
            FailOn::Untested => {
                let untested = summary.requirements.iter().filter(|one| one.counts && one.verdict.is_none());
                return self.told("requirement", untested.map(|one| one.id.as_str()).collect());
            }
        };
        let everywhere = matches!(self, FailOn::Fail | FailOn::Error);
        let of_these = summary
            .scenarios
            .iter()
            .filter(|result| verdicts.contains(&result.verdict) && (everywhere || decides(summary, result)));
        self.told("scenario", of_these.map(|result| result.scenario.id.as_str()).collect())
    }

    fn told(self, what: &str, ids: Vec<&str>) -> Option<String> {
        let name = self.to_possible_value()?.get_name().to_owned();
        let shown = ids.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let more = if ids.len() > SHOWN { format!(" and {} more", ids.len() - SHOWN) } else { String::new() };
        let plural = if ids.len() == 1 { "" } else { "s" };
        (!ids.is_empty())
            .then(|| format!("Fails because of --fail-on {name}: {} {what}{plural}: {shown}{more}", ids.len()))
    }
}

fn decides(summary: &Summary, result: &ScenarioResult) -> bool {
    let of_it = |id: &String| summary.requirements.iter().any(|one| one.id == *id && one.counts);
    result.scenario.requirements.iter().any(of_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_says_which_scenarios_it_is_about() {
        let mut summary = sample::summary();
        let told = |what: FailOn, summary: &Summary| what.objection(summary);
        assert_eq!(
            told(FailOn::Fail, &summary).unwrap(),
            "Fails because of --fail-on fail: 1 scenario: call_peer/kept/b"
        );
        assert_eq!(
            told(FailOn::Error, &summary).unwrap(),
            "Fails because of --fail-on error: 1 scenario: call_peer/kept/c"
        );
        // It is of a SHOULD, which does not decide.
        assert_eq!(told(FailOn::Unsupported, &summary), None);
        summary.requirements.iter_mut().for_each(|one| one.counts = true);
        assert!(told(FailOn::Unsupported, &summary).unwrap().contains("call_peer/kept/d"));
        assert_eq!(told(FailOn::Skip, &summary), None);
        summary.scenarios[0].verdict = Verdict::Skip;
        assert!(told(FailOn::Skip, &summary).unwrap().contains("call_peer/kept/a"));
        summary.scenarios[0].verdict = Verdict::KnownFailure;
        assert!(told(FailOn::KnownFailure, &summary).unwrap().contains("call_peer/kept/a"));
        assert!(told(FailOn::Untested, &summary).unwrap().ends_with("1 requirement: CALL-11"));
    }
}
