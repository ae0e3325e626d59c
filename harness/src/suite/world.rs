//! What a scenario carries from step to step.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::answer::Answer;
use super::args::Args;
use super::chance::{Chance, GivenKeys, Seed};
use super::evidence;
use super::failure::{StepFailure, StepResult};
use super::kit::body;
use super::kit::exchange::Exchange;
use super::kit::project::{SHARED, Shelf};
use super::kit::scene::Scene;
use super::panics::OfTestbed;
use super::registry::Steps;
use crate::record::{Exhibit, Record, Records};
use crate::subject::Subject;
use crate::topology::project::Project;
use crate::trace::Trace;
use crate::verdict::ScenarioInfo;
use crate::wire::Content;

/// The largest file that a step takes for a body.
const LARGEST_FILE: u64 = 64 << 20;

/// What a scenario carries from step to step: the testbed once it was started, the answers so far, and things that
/// steps gave names to. A fresh one for each scenario; nothing is shared between scenarios.
#[derive(Default)]
pub struct World {
    run: Option<Rc<RunContext>>,
    scenario: Option<ScenarioInfo>,
    /// Which Core is the first, where there are several.
    rotation: usize,
    chance: Chance,
    scene: Scene,
    trace: Option<Trace>,
    /// How much of the trace is of scenarios before this one, where they share a testbed.
    before: usize,
    exchanges: Vec<Exchange>,
    /// How many of them belong to the latest sending step.
    together: usize,
    /// Which of them "it" is, where that is not the latest.
    focus: Option<usize>,
    sending_since: Option<Instant>,
    exhibits: Vec<Exhibit>,
    named: HashMap<(TypeId, String), Box<dyn Any>>,
    /// How many tasks of the testbed had panicked before it.
    panics_before: usize,
}

/// What all scenarios of a run have in common.
pub(crate) struct RunContext {
    pub(crate) subject: Subject,
    pub(crate) steps: Arc<Steps>,
    /// The folder of the features, where they are in one.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) step_timeout: Duration,
    pub(crate) seed: Seed,
    /// Keys and the time of day that a bundle gives.
    pub(crate) given: Given,
    pub(crate) records: Records,
    /// What stands before the first step of each scenario.
    pub(crate) project: Option<Arc<Project>>,
    /// The testbeds that scenarios share.
    pub(crate) shelf: RefCell<Shelf>,
    pub(crate) panics: OfTestbed,
    /// Why an app of the project does not start: one scenario finds it out for all.
    pub(crate) does_not_start: RefCell<Option<String>>,
}

/// What a scenario that is replayed has from its bundle instead of its own draws.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Private keys of the Portals that the harness plays or gives a key.
    pub keys: Arc<GivenKeys>,
    /// When it begins, in seconds since 1970, where the Core's clock can be set; else now.
    pub began: Option<u64>,
}

impl RunContext {
    /// When the testbed's clocks shall begin, where that is not now. A Core whose clock can't be set lives in the present.
    pub(crate) fn began(&self) -> Option<SystemTime> {
        let began = self.given.began.filter(|_| self.subject.capabilities().clock)?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(began))
    }
}

impl World {
    /// The scenario that is running.
    pub fn scenario(&self) -> StepResult<&ScenarioInfo> {
        self.scenario.as_ref().ok_or_else(|| StepFailure::error("no scenario is running"))
    }

    /// What is tested, from which the testbed's Cores are started.
    pub fn subject(&self) -> StepResult<Subject> {
        Ok(self.run()?.subject.turned(self.rotation))
    }

