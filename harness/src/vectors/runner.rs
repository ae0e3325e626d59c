//! Runs vectors on a library: from the corpus to a summary.
//!
//! [`run`] asks who the library is, leaves out what it does not declare, and hands the rest to as many sessions as there
//! are jobs; each [`Judgement`](super::judge::Judgement) becomes an event. A subject sees the message, the keys and the policy, never what is
//! expected.

mod prepare;
mod present;
mod select;
mod session;
mod summary;

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use portal_core::clock::{Clock, SystemClock, unix_seconds};
use tokio::task::JoinSet;

use super::client::Fault;
use super::corpus::{Expected, Op, Vector, VectorFile};
use super::judge::{self, Expectation, Judgement};
use super::load::Corpus;
use super::protocol::{Answer, Hello, Outcome};
use super::results::{CorpusInfo, TestedLibrary, VectorEvent, VectorInfo, VectorResult, VectorSink, VectorSummary};
use crate::contract::Threshold;
use crate::expectations::{Expectations, ExpectationsError};
use crate::printable::printable;
use crate::verdict::{self, Failure, Verdict};
use prepare::Prepared;
pub use select::{Selection, SelectionError};
use session::Session;
pub use session::{Target, TargetError};

/// How to run.
#[derive(Debug, Clone)]
pub struct VectorOptions {
    /// Which vectors.
    pub selection: Selection,
    /// How many at a time: each has a child of its own.
    pub jobs: usize,
    /// How long a shim may take to start and say who it is.
    pub start_within: Duration,
    /// How long one case may take.
    pub case_within: Duration,
    /// What is known to fail.
    pub expectations: Expectations,
    /// Which levels decide.
    pub level: Threshold,
    /// The present, for subjects that have no other time.
    pub clock: Arc<dyn Clock>,
    /// The command that runs vectors on this subject, for what is to be run alone.
    pub command: String,
    /// Whether Ctrl-C ends the run in order, with what came out so far.
    pub interruptible: bool,
}

impl Default for VectorOptions {
    fn default() -> VectorOptions {
        VectorOptions {
            selection: Selection::default(),
            jobs: available_parallelism().map_or(2, usize::from),
            start_within: Duration::from_secs(30),
            case_within: Duration::from_secs(10),
            expectations: Expectations::default(),
            level: Threshold::Must,
            clock: Arc::new(SystemClock),
            command: "countersign vectors".to_owned(),
            interruptible: false,
        }
    }
}

/// The run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing to run. Exit code 2.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The list of known failures does not fit. Exit code 2.
    #[error(transparent)]
    Expectations(#[from] ExpectationsError),
    /// The subject did not start, or did not say properly who it is. Exit code 4.
    #[error("the subject did not start: {0}")]
    NotStarted(Fault),
    /// What the subject says of itself can't be. Exit code 4.
    #[error("what the subject says of itself can't be: {0}")]
    Hello(String),
    /// By Ctrl-C, before anything ran.
    #[error("ended before anything ran")]
    Interrupted,
    /// The runtime can't be started. Exit code 3.
    #[error("the runtime can't be started: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Runs the vectors. Blocks until they have ended; not to be called from a task of a runtime.
///
/// # Errors
/// The run could not begin.
pub fn run(
    corpus: &Corpus,
    target: &Target,
    options: &VectorOptions,
    sink: &mut dyn VectorSink,
) -> Result<VectorSummary, RunError> {
    let all: Vec<VectorInfo> = corpus.vectors().map(|(file, vector)| info(file, vector)).collect();
    options.expectations.check(&all)?;
    let selected = options.selection.select(corpus)?;
    session::keep_panics_quiet();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let mut first = Session::new(target.clone(), options.start_within, None);
        let hello = tokio::select! {
            hello = first.hello() => hello.map_err(RunError::NotStarted)?,
            () = interrupted(options.interruptible) => return Err(RunError::Interrupted),
        };
        check_hello(&hello).map_err(RunError::Hello)?;
        let run = Run { hello, options, target, began: Instant::now(), suite: CorpusInfo::of(corpus), all: &all };
        Ok(run.vectors(first, &selected, corpus, sink).await)
    });
    // An answer that hangs within this process must not hold it up.
    runtime.shutdown_background();
    done
}

