//! `portal-core` in surroundings that somebody else decides: names behind a proxy, a CA, a clock, an identity.

use std::{
    io::Read,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use portal_core::{
    identity::{Description, Identity, KeyKind},
    resolve::Resolve,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    program::{Running, program, start},
    support::{Names, Zone, json, manifest, send},
};

/// A proxy that opens tunnels to where the zone's names lead.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Proxy {
    async fn start(names: &Names, other_answer: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (names, asked) = (names.clone(), Arc::<Mutex<Vec<String>>>::default());
        let noted = asked.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (names, noted) = (names.clone(), noted.clone());
                connections.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await.unwrap());
                    }
                    let head = String::from_utf8(head).unwrap();
                    noted.lock().unwrap().push(head.lines().next().unwrap().to_owned());
                    let host = head.strip_prefix("CONNECT ").unwrap().split(':').next().unwrap();
                    match (other_answer, names.resolve(host, 443).await) {
                        (Some(answer), _) => client.write_all(answer.as_bytes()).await.unwrap(),
                        (None, Err(_)) => client.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await.unwrap(),
                        (None, Ok(addresses)) => {
                            let mut target = TcpStream::connect(addresses[0]).await.unwrap();
                            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                            let _ = copy_bidirectional(&mut client, &mut target).await;
                        }
                    }
                });
            }
        });
        Proxy { address, asked, _serving: serving }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A Core as a process, which knows the zone only by what its options and variables say.
struct Outside {
    _running: Running,
    address: SocketAddr,
    id: String,
}

impl Outside {
    fn start(folder: &Path, change: impl FnOnce(&mut Command)) -> Outside {
        let config = folder.join("core.toml");
        std::fs::write(&config, "[profile]\nzone = \"zone.test\"\n").unwrap();
        let mut program = program();
        program.args(["--listen", "127.0.0.1:0"]).arg("--data").arg(folder.join("state")).arg("--config").arg(config);
        program.stderr(Stdio::null());
        change(&mut program);
        let (running, ready) = start(&mut program);
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Outside { _running: running, address: text("address").parse().unwrap(), id: text("id") }
    }

    async fn ask(&self, method: &str, target: &str, body: impl Into<Bytes>) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(target).body(Full::new(body.into())).unwrap();
        json(send(self.address, request).await).await
    }

    async fn add(&self, id: &str) -> Value {
        let body = serde_json::json!({ "id": id }).to_string();
        let (status, peer) = self.ask("PUT", "/protected/peers", body).await;
        assert_eq!(status, 200, "{peer}");
        peer
    }

    /// Calls through the door of an app that is installed for it.
    async fn call(&self, target: &str) -> (StatusCode, Value) {
        let (_, installed) = self.ask("PUT", "/protected/apps/chat", manifest("chat")).await;
        let door = installed["door"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
        let uri = format!("/internal/call_peer/{target}");
        json(send(door, Request::get(uri).body(Full::<Bytes>::default()).unwrap()).await).await
    }
}

fn ca_file(zone: &Zone, folder: &Path) -> std::path::PathBuf {
    let file = folder.join("ca.pem");
    std::fs::write(&file, zone.ca_pem()).unwrap();
    file
}

