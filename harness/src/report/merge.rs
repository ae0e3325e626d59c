//! One run out of the reports of its shards.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::expectations::{Expectations, ExpectationsError};
use crate::verdict::{RequirementResult, ScenarioInfo, Summary, Verdict};

/// Reports don't belong together. Exit code 2.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// There is none.
    #[error("there is no report to merge")]
    Nothing,
    /// They are not of one run.
    #[error("{} and {} are not of one run: {what} is `{a}` in one and `{b}` in the other", .one.display(), .other.display())]
    Differ {
        /// The first report.
        one: PathBuf,
        /// The one that differs from it.
        other: PathBuf,
        /// In what.
        what: &'static str,
        /// What the first one says.
        a: String,
        /// What the other one says.
        b: String,
    },
    /// A scenario ran twice.
    #[error("the scenario {id} stands in {} and in {}: each belongs in one shard", .one.display(), .other.display())]
    Twice {
        /// The scenario.
        id: String,
        /// Where it stands.
        one: PathBuf,
        /// Where it stands, too.
        other: PathBuf,
    },
}

/// Merges the reports of shards.
///
/// # Errors
/// They are not of one suite and one subject, or a scenario stands in two of them.
pub fn merge(shards: Vec<(PathBuf, Summary)>) -> Result<Summary, MergeError> {
    let mut shards = shards.into_iter();
    let (first, mut merged) = shards.next().ok_or(MergeError::Nothing)?;
    let mut places: HashMap<String, PathBuf> =
        merged.scenarios.iter().map(|result| (result.scenario.id.clone(), first.clone())).collect();
    for (path, shard) in shards {
        belong_together((&first, &merged), (&path, &shard))?;
        for result in &shard.scenarios {
            let id = result.scenario.id.clone();
            if let Some(one) = places.insert(id.clone(), path.clone()) {
                return Err(MergeError::Twice { id, one, other: path });
            }
        }
        for (requirement, more) in merged.requirements.iter_mut().zip(shard.requirements) {
            join(requirement, more);
        }
        merged.scenarios.extend(shard.scenarios);
        merged.stale.extend(shard.stale);
        // Shards run at the same time.
        merged.took = merged.took.max(shard.took);
        merged.ended_early |= shard.ended_early;
        merged.time_up |= shard.time_up;
        merged.not_run.extend(shard.not_run);
        merged.flaky.extend(shard.flaky);
    }
    merged
        .scenarios
        .sort_by(|a, b| (&a.scenario.feature, a.scenario.line).cmp(&(&b.scenario.feature, b.scenario.line)));
    let order: HashMap<&str, usize> =
        merged.scenarios.iter().enumerate().map(|(n, result)| (result.scenario.id.as_str(), n)).collect();
    for requirement in &mut merged.requirements {
        requirement.scenarios.sort_by_key(|id| order.get(id.as_str()).copied());
    }
    merged.stale.dedup();
    Ok(merged)
}

/// Looks at a list of known failures once more: only now all cases of an entry are together.
///
/// # Errors
/// The list speaks of nothing that was run.
pub fn compare_with(merged: &mut Summary, list: &Expectations) -> Result<(), ExpectationsError> {
    let all: Vec<ScenarioInfo> = merged.scenarios.iter().map(|result| result.scenario.clone()).collect();
    list.check(&all)?;
    merged.stale = list.stale(&all, &mut merged.scenarios);
    let unexpected = merged.scenarios.iter().filter(|result| result.verdict == Verdict::UnexpectedPass);
    let of: HashSet<&String> = unexpected.flat_map(|result| &result.scenario.requirements).collect();
    for requirement in merged.requirements.iter_mut().filter(|requirement| of.contains(&requirement.id)) {
        requirement.verdict = requirement.verdict.map(|verdict| verdict.max(Verdict::UnexpectedPass));
    }
    Ok(())
}

/// The worst of all scenarios is the worst of what is the worst in each shard.
fn join(requirement: &mut RequirementResult, more: RequirementResult) {
    requirement.verdict = requirement.verdict.max(more.verdict);
    requirement.apart = requirement.apart.max(more.apart);
    requirement.scenarios.extend(more.scenarios);
}

