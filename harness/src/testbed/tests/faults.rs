//! What is put on a testbed shows where it should, there alone, and is gone when it is taken off.

use super::*;
use crate::testbed::faults::{Fault, ProxyFault};

fn fault(text: &str) -> Fault {
    Fault::parse(text).unwrap()
}

async fn three() -> Testbed {
    let topology = Topology::new().portals(["alice", "bob", "carol"]).app_on_all(&chat()).peering(Peering::All);
    Testbed::start(topology).await.unwrap()
}

/// The status of a call of chat; 0 where its own Core can't be reached, or says nothing.
async fn called(testbed: &Testbed, from: &str, to: &str) -> u16 {
    let (from, to) = (testbed.portal(from).unwrap(), testbed.portal(to).unwrap());
    let reply = from.app("chat").unwrap().call_peer(to.short_id(), Call::get("/peers/x")).await;
    reply.map_or(0, |reply| reply.status)
}

async fn on(testbed: &Testbed, text: &str) {
    testbed.apply(&fault(text)).await.unwrap_or_else(|error| panic!("{text}: {error}"));
}

#[tokio::test]
async fn a_link_fault_is_of_one_way_alone_and_also_of_connections_that_are_open() {
    let testbed = three().await;
    assert_eq!(called(&testbed, "alice", "bob").await, 200);
    on(&testbed, "alice -> bob refused").await;
    assert_eq!(called(&testbed, "alice", "bob").await, 502);
    assert_eq!(called(&testbed, "bob", "alice").await, 200);
    assert_eq!(called(&testbed, "carol", "bob").await, 200);
    assert_eq!(called(&testbed, "alice", "carol").await, 200);
    assert_eq!(testbed.faults(), [fault("alice -> bob refused")]);
    assert_eq!(testbed.heal("alice -> bob").await.unwrap(), [fault("alice -> bob refused")]);
    assert_eq!(called(&testbed, "alice", "bob").await, 200);
    // From now on there is a relay, and what is open goes through it.
    on(&testbed, "alice <-> bob refused").await;
    assert_eq!((called(&testbed, "alice", "bob").await, called(&testbed, "bob", "alice").await), (502, 502));
    assert_eq!(testbed.heal("").await.unwrap().len(), 2);
    assert_eq!((called(&testbed, "alice", "bob").await, called(&testbed, "bob", "alice").await), (200, 200));
    assert_eq!(testbed.faults(), []);
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn with_relays_nobody_else_is_disconnected() {
    let topology = Topology::new().portals(["alice", "bob", "carol"]).app_on_all(&chat()).peering(Peering::All);
    let options = Options { relays: true, ..Options::default() };
    let testbed = Testbed::start_with(topology, options).await.unwrap();
    let bob = testbed.portal("bob").unwrap();
    let gate = crate::wire::Gate::new();
    bob.app("chat").unwrap().echo().answer_once(crate::testbed::Answer::status(200).body("late").held_by(&gate));
    let waiting = tokio::spawn({
        let carol = testbed.portal("carol").unwrap().app("chat").unwrap();
        let id = bob.short_id().to_owned();
        async move { carol.call_peer(&id, Call::get("/peers/late")).await }
    });
    bob.app("chat").unwrap().echo().wait_for(1).await.unwrap();
    on(&testbed, "alice -> bob refused").await;
    assert_eq!(called(&testbed, "alice", "bob").await, 502);
    gate.open();
    assert_eq!(waiting.await.unwrap().unwrap().text(), "late");
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn faults_of_a_link_add_up_and_one_of_a_kind_is_enough() {
    let testbed = three().await;
    on(&testbed, "alice -> bob latency 20ms").await;
    on(&testbed, "alice -> bob flapping 1h").await;
    on(&testbed, "alice -> bob latency 30ms").await;
    let expected = ["alice -> bob flapping 1h", "alice -> bob latency 30ms"].map(fault);
    assert_eq!(testbed.faults(), expected);
    assert_eq!(called(&testbed, "alice", "bob").await, 502);
    testbed.heal("alice -> bob flapping").await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(called(&testbed, "alice", "bob").await, 200);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(120), "four times 30 ms: {:?}", begun.elapsed());
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn cores_and_apps_are_killed_and_frozen_and_come_back() {
    let testbed = three().await;
    for (text, expected) in
        [("bob core killed", 502), ("bob app chat killed", 502), ("bob core frozen", 504), ("bob app chat frozen", 504)]
    {
        on(&testbed, text).await;
        assert_eq!(called(&testbed, "alice", "bob").await, expected, "{text}");
        assert_eq!(called(&testbed, "alice", "carol").await, 200, "{text}");
        testbed.heal(text).await.unwrap();
        assert_eq!(called(&testbed, "alice", "bob").await, 200, "after {text}");
    }
    for text in ["bob core restarted", "bob app chat restarted"] {
        on(&testbed, text).await;
        assert_eq!(testbed.faults(), []);
        assert_eq!(called(&testbed, "alice", "bob").await, 200, "after {text}");
    }
    // One that is frozen can be ended.
    on(&testbed, "bob core frozen").await;
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn names_certificates_clocks_keys_and_proxies_go_wrong_and_right_again() {
    let testbed = three().await;
    for (text, there, back) in [
        ("bob name gone", 502, 200),
        ("bob certificate expired", 502, 200),
        ("bob certificate for-another-name", 502, 200),
        ("bob clock +3h", 401, 401),
        ("bob clock -3h", 401, 401),
        ("bob key rotated", 404, 401),
        ("bob proxy asks-with-its-own-host", 404, 200),
    ] {
        on(&testbed, text).await;
        let statuses = (called(&testbed, "alice", "bob").await, called(&testbed, "bob", "alice").await);
        assert_eq!(statuses, (there, back), "{text}");
        testbed.heal(text).await.unwrap();
        let statuses = (called(&testbed, "alice", "bob").await, called(&testbed, "bob", "alice").await);
        assert_eq!(statuses, (200, 200), "after {text}");
    }
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_can_t_be_done_is_refused_and_changes_nothing() {
    let testbed = three().await;
    testbed.fake_portal("dora", &KeyPlan::Ed25519).await.unwrap();
    for (text, told) in [
        ("zoe core killed", "there is no Portal named `zoe`"),
        ("alice -> zoe refused", "there is no Portal named `zoe`"),
        ("bob app news frozen", "there is no app named `news`"),
        ("dora -> alice refused", "this Core can't be cut off: it is played by the testbed, and opens no connections"),
        ("dora core killed", "there is no Portal named `dora`"),
    ] {
        assert_eq!(testbed.apply(&fault(text)).await.unwrap_err().to_string(), told);
    }
    assert_eq!(testbed.faults(), []);
    on(&testbed, "alice -> dora refused").await;
    on(&testbed, "dora certificate expired").await;
    assert_eq!(testbed.heal("bob").await.unwrap(), []);
    assert_eq!(testbed.heal("dora").await.unwrap(), [fault("dora certificate expired")]);
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_has_faults_from_the_beginning_keeps_them() {
    let subject = crate::subject::Subject::builtin().with_faults(ProxyFault::KeepsCookie);
    let testbed = Testbed::start_with(Topology::new().portals(["alice"]), Options { subject, ..Options::default() })
        .await
        .unwrap();
    on(&testbed, "alice proxy drops-body").await;
    testbed.heal("alice proxy drops-body").await.unwrap();
    assert_eq!(testbed.faults(), []);
    testbed.shutdown().await.unwrap();
}
