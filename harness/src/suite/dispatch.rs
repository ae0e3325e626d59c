//! From cucumber's function pointer to the body of a step, within a bounded time.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use cucumber::step::{Collection, Context};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::failure::{StepFailure, StepResult};
use super::world::World;
use super::{needs, off, panics};

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
    let body = AssertUnwindSafe(panics::kept_for_the_verdict(filled)).catch_unwind();
    match tokio::time::timeout(limit, body).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(panics::failure(&*panic)),
        Err(_) => Err(too_long(limit)),
    }
}

fn too_long(limit: Duration) -> StepFailure {
    StepFailure::timeout(format!("the step ends within {} s", limit.as_secs_f64()), "it was still waiting")
}
