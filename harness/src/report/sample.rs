use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Contract, Threshold};
use crate::expectations::Known;
use crate::record::{Exhibit, Record, StepRecord};
use crate::subject::Receive;
use crate::suite::diverge::Bases;
use crate::trace::{Body, Entry, Hop, Party, SignatureEvent, SignatureOutcome, What};
use crate::verdict::{
    Event, Failure, RequirementResult, ScenarioInfo, ScenarioResult, SubjectInfo, SuiteInfo, Summary, Verdict,
};

/// The catalogue that the sample is about.
pub(crate) fn contract() -> Contract {
    let entry = |id: &str, level: &str, title: &str, text: &str| {
        format!(
            "[[requirement]]\nid = \"{id}\"\nlevel = \"{level}\"\nresponsible = \"core\"\ntitle = \"{title}\"\ntext = \"{text}\"\nwhy = \"w\"\nsource = [\"seed\"]\nsince = \"1\"\n"
        )
    };
    let text = [
        entry("CALL-3", "MUST", "Requests arrive unchanged", "Method, path and query arrive unchanged. So do fields."),
        entry("CALL-11", "MAY", "Answers are signed", "The answer is signed."),
        entry("SIG-6", "SHOULD", "A nonce", "A nonce is present."),
    ];
    Contract::parse(&text.concat()).unwrap()
}

fn scenario(row: &str, requirement: &str, verdict: Verdict, millis: u64) -> ScenarioResult {
    let scenario = ScenarioInfo {
        id: format!("call_peer/kept/{row}"),
        name: format!("The path {row} is kept"),
        feature: "call_peer.feature".into(),
        line: 12,
        tags: vec![requirement.into(), "slow".into()],
        requirements: vec![requirement.into()],
        level: None,
    };
    ScenarioResult {
        scenario,
        verdict,
        seconds: Duration::from_millis(millis),
        known: None,
        failure: None,
        record: Arc::default(),
    }
}

fn failure(result: &mut ScenarioResult, expected: &str, got: &str) -> Failure {
    let requirement = result.scenario.requirements[0].clone();
    Failure {
        sentence: contract().get(&requirement).map(|known| known.sentence().to_owned()),
        requirement: Some(requirement),
        step: "Then it works (call_peer.feature:15)".into(),
        expected: expected.into(),
        got: got.into(),
        bases: None,
        hop: None,
        replay: format!("countersign check --name '{}'", result.scenario.id),
        trace: vec!["chat on alice -> Core on alice: GET /a".into(), "Core on alice -> proxy on bob: GET /a".into()],
        subject_died: false,
        mistaken: false,
    }
}

/// One scenario that passes, one that fails with two bases, one at whose failing the harness is at fault, one unsupported.
pub(crate) fn summary() -> Summary {
    let pass = scenario("a", "CALL-3", Verdict::Pass, 100);
    let mut fail = scenario("b", "CALL-3", Verdict::Fail, 250);
    let bases = Bases::compare(
        "\"@method\": GET\n\"@authority\": chat.bobbob.p.example\n\"@signature-params\": (\"@method\" \"@authority\")".into(),
        "\"@method\": GET\n\"@authority\": chat.bobbob.p.example:443\n\"@signature-params\": (\"@method\" \"@authority\")".into(),
    );
    fail.failure = Some(Failure {
        bases: Some(bases),
        hop: Some("proxy on bob -> Core on bob".into()),
        ..failure(&mut fail, "status 200", "status 401 with the body\n{\"code\":\"x\"}")
    });
    fail.record = Arc::new(record());
    let mut error = scenario("c", "SIG-6", Verdict::Error, 1);
    error.failure = Some(failure(&mut error, "the harness does its part", "no socket"));
    let mut unsupported = scenario("d", "SIG-6", Verdict::Unsupported, 2);
    unsupported.failure = Some(failure(&mut unsupported, "", "the clock can't be set"));

    let scenarios = vec![pass, fail, error, unsupported];
    let contract = contract();
    let requirements = contract.iter().map(|requirement| {
        let of: Vec<_> = scenarios.iter().filter(|one| one.scenario.requirements[0] == requirement.id).collect();
        RequirementResult {
            off: None,
            id: requirement.id.clone(),
            level: requirement.level,
            responsible: requirement.responsible,
            source: requirement.source.clone(),
            testbed: false,
            verdict: Verdict::worst(of.iter().map(|one| one.verdict)),
            scenarios: of.iter().map(|one| one.scenario.id.clone()).collect(),
            title: requirement.title.clone(),
            sentence: requirement.sentence().to_owned(),
            counts: requirement.counts(Threshold::Must),
            apart: None,
        }
    });
    Summary {
        suite: SuiteInfo { name: "countersign".into(), version: "0.1.0".into(), features_sha256: "0".repeat(64) },
        subject: SubjectInfo {
            name: "portal-core".into(),
            version: Some("0.1.0".into()),
            kind: "built-in".into(),
            receive: Receive::Edge,
        },
        requirements: requirements.collect(),
        scenarios: scenarios.clone(),
        stale: Vec::new(),
        took: Duration::from_millis(1234),
        ended_early: false,
        time_up: false,
        not_run: Vec::new(),
        flaky: Vec::new(),
    }
}