    /// The Portals and all that belongs to them.
    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The Portals, to change what belongs to them.
    pub(crate) fn scene_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }

    /// Begins a sending step: from now on, `received` is about what comes from here on.
    pub(crate) async fn begin_sending(&mut self) {
        self.scene.mark().await;
        (self.together, self.focus) = (0, None);
        self.sending_since = Some(Instant::now());
    }

    /// Ends a sending step: this is now "it", and its answer "the answer".
    pub(crate) fn sent(&mut self, mut exchange: Exchange) {
        exchange.took = self.sending_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.exchanges.push(exchange);
        self.together += 1;
    }

    /// The exchange that sentences call "it": the latest, unless one of several was pointed at.
    pub(crate) fn exchange(&self) -> StepResult<&Exchange> {
        let it = self.focus.map_or(self.exchanges.last(), |focus| self.exchanges.get(focus));
        it.ok_or_else(|| StepFailure::mistake("no request was made yet: a `When` is missing"))
    }

    /// All exchanges so far, the oldest first.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// The exchanges of the latest sending step.
    pub(crate) fn latest(&self) -> &[Exchange] {
        &self.exchanges[self.exchanges.len().saturating_sub(self.together)..]
    }

    /// The exchanges of the latest sending step, to put others in their place.
    pub(crate) fn latest_mut(&mut self) -> &mut [Exchange] {
        let from = self.exchanges.len().saturating_sub(self.together);
        &mut self.exchanges[from..]
    }

    /// From now on, until the next sending step, "it" is this one of the latest exchanges.
    pub(crate) fn point_at(&mut self, one_of_latest: usize) {
        self.focus = Some(self.exchanges.len().saturating_sub(self.together) + one_of_latest);
    }

    /// From now on "it" is the latest exchange again.
    pub(crate) fn point_at_latest(&mut self) {
        self.focus = None;
    }

    /// Does what this `Then` says, with the text and table of the step `around` it.
    pub(crate) async fn check(&mut self, sentence: &str, around: &Args) -> StepResult {
        let steps = Arc::clone(&self.run()?.steps);
        let mut found = steps.find_then(sentence, around);
        match (found.pop(), found.is_empty()) {
            (Some((step, args)), true) => (step.body)(self, args).await,
            _ => Err(StepFailure::mistake(format!("the step `Then {sentence}` is undefined or ambiguous"))),
        }
    }

    /// The answer to the latest request; fails the subject if there was none.
    pub fn answer(&self) -> StepResult<&Answer> {
        self.exchange()?.answer()
    }

    /// What a step says about the body of a request or an answer; see [`body`](mod@body). `the file "…"` is one beside the
    /// features.
    pub(crate) fn content(&self, said: &str) -> StepResult<Content> {
        match said.strip_prefix("the file \"").and_then(|rest| rest.strip_suffix('"')) {
            Some(name) => Ok(Content::Bytes(self.file(name)?.into())),
            // How large a body may be is known where there are Portals.
            None if said.ends_with(" the limit") => body::body(said, self.scene.body_limit()?),
            None => body::body(said, None),
        }
    }

    /// What is in a file beside the features.
    pub(crate) fn file(&self, name: &str) -> StepResult<Vec<u8>> {
        let run = self.run()?;
        let folder = run.folder.as_ref().ok_or_else(|| {
            StepFailure::mistake(format!("there is no file `{name}`: features that are part of the program have none"))
        })?;
        let path = folder.join(name);
        let failed = |what: String| StepFailure::mistake(format!("{}: {what}", path.display()));
        let length = std::fs::metadata(&path).map_err(|error| failed(error.to_string()))?.len();
        if length > LARGEST_FILE {
            return Err(failed(format!("it has {length} bytes; a step takes at most {LARGEST_FILE}")));
        }
        std::fs::read(&path).map_err(|error| failed(error.to_string()))
    }

    /// Keeps a thing under a name. Things of different types may have the same name; the newest of a type stays.
    pub fn remember<T: 'static>(&mut self, name: impl Into<String>, thing: T) {
        self.named.insert((TypeId::of::<T>(), name.into()), Box::new(thing));
    }

    /// The thing of this type with this name.
    pub fn recall<T: 'static>(&self, name: &str) -> StepResult<&T> {
        self.recall_if_any(name).ok_or_else(|| missing::<T>(name))
    }

    /// The thing of this type with this name, where there is one.
    pub fn recall_if_any<T: 'static>(&self, name: &str) -> Option<&T> {
        self.named.get(&(TypeId::of::<T>(), name.to_owned())).and_then(|thing| thing.downcast_ref())
    }

    /// The thing of this type with this name, to change it.
    pub fn recall_mut<T: 'static>(&mut self, name: &str) -> StepResult<&mut T> {
        let found = self.named.get_mut(&(TypeId::of::<T>(), name.to_owned()));
        found.and_then(|thing| thing.downcast_mut()).ok_or_else(|| missing::<T>(name))
    }

    /// The one thing of this type that a domain keeps, made on first use.
    pub fn part<T: Default + 'static>(&mut self) -> &mut T {
        let thing = self.named.entry((TypeId::of::<T>(), String::new())).or_insert_with(|| Box::new(T::default()));
        match thing.downcast_mut() {
            Some(thing) => thing,
            None => unreachable!("the key holds the type"),
        }
    }

    pub(crate) fn begin(&mut self, run: Rc<RunContext>, scenario: ScenarioInfo, rotation: usize) {
        self.rotation = rotation;
        self.chance = Chance::of(run.seed, &scenario.id, Arc::clone(&run.given.keys));
        self.panics_before = run.panics.so_far().0;
        self.run = Some(run);
        self.scenario = Some(scenario);
    }

    /// Where a task of the testbed panicked since the scenario began.
    pub(crate) fn testbed_panic(&self) -> Option<String> {
        let (panics, place) = self.run.as_ref()?.panics.so_far();
        (panics != self.panics_before).then_some(place)
    }

    /// Sets the stage, as far as that is not for the steps to do: the testbed of a project, or the one that the scenario
    /// before left for this one.
    pub(crate) async fn set_stage(&mut self) -> StepResult {
        let run = self.run()?;
        let sharing = self.scenario()?.tags.iter().any(|tag| tag == SHARED);
        let kept = if sharing { run.shelf.borrow_mut().take(&self.scenario()?.feature) } else { None };
        if let Some(scene) = kept {
            let trace = scene.trace().cloned().ok();
            self.before = trace.as_ref().map_or(0, |trace| trace.entries().len());
            self.trace = trace;
            self.scene = scene;
            self.scene.mark().await;
            return Ok(());
        }
        let Some(project) = run.project.clone() else { return Ok(()) };
        if let Some(why) = run.does_not_start.borrow().clone() {
            return Err(StepFailure::subject_died(why));
        }
        let stands = self.stand_project(&project).await;
        if let Err(failure) = &stands
            && failure.is_death()
        {
            *run.does_not_start.borrow_mut() = Some(failure.got().to_owned());
        }
        stands
    }

    /// How a Core or an app ended that nobody had told to end. It may take that long to be seen.
    pub(crate) async fn death(&mut self, patience: Duration) -> Option<String> {
        match self.scene.death(patience).await {
            Some(death) => Some(death),
            None => self.scene.app_death(patience).await,
        }
    }

    /// What the scenario draws at random.
    pub(crate) fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }

    /// Takes the testbed's trace, from which failures get their evidence.
    pub(crate) fn watch(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// Keeps a text for those who read about the scenario.
    pub(crate) fn exhibit(&mut self, title: &str, text: String) {
        self.exhibits.push(Exhibit { title: title.to_owned(), text });
    }

    /// Adds to a failure what the trace of the latest request tells.
    pub(crate) fn add_evidence(&self, failure: &mut StepFailure) {
        if let Ok(exchange) = self.exchange() {
            self.add_evidence_of(failure, exchange);
        }
    }

    /// Adds to a failure what the trace of this request tells.
    pub(crate) fn add_evidence_of(&self, failure: &mut StepFailure, exchange: &Exchange) {
        if let (Some(trace), Some(id)) = (&self.trace, &exchange.trace_id) {
            evidence::add(failure.details_mut(), trace, id);
        }
    }

    /// Ends what the scenario started; what its requests left in the trace goes on record. How a Core had died before, if
    /// one had.
    pub(crate) async fn end(&mut self) -> Option<String> {
        if let (Some(run), Some(scenario), Some(trace)) = (&self.run, &self.scenario, &self.trace) {
            let exhibits = std::mem::take(&mut self.exhibits);
            run.records.keep(
                &scenario.id,
                Record { exhibits, ..Record::since(trace, self.before) },
                self.scene.staged(),
            );
        }
        let death = self.death(Duration::ZERO).await;
        let Some(mut scene) = self.left_over() else { return death };
        let ending = scene.end().await;
        death.or(ending)
    }

    /// The scene, unless another scenario goes on with it.
    fn left_over(&mut self) -> Option<Scene> {
        let scene = std::mem::take(&mut self.scene);
        match (&self.run, &self.scenario) {
            (Some(run), Some(scenario)) if scenario.tags.iter().any(|tag| tag == SHARED) => {
                let standing = scene.testbed().is_ok().then_some(scene);
                run.shelf.borrow_mut().put(&scenario.feature, standing)
            }
            _ => Some(scene),
        }
    }

    pub(crate) fn run(&self) -> StepResult<Rc<RunContext>> {
        self.run.clone().ok_or_else(|| StepFailure::error("no run is going on"))
    }
}

