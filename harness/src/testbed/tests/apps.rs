//! Apps come, change, stop and go.

use super::pair;
use crate::topology::AppPlan;
use crate::wire::Call;

#[tokio::test]
async fn a_manifest_holds_from_the_next_request_on_and_a_refused_one_changes_nothing() {
    let (_testbed, _, bob) = pair().await;
    let status = async || bob.send_to("chat", Call::get("/notes")).await.unwrap().status;
    assert_eq!(status().await, 401);
    bob.install(&AppPlan::with_paths("chat", [("", "public")])).await.unwrap();
    assert_eq!(status().await, 200);
    let refused = bob.put_manifest("chat", "{}", None).await.unwrap();
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert!(bob.install(&AppPlan::new("chat", "{}")).await.is_err());
    assert_eq!(status().await, 200);
    assert_eq!(bob.uninstall("chat").await.unwrap().status, 204);
    assert_eq!(status().await, 404);
    assert_eq!(bob.app("chat").unwrap().door(), None);
}

#[tokio::test]
async fn a_stopped_app_is_nobody() {
    let (_testbed, _, bob) = pair().await;
    assert_eq!(bob.send_to("chat", Call::get("/public/")).await.unwrap().status, 200);
    bob.stop_app("chat").await.unwrap();
    assert_eq!(bob.send_to("chat", Call::get("/public/")).await.unwrap().status, 502);
    assert_eq!(bob.send_to("other", Call::get("/public/")).await.unwrap().status, 404);
}

#[tokio::test]
async fn doors_are_the_apps_own() {
    let (_testbed, alice, bob) = pair().await;
    for portal in [&alice, &bob] {
        portal.install(&AppPlan::with_paths("files", [("", "peer")])).await.unwrap();
    }
    let (chat, files) = (alice.app("chat").unwrap(), alice.app("files").unwrap());
    assert_ne!(chat.door().unwrap(), files.door().unwrap());
    let call = || Call::get("/peers/").field("Host", "files").field("X-App", "files");
    assert_eq!(chat.call_peer(bob.id(), call()).await.unwrap().echo().unwrap().app, "chat");
    assert_eq!(files.call_peer(bob.id(), call()).await.unwrap().echo().unwrap().app, "files");
    assert!(alice.app("nosuch").is_err());
    assert_eq!(alice.install(&super::chat()).await.unwrap().door(), chat.door());
}
