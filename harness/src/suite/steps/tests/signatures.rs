//! Checks on signatures, on requests made by hand and on calls.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use portal_core::auth::{Forwarded, FromForwarded, Rebuild};
use portal_core::refusal::Refusal;

use super::{Case, expect_all, run};
use crate::subject::Subject;
use crate::testbed::faults::Faults;
use crate::verdict::Verdict;

const VALID: &str = "the request that bob's chat received carries exactly one signature of carol, and it is valid";
const SIGNED: &str = "Given a request POST /public/page?x=1 to bob's chat with the body \"hello\"\n\
                      And it is signed by carol\nWhen it is sent";
const CALLED: &str = "When alice's chat calls carol with POST /peers/x and the body \"hello\"";
const FEW_COMPONENTS: &str = "Given a request GET /public/page to bob's chat\nAnd it is signed by carol\n\
                              | part | value |\n| covering | \"@method\" \"@path\" \"host\" |\n\
                              | created | 1 minutes ago |\nWhen it is sent";

const CASES: &[Case] = &[
    (SIGNED, VALID, "the request that bob's chat received carries exactly one signature of alice, and it is valid"),
    (
        CALLED,
        "the request that carol received carries exactly one signature of alice, and it is valid",
        "the request that carol received carries exactly one signature of bob, and it is valid",
    ),
    (
        "Given a request GET /public/page?x=1 to bob's chat\nAnd it is signed by carol\n\
         And after signing, its query becomes \"x=2\"\nWhen it is sent",
        "it is let in as anonymous",
        VALID,
    ),
    (
        "Given a request GET /public/page?x=1 to bob's chat\nAnd it is signed by carol\n\
         And after signing, its signature becomes \"one bit different\"\nWhen it is sent",
        "it is let in as anonymous",
        VALID,
    ),
    (
        "Given a request GET /public/page to bob's chat\nAnd it is signed by carol\nAnd it is signed by carol\n\
         When it is sent",
        "it is let in as the peer carol",
        VALID,
    ),
    (
        "Given a request GET /public/page to bob's chat\nAnd it is signed by carol\n\
         And after signing, the field \"Signature-Input\" with \"sig1=()\" is added\nWhen it is sent",
        "it is let in as anonymous",
        VALID,
    ),
    (
        "When a stranger sends GET /notes to bob's chat",
        "whatever bob's chat received carries exactly one signature of carol, and it is valid",
        VALID,
    ),
    (
        "When a stranger sends GET /public/page to bob's chat",
        "it is let in as anonymous",
        "whatever bob's chat received carries exactly one signature of carol, and it is valid",
    ),
    (SIGNED, "carol's signature covers the method and the whole target", "carol's signature covers \"@path\""),
    (CALLED, "alice's signature covers \"content-digest\"", "alice's signature covers \"host\""),
    (FEW_COMPONENTS, "carol's signature covers \"@path\"", "carol's signature covers the method and the whole target"),
    (
        FEW_COMPONENTS,
        "carol's signature covers none of the fields\n| field |\n| via |\n| content-length |",
        "carol's signature covers none of the fields\n| field |\n| via |\n| Host |",
    ),
    (
        FEW_COMPONENTS,
        "carol's signature has the parameters\n| parameter | value |\n| created | 1 minutes ago |\n\
         | keyid | {carol.short_id} |\n| nonce | at least 128 bits |\n| tag | any |\n| alg | ed25519 or absent |",
        "carol's signature has the parameters\n| parameter | value |\n| created | now |",
    ),
    (
        CALLED,
        "alice's signature has the parameters\n| parameter | value |\n| created | now |",
        "alice's signature has the parameters\n| parameter | value |\n| keyid | {bob.short_id} |",
    ),
    (
        SIGNED,
        "the request that bob's chat received has the Content-Digest of its body",
        "bob's chat received the body \"hallo\"",
    ),
    (
        "Given a request POST /public/page to bob's chat with the body \"hello\"\n| field | value |\n\
         | Content-Digest | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: |\nWhen it is sent",
        "bob's chat received the body \"hello\"",
        "whatever bob's chat received has the Content-Digest of its body",
    ),
    (
        "When alice's chat calls carol 3 times at the same moment with GET /x",
        "carol received 3 requests",
        "carol received 2 requests",
    ),
    (
        "When alice's chat calls carol 2 times at the same moment with GET /x",
        "no two requests that carol ever received share a nonce or a signature",
        "no two requests that bob's chat ever received share a nonce or a signature",
    ),
    (
        "Given carol breaks off the first call that comes\nWhen alice's chat calls carol with GET /x",
        "the answer is 502",
        "the answer is 200",
    ),
    (
        "Given carol breaks off the first call that comes\nWhen alice's chat calls carol with GET /x\n\
         And alice's chat calls carol with GET /x",
        "the answer is 200",
        "carol received nothing",
    ),
    (
        "Given a request GET /peers/x to bob's chat\nAnd it is signed 7 times by carol\nWhen it is sent",
        "it is let in as the peer carol",
        VALID,
    ),
    (
        "Given a request GET /peers/x to bob's chat\nAnd it is signed by carol\nWhen bob's Core is asked about it",
        "it is let in as the peer carol",
        "the Core's answer lets nobody but a stranger in",
    ),
    (
        "Given a request GET /peers/x to bob's chat\nWhen bob's Core is asked about it",
        "the Core's answer lets nobody but a stranger in",
        "it is let in as anonymous",
    ),
    (
        "Given a request GET /public/x to bob's chat\nWhen bob's Core is asked about it",
        "the Core's answer lets nobody but a stranger in",
        "the answer came within 0 seconds",
    ),
    (
        "Given a request GET /public/x to bob's chat\n\
         When bob's Core is asked about it without the field \"X-Forwarded-Uri\"",
        "the answer is 400",
        "the answer is 200",
    ),
    (
        "Given a request GET /peers/x to bob's chat\nAnd it is signed by carol\nWhen it is sent\nAnd it is sent again",
        "it is refused",
        "it is let in as the peer carol",
    ),
];

#[test]
fn each_check_holds_where_it_is_true() {
    expect_all(CASES, |case| case.1, Verdict::Pass);
}

#[test]
fn each_check_fails_where_it_is_not() {
    expect_all(CASES, |case| case.2, Verdict::Fail);
}

/// A Core that rebuilds what was signed without its query.
#[derive(Debug)]
struct LosesTheQuery;

impl Rebuild for LosesTheQuery {
    fn rebuild(&self, question: &HeaderMap) -> Result<Forwarded, Refusal> {
        let mut question = question.clone();
        let path = question.get("x-forwarded-uri").and_then(|uri| uri.to_str().ok()?.split('?').next());
        if let Some(path) = path.and_then(|path| HeaderValue::from_str(path).ok()) {
            question.insert("x-forwarded-uri", path);
        }
        FromForwarded.rebuild(&question)
    }
}

#[test]
fn a_hand_made_request_that_is_not_understood_shows_both_bases() {
    let loses_the_query = |it: portal_core::CoreBuilder| it.replace(|parts| parts.rebuild = Arc::new(LosesTheQuery));
    let cases = [(SIGNED, "it is let in as the peer carol", "")];
    let results = run(&cases, |case| case.1, Subject::builtin_with(loses_the_query, Faults::NONE));
    let failure = results[0].failure.as_ref().unwrap();
    let bases = failure.bases.as_ref().unwrap();
    assert!(bases.made.contains("/public/page?x=1\n"), "{bases:?}");
    assert_eq!((bases.component(), bases.line), (Some("\"@target-uri\""), Some(2)));
}
