//! A failure tells where it went wrong: on which line of the signature base, and at which hop.

use countersign::report::terminal::{Detail, TerminalReport};
use countersign::subject::Subject;
use countersign::suite::{RunOptions, Source, Suite};
use countersign::testbed::faults::ProxyFault;
use countersign::verdict::{Failure, Verdict};

const FEATURE: &str = r#"Feature: F
  @AUTH-2
  Scenario: A call with a query is let in
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path    | access  | headers  |
      |         | private | identity |
      | /peers/ | peer    | identity |
    When alice's chat calls bob with GET /peers/inbox?page=2
    Then it is let in as the peer alice
"#;

/// What comes out with this subject, and the report for people.
fn checked(subject: Subject) -> (Verdict, Option<Failure>, String) {
    let suite = Suite::load(&Source::Given(vec![("f.feature".to_owned(), FEATURE.to_owned())])).unwrap();
    let mut report = TerminalReport::new(Vec::new(), Detail::Much);
    let options = RunOptions { subject, ..RunOptions::default() };
    let summary = suite.run(&options, &mut report).unwrap();
    let report = String::from_utf8(report.finish().unwrap()).unwrap();
    let result = summary.scenarios.into_iter().next().unwrap();
    (result.verdict, result.failure, report)
}

#[test]
fn a_core_that_conforms_gives_no_evidence() {
    let (verdict, failure, report) = checked(Subject::builtin());
    assert_eq!((verdict, failure), (Verdict::Pass, None), "{report}");
}

#[test]
fn the_line_and_the_hop_are_named() {
    let (verdict, failure, report) = checked(Subject::builtin().with_faults(ProxyFault::HidesQueryFromCore));
    assert_eq!(verdict, Verdict::Fail, "{report}");
    let failure = failure.unwrap();
    let bases = failure.bases.expect("the bases differ");
    assert_eq!(bases.guess.as_deref(), Some("the query is dropped by one side"), "{report}");
    assert!(bases.made.split('\n').nth(bases.line.unwrap() - 1).unwrap().contains("page=2"), "{report}");
    let hop = failure.hop.expect("a hop changed it");
    assert!(hop.starts_with("proxy on bob: got `"), "{hop}");
    assert!(report.contains(" signed:   \"@"), "{report}");
    assert!(failure.trace.iter().any(|line| line.contains("/internal/auth")), "{report}");
}
