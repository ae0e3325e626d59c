use clap::Parser as _;

use super::*;
use crate::subject::descriptor::{Apps, Descriptor, NamesBy, Start};

fn init(file: &Path) -> Result<Exit, CommandFailure> {
    let init = Init { what: Some(What::Core(NewFile { file: file.to_owned() })), dir: ".".into() };
    init.run(&mut Vec::new())
}

#[test]
fn what_is_written_is_accepted_and_says_what_holds_anyway() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("core.toml");
    assert_eq!(init(&file).unwrap(), Exit::Conforms);
    let descriptor = Descriptor::read(&file).unwrap();
    assert_eq!((descriptor.name.as_str(), descriptor.kind()), ("my-core", "command"));
    assert_eq!(descriptor.names, NamesBy::Proxy);
    assert_eq!(descriptor.apps.recognition, Apps::default().recognition);
}

/// Each comment that is a key is taken into the file, one at a time, in its table: none is misspelt or has a value that
/// the reader refuses.
#[test]
fn every_key_that_is_commented_out_is_accepted_when_it_is_taken_in() {
    let lines: Vec<&str> = CORE.lines().collect();
    let is_key = regex::Regex::new(r"^# ([a-z_]+ = |\[[a-z]+\]$)").unwrap();
    let mut taken = 0;
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| is_key.is_match(line)) {
        let without_mark = |line: &str| line.strip_prefix("# ").unwrap_or(line).to_owned();
        let key = without_mark(line).split(" = ").next().unwrap_or_default().to_owned();
        // The table that it stands in, where that is commented out too.
        let table = lines[..n].iter().rposition(|line| line.starts_with('[') || line.starts_with("# ["));
        let mut text = String::new();
        for (m, other) in lines.iter().enumerate() {
            let other = match () {
                () if m == n || Some(m) == table => without_mark(other),
                // These stand in place of another.
                () if key == "urls"
                    && ["command = ", "env = ", "restart = ", "kill = "].iter().any(|k| other.starts_with(k)) =>
                {
                    continue;
                }
                // These go with an image.
                () if ["port", "data", "user"].contains(&key.as_str()) && other.starts_with("# image = ") => {
                    without_mark(other)
                }
                () if key == "header" && other.starts_with("doors = ") => continue,
                () if key == "header" && *other == "# recognised_by = \"door\"" => "recognised_by = \"header\"".into(),
                () if key == "profile" && line.contains("true") && other.starts_with("# files = ") => {
                    without_mark(other)
                }
                () => (*other).to_owned(),
            };
            text.push_str(&other);
            text.push('\n');
        }
        if let Err(error) = Descriptor::parse(&text, Path::new("core.toml")) {
            panic!("line {}: `{line}`: {error}", n + 1);
        }
        taken += 1;
    }
    assert!(taken >= 25, "only {taken} keys were found");
}

#[test]
fn a_file_that_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("core.toml");
    std::fs::write(&file, "mine").unwrap();
    let failure = init(&file).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.text.contains("core.toml is there already"), "{}", failure.text);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let nowhere = init(&folder.path().join("no/such/folder/core.toml")).unwrap_err();
    assert!(nowhere.exit == Exit::Usage && nowhere.text.contains("can't be written"), "{}", nowhere.text);
}

#[test]
fn it_can_go_to_standard_output_and_says_what_comes_next() {
    let mut out = Vec::new();
    let cli = crate::cli::Cli::try_parse_from(["countersign", "init", "core", "-"]).unwrap();
    let crate::cli::Command::Init(init) = cli.command else { panic!("another command") };
    assert_eq!(init.run(&mut out).unwrap(), Exit::Conforms);
    assert_eq!(String::from_utf8(out).unwrap(), CORE);

    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let file = folder.path().join("c.toml");
    NewFile { file }.write(&mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("countersign core doctor "));
}

#[test]
fn it_shows_how_a_command_is_given() {
    let Start::Command(command) = Descriptor::parse(CORE, Path::new("core.toml")).unwrap().start else {
        panic!("not a command")
    };
    assert!(command.argv.len() == 5 && command.env.contains_key("HTTPS_PROXY"));
}
