//! Each check, seen to hold where it is true and to fail where it is not, on Portals that run.

mod clockless;
mod knowing;
mod proxy;
mod signatures;
mod user;

use std::fmt::Write as _;

use crate::subject::Subject;
use crate::suite::{RunOptions, Source, Suite};
use crate::verdict::{Event, ScenarioResult, Verdict};

/// What happens; what is then true; what is not.
type Case = (&'static str, &'static str, &'static str);

const BACKGROUND: &str = r"Feature: Checks
  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And the fake Portal carol
    And alice has added carol as a peer
    And bob has added carol as a peer
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
";

const STRANGER: &str =
    "When a stranger sends GET /public/page?x=1 to bob's chat\n| field | value |\n| X-A | 1 |\n| X-A | 2 |";
const CALL: &str = "When alice's chat calls bob with POST /peers/x and the body \"hello\"";

const CASES: &[Case] = &[
    (STRANGER, "it is let in as anonymous", "it is refused"),
    (STRANGER, "it is let in as anonymous", "it is let in as the peer alice"),
    ("When a stranger sends GET /notes to bob's chat", "it is refused", "it is let in as anonymous"),
    ("When bob's owner sends GET /notes to bob's chat", "it is let in as the owner", "it is let in as anonymous"),
    (
        "Given bob has paired the terminal phone\nGiven bob has paired the terminal tablet\n\
         When the terminal phone sends GET /notes to bob's chat over HTTP/2",
        "it is let in as the terminal phone",
        "it is let in as the terminal tablet",
    ),
    (CALL, "it is let in as the peer alice", "it is let in as the peer carol"),
    // The app itself says 401: that is no refusal of the Portal's.
    (
        "Given bob's chat answers 401\nWhen a stranger sends GET /public/page to bob's chat",
        "it is let in as anonymous",
        "it is refused",
    ),
    // It reached two apps.
    (
        "Given bob's chat passes calls on to alice\nWhen alice's chat calls bob with GET /peers/x",
        "the answer is 200",
        "it is let in as the peer alice",
    ),
    (CALL, "the answer is 200 or 204", "the answer is 401, 403 or 404"),
    (
        "When alice's chat calls \"zzzzzz\" with GET /x",
        "the answer is 404 with a reason",
        "the answer is 409 with a reason",
    ),
    (
        "Given bob's chat answers 404 with the body \"no\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer is 404",
        "the answer is 404 with a reason",
    ),
    (
        "Given bob's chat answers 200 with the body \"yes\"\n| field | value |\n| X-A | 1 |\n| X-A | 2 |\n\
         When alice's chat calls bob with GET /peers/x",
        "the answer has the fields\n| field | value |\n| X-A | 1 |\n| X-A | /^.$/ |\n| X-B | |",
        "the answer has the fields\n| field | value |\n| X-A | 1, 2 |",
    ),
    (
        "Given bob's chat answers 200 with the body \"yes\"\nWhen alice's chat calls bob with GET /peers/x",
        "the answer's body is \"yes\"",
        "the answer's body is \"no\"",
    ),
    (
        "Given bob's chat answers 200 with a body of 100 KiB\nWhen alice's chat calls bob with GET /peers/x",
        "the answer's body is complete",
        "the answer's body is \"\"",
    ),
    (
        "Given bob's chat answers 200 with a body of 100 KiB\nWhen alice's chat calls bob with HEAD /peers/x",
        "the answer's body is \"\"",
        "the answer's body is complete",
    ),
    (
        "Given bob's chat breaks off in the middle of its answer\nWhen alice's chat calls bob with GET /peers/x",
        "the answer breaks off, or is 502",
        "the answer's body is complete",
    ),
    (CALL, "the answer is 200", "the answer breaks off, or is 502"),
    (
        "When bob's owner sends GET /protected/peers?name=alice to bob's Core",
        "the answer's JSON has\n| at | value |\n| length | 1 |\n| [0].id | {bob.listed.alice} |\n| [0].is_reachable | true |",
        "the answer's JSON has\n| at | value |\n| [0].id | {carol.id} |",
    ),
    (
        "When alice's chat sends GET /protected/peers to its Core",
        "the answer's JSON has\n| at | value |\n| length | 2 |",
        "the answer's JSON has\n| at | value |\n| [2].id | /./ |",
    ),
    (
        "When a stranger sends GET /notes to bob's chat\nAnd a stranger sends GET /peers/ to bob's chat",
        "the last two answers are alike",
        "the answer is 200",
    ),
    (
        "When a stranger sends GET /notes to bob's chat\nAnd a stranger sends GET /public/x to bob's chat",
        "the answer is 200",
        "the last two answers are alike",
    ),
    (CALL, "alice's chat received nothing", "bob's chat received nothing"),
    (STRANGER, "bob's chat received GET /public/page?x=1", "bob's chat received GET /public/page"),
    (STRANGER, "bob's chat received GET /public/page?x=1", "bob's chat received POST /public/page?x=1"),
    (
        STRANGER,
        "bob's chat received nothing, or GET /public/page?x=1",
        "bob's chat received nothing, or GET /public/page",
    ),
    (CALL, "alice's chat received nothing, or GET /x", "bob's chat received nothing, or GET /x"),
    (CALL, "bob's chat received 1 request", "bob's chat received 2 requests"),
    (CALL, "carol received 0 requests", "carol received POST /peers/x"),
    ("When alice's chat calls carol with GET /x", "carol received GET /x", "carol received nothing"),
    (
        STRANGER,
        "bob's chat received the fields\n| field | value |\n| x-a | 1 |\n| x-a | 2 |\n| X-Ptl-Client-Id | |\n| Host | chat.{bob.domain} |",
        "bob's chat received the fields\n| field | value |\n| X-A | 1 |",
    ),
    (
        STRANGER,
        "bob's chat received none of the fields\n| field |\n| X_A |",
        "bob's chat received none of the fields\n| field |\n| X-B |\n| x-a |",
    ),
    (CALL, "bob's chat received the body \"hello\"", "bob's chat received the body \"hallo\""),
    (
        "When alice's chat calls bob with POST /peers/x and a body of 70 KiB",
        "bob's chat received the body that was sent",
        "bob's chat received the body \"\"",
    ),
    (
        "When alice's chat calls \"zzzzzz\" with GET /x",
        "alice's Core connected to nobody",
        "bob's chat received 1 request",
    ),
    (
        "Given bob is away\nAnd bob comes back\nWhen alice's chat calls bob with GET /peers/x",
        "alice's Core connected to nobody but \"chat.{bob.domain}\"",
        "alice's Core connected to nobody but \"chat.{carol.domain}\"",
    ),
    (
        "Given carol is away\nAnd carol comes back\nWhen alice's chat calls carol with GET /peers/x",
        "alice's Core connected to nobody but \"chat.{carol.domain}\"",
        "alice's Core connected to nobody",
    ),
    (
        "When bob's Core is asked GET /internal/auth\n| field | value |\n| X-Forwarded-Method | GET |\n\
         | X-Forwarded-Proto | https |\n| X-Forwarded-Host | chat.{bob.domain} |\n| X-Forwarded-Uri | /public/ |\n\
         | X-Forwarded-For | 203.0.113.7 |",
        "it is let in as anonymous",
        "it is refused",
    ),
    (
        "When alice's chat calls carol with GET /x",
        "the hops are\n| from | to | what |\n| alice chat | alice core | GET /internal/call_peer/{carol.short_id}/x |\n\
         | alice core | carol proxy | GET /x |\n| carol proxy | alice core | 200 |\n| alice core | alice chat | 200 |",
        "the hops are\n| from | to | what |\n| alice chat | alice core | GET /internal/call_peer/{carol.short_id}/x |\n\
         | alice core | carol proxy | GET /x |\n| carol proxy | alice core | 200 |",
    ),
    (
        "Given alice's chat and bob's chat answer only when both have been called\n\
         When every Portal's chat calls every other with GET /peers/x at the same moment",
        "every call was let in as the peer who called",
        "bob's chat received 2 requests",
    ),
    (
        "When every Portal's chat calls every other with GET /peers/x at the same moment",
        "every call took each hop exactly once",
        "alice's chat received nothing",
    ),
    (
        "Given bob's chat answers 500\n\
         When every Portal's chat calls every other with GET /peers/x at the same moment",
        "bob's chat received 1 request",
        "every call was let in as the peer who called",
    ),
    (
        "When every Portal's chat calls every other with GET /notes at the same moment",
        "bob's chat received nothing",
        "every call took each hop exactly once",
    ),
    // A clock that is off is seen by those who judge signatures.
    (
        "Given alice's clock is 10 minutes behind\nWhen alice's chat calls bob with GET /peers/x",
        "it is refused",
        "it is let in as the peer alice",
    ),
    (
        "Given alice's clock is 10 minutes behind\nWhen 10 minutes pass on alice's clock\n\
         And alice's chat calls bob with GET /peers/x",
        "it is let in as the peer alice",
        "it is refused",
    ),
    (
        "When bob's Core is stopped\nAnd alice's chat calls bob with GET /peers/x",
        "the answer is 502 or 503",
        "it is refused",
    ),
    (
        "When bob's Core is restarted\nAnd bob's chat calls alice with GET /peers/x",
        "it is let in as the peer bob",
        "it is refused",
    ),
    (
        "When bob's Core is killed and started\nAnd bob's chat calls alice with GET /peers/x",
        "it is let in as the peer bob",
        "it is refused",
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

fn expect_all(cases: &[Case], said: fn(&Case) -> &'static str, verdict: Verdict) {
    for (result, case) in run(cases, said, Subject::builtin()).iter().zip(cases) {
        assert_eq!(result.verdict, verdict, "{}: {}: {:?}", case.0, said(case), result.failure);
    }
}

/// A scenario for each case, in their order.
fn run(cases: &[Case], said: fn(&Case) -> &'static str, subject: Subject) -> Vec<ScenarioResult> {
    let mut text = BACKGROUND.to_owned();
    for (number, case) in cases.iter().enumerate() {
        // The catalogue is not what is tested: any requirement will do.
        writeln!(text, "\n  @CALL-1\n  Scenario: Case {number}\n    {}\n    Then {}", case.0, said(case)).unwrap();
    }
    let suite = Suite::load(&Source::Given(vec![("checks.feature".to_owned(), text)])).unwrap();
    let summary = suite.run(&RunOptions { subject, ..RunOptions::default() }, &mut |_: &Event| {}).unwrap();
    assert_eq!(summary.scenarios.len(), cases.len());
    summary.scenarios
}
