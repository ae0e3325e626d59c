//! Doors, listeners and the HTTP surface: who is let in where, what is refused, what ends when.

use std::{net::SocketAddr, time::Duration};

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Zone, json, manifest, send, send_on};

/// Writes raw bytes and reads until the other side closes.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(target: &str) -> Request<Full<bytes::Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_door_serves_apps_and_nothing_of_the_owners() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    let door = alice.install("chat").await;
    alice.add(&bob).await;
    let (status, peers) = json(send(door, get("/protected/peers")).await).await;
    assert_eq!((status.as_u16(), &peers[0]["id"]), (200, &bob.core.id().as_str().into()));
    assert_eq!(send(door, get(&format!("/protected/peers/{}", bob.short_id))).await.status(), 200);
    assert_eq!(send(door, get("/public/meta/whoareyou")).await.status(), 200);
    for target in ["/protected/terminals", "/protected/apps", "/internal/auth", "/internal/authenticate_terminal", "/"]
    {
        assert_eq!(send(door, get(target)).await.status(), 404, "{target}");
    }
    for method in ["PUT", "POST", "DELETE"] {
        let request = Request::builder().method(method).uri("/protected/peers").body(Full::<bytes::Bytes>::default());
        assert_eq!(send(door, request.unwrap()).await.status(), 405, "{method}");
    }
    assert_eq!(alice.ask("GET", "/protected/peers", "").await.1.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_door_is_a_proxy_for_the_cores_own_names_only() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    let door = alice.install("chat").await;
    for (target, status) in [
        ("http://portal_core/public/meta/whoareyou", "200"),
        ("http://SHARD_CORE/public/meta/whoareyou", "200"),
        ("http://evil.example/public/meta/whoareyou", "404"),
        ("https://portal_core/public/meta/whoareyou", "404"),
    ] {
        let answer =
            raw(door, format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
    }
    let answer = raw(door, b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[tokio::test]
async fn doors_identity_peers_and_apps_survive_a_restart() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    let door = alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let id = alice.core.id().clone();
    let alice = alice.restart(&zone).await;
    assert_eq!(alice.core.id(), &id);
    assert_eq!(alice.core.door("chat"), Some(door));
    assert_eq!(alice.get("chat", &format!("{}/peers/x", bob.short_id)).await.0, 200);
}

#[tokio::test]
async fn an_app_is_known_by_its_address_for_as_long_as_it_has_it() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    bob.install("chat").await;
    bob.install("notes").await;
    alice.befriend(&bob).await;
    let install = |app: &'static str| {
        let alice = &alice;
        async move { alice.ask("PUT", &format!("/protected/apps/{app}?address=127.0.0.9"), manifest(app)).await }
    };
    let call = || async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        let stream = socket.connect(alice.core.address()).await.unwrap();
        let request = get(&format!("/internal/call_peer/{}/peers/x", bob.short_id));
        let status = send_on(stream, request).await.status();
        let host = bob.seen().pop().map(|seen| seen.headers()["host"].to_str().unwrap().to_owned());
        (status.as_u16(), host)
    };
    assert_eq!(call().await, (403, None));
    assert_eq!(install("chat").await.0, 201);
    assert_eq!(call().await, (200, Some(format!("chat.{}", bob.domain))));
    assert_eq!(install("notes").await.0, 201);
    assert_eq!(call().await, (200, Some(format!("notes.{}", bob.domain))));
    alice.ask("DELETE", "/protected/apps/notes", "").await;
    assert_eq!(call().await, (403, None));
}

