//! Calls between Cores (contract §6 and §7).

use std::{sync::Arc, time::Duration};

use crate::support::Zone;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use portal_core::digest::ContentDigest;
use serde_json::Value;
use tokio::{net::TcpListener, time::timeout};

pub(crate) fn call(peer: &str, method: &str, target: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    let uri = format!("/internal/call_peer/{peer}{target}");
    Request::builder().method(method).uri(uri).body(Full::from(body)).unwrap()
}

#[tokio::test]
async fn a_call_arrives_as_it_was_sent_and_is_let_in_as_the_peer() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    bob.answer_with(|_| {
        Response::builder()
            .status(207)
            .header("x-a", "1")
            .header("x-a", "2")
            .header("proxy-authenticate", "x")
            .body("hi".into())
            .unwrap()
    });

    let mut request = call(&bob.short_id, "PATCH", "/peers//a/%2e%2E/%c3%a4?q=%20+&q=", b"hello");
    request.headers_mut().append("x-many", "1".parse().unwrap());
    request.headers_mut().append("x-many", "2".parse().unwrap());
    request.headers_mut().append("x-ptl-client-id", "forged".parse().unwrap());
    let answer = alice.call("chat", request).await;
    assert_eq!(answer.status(), 207);
    assert_eq!(answer.headers().get_all("x-a").iter().count(), 2);
    assert!(!answer.headers().contains_key("proxy-authenticate"), "hop-by-hop");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hi");

    let seen = bob.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method(), "PATCH");
    assert_eq!(seen[0].uri().path_and_query().unwrap(), "/peers//a/%2e%2E/%c3%a4?q=%20+&q=");
    assert_eq!(seen[0].body(), "hello");
    let fields = seen[0].headers();
    assert_eq!(fields["x-ptl-client-type"], "peer");
    assert_eq!(fields["x-ptl-client-id"], alice.core.id().as_str());
    assert_eq!(fields.get_all("x-many").iter().collect::<Vec<_>>(), ["1", "2"]);
    let digest = ContentDigest::parse([fields["content-digest"].as_bytes()]).unwrap();
    digest.check(b"hello").unwrap();
}

#[tokio::test]
async fn both_have_to_have_added_each_other() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    assert_eq!(alice.get("chat", &format!("{}/peers/x", bob.short_id)).await.0, 404);
    alice.add(&bob).await;
    assert_eq!(alice.get("chat", &format!("{}/peers/x", bob.short_id)).await.0, 401);
    assert_eq!(alice.get("chat", &format!("{}/public/x", bob.short_id)).await.0, 200);
    assert_eq!(bob.seen()[0].headers()["x-ptl-client-type"], "anonymous");
    bob.add(&alice).await;
    assert_eq!(alice.get("chat", &format!("{}/peers/x", bob.short_id)).await.0, 200);
    bob.ask("DELETE", &format!("/protected/peers/{}", alice.short_id), "").await;
    assert_eq!(alice.get("chat", &format!("{}/peers/x", bob.short_id)).await.0, 401);
}

#[tokio::test]
async fn nothing_but_a_peer_is_connected_to() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    alice.add(&bob).await;
    zone.names().forget_questions();
    let short = &bob.short_id;
    let odd = ["evil.example", "evil.example%23", "______", ".*", "%25%25%25%25%25%25", "localhost", "127.0.0.1", "*"];
    let more = [format!("{short}.evil.example"), format!("{short}:8443"), format!("{short}%00"), format!("x@{short}")];
    // In capitals it is nobody's; one of digits alone has none.
    let capitals = Some(short.to_uppercase()).filter(|capitals| capitals != short);
    let others = ["aaaaaa".to_owned(), "abc".to_owned()];
    for peer in odd.iter().map(ToString::to_string).chain(more).chain(capitals).chain(others) {
        let (status, reason) = alice.get("chat", &format!("{peer}/peers/x")).await;
        assert!([404, 422].contains(&status.as_u16()), "{peer}: {status} {reason}");
        assert!(reason["reason"].is_string() && reason["code"].is_string(), "{peer}: {reason}");
    }
    assert_eq!(zone.names().asked(), Vec::<String>::new());
    // Without a door's claim nobody is an app.
    let (status, reason) = alice.ask("GET", &format!("/internal/call_peer/{short}/x"), "").await;
    assert_eq!((status.as_u16(), &reason["code"]), (403, &Value::from("caller_unknown")));
}

