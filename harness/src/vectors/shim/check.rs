//! `countersign shim check`: what a shim gets wrong about the protocol itself, step by step.
//!
//! A library may be as wrong as it likes: the messages are so simple that it is the shim's fault if something goes
//! wrong. They are made without the engine of the Core, and so are the expectations.

mod checker;
mod sample;
mod shape;
mod steps;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

pub use sample::Sample;
pub use steps::check;

/// One step and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What must hold.
    pub name: &'static str,
    /// What was sent, shortened.
    pub sent: String,
    /// What should have come.
    pub expected: String,
    /// What came, shortened, and what is wrong with it, a line each.
    pub came: String,
    /// How it ended.
    pub state: State,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As it should.
    Fine,
    /// It was not asked for.
    Skipped {
        /// Why not.
        why: String,
    },
    /// It keeps to the protocol, but more would be needed for a whole verdict.
    Partial {
        /// What to do.
        advice: &'static str,
    },
    /// Not as it should.
    Wrong {
        /// What to do.
        advice: &'static str,
    },
    /// The shim did not start, or died.
    Died {
        /// What to do.
        advice: &'static str,
    },
}

impl State {
    /// With what to do at this step in place of what is to be done in general.
    fn advised(self, advice: &'static str) -> State {
        match self {
            State::Wrong { .. } => State::Wrong { advice },
            State::Died { .. } => State::Died { advice },
            other => other,
        }
    }
}

/// All steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// In the order in which they were done.
    pub steps: Vec<Step>,
}

impl Findings {
    /// How many steps ended like that.
    pub fn count(&self, like: impl Fn(&State) -> bool) -> usize {
        self.steps.iter().filter(|step| like(&step.state)).count()
    }

    /// Whether the shim did not start, or died.
    pub fn died(&self) -> bool {
        self.count(|state| matches!(state, State::Died { .. })) > 0
    }

    /// How many steps went wrong.
    pub fn wrong(&self) -> usize {
        self.count(|state| matches!(state, State::Wrong { .. } | State::Died { .. }))
    }

    /// Whether it lacks what is needed for a whole verdict.
    pub fn partial(&self) -> bool {
        self.count(|state| matches!(state, State::Partial { .. })) > 0
    }
}

/// In one line what is fine, in full what is not; with `{:#}` everything in full.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, advice) = match &self.state {
            State::Fine => ("ok", None),
            State::Skipped { why } => return writeln!(f, "{:<7} {}: {why}", "-", self.name),
            State::Partial { advice } => ("partial", Some(*advice)),
            State::Wrong { advice } => ("wrong", Some(*advice)),
            State::Died { advice } => ("died", Some(*advice)),
        };
        writeln!(f, "{word:<7} {}", self.name)?;
        if advice.is_some() || f.alternate() {
            let parts = [("sent", Some(&*self.sent)), ("expected", Some(&*self.expected)), ("came", Some(&*self.came))];
            for (title, text) in parts.into_iter().chain([("to do", advice)]) {
                for (at, line) in text.unwrap_or_default().lines().enumerate() {
                    writeln!(f, "          {:<9} {line}", if at == 0 { title } else { "" })?;
                }
            }
        }
        Ok(())
    }
}

/// The longest string that is shown whole.
const BRIEF: usize = 48;

/// A value as JSON, but short: long strings are cut, and what is nested is only hinted at.
fn brief(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > BRIEF => {
            let beginning: String = text.chars().take(BRIEF).collect();
            format!("{}… ({} characters)", Value::from(beginning), text.chars().count())
        }
        Value::Object(object) => {
            let members = object.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| match value {
                Value::Object(inner) if inner.is_empty() => format!("\"{name}\":{{}}"),
                Value::Object(_) => format!("\"{name}\":{{…}}"),
                Value::Array(items) if items.iter().any(Value::is_object) => format!("\"{name}\":[…]"),
                value => format!("\"{name}\":{}", brief(value)),
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        value => value.to_string(),
    }
}
