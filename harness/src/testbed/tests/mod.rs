mod apps;
mod bodies;
mod calls;
mod faults;
mod life;
mod outside;

use super::*;
use crate::topology::{AppPlan, Peering};
use crate::trace::{SignatureOutcome, lines};
use crate::wire::Call;

fn chat() -> AppPlan {
    AppPlan::with_paths("chat", [("", "private"), ("/public/", "public"), ("/peers/", "peer")])
}

async fn pair() -> (Testbed, Portal, Portal) {
    let topology = Topology::new().portals(["alice", "bob"]).app_on_all(&chat()).peering(Peering::All);
    let testbed = Testbed::start(topology).await.unwrap();
    let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
    (testbed, alice, bob)
}

#[tokio::test]
async fn a_call_takes_each_hop_of_the_sequence_once() {
    let (testbed, alice, bob) = pair().await;
    let call = Call::post("/peers/foo?x=1", "hello").field("X-Mine", "1");
    let reply = alice.app("chat").unwrap().call_peer(bob.short_id(), call).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    let echo = reply.echo().unwrap();
    assert_eq!((echo.method.as_str(), echo.target.as_str()), ("POST", "/peers/foo?x=1"));
    assert_eq!(echo.host, bob.host_of("chat"));
    assert_eq!(echo.body().unwrap(), b"hello");
    assert_eq!(echo.field("x-ptl-client-type"), Some("peer"));
    assert_eq!(echo.field("x-ptl-client-id"), Some(alice.id()));
    assert_eq!(echo.field("x-mine"), Some("1"));

    let trace_id = reply.trace_id.unwrap();
    let door = format!("/internal/call_peer/{}/peers/foo?x=1", bob.short_id());
    assert_eq!(
        lines(&testbed.trace().hops(&trace_id)),
        format!(
            "chat on alice -> Core on alice: POST {door}\n\
             Core on alice -> proxy on bob: POST /peers/foo?x=1\n\
             proxy on bob -> Core on bob: GET /internal/auth\n\
             Core on bob -> proxy on bob: 200 to GET /internal/auth\n\
             proxy on bob -> chat on bob: POST /peers/foo?x=1\n\
             chat on bob -> proxy on bob: 200 to POST /peers/foo?x=1\n\
             proxy on bob -> Core on alice: 200 to POST /peers/foo?x=1\n\
             Core on alice -> chat on alice: 200 to POST {door}"
        )
    );
    let signatures = testbed.trace().signatures(&trace_id);
    let outcomes: Vec<_> = signatures.iter().map(|one| (one.portal.as_str(), one.outcome.clone())).collect();
    assert_eq!(outcomes, [("alice", SignatureOutcome::Made), ("bob", SignatureOutcome::Verified)]);
    assert!(signatures[0].base.is_some());
    assert_eq!(signatures[0].base, signatures[1].base);
    testbed.shutdown().await.unwrap();
}
