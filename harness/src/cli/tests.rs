use std::fs;
use std::path::Path;

use clap::{CommandFactory as _, Parser as _};

use super::{Cli, exit::Exit};

const FEATURE: &str = "Feature: F\n  @CALL-1\n  Scenario: S\n    Then nothing of the kind is defined\n";

fn run(feature: &str, args: &[&str]) -> Exit {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("f.feature"), feature).unwrap();
    run_in(folder.path(), args)
}

fn run_in(folder: &Path, args: &[&str]) -> Exit {
    let folder = folder.to_str().unwrap();
    let args = ["countersign"].into_iter().chain(args.iter().copied()).chain(["--features", folder]);
    Cli::try_parse_from(args).unwrap().run()
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn features_with_mistakes_are_bad_input() {
    assert_eq!(run(FEATURE, &["check"]), Exit::Usage);
    assert_eq!(run(&FEATURE.replace("Then", "Thn"), &["check", "--list"]), Exit::Usage);
    assert_eq!(run(&FEATURE.replace("CALL-1", "CALL-99"), &["requirements"]), Exit::Usage);
    assert_eq!(run_in(tempfile::tempdir().unwrap().path(), &["check"]), Exit::Usage);
    assert_eq!(run_in(Path::new("no/such/folder"), &["check"]), Exit::Usage);
}

#[test]
fn no_scenario_at_all_is_a_mistake() {
    assert_eq!(run(FEATURE, &["check", "--name", "xyzzy"]), Exit::Usage);
    assert_eq!(run(FEATURE, &["check", "--list", "--tags", "@CALL-2"]), Exit::Usage);
    assert_eq!(run(FEATURE, &["check", "--list", "--tags", "@CALL-1"]), Exit::Conforms);
}

#[test]
fn requirements_without_a_scenario() {
    assert_eq!(run(FEATURE, &["requirements"]), Exit::Conforms);
    assert_eq!(run(FEATURE, &["requirements", "--uncovered"]), Exit::DoesNotConform);
    assert_eq!(run(FEATURE, &["requirements", "CALL-1"]), Exit::Conforms);
    assert_eq!(run(FEATURE, &["requirements", "call-1"]), Exit::Conforms);
    assert_eq!(run(FEATURE, &["requirements", "CALL-99"]), Exit::Usage);
    let all: String = crate::contract::Contract::embedded()
        .unwrap()
        .iter()
        .filter(|requirement| requirement.level == crate::contract::Level::Must)
        .map(|requirement| format!(" @{}", requirement.id))
        .collect();
    assert_eq!(run(&FEATURE.replace("@CALL-1", &all), &["requirements", "--uncovered"]), Exit::Conforms);
}

#[test]
fn wrong_usage_has_the_exit_code_of_wrong_usage() {
    let wrong: [&[&str]; 24] = [
        &[],
        &["chekc"],
        &["check", "--level", "most"],
        &["check", "--tags", "CALL-1"],
        &["check", "--name", "("],
        &["check", "--jobs", "0"],
        &["check", "--report", "xml=x"],
        &["check", "--fail-on", "everything"],
        &["check", "--repeat", "0"],
        &["check", "--max-seconds", "0"],
        &["check", "--shard", "3/2"],
        &["check", "--seed", "1"],
        &["check", "--overwrite"],
        &["check", "-q", "-v"],
        &["requirements", "CALL-1", "--uncovered"],
        &["shim"],
        &["shim", "another"],
        &["shim", "check"],
        &["shim", "check", "'open"],
        &["shim", "check", "x", "--timeout", "0"],
        &["vectors"],
        &["vectors", "--subject", "core", "--jobs", "0"],
        &["vectors", "--subject", "core", "--timeout", "0"],
        &["vectors", "--subject", "core", "--report", "xml=x"],
    ];
    for args in wrong {
        let error = Cli::try_parse_from(["countersign"].iter().chain(args)).unwrap_err();
        assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{args:?}");
    }
}

const REAL: &str = "Feature: F
  @ID-4
  Scenario: A Portal says who it is
    Given the Portals alice and bob
    When a stranger sends GET /public/meta/whoareyou to alice's Core
    Then the answer is 200

  @ID-6
  Scenario: It does not
    Given the Portals alice and bob
    When a stranger sends GET /public/meta/whoareyou to alice's Core
    Then the answer is 404
";

#[test]
fn a_run_ends_with_what_came_out_and_writes_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let to = format!("json={}", report.display());
    assert_eq!(run(REAL, &["check", "-q", "--tags", "@ID-4", "--report", &to]), Exit::Conforms);
    assert_eq!(run(REAL, &["check", "-q", "--report", &to]), Exit::DoesNotConform);
    let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((&written["summary"]["pass"], &written["summary"]["fail"]), (&1.into(), &1.into()));
    // ID-6 comes from what was observed: a MUST, but not of the baseline.
    assert_eq!(run(REAL, &["check", "-q", "--level", "baseline"]), Exit::Conforms);
    assert_eq!(run(REAL, &["check", "-q", "--report", "json=no/such/folder/r.json"]), Exit::Usage);
}

