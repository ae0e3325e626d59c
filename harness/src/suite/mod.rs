//! The suite: scenarios in Gherkin, the steps behind them, and what comes out.
//!
//! Features are read ([`source`]), checked ([`lint`]), planned, run with cucumber and turned into
//! [`Event`](crate::verdict::Event)s. How to write a step stands in [`steps`].

mod answer;
mod args;
mod dispatch;
pub mod diverge;
pub mod expect;
mod expression;
mod failure;
mod registry;
pub mod steps;
mod world;

pub use answer::Answer;
pub use args::{Args, Row, Table, list};
pub use failure::{StepFailure, StepResult};
pub use registry::Steps;
pub use world::World;
