//! The corpus: that its files are what they must be, and that it is honest.

#![expect(clippy::print_stdout, reason = "a test says what it confirmed and what not")]

mod bases;
mod honesty;
mod quotes;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::vectors::catalogue::Catalogue;
use countersign::vectors::corpus::Expected;
use countersign::vectors::load::Corpus;
use countersign_tests::corpus::{self as made, write};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn folder() -> PathBuf {
    root().join("fixtures/vectors")
}

fn corpus() -> Corpus {
    Corpus::folder(&folder()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_file_is_what_its_cases_make() {
    let made = made::Corpus::make(&root().join("tests/corpus")).unwrap();
    let problems: Vec<String> = made.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let output = made.output(&folder(), None).unwrap();
    let differences = write::differences(&output, &folder(), true).unwrap();
    assert!(
        differences.is_empty(),
        "{}\nMake them anew: cargo run -p countersign-tests --bin corpus",
        differences.join("\n")
    );
}

#[test]
fn every_key_is_used() {
    let made = made::Corpus::make(&root().join("tests/corpus")).unwrap();
    let used: HashSet<&String> = made.sections.iter().flat_map(|built| built.file.keys.keys()).collect();
    // Some only ever sign what their owner should not have signed.
    let signs = |name: &String| made.definitions.files.iter().any(|it| it.text().contains(&format!("key:{name}\"")));
    let idle: Vec<_> = made.definitions.keys.keys().filter(|name| !used.contains(name) && !signs(name)).collect();
    assert!(idle.is_empty(), "nobody uses {idle:?}");
}

#[test]
fn every_file_matches_the_schema() {
    let schema = json(&folder().join("schema.json"));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") && !path.ends_with("schema.json") {
            let file = json(&path);
            let errors: Vec<String> = validator
                .iter_errors(&file)
                .map(|error| format!("{}{}: {error}", path.display(), error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}", errors.join("\n"));
            files += 1;
        }
    }
    assert!(files > 20, "{files} files");
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let schema = json(&folder().join("schema.json"));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let good = json(&folder().join("2.1.json"));
    let at = good["vectors"].as_array().unwrap().iter().position(|vector| vector["verdict"] == "invalid").unwrap();
    let vector = format!("/vectors/{at}");
    for (pointer, wrong) in [
        (format!("{vector}/verdict"), Value::from("wrong")),
        (format!("{vector}/message_b64"), Value::from("not base64")),
        (format!("{vector}/reject_stage"), Value::from("later")),
        (format!("{vector}/op"), Value::from("guess")),
        (format!("{vector}/rfc_refs"), Value::Array(Vec::new())),
        ("/vectors".to_owned(), Value::Array(Vec::new())),
        ("/version".to_owned(), Value::from("one")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
    for lacking in ["twin_of", "defect", "severity", "id", "label"] {
        let mut bad = good.clone();
        bad.pointer_mut(&vector).unwrap().as_object_mut().unwrap().shift_remove(lacking).unwrap();
        assert!(!validator.is_valid(&bad), "without {lacking}");
    }
    let mut more = good.clone();
    more.pointer_mut(&vector).unwrap()["more"] = Value::from(1);
    assert!(!validator.is_valid(&more));
}

#[test]
fn there_are_enough_and_at_least_half_are_invalid() {
    let corpus = corpus();
    let all = corpus.vectors().count();
    let invalid = corpus.vectors().filter(|(_, vector)| vector.verdict == Expected::Invalid).count();
    println!("{all} vectors, {invalid} invalid");
    assert!(all >= 1500, "{all} vectors");
    assert!(2 * invalid >= all, "{invalid} of {all} are invalid");
    let titles: HashSet<_> = corpus.vectors().map(|(file, vector)| (&file.section, &vector.title)).collect();
    let doubled = all - titles.len();
    // One case with several operations has one title.
    assert!(doubled < all / 5, "{doubled} vectors share their title");
}

#[test]
fn the_same_corpus_is_in_the_binary() {
    assert_eq!(Corpus::embedded().unwrap(), corpus());
}

#[test]
fn every_requirement_has_a_vector() {
    let catalogue = Catalogue::embedded().unwrap();
    assert!(catalogue.requirement.len() > 150, "{} requirements", catalogue.requirement.len());
    let uncovered: Vec<_> = catalogue.requirement.iter().filter(|it| !it.is_covered()).map(|it| &it.id).collect();
    assert!(uncovered.is_empty(), "without a vector: {uncovered:?}");
    let corpus = corpus();
    for sentence in &catalogue.requirement {
        for id in &sentence.vectors {
            assert!(corpus.get(id).is_some(), "{}: no vector {id}", sentence.id);
        }
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
