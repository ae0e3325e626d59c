//! The suite is tested itself: every mutant is caught by a scenario of the requirement that it breaks.

use std::collections::HashSet;

use countersign::contract::Contract;
use countersign::suite::{Source, Suite};
use countersign_tests::mutants::{self, Until};

#[test]
fn every_mutant_is_caught_by_a_scenario_of_its_requirement() {
    let suite = Suite::load(&Source::Embedded).unwrap();
    let mut survivors = Vec::new();
    for mutant in mutants::all() {
        let hunt = mutant.hunt(&suite, Until::FirstKill).unwrap();
        if hunt.caught_by.is_empty() {
            survivors.push(format!("{} ({}): {hunt:?}", mutant.name, mutant.breaks));
        }
    }
    assert!(survivors.is_empty(), "survivors:\n{}", survivors.join("\n"));
}

#[test]
fn mutants_have_names_of_their_own_and_break_requirements_that_exist() {
    let contract = Contract::embedded().unwrap();
    let mut names = HashSet::new();
    let all = mutants::all();
    assert!(all.len() >= 25, "only {} mutants", all.len());
    for mutant in all {
        assert!(names.insert(mutant.name), "{} is there twice", mutant.name);
        assert!(contract.iter().any(|it| it.id == mutant.breaks), "{} breaks {}", mutant.name, mutant.breaks);
    }
}
