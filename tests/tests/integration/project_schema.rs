//! `fixtures/countersign.schema.json`, by which editors help with `countersign.toml`, says what the reader says.

use std::collections::BTreeSet;
use std::path::Path;

use countersign::topology::project::Project;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../fixtures/countersign.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// The keys that the reader knows at a place, as it tells them when it is given another one.
fn known(text: &str) -> BTreeSet<String> {
    let error = Project::parse(text, Path::new("countersign.toml")).unwrap_err().to_string();
    let (_, expected) = error.split_once("expected one of ").unwrap_or_else(|| panic!("{error}"));
    let expected = expected.split(';').next().unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys(properties: &Value) -> BTreeSet<String> {
    properties.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = schema();
    assert_eq!(keys(&schema["properties"]), known("xyzzy = 1\n"));
    assert_eq!(keys(&schema["definitions"]["portal"]["properties"]), known("[[portal]]\nname = \"a\"\nxyzzy = 1\n"));
    assert_eq!(keys(&schema["definitions"]["app"]["properties"]), known("[[app]]\nxyzzy = 1\n"));
}

#[test]
fn what_the_reader_takes_the_schema_takes_and_the_other_way_round() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = json!({"v": "3.2", "name": "guestbook", "port": 80, "paths": {"": {"access": "public"}}});
    std::fs::write(folder.path().join("app.json"), manifest.to_string()).unwrap();
    let compose =
        "networks: { portal: { external: true } }\nservices: { guestbook: { image: g, networks: [portal] } }\n";
    std::fs::write(folder.path().join("dc.yml"), compose).unwrap();
    let with = |top: &str, portal: &str, app: &str| {
        format!("{top}\n[[portal]]\nname = \"alice\"\n{portal}\n[[portal]]\nname = \"bob\"\n[[app]]\n{app}\n")
    };
    for (text, good) in [
        (with("", "", ""), true),
        (
            with(
                "zone = \"a.test\"\nport = 8443\ncore = \"built-in\"\npeers = []\nfaults = [\"alice -> bob refused\"]",
                "",
                "",
            ),
            true,
        ),
        (with("", "peers = [\"bob\"]\nclock = \"-5m\"\nkey = \"rsa-pss\"\napps = []", ""), true),
        (
            with(
                "",
                "peers = \"all\"\nclock = \"2026-01-31\"",
                "run = \"x\"\nenv = { A = \"b\" }\nready_within = \"2m\"",
            ),
            true,
        ),
        (with("", "", "run = [\"x\", \"y\"]\ndirectory = \".\""), true),
        (with("", "", "url = { alice = \"http://127.0.0.1:5000\" }"), true),
        (with("", "", "url = \"http://127.0.0.1:5000\"\nmanifest = \"app.json\""), true),
        (with("", "", "image = \"guestbook\""), true),
        (with("", "", "compose = \"dc.yml\""), true),
        (with("", "", "echo = true"), true),
        (with("port = 0", "", ""), false),
        (with("zone = 1", "", ""), false),
        (with("", "clock = \"tomorrow\"", ""), false),
        (with("", "key = \"dsa\"", ""), false),
        (with("", "", "run = \"\""), false),
        (with("", "", "run = []"), false),
        (with("", "", "url = \"https://x\""), false),
        (with("", "", "ready_within = \"soon\""), false),
        (with("", "", "rum = 1"), false),
        ("[[portal]]\nname = \"Alice\"\n".to_owned(), false),
        ("[[portal]]\n".to_owned(), false),
        (String::new(), false),
    ] {
        let read = Project::parse(&text, &folder.path().join("countersign.toml"));
        assert_eq!(read.is_ok(), good, "{text}\n{read:?}");
        let data: Value = toml::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&data), good, "the schema: {text}");
    }
}
