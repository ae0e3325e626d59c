//! `countersign test`: the features of an app, on Portals that its `countersign.toml` describes. The app is the guestbook of
//! `fixtures/apps`, where there is a Python.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tempfile::TempDir;

/// How long one run may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

fn countersign(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
    command.args(args).current_dir(folder);
    command
}

/// The exit code, and what was said.
fn run(folder: &Path, args: &[&str]) -> (i32, String) {
    let output = countersign(folder, args).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap_or(-1), said)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => _ = fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// A guestbook of one's own; nothing where there is no Python.
fn guestbook() -> Option<TempDir> {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no python3");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/apps/guestbook"), folder.path());
    Some(folder)
}

/// Changes a file, in which the text has to be.
fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no `{from}` in it");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn the_guestbook_does_what_its_features_say() {
    let Some(folder) = guestbook() else { return };
    let (code, said) = run(folder.path(), &["test", "--report", "junit=report.xml", "--report", "json=report.json"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Passes. "), "{said}");
    let junit = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(junit.contains("what-the-owner-writes-arrives-in-the-guestbooks-of-all-peers"), "{junit}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!((&json["subject"]["name"], &json["subject"]["kind"]), (&"guestbook".into(), &"app".into()));
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../fixtures/report.schema.json")).unwrap();
    let valid = jsonschema::validator_for(&schema).unwrap().validate(&json).map_err(|error| error.to_string());
    assert_eq!(valid, Ok(()));
}

#[test]
fn mistakes_in_the_guestbook_are_found() {
    let Some(folder) = guestbook() else { return };
    let broken = |file: &str, from: &str, to: &str, scenario: &str| {
        let Some(folder) = guestbook() else { return };
        change(folder.path(), file, from, to);
        let (code, said) = run(folder.path(), &["test", "--name", scenario]);
        assert_eq!(code, 1, "with `{to}`: {said}");
        assert!(said.contains("FAIL") && said.contains("run alone    countersign test --name '"), "{said}");
    };
    // It loses entries; it believes what a request claims; it lets everybody write.
    broken("guestbook.py", "        entries.append(entry)\n", "        pass\n", "^What the owner writes");
    broken("guestbook.py", "add(self.headers[\"X-Ptl-Client-Name\"],", "add(\"carol\",", "^An entry bears the name");
    broken("app.json", "\"access\": \"peer\"", "\"access\": \"public\"", "^Only peers can send");
    broken("app.json", "\"\": { \"access\": \"private\" }", "\"\": { \"access\": \"public\" }", "is the owner's$");
    broken("guestbook.py", "html.escape(one['text'])", "one['text']", "^What somebody writes");
    drop(folder);
}

#[test]
fn bad_input_is_told_with_its_place_and_exit_code_2() {
    let Some(folder) = guestbook() else { return };
    let folder = folder.path();
    change(folder, "countersign.toml", "manifest = ", "manifst = ");
    let (code, said) = run(folder, &["test"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("countersign.toml:") && said.contains("manifest"), "{said}");
    change(folder, "countersign.toml", "manifst = ", "manifest = ");

    change(folder, "features/access.feature", "Then it is refused", "Then it is refusd");
    let (code, said) = run(folder, &["test"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("access.feature:12: the step `Then it is refusd` is not defined"), "{said}");
    change(folder, "features/access.feature", "Then it is refusd", "Then within 2 seconds it is refusd");
    let (code, said) = run(folder, &["test"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("access.feature:12: ") && said.contains("it is refusd` is not defined"), "{said}");

    let empty = tempfile::tempdir().unwrap();
    let (code, said) = run(empty.path(), &["test"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("countersign init"), "{said}");
}

/// What can only be seen while it runs is the author's mistake all the same.
#[test]
fn a_feature_that_says_what_can_not_be_done_is_told_with_its_place_and_exit_code_2() {
    let Some(folder) = guestbook() else { return };
    let folder = folder.path();
    let features = folder.join("features");
    fs::remove_dir_all(&features).unwrap();
    fs::create_dir(&features).unwrap();
    let told = |step: &str, words: &str| {
        let feature = format!("Feature: F\n  Scenario: S\n    {step}\n    Then the answer is 200\n");
        fs::write(features.join("f.feature"), feature).unwrap();
        let (code, said) = run(folder, &["test"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("MISTAKE in the feature: f/s") && said.contains("(f.feature:3)"), "{said}");
        assert!(said.contains(words) && said.contains("Not known whether it passes: a feature is mistaken"), "{said}");
    };
    told("When a stranger sends GET /public/ to dora's guestbook", "no Portal dora was started");
    told("When a stranger sends POST /public/ to bob's guestbook with the file \"nowhere.json\"", "nowhere.json");
}

#[test]
fn an_app_that_does_not_start_is_told_with_its_last_words_and_exit_code_4() {
    let Some(folder) = guestbook() else { return };
    change(folder.path(), "guestbook.py", "import html\n", "import htlm\n");
    let (code, said) = run(folder.path(), &["test"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("No module named 'htlm'"), "{said}");
    assert!(said.contains("Not known whether it passes"), "{said}");
}

#[test]
fn a_tag_with_a_number_is_the_author_s_affair_and_known_failures_are_taken() {
    let Some(folder) = guestbook() else { return };
    let feature = "@TICKET-12\nFeature: F\n  Scenario: It is full from the start\n    When a stranger sends GET /public/ to bob's guestbook\n    Then the answer's body contains \"<li>\"\n";
    let features = folder.path().join("features");
    fs::remove_dir_all(&features).unwrap();
    fs::create_dir(&features).unwrap();
    fs::write(features.join("f.feature"), feature).unwrap();
    let (code, said) = run(folder.path(), &["test", "--tags", "@TICKET-12", "--bundles", "failures"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a body that contains `<li>`") && said.contains("Does not pass: 1 of 1 scenario"), "{said}");

    // The bundle runs it again, given the project.
    let bundle = fs::read_dir(folder.path().join("failures")).unwrap().next().unwrap().unwrap().path();
    let bundle = bundle.to_str().unwrap();
    let (code, said) = run(folder.path(), &["replay", bundle]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--project DIR"), "{said}");
    let (code, said) = run(folder.path(), &["replay", bundle, "--project", "."]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Fails in the same way.") && said.contains(".json --project ."), "{said}");

    let known =
        "[[known]]\nid = \"f/it-is-full-from-the-start\"\nreason = \"not yet\"\nowner = \"ann\"\nuntil = 2999-01-01\n";
    fs::write(folder.path().join("known.toml"), known).unwrap();
    let (code, said) = run(folder.path(), &["test", "--known-failures", "known.toml"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Passes, but for 1 known failure"), "{said}");
}

/// Every name that countersign.toml takes can stand in a sentence, a placeholder and a fault.
#[test]
fn portals_with_digits_and_hyphens_are_spoken_of_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let told = ["Type", "Id", "Name"].map(|what| {
        let value = format!("{{{{ auth.client_{} }}}}", what.to_lowercase());
        (format!("X-Ptl-Client-{what}"), value)
    });
    let told: std::collections::BTreeMap<_, _> = told.into();
    let path = |access: &str| serde_json::json!({ "access": access, "headers": told });
    let paths = serde_json::json!({ "": path("private"), "/in": path("peer") });
    let manifest = serde_json::json!({ "v": "3.2", "name": "chat", "port": 80, "paths": paths }).to_string();
    let features = folder.path().join("features");
    fs::create_dir(&features).unwrap();
    fs::write(folder.path().join("app.json"), manifest).unwrap();
    let project = "[[portal]]\nname = \"home-1\"\n[[portal]]\nname = \"peer2\"\n[[app]]\n";
    fs::write(folder.path().join("countersign.toml"), project).unwrap();
    let feature = r#"Feature: Names
  Scenario: They call each other
    Given home-1 and peer2 are peers
    And home-1 has paired the terminal phone-1
    When home-1's chat calls peer2 with POST /in and the body "{home-1.id}"
    Then it is let in as the peer home-1
    And peer2's chat received POST /in
    And peer2's chat received a body that contains "{home-1.short_id}"
    When the terminal phone-1 sends GET /notes to home-1's chat
    Then it is let in as the terminal phone-1
    Given this fault is on: "home-1 -> peer2 refused"
    When home-1's chat calls peer2 with GET /in
    Then the answer is 502
    When this fault is over: "home-1 -> peer2"
    And peer2 is away
    And peer2 comes back
    And home-1's chat calls "{home-1.listed.peer2}" with GET /in
    Then the answer is 200
"#;
    fs::write(features.join("f.feature"), feature).unwrap();
    let (code, said) = run(folder.path(), &["test"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("Passes. 1 scenario: 1 pass"), "{said}");
}

/// Killed when it goes, also when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines that come one by one.
struct Heard {
    lines: Receiver<String>,
    so_far: Vec<String>,
}

impl Heard {
    fn of(stream: impl Read + Send + 'static) -> Heard {
        let (tell, lines) = sync_channel(1000);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Heard { lines, so_far: Vec::new() }
    }

    /// Waits for a line with this in it.
    fn wait_for(&mut self, wanted: &str) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("`{wanted}` was not said, but: {:#?}", self.so_far));
            let found = line.contains(wanted);
            self.so_far.push(line);
            if found {
                return;
            }
        }
    }
}

#[test]
fn watched_files_run_it_anew() {
    let Some(folder) = guestbook() else { return };
    let mut command = countersign(folder.path(), &["test", "--watch", "--name", "Everybody may read"]);
    let mut child = Killed(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let (mut results, mut told) =
        (Heard::of(child.0.stdout.take().unwrap()), Heard::of(child.0.stderr.take().unwrap()));
    results.wait_for("Passes. 1 scenario: 1 pass");
    told.wait_for("Waiting for a change");
    change(folder.path(), "features/access.feature", "Then the answer is 200", "Then it is refused");
    told.wait_for("Changed: features/access.feature");
    results.wait_for("Does not pass: 1 of 1 scenario");
    told.wait_for("Waiting for a change");
    change(folder.path(), "features/access.feature", "Then it is refused", "Then the answer is 200");
    results.wait_for("Passes. 1 scenario: 1 pass");
    told.wait_for("Waiting for a change");
    // The app itself, and its manifest.
    change(
        folder.path(),
        "guestbook.py",
        "self.answer(200, page(with_form=False)",
        "self.answer(500, page(with_form=False)",
    );
    told.wait_for("Changed: guestbook.py");
    results.wait_for("Does not pass: 1 of 1 scenario");
    told.wait_for("Waiting for a change");
    change(folder.path(), "app.json", "\"1.0.0\"", "\"1.0.1\"");
    told.wait_for("Changed: app.json");
    told.wait_for("guestbook 1.0.1 (app)");
    told.wait_for("Waiting for a change");
    // A mistake is told, and ends nothing.
    change(folder.path(), "countersign.toml", "manifest = ", "manifst = ");
    told.wait_for("countersign.toml:");
    told.wait_for("Waiting for a change");
    change(folder.path(), "countersign.toml", "manifst = ", "manifest = ");
    told.wait_for("guestbook 1.0.1 (app)");
    told.wait_for("Waiting for a change");
    let ended = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
}
