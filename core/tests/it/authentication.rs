//! What a Core answers its proxy (contract §8).

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use portal_core::rfc9421::{self, Message, Scheme, SignatureInput, SigningKey};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{Portal, Zone, json, question, send};

/// A request to bob's chat, signed with a Portal's key the way its Core signs.
struct Letter {
    target: &'static str,
    covered: &'static [&'static str],
    created_ago: u64,
    nonce: Option<&'static str>,
    keyid: String,
}

impl Letter {
    fn from(sender: &Portal, target: &'static str) -> Self {
        let keyid = sender.short_id.clone();
        Letter { target, covered: &["@method", "@target-uri"], created_ago: 0, nonce: None, keyid }
    }

    fn fields(&self, key: &SigningKey, bob: &Portal) -> HeaderMap {
        let mut request = rfc9421::Request::new("GET", self.target, Scheme::Https).unwrap();
        request.fields_mut().push("host", format!("chat.{}", bob.domain)).unwrap();
        let now = portal_core::clock::unix_seconds(&bob.clock);
        let mut input = SignatureInput::builder().components(self.covered.iter().copied());
        input = input.created(now - self.created_ago).keyid(&self.keyid);
        if let Some(nonce) = self.nonce {
            input = input.nonce(nonce);
        }
        let signed = rfc9421::sign(&Message::from(&request), "sig1", &input.build().unwrap(), key).unwrap();
        let mut fields = HeaderMap::new();
        fields.insert("signature-input", HeaderValue::try_from(signed.signature_input_value).unwrap());
        fields.insert("signature", HeaderValue::try_from(signed.signature_value).unwrap());
        fields
    }
}

/// Status, and the type of client that the Core tells the app.
async fn ask(bob: &Portal, target: &str, fields: &HeaderMap) -> (u16, Option<String>) {
    let host = format!("chat.{}", bob.domain);
    let (status, told) = question(bob.core.address(), &Method::GET, &host, target, fields).await;
    (status.as_u16(), told.get("x-ptl-client-type").map(|value| value.to_str().unwrap().to_owned()))
}

fn peer() -> (u16, Option<String>) {
    (200, Some("peer".into()))
}

async fn friends(zone: &Zone) -> (Portal, Portal) {
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    bob.install("chat").await;
    alice.befriend(&bob).await;
    (alice, bob)
}

#[tokio::test]
async fn a_signature_counts_for_what_was_signed_only() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let key = alice.core.identity().key();
    let fields = Letter::from(&alice, "/peers/x?a=1").fields(key, &bob);
    assert_eq!(ask(&bob, "/peers/x?a=1", &fields).await, peer());
    for target in ["/peers/x?a=2", "/peers/y?a=1", "/peers/x", "/peers/x?a=1&"] {
        assert_eq!(ask(&bob, target, &fields).await.0, 401, "{target}");
    }
    let stranger = SigningKey::generate_ed25519().unwrap();
    let forged = Letter::from(&alice, "/peers/x").fields(&stranger, &bob);
    assert_eq!(ask(&bob, "/peers/x", &forged).await.0, 401);
    assert_eq!(ask(&bob, "/public/x", &forged).await, (200, Some("anonymous".into())));
}

#[tokio::test]
async fn too_little_covered_or_too_old_is_nobody() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let key = alice.core.identity().key();
    let new = || Letter::from(&alice, "/peers/x");
    for covered in [&[][..], &["@method"], &["@target-uri"], &["@method", "@authority", "@path"]] {
        let fields = Letter { covered, ..new() }.fields(key, &bob);
        assert_eq!(ask(&bob, "/peers/x", &fields).await.0, 401, "{covered:?}");
    }
    let parts = Letter { covered: &["@query", "@path", "@authority", "@method"], ..new() };
    assert_eq!(ask(&bob, "/peers/x", &parts.fields(key, &bob)).await, peer());
    for (created_ago, expected) in [(0, 200), (299, 200), (400, 401)] {
        let fields = Letter { created_ago, ..new() }.fields(key, &bob);
        assert_eq!(ask(&bob, "/peers/x", &fields).await.0, expected, "{created_ago}");
    }
    let fields = new().fields(key, &bob);
    bob.clock.advance(Duration::from_secs(3_600));
    assert_eq!(ask(&bob, "/peers/x", &fields).await.0, 401);
}

