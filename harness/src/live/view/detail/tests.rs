use axum::http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::*;
use crate::trace::Trace;

fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in [(TRACE_FIELD, "t1")].iter().chain(pairs) {
        fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    fields
}

fn signature(portal: &str, base: &str, outcome: SignatureOutcome) -> SignatureEvent {
    SignatureEvent {
        trace_id: Some("t1".to_owned()),
        portal: portal.to_owned(),
        label: Some("portal".to_owned()),
        signature_input: Some("(\"@query\")".to_owned()),
        base: Some(base.to_owned()),
        outcome,
    }
}

/// A call of which bob's proxy dropped the query.
fn refused(more: &[(&str, &str)]) -> Trace {
    let trace = Trace::new();
    let asked = Hop::request(
        Party::app("alice", "chat"),
        Party::core("alice"),
        "POST",
        "/internal/call_peer/bobbob/a?x=1",
        &fields(more),
    );
    trace.record(asked.clone());
    trace.record_signature(signature("alice", "\"@query\": ?x=1", SignatureOutcome::Made));
    let sent = Hop::request(Party::core("alice"), Party::proxy("bob"), "POST", "/a?x=1", &fields(&[]));
    trace.record(sent.clone());
    let hidden = fields(&[("x-forwarded-uri", "/a"), ("x-forwarded-host", "chat.bobbob.p")]);
    let question = Hop::request(Party::proxy("bob"), Party::core("bob"), "GET", "/internal/auth", &hidden);
    trace.record(question.clone());
    let rejected = SignatureOutcome::Rejected { step: "crypto".to_owned(), code: "bad_signature".to_owned() };
    trace.record_signature(signature("bob", "\"@query\": ?", rejected));
    trace.record(question.answer(401, &fields(&[("x-ptl-client-type", "public")])).with_note("access_denied: no"));
    trace.record(sent.answer(401, &fields(&[])));
    trace.record(asked.answer(401, &fields(&[])));
    trace
}

fn shown(trace: &Trace, body: Option<&str>) -> Value {
    let mut calls = crate::live::view::calls::Calls::default();
    calls.catch_up(trace);
    let summary = calls.find("t1").unwrap().clone();
    json!(of(summary, trace.timed_entries_of("t1"), body.map(str::to_owned)))
}

#[test]
fn a_refused_call_shows_the_decision_the_bases_and_who_changed_what() {
    let shown = shown(&refused(&[]), None);
    let decision = json!([{
        "portal": "bob", "status": 401, "declared": [["x-ptl-client-type", "public"]], "why": "access_denied: no",
    }]);
    assert_eq!(shown["decisions"], decision);
    let bases = &shown["signatures"][0];
    assert_eq!(
        (&bases["portal"], &bases["verified"], &bases["bases"]["line"]),
        (&json!("bob"), &json!(false), &json!(1))
    );
    assert_eq!(bases["bases"]["guess"], "the query is dropped by one side");
    assert_eq!(bases["changed_by"], "proxy on bob: got `?x=1`, handed `?` to Core on bob");
    assert_eq!(shown["entries"].as_array().unwrap().len(), 8);
    assert_eq!(shown["entries"][0]["at"], 0);
    assert_eq!(shown["entries"][1]["signature"]["outcome"], "made");
    assert_eq!(shown["call"]["status"], 401);
}

#[test]
fn what_is_secret_is_blanked_wherever_it_stands() {
    let trace = refused(&[("cookie", "authorization=s3cr3t-s3cr3t"), ("x-copy", "s3cr3t-s3cr3t")]);
    trace.record_signature(signature("alice", "\"cookie\": authorization=s3cr3t-s3cr3t", SignatureOutcome::Made));
    let sent = Hop::request(Party::proxy("bob"), Party::app("bob", "chat"), "POST", "/a", &fields(&[]));
    let body = b"{\"stolen\": \"s3cr3t-s3cr3t\"}";
    trace.record(sent.with_body(crate::trace::Body::arrived(body, body.len() as u64, true)));
    let shown = shown(&trace, None);
    assert!(!shown.to_string().contains("s3cr3t"), "{shown}");
    assert_eq!(shown["entries"][9]["hop"]["body"]["text"], "{\"stolen\": \"[blanked]\"}");
    assert_eq!(shown["again"]["blanked"], json!(["cookie", "x-copy"]));
}

#[test]
fn a_call_is_made_again_with_its_own_fields_and_the_body_that_was_kept() {
    let trace = refused(&[("host", "127.0.0.1:1"), ("content-length", "5"), ("x-mine", "1"), ("x-mine", "2")]);
    let again = json!({
        "portal": "alice", "app": "chat", "peer": "bobbob", "method": "POST", "path": "/a?x=1",
        "fields": [["x-mine", "1"], ["x-mine", "2"]], "blanked": [], "had_body": true, "body": null,
    });
    assert_eq!(shown(&trace, None)["again"], again);
    assert_eq!(shown(&trace, Some("hello"))["again"]["body"], "hello");
    assert_eq!(shown(&refused(&[("content-length", "0")]), None)["again"]["had_body"], false);
    assert_eq!(shown(&refused(&[("transfer-encoding", "chunked")]), None)["again"]["had_body"], true);
}

#[test]
fn a_request_from_outside_can_t_be_made_again() {
    let trace = Trace::new();
    trace.record(Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/", &fields(&[])));
    assert_eq!(shown(&trace, None)["again"], Value::Null);
}

#[test]
fn a_call_where_the_app_is_not_seen_is_made_again_without_what_its_core_added() {
    let trace = Trace::new();
    let signed = [("host", "chat.bobbob.p"), ("signature", "x"), ("signature-input", "x"), ("accept", "*/*")];
    trace.record(Hop::request(Party::core("alice"), Party::proxy("bob"), "GET", "/a", &fields(&signed)));
    let forwarded = fields(&[("x-forwarded-host", "chat.bobbob.p")]);
    trace.record(Hop::request(Party::proxy("bob"), Party::core("bob"), "GET", "/internal/auth", &forwarded));
    let again = &shown(&trace, None)["again"];
    assert_eq!(
        (&again["app"], &again["peer"], &again["fields"]),
        (&json!("chat"), &json!("bobbob"), &json!([["accept", "*/*"]]))
    );
}

#[test]
fn a_long_call_is_shown_in_part() {
    let trace = refused(&[]);
    for _ in 0..ENTRIES {
        trace.record(Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/", &fields(&[])));
    }
    let shown = shown(&trace, None);
    assert_eq!(shown["entries"].as_array().unwrap().len(), ENTRIES);
    assert_eq!(shown["left_out"], 8);
}
