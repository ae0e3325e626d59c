//! Turns cucumber's events into ours.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use cucumber::event::{
    Cucumber as Happened, Feature as InFeature, Hook, RetryableScenario, Rule as InRule, Scenario, Step, StepError,
};
use cucumber::writer::Normalized;
use cucumber::{Event as Timed, Writer, cli, parser};

use super::failure::{Details, Fault, StepFailure};
use super::panics;
use super::plan::{ParsedFile, Planned, place_of};
use super::run::RunOptions;
use super::world::World;
use crate::bundle::{Bundle, Folder, Run};
use crate::contract::Contract;
use crate::expectations::Expectations;
use crate::record::{Records, Staged, StepRecord};
use crate::redact;
use crate::verdict::{Event, EventSink, Failure, ScenarioResult, Verdict};

/// Takes what cucumber says and keeps what came out of each scenario.
pub(crate) struct EventWriter<'a> {
    planned: &'a [&'a Planned],
    contract: &'a Contract,
    expectations: &'a Expectations,
    bundles: Option<Bundles<'a>>,
    off: &'a BTreeMap<String, String>,
    /// The options by which the subject was given.
    given: &'a str,
    /// The command that runs the suite.
    command: &'a str,
    records: Records,
    sink: &'a mut dyn EventSink,
    by_place: HashMap<(&'a str, (usize, usize)), usize>,
    running: HashMap<usize, Running>,
    results: Vec<Option<ScenarioResult>>,
}

/// Where the bundles of failures go, and what they need to know of the run.
#[derive(Clone, Copy)]
pub(crate) struct Bundles<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) run: Run<'a>,
    pub(crate) files: &'a [ParsedFile],
}

struct Running {
    since: Instant,
    step_since: Instant,
    steps: Vec<StepRecord>,
    failure: Option<(Verdict, Failure)>,
}

