//! Two keys with the same short ID: those in fixtures/keys, and the program that finds such pairs.

use std::process::Command;

use countersign::testbed::identity::TestIdentity;
use countersign::testbed::keys::SAME_SHORT_ID;

#[test]
fn the_pair_shares_its_short_id_and_no_more_is_claimed() {
    let [one, other] = SAME_SHORT_ID.map(|pem| TestIdentity::from_private_key_pem(pem).unwrap());
    assert_eq!(one.short_id(), other.short_id());
    assert_ne!(one.id(), other.id());
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/keys/README.md")).unwrap();
    assert!(
        readme.contains(&format!("`{}`", one.short_id())),
        "fixtures/keys/README.md should name {}",
        one.short_id()
    );
}

#[test]
fn the_program_finds_a_pair_for_a_shorter_beginning() {
    let found = Command::new(env!("CARGO_BIN_EXE_same-short-id")).arg("3").output().unwrap();
    assert!(found.status.success());
    let text = String::from_utf8(found.stdout).unwrap();
    let keys: Vec<_> = text.split("# ").filter_map(|part| part.split_once('\n')).collect();
    let [(one, first), (other, second)] = keys.as_slice() else { panic!("{text}") };
    assert_eq!(one[..3], other[..3]);
    for (id, pem) in [(one, first), (other, second)] {
        assert_eq!(TestIdentity::from_private_key_pem(pem.trim_start()).unwrap().id(), *id);
    }
    assert_ne!(one, other);
}

#[test]
fn a_length_that_is_none_is_wrong_usage() {
    for wrong in ["0", "9", "six"] {
        let status = Command::new(env!("CARGO_BIN_EXE_same-short-id")).arg(wrong).output().unwrap().status;
        assert_eq!(status.code(), Some(2), "{wrong}");
    }
}
