//! Why a step did not pass: whose fault it is, and the evidence.

use std::any::Any;
use std::error::Error;
use std::fmt::Display;
use std::io;

use crate::subject::SubjectError;
use crate::testbed::TestbedError;
use crate::verdict::{Bases, Verdict};
use crate::wire::WireError;

/// What a step returns.
pub type StepResult<T = ()> = Result<T, StepFailure>;

/// Why a step did not pass.
///
/// Any error that a step meets with `?` is a fault of the *harness*, unless it is of a type that says otherwise (an
/// exchange that brought no whole answer): only what was written as an expectation may fail the subject. That is the rule which keeps verdicts trustworthy.
#[derive(Debug)]
pub struct StepFailure(Box<Details>);

#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub(crate) fault: Fault,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) requirement: Option<String>,
    pub(crate) bases: Option<Bases>,
    pub(crate) hop: Option<String>,
    pub(crate) trace: Vec<String>,
}

/// Whose fault it is that a step did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The subject does not do what the contract says.
    Subject,
    /// The subject did not start, or died.
    SubjectDied,
    /// The feature: what it says can't be done.
    Feature,
    /// The harness or the testbed.
    Harness,
    /// The subject can't be tested on this, and says so.
    Unsupported,
    /// The scenario does not apply here.
    Skipped,
    /// It took too long.
    Timeout,
}

impl Fault {
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Fault::Subject => Verdict::Fail,
            Fault::SubjectDied | Fault::Feature | Fault::Harness => Verdict::Error,
            Fault::Unsupported => Verdict::Unsupported,
            Fault::Skipped => Verdict::Skip,
            Fault::Timeout => Verdict::Timeout,
        }
    }
}

impl StepFailure {
    /// The subject's fault: what was expected, and what came instead.
    pub fn fail(expected: impl Display, got: impl Display) -> StepFailure {
        StepFailure::new(Fault::Subject, expected, got)
    }

    /// The fault of the harness or the testbed.
    pub fn error(what: impl Display) -> StepFailure {
        StepFailure::new(Fault::Harness, "the harness does its part", what)
    }

    /// The feature's fault: what it says can't be done, and why.
    pub fn mistake(what: impl Display) -> StepFailure {
        StepFailure::new(Fault::Feature, "the feature says what can be done", what)
    }

    /// The subject did not start, or died.
    pub fn subject_died(what: impl Display) -> StepFailure {
        StepFailure::new(Fault::SubjectDied, "what is tested starts and keeps running", what)
    }

    /// The subject declares that it can't be tested on this. The reason is shown.
    pub fn unsupported(reason: impl Display) -> StepFailure {
        StepFailure::new(Fault::Unsupported, "", reason)
    }

    /// The scenario does not apply here. The reason is shown.
    pub fn skip(reason: impl Display) -> StepFailure {
        StepFailure::new(Fault::Skipped, "", reason)
    }

    /// Something did not happen in time: what was waited for, and what was seen instead.
    pub fn timeout(expected: impl Display, last_seen: impl Display) -> StepFailure {
        StepFailure::new(Fault::Timeout, expected, last_seen)
    }

    fn new(fault: Fault, expected: impl Display, got: impl Display) -> StepFailure {
        StepFailure(Box::new(Details {
            fault,
            expected: expected.to_string(),
            got: got.to_string(),
            requirement: None,
            bases: None,
            hop: None,
            trace: Vec::new(),
        }))
    }

    /// Which of the scenario's requirements it is about; without it, the first among its tags.
    #[must_use]
    pub fn requirement(mut self, id: impl Into<String>) -> StepFailure {
        self.0.requirement = Some(id.into());
        self
    }

    /// The signature base that the sender made and the one that the receiver rebuilt. Where a step does not give them,
    /// they are taken from the trace of the last request.
    #[must_use]
    pub fn bases(mut self, made: impl Into<String>, rebuilt: impl Into<String>) -> StepFailure {
        self.0.bases = Some(Bases::compare(made.into(), rebuilt.into()));
        self
    }

    /// Which hop changed what should have stayed.
    #[must_use]
    pub fn hop(mut self, hop: impl Display) -> StepFailure {
        self.0.hop = Some(hop.to_string());
        self
    }

    /// Whether the death of a Core may be behind it.
    pub(crate) fn may_be_death(&self) -> bool {
        matches!(self.0.fault, Fault::Subject | Fault::Harness | Fault::Timeout)
    }

    /// While a part of the testbed broke, nothing that went wrong can be laid at the subject's door.
    pub(crate) fn take_no_side(&mut self, panicked_at: &str) {
        if matches!(self.0.fault, Fault::Subject | Fault::Timeout) {
            self.0.fault = Fault::Harness;
            self.0.got =
                format!("a task of the testbed panicked at {panicked_at}, so this says nothing: {}", self.0.got);
        }
    }

    /// Whether it is the subject's fault that an expectation was not met.
    pub fn is_fail(&self) -> bool {
        self.0.fault == Fault::Subject
    }

    /// Whether what was expected is not so, or not yet.
    pub(crate) fn is_expectation(&self) -> bool {
        matches!(self.0.fault, Fault::Subject | Fault::Timeout)
    }

    /// Whether the subject did not start, or died.
    pub(crate) fn is_death(&self) -> bool {
        self.0.fault == Fault::SubjectDied
    }

    /// What was expected.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// What came instead, or the reason.
    pub fn got(&self) -> &str {
        &self.0.got
    }

    pub(crate) fn details(&self) -> &Details {
        &self.0
    }