impl<'a> EventWriter<'a> {
    pub(crate) fn new(
        planned: &'a [&'a Planned],
        contract: &'a Contract,
        options: &'a RunOptions,
        bundles: Option<Bundles<'a>>,
        records: Records,
        sink: &'a mut dyn EventSink,
    ) -> EventWriter<'a> {
        let by_place =
            planned.iter().enumerate().map(|(n, planned)| ((planned.info.feature.as_str(), planned.place()), n));
        EventWriter {
            planned,
            contract,
            expectations: &options.expectations,
            bundles,
            off: options.subject.off(),
            given: options.subject.given(),
            command: &options.command,
            records,
            sink,
            by_place: by_place.collect(),
            running: HashMap::new(),
            results: vec![None; planned.len()],
        }
    }

    /// What came out, in the order of the features.
    pub(crate) fn results(self) -> Vec<ScenarioResult> {
        self.results.into_iter().flatten().collect()
    }

    fn scenario(&mut self, feature: &gherkin::Feature, scenario: &gherkin::Scenario, event: Scenario<World>) {
        let name = feature.path.as_deref().and_then(std::path::Path::to_str).unwrap_or_default();
        let Some(index) = self.by_place.get(&(name, place_of(scenario))).copied() else { return };
        match event {
            Scenario::Started => {
                let now = Instant::now();
                let running = Running { since: now, step_since: now, steps: Vec::new(), failure: None };
                self.running.insert(index, running);
                self.sink.event(&Event::ScenarioStarted(self.planned[index].info.clone()));
            }
            Scenario::Background(step, event) | Scenario::Step(step, event) => self.step(index, &step, event),
            Scenario::Hook(kind, Hook::Failed(_, panic)) => {
                let place = format!("{kind} the scenario");
                match panic.downcast_ref::<StepFailure>() {
                    Some(failure) => self.failed(index, &place, failure.details()),
                    None => self.failed(index, &place, panics::failure(&*panic).details()),
                }
            }
            Scenario::Hook(..) | Scenario::Log(_) => {}
            Scenario::Finished => self.finished(index),
        }
    }

    fn step(&mut self, index: usize, step: &gherkin::Step, event: Step<World>) {
        let text = format!("{} {}", step.keyword.trim(), step.value);
        let place = format!("{text} ({}:{})", self.planned[index].info.feature, step.position.line);
        let passed = match event {
            Step::Started => return self.step_began(index),
            Step::Passed(..) => true,
            // The features were checked: that a step is not found would be a mistake in the harness.
            Step::Skipped => {
                self.failed(index, &place, StepFailure::error("the step was not found").details());
                false
            }
            Step::Failed(_, _, _, StepError::Panic(panic)) => {
                match panic.downcast_ref::<StepFailure>() {
                    Some(failure) => self.failed(index, &place, failure.details()),
                    None => self.failed(index, &place, panics::failure(&*panic).details()),
                }
                false
            }
            Step::Failed(_, _, _, error) => {
                self.failed(index, &place, StepFailure::error(error).details());
                false
            }
        };
        if let Some(running) = self.running.get_mut(&index) {
            let (line, took) = (step.position.line, running.step_since.elapsed());
            running.steps.push(StepRecord { text: text.clone(), line, passed, took });
        }
        let scenario = self.planned[index].info.id.clone();
        self.sink.event(&Event::StepFinished { scenario, step: text, passed });
    }

    fn step_began(&mut self, index: usize) {
        if let Some(running) = self.running.get_mut(&index) {
            running.step_since = Instant::now();
        }
    }

    fn failed(&mut self, index: usize, place: &str, details: &Details) {
        let info = &self.planned[index].info;
        let requirement = details.requirement.as_ref().or(info.requirements.first());
        let known = requirement.and_then(|id| self.contract.get(id));
        // The scenario asks for more than one thing, and what is not kept here is not asked of this subject.
        let off = details.requirement.as_ref().filter(|_| details.fault == Fault::Subject);
        let off = off.and_then(|id| self.off.get(id));
        let failure = Failure {
            requirement: requirement.cloned(),
            sentence: known.map(|requirement| requirement.sentence().to_owned()),
            step: place.to_owned(),
            expected: details.expected.clone(),
            got: off.unwrap_or(&details.got).clone(),
            bases: details.bases.clone(),
            hop: details.hop.clone(),
            replay: format!("countersign {} {}--name '{}'", self.command, self.given, info.id),
            trace: details.trace.clone(),
            subject_died: details.fault == Fault::SubjectDied,
            mistaken: details.fault == Fault::Feature,
        };
        if let Some(running) = self.running.get_mut(&index) {
            // The first is the cause, what follows its consequence.
            let verdict = if off.is_some() { Verdict::Skip } else { details.fault.verdict() };
            running.failure.get_or_insert((verdict, failure));
        }
    }

    fn finished(&mut self, index: usize) {
        let Some(running) = self.running.remove(&index) else { return };
        let (verdict, failure) = match running.failure {
            Some((verdict, failure)) => (verdict, Some(failure)),
            None => (Verdict::Pass, None),
        };
        let scenario = self.planned[index].info.clone();
        let (record, staged) = self.records.take(&scenario.id, running.steps);
        let seconds = running.since.elapsed();
        let mut result = ScenarioResult { scenario, verdict, seconds, known: None, failure, record };
        // Here, before anyone sees it: no report can show what it is never given.
        redact::result(&mut result);
        self.expectations.excuse(&mut result);
        self.bundle(index, &mut result, staged);
        self.sink.event(&Event::ScenarioFinished(Box::new(result.clone())));
        self.results[index] = Some(result);
    }
}

impl EventWriter<'_> {
    /// Leaves a bundle of a failure, which then says how to replay it.
    fn bundle(&self, index: usize, result: &mut ScenarioResult, staged: Staged) {
        let failed = matches!(result.verdict, Verdict::Fail | Verdict::Timeout | Verdict::Error);
        let (Some(bundles), true) = (self.bundles, failed) else { return };
        let feature = &bundles.files[self.planned[index].file].file.text;
        let bundle = Bundle::of(bundles.run, bundles.folder.descriptors(), result, feature, staged);
        if let (Some(command), Some(failure)) = (bundles.folder.keep(&bundle), &mut result.failure) {
            failure.replay = command;
        }
    }
}

/// What cucumber writes to. It borrows, so that what came out is still there if the run is ended early.
pub(crate) struct Borrowed<'w, 'a>(pub(crate) &'w mut EventWriter<'a>);

impl Writer<World> for Borrowed<'_, '_> {
    type Cli = cli::Empty;

    async fn handle_event(&mut self, event: parser::Result<Timed<Happened<World>>>, _cli: &cli::Empty) {
        let Ok(event) = event else { return };
        if let Happened::Feature(feature, InFeature::Scenario(scenario, RetryableScenario { event, .. }))
        | Happened::Feature(
            feature,
            InFeature::Rule(_, InRule::Scenario(scenario, RetryableScenario { event, .. })),
        ) = event.value
        {
            self.0.scenario(&feature, &scenario, event);
        }
    }
}

// Scenarios are told apart by file and line: their order does not matter.
impl Normalized for Borrowed<'_, '_> {}
