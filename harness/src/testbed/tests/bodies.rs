//! Bodies in the trace: of whom, when, and how much.

use super::pair;
use crate::testbed::{Answer, Testbed};
use crate::trace::{Body, BodyEnd, Hop, HopKind};
use crate::wire::{Call, Gate};

/// The bodies of all hops of a request, in order.
fn bodies(testbed: &Testbed, trace_id: &str) -> Vec<Option<String>> {
    testbed.trace().hops(trace_id).into_iter().map(|hop| hop.body.map(|body| body.to_string())).collect()
}

fn whole(text: &str) -> Option<String> {
    Some(format!("{text} ({} bytes)", text.len()))
}

#[tokio::test]
async fn the_bodies_of_a_call_are_there_with_its_answer_each_time() {
    let (testbed, alice, bob) = pair().await;
    let (from, to) = (alice.app("chat").unwrap(), bob.app("chat").unwrap());
    for n in 0..100 {
        let (sent, given) = (format!("{{\"ping\":  {n}}}"), format!("pong {n}"));
        let answer = Answer::status(200).body(given.clone());
        to.echo().answer_with(if n % 2 == 0 { answer.clone() } else { answer.chunked() });
        let call = Call::post("/peers/", sent.clone());
        let call = if n % 4 < 2 { call } else { call.chunked() };
        let reply = from.call_peer(bob.id(), call).await.unwrap();
        let (sent, given) = (whole(&sent), whole(&given));
        let expected =
            [sent.clone(), sent.clone(), None, None, sent.clone(), given.clone(), given.clone(), given.clone()];
        assert_eq!(bodies(&testbed, &reply.trace_id.unwrap()), expected, "call {n}");
    }
}

#[tokio::test]
async fn the_bodies_of_a_request_from_outside_are_there_with_its_answer_over_both_versions() {
    let (testbed, _, bob) = pair().await;
    let (host, app) = (bob.host_of("chat"), bob.app("chat").unwrap());
    for n in 0..50 {
        let (sent, given) = (format!("ping {n}"), format!("pong {n}"));
        let answer = Answer::status(200).body(given.clone());
        app.echo().answer_with(if n % 2 == 0 { answer } else { answer.trailer("x-sum", "1") });
        let call = Call::post("/public/", sent.clone());
        let call = if n % 4 < 2 { call } else { call.trailer("x-sum", "1") };
        for over_http2 in [false, true] {
            let call = call.clone();
            let reply = match over_http2 {
                true => testbed.outside().send_http2(&host, call).await.unwrap(),
                false => testbed.outside().send(&host, call).await.unwrap(),
            };
            let (sent, given) = (whole(&sent), whole(&given));
            let expected = [sent.clone(), None, None, sent.clone(), given.clone(), given.clone()];
            assert_eq!(bodies(&testbed, &reply.trace_id.unwrap()), expected, "{n}, HTTP/2: {over_http2}");
        }
    }
}

#[tokio::test]
async fn a_body_on_its_way_goes_on_and_is_shown_as_far_as_it_came() {
    let (testbed, _, bob) = pair().await;
    let (begun, held) = (Gate::new(), Gate::new());
    let answer = Answer::status(200).body("hello world").chunked().pause_after(5, &held);
    bob.app("chat").unwrap().echo().answer_with(answer);
    let call = Call::get("/public/").field("countersign-trace", "mine").opens_with_answer(&begun);
    let asking = tokio::spawn({
        let (client, host) = (testbed.outside().clone(), bob.host_of("chat"));
        async move { client.send(&host, call).await }
    });
    begun.passed().await;
    let so_far = Some("hello (5 bytes so far)".to_owned());
    assert_eq!(bodies(&testbed, "mine"), [None, None, None, None, so_far.clone(), so_far]);
    held.open();
    assert_eq!(asking.await.unwrap().unwrap().text(), "hello world");
    assert_eq!(bodies(&testbed, "mine")[4..], [whole("hello world"), whole("hello world")]);
}

#[tokio::test]
async fn of_a_refused_request_the_body_is_not_read_and_the_refusal_is_shown() {
    let (testbed, _, bob) = pair().await;
    let reply = bob.send_to("chat", Call::post("/notes", "hello")).await.unwrap();
    let refusal = Some(format!("{} ({} bytes)", reply.text(), reply.length));
    let nothing = Some("0 bytes, then it broke off".to_owned());
    assert_eq!(bodies(&testbed, &reply.trace_id.unwrap()), [nothing, None, None, refusal]);
}

#[tokio::test]
async fn what_breaks_off_is_shown_as_far_as_it_came() {
    let (testbed, _, bob) = pair().await;
    let (host, app) = (bob.host_of("chat"), bob.app("chat").unwrap());
    app.echo().answer_with(Answer::status(200).body("hello world").cut_after(5));
    let call = Call::get("/public/").field("countersign-trace", "answer");
    testbed.outside().send(&host, call).await.unwrap_err();
    let cut = Some("hello (5 bytes, then it broke off)".to_owned());
    assert_eq!(bodies(&testbed, "answer")[4..], [cut.clone(), cut.clone()]);

    let call = Call::post("/public/", "hello world").cut_after(5).field("countersign-trace", "request");
    assert_eq!(testbed.outside().send(&host, call).await.unwrap().status, 400);
    app.echo().wait_for(2).await.unwrap();
    // Whether the proxy answers before the app is reached or after is all the same.
    let hops = testbed.trace().hops("request");
    let requests = hops.iter().filter(|hop| hop.kind == HopKind::Request && hop.target == "/public/");
    let shown: Vec<_> = requests.map(|hop| hop.body.as_ref().map(ToString::to_string)).collect();
    assert_eq!(shown, [cut.clone(), cut]);
}

#[tokio::test]
async fn what_goes_to_a_core_itself_shows_no_body() {
    let (testbed, alice, bob) = pair().await;
    let reply = alice.app("chat").unwrap().ask(Call::post("/protected/peers", "{\"code\": 1}")).await.unwrap();
    assert_eq!(bodies(&testbed, &reply.trace_id.unwrap()), [None, None]);
    let phone = bob.pair("phone").await.unwrap();
    for target in ["/core/public/terminals/pair", "/core/protected/peers"] {
        let reply = phone.client.send(bob.domain(), Call::post(target, "{\"code\": 1}")).await.unwrap();
        let shown = bodies(&testbed, &reply.trace_id.unwrap());
        assert!(shown.len() >= 2 && shown.iter().all(Option::is_none), "{target}: {shown:?}");
    }
}

#[tokio::test]
async fn a_long_body_is_kept_in_part_and_its_length_is_told() {
    let (testbed, alice, bob) = pair().await;
    let call = Call::new("PUT", "/peers/up").generated(1 << 20);
    let reply = alice.app("chat").unwrap().call_peer(bob.id(), call).await.unwrap();
    let hops = testbed.trace().hops(&reply.trace_id.unwrap());
    let is_shown = |hop: &&Hop| hop.kind == HopKind::Request && hop.target != "/internal/auth";
    let shown: Vec<Body> = hops.iter().filter(is_shown).map(|hop| *hop.body.clone().unwrap()).collect();
    assert_eq!(shown.len(), 3);
    for body in &shown {
        assert_eq!((body.length, body.end, body == &shown[0]), (1 << 20, BodyEnd::Complete, true));
        assert!(body.base64.is_some() && body.left_out > 1_000_000);
    }
}
