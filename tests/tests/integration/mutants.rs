//! The suite is tested itself: every mutant is caught by a scenario of its requirement.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use countersign::contract::{Contract, Level};
use countersign::suite::{Source, Suite};
use countersign_tests::mutants::table::{self, Row};
use countersign_tests::mutants::{self, Mutant, Until};
use countersign_tests::side_by_side;

/// MUSTs that no mutant breaks, and why.
const WITHOUT_MUTANT: &[(&str, &str)] = &[];

/// The scenarios that caught it last time run first; all others only where they don't any more.
#[test]
fn every_mutant_is_caught_by_a_scenario_of_its_requirement() {
    let suite = Suite::load(&Source::Embedded).unwrap();
    let kept: BTreeMap<String, Row> = table::kept().unwrap().into_iter().map(|row| (row.name.clone(), row)).collect();
    let survivors: Vec<String> = side_by_side(mutants::all(), |mutant| {
        let likely = kept.get(mutant.name).map(|row| row.caught_by.as_slice()).unwrap_or_default();
        if likely.iter().any(|id| mutant.is_caught_by(&suite, id).unwrap()) {
            return None;
        }
        let hunt = mutant.hunt(&suite, Until::FirstKill).unwrap();
        hunt.caught_by.is_empty().then(|| format!("{} ({}): {hunt:?}", mutant.name, mutant.breaks))
    })
    .into_iter()
    .flatten()
    .collect();
    assert!(survivors.is_empty(), "survivors:\n{}", survivors.join("\n"));
}

#[test]
fn mutants_have_names_of_their_own_and_break_requirements_that_exist() {
    let contract = Contract::embedded().unwrap();
    let mut names = HashSet::new();
    let all = mutants::all();
    assert!(all.len() >= 140, "only {} mutants", all.len());
    for mutant in all {
        assert!(names.insert(mutant.name), "{} is there twice", mutant.name);
        assert!(contract.iter().any(|it| it.id == mutant.breaks), "{} breaks {}", mutant.name, mutant.breaks);
    }
}

#[test]
fn every_must_is_broken_by_a_mutant() {
    let broken: BTreeSet<&str> = mutants::all().iter().map(|mutant| mutant.breaks).collect();
    let contract = Contract::embedded().unwrap();
    let without: Vec<&str> = contract
        .iter()
        .filter(|it| it.level == Level::Must && !broken.contains(it.id.as_str()))
        .map(|it| it.id.as_str())
        .collect();
    let excused: Vec<&str> = WITHOUT_MUTANT.iter().map(|(id, _)| *id).collect();
    assert_eq!(without, excused);
}

#[test]
fn the_table_of_mutants_is_up_to_date() {
    let kept = table::kept().unwrap();
    let of_table: Vec<(&str, &str)> = kept.iter().map(|row| (row.name.as_str(), row.breaks.as_str())).collect();
    let all = mutants::all();
    let of_code: Vec<(&str, &str)> = all.iter().map(|mutant: &Mutant| (mutant.name, mutant.breaks)).collect();
    let how = "`cargo run -p countersign-tests --bin mutants NAME…` hunts those that are new and mends the table";
    assert_eq!(of_table, of_code, "{how}");
    for row in &kept {
        assert!(!row.caught_by.is_empty(), "{} is caught by nobody: {how}", row.name);
    }
}
