//! What can be said without a clock is said of a Core whose clock can't be set, and no more.

use super::{Case, run};
use crate::subject::{Capabilities, CoreHandle, CoreKind, CorePlan, Subject, SubjectError};
use crate::verdict::Verdict;

#[derive(Debug)]
struct Clockless(Subject);

#[async_trait::async_trait]
impl CoreKind for Clockless {
    fn name(&self) -> String {
        self.0.name()
    }

    fn version(&self) -> Option<String> {
        self.0.version()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { clock: false, ..self.0.capabilities() }
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        self.0.start(plan).await
    }
}

const CASES: &[Case] = &[
    (
        "Given a request GET /peers/inbox to bob's chat\nAnd it is signed by carol\n\
         When it is sent, and signed and sent anew 60 seconds later if it was refused",
        "it is let in as the peer carol",
        "it is refused",
    ),
    (
        "Given the fake Portal mallory\nAnd a request GET /peers/inbox to bob's chat\nAnd it is signed by mallory\n\
         When it is sent, and signed and sent anew 60 seconds later if it was refused",
        "it is let in as the peer carol",
        "it is refused",
    ),
];

#[test]
fn who_is_refused_at_first_can_not_be_judged() {
    let verdicts = |said: fn(&Case) -> &'static str| {
        let results = run(CASES, said, Subject::new(Clockless(Subject::builtin())));
        results.iter().map(|result| result.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(|case| case.1), [Verdict::Pass, Verdict::Unsupported]);
    assert_eq!(verdicts(|case| case.2), [Verdict::Fail, Verdict::Unsupported]);
}
