//! Bodies of calls: taken in, streamed back, bounded, with their digests and trailers (CALL-3 to CALL-5, SIG-3).

use std::time::Duration;

use super::calls::call;
use crate::support::{Zone, json, send};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use portal_core::digest::ContentDigest;
use tokio::{net::TcpListener, time::timeout};

#[tokio::test]
async fn a_body_over_memory_goes_by_disk_and_one_over_the_limit_is_refused() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let door = alice.core.door("chat").unwrap();
    for (mebibytes, status) in [(0_usize, 200), (1, 200), (20, 200), (65, 413)] {
        let pieces = (0..mebibytes * 16).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![7_u8; 65_536]))));
        let body = StreamBody::new(stream::iter(pieces.collect::<Vec<_>>()));
        let uri = format!("/internal/call_peer/{}/peers/up", bob.short_id);
        let request = Request::post(uri).body(body).unwrap();
        let answer = send(door, request).await;
        assert_eq!(answer.status(), status, "{mebibytes} MiB");
        let (_, reason) = json(answer).await;
        let seen = bob.seen();
        if status == 200 {
            assert_eq!(seen[0].body().len(), mebibytes << 20);
        } else {
            assert_eq!(reason["code"], "body_too_large");
            assert!(seen.is_empty());
        }
    }
    // Declared, so refused before it is sent.
    let mut stream = tokio::net::TcpStream::connect(door).await.unwrap();
    let head = format!(
        "POST /internal/call_peer/{}/peers/up HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        bob.short_id,
        65_u64 << 20
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    let mut start = [0_u8; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn an_answer_streams_while_it_is_made() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let (feed, pieces) = tokio::sync::mpsc::channel::<Bytes>(1);
    let pieces = std::sync::Mutex::new(Some(pieces));
    bob.answer_with(move |_| {
        let pieces = pieces.lock().unwrap().take().unwrap();
        let body = stream::unfold(pieces, |mut pieces| async {
            pieces.recv().await.map(|piece| (Ok::<_, std::io::Error>(Frame::data(piece)), pieces))
        });
        Response::new(Body::new(StreamBody::new(body)))
    });
    let answer = alice.call("chat", call(&bob.short_id, "GET", "/peers/live", b"")).await;
    let mut body = answer.into_body();
    for text in ["one", "two"] {
        feed.send(Bytes::from(text)).await.unwrap();
        let frame = timeout(Duration::from_secs(5), body.frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }
    drop(feed);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn trailers_arrive_both_ways() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    bob.answer_with(|_| {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "9".parse().unwrap());
        let frames = vec![Ok::<_, std::io::Error>(Frame::data(Bytes::from("body"))), Ok(Frame::trailers(trailers))];
        let answer = Response::builder().header("trailer", "x-sum");
        answer.body(Body::new(StreamBody::new(stream::iter(frames)))).unwrap()
    });
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sent", "1".parse().unwrap());
    let frames = vec![Ok::<_, std::io::Error>(Frame::data(Bytes::from("up"))), Ok(Frame::trailers(trailers))];
    let request = Request::post(format!("/internal/call_peer/{}/peers/x", bob.short_id));
    let request = request.header("te", "trailers").header("trailer", "x-sent");
    let request = request.body(StreamBody::new(stream::iter(frames))).unwrap();
    let collected = send(alice.core.door("chat").unwrap(), request).await.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "9");
    assert_eq!(collected.to_bytes(), "body");
    let seen = bob.seen().remove(0);
    assert_eq!(seen.extensions().get::<HeaderMap>().unwrap()["x-sent"], "1");
    assert_eq!(seen.body(), "up");
}

#[tokio::test]
async fn an_app_that_does_not_read_holds_nobody_up() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let large: &'static [u8] = vec![1_u8; 30 << 20].leak();
    bob.answer_with(move |_| Response::new(Body::from(large)));
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(alice.call("chat", call(&bob.short_id, "GET", "/peers/large", b"")).await);
    }
    bob.answer_with(|_| Response::new(Body::from("small")));
    let quick = timeout(Duration::from_secs(5), alice.get("chat", &format!("{}/peers/small", bob.short_id))).await;
    assert_eq!(quick.unwrap().0, 200);
    for answer in held {
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), large.len());
    }
}

