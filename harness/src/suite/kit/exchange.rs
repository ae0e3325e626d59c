//! What a step sent and what came of it.

use std::time::Duration;

use super::body::Fingerprint;
use super::names::Receiver;
use super::way::Way;
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
    /// The Portal whose Core was asked as its proxy would ask, where that is what this is.
    pub(crate) asked: Option<String>,
    /// What came back.
    pub(crate) outcome: Outcome,
    /// What came after that on the same connection.
    pub(crate) further: Vec<Reply>,
    /// How long that took, from the beginning of the sending step.
    pub(crate) took: Duration,
    /// What correlates the hops of the request.
    pub(crate) trace_id: Option<String>,
    /// The request itself, to be made once more; none where it was not made of parts.
    pub(crate) call: Option<Call>,
    /// How it was made; none where it can't be made like this once more.
    pub(crate) way: Option<Way>,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A whole answer.
    Answered(Box<Answer>),
    /// An answer whose body broke off.
    BrokenOff(Box<Reply>, String),
    /// No answer; why.
    Nothing(WireError),
}

impl Exchange {
    /// A call and what came of it. A mistake of the harness is an error, a missing answer is not: it is for a later
    /// step to say what was expected.
    pub(crate) fn new(
        call: &Call,
        addressed: Option<Receiver>,
        result: Result<Reply, WireError>,
    ) -> StepResult<Exchange> {
        let outcome = match result {
            Ok(reply) => Outcome::Answered(Box::new(reply.into())),
            Err(WireError::Cut { reply, cause }) => Outcome::BrokenOff(reply, cause),
            Err(error @ (WireError::NoSuchHost(_) | WireError::NeedsProxy(_))) => return Err(error.into()),
            Err(error) => Outcome::Nothing(error),
        };
        let trace_id = match &outcome {
            Outcome::Answered(answer) => answer.trace_id.clone(),
            Outcome::BrokenOff(..) | Outcome::Nothing(_) => call.fields().get(crate::trace::TRACE_FIELD),
        };
        Ok(Exchange {
            method: call.method().to_owned(),
            target: call.target().to_owned(),
            body: Fingerprint::of(&call.content),
            addressed,
            asked: None,
            outcome,
            further: Vec::new(),
            took: Duration::ZERO,
            trace_id,
            call: Some(call.clone()),
            way: None,
        })
    }

    /// The same as a proxy's question to the Core of this Portal.
    #[must_use]
    pub(crate) fn asking(mut self, portal: Option<&str>) -> Exchange {
        self.asked = portal.map(str::to_owned);
        self
    }

    /// The same, made in this way.
    #[must_use]
    pub(crate) fn by(mut self, way: Way) -> Exchange {
        self.way = Some(way);
        self
    }

    /// How the request can be made once more, where that changes nothing: it only asks.
    pub(crate) fn question(&self) -> Option<(&Way, &Call)> {
        let (way, call) = (self.way.as_ref()?, self.call.as_ref()?);
        matches!(call.method(), "GET" | "HEAD").then_some((way, call))
    }

    /// The same with the answers that came after the first on the same connection.
    #[must_use]
    pub(crate) fn followed_by(mut self, further: Vec<Reply>) -> Exchange {
        self.further = further;
        self
    }

    /// The statuses of all answers on the connection in order, interim ones too.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let first = match &self.outcome {
            Outcome::Answered(answer) => Some(&***answer),
            Outcome::BrokenOff(reply, _) => Some(&**reply),
            Outcome::Nothing(_) => None,
        };
        let replies = first.into_iter().chain(&self.further);
        replies.flat_map(|reply| reply.interim.iter().copied().chain([reply.status])).collect()
    }

    /// The answer; fails the subject if there is none.
    pub(crate) fn answer(&self) -> StepResult<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Nothing(WireError::TooSlow { .. }) => Err(StepFailure::timeout("an answer", self.told())),
            _ => Err(StepFailure::fail("an answer", self.told())),
        }
    }

    /// What came back, in one line.
    pub(crate) fn told(&self) -> String {
        match &self.outcome {
            Outcome::Answered(answer) => answer.summary(),
            Outcome::BrokenOff(reply, cause) => {
                format!("status {} and a body that broke off after {} bytes: {cause}", reply.status, reply.length)
            }
            Outcome::Nothing(cause) => format!("no answer: {cause}"),
        }
    }
}
