//! `portal-core` as users start it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use futures_util::{StreamExt, stream};
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{json, send};

pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portal-core"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG");
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name);
    }
    command
}

fn started(arguments: &[&str]) -> (Running, Value) {
    start(program().args(["--listen", "127.0.0.1:0"]).args(arguments))
}

pub(crate) fn start(program: &mut Command) -> (Running, Value) {
    let mut child = program.spawn().unwrap();
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

/// PEER-15. The Core dies by SIGKILL: nothing in it runs any more, only what is on disk counts.
#[tokio::test]
async fn no_peer_that_was_acknowledged_is_lost_by_a_kill_while_it_writes() {
    const PEERS: usize = 1_000;
    const AT_ONCE: usize = 64;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("core.toml");
    // The peers' host is then 000177.1, another way to write 127.0.0.1: no name server is asked, and port 1 is closed.
    std::fs::write(&config, "[profile]\nzone = \"1\"\npublic_port = 1\n").unwrap();
    let mut program = program();
    // Nobody reads the log: a pipe would be full in the end.
    program.stderr(Stdio::null()).args(["--listen", "127.0.0.1:0"]);
    program.arg("--data").arg(folder.path()).arg("--config").arg(&config);

    let (mut running, ready) = start(&mut program);
    let address = ready["address"].as_str().unwrap().parse().unwrap();
    let puts = stream::iter(0..PEERS).map(|number| async move { (number, put_peer(address, number).await) });
    let mut answers = puts.buffer_unordered(AT_ONCE);
    let (mut acknowledged, mut killed) = (BTreeSet::new(), false);
    while let Some((number, status)) = answers.next().await {
        match status {
            Some(status) => {
                assert_eq!(status, "200", "peer {number}");
                acknowledged.insert(id(number));
            }
            None => assert!(killed, "peer {number}: no answer, though it lives"),
        }
        if !killed && acknowledged.len() == PEERS / 2 {
            running.0.kill().unwrap();
            killed = true;
        }
    }
    running.0.wait().unwrap();
    assert!((PEERS / 2..PEERS).contains(&acknowledged.len()), "it was killed in the middle: {}", acknowledged.len());

    let (_running, again) = start(&mut program);
    assert_eq!(again["id"], ready["id"]);
    let request = Request::get("/protected/peers").body(Full::<bytes::Bytes>::default()).unwrap();
    let (_, list) = json(send(again["address"].as_str().unwrap().parse().unwrap(), request).await).await;
    let listed: BTreeSet<_> =
        list.as_array().unwrap().iter().map(|peer| peer["id"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<_> = acknowledged.difference(&listed).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged peers are lost: {lost:?}", lost.len(), acknowledged.len());
    let asked: BTreeSet<_> = (0..PEERS).map(id).collect();
    assert!(listed.is_subset(&asked), "peers that nobody added");
}

/// The status, if there was an answer.
async fn put_peer(address: SocketAddr, number: usize) -> Option<String> {
    let body = format!(r#"{{"id":"{}","name":"Peer {number}"}}"#, id(number));
    let head = "PUT /protected/peers HTTP/1.1\r\nHost: portal_core\r\nConnection: close\r\n";
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.to_owned())
}

/// A well-formed ID, another one for each number.
fn id(number: usize) -> String {
    format!("000177{number:06}{}", "x".repeat(91))
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
