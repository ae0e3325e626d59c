//! From features to a summary.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::chance::Seed;
use super::kit::project::{SHARED, Shelf};
use super::lint::{self, Problem};
use super::needs;
use super::panics::OfTestbed;
use super::plan::{self, ParsedFile, Planned};
use super::registry::Steps;
use super::runner::{self, Ending, Limits};
use super::select::Selection;
use super::source::{self, Source, SourceError};
use super::steps;
use super::world::{Given, RunContext};
use super::writer::{Bundles, EventWriter};
use crate::bundle::{Folder, Run};
use crate::contract::{Contract, ContractError, Requirement, Responsible, Threshold};
use crate::expectations::{Expectations, ExpectationsError};
use crate::open_files;
use crate::record::Records;
use crate::subject::{Receive, Subject, SubjectError};
use crate::topology::project::Project;
use crate::verdict::{
    Event, EventSink, RequirementResult, ScenarioInfo, ScenarioResult, SubjectInfo, SuiteInfo, Summary, Verdict,
};

/// Features that were read and checked, ready to run as often as wanted.
#[derive(Debug)]
pub struct Suite {
    info: SuiteInfo,
    contract: Contract,
    steps: Arc<Steps>,
    files: Vec<ParsedFile>,
    planned: Vec<Planned>,
}

/// The features can't be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// They can't be read.
    #[error("the features can't be read: {0}")]
    Source(#[from] SourceError),
    /// The catalogue is broken.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// There are none.
    #[error("there are no features: a folder with *.feature files is needed")]
    Empty,
    /// They have mistakes.
    #[error("{}", listed(.0))]
    Problems(Vec<Problem>),
}

/// The run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The features can't be used.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The list of known failures speaks of nothing that there is. Exit code 2.
    #[error(transparent)]
    Expectations(#[from] ExpectationsError),
    /// No scenario was chosen. Exit code 2.
    #[error("no scenario matches {0}: `--list` shows all that there are")]
    NothingSelected(String),
    /// The subject does not start. Exit code 4.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// What failed would be no fault of the subject's. Exit code 3.
    #[error(
        "this process may open {0} files, and the testbed takes {least} at least: allow more, with `ulimit -n 4096` for example",
        least = open_files::LEAST
    )]
    TooFewFiles(u64),
    /// The runtime can't be started. Exit code 3.
    #[error("the runtime can't be started: {0}")]
    Runtime(#[from] std::io::Error),
}

fn listed(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What is tested; with a project, its Cores.
    pub subject: Subject,
    /// The Portals and apps that stand before the first step of each scenario. Then it is the apps that are tested.
    pub project: Option<Arc<Project>>,
    /// Where the features come from.
    pub source: Source,
    /// The command that runs this suite, as failures give it to run them again.
    pub command: String,
    /// Which scenarios.
    pub selection: Selection,
    /// Which requirements decide whether the subject conforms.
    pub level: Threshold,
    /// What is known to fail.
    pub expectations: Expectations,
    /// From what everything follows that the harness draws at random.
    pub seed: Seed,
    /// What a bundle gives instead.
    pub given: Given,
    /// Where each failure leaves a bundle.
    pub bundles: Option<Arc<Folder>>,
    /// How many scenarios at a time.
    pub jobs: usize,
    /// How long one step may take.
    pub step_timeout: Duration,
    /// End with the first scenario that does not pass: enough for a mutant.
    pub stop_at_first_failure: bool,
    /// How long all of it may take; what has not ended by then is not run.
    pub within: Option<Duration>,
    /// Whether Ctrl-C ends the run in order, with what came out so far.
    pub interruptible: bool,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions {
            subject: Subject::builtin(),
            project: None,
            source: Source::Embedded,
            command: "check".to_owned(),
            selection: Selection::all(),
            level: Threshold::Must,
            expectations: Expectations::default(),
            seed: Seed::fresh(),
            given: Given::default(),
            bundles: None,
            jobs: default_jobs(),
            step_timeout: Duration::from_secs(30),
            stop_at_first_failure: false,
            within: None,
            interruptible: false,
        }
    }
}

impl RunOptions {
    /// What is tested, as reports name it.
    fn tested(&self) -> SubjectInfo {
        if let Some(project) = &self.project {
            let names: Vec<&str> = project.apps.iter().map(|app| app.name.as_str()).collect();
            let version = match project.apps.as_slice() {
                [app] => app.version(),
                _ => None,
            };
            return SubjectInfo { name: names.join(", "), version, kind: "app".to_owned(), receive: Receive::Edge };
        }
        let subject = &self.subject;
        SubjectInfo {
            name: subject.name(),
            version: subject.version(),
            kind: subject.kind().to_owned(),
            receive: subject.receive(),
        }
    }

    /// Where files lie that steps name.
    fn folder(&self) -> Option<PathBuf> {
        let of_project = || self.project.as_ref().map(|project| project.features());
        self.source.folder().map(ToOwned::to_owned).or_else(of_project)
    }
}

