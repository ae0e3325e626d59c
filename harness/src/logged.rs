//! What Cores within this process log: kept, so that the suite can read it like the log of a program.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How many lines are kept; the oldest go first.
const CAPACITY: usize = 1 << 14;

static LISTENS: AtomicBool = AtomicBool::new(false);
static LINES: Mutex<Lines> = Mutex::new(Lines { gone: 0, kept: VecDeque::new() });

#[derive(Debug)]
struct Lines {
    /// So many were there before those that are kept.
    gone: usize,
    kept: VecDeque<String>,
}

/// Keeps what Cores log, unless the process has a subscriber of another kind already.
pub(crate) fn listen() {
    if !is_on() && tracing_subscriber::registry().with(layer()).try_init().is_ok() {
        LISTENS.store(true, Ordering::Release);
    }
}

/// Shows what is said at `level` or above on standard error, and keeps what Cores log.
pub(crate) fn listen_and_show(level: Level) {
    let shown = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let shown = shown.with_filter(LevelFilter::from_level(level));
    // A second subscriber in one process (tests) is refused, and the first stays.
    if tracing_subscriber::registry().with(shown).with(layer()).try_init().is_ok() {
        LISTENS.store(true, Ordering::Release);
    }
}

/// Whether what Cores log is kept.
pub(crate) fn is_on() -> bool {
    LISTENS.load(Ordering::Acquire)
}

/// Where the log is now.
pub(crate) fn position() -> usize {
    let lines = lines();
    lines.gone + lines.kept.len()
}

/// The lines from that position on, as far as they are still there.
pub(crate) fn since(position: usize) -> Vec<String> {
    let lines = lines();
    lines.kept.iter().skip(position.saturating_sub(lines.gone)).cloned().collect()
}

fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    let of_cores: FilterFn = filter_fn(|metadata| metadata.target().starts_with("portal_core"));
    Keep.with_filter(of_cores.with_max_level_hint(LevelFilter::DEBUG))
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(format!("{} {}:", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        keep(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

fn keep(line: String) {
    let mut lines = lines();
    if lines.kept.len() == CAPACITY {
        lines.kept.pop_front();
        lines.gone += 1;
    }
    lines.kept.push_back(line);
}

fn lines() -> MutexGuard<'static, Lines> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_core_logs_is_kept_and_nothing_else() {
        let from = position();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer()), || {
            tracing::info!(target: "portal_core::keys", why = "no key", bytes = ?[1, 2], "not learnt");
            tracing::info!(target: "hyper", "something else");
        });
        let kept = since(from);
        assert!(
            kept.iter().any(|line| line == "INFO portal_core::keys: message=not learnt why=no key bytes=[1, 2]"),
            "{kept:?}"
        );
        assert!(!kept.iter().any(|line| line.contains("something else")));
        assert!(since(position() + 1).is_empty());
    }
}