#[test]
fn what_decides_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let check = |args: &[&str]| run(REAL, &[&["check", "-q"][..], args].concat());

    // A first list excuses what fails, and is not overwritten.
    let list = path("known.toml");
    assert_eq!(check(&["--write-known-failures", &list]), Exit::DoesNotConform);
    assert_eq!(check(&["--write-known-failures", &list]), Exit::Usage);
    assert_eq!(check(&["--write-known-failures", &list, "--overwrite"]), Exit::DoesNotConform);
    assert_eq!(check(&["--write-known-failures", &path("no/known.toml")]), Exit::Usage);
    assert_eq!(check(&["--known-failures", &list]), Exit::Conforms);
    assert_eq!(check(&["--known-failures", &list, "--fail-on", "known-failure"]), Exit::DoesNotConform);
    assert_eq!(check(&["--known-failures", &list, "--fail-on", "skip,unsupported,fail,error"]), Exit::Conforms);
    assert_eq!(check(&["--known-failures", &list, "--fail-on", "untested"]), Exit::DoesNotConform);

    // One that says more than is true fails the run, one that speaks of nothing is a mistake.
    let text = fs::read_to_string(&list).unwrap();
    let with = |text: &str| {
        fs::write(&list, text).unwrap();
        check(&["--known-failures", &list])
    };
    assert_eq!(with(&text.replace("f/it-does-not", "f/a-portal-says-who-it-is")), Exit::DoesNotConform);
    assert_eq!(with(&text.replace("f/it-does-not", "ID-4")), Exit::DoesNotConform);
    assert_eq!(with(&text.replace("f/it-does-not", "f/it-does-nothing")), Exit::Usage);
    assert_eq!(check(&["--known-failures", &path("none.toml")]), Exit::Usage);

    // A failure that does not decide fails the run where that is asked for.
    assert_eq!(check(&["--level", "baseline"]), Exit::Conforms);
    assert_eq!(check(&["--level", "baseline", "--fail-on", "fail"]), Exit::DoesNotConform);

    assert_eq!(check(&["--repeat", "2"]), Exit::DoesNotConform);
    assert_eq!(check(&["--repeat", "2", "--tags", "@ID-4"]), Exit::Conforms);
    let shards = ["1/2", "2/2"].map(|shard| check(&["--shard", shard, "--level", "may"]));
    assert!(shards.contains(&Exit::DoesNotConform), "{shards:?}");
}

#[test]
fn a_failure_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let bundles = folder.path().join("bundles");
    let to = bundles.to_str().unwrap();
    assert_eq!(run(REAL, &["check", "-q", "--bundles", to]), Exit::DoesNotConform);
    let files: Vec<_> = fs::read_dir(&bundles).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("f.it-does-not-"), "{file:?}");

    let replay = |file: &Path| Cli::try_parse_from(["countersign", "replay", file.to_str().unwrap()]).unwrap().run();
    assert_eq!(replay(file), Exit::DoesNotConform);
    let text = fs::read_to_string(file).unwrap();
    let with = |text: &str| {
        fs::write(file, text).unwrap();
        replay(file)
    };
    assert_eq!(with(&text.replace("Then the answer is 404\\n", "Then the answer is 200\\n")), Exit::Conforms);
    assert_eq!(with(&text.replace("Then the answer is 404\\n", "Then nothing is defined\\n")), Exit::Usage);
    assert_eq!(with(&text.replace("\"id\": \"f/it-does-not\"", "\"id\": \"f/x\"")), Exit::Usage);
    let described = "\"descriptors\": [{\"given\": \"core.toml\", \"text\": \"\"}]";
    assert_eq!(with(&text.replace("\"descriptors\": []", described)), Exit::Usage);
    assert_eq!(with(&text[..text.len() / 2]), Exit::Usage);
    assert_eq!(replay(Path::new("no/such.json")), Exit::Usage);
    assert_eq!(run(REAL, &["check", "-q", "--bundles", file.to_str().unwrap()]), Exit::Usage);
}

fn vectors(args: &[&str]) -> Exit {
    Cli::try_parse_from(["countersign", "vectors"].iter().chain(args)).unwrap().run()
}

