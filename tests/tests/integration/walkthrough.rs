//! What the README says about apps is so: its commands are typed into a shell in an empty folder, and what they print is
//! compared. IDs, ports and times are other ones each time; `…` stands for what is left out.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;

const README: &str = include_str!("../../../README.md");
const SECTION: &str = "\n## If you write an app\n";
/// Before the output of each command.
const MARK: char = '\u{1e}';

/// A command, and what is printed.
struct Typed {
    command: String,
    printed: String,
}

/// The section about apps.
fn section() -> &'static str {
    let (_, section) = README.split_once(SECTION).expect("README.md has a section about apps");
    section.split("\n## ").next().unwrap()
}

/// All commands of the section's console blocks, in order.
fn typed(section: &str) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    for block in section.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for line in block.lines() {
            match (line.strip_prefix("$ "), typed.last_mut()) {
                (Some(command), _) => typed.push(Typed { command: command.to_owned(), printed: String::new() }),
                (None, Some(last)) if last.printed.is_empty() && last.command.ends_with('\\') => {
                    last.command = format!("{}\n{line}", last.command);
                }
                (None, Some(last)) => last.printed.push_str(&format!("{line}\n")),
                (None, None) => panic!("`{line}` stands before any command"),
            }
        }
    }
    typed
}

/// What is another one each time becomes the same.
fn normal(text: &str) -> String {
    let rules = [
        (r"\b[a-z0-9]{103}\b", "ID"),
        (r"\b[a-z0-9]{6}\.localhost", "SHORT.localhost"),
        (r"localhost:\d+", "localhost:PORT"),
        (r"(?m)^(alice|bob|carol)( +)[a-z0-9]{6} ", "$1$2SHORT "),
        (r"/call_peer/[a-z0-9]{6}/", "/call_peer/SHORT/"),
        (r#"keyid="[a-z0-9]{6}""#, "keyid=\"SHORT\""),
        (r"created=\d+", "created=TIME"),
        (r#"nonce="[^"]+""#, "nonce=\"NONCE\""),
        (r"\b\d+\.\d+ s\b", "SECONDS"),
        (r"\(\d+\.\d+ s\)", "(SECONDS)"),
        (r"(?m)[ \t]+$", ""),
    ];
    let rules = rules.map(|(pattern, to)| (Regex::new(pattern).unwrap(), to));
    rules.iter().fold(text.to_owned(), |text, (pattern, to)| pattern.replace_all(&text, *to).into_owned())
}

/// Whether that was printed: `…` on a line is anything there, and as a line any lines.
fn is_as_said(said: &str, printed: &str) -> bool {
    let said = normal(said);
    let lines = said.lines().map(|line| match line.trim() {
        "…" => "(?:.*\n)*?".to_owned(),
        _ => format!("{}\n", regex::escape(line).replace('…', ".*")),
    });
    let pattern = Regex::new(&format!(r"\A{}\z", lines.collect::<String>())).unwrap();
    pattern.is_match(&normal(printed))
}

/// Whatever the README leaves running.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        for folder in fs::read_dir(self.0).into_iter().flatten().flatten() {
            if folder.path().join(".countersign").is_dir() {
                let mut down = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
                let _ = down.arg("down").current_dir(folder.path()).output();
            }
        }
    }
}

#[test]
fn the_walk_through_works_as_it_is_written() {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no python3");
        return;
    }
    let commands = typed(section());
    let tools = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_countersign-tested"), tools.path().join("countersign")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let _down = Down(folder.path());
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap_or_default());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).env("PATH", path).env("COUNTERSIGN", root).env("HOME", folder.path());
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut script = "exec 2>&1\n".to_owned();
    for typed in &commands {
        script.push_str(&format!("printf '\\036'\n{}\n", typed.command));
    }
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let printed = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
    let printed: Vec<&str> = printed.split(MARK).skip(1).collect();
    assert_eq!(printed.len(), commands.len(), "{printed:#?}");
    for (typed, printed) in commands.iter().zip(printed) {
        let matches = typed.printed.is_empty() || is_as_said(&typed.printed, printed);
        assert!(
            matches,
            "README.md says that `{}` prints\n\n{}\n\nbut it prints\n\n{printed}",
            typed.command, typed.printed
        );
    }
}

#[test]
fn files_that_it_shows_are_those_of_the_guestbook() {
    let guestbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/apps/guestbook");
    let file = |name: &str| fs::read_to_string(guestbook.join(name)).unwrap();
    let shown = |kind: &str| section().split(&format!("```{kind}\n")).skip(1).collect::<Vec<_>>();
    let features = ["features/entries.feature", "features/access.feature", "features/story.feature"].map(file).concat();
    for (kind, whole) in [("toml", file("countersign.toml")), ("gherkin", features), ("json", file("app.json"))] {
        for text in shown(kind) {
            let text = text.split("```").next().unwrap();
            assert!(whole.contains(text), "this is not in the guestbook:\n{text}");
        }
    }
}

#[test]
fn what_is_printed_is_compared_but_for_what_changes() {
    let said = "alice   vx1a0a    guestbook  https://guestbook.vx1a0a.localhost:8443/\n…\nPasses. 1 scenario; 1.2 s\n";
    let printed =
        "alice   aaaaaa    guestbook  https://guestbook.aaaaaa.localhost:9/\nx\ny\nPasses. 1 scenario; 10.0 s\n";
    assert!(is_as_said(said, printed));
    assert!(!is_as_said(said, &printed.replace("guestbook  ", "notebook  ")));
    assert!(!is_as_said(said, &format!("{printed}more\n")));
    assert!(is_as_said("a … c\n", "a b c\n") && !is_as_said("a … c\n", "a b\nc\n"));
}
