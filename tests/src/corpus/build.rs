//! From a definition to its vectors: the case itself, once for each operation, and each change to it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Defect, Expected, Feature, Key, Op, Part, RfcRef, Vector, VectorFile};
use countersign::vectors::load::STAGES;

use super::Problem;
use super::crypto;
use super::format::{Base, Case, Change, Edit, Invalid, RelatedRequest, SignedBase};
use super::make::{self, Product, Twist, wire_text};
use super::read::{Definition, Definitions, folded};
use super::text;

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
        let op = match invalid.op {
            Some(op) if self.case.ops.contains(&op) => op,
            Some(_) => return Err("`op` is not one of the case's `ops`".to_owned()),
            None => *self.case.ops.iter().find(|op| concerns(&invalid.change, **op)).ok_or("`ops` is empty")?,
        };
        if !concerns(&invalid.change, op) {
            return Err("such a change means nothing to this operation; it needs `verify` in `ops`".to_owned());
        }
        let changed = self.change(invalid, op)?;
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
        if let (Op::Sign | Op::Accept, Some(keys)) = (op, &invalid.change.keys) {
            vector.keys = keys.clone();
        }
        vector.verdict = invalid.verdict;
        vector.acceptable_because = because;
        vector.reject_stage = invalid.stage.clone();
        vector.severity = invalid.severity;
        vector.flags.extend(invalid.flags.iter().filter(|flag| !self.case.flags.contains(flag)).cloned());
        if let Some(signed) = &changed.product.signed {
            vector.expected_base_b64 = changed.expected.as_ref().map(|base| STANDARD.encode(base));
            if changed.expected.as_ref() != Some(signed) {
                vector.signed_base_b64 = Some(STANDARD.encode(signed));
            }
        }
        if op == Op::Accept && invalid.verdict == Expected::Acceptable {
            vector.expected_signature_input = self.case.expected_signature_input.clone();
        }
        Ok(vector)
    }

    fn change(&self, invalid: &Invalid, op: Op) -> Result<Changed, String> {
        let change = &invalid.change;
        let mut case = self.case.clone();
        let mut twist = Twist::default();
        let mut params = case.params_line.clone().unwrap_or_else(|| case.covers.clone());
        let mut wire: Option<(Part, &Edit)> = None;
        let mut defects: Vec<Defect> = Vec::new();
        let mut says = |part, from: Option<String>, to: Option<String>| defects.push(Defect { part, from, to });

        let (lines, base_edit) = match (&change.signed_base, &invalid.signed_base) {
            (Some(SignedBase::Edit(edit)), None) => (None, Some(edit)),
            (Some(SignedBase::Lines(lines)), None) | (None, Some(lines)) => (Some(lines.clone()), None),
            (None, None) => (None, None),
            (Some(_), Some(_)) => return Err("`signed_base` is given twice".to_owned()),
        };
        if lines.is_some() && change.signed_message.is_none() && change.covers.is_none() {
            return Err("the lines of `signed_base` go with `signed_message` or `covers`; \
                        alone it is an edit, { from, to }"
                .to_owned());
        }
        let lines = lines.or_else(|| match &invalid.base {
            Some(Base::Lines(lines)) => Some(lines.clone()),
            _ => None,
        });

        if let Some(edit) = &change.message {
            wire = Some((Part::Message, edit));
            says(Part::Message, None, None);
        }
        match &change.related_request {
            Some(RelatedRequest::Edit(edit)) => {
                wire = Some((Part::RelatedRequest, edit));
                says(Part::RelatedRequest, None, None);
            }
            Some(RelatedRequest::None(_)) => says(Part::RelatedRequest, None, Some("none".to_owned())),
            None => {}
        }
        if let Some(edit) = &change.signed_message {
            twist.message = Some(edit.clone());
            twist.lines = Some(lines.clone().unwrap_or_else(|| self.lines().to_vec()));
            says(Part::SignedMessage, None, None);
        }
        if let Some(edit) = &change.covers {
            let edited = text::replace_once(case.covers.as_bytes(), edit.from.as_bytes(), edit.to.as_bytes())?;
            case.covers = String::from_utf8(edited).map_err(|error| error.to_string())?;
            if case.params_line.is_some() && invalid.params_line.is_none() {
                return Err("the case has a `params_line`, so a change of `covers` needs one of its own".to_owned());
            }
            params = case.covers.clone();
            case.params_line = invalid.params_line.clone();
            twist.lines = Some(lines.unwrap_or_else(|| self.lines().to_vec()));
            let shown = |text: &str| Some(text::latin1(text.as_bytes()));
            says(Part::SignatureInput, shown(&edit.from), shown(&edit.to));
        }
        if let Some(edit) = base_edit {
            twist.base = Some(edit.clone());
            says(Part::SignedBase, None, None);
        }
        if let Some(kind) = &change.signature {
            twist.signature = Some(kind.clone());
            says(Part::Signature, None, Some(kind.clone()));
        }
        if let Some(keys) = &change.keys {
            let before = case.keys.replace(keys.clone()).unwrap_or_else(|| vec![case.key.clone()]);
            says(Part::Keys, Some(before.join(", ")), Some(keys.join(", ")));
        }
        if let Some(now) = change.now {
            says(Part::Now, Some(case.now.to_string()), Some(now.to_string()));
            case.now = now;
        }
        if let Some(policy) = &change.policy {
            says(Part::Policy, Some(json(&case.policy)), Some(json(policy)));
            case.policy = policy.clone();
        }
        if let Some(scheme) = &change.scheme {
            says(Part::Scheme, Some(case.scheme.clone()), Some(scheme.clone()));
            case.scheme = scheme.clone();
        }
        if let Some(types) = &change.field_types {
            says(Part::FieldTypes, Some(json(&case.field_types)), Some(json(types)));
            case.field_types = types.clone();
        }
        if let Some(label) = &change.label {
            says(Part::Label, Some(case.label.clone()), Some(label.clone()));
        }
        let [defect] = defects.as_mut_slice() else {
            return Err(format!("`change` must have exactly one of its parts; there are {}", defects.len()));
        };

        let mut product = make::make(self.keys(), &case, op, &twist)?;
        // What was there, and what is there now, as bytes.
        let before = make::make(self.keys(), self.case, op, &Twist::default())?;
        let edit = |edit: &Edit, unescape: fn(&str) -> Result<Vec<u8>, String>| {
            let from = make::filled(&edit.from, &before.made, unescape)?;
            Ok::<_, String>((from, make::filled(&edit.to, &product.made, unescape)?))
        };
        let edited = match (wire, &change.signed_message, base_edit) {
            (Some((_, it)), ..) | (None, Some(it), _) => Some(edit(it, wire_text)?),
            (None, None, Some(it)) => Some(edit(it, text::bytes)?),
            _ => None,
        };
        if let Some((from, to)) = &edited {
            (defect.from, defect.to) = (Some(text::latin1(from)), Some(text::latin1(to)));
        }
        if let (Some((part, _)), Some((from, to))) = (wire, &edited) {
            let bytes = match part {
                Part::RelatedRequest => product.related_request.as_mut().ok_or("the case has no `related_request`")?,
                _ => &mut product.message,
            };
            let edited = text::replace_once(bytes, from, to)?;
            if op == Op::Verify && part == Part::Message && invalid.params_line.is_none() {
                params = params_after(&params, &case.covers, bytes, &edited, from, to, invalid)?;
            }
            *bytes = edited;
        }
        if let Some(RelatedRequest::None(_)) = change.related_request {
            product.related_request.take().ok_or("the case has no `related_request`")?;
        }
        if let Some(line) = &invalid.params_line {
            params = line.clone();
        }
        let expected = match (&invalid.base, &product.signed) {
            (_, None) | (Some(Base::None(_)), _) => None,
            (Some(Base::Lines(lines)), _) => Some(product.base(lines, &params)?),
            (None, Some(_)) if change.label.is_some() => None,
            (None, Some(_)) => Some(product.base(self.lines(), &params)?),
        };
        if let Some(label) = &change.label {
            case.label = label.clone();
        }
        let defect = defect.clone();
        Ok(Changed { case, product, expected, defect })
    }

    fn lines(&self) -> &[String] {
        match &self.case.base {
            Some(Base::Lines(lines)) => lines,
            _ => &[],
        }
    }
}

