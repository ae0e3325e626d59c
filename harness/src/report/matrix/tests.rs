use std::time::Duration;

use super::*;
use crate::contract::{Level, Threshold};
use crate::vectors::load::Corpus;
use crate::vectors::protocol::Clock;
use crate::vectors::results::{CorpusInfo, Declares, TestedLibrary, VectorInfo};

/// 2026-11-22, in the evening.
const NOW: u64 = 1_795_384_800;

/// A run in which everything passes but one vector, which has a base of its own.
fn run(files: &[VectorFile], name: &str, broken: &str) -> VectorSummary {
    let result = |file: &VectorFile, vector: &Vector| VectorResult {
        vector: VectorInfo {
            id: vector.id.clone(),
            name: vector.title.clone(),
            section: file.section.clone(),
            op: vector.op,
            expected: vector.verdict,
            requires: vec![],
            requirements: vec![],
            level: Level::Must,
            severity: None,
        },
        verdict: if vector.id == broken { Verdict::Fail } else { Verdict::Pass },
        seconds: Duration::ZERO,
        known: None,
        failure: (vector.id == broken).then(|| crate::verdict::Failure {
            requirement: None,
            sentence: None,
            step: "verify".into(),
            expected: "accepted".into(),
            got: "rejected: <wrong>".into(),
            bases: Some(Bases::compare("\"@method\": GET\n\"x\": 1".into(), "\"@method\": GET\n\"x\": <2>".into())),
            hop: None,
            replay: String::new(),
            trace: vec![],
            subject_died: false,
            mistaken: false,
        }),
    };
    VectorSummary {
        suite: CorpusInfo {
            name: "countersign".into(),
            version: "9.9".into(),
            corpus: "1".into(),
            vectors_sha256: String::new(),
        },
        subject: TestedLibrary {
            name: name.into(),
            version: "1.2".into(),
            kind: "process".into(),
            declares: Declares { ops: vec![], algs: vec![], features: vec![], clock: Clock::Injected },
        },
        requirements: vec![],
        vectors: files.iter().flat_map(|file| file.vectors.iter().map(move |vector| result(file, vector))).collect(),
        lacks: vec![],
        stale: vec![],
        level: Threshold::Must,
        titles: Default::default(),
        whole: true,
        took: Duration::ZERO,
        ended_early: false,
    }
}

fn matrix() -> (Matrix, String) {
    let files: Vec<VectorFile> =
        Corpus::embedded().unwrap().files.into_iter().filter(|file| file.section.starts_with("2.2.")).collect();
    let broken = files[1].vectors[0].id.clone();
    let runs = [run(&files, "one", &broken), run(&files, "two", "nothing")];
    (Matrix::new(&files, &runs, NOW), broken)
}

/// Where links lead to, and what can be led to.
fn links<'p>(page: &'p str, mark: &str, end: char) -> Vec<&'p str> {
    page.split(mark).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[test]
fn a_failing_cell_leads_to_the_vector_with_both_bases() {
    let (matrix, broken) = matrix();
    let page = matrix.html().unwrap();
    assert!(page.contains(&format!("<a href=\"#v-{broken}--0\" title=\"rejected: &lt;wrong&gt;\">✗</a>")), "{page}");
    assert!(page.contains(&format!("id=\"v-{broken}--0\"")));
    assert!(
        page.contains("<tr class=\"first\"><td>2</td><td>&quot;x&quot;: 1</td><td>&quot;x&quot;: &lt;2&gt;</td></tr>")
    );
    let ids = links(&page, " id=\"", '"');
    let targets = links(&page, "href=\"#", '"');
    assert_eq!(targets.len(), 1, "one cell fails");
    assert!(targets.iter().all(|target| ids.contains(target)), "{targets:?} {ids:?}");
}

#[test]
fn in_markdown_too_and_every_link_leads_somewhere() {
    let (matrix, broken) = matrix();
    let page = matrix.markdown().unwrap();
    assert!(page.contains(&format!("[✗](#v-{broken}--0)")), "{page}");
    assert!(page.contains("run on 2026-11-22."));
    assert!(page.contains("> \"x\": <2>"), "the first line that differs is marked, and nothing is escaped");
    let ids = links(&page, "<a id=\"", '"');
    let targets = links(&page, "](#", ')');
    assert_eq!(targets.len(), 3, "{targets:?}: the section, the vector, the cell");
    assert!(targets.iter().all(|target| ids.contains(target)), "{targets:?} {ids:?}");
}

#[test]
fn a_section_counts_what_the_library_declares() {
    let files = &Corpus::embedded().unwrap().files[..1];
    let mut lacking = run(files, "one", "nothing");
    lacking.vectors[0].verdict = Verdict::Unsupported;
    let matrix = Matrix::new(files, &[lacking, run(files, "two", "nothing")], NOW);
    let totals = &matrix.sections[0].totals;
    assert_eq!((totals[0].pass, totals[0].of), (files[0].vectors.len() - 1, files[0].vectors.len() - 1));
    assert_eq!(totals[1].of, files[0].vectors.len());
}

#[test]
fn a_message_is_shown_with_what_can_t_be_printed() {
    assert_eq!(printable(b"a\r\nb\0\x1b[1m\xc3\r"), "a\nb\\x00\\x1b[1m\\xc3\\x0d");
}