struct Run<'a> {
    hello: Hello,
    options: &'a VectorOptions,
    target: &'a Target,
    began: Instant,
    suite: CorpusInfo,
    all: &'a [VectorInfo],
}

/// What came of a case that was asked.
struct Asked {
    session: Session,
    at: usize,
    expectation: Expectation,
    answer: Result<Answer, Fault>,
    took: Duration,
}

impl Run<'_> {
    async fn vectors(
        &self,
        first: Session,
        selected: &[(&VectorFile, &Vector)],
        corpus: &Corpus,
        sink: &mut dyn VectorSink,
    ) -> VectorSummary {
        let subject = TestedLibrary::of(&self.hello, self.target.kind());
        sink.event(&VectorEvent::Started {
            suite: self.suite.clone(),
            subject: Box::new(subject.clone()),
            vectors: selected.len(),
        });

        let mut results: Vec<Option<VectorResult>> = vec![None; selected.len()];
        let mut shows_bases = Bases::default();
        let mut queue = selected.iter().enumerate();
        let jobs = self.options.jobs.clamp(1, selected.len().max(1));
        let session = |_| Session::new(self.target.clone(), self.options.start_within, Some(self.hello.clone()));
        let mut idle: Vec<Session> = (1..jobs).map(session).chain([first]).collect();
        let mut busy = JoinSet::new();
        let mut interrupt = std::pin::pin!(interrupted(self.options.interruptible));
        let mut ended_early = false;
        loop {
            while let Some(session) = idle.pop() {
                let Some((at, (file, vector))) = queue.next() else {
                    idle.push(session);
                    break;
                };
                // Not sooner: the present is part of it.
                match prepare::prepare(at as u64 + 1, file, vector, &self.hello, unix_seconds(&*self.options.clock)) {
                    Ok(prepared) => drop(busy.spawn(ask(session, at, prepared, self.options.case_within))),
                    Err(why) => {
                        let judged = Judgement::unsupported(why);
                        results[at] = Some(self.result((file, vector), judged, Duration::ZERO, sink));
                        idle.push(session);
                    }
                }
            }
            let asked = tokio::select! {
                asked = busy.join_next() => asked,
                () = &mut interrupt => {
                    ended_early = true;
                    None
                }
            };
            // That a task is lost can't be: panics of subjects are caught.
            let Some(Ok(Asked { session, at, expectation, answer, took })) = asked else { break };
            idle.push(session);
            let (file, vector) = selected[at];
            if let Ok(answer) = &answer {
                shows_bases.see(vector, answer);
            }
            let judged = match &answer {
                Ok(answer) => judge::judge(vector, &expectation, answer),
                Err(fault) => judge::no_answer(vector, fault),
            };
            results[at] = Some(self.result((file, vector), judged, took, sink));
        }
        // What still runs is ended with its child, what is idle may end by itself.
        busy.shutdown().await;
        futures_util::future::join_all(idle.into_iter().map(Session::end)).await;

        let mut vectors: Vec<VectorResult> = results.into_iter().flatten().collect();
        let ended_early = ended_early || vectors.len() < selected.len();
        let stale = self.options.expectations.stale(self.all, &mut vectors);
        let summary = VectorSummary {
            suite: self.suite.clone(),
            subject,
            requirements: summary::sentences(corpus, &vectors),
            // What was not asked any more is no lack.
            lacks: if ended_early { Vec::new() } else { summary::lacks(&self.hello, shows_bases.never(), &vectors) },
            stale,
            level: self.options.level,
            titles: corpus.files.iter().map(|file| (file.section.clone(), file.title.clone())).collect(),
            whole: selected.len() == self.all.len(),
            took: self.began.elapsed(),
            ended_early,
            vectors,
        };
        sink.event(&VectorEvent::Ended(Arc::new(summary.clone())));
        summary
    }

    fn result(
        &self,
        (file, vector): (&VectorFile, &Vector),
        judged: Judgement,
        took: Duration,
        sink: &mut dyn VectorSink,
    ) -> VectorResult {
        let Judgement { verdict, expected, got, bases } = judged;
        let reference = vector.rfc_refs.iter().min_by_key(|reference| reference.level);
        let failure = (verdict != Verdict::Pass).then(|| Failure {
            requirement: reference.map(|reference| reference.id.clone()),
            sentence: reference.map(|reference| reference.quote.clone()),
            step: step(vector),
            expected,
            got: printable(&got),
            bases: bases.map(|bases| verdict::Bases {
                made: printable(&bases.made),
                rebuilt: printable(&bases.rebuilt),
                ..bases
            }),
            hop: None,
            replay: format!("{} --id '{}'", self.options.command, vector.id),
            trace: Vec::new(),
            subject_died: verdict == Verdict::Error,
            mistaken: false,
        });
        let mut result = VectorResult { vector: info(file, vector), verdict, seconds: took, known: None, failure };
        self.options.expectations.excuse(&mut result);
        sink.event(&VectorEvent::Finished(Box::new(result.clone())));
        result
    }
}

