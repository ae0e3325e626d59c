//! From a definition to its vectors: the case itself, once for each operation, and each change to it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Expected, Feature, Key, Op, RfcRef, Vector, VectorFile};
use countersign::vectors::load::STAGES;

use super::Problem;
use super::change::{self, One};
use super::crypto;
use super::features::{requires, union};
use super::format::{Case, Invalid};
use super::make::{self, Product, Twist};
use super::read::{Definition, Definitions, folded};

/// The version of the corpus.
pub const VERSION: &str = include_str!("../../../fixtures/vectors/VERSION");

/// A file of vectors, and where each comes from.
#[derive(Debug)]
pub struct Built {
    /// The file.
    pub file: VectorFile,
    /// The line of each vector's definition.
    pub lines: BTreeMap<String, usize>,
}

/// Builds the vectors of one definition; what is wrong comes beside what is right.
pub fn build(definitions: &Definitions, definition: &Definition) -> (Built, Vec<Problem>) {
    let mut file = VectorFile {
        version: VERSION.trim().to_owned(),
        section: definition.file.section.clone(),
        title: definition.file.title.clone(),
        notes: definition.file.notes.clone(),
        keys: BTreeMap::new(),
        vectors: Vec::new(),
    };
    let mut lines = BTreeMap::new();
    let mut problems = Vec::new();
    for case in &definition.file.case {
        let builder = Builder { definitions, definition, case };
        let ops = case.ops.iter().map(|op| (&case.id, builder.honest(*op)));
        let invalid = case.invalid.iter().map(|invalid| (&invalid.id, builder.changed(invalid)));
        for (id, vector) in ops.chain(invalid) {
            match vector {
                Ok(vector) => {
                    lines.insert(vector.id.clone(), definition.line(id));
                    file.vectors.push(vector);
                }
                Err(what) => problems.push(definition.problem(id, format!("{}: {what}", id.get_ref()))),
            }
        }
    }
    for name in file.vectors.iter().flat_map(|vector| &vector.keys) {
        match definitions.keys.get(name) {
            Some(key) => drop(file.keys.insert(name.clone(), key.clone())),
            None => problems.push(Problem::new(&definition.path, 1, format!("there is no key `{name}`"))),
        }
    }
    (Built { file, lines }, problems)
}

struct Builder<'d> {
    definitions: &'d Definitions,
    definition: &'d Definition,
    case: &'d Case,
}

