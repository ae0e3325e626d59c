//! How the program ends. Public: scripts rely on it.

use std::process::ExitCode;

use crate::vectors::results::{Conclusion, VectorSummary};
use crate::verdict::Summary;

/// The exit codes. Where several hold, the order is 2, 4, 3, 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the subject conforms, as far as it was tested.
    Conforms,
    /// 1: a requirement that counts is not kept.
    DoesNotConform,
    /// 2: wrong usage, or a bad input file.
    Usage,
    /// 3: the harness or the testbed is at fault.
    Harness,
    /// 4: the subject did not start or died.
    Subject,
    /// 124: time was up before everything had run, as `timeout` has it.
    TimeUp,
    /// 130: ended by Ctrl-C, as shells have it.
    Interrupted,
}

/// As shown under `--help`.
pub const HELP: &str = "\
Exit codes:
  0  the subject conforms (--level says to what)
  1  it does not
  2  wrong usage or a bad input file, also a feature that says what can't be done
  3  the harness or the testbed is at fault: nothing is said about the subject
  4  the subject did not start or died
  Where several hold: 2, then 4, 3, 1. After Ctrl-C: 130; when time was up (--max-seconds): 124.";

impl Exit {
    /// What a run came to.
    pub fn of(summary: &Summary) -> Exit {
        if summary.mistaken() {
            Exit::Usage
        } else if summary.subject_died() {
            Exit::Subject
        } else if summary.harness_failed() {
            Exit::Harness
        } else if !summary.conforms() || !summary.stale.is_empty() {
            Exit::DoesNotConform
        } else if summary.time_up {
            Exit::TimeUp
        } else if !summary.flaky.is_empty() {
            // A verdict that changes says nothing about the subject.
            Exit::Harness
        } else if summary.ended_early {
            Exit::Interrupted
        } else if summary.nothing_tested() {
            // The subject lacks what all of it needs: that must not look like a pass.
            Exit::Subject
        } else {
            Exit::Conforms
        }
    }

    /// What a run of vectors came to.
    pub fn of_vectors(summary: &VectorSummary) -> Exit {
        match summary.conclusion() {
            Conclusion::Conforms => Exit::Conforms,
            Conclusion::DoesNotConform => Exit::DoesNotConform,
            Conclusion::Partial | Conclusion::Error => Exit::Subject,
            Conclusion::EndedEarly => Exit::Interrupted,
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Conforms => 0,
            Exit::DoesNotConform => 1,
            Exit::Usage => 2,
            Exit::Harness => 3,
            Exit::Subject => 4,
            Exit::TimeUp => 124,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::verdict::{Flaky, Verdict};

    #[test]
    fn the_gravest_decides() {
        let mut summary = sample::summary();
        if let Some(failure) = &mut summary.scenarios[2].failure {
            failure.subject_died = true;
        }
        assert_eq!(Exit::of(&summary).code(), 4);
        let mut summary = sample::summary();
        assert_eq!(Exit::of(&summary).code(), 3);
        summary.scenarios[2].verdict = Verdict::Unsupported;
        assert_eq!(Exit::of(&summary).code(), 1);
        summary.requirements[0].verdict = Some(Verdict::Pass);
        assert_eq!(Exit::of(&summary).code(), 0);
        summary.flaky = vec![Flaky { id: "f/a".into(), verdicts: vec![Some(Verdict::Pass), Some(Verdict::Skip)] }];
        assert_eq!(Exit::of(&summary).code(), 3);
        summary.flaky.clear();
        summary.ended_early = true;
        assert_eq!(Exit::of(&summary).code(), 130);
        summary.time_up = true;
        assert_eq!(Exit::of(&summary).code(), 124);
    }

    #[test]
    fn a_run_in_which_nothing_could_be_tested_is_no_pass() {
        let mut summary = sample::summary();
        summary.scenarios.iter_mut().for_each(|result| result.verdict = Verdict::Unsupported);
        summary.requirements.iter_mut().for_each(|requirement| requirement.verdict = Some(Verdict::Unsupported));
        assert_eq!(Exit::of(&summary).code(), 4);
        let said = crate::report::terminal::last_line(&summary);
        assert!(said.starts_with("Not known whether it conforms: nothing could be tested"), "{said}");
    }

    #[test]
    fn a_failure_that_does_not_count_is_no_failure() {
        let mut summary = sample::summary();
        summary.scenarios[2].verdict = Verdict::Pass;
        summary.requirements[0].counts = false;
        assert_eq!(Exit::of(&summary).code(), 0);
    }
}