async fn ask(mut session: Session, at: usize, prepared: Prepared, limit: Duration) -> Asked {
    let began = Instant::now();
    let answer = session.ask(&prepared.request, limit).await;
    Asked { session, at, expectation: prepared.expectation, answer, took: began.elapsed() }
}

/// Whether a library shows the bases that it builds.
#[derive(Default)]
struct Bases {
    accepted: usize,
    shown: usize,
}

impl Bases {
    fn see(&mut self, vector: &Vector, answer: &Answer) {
        let made = matches!(answer.outcome, Outcome::Accepted | Outcome::Ok);
        if made && matches!(vector.op, Op::Verify | Op::Base) && vector.verdict == Expected::Valid {
            self.accepted += 1;
            self.shown += usize::from(answer.base_b64.is_some());
        }
    }

    fn never(&self) -> bool {
        self.accepted > 0 && self.shown == 0
    }
}

async fn interrupted(wanted: bool) {
    if !wanted || tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What is done, in words.
fn step(vector: &Vector) -> String {
    let label = vector.label.as_deref().unwrap_or_default();
    match vector.op {
        Op::Verify => format!("verify the signature `{label}`"),
        Op::Base => format!("make the base for {}", vector.signature_input.as_deref().unwrap_or_default()),
        Op::Sign => format!("sign {}", vector.signature_input.as_deref().unwrap_or_default()),
        Op::Digest => "check the content against its digests".to_owned(),
        Op::Accept => format!("read `{label}` of Accept-Signature"),
    }
}

fn info(file: &VectorFile, vector: &Vector) -> VectorInfo {
    VectorInfo {
        id: vector.id.clone(),
        name: vector.title.clone(),
        section: file.section.clone(),
        op: vector.op,
        expected: vector.verdict,
        requires: vector.requires.clone(),
        requirements: vector.rfc_refs.iter().map(|reference| reference.id.clone()).collect(),
        level: vector.rfc_refs.iter().map(|reference| reference.level).min().unwrap_or(crate::contract::Level::Must),
        severity: vector.severity,
    }
}

/// Whether what it says of itself can be.
fn check_hello(hello: &Hello) -> Result<(), String> {
    use super::crypto::Algorithm;
    if hello.implementation.trim().is_empty() || hello.version.trim().is_empty() {
        return Err("`impl` and `version` are empty: say what is tested".to_owned());
    }
    if hello.ops.is_empty() {
        return Err("`ops` is empty: a library that does nothing can't be tested".to_owned());
    }
    if let Some(unknown) = hello.algs.iter().find(|name| Algorithm::named(name).is_none()) {
        let known: Vec<&str> = Algorithm::ALL.into_iter().map(Algorithm::name).collect();
        let known = known.join(", ");
        return Err(format!("`algs`: `{unknown}` is no algorithm of RFC 9421's registry; there are {known}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
