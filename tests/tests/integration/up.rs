//! `countersign up` and what goes with it, as programs: what is printed works, and nothing is left behind.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-tested");
const WAIT: Duration = Duration::from_secs(60);
const MANIFEST: &str = r#"{"v": "3.2", "name": "guestbook", "port": 80, "paths": {
    "": {"access": "private"},
    "/peers/": {"access": "peer", "headers": {"X-Ptl-Client-Type": "{{ auth.client_type }}"}},
    "/public/": {"access": "public"}
}}"#;
pub(super) const TWO: &str = "[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\n";
/// Serves its folder, and has a child that nobody asked for.
const RUN: &str = "run = \"sleep 601 & echo $! > child-$PORTAL_ID; echo $$ > app-$PORTAL_ID; exec python3 -m http.server $PORT --bind 127.0.0.1\"\n";

/// A folder with an app.
pub(super) fn folder(project: Option<&str>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.json"), MANIFEST).unwrap();
    if let Some(project) = project {
        std::fs::write(folder.path().join("countersign.toml"), project).unwrap();
    }
    folder
}

fn command(folder: &Path, args: &[&str]) -> Command {
    program(folder, PROGRAM, args)
}

fn program(folder: &Path, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// A command that ends by itself: its exit code, what it printed, and what it said.
pub(super) async fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = timeout(WAIT, command(folder, args).output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

/// A testbed that is up.
pub(super) struct Up {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    table: String,
}

impl Up {
    pub(super) async fn start(folder: &Path, args: &[&str]) -> Up {
        let all: Vec<&str> = ["up"].into_iter().chain(args.iter().copied()).collect();
        Up::of(command(folder, &all)).await
    }

    async fn of(mut command: Command) -> Up {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut table = String::new();
        while let Some(line) = timeout(WAIT, lines.next_line()).await.unwrap().unwrap() {
            table.push_str(&line);
            table.push('\n');
            if line.starts_with("Ctrl-C ends it") {
                return Up { child, lines, table };
            }
        }
        let output = child.wait_with_output().await.unwrap();
        panic!("it did not come up: {table}{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn send(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &pid]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Sends it a signal and waits for its end.
    pub(super) async fn end(mut self, signal: &str) -> Option<i32> {
        self.send(signal).await;
        while timeout(WAIT, self.lines.next_line()).await.unwrap().is_ok_and(|line| line.is_some()) {}
        timeout(WAIT, self.child.wait()).await.unwrap().unwrap().code()
    }
}

fn has(program: &str) -> bool {
    let there = std::process::Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success());
    if !there {
        println!("skipped: there is no {program}");
    }
    there
}

/// The processes of the apps and their children, as they wrote them down.
fn pids(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let noted = files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("child-") || name.starts_with("app-")
    });
    noted.map(|path| std::fs::read_to_string(path).unwrap().trim().to_owned()).collect()
}

fn runs(pid: &str) -> bool {
    // A zombie is no longer running, it only waits for whoever started it.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(folder: &Path) {
    let pids = pids(folder);
    assert_eq!(pids.len(), 4, "two apps, each with a child");
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let gone = async {
        while pids.iter().any(|pid| runs(pid)) {
            tick.tick().await;
        }
    };
    timeout(WAIT, gone).await.unwrap_or_else(|_| panic!("of {pids:?} one still runs"));
}

async fn state(folder: &Path) -> Value {
    let (code, out, err) = run(folder, &["status", "--json"]).await;
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn run_file(folder: &Path) -> PathBuf {
    folder.join(".countersign/run.json")
}

#[tokio::test]
async fn apps_and_their_children_go_with_it_however_it_ends() {
    if !has("python3") {
        return;
    }
    for (signal, code) in [("INT", Some(0)), ("TERM", Some(0)), ("KILL", None)] {
        let folder = folder(Some(&format!("{TWO}{RUN}")));
        let up = Up::start(folder.path(), &[]).await;
        assert!(pids(folder.path()).iter().all(|pid| runs(pid)));
        assert!(run_file(folder.path()).exists());
        assert_eq!(up.end(signal).await, code, "{signal}");
        gone(folder.path()).await;
        if signal == "KILL" {
            // What it left is noticed, and goes.
            let (code, _, err) = run(folder.path(), &["status"]).await;
            assert_eq!(code, 2);
            assert!(err.contains("nothing is up in"), "{err}");
        }
        assert!(!run_file(folder.path()).exists(), "{signal}");
    }
}

#[tokio::test]
async fn it_outlives_its_terminal_where_that_is_wanted() {
    let folder = folder(Some(TWO));
    let up = Up::of(program(folder.path(), "sh", &["-c", "trap '' HUP; exec \"$0\" up", PROGRAM])).await;
    up.send("HUP").await;
    let (code, _, err) = run(folder.path(), &["status"]).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(up.end("INT").await, Some(0));
    let up = Up::start(folder.path(), &[]).await;
    assert_eq!(up.end("HUP").await, Some(0));
}

#[tokio::test]
async fn what_is_up_can_be_seen_called_opened_changed_and_ended() {
    if !has("python3") {
        return;
    }
    let folder = folder(Some(&format!("{TWO}{RUN}")));
    let folder = folder.path();
    std::fs::create_dir_all(folder.join("public")).unwrap();
    std::fs::write(folder.join("public/hello.txt"), "hello from the app\n").unwrap();
    let (code, out, err) = run(folder, &["up", "--detach"]).await;
    assert_eq!(code, 0, "{err}");
    let state = state(folder).await;
    let (port, short_id) = (state["port"].to_string(), state["portals"][1]["short_id"].as_str().unwrap());
    assert!(
        out.contains(&format!("bob     {short_id}    guestbook  https://guestbook.{short_id}.localhost:{port}/")),
        "{out}"
    );
    assert_eq!(state["portals"][0]["peers"][0]["portal"], "bob");
    assert_eq!(state["portals"][0]["peers"][0]["is_reachable"], true);

    let (code, _, err) = run(folder, &["up"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("it is up already"), "{err}");

    // A call, and what happened on the way.
    let (code, out, err) = run(folder, &["call", "alice", "guestbook", "bob", "/public/hello.txt"]).await;
    assert_eq!(code, 0, "{err}");
    for told in [
        " 1. guestbook on alice -> Core on alice: GET /internal/call_peer/",
        "Core on alice signs; ",
        &format!("\"@target-uri\": https://guestbook.{short_id}.localhost:{port}/public/hello.txt"),
        "Core on bob rebuilds the same base",
        "decided: let in; /public/hello.txt falls under \"/public/\": public, so anyone may come",
        "The answer: 200 OK",
        "hello from the app",
        "      body: hello from the app (19 bytes)\n",
    ] {
        assert!(out.contains(told), "{told}\n{out}");
    }
    let (code, out, _) = run(folder, &["call", "alice", "guestbook", "bob", "/x", "-d", "{}", "--json"]).await;
    let called: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &called["status"]), (0, &401.into()));
    assert_eq!(called["entries"][0]["hop"]["method"], "POST");
    assert_eq!(called["entries"][0]["hop"]["body"]["text"], "{}");
    let (code, _, err) = run(folder, &["call", "alice", "guestbok", "bob", "/"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("there is no app named `guestbok`"), "{err}");

    // A browser's way in, as a stranger and as the owner.
    if has("curl") {
        let ca = state["ca_file"].as_str().unwrap();
        let host = format!("guestbook.{short_id}.localhost:{port}");
        let resolve = format!("{host}:127.0.0.1");
        let curl = async |more: &[&str], url: &str| {
            let args =
                ["--silent", "--show-error", "--cacert", ca, "--resolve", &resolve, "--write-out", "%{http_code}"];
            let output = Command::new("curl").args(args).args(more).arg(url).output().await.unwrap();
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
        };
        assert_eq!(curl(&[], &format!("https://{host}/public/hello.txt")).await, "hello from the app\n200");
        assert!(curl(&[], &format!("https://{host}/app.json")).await.ends_with("401"));
        assert!(curl(&["--http1.1"], &format!("http://{host}/public/hello.txt")).await.ends_with("308"));
        let (code, cookie, err) = run(folder, &["terminal", "bob", "--cookie"]).await;
        assert_eq!(code, 0, "{err}");
        let cookie = format!("Cookie: {}", cookie.trim());
        assert!(curl(&["-H", &cookie], &format!("https://{host}/app.json")).await.ends_with("200"));
        // The address that logs a browser in, once.
        let (_, out, _) = run(folder, &["terminal", "bob"]).await;
        let login = out.split_whitespace().find(|word| word.contains("countersign-login")).unwrap();
        let domain = format!("{short_id}.localhost");
        let at_login = format!("countersign-login.{domain}:{port}:127.0.0.1");
        let jar = folder.join("jar").display().to_string();
        let follow =
            ["--location", "--resolve", &at_login, "--cookie-jar", &jar, "--cookie", &jar, "--output", "/dev/null"];
        let cookies = |text: &str| text.lines().filter(|line| line.contains("authorization")).count();
        curl(&follow[1..], login).await;
        let kept = std::fs::read_to_string(&jar).unwrap_or_default();
        assert_eq!(cookies(&kept), 1, "{kept}");
        assert!(kept.contains(&domain), "{kept}");
        assert_eq!(curl(&follow, login).await, "410");
    }

    // What the manifest says now holds at once.
    std::fs::write(folder.join("app.json"), MANIFEST.replace("\"access\": \"public\"", "\"access\": \"private\""))
        .unwrap();
    let closed = async {
        loop {
            let (_, out, _) = run(folder, &["call", "alice", "guestbook", "bob", "/public/hello.txt", "--json"]).await;
            if serde_json::from_str::<Value>(&out).is_ok_and(|called| called["status"] == 401) {
                return;
            }
        }
    };
    timeout(WAIT, closed).await.unwrap();

    let (code, out, err) = run(folder, &["down"]).await;
    assert_eq!((code, out.as_str()), (0, "it is down\n"), "{err}");
    gone(folder).await;
    let (code, out, _) = run(folder, &["down"]).await;
    assert_eq!(code, 0);
    assert!(out.contains("nothing is up in"), "{out}");
    for args in [&["status"][..], &["terminal", "alice"]] {
        assert_eq!(run(folder, args).await.0, 2, "{args:?}");
    }
}

#[tokio::test]
async fn identities_and_the_authority_are_kept_with_data() {
    let folder = folder(Some(TWO));
    let ids = async |args: &[&str]| {
        let up = Up::start(folder.path(), args).await;
        let state = state(folder.path()).await;
        let ids = [0, 1].map(|n| state["portals"][n]["id"].as_str().unwrap().to_owned());
        let ca = std::fs::read_to_string(state["ca_file"].as_str().unwrap()).unwrap();
        assert!(up.table.contains(&ids[0][..6]), "{}", up.table);
        assert_eq!(up.end("INT").await, Some(0));
        (ids, ca)
    };
    let (first, ca) = ids(&["--data", "kept"]).await;
    assert_eq!(ids(&["--data", "kept"]).await, (first.clone(), ca));
    // Without it, all but the authority is another one.
    let (other, ca) = ids(&[]).await;
    assert_ne!(other, first);
    assert_eq!(ids(&[]).await.1, ca);
}

#[tokio::test]
async fn an_app_alone_and_more_portals_than_the_file_has() {
    let bare = folder(None);
    let up = Up::start(bare.path(), &["--app", ".", "--portals", "3"]).await;
    for name in ["alice", "bob", "carol", "echo: answers with what arrived"] {
        assert!(up.table.contains(name), "{}", up.table);
    }
    let (code, out, err) = run(bare.path(), &["call", "carol", "guestbook", "alice", "/peers/x"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("decided: let in as peer"), "{out}");
    up.end("TERM").await;
    let (code, _, err) = run(bare.path(), &["up"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("has no countersign.toml: `countersign init`"), "{err}");
}

#[tokio::test]
async fn what_can_not_be_started_is_said_with_the_right_exit_code() {
    let folder = folder(Some(&format!("{TWO}run = \"echo no such module >&2; exit 3\"\n")));
    let (code, _, err) = run(folder.path(), &["up"]).await;
    assert_eq!(code, 4);
    assert!(
        err.contains("guestbook on alice did not start: exit status: 3") && err.contains("no such module"),
        "{err}"
    );
    let (code, _, err) = run(folder.path(), &["up", "--detach"]).await;
    assert_eq!(code, 4);
    assert!(err.contains("no such module"), "{err}");
    std::fs::write(folder.path().join("countersign.toml"), format!("{TWO}rum = 1\n")).unwrap();
    let (code, _, err) = run(folder.path(), &["up"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("countersign.toml:6: `app.rum`") && err.contains("did you mean `run`?"), "{err}");
    std::fs::write(folder.path().join("countersign.toml"), TWO).unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, err) = run(folder.path(), &["up", "--port", &port]).await;
    assert_eq!(code, 2);
    assert!(err.contains(&format!("port {port}: ")) && err.contains("--port"), "{err}");
}

#[tokio::test]
async fn what_init_writes_works_as_it_is() {
    let folder = folder(None);
    let (code, out, err) = run(folder.path(), &["init"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("countersign up"), "{out}");
    // Nothing is up: one call is all it takes.
    let (code, out, err) = run(folder.path(), &["call", "alice", "guestbook", "bob", "/peers/"]).await;
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("nothing is up: all is started for this call alone"), "{err}");
    assert!(out.contains("decided: let in as peer"), "{out}");
    let written = std::fs::read_to_string(folder.path().join("countersign.toml")).unwrap();
    let (code, _, err) = run(folder.path(), &["init"]).await;
    assert_eq!(code, 2);
    assert!(err.contains("is there already and stays as it is"), "{err}");
    assert_eq!(std::fs::read_to_string(folder.path().join("countersign.toml")).unwrap(), written);
}