#[tokio::test]
async fn a_redirect_is_handed_back() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    zone.names().forget_questions();
    bob.answer_with(|_| {
        Response::builder().status(307).header("location", "https://elsewhere.zone.test/").body("there".into()).unwrap()
    });
    let answer = alice.call("chat", call(&bob.short_id, "POST", "/peers/x", b"secret")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (307, &"https://elsewhere.zone.test/".parse().unwrap())
    );
    assert_eq!(bob.seen().len(), 1);
    assert!(zone.names().asked().iter().all(|host| *host == format!("chat.{}", bob.domain)));
}

#[tokio::test]
async fn a_peer_that_is_away_silent_or_false_is_told_apart() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    zone.point(&bob.domain, address);
    let target = format!("{}/peers/x", bob.short_id);
    let (status, reason) = alice.get("chat", &target).await;
    assert_eq!((status.as_u16(), &reason["code"]), (502, &Value::from("peer_unreachable")));

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    zone.point(&bob.domain, silent.local_addr().unwrap());
    let (status, reason) = alice.get("chat", &target).await;
    assert_eq!((status.as_u16(), &reason["code"]), (504, &Value::from("peer_silent")));

    // Somebody else's certificate.
    let carol = zone.portal().await;
    let carols = zone.names().clone();
    zone.point(&bob.domain, portal_core::resolve::Resolve::resolve(&carols, &carol.domain, 443).await.unwrap()[0]);
    let (status, reason) = alice.get("chat", &target).await;
    assert_eq!((status.as_u16(), &reason["code"]), (502, &Value::from("peer_unreachable")));
    assert!(carol.seen().is_empty());
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_request_is_silent() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    zone.point(&bob.domain, listener.local_addr().unwrap());
    let acceptor = tokio_rustls::TlsAcceptor::from(zone.server_config(&bob.domain, &[b"http/1.1"]));
    let quiet = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let tls = acceptor.accept(tcp).await.unwrap();
        std::future::pending::<()>().await;
        drop(tls);
    });
    let (status, reason) = alice.get("chat", &format!("{}/peers/x", bob.short_id)).await;
    assert_eq!((status.as_u16(), &reason["code"]), (504, &Value::from("peer_silent")));
    quiet.abort();
}

#[tokio::test]
async fn portals_call_each_other_at_once_without_blocking() {
    let zone = Zone::new();
    let (alice, bob) = (Arc::new(zone.portal().await), Arc::new(zone.portal().await));
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    let body: &'static [u8] = vec![1_u8; 3 << 20].leak();
    for portal in [&alice, &bob] {
        portal.answer_with(move |_| Response::new(Body::from(body)));
    }
    let mut calls = tokio::task::JoinSet::new();
    for (from, to) in [(&alice, &bob), (&bob, &alice)] {
        for _ in 0..20 {
            let (from, peer) = (from.clone(), to.short_id.clone());
            calls.spawn(async move {
                let answer = from.call("chat", call(&peer, "POST", "/peers/x", body)).await;
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), body.len());
            });
        }
    }
    let all = async {
        while let Some(done) = calls.join_next().await {
            done.unwrap()
        }
    };
    timeout(Duration::from_secs(60), all).await.unwrap();
}

#[tokio::test]
async fn the_apps_own_signatures_stay_beside_ours() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    alice.install("chat").await;
    bob.install("chat").await;
    alice.befriend(&bob).await;
    for (input, signature, labels) in [
        (r#"portal=("@method");created=1"#, "portal=:AAAA:", vec!["portal2", "portal"]),
        (r#"mine=("@method");created=1"#, "mine=:AAAA:", vec!["portal", "mine"]),
        (r#"mine=("@method""#, "mine=:AAAA:", vec!["portal"]),
    ] {
        let mut request = call(&bob.short_id, "GET", "/peers/x", b"");
        request.headers_mut().insert("signature-input", input.parse().unwrap());
        request.headers_mut().insert("signature", signature.parse().unwrap());
        assert_eq!(alice.call("chat", request).await.status(), 200, "{input}");
        let seen = bob.seen().remove(0);
        let lines = seen.headers().get_all("signature-input").iter();
        let found: Vec<_> = lines.map(|line| line.to_str().unwrap().split('=').next().unwrap().to_owned()).collect();
        assert_eq!(found, labels);
    }
}
