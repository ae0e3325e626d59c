//! What is shown while vectors run: a bar on a terminal, and with `-v` each vector as it ends.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::terminal::Detail;
use crate::vectors::results::{VectorEvent, VectorResult, VectorSink};
use crate::verdict::Verdict;

/// Shows how far the run is, on standard error.
pub struct VectorProgress<W> {
    out: W,
    detail: Detail,
    bar: ProgressBar,
    failed: usize,
}

impl<W: Write> VectorProgress<W> {
    /// A bar if standard error is a terminal; lines on `out` where it is none.
    pub fn new(out: W, detail: Detail) -> VectorProgress<W> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} vectors{msg}") {
            bar.set_style(style);
        }
        VectorProgress { out, detail, bar, failed: 0 }
    }

    fn line(&mut self, line: &str) {
        if self.bar.is_hidden() {
            // Progress that can't be shown is no reason to stop.
            let _ = writeln!(self.out, "{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn finished(&mut self, result: &VectorResult) {
        self.bar.inc(1);
        if result.verdict.breaks() || result.verdict == Verdict::Error {
            self.failed += 1;
            self.bar.set_message(format!(", {} not passed", self.failed));
        }
        if self.detail >= Detail::Much {
            let seconds = result.seconds.as_secs_f64();
            self.line(&format!("{}: {} ({seconds:.3} s)", result.verdict.words(), result.vector.id));
        }
    }
}

impl<W: Write> VectorSink for VectorProgress<W> {
    fn event(&mut self, event: &VectorEvent) {
        match event {
            VectorEvent::Started { suite, subject, vectors } => {
                self.bar.set_length(*vectors as u64);
                if self.detail >= Detail::Normal {
                    let (name, version, kind) = (&subject.name, &subject.version, &subject.kind);
                    self.line(&format!(
                        "Countersign {} checks {name} {version} ({kind}): {vectors} vectors of corpus {}",
                        suite.version, suite.corpus
                    ));
                }
            }
            VectorEvent::Finished(result) => self.finished(result),
            VectorEvent::Ended(_) => self.bar.finish_and_clear(),
        }
    }
}