/// Whether the operation gets to see the change.
fn concerns(change: &Change, op: Op) -> bool {
    let Change { covers, keys, label, now, related_request, scheme, field_types, message, .. } = change;
    let seen_by_all = message.is_some();
    let seen_by_makers = related_request.is_some() || scheme.is_some() || field_types.is_some() || covers.is_some();
    match op {
        Op::Verify => true,
        Op::Base => seen_by_all || seen_by_makers || label.is_some(),
        Op::Sign => seen_by_all || seen_by_makers || label.is_some() || keys.is_some(),
        Op::Digest => seen_by_all,
        Op::Accept => seen_by_all || label.is_some() || keys.is_some() || now.is_some(),
    }
}

struct Changed {
    case: Case,
    product: Product,
    expected: Option<Vec<u8>>,
    defect: Defect,
}

/// The last line of the base, after an edit of the finished message.
fn params_after(
    params: &str,
    covers: &str,
    before: &[u8],
    after: &[u8],
    from: &[u8],
    to: &[u8],
    invalid: &Invalid,
) -> Result<String, String> {
    let there = |bytes: &[u8]| text::count(bytes, covers.as_bytes());
    if covers.is_empty() || there(before) == 0 || there(after) > 0 || matches!(invalid.base, Some(Base::None(_))) {
        return Ok(params.to_owned());
    }
    text::replace_once(params.as_bytes(), from, to).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(
        || {
            "the edit changes the signature's parameters: give the `params_line` of the base that a verifier makes, \
         or base = \"none\""
                .to_owned()
        },
    )
}

