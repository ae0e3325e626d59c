//! What steps have in common: who is who, what was sent, what arrived.
//!
//! - **Placeholders** (`{bob.id}`) are replaced in captures, tables and texts before a step runs: a step never sees them.
//! - **Sending.** A step that sends calls [`World::begin_sending`](super::World::begin_sending), then makes its request, then
//!   hands [`World::sent`](super::World::sent) the [`Exchange`](exchange::Exchange). That is "it" from then on, and
//!   [`World::answer`](super::World::answer) its answer. An exchange without an answer is no failure by itself: whoever asks for
//!   the answer fails.
//! - **Received.** [`Scene::received`](scene::Scene::received) is what a receiver (`bob's chat`, `carol`:
//!   [`Receiver::parse`](names::Receiver::parse)) got since the latest sending step began.
//! - **Tables and cells** are read by [`fields`], bodies by [`body`](mod@body), times by [`times`].

pub(crate) mod body;
pub(crate) mod exchange;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod names;
pub(crate) mod people;
pub(crate) mod placeholders;
pub(crate) mod project;
pub(crate) mod scene;
pub(crate) mod stage;
pub(crate) mod times;
pub(crate) mod way;