/// What happened in the scenario that fails: a call from alice to bob, whose proxy says another authority to its Core.
fn record() -> Record {
    let step =
        |text: &str, line, passed| StepRecord { text: text.into(), line, passed, took: Duration::from_millis(120) };
    let (alice, bob) = (Party::core("alice"), Party::core("bob"));
    let fields = |more: &[(&'static str, &str)]| {
        let mut fields = http::HeaderMap::new();
        fields.insert("countersign-trace", http::HeaderValue::from_static("t1"));
        for (name, value) in more {
            fields.append(*name, value.parse().unwrap());
        }
        fields
    };
    let signed = [("host", "chat.bobbob.p.example"), ("signature-input", "sig1=(\"@method\" \"@authority\")")];
    let question = [("x-forwarded-host", "chat.bobbob.p.example:443"), ("x-forwarded-method", "GET")];
    let signature = |portal: &str, base: &str, outcome| {
        What::Signature(SignatureEvent {
            trace_id: Some("t1".into()),
            portal: portal.into(),
            label: Some("sig1".into()),
            signature_input: Some("(\"@method\" \"@authority\")".into()),
            base: Some(base.into()),
            outcome,
        })
    };
    let asked =
        Hop::request(Party::app("alice", "chat"), alice.clone(), "GET", "/internal/call_peer/bobbob/a", &fields(&[]));
    let sent = Hop::request(alice, Party::proxy("bob"), "GET", "/a", &fields(&signed));
    let auth = Hop::request(Party::proxy("bob"), bob, "GET", "/internal/auth", &fields(&question));
    let refused = SignatureOutcome::Rejected { step: "crypto".into(), code: "invalid_signature".into() };
    let what = vec![
        What::Hop(asked.clone()),
        signature("alice", "\"@method\": GET\n\"@authority\": chat.bobbob.p.example", SignatureOutcome::Made),
        What::Hop(sent.clone()),
        What::Hop(auth.clone()),
        signature("bob", "\"@method\": GET\n\"@authority\": chat.bobbob.p.example:443", refused),
        What::Hop(auth.answer(401, &fields(&[]))),
        What::Hop(
            sent.answer(401, &fields(&[("content-type", "application/json")]))
                .with_note("the app was not asked")
                .with_body(Body::arrived(b"{\"code\":  \"invalid_signature\"}", 30, true)),
        ),
        What::Hop(asked.answer(401, &fields(&[]))),
    ];
    let entries = what.into_iter().zip(0..).map(|(what, seq)| Entry { seq, what }).collect();
    let steps = vec![step("Given two Portals", 13, true), step("Then it works", 15, false)];
    let exhibits = vec![Exhibit { title: "What was sent".into(), text: "GET /a HTTP/1.1".into() }];
    Record { steps, entries, left_out: 0, exhibits }
}

/// The same run with every verdict that there is: also a known failure, an unexpected pass, a timeout and one skipped.
pub(crate) fn everything() -> Summary {
    let known = |reason: &str| Known {
        reason: reason.into(),
        owner: "ann".into(),
        until: "2027-03-31".into(),
        place: "known.toml:3".into(),
    };
    let mut summary = summary();
    let mut listed = scenario("e", "CALL-3", Verdict::KnownFailure, 30);
    listed.failure = Some(failure(&mut listed, "status 200", "status 404"));
    listed.known = Some(known("paths lose their case, see issue 12"));
    let mut unexpected = scenario("f", "CALL-3", Verdict::UnexpectedPass, 40);
    unexpected.known = Some(known("paths lose their end"));
    let mut late = scenario("g", "CALL-3", Verdict::Timeout, 30_000);
    late.failure = Some(failure(&mut late, "an answer in time", "nothing within 30 s"));
    let mut skipped = scenario("h", "SIG-6", Verdict::Skip, 0);
    skipped.failure = Some(failure(&mut skipped, "", "the profile portal-2022 has no nonce"));
    let more = [listed, unexpected, late, skipped];
    for result in &more {
        let of = |requirement: &&mut RequirementResult| requirement.id == result.scenario.requirements[0];
        for requirement in summary.requirements.iter_mut().filter(of) {
            requirement.scenarios.push(result.scenario.id.clone());
        }
    }
    summary.scenarios.extend(more);
    summary.stale =
        vec!["known.toml:3: `call_peer/kept/f` is listed as failing, but passes: delete lines 2 to 6".into()];
    summary
}

/// The events of that run.
pub(crate) fn events() -> Vec<Event> {
    let summary = summary();
    let mut events = vec![Event::Started {
        suite: summary.suite.clone(),
        subject: summary.subject.clone(),
        scenarios: summary.scenarios.len(),
    }];
    for result in &summary.scenarios {
        let (scenario, step) = (result.scenario.id.clone(), "Then it works".to_owned());
        events.push(Event::ScenarioStarted(result.scenario.clone()));
        events.push(Event::StepFinished { scenario, step, passed: result.verdict == Verdict::Pass });
        events.push(Event::ScenarioFinished(Box::new(result.clone())));
    }
    events.push(Event::Finished(Arc::new(summary)));
    events
}
