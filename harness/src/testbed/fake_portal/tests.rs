use super::*;
use crate::testbed::{Portal, Testbed};
use crate::topology::{AppPlan, KeyPlan, Topology};
use crate::wire::Call;

/// Alice, who has carol as a peer and an open connection to her.
async fn connected() -> (Testbed, Portal, FakePortal) {
    let chat = AppPlan::with_paths("chat", [("", "private")]);
    let testbed = Testbed::start(Topology::new().portals(["alice"]).app_on_all(&chat)).await.unwrap();
    let alice = testbed.portal("alice").unwrap();
    let carol = testbed.fake_portal("carol", &KeyPlan::Ed25519).await.unwrap();
    alice.add_peer(carol.id()).await.unwrap();
    assert_eq!(status(&alice, &carol).await, 200);
    assert_eq!(carol.received().len(), 1);
    (testbed, alice, carol)
}

async fn status(alice: &Portal, carol: &FakePortal) -> u16 {
    alice.app("chat").unwrap().call_peer(carol.short_id(), Call::get("/x")).await.unwrap().status
}

#[tokio::test]
async fn what_is_shown_from_now_on_holds_for_who_was_connected_before() {
    let (_testbed, alice, carol) = connected().await;
    let kinds = [
        CertificateKind::Expired,
        CertificateKind::NotYetValid,
        CertificateKind::OtherName,
        CertificateKind::OtherCa,
        CertificateKind::SelfSigned,
    ];
    for kind in kinds {
        carol.present(kind).await.unwrap();
        assert_eq!(status(&alice, &carol).await, 502, "{kind:?}");
    }
    carol.speak_plainly().await;
    assert_eq!(status(&alice, &carol).await, 502);
    carol.break_off_handshakes().await;
    assert_eq!(status(&alice, &carol).await, 502);
    assert_eq!(carol.received().len(), 1);
    carol.present(CertificateKind::Good).await.unwrap();
    assert_eq!(status(&alice, &carol).await, 200);
    assert_eq!(carol.received().len(), 2);
}

#[tokio::test]
async fn who_left_is_nowhere_until_it_comes_back() {
    let (testbed, alice, carol) = connected().await;
    carol.leave().await;
    assert_eq!(status(&alice, &carol).await, 502);
    carol.take_address().await;
    assert_eq!(status(&alice, &carol).await, 200);

    let bob = testbed.add_portal(crate::topology::PortalPlan::new("bob")).await.unwrap();
    alice.add_peer(bob.id()).await.unwrap();
    let call = || async { alice.app("chat").unwrap().call_peer(bob.short_id(), Call::get("/x")).await.unwrap().status };
    assert_eq!(call().await, 404);
    bob.leave().await;
    assert_eq!(call().await, 502);
    bob.come_back();
    assert_eq!(call().await, 404);
}