    pub(crate) fn details_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl<E: Error + Any> From<E> for StepFailure {
    fn from(error: E) -> StepFailure {
        let text = with_causes(&error);
        let any: &dyn Any = &error;
        let subject = match any.downcast_ref::<TestbedError>() {
            Some(TestbedError::Subject(error)) => Some(error),
            _ => any.downcast_ref::<SubjectError>(),
        };
        match subject {
            Some(SubjectError::Unsupported(_) | SubjectError::TooFew(_)) => return StepFailure::unsupported(text),
            Some(SubjectError::Hook { .. } | SubjectError::NoRoom { .. }) => return StepFailure::error(text),
            Some(SubjectError::Start { .. } | SubjectError::Stop { .. }) => return StepFailure::subject_died(text),
            None => {}
        }
        let wire = match any.downcast_ref::<TestbedError>() {
            Some(TestbedError::Refused { what, .. } | TestbedError::WrongInstance { portal: what, .. }) => {
                return StepFailure::fail(format!("the Core does what every scenario needs ({what})"), text);
            }
            Some(TestbedError::Wire { source, .. }) => Some(source),
            _ => any.downcast_ref::<WireError>(),
        };
        match wire {
            // This machine has no more of something: that says nothing about whoever was asked.
            Some(WireError::Io(error)) if is_of_this_machine(error) => StepFailure::error(text),
            Some(WireError::NeedsProxy(_)) => StepFailure::unsupported(text),
            // Whoever was asked owes an answer, whole and in time.
            Some(
                WireError::Closed
                | WireError::Io(_)
                | WireError::Malformed(_)
                | WireError::Http2(_)
                | WireError::Cut { .. },
            ) => StepFailure::fail("a whole answer over HTTP", text),
            Some(WireError::TooSlow { .. }) => StepFailure::timeout("an answer in time", text),
            Some(_) | None => StepFailure::error(text),
        }
    }
}

/// No more files, ports or memory here.
fn is_of_this_machine(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(number) = error.raw_os_error() {
        use rustix::io::Errno;
        let lacks = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::NOSPC, Errno::ADDRNOTAVAIL];
        return lacks.contains(&Errno::from_raw_os_error(number));
    }
    matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::AddrNotAvailable | io::ErrorKind::StorageFull)
}

/// The error and what caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn an_error_met_on_the_way_is_the_harness_s_fault_and_tells_its_causes() {
        let cause = "x".parse::<u8>().unwrap_err();
        let failure = StepFailure::from(Outer(cause));
        assert_eq!(failure.details().fault, Fault::Harness);
        assert_eq!(failure.got(), "outer: invalid digit found in string");
    }

    #[test]
    fn whoever_is_asked_owes_an_answer() {
        assert_eq!(StepFailure::from(WireError::Closed).details().fault, Fault::Subject);
        let slow = WireError::TooSlow { what: "x".into(), within: std::time::Duration::from_secs(1) };
        assert_eq!(StepFailure::from(slow).details().fault, Fault::Timeout);
        assert_eq!(StepFailure::from(WireError::NoSuchHost("x".into())).details().fault, Fault::Harness);
        assert_eq!(StepFailure::from(WireError::NeedsProxy("x")).details().fault, Fault::Unsupported);
        let wire = TestbedError::Wire { what: "x".into(), source: WireError::Closed };
        assert_eq!(StepFailure::from(wire).details().fault, Fault::Subject);
        let start = SubjectError::Start { portal: "alice".into(), why: "x".into() };
        assert_eq!(StepFailure::from(TestbedError::from(start)).details().fault, Fault::SubjectDied);
        let no_room = SubjectError::NoRoom { portal: "alice".into(), why: "x".into() };
        assert_eq!(StepFailure::from(TestbedError::from(no_room)).details().fault, Fault::Harness);
        let cannot = || SubjectError::Unsupported("x");
        assert_eq!(StepFailure::from(cannot()).details().fault, Fault::Unsupported);
        assert_eq!(StepFailure::from(TestbedError::from(cannot())).details().fault, Fault::Unsupported);
        assert_eq!(StepFailure::from(SubjectError::TooFew(1)).details().fault, Fault::Unsupported);
        assert_eq!(StepFailure::from(TestbedError::Task("x".into())).details().fault, Fault::Harness);
    }

    #[test]
    fn what_this_machine_lacks_is_nobody_else_s_fault() {
        let of = |error: io::Error| StepFailure::from(WireError::Io(error)).details().fault;
        assert_eq!(of(io::ErrorKind::ConnectionReset.into()), Fault::Subject);
        assert_eq!(of(io::ErrorKind::UnexpectedEof.into()), Fault::Subject);
        assert_eq!(of(io::ErrorKind::OutOfMemory.into()), Fault::Harness);
        #[cfg(unix)]
        for lack in [rustix::io::Errno::MFILE, rustix::io::Errno::ADDRNOTAVAIL] {
            assert_eq!(of(lack.into()), Fault::Harness);
        }
    }

    #[test]
    fn only_an_expectation_that_is_not_met_fails_the_subject() {
        assert_eq!(StepFailure::fail("401", "200").details().fault.verdict(), Verdict::Fail);
        assert_eq!(StepFailure::error("x").details().fault.verdict(), Verdict::Error);
        assert_eq!(StepFailure::subject_died("x").details().fault.verdict(), Verdict::Error);
        assert_eq!(StepFailure::unsupported("x").details().fault.verdict(), Verdict::Unsupported);
        assert_eq!(StepFailure::skip("x").details().fault.verdict(), Verdict::Skip);
        assert_eq!(StepFailure::timeout("x", "y").details().fault.verdict(), Verdict::Timeout);
    }
}