fn belong_together((one, a): (&Path, &Summary), (other, b): (&Path, &Summary)) -> Result<(), MergeError> {
    let version = |summary: &Summary| summary.subject.version.clone().unwrap_or_else(|| "unknown".to_owned());
    let ids = |summary: &Summary, wanted: fn(&RequirementResult) -> bool| {
        let ids = summary.requirements.iter().filter(|requirement| wanted(requirement));
        ids.map(|requirement| requirement.id.as_str()).collect::<Vec<_>>().join(" ")
    };
    let said = |summary: &Summary| {
        [
            ("the version of countersign", summary.suite.version.clone()),
            ("the hash of the features", summary.suite.features_sha256.clone()),
            ("the subject", summary.subject.name.clone()),
            ("the subject's version", version(summary)),
            ("the subject's kind", summary.subject.kind.clone()),
            ("the way of receiving", format!("{:?}", summary.subject.receive).to_lowercase()),
            ("the catalogue", ids(summary, |_| true)),
            ("what --level lets decide", ids(summary, |requirement| requirement.counts)),
        ]
    };
    let differs = said(a).into_iter().zip(said(b)).find(|(a, b)| a != b);
    differs.map_or(Ok(()), |((what, a), (_, b))| {
        Err(MergeError::Differ { one: one.to_owned(), other: other.to_owned(), what, a, b })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The sample, cut in two: the scenarios at even places, and those at odd ones.
    fn shards() -> Vec<(PathBuf, Summary)> {
        let shard = |which: usize| {
            let mut shard = sample::summary();
            let mut n = 0;
            shard.scenarios.retain(|_| {
                n += 1;
                n % 2 == which
            });
            for requirement in &mut shard.requirements {
                let of: Vec<_> =
                    shard.scenarios.iter().filter(|one| one.scenario.requirements[0] == requirement.id).collect();
                requirement.verdict = Verdict::worst(of.iter().map(|one| one.verdict));
                requirement.scenarios = of.iter().map(|one| one.scenario.id.clone()).collect();
            }
            (PathBuf::from(format!("{which}.json")), shard)
        };
        vec![shard(0), shard(1)]
    }

    #[test]
    fn shards_make_the_whole_run() {
        let mut whole = sample::summary();
        // In the sample all scenarios stand on one line.
        for (n, result) in whole.scenarios.iter_mut().enumerate() {
            result.scenario.line = n;
        }
        let mut shards = shards();
        for (_, shard) in &mut shards {
            for result in &mut shard.scenarios {
                let same = |one: &&crate::verdict::ScenarioResult| one.scenario.id == result.scenario.id;
                result.scenario.line = whole.scenarios.iter().find(same).unwrap().scenario.line;
            }
        }
        assert_eq!(merge(shards).unwrap(), whole);
    }

    #[test]
    fn one_report_stays_as_it_is() {
        assert_eq!(merge(vec![("a".into(), sample::summary())]).unwrap(), sample::summary());
        assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
    }

    #[test]
    fn what_does_not_belong_together_is_refused_and_named() {
        let said = |change: fn(&mut Summary)| {
            let mut shards = shards();
            change(&mut shards[1].1);
            merge(shards).unwrap_err().to_string()
        };
        let text = said(|shard| shard.suite.features_sha256 = "1".repeat(64));
        assert!(text.starts_with("0.json and 1.json are not of one run: the hash of the features is `000"), "{text}");
        assert!(said(|shard| shard.subject.name = "x".into()).contains("the subject is `portal-core` in one and `x`"));
        assert!(said(|shard| shard.subject.version = None).contains("the subject's version"));
        assert!(said(|shard| shard.requirements[2].counts = true).contains("--level"));
        let twice = said(|shard| shard.scenarios[0].scenario.id = "call_peer/kept/d".into());
        assert_eq!(twice, "the scenario call_peer/kept/d stands in 0.json and in 1.json: each belongs in one shard");
    }
}
