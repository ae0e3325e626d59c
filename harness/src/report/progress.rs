//! What is shown while the suite runs: a bar on a terminal, a line now and then elsewhere.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::terminal::Detail;
use crate::verdict::{Event, EventSink, ScenarioResult, Verdict};

/// Where there is no terminal, a line comes after this many scenarios …
const EVERY: usize = 50;
/// … or after this long, whichever is first.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);
/// A run that takes longer says for how long it has been going.
const LONG: Duration = Duration::from_secs(10);
/// A scenario that takes longer is named while it runs.
const SLOW: Duration = Duration::from_secs(5);
/// How often the bar is drawn anew while nothing happens.
const TICK: Duration = Duration::from_millis(500);

/// Shows how far the run is, on standard error.
pub struct Progress<W> {
    out: W,
    detail: Detail,
    bar: ProgressBar,
    running: Running,
    since: Instant,
    last_line: Instant,
    total: usize,
    done: usize,
    failed: usize,
}

/// The scenarios that run now, and since when. The bar looks at them, too, while nothing happens.
#[derive(Debug, Clone, Default)]
struct Running(Arc<Mutex<Vec<(String, Instant)>>>);

impl Running {
    fn change(&self, change: impl FnOnce(&mut Vec<(String, Instant)>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The one that has been running the longest, if that is long.
    fn slowest(&self, now: Instant) -> Option<String> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (scenario, since) = running.iter().min_by_key(|(_, since)| *since)?;
        let takes = now.saturating_duration_since(*since);
        (takes >= SLOW).then(|| format!(", {} s in {scenario}", takes.as_secs()))
    }
}

impl<W: Write> Progress<W> {
    /// A bar if standard error is a terminal, else lines on `out`.
    pub fn new(out: W, detail: Detail) -> Progress<W> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let running = Running::default();
        let template = "{bar:30} {pos} of {len} scenarios{msg}, {elapsed}{slow}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let running = running.clone();
            let slow = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                // What can't be drawn is not worth a word.
                let _ = out.write_str(&running.slowest(Instant::now()).unwrap_or_default());
            };
            bar.set_style(style.with_key("slow", slow));
        }
        let now = Instant::now();
        Progress { out, detail, bar, running, since: now, last_line: now, total: 0, done: 0, failed: 0 }
    }

    /// A run, or one more round of it.
    fn begin(&mut self, scenarios: usize, now: Instant) {
        (self.total, self.done, self.failed) = (scenarios, 0, 0);
        (self.since, self.last_line) = (now, now);
        self.bar.reset();
        self.bar.set_message("");
        self.bar.set_length(scenarios as u64);
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(TICK);
        }
    }

    fn line(&mut self, line: &str) {
        if self.bar.is_hidden() {
            // Progress that can't be shown is no reason to stop.
            let _ = writeln!(self.out, "{line}");
        } else {
            self.bar.println(line);
        }
    }

    /// How far it is, where there is no bar.
    fn so_far(&mut self, now: Instant) {
        self.last_line = now;
        let mut line = format!("{} of {} scenarios, {} not passed", self.done, self.total, self.failed);
        let takes = now.saturating_duration_since(self.since);
        if takes >= LONG {
            line.push_str(&format!(", {} s", takes.as_secs()));
        }
        line.push_str(&self.running.slowest(now).unwrap_or_default());
        self.line(&line);
    }

    fn finished(&mut self, result: &ScenarioResult, now: Instant) {
        self.done += 1;
        self.running.change(|running| running.retain(|(scenario, _)| *scenario != result.scenario.id));
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
        let due = self.done.is_multiple_of(EVERY) || now.saturating_duration_since(self.last_line) >= AT_LEAST_EVERY;
        if self.bar.is_hidden() && self.detail == Detail::Normal && due {
            self.so_far(now);
        }
    }
}

impl<W: Write> EventSink for Progress<W> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Started { suite, subject, scenarios } => {
                let is_first_round = self.total == 0;
                self.begin(*scenarios, Instant::now());
                if is_first_round && self.detail >= Detail::Normal {
                    let version = subject.version.as_deref().unwrap_or("of unknown version");
                    let (name, kind, how) = (&subject.name, &subject.kind, subject.receive.beside());
                    self.line(&format!(
                        "Countersign {} checks {name} {version} ({kind}{how}): {scenarios} scenarios",
                        suite.version
                    ));
                }
            }
            Event::ScenarioStarted(scenario) => {
                self.running.change(|running| running.push((scenario.id.clone(), Instant::now())));
            }
            Event::StepFinished { scenario, step, passed } => {
                if self.detail >= Detail::All {
                    let mark = if *passed { "ok" } else { "not ok" };
                    self.line(&format!("  {mark}: {step} [{scenario}]"));
                }
            }
            Event::ScenarioFinished(result) => self.finished(result, Instant::now()),
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
            progress.finished(&sample::summary().scenarios[0], Instant::now());
        }
        let expected = "50 of 120 scenarios, 0 not passed\n100 of 120 scenarios, 0 not passed\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn each_round_begins_anew() {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, Detail::Normal);
        progress.bar.set_draw_target(ProgressDrawTarget::hidden());
        let begins = sample::events().into_iter().next().unwrap();
        for _ in 0..2 {
            progress.event(&begins);
            for _ in 0..50 {
                progress.finished(&sample::summary().scenarios[0], Instant::now());
            }
        }
        let expected = "Countersign 0.1.0 checks portal-core 0.1.0 (built-in): 4 scenarios\n\
                        50 of 4 scenarios, 0 not passed\n50 of 4 scenarios, 0 not passed\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_slow_run_tells_how_long_it_takes_and_what_it_waits_for() {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, Detail::Normal);
        progress.bar.set_draw_target(ProgressDrawTarget::hidden());
        progress.total = 3;
        let began = progress.since;
        progress.running.change(|running| running.push(("f/slow".into(), began)));
        progress.running.change(|running| running.push(("f/quick".into(), began + Duration::from_secs(30))));
        let result = &sample::summary().scenarios[1];
        progress.finished(result, began + Duration::from_secs(4));
        progress.finished(result, began + Duration::from_secs(31));
        progress.finished(result, began + Duration::from_secs(32));
        let lines = String::from_utf8(out).unwrap();
        let lines: Vec<_> = lines.lines().filter(|line| line.contains(" of ")).collect();
        assert_eq!(lines, ["2 of 3 scenarios, 2 not passed, 31 s, 31 s in f/slow"]);
    }

    #[test]
    fn how_much_is_shown_can_be_chosen() {
        assert_eq!(shown(Detail::Little), "");
        assert!(shown(Detail::Much).contains("pass: call_peer/kept/a (0.10 s)\n"));
        assert!(shown(Detail::All).contains("  not ok: Then it works [call_peer/kept/b]\n"));
    }
}
