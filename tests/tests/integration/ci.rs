//! The examples for CI are YAML, and the commands in them are ones that the program takes.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::Parser as _;
use countersign::cli::Cli;
use yaml_rust2::{Yaml, YamlLoader};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join("fixtures/ci").join(name)).unwrap()
}

fn parsed(name: &str) -> Yaml {
    let [document] = YamlLoader::load_from_str(&text(name)).unwrap().try_into().unwrap();
    document
}

/// All texts in it that a shell would run.
fn scripts<'a>(yaml: &'a Yaml, key: Option<&str>, found: &mut Vec<&'a str>) {
    match yaml {
        Yaml::Hash(map) => map.iter().for_each(|(name, value)| scripts(value, name.as_str(), found)),
        Yaml::Array(items) => items.iter().for_each(|item| scripts(item, key, found)),
        Yaml::String(text) if matches!(key, Some("run" | "script")) => found.push(text),
        _ => {}
    }
}

/// The commands of Countersign in it, word by word, without quotes and with variables filled in.
fn commands(name: &str) -> Vec<Vec<String>> {
    let yaml = parsed(name);
    let mut found = Vec::new();
    scripts(&yaml, None, &mut found);
    let filled = |text: &str| {
        let known = [("${{ matrix.shard }}", "2"), ("$SHARDS", "3"), ("$CI_NODE_INDEX", "2"), ("$CI_NODE_TOTAL", "3")];
        known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let lines = found.iter().flat_map(|text| text.lines()).map(filled);
    let words = lines.map(|line| line.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect());
    let is_ours = |words: &Vec<String>| words.first().is_some_and(|first| first.ends_with("/countersign"));
    words.filter(is_ours).collect()
}

#[test]
fn every_command_in_them_is_one_that_the_program_takes() {
    for name in ["github.yml", "gitlab.yml"] {
        let commands = commands(name);
        assert_eq!(commands.len(), 2, "{name}: check and report merge");
        for words in &commands {
            assert!(words.iter().all(|word| !word.contains('$')), "{name}: an unknown variable in {words:?}");
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{name}: {words:?}\n{}", parsed.unwrap_err());
        }
        assert!(commands[0].contains(&"2/3".to_owned()), "{name}: {commands:?}");
    }
}

#[test]
fn the_shards_of_the_matrix_are_all_that_there_are_and_all_are_merged() {
    let github = parsed("github.yml");
    let count = github["env"]["SHARDS"].as_i64().unwrap();
    let matrix = github["jobs"]["check"]["strategy"]["matrix"]["shard"].as_vec().unwrap();
    let numbers: Vec<i64> = matrix.iter().map(|number| number.as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    assert_eq!(parsed("gitlab.yml")["countersign check"]["parallel"].as_i64(), Some(count));
    for name in ["github.yml", "gitlab.yml"] {
        let merge = commands(name).pop().unwrap();
        let reports: Vec<&str> =
            merge[3..].iter().take_while(|word| !word.starts_with('-')).map(String::as_str).collect();
        assert_eq!(reports, (1..=count).map(|n| format!("report-{n}.json")).collect::<Vec<_>>());
    }
}

#[test]
fn they_gate_with_caching_junit_a_summary_and_known_failures() {
    for (name, needs) in [
        (
            "github.yml",
            &["actions/cache@", "junit=", "$GITHUB_STEP_SUMMARY", "markdown=", "--known-failures", "if: always()"][..],
        ),
        ("gitlab.yml", &["cache:", "junit: junit-*.xml", "markdown=", "--known-failures", "when: always"][..]),
    ] {
        for need in needs {
            assert!(text(name).contains(need), "{name}: {need}");
        }
    }
    // What the tests rely on finds a mistake.
    assert!(YamlLoader::load_from_str("a: [1, 2").is_err());
    assert!(Cli::try_parse_from(["countersign", "check", "--shards", "1/2"]).is_err());
}

#[test]
fn the_scripts_are_ones_that_a_shell_can_read() {
    for script in ["run", "static", "image"] {
        let path = root().join(".ci").join(script);
        let checked = Command::new("bash").arg("-n").arg(&path).output();
        let Ok(checked) = checked else { return println!("skipped: there is no bash") };
        assert!(checked.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&checked.stderr));
    }
}