#[tokio::test]
async fn a_wrong_digest_of_the_apps_is_never_sent() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let right = ContentDigest::compute(portal_core::digest::DigestAlgorithm::Sha512, b"hello").to_string();
    for (given, kept) in [(right.as_str(), true), ("sha-256=:AAAA:", false), ("nonsense", false), ("md5=:AAAA:", false)]
    {
        let mut request = call(&bob.short_id, "POST", "/peers/x", b"hello");
        request.headers_mut().insert("content-digest", given.parse().unwrap());
        assert_eq!(alice.call("chat", request).await.status(), 200, "{given}");
        let seen = bob.seen().remove(0);
        let sent = seen.headers()["content-digest"].to_str().unwrap();
        assert_eq!(sent == given, kept, "{given}");
        ContentDigest::parse([sent.as_bytes()]).unwrap().check(b"hello").unwrap();
    }
}

#[tokio::test]
async fn answers_without_a_body_keep_what_they_say_of_it() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    bob.answer_with(|request| {
        let status = if request.uri().path().ends_with("304") { 304 } else { 200 };
        let answer = Response::builder().status(status).header("content-length", "12").header("etag", "\"e\"");
        answer
            .body(if request.method() == "GET" && status == 200 { "twelve bytes".into() } else { Body::empty() })
            .unwrap()
    });
    for (method, target, status) in [("HEAD", "/peers/x", 200), ("GET", "/peers/304", 304), ("GET", "/peers/x", 200)] {
        let answer = alice.call("chat", call(&bob.short_id, method, target, b"")).await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["etag"]), (status, &"\"e\"".parse().unwrap()));
        // hyper takes Content-Length off a 304, where it may stand or not (RFC 9110 §15.4.5).
        let declared = answer.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
        assert_eq!(declared.as_deref(), Some("12").filter(|_| status == 200), "{method} {target}");
        let length = answer.into_body().collect().await.unwrap().to_bytes().len();
        assert_eq!(length, if method == "GET" && status == 200 { 12 } else { 0 }, "{method} {target}");
    }
}

#[tokio::test]
async fn an_app_that_breaks_off_sends_nothing() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    let door = alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    zone.names().forget_questions();
    let head = format!("POST /internal/call_peer/{}/peers/x HTTP/1.1\r\nHost: x\r\n", bob.short_id);
    for rest in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
        let mut stream = tokio::net::TcpStream::connect(door).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, format!("{head}{rest}").as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await;
    }
    assert_eq!(zone.names().asked(), Vec::<String>::new());
    assert!(bob.seen().is_empty());
}

/// The most memory that this process has had, in MiB.
#[cfg(target_os = "linux")]
fn peak_mebibytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "moves 2 GiB; run it alone: cargo test -p portal-core --release --test it -- --ignored"]
async fn a_gibibyte_each_way_takes_constant_memory() {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 1024;
    let pieces =
        || stream::iter((0..PIECES).map(|_| Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![7_u8; PIECE])))));
    let zone = Zone::new();
    let large = |parts: &mut portal_core::parts::Parts| parts.profile.body_limit = 2 << 30;
    let alice = zone.portal_with(|builder| builder.replace(large)).await;
    let bob = zone.portal().await;
    alice.install("chat").await;
    alice.add(&bob).await;
    // A proxy that lets everything stream.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    zone.point(&bob.domain, listener.local_addr().unwrap());
    let acceptor = tokio_rustls::TlsAcceptor::from(zone.server_config(&bob.domain, &[b"h2", b"http/1.1"]));
    let proxy = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| async move {
            let mut body = request.into_body();
            let mut taken = 0;
            while let Some(frame) = body.frame().await {
                taken += frame.unwrap().into_data().unwrap().len();
            }
            assert_eq!(taken, PIECE * PIECES);
            Ok::<_, std::convert::Infallible>(Response::new(StreamBody::new(pieces())))
        });
        let io = hyper_util::rt::TokioIo::new(acceptor.accept(tcp).await.unwrap());
        let builder = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
        builder.serve_connection(io, service).await.unwrap();
    });
    let before = peak_mebibytes();
    let request = Request::post(format!("/internal/call_peer/{}/x", bob.short_id)).body(StreamBody::new(pieces()));
    let answer = send(alice.core.door("chat").unwrap(), request.unwrap()).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut taken = 0;
    while let Some(frame) = body.frame().await {
        taken += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(taken, PIECE * PIECES);
    let after = peak_mebibytes();
    assert!(after < before + 64, "from {before} to {after} MiB");
    proxy.abort();
}