fn because(verdict: Expected, because: Option<&String>) -> Result<Option<String>, String> {
    match (verdict, because) {
        (Expected::Acceptable, None) => Err("`acceptable_because` is missing".to_owned()),
        (Expected::Acceptable, Some(why)) => Ok(Some(folded(why))),
        (_, Some(_)) => Err("`acceptable_because` goes with the verdict acceptable only".to_owned()),
        (_, None) => Ok(None),
    }
}

/// What a library must be able to do for the case.
fn requires(case: &Case, verifies: bool) -> Vec<Feature> {
    let mut shown = Vec::new();
    let covers = without_strings(&case.covers);
    for (feature, parameter) in
        [(Feature::Sf, "sf"), (Feature::Key, "key"), (Feature::Bs, "bs"), (Feature::Req, "req"), (Feature::Tr, "tr")]
    {
        let component = covers.split(')').next().unwrap_or_default();
        if component.split([' ', '(', ';', '=']).any(|word| word == parameter) {
            shown.push(feature);
        }
    }
    if case.covers.contains("\"@query-param\"") {
        shown.push(Feature::QueryParam);
    }
    if case.message.starts_with("HTTP/") {
        shown.push(Feature::Response);
    }
    if verifies && !case.policy.is_empty() {
        shown.push(Feature::Policy);
    }
    union(&shown, &case.requires)
}

fn union(some: &[Feature], more: &[Feature]) -> Vec<Feature> {
    let mut all = [some, more].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// A serialised list with its strings emptied.
fn without_strings(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut out = String::new();
    for character in text.chars() {
        let boundary = character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        if boundary {
            quoted = !quoted;
        }
        if boundary || !quoted {
            out.push(character);
        }
    }
    out
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
