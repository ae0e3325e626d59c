//! What the machine lacks is nobody's fault but the testbed's.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-tested");

/// The exit code, and what was said.
fn ran(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// `countersign check` on the calls, with so many open files.
fn check_with(limit: &str, also: &[&str]) -> (Option<i32>, String) {
    let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
    ran(Command::new("sh").args(["-c", &script, PROGRAM, "check", "--name", "^call_peer/"]).args(also))
}

#[test]
fn as_many_files_are_opened_as_the_system_allows_and_too_few_are_told() {
    // More is usual as the most that a process may allow itself.
    let (code, said) = check_with("-S -n 64", &["--jobs", "16"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check_with("-n 64", &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("may open 64 files") && said.contains("ulimit -n 4096"), "{said}");
    // Fewer scenarios at a time than were asked for.
    let (code, said) = check_with("-n 256", &["--jobs", "16"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn without_a_folder_for_what_passes_no_core_is_said_to_be_dead() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core.toml");
    let core = core.to_str().unwrap();
    for args in [
        &["check", "--name", "^call_peer/"][..],
        &["check", "--core", core, "--name", "^call_peer/"],
        &["core", "doctor", core],
        &["attack", "query-value-altered", "--core", core],
    ] {
        let (code, said) = ran(Command::new(PROGRAM).args(args).env("TMPDIR", "/no/such/folder"));
        assert_eq!(code, Some(3), "{args:?}: {said}");
        assert!(said.contains("/no/such/folder") && !said.contains("did not start"), "{args:?}: {said}");
    }
}
