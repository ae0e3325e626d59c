use std::sync::Arc;

use super::*;
use crate::report::sample;
use crate::testbed::identity::TestIdentity;
use crate::trace::{Body, Hop, Party, Trace};

/// Of the sample's failure.
pub(super) fn bundle() -> Bundle {
    let summary = sample::summary();
    let run = Run { suite: &summary.suite, subject: &summary.subject, seed: "00000000000000ff".parse().unwrap() };
    let mut result = summary.scenarios[1].clone();
    result.record = Arc::new(record());
    let key = TestIdentity::from_seed(&[7; 32]).unwrap().private_key_pem().to_owned();
    let staged = Staged { keys: BTreeMap::from([("mallory".to_owned(), key)]), began: 1_795_000_000, moved: -60 };
    Bundle::of(run, Vec::new(), &result, "Feature: F\n", staged)
}

fn record() -> Record {
    let trace = Trace::new();
    let hop = Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/a", &http::HeaderMap::new());
    let body = Body::arrived(b"{\"a\":  1}", 10_000, true);
    trace.record(hop.answer(200, &http::HeaderMap::new()).with_body(body));
    trace.record(hop);
    Record::since(&trace, 0)
}

#[test]
fn a_bundle_has_all_that_it_takes_to_run_it_again() {
    let written = serde_json::to_value(bundle()).unwrap();
    assert_eq!((&written["format"], &written["version"]), (&"countersign bundle".into(), &1.into()));
    assert_eq!(written["scenario"]["text"], "Feature: F\n");
    assert_eq!(written["seed"], "00000000000000ff");
    assert_eq!(written["clock"], serde_json::json!({"began": 1_795_000_000, "moved": -60}));
    assert_eq!(written["trace"][0]["answer"]["status"], 200);
    let body = serde_json::json!({"text": "{\"a\":  1}", "length": 10_000, "left_out": 9_991, "end": "complete"});
    assert_eq!(written["trace"][0]["answer"]["body"], body);
    assert_eq!(written["trace"][1]["request"].get("body"), None);
    assert_eq!(written["trace"][1]["request"]["from"], "outside");
    assert!(written["keys"]["mallory"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(written["failure"]["bases"]["line"], 2);
}
