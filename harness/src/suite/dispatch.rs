//! From cucumber's function pointer to the body of a step, within a bounded time.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use cucumber::step::{Collection, Context};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::failure::{StepFailure, StepResult};
use super::world::World;
use super::{needs, off};

/// How long a Core that dies may take to be seen dead.
const DYING: Duration = Duration::from_millis(50);

/// Whatever a step says leads to [`dispatch`], which finds what it means: cucumber takes only function pointers, our steps
/// are closures. That each step means one thing was checked before anything runs; asking cucumber too, which tries every
/// pattern on every step, takes a good part of the time of a run.
pub(crate) fn collection() -> Collection<World> {
    let anything = regex::Regex::new("").unwrap_or_else(|error| panic!("the empty pattern is broken: {error}"));
    Collection::new()
        .given(None, anything.clone(), dispatch)
        .when(None, anything.clone(), dispatch)
        .then(None, anything, dispatch)
}

/// Runs the step; what went wrong travels as a panic with a [`StepFailure`] in it, raised without asking the hook.
fn dispatch<'a>(world: &'a mut World, context: Context) -> LocalBoxFuture<'a, ()> {
    async move {
        if let Err(mut failure) = run(world, &context.step).await {
            if failure.may_be_death()
                && let Some(death) = world.death(DYING).await
            {
                failure = StepFailure::subject_died(death);
            }
            if let Some(place) = world.testbed_panic() {
                failure.take_no_side(&place);
            }
            world.add_evidence(&mut failure);
            resume_unwind(Box::new(failure));
        }
    }
    .boxed_local()
}

async fn run(world: &mut World, step: &gherkin::Step) -> StepResult {
    RUNS_STEPS.set(true);
    let context = world.run()?;
    if let Some(why) = needs::unmet(&world.scenario()?.tags, &context.subject.capabilities()) {
        return Err(StepFailure::unsupported(why));
    }
    if let Some(why) = needs::unreachable(&world.scenario()?.requirements, context.subject.receive()) {
        return Err(StepFailure::unsupported(why));
    }
    if let Some(why) = off::all(context.subject.off(), &world.scenario()?.requirements) {
        return Err(StepFailure::skip(why));
    }
    if let Some(why) = off::key(&context.subject.profile(), &world.scenario()?.tags) {
        return Err(StepFailure::skip(why));
    }
    let mut found = context.steps.find(step);
    let (Some((step, mut args)), true) = (found.pop(), found.is_empty()) else {
        return Err(StepFailure::error("the step is undefined or ambiguous"));
    };
    let limit = context.step_timeout + step.nested.map_or(Duration::ZERO, |nested| (nested.patience)(&args));
    let filled = async {
        args.fill(async |placeholder| world.scene().fact(placeholder).await).await?;
        (step.body)(world, args).await
    };
    let body = AssertUnwindSafe(filled).catch_unwind();
    match tokio::time::timeout(limit, body).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(panicked(&*panic)),
        Err(_) => Err(too_long(limit)),
    }
}

fn too_long(limit: Duration) -> StepFailure {
    StepFailure::timeout(format!("the step ends within {} s", limit.as_secs_f64()), "it was still waiting")
}

/// A panic that is not a [`StepFailure`] is a mistake in the harness.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> StepFailure {
    let text =
        panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    let place = LAST_PANIC.with_borrow_mut(Option::take).map(|place| format!(" at {place}")).unwrap_or_default();
    StepFailure::error(format!("a step panicked{place}: {}", text.as_deref().unwrap_or("no message")))
}

/// The threads of the runtime on which the testbed lives.
pub(crate) const TESTBED_THREAD: &str = "countersign-testbed";

/// How many tasks of the testbed have panicked in this process, and where the last one did.
static TESTBED_PANICS: Mutex<(usize, String)> = Mutex::new((0, String::new()));

/// Has panics noted from now on. Each scenario says it as it begins: cucumber has put its silent hook into place by then, while
/// what it reports may be read only after the first steps have run.
pub(crate) fn listen() {
    panic::set_hook(Box::new(note_panic));
}

/// How many tasks of the testbed have panicked so far, and where the last one did. The built-in Core lives among them, but
/// what it does is the subject's doing.
pub(crate) fn testbed_panics() -> (usize, String) {
    TESTBED_PANICS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn is_ours(file: &str) -> bool {
    file.starts_with("harness/") || file.contains("/harness/src/")
}

thread_local! {
    static RUNS_STEPS: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The panic hook while a suite runs. For a step it keeps the place, which [`panicked`] tells. A panic in a task of the
/// testbed or of the built-in Core is on another thread, where nobody reads that: it goes to the log.
fn note_panic(info: &PanicHookInfo<'_>) {
    LAST_PANIC.with_borrow_mut(|last| *last = info.location().map(ToString::to_string));
    let of_testbed = thread::current().name() == Some(TESTBED_THREAD);
    if let (true, Some(place)) = (of_testbed, info.location().filter(|place| is_ours(place.file()))) {
        let mut panics = TESTBED_PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        *panics = (panics.0 + 1, place.to_string());
    }
    if !RUNS_STEPS.get() {
        tracing::error!("a task of the testbed panicked: {info}");
    }
}