#[test]
fn vectors_end_with_what_came_out() {
    let folder = tempfile::tempdir().unwrap();
    let (report, known) = (folder.path().join("report.json"), folder.path().join("known.toml"));
    let to = format!("json={}", report.display());
    let core = ["-q", "--subject", "core", "--section", "2.2.3"];
    assert_eq!(vectors(&[&core[..], &["--report", &to]].concat()), Exit::Conforms);
    let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!((&written["conclusion"], &written["summary"]["fail"]), (&"conforms".into(), &0.into()));

    // The list of known failures says more than is true.
    let entry = "[[known]]\nid = \"2.2.3-*\"\nreason = \"r\"\nowner = \"o\"\nuntil = 9999-01-01\n";
    let with_list = |text: &str| {
        fs::write(&known, text).unwrap();
        vectors(&[&core[..], &["--known-failures", known.to_str().unwrap()]].concat())
    };
    assert_eq!(with_list(entry), Exit::DoesNotConform);
    assert_eq!(with_list(&entry.replace("2.2.3-*", "2.2.3-nonsense")), Exit::Usage);
    assert_eq!(with_list(&entry.replace("owner", "owned")), Exit::Usage);

    let httpsig = ["-q", "--subject", "httpsig", "--section", "2.2.3"];
    assert_eq!(vectors(&httpsig), Exit::DoesNotConform);
}

#[test]
fn vectors_that_can_t_be_run() {
    assert_eq!(vectors(&["--subject", "no/such/program"]), Exit::Subject);
    assert_eq!(vectors(&["--subject", "sh -c 'echo hello'"]), Exit::Subject);
    assert_eq!(vectors(&["--subject", "python 'shim.py"]), Exit::Usage);
    assert_eq!(vectors(&["--subject", "core", "--section", "2.99"]), Exit::Usage);
    assert_eq!(vectors(&["--subject", "core", "--id", "nonsense"]), Exit::Usage);
    assert_eq!(vectors(&["--subject", "core", "--vectors", "no/such/folder"]), Exit::Usage);
    assert_eq!(vectors(&["--subject", "core", "--report", "json=no/such/folder/r.json"]), Exit::Usage);
    assert_eq!(vectors(&["--list", "--section", "2.2.3"]), Exit::Conforms);
    assert_eq!(vectors(&["--list", "--section", "2.99"]), Exit::Usage);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("2.json"), "{\"version\": 1}").unwrap();
    assert_eq!(vectors(&["--subject", "core", "--vectors", folder.path().to_str().unwrap()]), Exit::Usage);
}

#[test]
fn a_shim_that_is_checked_ends_with_what_came_out() {
    let run = |command: &str| Cli::try_parse_from(["countersign", "shim", "check", command]).unwrap().run();
    assert_eq!(run("no/such/shim"), Exit::Subject);
    // Whatever it is told, it says the same: it is there, but keeps to no protocol.
    let hello =
        r#"{"id":0,"impl":"x","version":"1","ops":["verify"],"algs":["ed25519"],"features":[],"clock":"system"}"#;
    let parrot = format!(r#"sh -c 'while read line; do echo "{}"; done'"#, hello.replace('"', r#"\""#));
    assert_eq!(run(&parrot), Exit::DoesNotConform);
}

#[test]
fn the_sentences_of_the_rfc_are_requirements_too() {
    let run = |args: &[&str]| Cli::try_parse_from(["countersign", "requirements"].iter().chain(args)).map(Cli::run);
    assert_eq!(run(&["--rfc9421"]).unwrap(), Exit::Conforms);
    assert_eq!(run(&["--rfc9421", "--uncovered"]).unwrap(), Exit::Conforms);
    assert_eq!(run(&["--rfc9421", "R9421-0-none"]).unwrap(), Exit::Usage);
    assert_eq!(run(&["R9421-0-none"]).unwrap(), Exit::Usage);
    assert!(run(&["--rfc9421", "--features", "somewhere"]).is_err());
}

#[test]
fn the_vectors_can_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let export = |to: &Path| Cli::try_parse_from(["countersign", "vectors", "--export", to.to_str().unwrap()]);
    assert_eq!(export(&folder.path().join("vectors")).unwrap().run(), Exit::Conforms);
    assert!(folder.path().join("vectors/2.1.json").is_file());
    assert_eq!(export(folder.path()).unwrap().run(), Exit::Usage, "there is something else in it");
    assert!(Cli::try_parse_from(["countersign", "vectors", "--export", "a", "--subject", "core"]).is_err());
}

#[test]
fn an_attack_on_a_core_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"away\"\n[start]\nurls = [\"http://a.invalid:80\", \"http://b.invalid:80\"]\n\
                ready = { get = \"/\", within = \"1s\" }\n[apps]\ninstall = { put = \"/apps\", body = \"{{ app.manifest }}\" }\n";
    let file = folder.path().join("core.toml");
    fs::write(&file, text).unwrap();
    let args = ["countersign", "attack", "query-value-altered", "--core", file.to_str().unwrap()];
    assert_eq!(Cli::try_parse_from(args).unwrap().run(), Exit::Subject);
}
