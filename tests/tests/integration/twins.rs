//! The suite is tested itself: who keeps the contract in an odd way passes it.

use std::collections::HashSet;

use countersign::contract::Contract;
use countersign::suite::{Selection, Source, Suite};
use countersign_tests::side_by_side;
use countersign_tests::twins::{self, FalseAlarm, Twin};
use regex::Regex;

/// Twins of one crowd run as one Portal, which says as much about each; who is to blame is looked for only where something
/// is wrong.
#[test]
fn every_twin_passes_the_whole_suite() {
    let suite = Suite::load(&Source::Embedded).unwrap();
    let told: Vec<String> = side_by_side(twins::all().chunk_by(|one, next| one.crowd == next.crowd), |crowd| {
        let told = twins::run(&suite, crowd, Selection::all()).unwrap().into_iter().map(|alarm| {
            let blamed: Vec<&str> =
                crowd.iter().filter(|twin| raises(&suite, twin, &alarm)).map(|twin| twin.name).collect();
            format!("{blamed:?} of crowd {}: {}: {}", crowd[0].crowd, alarm.scenario, alarm.why)
        });
        told.collect::<Vec<String>>()
    })
    .concat();
    assert!(told.is_empty(), "false alarms:\n{}", told.join("\n"));
}

fn raises(suite: &Suite, twin: &Twin, alarm: &FalseAlarm) -> bool {
    let alone = Selection::all().name(Regex::new(&format!("^{}$", regex::escape(&alarm.scenario))).unwrap());
    !twins::run(suite, std::slice::from_ref(twin), alone).unwrap().is_empty()
}

#[test]
fn twins_have_names_of_their_own_and_quote_what_allows_them() {
    let contract = Contract::embedded().unwrap();
    let all = twins::all();
    assert!(all.len() >= 25, "only {} twins", all.len());
    let mut names = HashSet::new();
    for twin in all {
        assert!(names.insert(twin.name), "{} is there twice", twin.name);
        assert!(!twin.allowed_by.is_empty(), "nothing allows {}", twin.name);
        for quote in twin.allowed_by {
            let (id, words) = quote.split_once(": ").unwrap_or_else(|| panic!("`{quote}` names no source"));
            let Some(requirement) = contract.iter().find(|requirement| requirement.id == id) else {
                assert!(id.starts_with("RFC ") || id.starts_with('§'), "{}: there is no {id}", twin.name);
                continue;
            };
            let text = &requirement.text;
            assert!(text.contains(words), "{} quotes {id} wrongly: `{words}` is not in `{text}`", twin.name);
        }
    }
}
