//! Starting, stopping, starting again, and that nothing is left.

use std::time::Duration;

use portal_core::clock::Clock as _;
use tokio::net::TcpStream;

use super::{chat, pair};
use crate::subject::{Capabilities, CoreHandle, CoreKind, CorePlan, Storage, Subject, SubjectError};
use crate::testbed::faults::ProxyFault;
use crate::testbed::{Answer, Options, Testbed, TestbedError, until_interrupted};
use crate::topology::{KeyPlan, Peering, PortalPlan, Topology};
use crate::wire::Call;

fn two() -> Topology {
    Topology::new().portals(["alice", "bob"]).app_on_all(&chat()).peering(Peering::All)
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn state_outlives_the_core_in_memory_and_on_disk() {
    for storage in [Storage::Memory, Storage::Disk] {
        let testbed = Testbed::start_with(two(), Options { storage, ..Options::default() }).await.unwrap();
        let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
        let phone = bob.pair("phone").await.unwrap();
        for kill in [false, true] {
            for portal in [&alice, &bob] {
                if kill { portal.kill_core().await.unwrap() } else { portal.stop_core().await.unwrap() }
            }
            let down = testbed.outside().send(&bob.host_of("chat"), Call::get("/public/")).await.unwrap();
            assert!(matches!(down.status, 502 | 503), "PROXY-5: {}", down.status);
            for portal in [&alice, &bob] {
                portal.start_core().await.unwrap();
            }
            assert_eq!(alice.peers().await.unwrap()[0]["id"], bob.id());
            let reply = alice.app("chat").unwrap().call_peer(bob.id(), Call::get("/peers/")).await.unwrap();
            assert_eq!(reply.status, 200);
            assert_eq!(phone.client.send(&bob.host_of("chat"), Call::get("/notes")).await.unwrap().status, 200);
        }
        assert!(alice.start_core().await.is_err(), "it runs");
        testbed.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn each_portal_has_a_clock_of_its_own() {
    let (testbed, alice, bob) = pair().await;
    let before = bob.clock().now();
    alice.clock().advance(Duration::from_secs(3600));
    assert!(alice.clock().now() > bob.clock().now() + Duration::from_secs(3000));
    assert!(bob.clock().now() < before + Duration::from_secs(600));
    // The signature is an hour ahead of bob's clock: AUTH-8.
    let app = alice.app("chat").unwrap();
    assert_eq!(app.call_peer(bob.id(), Call::get("/peers/")).await.unwrap().status, 401);
    bob.clock().advance(Duration::from_secs(3600));
    assert_eq!(app.call_peer(bob.id(), Call::get("/peers/")).await.unwrap().status, 200);
    // TLS goes by the caller's clock: the certificates have run out 20 years from now.
    alice.clock().advance(Duration::from_secs(20 * 365 * 86_400));
    assert_eq!(app.call_peer(bob.id(), Call::get("/peers/")).await.unwrap().status, 502);
    assert!(testbed.outside().send(&bob.host_of("chat"), Call::get("/public/")).await.is_ok());
}

#[tokio::test]
async fn nothing_is_left_after_a_shutdown() {
    let before = alive();
    let testbed = Testbed::start_with(two(), Options { storage: Storage::Disk, ..Options::default() }).await.unwrap();
    let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
    let carol = testbed.fake_portal("carol", &KeyPlan::Ed25519).await.unwrap();
    bob.app("chat").unwrap().echo().answer_with(Answer::silence());
    let call = Call::get("/peers/").within(Duration::from_millis(50));
    alice.app("chat").unwrap().call_peer(bob.id(), call).await.unwrap_err();
    let listeners = [
        alice.core_address(),
        alice.proxy_address(),
        alice.plain_address(),
        alice.app("chat").unwrap().door().unwrap(),
        alice.app("chat").unwrap().echo().address(),
        carol.address(),
    ];
    for address in listeners {
        TcpStream::connect(address).await.unwrap();
    }
    assert!(alive() > before + 8);
    testbed.shutdown().await.unwrap();
    // Every listener lives in a task. Its port proves nothing: another test may have got it meanwhile.
    assert_eq!(alive(), before);
}

#[tokio::test]
async fn a_panic_leaves_nothing_behind_although_handles_are_kept() {
    let before = alive();
    let (handed, kept) = tokio::sync::oneshot::channel();
    let failing = tokio::spawn(async move {
        let (testbed, alice, _) = pair().await;
        let _ = handed.send((alice.clone(), alice.app("chat").unwrap()));
        testbed.portal("nosuch").unwrap();
    });
    let (portal, app) = kept.await.unwrap();
    assert!(failing.await.unwrap_err().is_panic());
    let gone = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("tasks are left");
    assert!(portal.ask_core(Call::get("/public/meta/whoareyou")).await.is_err());
    assert!(portal.start_core().await.is_err());
    drop(app);
}

#[tokio::test]
async fn work_is_not_interrupted_unless_somebody_does() {
    assert_eq!(until_interrupted(async { 1 }).await, Ok(1));
}

#[tokio::test]
async fn what_does_not_come_up_says_why_and_leaves_nothing() {
    let before = alive();
    let broken = PortalPlan::new("carol").app(crate::topology::AppPlan::new("chat", "{}"));
    let error = Testbed::start(two().portal(broken)).await.unwrap_err();
    assert!(matches!(&error, TestbedError::Refused { what, .. } if what == "installing chat on carol"), "{error}");
    let gone = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("tasks are left");

    let broken = Subject::builtin_with(
        |builder| {
            let algorithms = vec!["rot13".to_owned()];
            builder.profile(portal_core::profile::Profile { algorithms, ..Default::default() })
        },
        crate::testbed::faults::Faults::NONE,
    );
    let options = Options { subject: broken, ..Options::default() };
    let error = Testbed::start_with(two(), options).await.unwrap_err();
    assert!(matches!(error, TestbedError::Subject(_)), "{error}");
}

#[tokio::test]
async fn a_mutant_can_be_wrong_in_its_proxy() {
    let subject = Subject::builtin().with_faults(ProxyFault::KeepsIdentityFields);
    for (subject, expected) in [(Subject::builtin(), None), (subject, Some("1"))] {
        let testbed = Testbed::start_with(two(), Options { subject, ..Options::default() }).await.unwrap();
        let bob = testbed.portal("bob").unwrap();
        bob.send_to("chat", Call::get("/public/").field("X-Ptl-Odd", "1")).await.unwrap();
        let received = bob.app("chat").unwrap().echo().last_received().unwrap();
        assert_eq!(received.field("x-ptl-odd"), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_portals_fit_into_one_process() {
    let name = |n: usize| format!("p{n}");
    // Not all of them are peers: 1,000 Portals are started here, 2,000 TLS handshakes are measured elsewhere.
    let pairs = [(0, 999), (1, 500), (2, 3)];
    let peers = Peering::Pairs(pairs.iter().map(|(a, b)| (name(*a), name(*b))).collect());
    let topology = Topology::new().portals((0..1000).map(name)).app_on_all(&chat()).peering(peers);
    let testbed = Testbed::start(topology).await.unwrap();
    assert_eq!(testbed.portals().len(), 1000);
    for (from, to) in pairs {
        let (from, to) = (testbed.portal(&name(from)).unwrap(), testbed.portal(&name(to)).unwrap());
        let reply = from.app("chat").unwrap().call_peer(to.short_id(), Call::get("/peers/")).await.unwrap();
        assert_eq!(reply.echo().unwrap().field("x-ptl-client-id"), Some(from.id()));
    }
    testbed.shutdown().await.unwrap();
}

/// A Core that comes up with another key than it was given.
#[derive(Debug)]
struct Forgetful;

#[async_trait::async_trait]
impl CoreKind for Forgetful {
    fn name(&self) -> String {
        "forgetful".to_owned()
    }

    fn version(&self) -> Option<String> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Subject::builtin().capabilities()
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        Subject::builtin().start(CorePlan { identity: None, ..plan }).await
    }
}

#[tokio::test]
async fn whoever_answers_in_the_place_of_a_core_is_found_out() {
    let rsa = || Topology::new().portal(PortalPlan::new("alice").key(KeyPlan::RsaPss2048));
    let options = |subject| Options { subject, ..Options::default() };
    Testbed::start_with(rsa(), options(Subject::builtin())).await.unwrap();
    let error = Testbed::start_with(rsa(), options(Subject::new(Forgetful))).await.unwrap_err();
    assert!(matches!(&error, TestbedError::WrongInstance { portal, .. } if portal == "alice"), "{error}");
}