#[tokio::test]
async fn a_nonce_counts_once_also_across_a_restart() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let key = alice.core.identity().key();
    let fields = Letter { nonce: Some("n1"), ..Letter::from(&alice, "/peers/x") }.fields(key, &bob);
    assert_eq!(ask(&bob, "/peers/x", &fields).await, peer());
    assert_eq!(ask(&bob, "/peers/x", &fields).await.0, 401);
    let bob = bob.restart(&zone).await;
    assert_eq!(ask(&bob, "/peers/x", &fields).await.0, 401);
    let fields = Letter { nonce: Some("n2"), ..Letter::from(&alice, "/peers/x") }.fields(key, &bob);
    assert_eq!(ask(&bob, "/peers/x", &fields).await, peer());
}

#[tokio::test]
async fn one_good_signature_among_bad_ones_is_enough() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let good = Letter::from(&alice, "/peers/x").fields(alice.core.identity().key(), &bob);
    let mut fields = HeaderMap::new();
    for n in 0..7 {
        let input = format!("bad{n}=(\"@method\" \"@target-uri\");created=1;keyid=\"{}\"", alice.short_id);
        fields.append("signature-input", input.parse().unwrap());
        fields.append("signature", format!("bad{n}=:AAAA:").parse().unwrap());
    }
    for (name, value) in &good {
        fields.append(name, value.clone());
    }
    assert_eq!(ask(&bob, "/peers/x", &fields).await, peer());
}

