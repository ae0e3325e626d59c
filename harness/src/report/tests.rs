use super::sample;
use super::terminal::{Detail, TerminalReport};
use crate::verdict::{EventSink, Verdict};

fn written(detail: Detail) -> String {
    let mut report = TerminalReport::new(Vec::new(), detail);
    sample::events().iter().for_each(|event| report.event(event));
    String::from_utf8(report.finish().unwrap()).unwrap()
}

const REPORT: &str = r#"Requirements that decide
  id        level  verdict        scenarios
  CALL-3    MUST   FAIL           1 of 2     Requests arrive unchanged

Reported apart
  id        level  verdict        scenarios
  SIG-6     SHOULD error          2 of 2     A nonce

Not tested in this run: CALL-11 (MAY)

FAIL: call_peer/kept/b
  scenario     The path b is kept (call_peer.feature:12)
  requirement  CALL-3 MUST: Method, path and query arrive unchanged.
  step         Then it works (call_peer.feature:15)
  expected     status 200
  got          status 401 with the body
               {"code":"x"}
  bases        they differ first on line 2: a default port is kept: it has to be left out
       1           "@method": GET
    >  2 signed:   "@authority": chat.bobbob.p.example
    >    rebuilt:  "@authority": chat.bobbob.p.example:443
       3           "@signature-params": ("@method" "@authority")
  changed by   proxy on bob -> Core on bob
  run alone    countersign check --name 'call_peer/kept/b'

ERROR of the harness, not of the subject: call_peer/kept/c
  scenario     The path c is kept (call_peer.feature:12)
  requirement  SIG-6 SHOULD: A nonce is present.
  step         Then it works (call_peer.feature:15)
  expected     the harness does its part
  got          no socket
  run alone    countersign check --name 'call_peer/kept/c'

unsupported: call_peer/kept/d: the clock can't be set

Does not conform: 1 of 1 requirements are not kept. 4 scenarios: 1 pass, 1 unsupported, 1 error, 1 FAIL; 1.2 s
"#;

#[test]
fn the_report_for_people() {
    let written = written(Detail::Normal);
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&written), lines(REPORT), "{written}");
}

#[test]
fn little_is_the_failures_and_the_last_line() {
    let written = written(Detail::Little);
    assert!(written.starts_with("FAIL: call_peer/kept/b\n"), "{written}");
    assert!(!written.contains("unsupported: call_peer"), "{written}");
}

#[test]
fn what_a_core_says_does_not_steer_the_terminal() {
    let mut summary = sample::everything();
    let steers = "\u{1b}[2Jall is well\r\u{9b}8m";
    for result in &mut summary.scenarios {
        if let Some(failure) = &mut result.failure {
            failure.got.push_str(steers);
            failure.trace.push(steers.to_owned());
            if let Some(bases) = &mut failure.bases {
                bases.rebuilt.push_str(steers);
            }
        }
    }
    let mut report = TerminalReport::new(Vec::new(), Detail::All);
    report.event(&crate::verdict::Event::Finished(std::sync::Arc::new(summary)));
    let written = String::from_utf8(report.finish().unwrap()).unwrap();
    assert!(written.contains(r"\u{1b}[2Jall is well\r\u{9b}8m"), "{written}");
    assert!(!written.contains(|c: char| c.is_control() && c != '\n'), "{written}");
}

#[test]
fn much_has_the_hops() {
    assert!(
        written(Detail::Much)
            .contains("  hops         chat on alice -> Core on alice: GET /a\n               Core on alice")
    );
}

#[test]
fn the_last_line_says_what_is_known() {
    let line = super::terminal::last_line;
    let mut summary = sample::summary();
    summary.scenarios.iter_mut().for_each(|result| result.verdict = Verdict::Pass);
    summary
        .requirements
        .iter_mut()
        .for_each(|requirement| requirement.verdict = requirement.verdict.map(|_| Verdict::Pass));
    assert_eq!(line(&summary), "Conforms: 1 requirement kept. 4 scenarios: 4 pass; 1.2 s");
    summary.requirements[2].verdict = Some(Verdict::Fail);
    assert_eq!(
        line(&summary),
        "Conforms: 1 requirement kept; reported apart, not kept: SIG-6. 4 scenarios: 4 pass; 1.2 s"
    );
    summary.scenarios[0].verdict = Verdict::Error;
    assert!(line(&summary).starts_with("Not known whether it conforms: the harness failed"));
    summary.ended_early = true;
    assert!(line(&summary).starts_with("Ended early"));
}

#[test]
fn the_junit_report() {
    insta::assert_snapshot!(super::junit::check(&sample::everything()));
}

#[test]
fn the_markdown_report() {
    insta::assert_snapshot!(super::markdown::check(&sample::everything()));
}

#[test]
fn the_terminal_tells_what_is_known_to_fail_and_what_is_not() {
    let mut report = TerminalReport::new(Vec::new(), Detail::Normal);
    report.event(&crate::verdict::Event::Finished(std::sync::Arc::new(sample::everything())));
    insta::assert_snapshot!(String::from_utf8(report.finish().unwrap()).unwrap());
}

#[test]
fn however_much_fails_a_job_s_summary_is_not_cut() {
    let mut summary = sample::summary();
    let fail = summary.scenarios[1].clone();
    for n in 0..3000 {
        let mut more = fail.clone();
        more.scenario.id = format!("call_peer/kept/n{n}");
        more.failure.as_mut().unwrap().got = "`x` | <b>\n".repeat(2000);
        summary.scenarios.push(more);
    }
    let written = super::markdown::check(&summary);
    assert!(written.len() < 1 << 20, "{} bytes", written.len());
    assert!(
        written.contains(" more scenarios, for which there is no room here."),
        "{}",
        &written[written.len() - 300..]
    );
    assert!(written.trim_end().ends_with("</sub>"));
}

#[test]
fn nothing_in_markdown_is_markup_but_what_should_be() {
    let mut summary = sample::summary();
    summary.scenarios[1].scenario.name = "</summary><img src=x> | @all [a](b) `c`".into();
    summary.scenarios[1].failure.as_mut().unwrap().got = "```\n</details># title".into();
    let written = super::markdown::check(&summary);
    assert!(!written.contains("<img") && !written.contains("@all") && !written.contains("[a](b)"), "{written}");
    assert!(written.contains("````text\n"), "{written}");
}
