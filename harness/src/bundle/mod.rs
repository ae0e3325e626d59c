//! Bundles: all of a scenario that failed, in one file, so that it can be run again alone.
//!
//! A [`Folder`] takes one for each failure; `countersign replay` [loads](load) one and runs it. The format is JSON with a
//! version and has a schema (`fixtures/bundle.schema.json`). It holds the private keys that the harness made for the
//! Portals that it plays. What is secret of the Core under test was blanked before: its own key was never known, cookies
//! and tokens are taken out of what a scenario leaves on record.

mod compare;
mod fit;
mod folder;
mod load;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compare::Again;
pub use folder::{BundleError, Folder};
pub use load::{LoadError, load};

use crate::record::{Record, Staged};
use crate::subject::Receive;
use crate::suite::Seed;
use crate::trace::{self, Body, HopKind, SignatureOutcome, What};
use crate::verdict::{Bases, ScenarioResult, SubjectInfo, SuiteInfo, Verdict};

/// What the file says that it is.
const FORMAT: &str = "countersign bundle";
/// The version of the format.
const VERSION: u32 = 1;

/// A scenario that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: String,
    version: u32,
    suite: SuiteVersion,
    /// Which scenario.
    pub scenario: Scenario,
    /// On which Core.
    pub subject: Tested,
    #[serde(with = "in_words")]
    seed: Seed,
    clock: Clock,
    keys: BTreeMap<String, String>,
    /// What came out.
    pub verdict: Verdict,
    /// Why it did not pass.
    pub failure: Option<Failed>,
    steps: Vec<Step>,
    trace: Vec<Entry>,
    left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteVersion {
    version: String,
    features_sha256: String,
}

/// The scenario, with the whole text of the feature that it stands in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of the feature file.
    pub feature: String,
    /// The line in it.
    pub line: usize,
    /// Its whole text.
    pub text: String,
}

/// The Core that was tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// How it ran.
    pub kind: String,
    /// How requests from outside came to it.
    #[serde(default)]
    pub receive: Receive,
    /// Its descriptors; none for the built-in Core.
    pub descriptors: Vec<Descriptor>,
}

/// A descriptor of a Core, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// As it was given on the command line, with the Portal that it is for where it is not for all.
    pub given: String,
    /// Its text.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    /// When the scenario began, in seconds since 1970.
    began: u64,
    /// How far it moved the clock, in seconds.
    moved: i64,
}

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// The requirement.
    pub requirement: Option<String>,
    /// The step, and where it stands.
    pub step: String,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    bases: Option<TwoBases>,
    hop: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TwoBases {
    made: String,
    rebuilt: String,
    line: Option<usize>,
    guess: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    text: String,
    line: usize,
    passed: bool,
    seconds: f64,
}

/// A message from one party to the next, or what a Core did with a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Entry {
    Request(Message),
    Answer(Message),
    Signature(Signature),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    request: Option<String>,
    from: String,
    to: String,
    method: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<u16>,
    fields: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    body: Option<Box<Body>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    request: Option<String>,
    portal: String,
    label: Option<String>,
    signature_input: Option<String>,
    base: Option<String>,
    outcome: String,
}

/// What a bundle has from the run rather than from its scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) suite: &'a SuiteInfo,
    pub(crate) subject: &'a SubjectInfo,
    pub(crate) seed: Seed,
}

impl Bundle {
    /// From what the harness drew.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The private keys (PKCS#8 PEM) that the harness made, by the name of the Portal.
    pub fn keys(&self) -> &BTreeMap<String, String> {
        &self.keys
    }

    /// When the scenario began, in seconds since 1970.
    pub fn began(&self) -> u64 {
        self.clock.began
    }

    /// Of a scenario that failed, in a feature with this text.
    pub(crate) fn of(
        run: Run<'_>,
        descriptors: Vec<Descriptor>,
        result: &ScenarioResult,
        feature: &str,
        staged: Staged,
    ) -> Bundle {
        let info = &result.scenario;
        let mut bundle = Bundle {
            format: FORMAT.to_owned(),
            version: VERSION,
            suite: SuiteVersion {
                version: run.suite.version.clone(),
                features_sha256: run.suite.features_sha256.clone(),
            },
            scenario: Scenario {
                id: info.id.clone(),
                name: info.name.clone(),
                feature: info.feature.clone(),
                line: info.line,
                text: feature.to_owned(),
            },
            subject: Tested {
                name: run.subject.name.clone(),
                version: run.subject.version.clone(),
                kind: run.subject.kind.clone(),
                receive: run.subject.receive,
                descriptors,
            },
            seed: run.seed,
            clock: Clock { began: staged.began, moved: staged.moved },
            keys: staged.keys,
            verdict: result.verdict,
            failure: Failed::of(result),
            steps: steps(&result.record),
            trace: result.record.entries.iter().map(Entry::of).collect(),
            left_out: result.record.left_out,
        };
        bundle.fit();
        bundle
    }
}

impl Failed {
    /// Why this one did not pass.
    pub(crate) fn of(result: &ScenarioResult) -> Option<Failed> {
        let failure = result.failure.as_ref()?;
        let bases = |bases: &Bases| TwoBases {
            made: bases.made.clone(),
            rebuilt: bases.rebuilt.clone(),
            line: bases.line,
            guess: bases.guess.clone(),
        };
        Some(Failed {
            requirement: failure.requirement.clone(),
            step: failure.step.clone(),
            expected: failure.expected.clone(),
            got: failure.got.clone(),
            bases: failure.bases.as_ref().map(bases),
            hop: failure.hop.clone(),
        })
    }
}

fn steps(record: &Record) -> Vec<Step> {
    let steps = record.steps.iter().map(|step| Step {
        text: step.text.clone(),
        line: step.line,
        passed: step.passed,
        seconds: (step.took.as_secs_f64() * 1000.0).round() / 1000.0,
    });
    steps.collect()
}

impl Entry {
    fn of(entry: &trace::Entry) -> Entry {
        let event = match &entry.what {
            What::Hop(hop) => {
                let message = Message {
                    request: hop.trace_id.clone(),
                    from: hop.from.to_string(),
                    to: hop.to.to_string(),
                    method: hop.method.clone(),
                    target: hop.target.clone(),
                    status: hop.status,
                    fields: hop.fields.clone(),
                    note: hop.note.clone(),
                    body: hop.body.clone(),
                };
                return match hop.kind {
                    HopKind::Request => Entry::Request(message),
                    HopKind::Answer => Entry::Answer(message),
                };
            }
            What::Signature(event) => event,
        };
        Entry::Signature(Signature {
            request: event.trace_id.clone(),
            portal: event.portal.clone(),
            label: event.label.clone(),
            signature_input: event.signature_input.clone(),
            base: event.base.clone(),
            outcome: match &event.outcome {
                SignatureOutcome::Made => "made".to_owned(),
                SignatureOutcome::Verified => "verified".to_owned(),
                SignatureOutcome::Rejected { step, code } => format!("refused at {step}: {code}"),
            },
        })
    }
}

/// A seed as it is shown.
mod in_words {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::suite::Seed;

    pub(super) fn serialize<S: Serializer>(seed: &Seed, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(seed)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seed, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