fn missing<T>(name: &str) -> StepFailure {
    let kind = type_name::<T>().rsplit("::").next().unwrap_or_default();
    StepFailure::mistake(format!("no {kind} is known under the name `{name}`: a step before this one is missing"))
}

impl cucumber::World for World {
    type Error = std::convert::Infallible;

    async fn new() -> Result<World, Self::Error> {
        Ok(World::default())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("scenario", &self.scenario)
            .field("exchanges", &self.exchanges)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_remembered_by_type_and_name() {
        let mut world = World::default();
        world.remember("a", 1_u8);
        world.remember("a", "text".to_owned());
        assert_eq!(*world.recall::<u8>("a").unwrap(), 1);
        assert_eq!(world.recall::<String>("a").unwrap(), "text");
        *world.recall_mut::<u8>("a").unwrap() = 2;
        assert_eq!(*world.recall::<u8>("a").unwrap(), 2);
        let failure = world.recall::<u8>("b").unwrap_err();
        assert!(!failure.is_fail() && failure.got().contains("u8"));
        *world.part::<Vec<u8>>() = vec![1];
        assert_eq!(*world.part::<Vec<u8>>(), [1]);
    }

    #[test]
    fn an_answer_before_any_request_is_the_scenario_s_fault() {
        assert!(!World::default().answer().unwrap_err().is_fail());
    }
}
