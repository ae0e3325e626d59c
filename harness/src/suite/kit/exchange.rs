//! What a step sent and what came of it.

use http::StatusCode;

use super::body::Fingerprint;
use super::names::Receiver;
use crate::suite::answer::Answer;
use crate::suite::failure::{StepFailure, StepResult};
use crate::wire::{Call, Reply, WireError};

/// A request that a step sent, and what came of it. The latest one is the "it" of later sentences.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The method.
    pub(crate) method: String,
    /// The target as sent.
    pub(crate) target: String,
    /// The body that was sent.
    pub(crate) body: Fingerprint,
    /// The app or fake Portal that it is meant for, where there is one.
    pub(crate) addressed: Option<Receiver>,
    /// What came back.
    pub(crate) outcome: Outcome,
    /// What correlates the hops of the request.
    pub(crate) trace_id: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A whole answer.
    Answered(Box<Reply>, Answer),
    /// An answer whose body broke off.
    BrokenOff(Box<Reply>, String),
    /// No answer; why.
    Nothing(String),
}

impl Exchange {
    /// A call and what came of it. A mistake of the harness is an error, a missing answer is not: it is for a later
    /// step to say what was expected.
    pub(crate) fn new(call: &Call, addressed: Option<Receiver>, result: Result<Reply, WireError>) -> StepResult<Exchange> {
        let outcome = match result {
            Ok(reply) => Outcome::Answered(Box::new(reply.clone()), answer(&reply)?),
            Err(WireError::Cut { reply, cause }) => Outcome::BrokenOff(reply, cause),
            Err(error @ WireError::NoSuchHost(_)) => return Err(error.into()),
            Err(error) => Outcome::Nothing(error.to_string()),
        };
        let trace_id = match &outcome {
            Outcome::Answered(reply, _) | Outcome::BrokenOff(reply, _) => reply.trace_id.clone(),
            Outcome::Nothing(_) => call.fields().get(crate::trace::TRACE_FIELD),
        };
        Ok(Exchange {
            method: call.method().to_owned(),
            target: call.target().to_owned(),
            body: Fingerprint::of(&call.content),
            addressed,
            outcome,
            trace_id,
        })
    }

    /// The answer; fails the subject if there is none.
    pub(crate) fn answer(&self) -> StepResult<&Answer> {
        match &self.outcome {
            Outcome::Answered(_, answer) => Ok(answer),
            _ => Err(StepFailure::fail("an answer", self.told())),
        }
    }

    /// The answer as it was on the wire; fails the subject if there is none.
    pub(crate) fn reply(&self) -> StepResult<&Reply> {
        match &self.outcome {
            Outcome::Answered(reply, _) => Ok(reply),
            _ => Err(StepFailure::fail("an answer", self.told())),
        }
    }

    /// What came back, in one line.
    pub(crate) fn told(&self) -> String {
        match &self.outcome {
            Outcome::Answered(_, answer) => answer.summary(),
            Outcome::BrokenOff(reply, cause) => {
                format!("status {} and a body that broke off after {} bytes: {cause}", reply.status, reply.length)
            }
            Outcome::Nothing(cause) => format!("no answer: {cause}"),
        }
    }
}

fn answer(reply: &Reply) -> StepResult<Answer> {
    let status = StatusCode::from_u16(reply.status)
        .map_err(|_| StepFailure::fail("a status between 100 and 999", format!("status {}", reply.status)))?;
    let (fields, body) = (reply.fields.to_header_map(), reply.body.clone());
    Ok(Answer { status, fields, body, trace_id: reply.trace_id.clone() })
}
