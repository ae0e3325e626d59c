//! `countersign fault` on a testbed that is up: what is put on shows in the next call, and is gone when it is taken off.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-tested");
const WAIT: Duration = Duration::from_secs(60);
const MANIFEST: &str = r#"{"v": "3.2", "name": "guestbook", "port": 80,
    "paths": {"": {"access": "private"}, "/peers/": {"access": "peer"}}}"#;
const TWO: &str =
    "faults = [\"alice -> bob latency 20ms\"]\n[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\n";

fn folder(project: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.json"), MANIFEST).unwrap();
    std::fs::write(folder.path().join("countersign.toml"), project).unwrap();
    folder
}

/// Exit code, what it printed, and what it said.
async fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(args).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let Output { status, stdout, stderr } = timeout(WAIT, command.output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

/// Ends what is up also where a test fails.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new(PROGRAM).arg("down").current_dir(self.0).output();
    }
}

async fn fault(folder: &Path, args: &[&str]) -> String {
    let all: Vec<&str> = ["fault"].iter().chain(args).copied().collect();
    let (code, out, err) = run(folder, &all).await;
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out
}

/// The status that the guestbook on one Portal gets from the other.
async fn called(folder: &Path, from: &str, to: &str) -> u64 {
    let (_, out, err) = run(folder, &["call", from, "guestbook", to, "/peers/x", "--json"]).await;
    let outcome: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    outcome["status"].as_u64().unwrap()
}

#[tokio::test]
async fn what_is_put_on_shows_in_the_next_call_and_goes_when_it_is_taken_off() {
    let folder = folder(TWO);
    let folder = folder.path();
    let _down = Down(folder);
    let (code, out, err) = run(folder, &["up", "--detach"]).await;
    assert_eq!(code, 0, "{out}{err}");
    // That of the file is on from the start.
    assert_eq!(fault(folder, &[]).await, "on:    alice -> bob latency 20ms\n");
    assert_eq!(called(folder, "alice", "bob").await, 200);
    for (words, from, to, status) in [
        (&["alice -> bob refused"][..], "alice", "bob", 502),
        (&["bob", "core", "killed"], "alice", "bob", 502),
        (&["bob app guestbook killed"], "alice", "bob", 502),
        (&["bob certificate expired"], "alice", "bob", 502),
        (&["bob clock +3h"], "bob", "alice", 401),
    ] {
        let told = fault(folder, words).await;
        assert!(told.ends_with(&format!("on:    {}\n", words.join(" "))), "{told}");
        assert_eq!(called(folder, from, to).await, status, "{words:?}");
        let told = fault(folder, &["--clear", &words.join(" ")]).await;
        assert!(told.starts_with(&format!("over:  {}\n", words.join(" "))), "{told}");
        assert_eq!(called(folder, from, to).await, 200, "after {words:?}");
    }
    assert_eq!(
        fault(folder, &["bob core restarted"]).await,
        "done:  bob core restarted\non:    alice -> bob latency 20ms\n"
    );
    assert_eq!(called(folder, "alice", "bob").await, 200);
    let state: Value = serde_json::from_str(&run(folder, &["status", "--json"]).await.1).unwrap();
    assert_eq!(state["faults"], serde_json::json!(["alice -> bob latency 20ms"]));
    assert_eq!(fault(folder, &["--clear"]).await, "over:  alice -> bob latency 20ms\n");
    assert_eq!(fault(folder, &["--status"]).await, "No fault is on.\n");

    for (words, told) in [
        (&["alice -> bob sleepy"][..], "in the fault `alice -> bob sleepy`: `sleepy`, where latency"),
        (&["zoe core killed"], "there is no Portal named `zoe`"),
        (&["bob app news frozen"], "there is no app named `news`"),
        (&["--clear", "bob core"], "no fault that begins with `bob core` is on; none is"),
    ] {
        let all: Vec<&str> = ["fault"].iter().chain(words).copied().collect();
        let (code, _, err) = run(folder, &all).await;
        assert!(code == 2 && err.contains(told), "{words:?}: {code} {err}");
    }
    let (code, out, err) = run(folder, &["down"]).await;
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = run(folder, &["fault", "bob core killed"]).await;
    assert!(code == 2 && err.contains("nothing is up"), "{code} {err}");
}

#[tokio::test]
async fn a_fault_of_the_file_that_can_t_be_is_told_with_its_line() {
    let broken = TWO.replace(
        "alice -> bob latency 20ms\"",
        "alice -> bob latency 20\",\n  \"zoe core killed\", \"bob app news killed\"",
    );
    let folder = folder(&broken);
    let (code, _, err) = run(folder.path(), &["up"]).await;
    assert_eq!(code, 2, "{err}");
    for told in [
        "countersign.toml:1: `faults`: in the fault `alice -> bob latency 20`: `20`, where a time such as 200ms, 2s or 5m should be",
        "countersign.toml:2: `faults`: there is no Portal named `zoe`",
        "countersign.toml:2: `faults`: there is no app named `news`",
    ] {
        assert!(err.contains(told), "{told}\n{err}");
    }
}

#[tokio::test]
async fn all_faults_are_listed_without_a_testbed() {
    let folder = tempfile::tempdir().unwrap();
    let out = fault(folder.path(), &["--list"]).await;
    assert!(out.contains("alice -> bob latency 200ms") && out.contains("bob core frozen"), "{out}");
    let kinds: Value = serde_json::from_str(&fault(folder.path(), &["--list", "--json"]).await).unwrap();
    assert!(kinds.as_array().unwrap().iter().all(|kind| kind["example"].is_string() && kind["about"].is_string()));
}