#[tokio::test]
async fn a_peer_is_found_and_called_through_the_proxy_that_the_environment_names() {
    let (zone, folder) = (Zone::new(), tempfile::tempdir().unwrap());
    let bob = zone.portal().await;
    bob.install("chat").await;
    let proxy = Proxy::start(zone.names(), None).await;
    let ca = ca_file(&zone, folder.path());
    let outside = Outside::start(folder.path(), |program| {
        program.env("HTTPS_PROXY", format!("http://{}", proxy.address)).env("SSL_CERT_FILE", &ca);
    });
    let peer = outside.add(bob.core.id().as_str()).await;
    assert_eq!(peer["is_reachable"], true, "its key came through the proxy: {peer}");
    let (status, answer) = outside.call(&format!("{}/public/x?q", bob.short_id)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(bob.seen()[0].uri().path_and_query().unwrap(), "/public/x?q");
    let asked = proxy.asked();
    let (key, call) =
        (format!("CONNECT {}:443 HTTP/1.1", bob.domain), format!("CONNECT chat.{}:443 HTTP/1.1", bob.domain));
    assert_eq!(asked, [key, call]);

    let nobody = format!("zzzzzz{}", "a".repeat(97));
    assert_eq!(outside.add(&nobody).await["is_reachable"], false);
    let (status, answer) = outside.call("zzzzzz/public/x").await;
    assert_eq!(status, 502, "{answer}");
    assert!(answer.to_string().contains("unreachable"), "{answer}");
}

#[tokio::test]
async fn an_answer_of_the_proxy_that_opens_no_tunnel_is_an_unreachable_peer() {
    let (zone, folder) = (Zone::new(), tempfile::tempdir().unwrap());
    let bob = zone.portal().await;
    let ca = ca_file(&zone, folder.path());
    for answer in [
        "HTTP/1.1 403 Forbidden\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 Well\r\n\r\nhello",
        "",
    ] {
        let proxy = Proxy::start(zone.names(), Some(answer)).await;
        let outside = Outside::start(folder.path(), |program| {
            program.env("https_proxy", proxy.address.to_string()).env("SSL_CERT_FILE", &ca);
        });
        outside.add(bob.core.id().as_str()).await;
        assert_eq!(outside.call(&format!("{}/public/x", bob.short_id)).await.0, 502, "{answer}");
        assert!(!proxy.asked().is_empty());
        assert!(bob.seen().is_empty());
    }
}

#[tokio::test]
async fn a_host_in_no_proxy_and_a_configuration_without_one_go_straight() {
    let (zone, folder) = (Zone::new(), tempfile::tempdir().unwrap());
    let bob = zone.portal().await;
    let proxy = Proxy::start(zone.names(), None).await;
    let https_proxy = format!("http://{}", proxy.address);
    let outside = Outside::start(folder.path(), |program| {
        program.env("HTTPS_PROXY", &https_proxy).env("NO_PROXY", "localhost,.zone.test");
    });
    assert_eq!(outside.add(bob.core.id().as_str()).await["is_reachable"], false);
    drop(outside);
    let config = folder.path().join("straight.toml");
    std::fs::write(&config, "[profile]\nzone = \"zone.test\"\n[outgoing]\nproxy = \"none\"\n").unwrap();
    let mut program = program();
    program.args(["--listen", "127.0.0.1:0", "--in-memory", "--config"]).arg(&config).env("HTTPS_PROXY", &https_proxy);
    let (_running, ready) = start(program.stderr(Stdio::null()));
    let body = serde_json::json!({ "id": bob.core.id().as_str() }).to_string();
    let request = Request::put("/protected/peers").body(Full::<Bytes>::from(body)).unwrap();
    let (status, peer) = json(send(ready["address"].as_str().unwrap().parse().unwrap(), request).await).await;
    assert_eq!((status.as_u16(), &peer["is_reachable"]), (200, &Value::Bool(false)), "{peer}");
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test]
async fn its_clock_is_that_of_the_file_and_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock");
    let outside = Outside::start(folder.path(), |program| {
        program.arg("--clock-file").arg(&clock);
    });
    for now in [1_618_884_473_u64, 2_500_000_000] {
        std::fs::write(&clock, now.to_string()).unwrap();
        let (status, code) = outside.ask("GET", "/protected/terminals/pairing-code", "").await;
        assert_eq!(status, 201, "{code}");
        let created = code["created"].as_f64().unwrap();
        assert!((now as f64..now as f64 + 60.0).contains(&created), "{code}");
    }
}

#[test]
fn an_identity_is_imported_once_and_no_other_takes_its_place_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity.pem");
    let new = || Identity::generate(KeyKind::Ed25519, Description::default()).unwrap();
    let write = |identity: &Identity| std::fs::write(&file, &*identity.key().to_pkcs8_pem().unwrap()).unwrap();
    let (first, other) = (new(), new());
    write(&first);
    for _ in 0..2 {
        let outside = Outside::start(folder.path(), |program| {
            program.arg("--identity").arg(&file);
        });
        assert_eq!(outside.id, first.id().as_str());
    }
    write(&other);
    let mut program = program();
    program.args(["--listen", "127.0.0.1:0", "--identity"]).arg(&file).arg("--data").arg(folder.path().join("state"));
    let output = program.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{log}");
    assert!(log.contains(first.id().short()) && log.contains(other.id().short()), "{log}");
    std::fs::remove_file(&file).unwrap();
    let outside = Outside::start(folder.path(), |program| {
        program.arg("--identity").arg(&file);
    });
    assert_eq!(outside.id, first.id().as_str(), "what is there stays");
    drop(outside);
    write(&other);
    let outside = Outside::start(folder.path(), |program| {
        program.arg("--identity").arg(&file).arg("--replace-identity");
    });
    assert_eq!(outside.id, other.id().as_str(), "unless it is said to go");
}

#[test]
fn what_can_not_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    std::fs::write(&bad, "nothing\n").unwrap();
    let bad = bad.to_str().unwrap();
    type Case<'a> = (&'a [&'a str], Option<(&'a str, &'a str)>, &'a [&'a str]);
    let cases: [Case; 6] = [
        (&["--identity", bad], None, &["--identity", bad, "PKCS#8"]),
        (&["--clock-file", bad], None, &[bad, "`nothing` is no number", "seconds since 1970"]),
        (&[], Some(("HTTPS_PROXY", "socks5://127.0.0.1:1")), &["HTTPS_PROXY", "`socks5`", "http://HOST:PORT"]),
        (&[], Some(("https_proxy", "http://me:secret@127.0.0.1:1")), &["https_proxy", "password"]),
        (&[], Some(("SSL_CERT_FILE", bad)), &["SSL_CERT_FILE", bad]),
        (&[], Some(("SSL_CERT_FILE", "/nowhere/ca.pem")), &["SSL_CERT_FILE", "/nowhere/ca.pem"]),
    ];
    for (arguments, variable, expected) in cases {
        let mut program = program();
        program.args(["--in-memory", "--listen", "127.0.0.1:0"]).args(arguments).envs(variable);
        // Should it start, it is stopped when this ends.
        let mut running = Running(program.stdout(Stdio::null()).spawn().unwrap());
        let mut log = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(2), "{log}");
        assert!(expected.iter().all(|text| log.contains(text)) && !log.contains("secret"), "{log}");
    }
}
