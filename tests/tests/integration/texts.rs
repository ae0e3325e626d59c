//! What people read, as it stands: the report of a run in the terminal.

use countersign::contract::Contract;
use countersign::report::terminal::{Detail, TerminalReport};
use countersign::suite::{RunOptions, Suite};
use countersign::verdict::{Event, EventSink as _};

use super::report::{given, steps};

/// One feature in which everything happens that can.
#[test]
fn the_report_in_the_terminal() {
    let suite = Suite::load_with(&given(), steps(), Contract::embedded().unwrap()).unwrap();
    let mut report = TerminalReport::new(Vec::new(), Detail::Normal);
    let _ =
        suite.run(&RunOptions { jobs: 1, ..RunOptions::default() }, &mut |event: &Event| report.event(event)).unwrap();
    let text = String::from_utf8(report.finish().unwrap()).unwrap();
    insta::assert_snapshot!(without_times(&text));
}

/// How long it took is never the same: every `1.2 s` becomes `? s`.
fn without_times(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).collect::<Vec<_>>();
    let is_time = |at: usize| {
        let next = words.get(at + 1).map(|word| word.trim_end());
        next == Some("s") && words[at].trim_end().parse::<f64>().is_ok()
    };
    words.iter().enumerate().map(|(at, word)| if is_time(at) { "? " } else { word }).collect()
}
