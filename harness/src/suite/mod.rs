//! The suite: scenarios in Gherkin, the steps behind them, and what comes out.
//!
//! [`Suite::load`] reads the features ([`source`]), checks them (a [`Problem`] each for what Cucumber would let pass) and
//! plans the scenarios; [`Suite::run`] runs a [`Selection`] of them on a subject and tells an
//! [`EventSink`](crate::verdict::EventSink) what happens. How to write a step stands in [`steps`].

mod answer;
mod args;
mod chance;
mod dispatch;
pub mod diverge;
pub(crate) mod evidence;
pub mod expect;
mod expression;
mod failure;
pub mod guide;
mod kit;
mod lint;
mod needs;
mod off;
mod panics;
mod plan;
mod registry;
mod repeat;
mod run;
mod runner;
mod select;
pub mod source;
pub mod steps;
mod world;
mod writer;

pub use answer::Answer;
pub use args::{Args, Row, Table, list};
pub use chance::{GivenKeys, Seed};
pub use failure::{StepFailure, StepResult};
pub use lint::Problem;
pub use registry::Steps;
pub use repeat::Rounds;
pub use run::{RunError, RunOptions, Suite, SuiteError, run};
pub use select::{Selection, Shard, TagExpression};
pub use source::Source;
pub use world::{Given, World};
