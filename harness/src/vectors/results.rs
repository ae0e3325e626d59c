//! What came out of a run of vectors. The reports are made of this and see nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::corpus::{Expected, Feature, Op, Severity};
use super::protocol::Hello;
use crate::contract::Level;
use crate::expectations::Known;
use crate::printable::printable;
use crate::verdict::{Failure, Verdict};

/// A vector, as far as reports need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VectorInfo {
    /// Its id.
    pub id: String,
    /// What it shows.
    pub name: String,
    /// The section of the RFC whose file it stands in.
    pub section: String,
    /// What was to be done.
    pub op: Op,
    /// What must come of it.
    pub expected: Expected,
    /// What a library must be able to do for it.
    pub requires: Vec<Feature>,
    /// The requirements that it checks.
    pub requirements: Vec<String>,
    /// The strongest of their levels.
    pub level: Level,
    /// How bad it is to get it wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

/// What came out of a vector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VectorResult {
    /// Which one.
    #[serde(flatten)]
    pub vector: VectorInfo,
    /// What came out.
    pub verdict: Verdict,
    /// How long the subject took.
    #[serde(serialize_with = "crate::verdict::seconds")]
    pub seconds: Duration,
    /// The entry of the list of known failures that speaks of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What came out for a sentence of an RFC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentenceResult {
    /// Its id.
    pub id: String,
    /// Its level.
    pub level: Level,
    /// The section that it stands in.
    pub section: String,
    /// The sentence.
    pub quote: String,
    /// The worst of its vectors that ran; nothing where none did.
    pub verdict: Option<Verdict>,
    /// The ids of the vectors that ran.
    pub vectors: Vec<String>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorpusInfo {
    /// Name of the suite.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of the corpus.
    pub corpus: String,
    /// Over the names and the contents of the files.
    pub vectors_sha256: String,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestedLibrary {
    /// Its name, as it says itself.
    pub name: String,
    /// Its version, as it says itself.
    pub version: String,
    /// `built-in` or `process`.
    pub kind: String,
    /// What it says that it can do.
    pub declares: Declares,
}

/// What a library says that it can do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Declares {
    /// Operations.
    pub ops: Vec<Op>,
    /// Algorithms.
    pub algs: Vec<String>,
    /// Features.
    pub features: Vec<Feature>,
    /// Where it has the time from.
    pub clock: super::protocol::Clock,
}

impl TestedLibrary {
    /// What it says of itself.
    pub fn of(hello: &Hello, kind: &str) -> TestedLibrary {
        TestedLibrary {
            name: printable(&hello.implementation),
            version: printable(&hello.version),
            kind: kind.to_owned(),
            declares: Declares {
                ops: hello.ops.clone(),
                algs: hello.algs.clone(),
                features: hello.features.clone(),
                clock: hello.clock,
            },
        }
    }
}

/// Everything that came out of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorSummary {
    /// What was run.
    pub suite: CorpusInfo,
    /// What was tested.
    pub subject: TestedLibrary,
    /// The sentences of the whole corpus.
    pub requirements: Vec<SentenceResult>,
    /// The vectors that ran, in the order of the corpus.
    pub vectors: Vec<VectorResult>,
    /// What keeps anything from being said about conformance: mostly what the subject lacks that any implementation has.
    pub lacks: Vec<String>,
    /// Entries of the list of known failures that have to go, with file and line.
    pub stale: Vec<String>,
    /// Vectors that bind less than this don't decide.
    pub level: crate::contract::Threshold,
    /// The titles of the sections.
    pub titles: BTreeMap<String, String>,
    /// Whether all vectors were asked for.
    pub whole: bool,
    /// How long it took.
    pub took: Duration,
    /// The run was ended early.
    pub ended_early: bool,
}

/// A run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// As far as it was tested.
    Conforms,
    /// Something that decides fails, or the list of known failures is out of date.
    DoesNotConform,
    /// It lacks so much that nothing can be said.
    Partial,
    /// The shim itself failed somewhere.
    Error,
    /// It was not run to its end.
    EndedEarly,
}

impl VectorSummary {
    /// How many vectors came out like this.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.vectors.iter().filter(|result| result.verdict == verdict).count()
    }

    /// Whether a vector decides about conformance.
    pub fn decides(&self, result: &VectorResult) -> bool {
        self.level.covers(result.vector.level)
    }

    /// The vectors that break conformance.
    pub fn breaking(&self) -> impl Iterator<Item = &VectorResult> {
        self.vectors.iter().filter(|result| result.verdict.breaks() && self.decides(result))
    }

    /// The vectors that would break conformance, if they bound.
    pub fn apart(&self) -> impl Iterator<Item = &VectorResult> {
        self.vectors.iter().filter(|result| result.verdict.breaks() && !self.decides(result))
    }

    /// In one word.
    pub fn conclusion(&self) -> Conclusion {
        if self.count(Verdict::Error) > 0 {
            Conclusion::Error
        } else if !self.lacks.is_empty() {
            Conclusion::Partial
        } else if self.breaking().next().is_some() || !self.stale.is_empty() {
            Conclusion::DoesNotConform
        } else if self.ended_early {
            Conclusion::EndedEarly
        } else {
            Conclusion::Conforms
        }
    }
}

/// What happens while vectors run.
#[derive(Debug, Clone)]
pub enum VectorEvent {
    /// The subject said who it is; this will run.
    Started {
        /// What is run.
        suite: CorpusInfo,
        /// What is tested.
        subject: Box<TestedLibrary>,
        /// How many vectors.
        vectors: usize,
    },
    /// A vector came to its end.
    Finished(Box<VectorResult>),
    /// The end, with everything.
    Ended(Arc<VectorSummary>),
}

/// Takes events.
pub trait VectorSink {
    /// Takes one.
    fn event(&mut self, event: &VectorEvent);
}

impl<F: FnMut(&VectorEvent)> VectorSink for F {
    fn event(&mut self, event: &VectorEvent) {
        self(event);
    }
}
