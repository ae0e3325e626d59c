use std::sync::Arc;
use std::time::Duration;

use crate::contract::{Contract, Threshold};
use crate::suite::diverge::Bases;
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
            counts: requirement.counts(Threshold::Must),
            apart: None,
        }
    });
    Summary {
        suite: SuiteInfo { name: "countersign".into(), version: "0.1.0".into(), features_sha256: "0".repeat(64) },
        subject: SubjectInfo { name: "portal-core".into(), version: Some("0.1.0".into()), kind: "built-in".into() },
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
