//! Calls between Portals, and to Portals that misbehave.

use std::net::IpAddr;
use std::time::Duration;

use super::{chat, pair};
use crate::testbed::pki::CertificateKind;
use crate::testbed::{Answer, Testbed};
use crate::topology::{KeyPlan, Peering, PortalPlan, Topology};
use crate::wire::{Call, Gate, WireError, generated_sha256};

#[tokio::test]
async fn portals_with_any_kinds_of_keys_call_each_other() {
    let plan = |name: &str, key| PortalPlan::new(name).key(key);
    let topology = Topology::new()
        .portal(plan("alice", KeyPlan::Ed25519))
        .portal(plan("bob", KeyPlan::RsaPss2048))
        .portal(plan("carol", KeyPlan::RsaPss4096))
        .app_on_all(&chat())
        .peering(Peering::All);
    let testbed = Testbed::start(topology).await.unwrap();
    for from in testbed.portals() {
        for to in testbed.portals().iter().filter(|to| to.id() != from.id()) {
            let reply = from.app("chat").unwrap().call_peer(to.id(), Call::get("/peers/")).await.unwrap();
            let echo = reply.echo().unwrap();
            assert_eq!((echo.portal.as_str(), echo.field("x-ptl-client-id")), (to.name(), Some(from.id())));
        }
    }
}

#[tokio::test]
async fn long_bodies_go_both_ways_and_are_told_by_their_hash() {
    const LENGTH: u64 = 24 << 20;
    let (_testbed, alice, bob) = pair().await;
    let (from, to) = (alice.app("chat").unwrap(), bob.app("chat").unwrap());
    to.echo().answer_with(Answer::generated(LENGTH).chunked());
    let reply = from.call_peer(bob.id(), Call::new("PUT", "/peers/up").generated(LENGTH)).await.unwrap();
    assert_eq!((reply.length, reply.sha256), (LENGTH, generated_sha256(LENGTH)));
    let received = to.echo().last_received().unwrap();
    assert_eq!((received.body_length, received.body_sha256), (LENGTH, generated_sha256(LENGTH)));
}

#[tokio::test]
async fn an_answer_streams_through_all_hops() {
    let (_testbed, alice, bob) = pair().await;
    let arrived = Gate::new();
    bob.app("chat").unwrap().echo().answer_with(Answer::generated(100_000).chunked().pause_after(10, &arrived));
    let call = Call::get("/peers/").opens_with_answer(&arrived);
    let reply = alice.app("chat").unwrap().call_peer(bob.id(), call).await.unwrap();
    assert_eq!(reply.sha256, generated_sha256(100_000));
}

#[tokio::test]
async fn two_portals_call_each_other_at_the_same_moment() {
    let (_testbed, alice, bob) = pair().await;
    let (a, b) = (alice.app("chat").unwrap(), bob.app("chat").unwrap());
    let both = Gate::new();
    for app in [&a, &b] {
        app.echo().answer_with(Answer::status(204).held_by(&both));
    }
    let there = async { tokio::join!(a.echo().wait_for(1), b.echo().wait_for(1)) };
    let (one, other, seen) = tokio::join!(
        a.call_peer(bob.id(), Call::get("/peers/")),
        b.call_peer(alice.id(), Call::get("/peers/")),
        async {
            let seen = there.await;
            both.open();
            seen
        },
    );
    assert!(seen.0.is_ok() && seen.1.is_ok());
    assert_eq!((one.unwrap().status, other.unwrap().status), (204, 204));
}

#[tokio::test]
async fn an_app_can_pass_a_call_on_before_it_answers() {
    let (testbed, alice, bob) = pair().await;
    let relay = bob.app("chat").unwrap();
    let to = alice.id().to_owned();
    bob.app("chat").unwrap().echo().answer_with(Answer::computed(move |received| {
        let (relay, to) = (relay.clone(), to.clone());
        async move {
            let call = Call::get("/peers/back").field("countersign-trace", received.trace_id().unwrap_or_default());
            relay.call_peer(&to, call).await.map_or(Answer::status(500), |reply| Answer::status(reply.status))
        }
    }));
    let reply = alice.app("chat").unwrap().call_peer(bob.id(), Call::get("/peers/")).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(testbed.trace().hops(&reply.trace_id.unwrap()).len(), 16);
    let back = alice.app("chat").unwrap().echo().last_received().unwrap();
    assert_eq!((back.target.as_str(), back.field("x-ptl-client-id")), ("/peers/back", Some(bob.id())));
}

#[tokio::test]
async fn an_app_is_known_by_its_address_too() {
    let (_testbed, alice, bob) = pair().await;
    let source: IpAddr = "127.0.0.21".parse().unwrap();
    let refused = alice.call_peer_from(source, bob.id(), Call::get("/peers/x")).await.unwrap();
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    alice.install_at(&chat(), Some(source)).await.unwrap();
    let reply = alice.call_peer_from(source, bob.id(), Call::get("/peers/x")).await.unwrap();
    assert_eq!(reply.echo().unwrap().target, "/peers/x");
}

