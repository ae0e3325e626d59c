//! The steps, by domain.
//!
//! # How to write a step
//!
//! Each domain has a file here with one function, named in `registry`:
//!
//! ```text
//! pub(super) fn register(steps: &mut Steps) {
//!     steps.given("the Portals {list}", async |world, args| {
//!         for name in args.list(0) { … }
//!         Ok(())
//!     });
//!     steps.when(r#"^({portal})'s ({app}) calls ({portal}) at "([^"]+)"(?: with the body "([^"]*)")?$"#, app_calls);
//!     steps.then("the answer has status {int}", async |world, args| world.answer()?.expect_status(args.get(0)?));
//! }
//!
//! async fn app_calls(world: &mut World, args: Args) -> StepResult { … }
//! ```
//!
//! `use super::prelude::*;` brings all that a step needs.
//!
//! **Sentences.** One that begins with `^` is a regular expression (matched to the end), in which `{portal}`, `{portals}`,
//! `{app}`, `{receiver}` and `{terminal}` stand for what names look like. Any other is literal, but for
//! `{string}` (in double quotes), `{word}`, `{int}`, `{list}` (`A, B and C`), `{rest}`, and `(s)` for what may be left
//! out. Exactly one step must match: two are an error before anything runs, as is none. `And`/`But` take the keyword
//! before them. `Steps::given_or_when` and `Steps::anywhere` are for sentences that read well in several places.
//!
//! **Arguments.** `Args::text(0)` is the first capture, `Args::get::<u16>(0)?` the same parsed,
//! `Args::list(0)` the same as a list, `Args::named("peer")` a named group (empty if it took no part),
//! `Args::doc_string()?` the text under the step without its indentation, `Args::table()?` the table:
//! `.rows()` with `.cell("column")?` under a header, `.pairs()?` for two columns without one.
//!
//! **The World** is small and new for each scenario: its `Scene` are the Portals with what belongs to them;
//! `World::begin_sending`, `World::sent`, `World::exchange` and `World::answer` are about requests (see `kit`); `World::remember` and `World::recall` for anything that a sentence
//! gives a name to; `World::part` for what a domain keeps beside: a private struct of your own.
//!
//! **Failing.** The rule that keeps verdicts trustworthy: only a written expectation fails the subject.
//! - `StepFailure::fail(expected, got)`, or the helpers of `expect` and `Answer` (`expect_status`, `expect_field`, …):
//!   the *subject* is wrong. Write it in words that complete "expected: …" and "got: …". Add
//!   `.requirement("CALL-3")` where a scenario has several; `.bases(made, rebuilt)` and `.hop(…)` where the trace can't tell.
//! - Any error met with `?` is an *error of the harness*, except a `WireError` of an exchange that
//!   brought no whole answer (the subject's) or none in time (a timeout). So take care: where the subject answered
//!   nonsense, turn it into a `fail` (`Answer::expect_json` and friends do).
//! - `StepFailure::unsupported` and `StepFailure::skip` end the scenario with a reason, `StepFailure::timeout` says what was
//!   waited for. A step that hangs is ended after a bounded time anyway. A panic is an error of the harness.
//!
//! **Waiting.** Never sleep. Wait on events with the testbed's bounded waits, and say what was last seen.
//!
//! **Requests** that go through the testbed carry a trace id, and so does their `Reply`. Keep it with `World::sent`: when a later step fails, the
//! signature bases, the hops and the diverging line of that request become evidence by themselves.

use super::registry::Steps;

mod attack;
mod authentication;
mod call_peer;
pub(crate) mod common;
pub(crate) mod drafts;
mod faults;
mod hardening;
mod identity;
mod manifest;
mod peers;
mod proxy;
mod signatures;
mod terminals;
mod user;

/// What a step needs.
pub(crate) mod prelude {
    pub(crate) use crate::suite::answer::Answer;
    pub(crate) use crate::suite::args::{Args, Row, Table};
    pub(crate) use crate::suite::expect;
    pub(crate) use crate::suite::failure::{StepFailure, StepResult};
    pub(crate) use crate::suite::kit::exchange::Exchange;
    pub(crate) use crate::suite::kit::names::Receiver;
    pub(crate) use crate::suite::kit::{body, fields, times};
    pub(crate) use crate::suite::registry::Steps;
    pub(crate) use crate::suite::world::World;
}

/// All steps.
pub fn registry() -> Steps {
    let mut steps = Steps::new();
    common::register(&mut steps);
    call_peer::register(&mut steps);
    drafts::register(&mut steps);
    identity::register(&mut steps);
    peers::register(&mut steps);
    terminals::register(&mut steps);
    manifest::register(&mut steps);
    signatures::register(&mut steps);
    authentication::register(&mut steps);
    proxy::register(&mut steps);
    attack::register(&mut steps);
    hardening::register(&mut steps);
    faults::register(&mut steps);
    user::register(&mut steps);
    steps
}

#[cfg(test)]
mod tests;
