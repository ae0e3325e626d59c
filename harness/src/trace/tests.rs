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