#[tokio::test]
async fn a_door_is_an_http_proxy_for_the_core_and_takes_raw_bytes() {
    let (_testbed, alice, bob) = pair().await;
    let app = alice.app("chat").unwrap();
    let url = format!("http://portal_core/internal/call_peer/{}/peers/x", bob.short_id());
    assert_eq!(app.ask_as_proxy(&url, Call::get("")).await.unwrap().echo().unwrap().target, "/peers/x");
    let elsewhere = app.ask_as_proxy("http://evil.example/", Call::get("")).await.unwrap();
    assert!(elsewhere.status >= 400);
    assert_eq!(app.ask(Call::get("/protected/peers")).await.unwrap().json().unwrap()[0]["id"], bob.id());
    let raw = app.raw(b"GET /public/meta/whoareyou HTTP/1.1\r\nHost: portal_core\r\n\r\n").await.unwrap();
    assert_eq!(raw.json().unwrap()["id"], alice.id());
}

#[tokio::test]
async fn who_is_away_or_silent_or_not_who_he_says_is_told_apart() {
    let (_testbed, alice, bob) = pair().await;
    let app = alice.app("chat").unwrap();
    let status = async || app.call_peer(bob.id(), Call::get("/peers/")).await.unwrap().status;
    bob.leave().await;
    assert_eq!(status().await, 502);
    bob.come_back();
    assert_eq!(status().await, 200);
    bob.present(CertificateKind::Expired).await.unwrap();
    assert_eq!(status().await, 502);
    bob.present(CertificateKind::Good).await.unwrap();
    bob.app("chat").unwrap().echo().answer_once(Answer::silence());
    assert_eq!(status().await, 504);
    bob.fall_silent().await;
    assert!(matches!(status().await, 502 | 504));
    assert_eq!(alice.lookups().await.unwrap().last().unwrap(), &bob.host_of("chat"));
}

#[tokio::test]
async fn a_broken_answer_is_broken_at_the_caller_too() {
    let (_testbed, alice, bob) = pair().await;
    bob.app("chat").unwrap().echo().answer_with(Answer::generated(1 << 20).cut_after(1 << 19));
    let outcome = alice.app("chat").unwrap().call_peer(bob.id(), Call::get("/peers/")).await;
    assert!(matches!(outcome, Err(WireError::Cut { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_fake_portal_is_called_like_any_other() {
    let (testbed, alice, _) = pair().await;
    let carol = testbed.fake_portal("carol", &KeyPlan::RsaPss2048).await.unwrap();
    alice.add_peer(carol.short_id()).await.unwrap();
    let listed = alice.peers().await.unwrap();
    let entry = listed.iter().find(|peer| peer["id"] == carol.id()).unwrap();
    assert_eq!((&entry["is_reachable"], &entry["name"]), (&true.into(), &"carol".into()));

    let elsewhere = testbed.fake_portal("elsewhere", &KeyPlan::Ed25519).await.unwrap();
    carol.front().answer_with(Answer::redirect(307, &format!("https://chat.{}/", elsewhere.domain())));
    let reply = alice.app("chat").unwrap().call_peer(carol.id(), Call::post("/x", "secret")).await.unwrap();
    assert_eq!(reply.status, 307);
    assert!(carol.received()[0].field("signature").is_some());
    assert_eq!(elsewhere.front().arrivals(), 0);
    let hops = testbed.trace().hops(&reply.trace_id.unwrap());
    assert_eq!(hops.iter().map(|hop| hop.to.to_string()).collect::<Vec<_>>()[..2], ["Core on alice", "proxy on carol"]);
}

#[tokio::test]
async fn a_fake_portal_can_lie_about_itself() {
    let (testbed, alice, _) = pair().await;
    let mallory = testbed.fake_portal("mallory", &KeyPlan::Ed25519).await.unwrap();
    let mut lie = mallory.introduction();
    lie["public_key_pem"] = alice.public_key_pem().into();
    mallory.introduce_as(Answer::json(&lie));
    alice.add_peer(mallory.id()).await.unwrap();
    let listed = alice.peers().await.unwrap();
    let entry = listed.iter().find(|peer| peer["id"] == mallory.id()).unwrap();
    assert_eq!(entry["public_bytes_b64"], serde_json::Value::Null);
    assert!(mallory.received().is_empty());
    assert!(mallory.front().arrivals() > 0);
}

#[tokio::test]
async fn fake_portals_can_share_a_short_id_and_take_the_address_from_each_other() {
    let (testbed, alice, _) = pair().await;
    let [one, other] = crate::testbed::keys::SAME_SHORT_ID.map(|pem| KeyPlan::Pem(pem.to_owned()));
    let carol = testbed.fake_portal("carol", &one).await.unwrap();
    let carla = testbed.fake_portal("carla", &other).await.unwrap();
    assert_eq!((carol.domain(), carol.id() == carla.id()), (carla.domain(), false));
    alice.add_peer(carol.id()).await.unwrap();
    assert_eq!((carol.front().arrivals() > 0, carla.front().arrivals()), (true, 0));
    carla.take_address().await;
    alice.add_peer(carla.id()).await.unwrap();
    assert!(carla.front().arrivals() > 0);
    let app = alice.app("chat").unwrap();
    assert_eq!(app.call_peer(carol.short_id(), Call::get("/")).await.unwrap().status, 409);
    let reply = app.call_peer(carla.id(), Call::get("/").within(Duration::from_secs(5))).await.unwrap();
    assert_eq!(reply.echo().unwrap().portal, "carla");
}
