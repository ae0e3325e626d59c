//! What is shown while the suite runs: a bar on a terminal, a line now and then elsewhere.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Detail;
use crate::verdict::{Event, EventSink, ScenarioResult, Verdict};

/// Where there is no terminal, a line comes after this many scenarios.
const EVERY: usize = 50;

/// Shows how far the run is, on standard error.
pub struct Progress<W> {
    out: W,
    detail: Detail,
    bar: ProgressBar,
    total: usize,
    done: usize,
    failed: usize,
}

impl<W: Write> Progress<W> {
    /// A bar if standard error is a terminal, else lines on `out`.
    pub fn new(out: W, detail: Detail) -> Progress<W> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} scenarios{msg}") {
            bar.set_style(style);
        }
        Progress { out, detail, bar, total: 0, done: 0, failed: 0 }
    }

    fn line(&mut self, line: &str) {
        if self.bar.is_hidden() {
            // Progress that can't be shown is no reason to stop.
            let _ = writeln!(self.out, "{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn finished(&mut self, result: &ScenarioResult) {
        self.done += 1;
        let bad = result.verdict.breaks() || result.verdict == Verdict::Error;
        if bad {
            self.failed += 1;
            self.bar.set_message(format!(", {} not passed", self.failed));
        }
        self.bar.set_position(self.done as u64);
        if self.detail >= Detail::Much || (bad && self.detail >= Detail::Normal) {
            let line =
                format!("{}: {} ({:.2} s)", result.verdict.words(), result.scenario.id, result.seconds.as_secs_f64());
            self.line(&line);
        }
        if self.bar.is_hidden() && self.detail == Detail::Normal && self.done.is_multiple_of(EVERY) {
            let line = format!("{} of {} scenarios, {} not passed", self.done, self.total, self.failed);
            self.line(&line);
        }
    }
}

impl<W: Write> EventSink for Progress<W> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started { suite, subject, scenarios } => {
                self.total = *scenarios;
                self.bar.set_length(*scenarios as u64);
                if self.detail >= Detail::Normal {
                    let version = subject.version.as_deref().unwrap_or("of unknown version");
                    let (name, kind) = (&subject.name, &subject.kind);
                    self.line(&format!(
                        "Countersign {} checks {name} {version} ({kind}): {scenarios} scenarios",
                        suite.version
                    ));
                }
            }
            Event::ScenarioStarted(_) => {}
            Event::StepFinished { scenario, step, passed } => {
                if self.detail >= Detail::All {
                    let mark = if *passed { "ok" } else { "not ok" };
                    self.line(&format!("  {mark}: {step} [{scenario}]"));
                }
            }
            Event::ScenarioFinished(result) => self.finished(result),
            Event::Finished(_) => self.bar.finish_and_clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn shown(detail: Detail) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, detail);
        progress.bar.set_draw_target(ProgressDrawTarget::hidden());
        sample::events().iter().for_each(|event| progress.event(event));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn without_a_terminal_it_is_lines() {
        let shown = shown(Detail::Normal);
        assert!(shown.starts_with("Countersign 0.1.0 checks portal-core 0.1.0 (built-in): 4 scenarios\n"), "{shown}");
        assert!(shown.contains("FAIL: call_peer/kept/b (0.25 s)\n"), "{shown}");
        assert!(!shown.contains("call_peer/kept/a"), "{shown}");
    }

    #[test]
    fn a_long_run_tells_how_far_it_is() {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, Detail::Normal);
        progress.bar.set_draw_target(ProgressDrawTarget::hidden());
        progress.total = 120;
        for _ in 0..120 {
            progress.finished(&sample::summary().scenarios[0]);
        }
        let expected = "50 of 120 scenarios, 0 not passed\n100 of 120 scenarios, 0 not passed\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn how_much_is_shown_can_be_chosen() {
        assert_eq!(shown(Detail::Little), "");
        assert!(shown(Detail::Much).contains("pass: call_peer/kept/a (0.10 s)\n"));
        assert!(shown(Detail::All).contains("  not ok: Then it works [call_peer/kept/b]\n"));
    }
}
