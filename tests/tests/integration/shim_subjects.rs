//! The subjects that are built in, on the whole corpus: what the engine makes of it, what the crate httpsig does, and
//! that all that is said on the way keeps to the protocol's schema.

use std::path::Path;
use std::sync::{Arc, Mutex};

use countersign::expectations::Expectations;
use countersign::glob::Glob;
use countersign::vectors::load::Corpus;
use countersign::vectors::protocol::{Answer, Hello, Request};
use countersign::vectors::results::{Conclusion, VectorEvent, VectorSummary};
use countersign::vectors::runner::{Target, VectorOptions, run};
use countersign::vectors::shim::{Subject, built_in};
use countersign::verdict::Verdict;
use serde_json::Value;

use super::shim_protocol::{assert_valid, schema};

const KNOWN: &str = include_str!("../../../fixtures/known-failures/httpsig.toml");

/// A subject whose every word is written down.
struct Recorded {
    subject: Arc<dyn Subject>,
    traffic: Mutex<Vec<(Value, Value)>>,
}

impl Subject for Recorded {
    fn hello(&self) -> Hello {
        self.subject.hello()
    }

    fn answer(&self, request: &Request) -> Answer {
        let answer = self.subject.answer(request);
        let line = (serde_json::to_value(request).unwrap(), serde_json::to_value(&answer).unwrap());
        self.traffic.lock().unwrap().push(line);
        answer
    }
}

fn vectors(name: &str, expectations: Expectations) -> (VectorSummary, Arc<Recorded>) {
    let recorded = Arc::new(Recorded { subject: built_in(name).unwrap(), traffic: Mutex::default() });
    let target = Target::BuiltIn(name.to_owned(), Arc::clone(&recorded) as Arc<dyn Subject>);
    let options = VectorOptions { expectations, ..VectorOptions::default() };
    let corpus = Corpus::embedded().unwrap();
    (run(&corpus, &target, &options, &mut |_: &VectorEvent| {}).unwrap(), recorded)
}

fn assert_traffic_is_valid(recorded: &Recorded) {
    let traffic = recorded.traffic.lock().unwrap();
    assert!(traffic.len() > 1000, "only {} requests", traffic.len());
    for op in ["base", "sign", "verify", "digest", "accept"] {
        let (request, answer) = (schema(&format!("{op}_request")), schema(&format!("{op}_answer")));
        for (asked, answered) in traffic.iter().filter(|(asked, _)| asked["op"] == op) {
            assert_valid(&request, asked);
            assert_valid(&answer, answered);
        }
    }
}

#[test]
fn the_engine_passes_all_vectors() {
    let (summary, recorded) = vectors("core", Expectations::default());
    let wrong: Vec<_> = summary.vectors.iter().filter(|result| result.verdict != Verdict::Pass).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(summary.conclusion(), Conclusion::Conforms);
    assert_traffic_is_valid(&recorded);
}

#[test]
fn all_that_httpsig_gets_wrong_is_listed_and_nothing_else() {
    let path = Path::new("fixtures/known-failures/httpsig.toml");
    // At no particular time: that the list expires is for those who run it, not for this test.
    let expectations = Expectations::parse(path, KNOWN, 0).unwrap();
    let (summary, recorded) = vectors("httpsig", expectations);
    let fails: Vec<_> = summary
        .vectors
        .iter()
        .filter(|result| !matches!(result.verdict, Verdict::Pass | Verdict::Unsupported | Verdict::KnownFailure))
        .collect();
    assert!(fails.is_empty(), "{fails:#?}");
    assert_eq!((summary.conclusion(), &summary.stale), (Conclusion::Conforms, &Vec::new()));

    // An entry for several must not hide that one of them is mended.
    let ids = KNOWN.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"'));
    let globs: Vec<Glob> = ids.map(|id| Glob::new(id.to_owned())).collect();
    assert!(globs.len() > 50);
    for result in summary.vectors.iter().filter(|result| result.verdict == Verdict::Pass) {
        let id = &result.vector.id;
        assert!(!globs.iter().any(|glob| glob.matches(id)), "{id} passes, but is listed");
    }
    assert_traffic_is_valid(&recorded);
}