/// The scenarios that go on with what the one before left.
fn shelf(planned: &[&Planned]) -> Shelf {
    let sharing = planned.iter().filter(|planned| planned.info.tags.iter().any(|tag| tag == SHARED));
    Shelf::of(sharing.map(|planned| planned.info.feature.as_str()))
}

/// Scenarios wait for sockets more than they compute.
fn default_jobs() -> usize {
    2 * available_parallelism().map_or(2, usize::from)
}

/// Reads the features, checks them and runs them.
pub fn run(options: &RunOptions, sink: &mut dyn EventSink) -> Result<Summary, RunError> {
    Suite::load(&options.source)?.run(options, sink)
}

impl Suite {
    /// Reads features and checks all but their steps, with the steps and the catalogue of this program.
    pub fn load(source: &Source) -> Result<Suite, SuiteError> {
        Suite::load_with(source, steps::registry(), Contract::embedded()?)
    }

    /// The same with other steps and another catalogue.
    pub fn load_with(source: &Source, steps: Steps, contract: Contract) -> Result<Suite, SuiteError> {
        let files = source.files()?;
        if files.is_empty() {
            return Err(SuiteError::Empty);
        }
        let features_sha256 = source::sha256(&files);

        let (mut parsed, mut planned, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            match plan::parse(file) {
                Ok(file) => {
                    let mut of_file = plan::plan(parsed.len(), &file, &mut problems);
                    if contract.is_empty() {
                        // A tag such as @TICKET-12 means something to its author, and nothing here.
                        of_file.iter_mut().for_each(|planned| planned.info.requirements.clear());
                    }
                    problems.extend(lint::check(&file, &of_file, &contract));
                    planned.extend(of_file);
                    parsed.push(file);
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(lint::check_ids(&parsed, &planned));
        if !problems.is_empty() {
            return Err(SuiteError::Problems(problems));
        }
        let info = SuiteInfo {
            name: "countersign".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features_sha256,
        };
        Ok(Suite { info, contract, steps: Arc::new(steps), files: parsed, planned })
    }

    /// The catalogue.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The scenarios that a selection takes, in the order of the features.
    pub fn scenarios(&self, selection: &Selection) -> Vec<&ScenarioInfo> {
        self.select(selection).into_iter().map(|planned| &planned.info).collect()
    }

    /// What is wrong with the steps of a selection: those that are not defined, or more than once.
    pub fn check_steps(&self, selection: &Selection) -> Vec<Problem> {
        lint::check_steps(&self.files, &self.select(selection), &self.steps)
    }

    /// Runs a selection, if all of its steps are defined. Blocks until it has ended; not to be called from a task of a runtime.
    pub fn run(&self, options: &RunOptions, sink: &mut dyn EventSink) -> Result<Summary, RunError> {
        let every = match &options.project {
            // Which Core is whose stands in the project.
            Some(_) => self.planned.clone(),
            None => self.turned(&options.subject),
        };
        let planned = options.selection.filter(&every, |planned| &planned.info);
        if planned.is_empty() {
            return Err(RunError::NothingSelected(options.selection.to_string()));
        }
        let all: Vec<&ScenarioInfo> = every.iter().map(|planned| &planned.info).collect();
        options.expectations.check(&all)?;
        let subject = options.tested();
        let problems = lint::check_steps(&self.files, &planned, &self.steps);
        if !problems.is_empty() {
            return Err(SuiteError::Problems(problems).into());
        }
        let files = open_files::limit();
        if files < open_files::LEAST {
            return Err(RunError::TooFewFiles(files));
        }
        crate::logged::listen();
        sink.event(&Event::Started { suite: self.info.clone(), subject: subject.clone(), scenarios: planned.len() });

        let began = Instant::now();
        let of_subject = options.subject.limits();
        let context = RunContext {
            subject: options.subject.clone(),
            steps: Arc::clone(&self.steps),
            folder: options.folder(),
            step_timeout: of_subject.step.unwrap_or(options.step_timeout),
            seed: options.seed,
            given: options.given.clone(),
            records: Records::default(),
            project: options.project.clone(),
            shelf: RefCell::new(shelf(&planned)),
            panics: OfTestbed::default(),
            does_not_start: RefCell::default(),
        };
        let limits = Limits {
            jobs: of_subject.parallel.unwrap_or(usize::MAX).min(options.jobs).min(open_files::enough_for(files)).max(1),
            stop_at_first_failure: options.stop_at_first_failure,
            interruptible: options.interruptible,
            within: options.within,
        };
        let run = Run { suite: &self.info, subject: &subject, seed: options.seed };
        let bundles = options.bundles.as_deref().map(|folder| Bundles { folder, run, files: &self.files });
        let mut writer = EventWriter::new(&planned, &self.contract, options, bundles, context.records.clone(), sink);
        let ending = runner::run(self.features(&planned), &planned, context, &limits, &mut writer)?;
        let mut scenarios = writer.results();
        let stale = options.expectations.stale(&all, &mut scenarios);

        let mut summary = Summary {
            suite: self.info.clone(),
            subject,
            requirements: Vec::new(),
            ended_early: ending != Ending::Complete || scenarios.len() < planned.len(),
            time_up: ending == Ending::TimeUp,
            not_run: not_run(&planned, &scenarios),
            flaky: Vec::new(),
            scenarios,
            stale,
            took: began.elapsed(),
        };
        summary.requirements = self.requirements(&summary, options.level, &options.subject);
        self.not_all_of(&planned, &mut summary);
        sink.event(&Event::Finished(Arc::new(summary.clone())));
        Ok(summary)
    }

    /// A requirement is not kept as long as some of its scenarios were to run and did not.
    fn not_all_of(&self, planned: &[&Planned], summary: &mut Summary) {
        if !summary.time_up {
            return;
        }
        let missing = planned.iter().map(|planned| &planned.info).filter(|info| summary.not_run.contains(&info.id));
        let missing: HashSet<&String> = missing.flat_map(|info| &info.requirements).collect();
        for requirement in &mut summary.requirements {
            if requirement.verdict == Some(Verdict::Pass) && missing.contains(&requirement.id) {
                requirement.verdict = Some(Verdict::Skip);
            }
        }
    }

    /// All scenarios; of several Cores, each of them once for each rotation.
    fn turned(&self, subject: &Subject) -> Vec<Planned> {
        let rotations = subject.rotations();
        if rotations.is_empty() {
            return self.planned.clone();
        }
        let in_turn = |planned: &Planned| {
            let planned = planned.clone();
            rotations.clone().into_iter().enumerate().map(move |(n, name)| planned.clone().turned(n, &name))
        };
        self.planned.iter().flat_map(in_turn).collect()
    }

    fn select(&self, selection: &Selection) -> Vec<&Planned> {
        selection.filter(&self.planned, |planned| &planned.info)
    }

    /// The files with the chosen scenarios, as cucumber gets them.
    fn features(&self, planned: &[&Planned]) -> Vec<gherkin::Feature> {
        let mut features = Vec::new();
        for (n, parsed) in self.files.iter().enumerate() {
            let mut feature = parsed.feature.clone();
            feature.path = Some(parsed.file.name.clone().into());
            let chosen = |rule| planned.iter().filter(move |planned| planned.file == n && planned.rule == rule);
            feature.scenarios = chosen(None).map(|planned| planned.scenario.clone()).collect();
            for (r, rule) in feature.rules.iter_mut().enumerate() {
                rule.scenarios = chosen(Some(r)).map(|planned| planned.scenario.clone()).collect();
            }
            feature.rules.retain(|rule| !rule.scenarios.is_empty());
            if !feature.scenarios.is_empty() || !feature.rules.is_empty() {
                features.push(feature);
            }
        }
        features
    }

    fn requirements(&self, summary: &Summary, level: Threshold, subject: &Subject) -> Vec<RequirementResult> {
        let (off, brings_proxy) = (subject.off(), subject.brings_proxy());
        let verdict = |requirement: &Requirement, apart: bool| {
            let worst = worst(summary, requirement, level, apart, subject.receive());
            worst.map(|worst| if off.contains_key(&requirement.id) { Verdict::Skip } else { worst })
        };
        let result = |requirement: &Requirement| RequirementResult {
            id: requirement.id.clone(),
            level: requirement.level,
            responsible: requirement.responsible,
            source: requirement.source.clone(),
            verdict: verdict(requirement, false),
            apart: verdict(requirement, true),
            off: off.get(&requirement.id).cloned(),
            testbed: requirement.responsible == Responsible::Proxy && !brings_proxy,
            scenarios: summary.scenarios_of(&requirement.id).map(|result| result.scenario.id.clone()).collect(),
            title: requirement.title.clone(),
            sentence: requirement.sentence().to_owned(),
            // What the testbed's own proxy does says nothing about the subject.
            counts: requirement.counts(level) && (brings_proxy || requirement.responsible != Responsible::Proxy),
        };
        self.contract.iter().map(result).collect()
    }
}

fn not_run(planned: &[&Planned], scenarios: &[ScenarioResult]) -> Vec<String> {
    let ran: HashSet<&str> = scenarios.iter().map(|result| result.scenario.id.as_str()).collect();
    let ids = planned.iter().map(|planned| &planned.info.id);
    ids.filter(|id| !ran.contains(id.as_str())).cloned().collect()
}

/// The worst of a requirement's scenarios that bind as it does or were asked for; or of the others, which stand apart.
fn worst(
    summary: &Summary,
    requirement: &Requirement,
    asked: Threshold,
    apart: bool,
    receive: Receive,
) -> Option<Verdict> {
    let stands_apart =
        |info: &ScenarioInfo| info.level.is_some_and(|level| level > requirement.level && !asked.covers(level));
    let scenarios = summary.scenarios_of(&requirement.id).filter(|result| stands_apart(&result.scenario) == apart);
    // What a proxy has a part in says nothing about the Core where there is none.
    let reached = |info: &ScenarioInfo| {
        needs::is_of_a_proxy(&requirement.id) || needs::unreachable(&info.requirements, receive).is_none()
    };
    let scenarios = scenarios.filter(|result| reached(&result.scenario));
    Verdict::worst(scenarios.map(|result| result.verdict))
}

#[cfg(test)]
mod tests;
