//! The report on vectors for programs. Its shape is fixed by `fixtures/vectors-report.schema.json`; it is that of `check`,
//! with `vectors` in place of `scenarios`.

use serde::Serialize;

use crate::report::json::Counts;
use crate::vectors::results::{Conclusion, CorpusInfo, SentenceResult, TestedLibrary, VectorResult, VectorSummary};

/// The report as it is written.
pub fn report(summary: &VectorSummary) -> impl Serialize {
    Report {
        suite: &summary.suite,
        subject: &summary.subject,
        summary: Counts::of(|verdict| summary.count(verdict)),
        conclusion: summary.conclusion(),
        lacks: &summary.lacks,
        stale: &summary.stale,
        requirements: &summary.requirements,
        vectors: &summary.vectors,
    }
}

#[derive(Serialize)]
struct Report<'a> {
    suite: &'a CorpusInfo,
    subject: &'a TestedLibrary,
    summary: Counts,
    conclusion: Conclusion,
    lacks: &'a [String],
    stale: &'a [String],
    requirements: &'a [SentenceResult],
    vectors: &'a [VectorResult],
}
