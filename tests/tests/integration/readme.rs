//! The README says what is so.

use std::fs;

use countersign::vectors::corpus::Expected;
use countersign::vectors::load::Corpus;

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
