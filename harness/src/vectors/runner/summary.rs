//! From single results to what is said about the library.

use std::fmt::Write as _;

use aws_lc_rs::digest;

use crate::expectations::{Case, CaseResult, Known};
use crate::vectors::corpus::{Op, RfcRef};
use crate::vectors::crypto::Algorithm;
use crate::vectors::load::{Corpus, section_order};
use crate::vectors::protocol::Hello;
use crate::vectors::results::{CorpusInfo, SentenceResult, VectorInfo, VectorResult};
use crate::verdict::Verdict;

/// All sentences of the corpus, in the order of the RFC, with what came out for each.
pub(super) fn sentences(corpus: &Corpus, results: &[VectorResult]) -> Vec<SentenceResult> {
    let mut references: Vec<&RfcRef> = corpus.vectors().flat_map(|(_, vector)| &vector.rfc_refs).collect();
    references.sort_by(|a, b| (section_order(&a.section), &a.id).cmp(&(section_order(&b.section), &b.id)));
    references.dedup_by(|a, b| a.id == b.id);
    let result = |reference: &RfcRef| {
        let of: Vec<_> = results.iter().filter(|result| result.vector.requirements.contains(&reference.id)).collect();
        SentenceResult {
            id: reference.id.clone(),
            level: reference.level,
            section: reference.section.clone(),
            quote: reference.quote.clone(),
            verdict: Verdict::worst(of.iter().map(|result| result.verdict)),
            vectors: of.iter().map(|result| result.vector.id.clone()).collect(),
        }
    };
    references.into_iter().map(result).collect()
}

/// What it lacks of what any implementation of the RFC has.
pub(super) fn lacks(hello: &Hello, never_shows_bases: bool, results: &[VectorResult]) -> Vec<String> {
    let mut lacks = Vec::new();
    if !hello.ops.contains(&Op::Verify) {
        lacks.push("it does not verify".to_owned());
    }
    if !hello.algs.iter().any(|name| name == Algorithm::Ed25519.name()) {
        lacks.push("it does not know ed25519".to_owned());
    }
    if !hello.ops.contains(&Op::Base) && never_shows_bases {
        lacks.push("it shows no signature base, neither with `base` nor with `verify`".to_owned());
    }
    if !results.is_empty() && results.iter().all(|result| result.verdict == Verdict::Unsupported) {
        lacks.push("it supports none of these vectors".to_owned());
    }
    lacks
}

impl CorpusInfo {
    pub(super) fn of(corpus: &Corpus) -> CorpusInfo {
        let mut context = digest::Context::new(&digest::SHA256);
        for file in &corpus.files {
            // What was read from JSON can be written as JSON.
            let text = serde_json::to_vec(file).unwrap_or_default();
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(&text);
        }
        let sha256 = context.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
            // Writing to a String can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        CorpusInfo {
            name: "countersign".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            corpus: corpus.files.first().map(|file| file.version.clone()).unwrap_or_default(),
            vectors_sha256: sha256,
        }
    }
}

impl Case for VectorInfo {
    fn id(&self) -> &str {
        &self.id
    }

    fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

impl Case for VectorResult {
    fn id(&self) -> &str {
        &self.vector.id
    }

    fn requirements(&self) -> &[String] {
        &self.vector.requirements
    }
}

impl CaseResult for VectorResult {
    fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn change(&mut self, verdict: Verdict, known: &Known) {
        self.verdict = verdict;
        self.known = Some(known.clone());
    }
}