impl Builder<'_> {
    fn keys(&self) -> &BTreeMap<String, Key> {
        &self.definitions.keys
    }

    /// The case as it stands.
    fn honest(&self, op: Op) -> Result<Vector, String> {
        let case = self.case;
        if case.verdict == Expected::Invalid {
            return Err("what is refused is a [[case.invalid]] of the case that it differs from".to_owned());
        }
        let because = because(case.verdict, case.acceptable_because.as_ref())?;
        let product = make::make(self.keys(), case, op, &Twist::default())?;
        let mut vector = self.vector(case, op, &product)?;
        vector.acceptable_because = because;
        if let Some(signed) = &product.signed {
            vector.expected_base_b64 = Some(STANDARD.encode(signed));
        }
        if op == Op::Accept {
            let expected = case.expected_signature_input.clone();
            vector.expected_signature_input = Some(expected.ok_or("`expected_signature_input` is missing")?);
        }
        if op == Op::Sign {
            vector.expected_signature_b64 = self.expected_signature(&product)?;
        }
        Ok(vector)
    }

    fn expected_signature(&self, product: &Product) -> Result<Option<String>, String> {
        let key = self.keys().get(&self.case.key).ok_or("no key")?;
        let made = product.made.get(&self.case.label);
        let made = made.filter(|_| crypto::algorithm(key).is_ok_and(crypto::is_deterministic));
        Ok(made.map(|made| STANDARD.encode(&made.signature)))
    }

    /// What the case and all changes to it share.
    fn vector(&self, case: &Case, op: Op, product: &Product) -> Result<Vector, String> {
        if case.scheme != "https" && case.scheme != "http" {
            return Err(format!("`scheme` is http or https, not {}", case.scheme));
        }
        let signs = matches!(op, Op::Verify | Op::Base | Op::Sign);
        let verifies = op == Op::Verify;
        let keys = match op {
            Op::Verify => case.keys.clone().unwrap_or_else(|| vec![case.key.clone()]),
            Op::Sign | Op::Accept => vec![case.key.clone()],
            Op::Base | Op::Digest => Vec::new(),
        };
        Ok(Vector {
            id: self.id_of(op),
            title: case.title.clone(),
            comment: case.comment.as_deref().map(folded),
            twin_of: None,
            defect: None,
            source: case.source.clone(),
            authority: case.authority.clone().unwrap_or_else(|| self.definition.file.authority.clone()),
            rfc_refs: self.refs(&case.refs),
            requires: requires(case, verifies),
            op,
            message_b64: STANDARD.encode(&product.message),
            related_request_b64: product.related_request.as_ref().map(|bytes| STANDARD.encode(bytes)),
            scheme: case.scheme.clone(),
            keys,
            now: matches!(op, Op::Verify | Op::Sign | Op::Accept).then_some(case.now),
            policy: if verifies { case.policy.clone() } else { Default::default() },
            field_types: if signs { case.field_types.clone() } else { BTreeMap::new() },
            label: (op != Op::Digest).then(|| case.label.clone()),
            signature_input: matches!(op, Op::Base | Op::Sign).then(|| case.covers.clone()),
            expected_base_b64: None,
            signed_base_b64: None,
            expected_signature_b64: None,
            expected_signature_input: None,
            verdict: case.verdict,
            acceptable_because: None,
            reject_stage: None,
            severity: None,
            flags: case.flags.clone(),
        })
    }

    /// The first operation has the case's id.
    fn id_of(&self, op: Op) -> String {
        let id = self.case.id.get_ref();
        if self.case.ops.first() == Some(&op) {
            return id.clone();
        }
        let suffix = match op {
            Op::Verify => "verify",
            Op::Base => "base",
            Op::Sign => "sign",
            Op::Digest => "digest",
            Op::Accept => "accept",
        };
        format!("{id}.{suffix}")
    }

    fn refs(&self, ids: &[String]) -> Vec<RfcRef> {
        ids.iter().filter_map(|id| self.definitions.requirements.get(id)).cloned().collect()
    }

    /// The case with one change.
    fn changed(&self, invalid: &Invalid) -> Result<Vector, String> {
        let because = because(invalid.verdict, invalid.acceptable_because.as_ref())?;
        if invalid.verdict == Expected::Valid {
            return Err("a change that leaves the message valid is a case of its own".to_owned());
        }
        if invalid.verdict == Expected::Invalid {
            match &invalid.stage {
                None => return Err(format!("`stage` is missing; one of {}", STAGES.join(", "))),
                Some(stage) if !STAGES.contains(&stage.as_str()) => {
                    return Err(format!("`{stage}` is no stage; one of {}", STAGES.join(", ")));
                }
                Some(_) => {}
            }
            invalid.severity.ok_or("`severity` is missing; one of high, medium, low")?;
        }
        let one = One::of(&invalid.change)?;
        let seen =
            self.case.ops.iter().find(|op| invalid.op.is_none_or(|wanted| wanted == **op) && one.is_seen_by(**op));
        let Some(op) = seen.copied() else {
            return Err("none of the case's `ops` (or not this `op`) gets to see such a change".to_owned());
        };
        let changed = change::change(self.keys(), self.case, invalid, &one, op)?;
        let mut vector = self.vector(&changed.case, op, &changed.product)?;
        let id = invalid.id.get_ref().clone();
        vector.twin_of = Some(std::mem::replace(&mut vector.id, id));
        vector.title = invalid.title.clone();
        vector.comment = invalid.comment.as_deref().map(folded);
        vector.source = None;
        vector.defect = Some(changed.defect);
        if let Some(refs) = &invalid.refs {
            vector.rfc_refs = self.refs(refs);
        }
        // The twin's, and not what the defect brings in: a library that can't do that must refuse it anyway.
        vector.requires = union(&requires(self.case, op == Op::Verify), &invalid.requires);
        if !vector.policy.is_empty() {
            vector.requires = union(&vector.requires, &[Feature::Policy]);
        }
        if let (Op::Sign | Op::Accept, One::Keys(keys)) = (op, one) {
            vector.keys = keys.to_vec();
        }
        vector.verdict = invalid.verdict;
        vector.acceptable_because = because;
        vector.reject_stage = invalid.stage.clone();
        vector.severity = invalid.severity;
        vector.flags.extend(invalid.flags.iter().filter(|flag| !self.case.flags.contains(flag)).cloned());
        // Who is asked for a base or a signature and must refuse has none.
        if op == Op::Verify || invalid.verdict == Expected::Acceptable {
            vector.expected_base_b64 = changed.expected.as_ref().map(|base| STANDARD.encode(base));
        }
        let signed =
            changed.product.signed.filter(|signed| op == Op::Verify && changed.expected.as_ref() != Some(signed));
        vector.signed_base_b64 = signed.map(|signed| STANDARD.encode(signed));
        if op == Op::Accept && invalid.verdict == Expected::Acceptable {
            vector.expected_signature_input = self.case.expected_signature_input.clone();
        }
        Ok(vector)
    }
}

fn because(verdict: Expected, because: Option<&String>) -> Result<Option<String>, String> {
    match (verdict, because) {
        (Expected::Acceptable, None) => Err("`acceptable_because` is missing".to_owned()),
        (Expected::Acceptable, Some(why)) => Ok(Some(folded(why))),
        (_, Some(_)) => Err("`acceptable_because` goes with the verdict acceptable only".to_owned()),
        (_, None) => Ok(None),
    }
}
