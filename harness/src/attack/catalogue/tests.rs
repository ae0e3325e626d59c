use std::collections::HashSet;

use super::*;
use crate::attack::cast::tests::cast;
use crate::attack::model::{Crafted, Defect, Expected, Shot};
use crate::attack::received::{Received, own_signature};
use crate::attack::recipe::Place;
use crate::attack::{Cast, Recipe, Valid};
use crate::contract::Contract;

/// Whose signatures on this draft verify, to the independent reader.
fn signers(draft: &Draft, cast: &Cast) -> Vec<String> {
    let fields = draft.lines();
    let request = Received {
        method: &draft.method,
        scheme: "https",
        host: &draft.host,
        path: &draft.path,
        query: draft.query.as_deref(),
        fields: &fields,
    };
    let signed = |public_key: &str| own_signature(&request, public_key).is_ok_and(|own| !own.is_empty());
    let players = cast.players.iter().filter(|(_, player)| signed(player.public_key_pem()));
    players.map(|(name, _)| name.clone()).collect()
}

fn each(mut check: impl FnMut(&Attack, Place, &Crafted, &Cast)) {
    let cast = cast();
    for (_, attack) in all() {
        for place in Place::BOTH {
            let crafted = attack.craft(place, &cast).unwrap_or_else(|error| panic!("{}: {error}", attack.name));
            check(attack, place, &crafted, &cast);
        }
    }
}

#[test]
fn there_are_many_and_each_has_a_name_of_its_own_and_its_reasons() {
    let contract = Contract::embedded().unwrap();
    let mut names = HashSet::new();
    for (family, attack) in all() {
        let Attack { name, requirement, what, why, expected, .. } = attack;
        assert!(names.insert(*name), "{name} is there twice");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
        assert!(name.len() <= 60, "{name} is cut in the ids of scenarios");
        assert!(contract.get(requirement).is_some(), "{name} attacks {requirement}");
        assert!(what.len() > 10 && why.len() > 10 && family.about.ends_with('.'), "{name}");
        assert!(!what.ends_with('.') && !why.ends_with('.'), "{name}");
        if let Expected::NobodyOr(_, room)
        | Expected::OneReading(_, room)
        | Expected::AsSentOr(_, room)
        | Expected::AsSentByAnyoneOr(_, room) = expected
        {
            assert!(room.len() > 10, "{name}");
        }
    }
    assert!(names.len() >= 150, "{}", names.len());
}

#[test]
fn the_valid_requests_verify() {
    let cast = cast();
    for valid in [Valid::Parts, Valid::Target, Valid::Body, Valid::Rsa, Valid::Shared, Valid::Expiring] {
        for place in Place::BOTH {
            let draft = Recipe::valid(valid, place, &cast).unwrap().signed(&cast).unwrap();
            assert_eq!(signers(&draft, &cast), [valid.signer()], "{valid:?}");
            assert!(draft.path.starts_with(place.prefix()));
        }
    }
}

#[test]
fn undoing_the_defect_gives_what_verifies() {
    each(|attack, _, crafted, cast| {
        assert_eq!(signers(&crafted.valid, cast), [attack.valid.signer()], "{}", attack.name);
        match &crafted.twin {
            Shot::Draft(twin) => assert!(!signers(twin, cast).is_empty(), "the twin of {}", attack.name),
            Shot::Raw(_) => {}
        }
    });
}

#[test]
fn every_defect_is_there() {
    each(|attack, _, crafted, _| {
        let same = crafted.attack.to_bytes() == crafted.twin.to_bytes();
        let unchanged = crafted.attack.to_bytes() == Shot::Draft(crafted.valid.clone()).to_bytes();
        // What is sent twice, not to its end, or too late, may be the very same.
        let may_be = matches!(attack.defect, Defect::Again(_) | Defect::Circumstance | Defect::Slow(_));
        assert!(may_be || !same && !unchanged, "{}", attack.name);
        if attack.harmless.is_some() {
            let twin = crafted.twin.to_bytes();
            assert!(twin != Shot::Draft(crafted.valid.clone()).to_bytes(), "the twin of {}", attack.name);
        }
    });
}

#[test]
fn what_was_changed_does_not_verify_to_the_independent_reader() {
    let mut count = 0;
    each(|attack, _, crafted, cast| {
        let changed = matches!(attack.defect, Defect::Changed(_)) && attack.requirement == "AUTH-3";
        if let (true, Shot::Draft(draft)) = (changed, &crafted.attack) {
            count += 1;
            let mut signers = signers(draft, cast);
            signers.retain(|name| name != "mallory");
            assert!(signers.is_empty(), "{}: {signers:?}", attack.name);
        }
    });
    assert!(count > 100, "{count}");
}

#[test]
fn a_misspelt_name_finds_its_neighbours() {
    assert_eq!(find("query-dropped").unwrap().1.name, "query-dropped");
    assert!(find("query-droped").is_none());
    assert_eq!(nearest("query-droped")[0], "query-dropped");
    assert_eq!(nearest("Detour_dots")[0], "detour-dots");
    assert!(nearest("full-width").contains(&"dots-in-full-width"));
    assert!(nearest("").is_empty());
    assert!(nearest("zzzz").is_empty());
}
