//! Faults of a testbed that is up: those of `countersign.toml` from the start, others by command or by the page.

use serde::{Deserialize, Serialize};

use super::{Live, LiveError};
use crate::testbed::faults::KINDS;
use crate::testbed::{Fault, FaultError, Testbed, TestbedError};
use crate::topology::project::{FILE, Project};

/// What shall be done: `{"apply": "alice -> bob refused"}`, or `{"heal": "alice -> bob"}`; healing `""` takes all off.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultOrder {
    /// Put this on.
    Apply(String),
    /// Take off what begins with these words.
    Heal(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultOutcome {
    /// What was put on or taken off.
    pub changed: Vec<String>,
    /// What is on now, the oldest first.
    pub on: Vec<String>,
}

/// What can be done, and what was.
#[derive(Debug, Clone, Serialize)]
pub struct Faults {
    /// What is on now, the oldest first.
    pub on: Vec<String>,
    /// All that there are.
    pub kinds: &'static [crate::testbed::faults::Kind],
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum FaultRefused {
    /// That is no fault.
    #[error(transparent)]
    Malformed(#[from] FaultError),
    /// There is none to be taken off.
    #[error("no fault that begins with `{which}` is on; {on}")]
    NotOn {
        /// The words.
        which: String,
        /// What is on, in words.
        on: String,
    },
    /// It can't be done.
    #[error("{what}: {source}")]
    Undone {
        /// What.
        what: String,
        /// Why not.
        source: TestbedError,
    },
}

impl Live {
    /// Puts a fault on, or takes some off.
    ///
    /// # Errors
    /// When it is none, or none is on, or it can't be done.
    pub async fn fault(&self, order: &FaultOrder) -> Result<FaultOutcome, FaultRefused> {
        let undone = |what: &str| {
            let what = what.to_owned();
            move |source| FaultRefused::Undone { what, source }
        };
        let changed = match order {
            FaultOrder::Apply(text) => {
                let fault = Fault::parse(text)?;
                self.testbed().apply(&fault).await.map_err(undone(text))?;
                vec![fault]
            }
            FaultOrder::Heal(which) => {
                let healed = self.testbed().heal(which).await.map_err(undone(which))?;
                if healed.is_empty() && !which.trim().is_empty() {
                    return Err(FaultRefused::NotOn { which: which.clone(), on: told(&self.faults().on) });
                }
                healed
            }
        };
        Ok(FaultOutcome { changed: changed.iter().map(Fault::to_string).collect(), on: self.faults().on })
    }

    /// The faults that are on, and those that there are.
    pub fn faults(&self) -> Faults {
        Faults { on: self.testbed().faults().iter().map(Fault::to_string).collect(), kinds: KINDS }
    }
}

/// Puts on what the project wants from the start.
pub(super) async fn begin(testbed: &Testbed, project: &Project) -> Result<(), LiveError> {
    let file = project.file.clone().unwrap_or_else(|| FILE.into());
    for line in &project.faults {
        let refused = |why: String| LiveError::Fault { file: file.clone(), line: line.line, why };
        let fault = Fault::parse(&line.text).map_err(|error| refused(error.to_string()))?;
        testbed.apply(&fault).await.map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

/// What is on, in words.
fn told(on: &[String]) -> String {
    match on {
        [] => "none is".to_owned(),
        on => format!("on: {}", on.join(", ")),
    }
}
