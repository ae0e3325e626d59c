//! A process may have few files open. Then nobody is blamed for that.
#![cfg(unix)]

use std::process::Command;

/// The exit code of `countersign check` on the calls with so many files allowed, and what was said.
fn check(limit: &str, also: &[&str]) -> (Option<i32>, String) {
    let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_countersign-tested");
    let output = Command::new("sh")
        .args(["-c", &script, program, "check", "--name", "^call_peer/"])
        .args(also)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn what_the_system_allows_is_taken_and_too_little_is_told() {
    // More is usual as the most that a process may allow itself.
    let (code, said) = check("-S -n 64", &["--jobs", "16"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check("-n 64", &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("may open 64 files") && said.contains("ulimit -n 4096"), "{said}");
    // Fewer scenarios at a time than were asked for.
    let (code, said) = check("-n 256", &["--jobs", "16"]);
    assert_eq!(code, Some(0), "{said}");
}
