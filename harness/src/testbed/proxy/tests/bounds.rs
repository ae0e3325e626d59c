//! Everything has a limit, and nothing is left behind.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::guard::{Guard, GuardLimits};
use super::*;
use crate::testbed::pki::CertificateKind;
use crate::wire::Gate;

const SOON: Duration = Duration::from_millis(100);
const SURELY: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let scene = Scene::new().await;
    let limits = ProxyLimits::default();
    let fields = |count: usize| (0..count).fold(Call::get("/"), |call, n| call.field(format!("x-{n}"), "1"));
    assert_eq!(scene.send(fields(limits.fields - 10)).await.status, 200);
    let many = scene.send(fields(limits.fields)).await;
    assert_eq!((many.status, code(&many).as_str()), (431, "head_too_large"));
    let large = scene.send(Call::get("/").field("x", "y".repeat(limits.head_bytes))).await;
    assert_eq!((large.status, code(&large).as_str()), (431, "head_too_large"));
    let large = scene.client.send_http2(APP, Call::get("/").field("x", "y".repeat(limits.head_bytes))).await;
    assert_eq!(large.map_or(431, |reply| reply.status), 431);
    assert_eq!(scene.app.arrivals(), 1);
}

#[tokio::test]
async fn slow_handshakes_and_heads_are_given_up() {
    let limits = ProxyLimits { handshake: SOON, head: SOON, ..ProxyLimits::default() };
    let scene = Scene::with(Faults::NONE, limits).await;
    let mut mute = TcpStream::connect(scene.proxy.address()).await.unwrap();
    assert_eq!(timeout(SURELY, mute.read(&mut [0; 9])).await.unwrap().unwrap_or(0), 0);
    let mut slow = scene.client.connect(APP).await.unwrap().into_stream();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: a").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(SURELY, slow.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    let mut plain = TcpStream::connect(scene.proxy.plain_address()).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let _ = timeout(SURELY, plain.read_to_end(&mut answer)).await.unwrap();
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_given_up() {
    let mut limits = ProxyLimits { body_idle: SOON, ..ProxyLimits::default() };
    limits.checked_body.idle = SOON;
    let scene = Scene::with(Faults::NONE, limits).await;
    let begun = || Call::post("/", "12345").pause_after(2, &Gate::new());
    let reply = scene.send(begun()).await;
    assert_eq!((reply.status, code(&reply).as_str()), (408, "body_silent"));
    let signed = begun()
        .field("Content-Digest", "sha-256=:AAAA:")
        .field("Signature-Input", "a=(\"content-digest\")")
        .field("Signature", "a=:AAAA:");
    let reply = scene.send(signed).await;
    assert_eq!((reply.status, code(&reply).as_str()), (408, "body_silent"));
}

#[tokio::test]
async fn an_app_that_says_nothing_is_given_up_but_not_one_that_still_receives() {
    let limits = ProxyLimits { answer: SOON, ..ProxyLimits::default() };
    let scene = Scene::with(Faults::NONE, limits).await;
    scene.app.answer_at("/mute", Answer::silence());
    let reply = scene.send(Call::get("/mute")).await;
    assert_eq!((reply.status, code(&reply).as_str()), (504, "app_silent"));
    scene.app.stop().await;
    let reply = scene.send(Call::get("/")).await;
    assert_eq!((reply.status, code(&reply).as_str()), (502, "app_unreachable"));
}

#[tokio::test]
async fn a_caller_that_takes_nothing_is_given_up() {
    let limits = ProxyLimits { write_stall: SOON, ..ProxyLimits::default() };
    let scene = Scene::with(Faults::NONE, limits).await;
    scene.app.answer_with(Answer::generated(1 << 40));
    let mut stream = scene.client.connect(APP).await.unwrap().into_stream();
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {APP}\r\n\r\n").as_bytes()).await.unwrap();
    // Takes nothing for longer than it may; then there is no more than what was on its way.
    let _ = timeout(SOON * 4, std::future::pending::<()>()).await;
    let mut sink = tokio::io::sink();
    let mut rest = stream.take(1 << 30);
    let _ = timeout(SURELY, tokio::io::copy(&mut rest, &mut sink)).await.expect("the answer goes on");
    assert!(rest.limit() > 0, "a gibibyte came");
}

#[tokio::test]
async fn a_connection_is_read_on_after_its_answer_so_that_the_answer_arrives() {
    let (mut near, far) = tokio::io::duplex(1024);
    let limits = GuardLimits { head_bytes: 1024, fields: 9, write_stall: SURELY };
    let (mut guard, _) = Guard::new(far, limits, || Faults::NONE);
    let closing = tokio::spawn(async move { guard.shutdown().await });
    near.write_all(&[b'x'; 100_000]).await.unwrap();
    drop(near);
    timeout(SURELY, closing).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let scene = Scene::with(Faults::NONE, ProxyLimits { connections: 1, ..ProxyLimits::default() }).await;
    let mut first = scene.client.connect(APP).await.unwrap();
    assert_eq!(first.send(Call::get("/first")).await.unwrap().status, 200);
    assert!(timeout(SOON * 2, scene.client.connect(APP)).await.is_err(), "a second connection is served beside");
    drop(first);
    assert_eq!(timeout(SURELY, scene.send(Call::get("/second"))).await.unwrap().status, 200);
}

#[tokio::test]
async fn nothing_is_left_after_shutdown_or_drop() {
    for drops in [false, true] {
        let scene = Scene::new().await;
        let socket = scene.client.websocket(APP, "/ws", &[]).await.unwrap();
        scene.app.answer_at("/mute", Answer::silence());
        let waiting = tokio::spawn({
            let client = scene.client.clone();
            async move { client.send(APP, Call::get("/mute")).await.is_err() }
        });
        scene.app.wait_for_arrivals(2).await.unwrap();
        let tasks = scene.proxy.tasks.clone();
        if drops {
            drop(scene.proxy);
            timeout(SURELY, tasks.ended()).await.unwrap();
        } else {
            timeout(SURELY, scene.proxy.shutdown()).await.unwrap();
        }
        assert!(timeout(SURELY, waiting).await.unwrap().unwrap());
        drop(socket);
    }
}

#[tokio::test]
async fn the_certificate_is_switched_while_it_runs() {
    let scene = Scene::new().await;
    scene.proxy.tls().show(CertificateKind::Expired).unwrap();
    assert!(scene.client.send(APP, Call::get("/")).await.unwrap_err().to_string().contains("TLS"));
    scene.proxy.tls().show(CertificateKind::Good).unwrap();
    assert_eq!(scene.send(Call::get("/")).await.status, 200);
}

#[tokio::test]
async fn many_proxies_fit_in_one_process() {
    let scene = Scene::new().await;
    let mut proxies = Vec::new();
    // Two sockets each: what the machine allows is raised by the testbed, not here.
    for n in 0..200 {
        let domain = format!("p{n}.example");
        let tls = scene.pki.server_config(&domain, scene.clock.clone()).unwrap();
        let config = ProxyConfig::new("x", &domain, scene.proxy.upstreams().clone(), tls);
        proxies.push(Proxy::start(config, ProxyListeners::bind().await.unwrap()).unwrap());
    }
    scene.names.insert_address("p199.example", proxies[199].address());
    assert_eq!(scene.client.send("app.p199.example", Call::get("/")).await.unwrap().status, 200);
}
