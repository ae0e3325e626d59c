//! Runs planned scenarios with cucumber.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use cucumber::{Cucumber, ScenarioType, cli, parser, runner};
use futures_util::future::FutureExt as _;
use futures_util::stream;
use gherkin::Feature;

use super::failure::StepFailure;
use super::kit::project::SHARED;
use super::kit::stage::scenario_profile;
use super::plan::{Planned, place_of};
use super::run::RunError;
use super::world::{RunContext, World};
use super::writer::{Borrowed, EventWriter};
use super::{dispatch, panics};

/// How long the testbed of a scenario may take to end.
const TEARDOWN: Duration = Duration::from_secs(10);

/// How to run.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) jobs: usize,
    pub(crate) stop_at_first_failure: bool,
    pub(crate) interruptible: bool,
    /// How long all of it may take.
    pub(crate) within: Option<Duration>,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing was left to run.
    Complete,
    /// Ctrl-C.
    Interrupted,
    /// Time was up.
    TimeUp,
}

/// Runs these features to the end; answers whether that was reached, or something came first: what runs then is dropped,
/// which ends it. Steps run on this thread, the tasks of the testbed on those of a runtime that ends with the run.
pub(crate) fn run(
    features: Vec<Feature>,
    planned: &[&Planned],
    context: RunContext,
    limits: &Limits,
    writer: &mut EventWriter<'_>,
) -> Result<Ending, RunError> {
    let of_testbed = context.panics.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("countersign-testbed")
        .on_thread_start(move || of_testbed.this_thread())
        .enable_all()
        .build()?;
    let subject = context.subject.clone();
    let ended = runtime.block_on(async {
        let all = async {
            subject.prepare(scenario_profile(&subject)).await?;
            cucumber(features, planned, context, limits, writer).await;
            Ok(Ending::Complete)
        };
        let ended = tokio::select! {
            ended = all => ended,
            () = interrupt(limits.interruptible) => Ok(Ending::Interrupted),
            () = time_up(limits.within) => Ok(Ending::TimeUp),
        };
        subject.finish().await;
        ended
    });
    runtime.shutdown_timeout(TEARDOWN);
    ended
}

/// Ctrl-C, or SIGTERM, by which CI ends what takes too long: processes of the run must not outlive it.
async fn interrupt(wanted: bool) {
    let never = std::future::pending::<()>();
    if !wanted {
        return never.await;
    }
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        never.await;
    }
}

async fn time_up(within: Option<Duration>) {
    match within {
        Some(within) => drop(tokio::time::timeout(within, std::future::pending::<()>()).await),
        None => std::future::pending().await,
    }
}

async fn cucumber(
    features: Vec<Feature>,
    planned: &[&Planned],
    context: RunContext,
    limits: &Limits,
    writer: &mut EventWriter<'_>,
) {
    let steps = dispatch::collection();
    let context = Rc::new(context);
    let planned: Vec<_> = planned.iter().map(|planned| (planned.info.clone(), planned.place())).collect();

    let runner = runner::Basic::<World>::default().steps(steps).max_concurrent_scenarios(limits.jobs);
    let mut runner = runner.which_scenario(in_order);
    if limits.stop_at_first_failure {
        runner = runner.fail_fast();
    }
    let runner = runner.before(move |feature, _rule, scenario, world| {
        let here = |name: &str| feature.path.as_deref() == Some(Path::new(name));
        let found = planned.iter().find(|(info, place)| *place == place_of(scenario) && here(&info.feature));
        if let Some((info, (_, rotation))) = found {
            panics::listen();
            world.begin(Rc::clone(&context), info.clone(), *rotation);
        }
        async move {
            if let Err(failure) = world.set_stage().await {
                std::panic::resume_unwind(Box::new(failure));
            }
        }
        .boxed_local()
    });
    let runner = runner.after(|_feature, _rule, _scenario, _finished, world| {
        async move {
            if let Some(world) = world {
                // One that does not end in time is dropped, which ends it too.
                let death = tokio::time::timeout(TEARDOWN, world.end()).await;
                if let Ok(Some(death)) = death {
                    std::panic::resume_unwind(Box::new(StepFailure::subject_died(death)));
                }
            }
        }
        .boxed_local()
    });
    panics::listen();
    let run = Cucumber::<_, _, _, _, _, cli::Empty>::custom(Parsed, runner, Borrowed(writer)).with_default_cli();
    run.run(features).await;
    panics::listen();
}

/// Scenarios that share a testbed run one after the other.
fn in_order(feature: &Feature, rule: Option<&gherkin::Rule>, scenario: &gherkin::Scenario) -> ScenarioType {
    let tags = feature.tags.iter().chain(rule.iter().flat_map(|rule| &rule.tags)).chain(&scenario.tags);
    match tags.into_iter().any(|tag| tag == SHARED || tag == "serial") {
        true => ScenarioType::Serial,
        false => ScenarioType::Concurrent,
    }
}

/// The features were parsed, checked and chosen before.
struct Parsed;

impl cucumber::Parser<Vec<Feature>> for Parsed {
    type Cli = cli::Empty;
    type Output = stream::Iter<std::vec::IntoIter<parser::Result<Feature>>>;

    fn parse(self, features: Vec<Feature>, _cli: cli::Empty) -> Self::Output {
        stream::iter(features.into_iter().map(Ok).collect::<Vec<_>>())
    }
}
