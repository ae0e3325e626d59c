//! Shards divide all scenarios, whatever else is chosen, and time that is up is told.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign::cli::exit::Exit;
use countersign::contract::Contract;
use countersign::suite::{RunOptions, Selection, Shard, Source, Steps, Suite};
use countersign::verdict::{Event, Verdict};

fn ids(suite: &Suite, selection: &Selection) -> Vec<String> {
    suite.scenarios(selection).into_iter().map(|info| info.id.clone()).collect()
}

#[test]
fn every_scenario_is_in_exactly_one_shard() {
    let suite = Suite::load(&Source::Embedded).unwrap();
    let all = ids(&suite, &Selection::all());
    for count in [1, 2, 3, 7, 16] {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut sizes = Vec::new();
        for number in 1..=count {
            let shard: Shard = format!("{number}/{count}").parse().unwrap();
            let of_it = ids(&suite, &Selection::all().shard(shard));
            sizes.push(of_it.len());
            of_it.into_iter().for_each(|id| *seen.entry(id).or_default() += 1);
            // Another selection changes nothing about where a scenario goes.
            let tagged = Selection::all().tags("@CALL-3 or @AUTH-2".parse().unwrap());
            let (whole, part) = (ids(&suite, &tagged), ids(&suite, &tagged.shard(shard)));
            assert_eq!(part, whole.into_iter().filter(|id| shard.holds(id)).collect::<Vec<_>>());
        }
        assert_eq!(seen.len(), all.len());
        assert!(seen.values().all(|times| *times == 1));
        let fair = all.len() / count;
        assert!(sizes.iter().all(|size| *size > fair / 2 && *size < fair * 2), "{sizes:?}");
    }
}

/// One scenario passes at once, one never comes to its end.
#[test]
fn what_has_not_run_when_time_is_up_is_told_and_never_passed() {
    let mut steps = Steps::new();
    steps.then("it works", async |_, _| Ok(()));
    steps.then("it hangs", async |_, _| std::future::pending().await);
    let feature = "Feature: F\n  @CALL-3\n  Scenario: Quick\n    Then it works\n\n  @CALL-3 @CALL-4\n  Scenario: Slow\n    \
                   Then it hangs\n\n  @CALL-4\n  Scenario: Later\n    Then it works\n";
    let source = Source::Given(vec![("f.feature".to_owned(), feature.to_owned())]);
    let suite = Suite::load_with(&source, steps, Contract::embedded().unwrap()).unwrap();
    let options = RunOptions { jobs: 1, within: Some(Duration::from_millis(300)), ..RunOptions::default() };
    let summary = suite.run(&options, &mut |_: &Event| {}).unwrap();
    assert!(summary.time_up && summary.ended_early);
    assert_eq!(summary.not_run, ["f/slow", "f/later"]);
    assert_eq!(Exit::of(&summary), Exit::TimeUp);
    let of = |id: &str| summary.requirements.iter().find(|one| one.id == id).unwrap().verdict;
    assert_eq!((of("CALL-3"), of("CALL-4")), (Some(Verdict::Skip), None));
    let last = countersign::report::terminal::last_line(&summary);
    assert!(
        last.starts_with("Time was up, so nothing is said about conformance; 2 of 3 scenarios did not run."),
        "{last}"
    );

    // What failed before stays a failure.
    let failing = Suite::load_with(
        &Source::Given(vec![(
            "f.feature".to_owned(),
            feature.replace("Then it works\n\n  @CALL-3", "Then it fails\n\n  @CALL-3"),
        )]),
        {
            let mut steps = Steps::new();
            steps.then("it works", async |_, _| Ok(()));
            steps.then("it fails", async |_, _| Err(countersign::suite::StepFailure::fail("a", "b")));
            steps.then("it hangs", async |_, _| std::future::pending().await);
            steps
        },
        Contract::embedded().unwrap(),
    );
    let summary = failing.unwrap().run(&options, &mut |_: &Event| {}).unwrap();
    assert_eq!(Exit::of(&summary), Exit::DoesNotConform);
}
