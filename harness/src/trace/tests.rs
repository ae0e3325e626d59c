use http::HeaderMap;

use super::*;

fn fields(id: &str) -> HeaderMap {
    [(http::HeaderName::from_static(TRACE_FIELD), id.parse().unwrap())].into_iter().collect()
}

#[test]
fn the_caller_is_the_core_of_the_app_that_begins() {
    let trace = Trace::new();
    let id = trace.begin(Party::app("alice", "relay"));
    assert_eq!(trace.caller_of(Some(&id)), Party::core("alice"));
    assert_eq!(trace.caller_of(Some(&trace.begin(Party::Outside))), Party::Outside);
    assert_eq!(trace.caller_of(Some("unknown")), Party::Outside);
    assert_eq!(trace.caller_of(None), Party::Outside);
}

#[test]
fn an_app_that_passes_a_call_on_makes_its_own_core_the_caller() {
    let trace = Trace::new();
    let id = trace.begin(Party::app("alice", "relay"));
    let hop = |from, to| Hop::request(from, to, "GET", "/", &fields(&id));
    trace.record(hop(Party::app("alice", "relay"), Party::core("alice")));
    trace.record(hop(Party::core("alice"), Party::proxy("bob")));
    assert_eq!(trace.caller_of(Some(&id)), Party::core("alice"));
    trace.record(hop(Party::app("bob", "relay"), Party::core("bob")));
    trace.record(Hop::request(Party::app("carol", "relay"), Party::core("carol"), "GET", "/", &fields("other")));
    assert_eq!(trace.caller_of(Some(&id)), Party::core("bob"));
}

fn post(from: Party, to: Party, target: &str) -> Hop {
    Hop::request(from, to, "POST", target, &fields("t1"))
}

fn body(trace: &Trace, seq: u64) -> Option<String> {
    let timed = trace.entries_from(seq, 1).remove(0);
    match timed.entry.what {
        What::Hop(hop) => hop.body.map(|body| body.to_string()),
        What::Signature(_) => None,
    }
}

#[test]
fn a_tap_puts_the_body_on_its_hop_before_the_last_piece_goes_on_and_tells() {
    let trace = Trace::new();
    let seq = trace.record(post(Party::proxy("bob"), Party::app("bob", "chat"), "/"));
    let mut changes = trace.changes();
    let mut tap = trace.tap(seq).expecting(6);
    tap.take(b"one");
    changes.mark_unchanged();
    assert_eq!(body(&trace, seq).as_deref(), Some("one (3 bytes so far)"));
    tap.take(b"two");
    assert_eq!(body(&trace, seq).as_deref(), Some("onetwo (6 bytes)"));
    assert!(changes.has_changed().unwrap());
    assert_eq!(trace.ended_bodies(0, 9), [(0, Some("t1".to_owned()))]);
    drop(tap);
    assert_eq!(trace.ended_bodies(0, 9).len(), 1, "it ends once");

    let mut tap = trace.tap(seq);
    tap.take(b"on");
    drop(tap);
    assert_eq!(body(&trace, seq).as_deref(), Some("on (2 bytes, then it broke off)"));
    let mut long = trace.tap(seq);
    (0..3).for_each(|_| long.take(&[b'x'; EXCERPT]));
    long.end();
    assert_eq!(body(&trace, seq).as_deref(), Some("12288 bytes"));
    let timed = trace.entries_from(seq, 1).remove(0);
    let What::Hop(Hop { body: Some(body), .. }) = timed.entry.what else { panic!("no body") };
    assert_eq!((body.text.map(|text| text.len()), body.left_out), (Some(EXCERPT), 2 * EXCERPT as u64));
}

#[test]
fn bodies_are_kept_on_the_way_of_apps_alone() {
    let (app, core, proxy) = (Party::app("bob", "chat"), Party::core("bob"), Party::proxy("bob"));
    let kept = [
        post(app.clone(), core.clone(), "/internal/call_peer/alice0/x"),
        post(app.clone(), core.clone(), "http://portal_core/internal/call_peer/alice0/x"),
        post(Party::Outside, proxy.clone(), "/x"),
        post(core.clone(), proxy.clone(), "/x"),
        post(proxy.clone(), app.clone(), "/core/x"),
    ];
    let not_kept = [
        post(app.clone(), core.clone(), "/protected/terminals?/internal/call_peer/"),
        post(app.clone(), core.clone(), "/x?http://a/internal/call_peer/"),
        post(Party::Outside, proxy.clone(), "/core/public/terminals/pair"),
        post(proxy.clone(), core.clone(), "/internal/auth"),
        post(proxy.clone(), core.clone(), "/protected/terminals"),
        post(proxy, core, "/x"),
    ];
    let trace = Trace::new();
    let shown = |hop: &Hop| {
        let (tapped, known) = (trace.record(hop.clone()), Body::arrived(b"x", 1, true));
        trace.tap(tapped).take(b"x");
        let given = trace.record(hop.clone().with_body(known));
        assert_eq!(body(&trace, tapped).is_some(), body(&trace, given).is_some());
        body(&trace, given).is_some()
    };
    for hop in kept {
        assert!(shown(&hop) && shown(&hop.answer(200, &HeaderMap::new())), "{hop}");
    }
    for hop in not_kept {
        assert!(!shown(&hop) && !shown(&hop.answer(200, &HeaderMap::new())), "{hop}");
    }
}
