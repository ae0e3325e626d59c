//! The README says what is so.

use std::fs;

use countersign::attack::catalogue;
use countersign::suite::{Selection, Source, Suite};
use countersign::vectors::corpus::Expected;
use countersign::vectors::load::Corpus;
use countersign_tests::{mutants, twins};

fn file(path: &str) -> String {
    fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn its_shim_is_the_one_that_is_tested() {
    let shim = file("fixtures/subjects/minimal/shim.py");
    assert!(
        file("README.md").contains(&format!("```python\n{shim}```")),
        "fixtures/subjects/minimal/shim.py is not the shim in README.md: copy it over"
    );
}

#[test]
fn it_counts_the_vectors() {
    let corpus = Corpus::embedded().unwrap();
    let invalid = corpus.vectors().filter(|(_, vector)| vector.verdict == Expected::Invalid).count();
    let readme = file("README.md");
    for (count, words) in [(corpus.vectors().count(), "vectors on RFC 9421"), (invalid, "of them are invalid")] {
        let said = format!("{},{:03} {words}", count / 1000, count % 1000);
        assert!(readme.contains(&said), "README.md should say `{said}`");
    }
}

#[test]
fn it_counts_scenarios_attacks_mutants_and_twins() {
    let scenarios = Suite::load(&Source::Embedded).unwrap().scenarios(&Selection::all()).len();
    let said = [
        format!("(built-in): {scenarios} scenarios"),
        format!("There are {}. Each is a valid request", catalogue::all().count()),
        format!("by {} *mutants*", mutants::all().len()),
        format!("by {} *twins*", twins::all().len()),
    ];
    let readme = file("README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    for words in said {
        assert!(readme.contains(&words), "README.md should say `{words}`");
    }
}
