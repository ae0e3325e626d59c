//! `portal-core` as users start it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use http::Request;
use http_body_util::Full;
use serde_json::Value;

use crate::support::{json, send};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portal-core"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
    command
}

fn started(arguments: &[&str]) -> (Running, Value) {
    let mut child = program().args(["--listen", "127.0.0.1:0"]).args(arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let running = Running(child);
    (running, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (mut running, ready) = started(&["--data", data, "--log", "json"]);
        let address = ready["address"].as_str().unwrap().parse().unwrap();
        let request = Request::get("/public/meta/whoareyou").body(Full::<bytes::Bytes>::default()).unwrap();
        let (status, who) = json(send(address, request).await).await;
        assert_eq!((status.as_u16(), &who["id"]), (200, &ready["id"]));
        ids.push(ready["id"].clone());
        let pid = running.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(running.0.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        assert!(log.contains("stopped") && !log.contains("PRIVATE"), "{log}");
    }
    assert_eq!(ids[0], ids[1], "the identity survives a restart");
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("core.toml");
    for (text, expected) in [
        ("[limits]\nheader_bytes = 1\n", ":2: `limits.header_bytes`: 1 is out of range"),
        ("[profile]\nzoen = \"x\"\n", ":2: `profile.zoen`: unknown field `zoen`"),
        ("[identity\n", ":1"),
        ("[profile]\nalgorithms = [\"moon-sign\"]\n", ":2: `profile.algorithms`: `moon-sign`"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = program().args(["--in-memory", "--config", file.to_str().unwrap()]).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains("core.toml") && log.contains(expected), "{log}");
    }
    let output = program().args(["--in-memory", "--config", "nowhere/core.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(program().output().unwrap().status.code(), Some(2), "neither --data nor --in-memory");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program().args(["--in-memory", "--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&address));
}