#[tokio::test]
async fn a_question_that_lacks_a_part_is_a_bad_one() {
    let zone = Zone::new();
    let bob = zone.portal().await;
    bob.install("chat").await;
    let host = format!("chat.{}", bob.domain);
    let all = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", host.as_str()),
        ("x-forwarded-uri", "/public/x"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let ask = |skip: &'static str, change: Option<(&'static str, &'static str)>| {
        let mut request = Request::get("/internal/auth");
        for (name, value) in all.iter().filter(|(name, _)| *name != skip) {
            let value = change.filter(|(changed, _)| changed == name).map_or(*value, |(_, value)| value);
            request = request.header(*name, value);
        }
        let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
        let address = bob.core.address();
        async move { json(send(address, request).await).await }
    };
    assert_eq!(ask("", None).await.0, 200);
    for (name, _) in all {
        let name: &'static str = name;
        let (status, reason) = ask(name, None).await;
        assert_eq!((status.as_u16(), &reason["code"]), (400, &Value::from("forwarded_missing")), "{name}");
    }
    let odd = [
        ("x-forwarded-method", "GE T"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-uri", "public/x"),
        ("x-forwarded-uri", "https://evil.example/public/x"),
        ("x-forwarded-uri", "/public/\u{e4}"),
        ("x-forwarded-host", "...."),
        ("x-forwarded-host", "chat.aaaaaa.zone.test"),
        ("x-forwarded-host", "evil.example"),
    ];
    for change in odd {
        let (status, reason) = ask("", Some(change)).await;
        assert!([400, 401, 404].contains(&status.as_u16()), "{change:?}: {status}");
        assert!(reason["reason"].is_string(), "{change:?}");
    }
}

#[tokio::test]
async fn a_host_is_compared_without_case_and_an_app_has_to_be_there() {
    let zone = Zone::new();
    let bob = zone.portal().await;
    bob.install("chat").await;
    let none = HeaderMap::new();
    for (host, status) in [
        (format!("chat.{}", bob.domain), 200),
        (format!("CHAT.{}", bob.domain.to_uppercase()), 200),
        (format!("nothere.{}", bob.domain), 404),
        (format!("x.chat.{}", bob.domain), 404),
        (bob.domain.clone(), 404),
    ] {
        let (answer, _) = question(bob.core.address(), &Method::GET, &host, "/public/x", &none).await;
        assert_eq!(answer, status, "{host}");
    }
}

#[tokio::test]
async fn a_stranger_can_not_tell_who_is_a_peer() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let stranger = SigningKey::generate_ed25519().unwrap();
    let mut answers = Vec::new();
    for keyid in [alice.short_id.clone(), "aaaaaa".to_owned()] {
        let fields = Letter { keyid, ..Letter::from(&alice, "/peers/x") }.fields(&stranger, &bob);
        let mut request = Request::get("/internal/auth").body(Full::<bytes::Bytes>::default()).unwrap();
        *request.headers_mut() = fields;
        let host = format!("chat.{}", bob.domain);
        let told = [("method", "GET"), ("proto", "https"), ("host", &host), ("uri", "/peers/x"), ("for", "1.2.3.4")];
        for (name, value) in told {
            let name = http::HeaderName::try_from(format!("x-forwarded-{name}")).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = send(bob.core.address(), request).await;
        let head = (answer.status(), answer.headers().clone());
        answers.push((head, answer.into_body().collect().await.unwrap().to_bytes()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_key_of_a_peer_that_was_away_is_fetched_by_its_next_request() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    bob.install("chat").await;
    let there = zone.address(&alice.domain);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    zone.point(&alice.domain, closed);
    let body = serde_json::json!({ "id": alice.short_id, "name": "Alice" }).to_string();
    let (status, answer) = bob.ask("PUT", "/protected/peers", body).await;
    assert_eq!((status.as_u16(), &answer["is_reachable"]), (200, &Value::Bool(false)));

    let key = alice.core.identity().key();
    assert_eq!(ask(&bob, "/peers/x", &Letter::from(&alice, "/peers/x").fields(key, &bob)).await.0, 401);
    zone.point(&alice.domain, there);
    assert_eq!(ask(&bob, "/peers/x", &Letter::from(&alice, "/peers/x").fields(key, &bob)).await, peer());
    let (_, listed) = bob.ask("GET", "/protected/peers", "").await;
    assert_eq!((&listed[0]["is_reachable"], &listed[0]["id"]), (&true.into(), &alice.core.id().as_str().into()));
}

#[tokio::test]
async fn a_peer_that_comes_back_is_found_in_the_background() {
    let zone = Zone::new();
    let alice = zone.portal().await;
    let bob =
        zone.portal_with(|builder| builder.replace(|parts| parts.limits.key_retry = Duration::from_millis(50))).await;
    let there = zone.address(&alice.domain);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    zone.point(&alice.domain, closed);
    let body = serde_json::json!({ "id": alice.short_id }).to_string();
    bob.ask("PUT", "/protected/peers", body).await;
    zone.point(&alice.domain, there);
    let found = async {
        while bob.ask("GET", "/protected/peers", "").await.1[0]["is_reachable"] != Value::Bool(true) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), found).await.unwrap();
}

#[tokio::test]
async fn strangers_do_not_make_a_core_ask_endlessly() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    bob.install("chat").await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    zone.point(&alice.domain, closed);
    bob.ask("PUT", "/protected/peers", serde_json::json!({ "id": alice.short_id }).to_string()).await;
    zone.names().forget_questions();
    let stranger = SigningKey::generate_ed25519().unwrap();
    for _ in 0..30 {
        let fields = Letter::from(&alice, "/peers/x").fields(&stranger, &bob);
        assert_eq!(ask(&bob, "/peers/x", &fields).await.0, 401);
    }
    assert!((1..=6).contains(&zone.names().asked().len()), "{:?}", zone.names().asked());
}

#[tokio::test]
async fn a_signature_that_can_not_count_makes_nobody_be_asked() {
    let zone = Zone::new();
    let (alice, bob) = (zone.portal().await, zone.portal().await);
    bob.install("chat").await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    zone.point(&alice.domain, closed);
    bob.ask("PUT", "/protected/peers", serde_json::json!({ "id": alice.short_id }).to_string()).await;
    let key = alice.core.identity().key();
    for poor in [
        Letter { covered: &["@method"], ..Letter::from(&alice, "/peers/x") },
        Letter { created_ago: 4_000, ..Letter::from(&alice, "/peers/x") },
    ] {
        zone.names().forget_questions();
        assert_eq!(ask(&bob, "/peers/x", &poor.fields(key, &bob)).await.0, 401);
        assert!(zone.names().asked().is_empty());
    }
    ask(&bob, "/peers/x", &Letter::from(&alice, "/peers/x").fields(key, &bob)).await;
    assert_eq!(zone.names().asked().len(), 1);
}

#[tokio::test]
async fn a_paired_terminal_is_known_until_it_is_revoked() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let (status, code) = bob.ask("GET", "/protected/terminals/pairing-code?deadline=60", "").await;
    assert_eq!(status, 201);
    let code = code["code"].as_str().unwrap().to_owned();
    let pair = |code: String| {
        let request = Request::post(format!("/public/pair/terminal?code={code}"));
        send(bob.core.address(), request.body(Full::from(r#"{"name": "notebook"}"#)).unwrap())
    };
    let answer = pair(code.clone()).await;
    assert_eq!(answer.status(), 201);
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", &format!("; Domain={}", bob.domain)] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert_eq!(pair(code).await.status(), 401, "a code counts once");

    let cookie = set.split(';').next().unwrap().to_owned();
    let with = |line: String| HeaderMap::from_iter([(http::header::COOKIE, line.parse().unwrap())]);
    let terminal = (200, Some("terminal".to_owned()));
    assert_eq!(ask(&bob, "/public/x", &with(format!("a=b; {cookie}"))).await, terminal);
    assert_eq!(ask(&bob, "/notes", &with(cookie.clone())).await.0, 200);
    // It wins over a signature; a bad one leaves the signature its chance.
    let signed = Letter::from(&alice, "/peers/x").fields(alice.core.identity().key(), &bob);
    let mut both = signed.clone();
    both.extend(with(cookie.clone()));
    assert_eq!(ask(&bob, "/peers/x", &both).await.0, 401);
    let mut bad = signed;
    bad.extend(with(format!("{cookie}x")));
    assert_eq!(ask(&bob, "/peers/x", &bad).await, peer());

    let request = || Request::get("/internal/authenticate_terminal").header("cookie", &cookie);
    let answer = send(bob.core.address(), request().body(Full::<bytes::Bytes>::default()).unwrap()).await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["x-ptl-client-name"]), (200, &"notebook".parse().unwrap()));
    let (_, terminals) = bob.ask("GET", "/protected/terminals", "").await;
    let id = terminals[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bob.ask("DELETE", &format!("/protected/terminals/{id}"), "").await.0, 204);
    assert_eq!(ask(&bob, "/notes", &with(cookie.clone())).await.0, 401);
    let answer = send(bob.core.address(), request().body(Full::<bytes::Bytes>::default()).unwrap()).await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn where_a_body_follows_its_digest_has_to_be_covered() {
    let zone = Zone::new();
    let (alice, bob) = friends(&zone).await;
    let key = alice.core.identity().key();
    for (told, expected) in [(None, 200), (Some("absent"), 200), (Some("present"), 401)] {
        let mut fields = Letter::from(&alice, "/peers/x").fields(key, &bob);
        if let Some(told) = told {
            fields.insert("x-forwarded-body", HeaderValue::from_static(told));
        }
        assert_eq!(ask(&bob, "/peers/x", &fields).await.0, expected, "{told:?}");
    }
}
