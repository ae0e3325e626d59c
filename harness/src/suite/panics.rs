//! Panics while a suite runs: where one was belongs into the verdict, and one of the testbed is not the subject's doing.
//!
//! The panic hook is one for all of the process, and cucumber puts a silent one into place for each run.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{self, Location, PanicHookInfo};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::failure::StepFailure;

/// How many tasks of a run's testbed have panicked so far, and where the last one did. The built-in Core lives among them,
/// but what it does is the subject's doing.
#[derive(Debug, Clone, Default)]
pub(crate) struct OfTestbed(Arc<Mutex<(usize, String)>>);

impl OfTestbed {
    /// Panics on this thread are those of the testbed from now on.
    pub(crate) fn this_thread(&self) {
        OF_TESTBED.set(Some(self.clone()));
    }

    pub(crate) fn so_far(&self) -> (usize, String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, place: &Location<'_>) {
        let mut panics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *panics = (panics.0 + 1, place.to_string());
    }
}

/// Has panics noted from now on. It is said before cucumber begins, which puts a silent hook into place; as each scenario
/// begins, because what cucumber reports may be read only after the first steps have run; and at the end, because what
/// cucumber puts back may be the silent hook of another run, which has ended meanwhile.
pub(crate) fn listen() {
    BEFORE.get_or_init(panic::take_hook);
    panic::set_hook(Box::new(note));
}

/// The same step; what it panics with is not told at once, but by [`failure`].
pub(crate) async fn kept_for_the_verdict<T>(step: impl Future<Output = T>) -> T {
    let mut step = pin!(step);
    poll_fn(|context| {
        let _told_later = ToldLater::begin();
        step.as_mut().poll(context)
    })
    .await
}

/// A panic that is not a [`StepFailure`] is a mistake in the harness.
pub(crate) fn failure(panic: &(dyn Any + Send)) -> StepFailure {
    let text =
        panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    let place = LAST.with_borrow_mut(Option::take).map(|place| format!(" at {place}")).unwrap_or_default();
    StepFailure::error(format!("a step panicked{place}: {}", text.as_deref().unwrap_or("no message")))
}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>;

/// What the process did about panics before the first suite ran in it.
static BEFORE: OnceLock<Hook> = OnceLock::new();

thread_local! {
    static TOLD_LATER: Cell<bool> = const { Cell::new(false) };
    static OF_TESTBED: RefCell<Option<OfTestbed>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While it lives, this thread runs a step.
struct ToldLater;

impl ToldLater {
    fn begin() -> ToldLater {
        TOLD_LATER.set(true);
        ToldLater
    }
}

impl Drop for ToldLater {
    fn drop(&mut self) {
        TOLD_LATER.set(false);
    }
}

/// The panic hook. It keeps the place for a verdict. A panic in a task of the testbed or of the built-in Core is on another
/// thread, where nobody reads that: it goes to the log. All others are no affair of a suite.
fn note(info: &PanicHookInfo<'_>) {
    LAST.with_borrow_mut(|last| *last = info.location().map(ToString::to_string));
    if TOLD_LATER.get() {
        return;
    }
    if let Some(of_testbed) = OF_TESTBED.with_borrow(Option::clone) {
        if let Some(place) = info.location().filter(|place| is_ours(place.file())) {
            of_testbed.note(place);
        }
        tracing::error!("a task of the testbed panicked: {info}");
    } else if let Some(before) = BEFORE.get() {
        before(info);
    }
}

fn is_ours(file: &str) -> bool {
    file.starts_with("harness/") || file.contains("/harness/src/")
}
