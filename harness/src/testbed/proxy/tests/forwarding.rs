//! What goes through unchanged, both ways.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::testbed::faults::ProxyFault;
use crate::wire::{Gate, generated_sha256};

const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
const BODY: &str = r#"{"hello": "world"}"#;

fn signed(body: &str) -> Call {
    Call::post("/", body.to_owned())
        .field("Content-Digest", DIGEST)
        .field("Signature-Input", r#"sig1=("@method" "content-digest");created=1"#)
        .field("Signature", "sig1=:AAAA:")
}

#[tokio::test]
async fn answers_come_back_as_they_are() {
    let scene = Scene::new().await;
    let answer = Answer::status(418).field("X-Odd", "1").field("X-Odd", "2").field("Set-Cookie", "a=b").body("tea");
    scene.app.answer_with(answer.clone().field("Connection", "x-hop").field("X-Hop", "1"));
    let reply = scene.send(Call::get("/")).await;
    assert_eq!((reply.status, reply.text().as_str()), (418, "tea"));
    assert_eq!(reply.fields.values("x-odd").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!((reply.field("set-cookie").as_deref(), reply.field("x-hop")), (Some("a=b"), None));
    scene.app.answer_with(Answer::redirect(302, "https://elsewhere.example/"));
    assert_eq!(scene.send(Call::get("/")).await.field("location").as_deref(), Some("https://elsewhere.example/"));
    scene.app.answer_with(Answer::status(200).body("12345"));
    let head = scene.send(Call::new("HEAD", "/")).await;
    assert_eq!((head.field("content-length").as_deref(), head.length), (Some("5"), 0));
}

#[tokio::test]
async fn bodies_stream_both_ways_while_both_are_open() {
    let scene = Scene::new().await;
    let (begun, more) = (Gate::new(), Gate::new());
    // The app answers before it has the body, pauses until the caller has seen the beginning; the caller goes on then.
    scene.app.answer_with(Answer::generated(300_000).before_body().pause_after(100_000, &more));
    let watched = begun.clone();
    let opener = async {
        watched.passed().await;
        more.open();
    };
    let call = Call::get("/").opens_with_answer(&begun);
    let (reply, ()) = tokio::join!(scene.send(call), opener);
    assert_eq!((reply.length, reply.sha256), (300_000, generated_sha256(300_000)));

    scene.app.answer_with(Answer::echo());
    let half = Gate::new();
    let call = Call::post("/", "").generated(500_000).chunked().pause_after(200_000, &half);
    let arrival = async {
        scene.app.wait_for_arrivals(2).await.unwrap();
        half.open();
    };
    let (reply, ()) = tokio::join!(scene.send(call), arrival);
    assert_eq!(reply.echo().unwrap().body_sha256, generated_sha256(500_000));
}

#[tokio::test]
async fn large_bodies_arrive_whole_over_both_protocols() {
    let scene = Scene::new().await;
    scene.app.answer_at("/big", Answer::generated(5_000_000));
    for call in [Call::post("/", "").generated(3_000_000), Call::post("/", "").generated(3_000_000).chunked()] {
        assert_eq!(scene.send(call.clone()).await.echo().unwrap().body_sha256, generated_sha256(3_000_000));
        let reply = scene.client.send_http2(APP, call).await.unwrap();
        assert_eq!(reply.echo().unwrap().body_sha256, generated_sha256(3_000_000));
    }
    assert_eq!(scene.send(Call::get("/big")).await.sha256, generated_sha256(5_000_000));
    assert_eq!(scene.client.send_http2(APP, Call::get("/big")).await.unwrap().sha256, generated_sha256(5_000_000));
}

#[tokio::test]
async fn a_body_of_unknown_length_goes_with_any_method() {
    let scene = Scene::new().await;
    let arrived = scene.send(Call::get("/").body("unusual").chunked()).await.echo().unwrap();
    assert_eq!((arrived.method.as_str(), arrived.body()), ("GET", Some(b"unusual".to_vec())));
}

#[tokio::test]
async fn a_connection_serves_several_requests() {
    let scene = Scene::new().await;
    let mut channel = scene.client.connect(APP).await.unwrap();
    for call in [Call::post("/1", "a").chunked().trailer("x", "y"), Call::post("/2", "bb"), Call::get("/3")] {
        let target = call.target().to_owned();
        assert_eq!(channel.send(call).await.unwrap().echo().unwrap().target, target);
    }
}

#[tokio::test]
async fn an_app_that_breaks_off_is_not_taken_for_one_that_is_done() {
    let scene = Scene::new().await;
    scene.app.answer_with(Answer::generated(100_000).cut_after(50_000));
    assert!(scene.client.send(APP, Call::get("/")).await.is_err());
    scene.app.answer_with(Answer::generated(100_000).chunked().cut_after(50_000));
    assert!(scene.client.send(APP, Call::get("/")).await.is_err());
    assert!(scene.client.send_http2(APP, Call::get("/")).await.is_err());
    scene.app.answer_with(Answer::raw("nonsense\r\n\r\n"));
    let reply = scene.send(Call::get("/")).await;
    assert_eq!((reply.status, code(&reply).as_str()), (502, "app_unreachable"));
}

#[tokio::test]
async fn a_caller_that_breaks_off_leaves_the_app_with_a_cut_body() {
    let scene = Scene::new().await;
    let _ = scene.client.send(APP, Call::post("/", "").generated(100_000).cut_after(50_000)).await;
    assert!(scene.app.wait_for(1).await.unwrap()[0].cut.is_some());
}

#[tokio::test]
async fn the_body_is_asked_for_only_when_the_app_wants_it() {
    let scene = Scene::new().await;
    let reply = scene.send(Call::post("/", "body").expect_continue()).await;
    assert_eq!((reply.status, reply.interim.as_slice()), (200, [100].as_slice()));
    assert_eq!(reply.echo().unwrap().body(), Some(b"body".to_vec()));
    scene.app.answer_with(Answer::status(413).before_body());
    let reply = scene.send(Call::post("/", "body").expect_continue()).await;
    assert_eq!((reply.status, reply.interim.as_slice()), (413, [].as_slice()));
    scene.refuse(401);
    let reply = scene.send(Call::post("/", "body").expect_continue()).await;
    assert_eq!((reply.status, reply.interim.as_slice()), (401, [].as_slice()));
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let scene = Scene::new().await;
    scene.app.answer_with(Answer::status(200).body("x").field("Trailer", "X-Sum").trailer("X-Sum", "2"));
    let call = Call::post("/", "body").field("Trailer", "X-Sum").trailer("X-Sum", "1").field("TE", "trailers");
    let reply = scene.send(call).await;
    assert_eq!(reply.trailers.get("x-sum").as_deref(), Some("2"));
    assert_eq!(scene.app.last_received().unwrap().trailers, [("x-sum".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn a_websocket_is_a_tunnel_once_permitted() {
    let scene = Scene::new().await;
    let mut socket = scene.client.websocket(APP, "/ws", &[("X-Ptl-Client-Id", "me")]).await.unwrap();
    for text in ["one", "GET / HTTP/1.1\r\n\r\n", "three"] {
        socket.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    assert_eq!(scene.core.received()[0].field("x-forwarded-uri"), Some("/ws"));
    socket.close(None).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    drop(socket);
    scene.refuse(401);
    assert!(scene.client.websocket(APP, "/ws", &[]).await.unwrap_err().to_string().contains("401"));
    assert_eq!(scene.app.arrivals(), 1);
}

#[tokio::test]
async fn no_other_protocol_is_switched_to() {
    let scene = Scene::new().await;
    let call = Call::get("/")
        .field("Connection", "Upgrade, HTTP2-Settings")
        .field("Upgrade", "h2c")
        .field("HTTP2-Settings", "AAMAAABk");
    let arrived = scene.send(call).await.echo().unwrap();
    assert_eq!((arrived.field("upgrade"), arrived.field("http2-settings")), (None, None));
    scene.app.answer_with(Answer::raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"));
    assert_eq!(scene.send(Call::get("/")).await.status, 502);
    let websocket = Call::post("/", "x").field("Connection", "Upgrade").field("Upgrade", "websocket");
    assert_eq!(scene.send(websocket).await.status, 502);
}

#[tokio::test]
async fn a_refused_handshake_leaves_the_connection_usable() {
    let scene = Scene::new().await;
    scene.app.answer_at("/ws", Answer::status(426));
    let mut channel = scene.client.connect(APP).await.unwrap();
    let call = Call::get("/ws").field("Connection", "Upgrade").field("Upgrade", "websocket");
    assert_eq!(channel.send(call).await.unwrap().status, 426);
    assert_eq!(channel.send(Call::get("/next")).await.unwrap().echo().unwrap().target, "/next");
}

#[tokio::test]
async fn a_signed_body_is_checked_before_the_app_sees_any_of_it() {
    let scene = Scene::new().await;
    assert_eq!(scene.send(signed(BODY)).await.echo().unwrap().body(), Some(BODY.as_bytes().to_vec()));
    assert_eq!(scene.send(signed(BODY).chunked()).await.status, 200);
    let before = scene.app.arrivals();
    let reply = scene.send(signed(r#"{"hello": "World"}"#)).await;
    assert_eq!((reply.status, code(&reply).as_str()), (400, "digest_mismatch"));
    let reply = scene.client.send_http2(APP, signed("")).await.unwrap();
    assert_eq!((reply.status, code(&reply).as_str()), (400, "digest_mismatch"));
    assert_eq!(scene.app.arrivals(), before);
    let unsigned = Call::post("/", "other").field("Content-Digest", DIGEST);
    assert_eq!(scene.send(unsigned).await.status, 200);
}

#[tokio::test]
async fn a_signed_body_is_checked_up_to_a_limit() {
    let mut limits = ProxyLimits::default();
    (limits.checked_body.memory, limits.checked_body.total) = (4, BODY.len() as u64);
    let scene = Scene::with(Faults::NONE, limits).await;
    assert_eq!(scene.send(signed(BODY)).await.status, 200);
    let longer = format!("{BODY} ");
    for call in [signed(&longer), signed(&longer).chunked(), signed("").generated(20_000_000)] {
        let reply = scene.send(call).await;
        assert_eq!((reply.status, code(&reply).as_str()), (413, "body_too_large"));
    }
    assert_eq!(scene.app.arrivals(), 1);
}

#[tokio::test]
async fn what_a_proxy_does_wrong_holds_from_the_next_request_on_also_on_an_open_connection() {
    let scene = Scene::new().await;
    let mut channel = scene.client.connect(APP).await.unwrap();
    let two_hosts = format!("GET /%41 HTTP/1.1\r\nHost: {APP}\r\nHost: {APP}\r\n\r\n");
    let mut target = async |faults: Faults| {
        scene.proxy.set_faults(faults);
        channel.send(Call::get("/%41")).await.unwrap().echo().unwrap().target
    };
    assert_eq!(target(Faults::NONE).await, "/%41");
    assert_eq!(target(ProxyFault::DecodesPath.into()).await, "/A");
    assert_eq!(target(Faults::NONE).await, "/%41");
    scene.proxy.set_faults(ProxyFault::TakesSeveralHosts.into());
    assert_eq!(channel.raw(two_hosts.as_bytes()).await.unwrap().status, 200);
    scene.proxy.set_faults(Faults::NONE);
    assert_eq!(channel.raw(two_hosts.as_bytes()).await.unwrap().status, 400);
}
