//! The proxies of `fixtures/proxies/` before the built-in Core: what they are said to do they do, what they can't do is
//! listed, and a proxy that is set up wrongly is found out.

#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use countersign::subject::descriptor::Descriptor;

/// What the requirements on proxies and on access are called.
const PROXY: usize = 10;
const ACL: usize = 11;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fixtures/proxies").join(name)
}

/// With a word about it, where it is not there.
fn there_is(program: &str, version: &str) -> bool {
    let there = Command::new(program).arg(version).output().is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: there is no {program}");
    }
    there
}

fn there_is_nginx() -> bool {
    let modules = std::fs::read_dir("/etc/nginx/modules-enabled").into_iter().flatten().flatten();
    let has = modules.map(|file| file.file_name()).any(|name| name.to_string_lossy().contains("headers-more"));
    if !has {
        println!("skipped: there is no nginx with the module headers-more");
    }
    has && there_is("nginx", "-v")
}

/// Runs the suite with this descriptor. Whatever it starts is gone afterwards, and so are its files.
fn check(descriptor: &Path, tags: &str, more: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
    command.args(["check", "--tags", tags, "--core"]).arg(descriptor).args(more).env("TMPDIR", folder.path());
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let started = folder.path().display().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let running = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let running: Vec<_> = running.map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
    assert!(!running.iter().any(|line| line.contains(&started)), "still running: {running:#?}");
    (output, said)
}

/// `listed` is what is kept but for attacks that its list of known failures names.
fn assert_does_what_it_is_said_to(name: &str, listed: &[&str]) {
    let all = (1..=PROXY).map(|n| format!("@PROXY-{n}")).chain((1..=ACL).map(|n| format!("@ACL-{n}")));
    let known = fixture(&format!("{name}.known-failures.toml"));
    let tags = all.collect::<Vec<_>>().join(" or ");
    let (output, said) =
        check(&fixture(&format!("{name}.toml")), &tags, &["--known-failures", known.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    // All but those that a proxy is known to fail are kept, or the list says so.
    for kept in ["PROXY-1 ", "PROXY-2 ", "PROXY-5 ", "PROXY-6 ", "PROXY-8 ", "PROXY-9 ", "ACL-3 ", "ACL-4 ", "ACL-6 "] {
        let line = said.lines().find(|line| line.trim_start().starts_with(kept));
        let verdict = if listed.contains(&kept.trim()) { " known failure " } else { " pass " };
        assert!(line.is_some_and(|line| line.contains(verdict)), "{kept}: {line:?}\n{said}");
    }
}

/// The descriptor with something else in place of a part of it.
fn spoiled(name: &str, part: &str, instead: &str) -> (tempfile::TempDir, PathBuf) {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    assert!(text.contains(part), "{name} has no {part}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text.replace(part, instead)).unwrap();
    (folder, file)
}

fn assert_found_out(name: &str, part: &str, instead: &str, requirement: &str) {
    let (_folder, file) = spoiled(name, part, instead);
    let (output, said) = check(&file, &format!("@{requirement}"), &[]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("requirement  {requirement} MUST")), "{said}");
}

#[test]
fn nginx_does_what_it_is_said_to() {
    if there_is_nginx() {
        assert_does_what_it_is_said_to("nginx", &[]);
    }
}

#[test]
fn caddy_does_what_it_is_said_to() {
    if there_is("caddy", "version") {
        assert_does_what_it_is_said_to("caddy", &["PROXY-2"]);
    }
}

#[test]
fn an_nginx_that_is_set_up_wrongly_is_found_out() {
    if there_is_nginx() {
        assert_found_out(
            "nginx.toml",
            "more_clear_input_headers 'X-Ptl-*'",
            "more_clear_input_headers 'X-None'",
            "ACL-6",
        );
        assert_found_out("nginx.toml", "            auth_request /ask;\n", "", "ACL-3");
        assert_found_out("nginx.toml", "proxy_set_header Host $http_host;", "", "PROXY-9");
    }
}

#[test]
fn a_caddy_that_is_set_up_wrongly_is_found_out() {
    if there_is("caddy", "version") {
        assert_found_out("caddy.toml", "\t\trequest_header -X-Ptl-*\n", "", "ACL-6");
        assert_found_out("caddy.toml", "@protected path /core/protected/*", "@protected path /core/*", "PROXY-1");
    }
}

#[test]
fn a_proxy_that_does_not_start_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    std::fs::write(
        &file,
        "name = \"broken\"\n[proxy]\ncommand = [\"sh\", \"-c\", \"echo no such port >&2; exit 3\"]\n",
    )
    .unwrap();
    let (output, said) = check(&file, "@PROXY-1", &["--name", "the-host-leads"]);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the proxy before it: it ended at once (exit status: 3)"), "{said}");
    assert!(said.contains("no such port"), "{said}");
}

#[test]
fn all_descriptors_can_be_read() {
    for name in ["nginx.toml", "caddy.toml", "traefik.toml"] {
        let descriptor = Descriptor::read(&fixture(name)).unwrap();
        assert!(descriptor.proxy.is_some_and(|proxy| !proxy.command.is_empty()), "{name}");
    }
}

/// However the program ends, a proxy that it started does not outlive it.
#[cfg(target_os = "linux")]
#[test]
fn a_proxy_goes_with_the_program_even_where_that_is_killed() {
    use std::time::Duration;

    let folder = tempfile::tempdir().unwrap();
    let (number, descriptor) = (folder.path().join("number"), folder.path().join("proxy.toml"));
    // It never gets ready, so it is waited for.
    let script = format!("echo $$ > {0}.new && mv {0}.new {0}; exec sleep 600", number.display());
    let command = format!("[\"sh\", \"-c\", \"{script}\"]");
    let text = format!("name = \"idle\"\n[proxy]\ncommand = {command}\nready = {{ within = \"60s\" }}\n");
    std::fs::write(&descriptor, text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
    program.args(["check", "--quiet", "--jobs", "1", "--tags", "@PROXY-9", "--core"]).arg(&descriptor);
    let mut program = program.env("TMPDIR", folder.path()).spawn().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = |done: &dyn Fn() -> bool| {
        let waiting = async {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            while !done() {
                tick.tick().await;
            }
        };
        runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok() })
    };
    let started = until(&|| number.is_file());
    // SIGKILL: nothing of its own runs after that.
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(started, "the proxy was not started");
    let number = std::fs::read_to_string(&number).unwrap();
    // A zombie only waits for whoever adopted it.
    let stat = format!("/proc/{}/stat", number.trim());
    assert!(until(&|| !std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "))), "{number} still runs");
}
