//! Requests from outside, and what a proxy asks.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{self, Message};

use super::pair;
use crate::testbed::Forwarded;
use crate::trace::lines;
use crate::wire::{Call, Fields, WireError, generated_sha256};

#[tokio::test]
async fn strangers_and_terminals_are_told_apart_over_both_versions_of_http() {
    let (testbed, _, bob) = pair().await;
    let app = bob.app("chat").unwrap();
    let host = bob.host_of("chat");
    let phone = bob.pair("phone").await.unwrap();
    assert!(phone.set_cookie.contains("HttpOnly"), "{}", phone.set_cookie);
    let stranger = testbed.outside();
    for client in [stranger, &phone.client] {
        let known = client.send(&host, Call::get("/notes")).await.unwrap();
        let known_h2 = client.send_http2(&host, Call::get("/notes")).await.unwrap();
        assert_eq!((known.status, known.version.as_str()), (known_h2.status, "HTTP/1.1"));
        assert_eq!(known_h2.version, "HTTP/2");
        let expected = if client.cookie.is_some() { 200 } else { 401 };
        assert_eq!(known.status, expected);
        assert_eq!(app.echo().arrivals(), if expected == 200 { 2 } else { 0 });
    }
    assert_eq!(app.echo().last_received().unwrap().field("x-ptl-client-name"), Some("phone"));
    assert_eq!(app.echo().last_received().unwrap().field("cookie"), None, "PROXY-7");
}

#[tokio::test]
async fn a_refused_request_ends_at_the_core() {
    let (testbed, _, bob) = pair().await;
    let reply = bob.send_to("chat", Call::get("/notes")).await.unwrap();
    assert_eq!(
        lines(&testbed.trace().hops(&reply.trace_id.unwrap())),
        "outside -> proxy on bob: GET /notes\n\
         proxy on bob -> Core on bob: GET /internal/auth\n\
         Core on bob -> proxy on bob: 401 to GET /internal/auth (access_denied: this path is not open to you)\n\
         proxy on bob -> outside: 401 to GET /notes"
    );
}

#[tokio::test]
async fn bodies_trailers_and_the_go_ahead_pass_the_proxy_over_both_versions() {
    const LENGTH: u64 = 3 << 20;
    let (testbed, _, bob) = pair().await;
    let host = bob.host_of("chat");
    let call = Call::new("PUT", "/public/x").generated(LENGTH).trailer("x-sum", "1");
    for reply in [
        testbed.outside().send(&host, call.clone()).await.unwrap(),
        testbed.outside().send_http2(&host, call.clone()).await.unwrap(),
    ] {
        let echo = reply.echo().unwrap();
        assert_eq!((echo.body_length, echo.body_sha256), (LENGTH, generated_sha256(LENGTH)));
        assert_eq!(echo.trailers, [("x-sum".to_owned(), "1".to_owned())]);
    }
    let reply = testbed.outside().send(&host, Call::post("/public/", "abc").expect_continue()).await.unwrap();
    assert_eq!((reply.interim.as_slice(), reply.status), ([100].as_slice(), 200));
}

#[tokio::test]
async fn websockets_pass_the_proxy_where_the_core_lets_them() {
    let (testbed, _, bob) = pair().await;
    let host = bob.host_of("chat");
    let refused = testbed.outside().websocket(&host, "/notes", &[]).await.unwrap_err();
    assert!(matches!(refused, tungstenite::Error::Http(answer) if answer.status() == 401));
    let mut socket = testbed.outside().websocket(&host, "/public/live", &[("x-odd", "1")]).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    assert_eq!(bob.app("chat").unwrap().echo().last_received().unwrap().field("x-odd"), Some("1"));
}

#[tokio::test]
async fn raw_bytes_reach_the_proxy_as_they_are() {
    let (testbed, _, bob) = pair().await;
    let host = bob.host_of("chat");
    let request = |more: &str| format!("GET /public/ HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
    let replies = |bytes: String| {
        let (client, host) = (testbed.outside().clone(), host.clone());
        async move { client.connect(&host).await.unwrap().raw_until_close(bytes.as_bytes()).await.unwrap() }
    };
    let good = replies(request("")).await;
    assert_eq!(good.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200]);
    let bad = replies(request(&format!("Host: {host}\r\n"))).await;
    assert_eq!(bad.iter().map(|reply| reply.status).collect::<Vec<_>>(), [400]);
}

#[tokio::test]
async fn plain_http_and_foreign_names_are_not_served() {
    let (testbed, alice, bob) = pair().await;
    let host = bob.host_of("chat");
    let reply = testbed.outside().plain(bob.plain_address(), &host, Call::get("/public/")).await.unwrap();
    assert_ne!(reply.status, 200);
    let unknown = testbed.outside().send("chat.zzzzzz.p.getportal.org", Call::get("/")).await;
    assert!(matches!(unknown, Err(WireError::NoSuchHost(_))), "{unknown:?}");
    let other = testbed.outside().connect_as(&host, &alice.host_of("chat")).await;
    assert!(matches!(other, Err(WireError::Tls { .. })), "the certificate is bob's: {other:?}");
    assert_eq!(bob.app("chat").unwrap().echo().arrivals(), 0);
}

#[tokio::test]
async fn a_core_can_be_asked_as_its_proxy_asks() {
    let (_testbed, _, bob) = pair().await;
    let ask = |forwarded: Forwarded| {
        let bob = bob.clone();
        async move { bob.ask_auth(&forwarded, &Fields::new()).await.unwrap() }
    };
    let public = Forwarded::new("GET", bob.host_of("chat"), "/public/x");
    let reply = ask(public.clone()).await;
    assert_eq!((reply.status, reply.field("x-ptl-client-type").as_deref()), (200, Some("anonymous")));
    assert_eq!(ask(Forwarded::new("GET", bob.host_of("chat"), "/peers/x")).await.status, 401);
    assert_eq!(ask(Forwarded { uri: None, ..public }).await.status, 400);
}

#[tokio::test]
async fn the_public_port_is_part_of_every_authority() {
    use crate::testbed::Testbed;
    use crate::topology::{Peering, Topology};
    let topology = Topology::new().portals(["alice", "bob"]).app_on_all(&super::chat()).peering(Peering::All);
    let testbed = Testbed::start(topology.zone("zone.test").public_port(8443)).await.unwrap();
    let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
    let reply = alice.app("chat").unwrap().call_peer(bob.id(), Call::get("/peers/")).await.unwrap();
    assert_eq!(reply.echo().unwrap().host, format!("chat.{}.zone.test:8443", bob.short_id()));
    assert_eq!(bob.send_to("chat", Call::get("/public/")).await.unwrap().status, 200);
}
