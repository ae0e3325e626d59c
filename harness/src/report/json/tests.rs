use std::path::Path;

use super::read::parse;
use super::*;
use crate::report::sample;

fn written(summary: &Summary) -> String {
    let mut out = Vec::new();
    write(&report(summary), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The sample, but for what is told in the terminal only.
fn readable() -> Summary {
    let mut summary = sample::summary();
    let failures = summary.scenarios.iter_mut().filter_map(|result| result.failure.as_mut());
    failures.for_each(|failure| failure.trace = Vec::new());
    summary
}

#[test]
fn what_was_written_is_read_again() {
    let summary = readable();
    let read = parse(Path::new("r.json"), written(&summary).as_bytes()).unwrap();
    assert_eq!(read, summary);
}

#[test]
fn a_scenario_stands_on_a_few_lines_and_its_record_on_one() {
    let written = written(&sample::summary());
    let line = |start: &str| written.lines().filter(|line| line.trim_start().starts_with(start)).count();
    assert_eq!(line("\"id\": \"call_peer/kept/b\""), 1);
    assert_eq!(line("\"record\": {\"steps\": [{\"text\""), 1, "{written}");
    assert!(written.contains("\"stale\": [],\n"), "{written}");
}

#[test]
fn what_is_no_report_is_named_with_file_and_line() {
    let said = |text: &str| parse(Path::new("r.json"), text.as_bytes()).unwrap_err().to_string();
    assert!(said("").starts_with("r.json:1: this is no report of"), "{}", said(""));
    assert!(said("{}").contains("missing field `suite`"), "{}", said("{}"));
    let good = written(&sample::summary());
    let cut = &good[..good.len() / 2];
    assert!(said(cut).starts_with(&format!("r.json:{}: ", cut.lines().count())), "{}", said(cut));
    let bad = good.replace("\"verdict\": \"fail\"", "\"verdict\": \"bad\"");
    assert!(said(&bad).contains("unknown variant `bad`"), "{}", said(&bad));
    let other = good.replace("\"name\": \"countersign\"", "\"name\": \"other\"");
    assert!(said(&other).ends_with("it was written by `other`"), "{}", said(&other));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = read(Path::new("no/such/report.json")).unwrap_err();
    assert!(error.to_string().starts_with("no/such/report.json: "), "{error}");
}