#[tokio::test]
async fn apps_are_installed_changed_listed_and_removed() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    let door = alice.install("chat").await;
    let (status, again) = alice.ask("PUT", "/protected/apps/chat", manifest("chat")).await;
    assert_eq!((status.as_u16(), &again["door"]), (200, &format!("http://{door}").into()));
    for body in [manifest("other"), "{".into(), "{}".into()] {
        let (status, reason) = alice.ask("PUT", "/protected/apps/chat", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{reason}");
        assert!(reason["reason"].is_string(), "{reason}");
    }
    let (status, _) = alice.ask("PUT", "/protected/apps/chat?address=nowhere", manifest("chat")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = alice.ask("PUT", "/protected/apps/chat", vec![b' '; 300 * 1024]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (_, apps) = alice.ask("GET", "/protected/apps", "").await;
    assert_eq!(apps[0]["name"], "chat");
    assert_eq!(alice.ask("DELETE", "/protected/apps/chat", "").await.0, 204);
    assert_eq!(alice.ask("DELETE", "/protected/apps/chat", "").await.0, 404);
    let gone = async {
        while TcpStream::connect(door).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn what_is_odd_gets_a_reason_and_a_status() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    for (method, target, body, status) in [
        ("GET", "/nowhere", "", 404),
        ("POST", "/public/meta/whoareyou", "", 405),
        ("POST", "/internal/auth", "", 405),
        ("PUT", "/protected/peers", "{", 422),
        ("PUT", "/protected/peers", r#"{"id": "abc"}"#, 422),
        ("PUT", "/protected/peers", r#"{"id": 5}"#, 422),
        ("GET", "/protected/peers/______", "", 404),
        ("GET", "/protected/peers/%25%25%25%25%25%25", "", 404),
        ("DELETE", "/protected/peers/aaaaaa", "", 404),
        ("GET", "/protected/peers/%ff", "", 400),
        ("GET", "/protected/terminals/pairing-code?deadline=0", "", 422),
        ("GET", "/protected/terminals/pairing-code?deadline=x", "", 400),
        ("POST", "/public/pair/terminal?code=000000", r#"{"name": "x"}"#, 401),
        ("POST", "/public/pair/terminal", r#"{"name": "x"}"#, 401),
        ("POST", "/public/pair/terminal?code=000000", "", 422),
        ("DELETE", "/protected/terminals/x", "", 404),
    ] {
        let (answer, reason) = alice.ask(method, target, body).await;
        assert_eq!(answer.as_u16(), status, "{method} {target}: {reason}");
        assert!(reason["code"].is_string() && reason["reason"].is_string(), "{method} {target}: {reason}");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_or_broken_are_refused() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    let address = alice.core.address();
    let many = (0..1_000).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nx-large: {}\r\n\r\n", "a".repeat(300 * 1024)), "431"),
        ("GET / HTTP/1.1\r\nHo st: x\r\n\r\n".to_owned(), "400"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = raw(address, head.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer:?}");
    }
    assert_eq!(alice.ask("GET", "/public/meta/whoareyou", "").await.0, 200);
}

#[tokio::test]
async fn who_sends_much_gets_to_see_why_it_is_refused() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    let body = vec![b' '; 20 << 20];
    for (target, status) in [("/protected/peers", 413), ("/nowhere", 404), ("/internal/call_peer/aaaaaa/x", 403)] {
        let mut stream = TcpStream::connect(alice.core.address()).await.unwrap();
        let head = format!("PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // All of it first, as a proxy does that looks at the answer afterwards.
        timeout(Duration::from_secs(5), stream.write_all(&body)).await.unwrap().unwrap();
        let mut start = [0_u8; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&start), format!("HTTP/1.1 {status}"), "{target}");
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let zone = Zone::new();
    let change = |parts: &mut portal_core::parts::Parts| parts.limits.header_read = Duration::from_millis(50);
    let alice = zone.portal_with(|builder| builder.replace(change)).await;
    let mut stream = TcpStream::connect(alice.core.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
}

#[test]
fn nothing_is_left_after_a_shutdown_or_a_drop() {
    for is_dropped in [false, true] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let zone = Zone::new();
            let before = runtime.metrics().num_alive_tasks();
            let builder = zone.builder();
            let core = builder.build().unwrap();
            let running = core.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap();
            let address = running.address();
            let idle = TcpStream::connect(address).await.unwrap();
            let request = Request::put("/protected/apps/chat").body(Full::from(manifest("chat"))).unwrap();
            assert_eq!(send(address, request).await.status(), 201);
            assert!(runtime.metrics().num_alive_tasks() > before);
            if is_dropped {
                // In the middle of a request that never goes on.
                let mut stuck = TcpStream::connect(address).await.unwrap();
                let head =
                    b"PUT /protected/peers HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
                stuck.write_all(head).await.unwrap();
                let mut go_on = [0_u8; 12];
                stuck.read_exact(&mut go_on).await.unwrap();
                assert_eq!(&go_on, b"HTTP/1.1 100");
                drop(running);
                let mut rest = Vec::new();
                let _ = timeout(Duration::from_secs(5), stuck.read_to_end(&mut rest)).await.unwrap();
            } else {
                timeout(Duration::from_secs(5), running.shutdown()).await.unwrap();
            }
            let ended = async {
                while runtime.metrics().num_alive_tasks() > before {
                    tokio::task::yield_now().await;
                }
            };
            timeout(Duration::from_secs(5), ended).await.unwrap();
            drop(idle);
            assert!(TcpStream::connect(address).await.is_err());
        });
    }
}

#[tokio::test]
async fn a_shutdown_lets_a_call_finish() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let (feed, pieces) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
    let pieces = std::sync::Mutex::new(Some(pieces));
    bob.answer_with(move |_| {
        let pieces = pieces.lock().unwrap().take().unwrap();
        let body = futures_util::stream::unfold(pieces, |mut pieces| async {
            pieces.recv().await.map(|piece| (Ok::<_, std::io::Error>(piece), pieces))
        });
        http::Response::new(axum::body::Body::from_stream(body))
    });
    let answer = alice.call("chat", get(&format!("/internal/call_peer/{}/peers/x", bob.short_id))).await;
    let stopping = tokio::spawn(alice.core.shutdown());
    feed.send("late".into()).await.unwrap();
    drop(feed);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "late");
    timeout(Duration::from_secs(5), stopping).await.unwrap().unwrap();
}
