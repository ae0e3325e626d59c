//! One message explained: the signature base line by line with where each value comes from, every check by name, and
//! what is wrong.
//!
//! [`read`] takes a message from a file or a pipe, [`explain`] looks at its signatures, [`text`] puts that into words;
//! [`Explanation`] is the same for programs. [`signing`] makes a signature on such a message.

mod advice;
mod base;
mod checks;
mod data;
mod guess;
mod identifier;
pub mod keys;
pub mod read;
pub mod signing;
#[cfg(test)]
mod tests;
pub mod text;
mod time;
mod warnings;

use portal_core::rfc9421::{
    Algorithm, ComponentError, FieldTypes, LabelledSignature, Limits, Message, Policy, Reason, Rejection,
    SignatureBase, SignatureInput, Signatures, Step, VerifyingKey, verify,
};

pub use checks::Required;
pub use data::{
    BaseLine, Cause, Check, DifferingLine, Explanation, KeyInfo, MessageInfo, Outcome, Problem, SignatureInfo, Verdict,
    Warning,
};

use checks::{Checks, UNREADABLE};
use keys::NamedKey;
use read::{Body, Start, Subject};

/// What the message is judged by.
#[derive(Debug, Clone, Default)]
pub struct Judging {
    /// The keys that are known.
    pub keys: Vec<NamedKey<VerifyingKey>>,
    /// Only this label; all where there is none.
    pub label: Option<String>,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// What the application requires.
    pub required: Required,
    /// Types of structured fields beyond the registered ones.
    pub field_types: FieldTypes,
}

/// Explains the signatures of a message.
pub fn explain(subject: &Subject, judging: &Judging) -> Explanation {
    let message = subject.as_message();
    let policy = judging.required.policy(&judging.field_types);
    let mut problems = Vec::new();
    let signatures = Signatures::parse(&message, &Limits::default()).unwrap_or_else(|rejection| {
        problems.push(advice::problem(&rejection));
        Signatures::default()
    });
    let labels: Vec<String> = signatures.labels().map(str::to_owned).collect();
    let looked_at = chosen(&labels, judging.label.as_deref(), &mut problems);
    let desk = Desk { subject, message, signatures, policy, judging };
    let picked = desk.pick_keys();
    let signatures: Vec<SignatureInfo> = looked_at.iter().map(|label| desk.signature(label, &picked)).collect();
    let mut verdict = Verdict::of(signatures.iter().map(|signature| signature.verdict));
    if !problems.is_empty() {
        verdict = Verdict::Refused;
    }
    Explanation {
        message: info(subject, labels),
        now: judging.now,
        keys: judging
            .keys
            .iter()
            .map(|key| KeyInfo { name: key.name.clone(), algorithm: key.key.algorithm().as_str() })
            .collect(),
        problems,
        signatures,
        verdict,
    }
}

/// The labels to look at.
fn chosen<'l>(labels: &'l [String], wanted: Option<&str>, problems: &mut Vec<Problem>) -> Vec<&'l str> {
    let found: Vec<&str> =
        labels.iter().map(String::as_str).filter(|label| wanted.is_none_or(|wanted| wanted == *label)).collect();
    if found.is_empty() && problems.is_empty() {
        let mut problem = advice::of(Step::Select, Reason::NoSuchLabel, None);
        if labels.is_empty() {
            problem.what = "the message has no signature: neither Signature-Input nor Signature names one".to_owned();
            problem.advice = "Signer: add both fields (RFC 9421 §4); countersign sign shows how. If they were sent, a proxy has dropped them.".to_owned();
        } else {
            problem.what = format!("{}; it has {}", problem.what, labels.join(", "));
        }
        problems.push(problem);
    }
    found
}

fn info(subject: &Subject, labels: Vec<String>) -> MessageInfo {
    let message = &subject.message;
    let request = message.request().map(|request| (message, request)).or_else(|| {
        let related = subject.related.as_ref()?;
        Some((related, related.request()?))
    });
    let (content_length, content_unknown) = match &message.body {
        Body::Known(content) => (Some(content.len()), None),
        Body::Unknown(why) => (None, Some(why.clone())),
    };
    let mut notes = message.notes.clone();
    if let Some(related) = &subject.related {
        notes.extend(related.notes.iter().map(|note| format!("related request: {note}")));
    }
    MessageInfo {
        file: message.file.clone(),
        kind: message.kind(),
        first_line: message.first_line.clone(),
        line: message.first_line_at,
        scheme: request.map(|(_, request)| request.scheme().as_str()),
        scheme_from: request.map(|(located, _)| located.scheme_from),
        fields: message.fields().len(),
        trailers: message.trailers().len(),
        content_length,
        content_unknown,
        related_request: match message.start {
            Start::Response(_) => subject.related.as_ref().map(|related| related.first_line.clone()),
            Start::Request(_) => None,
        },
        labels,
        notes,
    }
}

/// A message on the desk, with all that it is judged by.
struct Desk<'d> {
    subject: &'d Subject,
    message: Message<'d>,
    signatures: Signatures,
    policy: Policy,
    judging: &'d Judging,
}

/// The key for each label, or why there is none.
type Picked = Vec<(String, Result<NamedKey<VerifyingKey>, String>)>;

impl Desk<'_> {
    /// Finds the key of each signature: by its keyid, or the one that verifies it, or else one that could be it.
    fn pick_keys(&self) -> Picked {
        let keys = &self.judging.keys;
        let verifies = |key: &NamedKey<VerifyingKey>, found: &LabelledSignature| {
            let base = SignatureBase::build(&self.message, &found.input, &self.policy.field_types);
            base.is_ok_and(|base| self.bound(key, &found.input).key.verify(base.as_bytes(), &found.signature))
        };
        let taken: Vec<usize> =
            (0..keys.len()).filter(|at| self.signatures.iter().any(|found| verifies(&keys[*at], found))).collect();
        let pick = |found: &LabelledSignature| {
            if keys.is_empty() {
                return Err("no key was given (--key)".to_owned());
            }
            let keyid = found.input.keyid();
            let named = keys.iter().find(|key| Some(key.name.as_str()) == keyid);
            let fitting = || keys.iter().find(|key| verifies(key, found));
            let free = || {
                let free: Vec<_> =
                    keys.iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(_, key)| key).collect();
                let alg = found.input.alg();
                let same = free.iter().find(|key| alg == Some(self.bound(key, &found.input).key.algorithm().as_str()));
                same.or(free.first()).copied()
            };
            match named.or_else(fitting).or_else(free) {
                Some(key) => Ok(self.bound(key, &found.input)),
                None => Err(format!(
                    "the keys that were given are those of other labels{}",
                    keyid.map(|keyid| format!("; this one's keyid is {keyid}")).unwrap_or_default()
                )),
            }
        };
        self.signatures.iter().map(|found| (found.label.to_string(), pick(found))).collect()
    }

    /// A key that can be used with several algorithms, bound to the one that the caller or the signature names. A JWK
    /// that names its algorithm is not overruled by the signature (RFC 9421 §3.3.7).
    fn bound(&self, key: &NamedKey<VerifyingKey>, input: &SignatureInput) -> NamedKey<VerifyingKey> {
        let stated = input.alg().and_then(|alg| alg.parse::<Algorithm>().ok()).filter(|_| !key.key.has_jws_algorithm());
        let only = match self.judging.required.algorithms[..] {
            [only] => Some(only),
            _ => None,
        };
        let bound = only.or(stated).and_then(|algorithm| key.key.clone().with_algorithm(algorithm).ok());
        NamedKey { key: bound.unwrap_or_else(|| key.key.clone()), ..key.clone() }
    }

    fn signature(&self, label: &str, picked: &Picked) -> SignatureInfo {
        let mut checks = Checks {
            message: &self.message,
            signatures: &self.signatures,
            label,
            policy: &self.policy,
            now: self.judging.now,
            done: Vec::new(),
            problems: Vec::new(),
        };
        let is_readable = checks.reading();
        let received = base::received(&self.subject.message, label).map(|(text, _)| text);
        let no_key = || Err("the signature can't be read".to_owned());
        let key = picked.iter().find(|(known, _)| known == label).map_or_else(no_key, |(_, key)| key.clone());
        let found = self.signatures.get(label).filter(|_| is_readable);
        // The base can be shown also of a label that has no signature.
        let input = found.map(|found| found.input.clone()).or_else(|| received.as_ref()?.parse().ok());
        let lines = input.as_ref().map(|input| base::lines(self.subject, label, input, &self.policy.field_types));
        let (lines, errors) = lines.unwrap_or_default();
        let base = input.as_ref().map(|input| SignatureBase::build(&self.message, input, &self.policy.field_types));
        let mut info = SignatureInfo {
            label: label.to_owned(),
            input: received,
            key: key.as_ref().ok().map(|key| key.name.clone()),
            base: lines,
            base_text: base.and_then(Result::ok).map(|base| base.as_str().to_owned()),
            checks: Vec::new(),
            problems: Vec::new(),
            cause: None,
            tried: 0,
            warnings: Vec::new(),
            verdict: Verdict::Refused,
        };
        if let Some(found) = found {
            self.look(found, &key, &errors, &mut checks, &mut info);
        } else {
            for step in [Step::Policy, Step::Time, Step::Key, Step::Base, Step::Crypto, Step::Digest] {
                checks.skip(step, "", UNREADABLE);
            }
        }
        info.checks = checks.done;
        info.problems = checks.problems;
        let crypto_passed =
            info.checks.iter().any(|check| check.step == Step::Crypto && check.outcome == Outcome::Pass);
        info.verdict = match (info.problems.is_empty(), crypto_passed) {
            (false, _) => Verdict::Refused,
            (true, true) => Verdict::Verified,
            (true, false) => Verdict::NothingWrongFound,
        };
        info
    }

    /// Every check of a signature that can be read, what would make it verify, and what it leaves open.
    fn look(
        &self,
        found: &LabelledSignature,
        key: &Result<NamedKey<VerifyingKey>, String>,
        errors: &[ComponentError],
        checks: &mut Checks<'_>,
        info: &mut SignatureInfo,
    ) {
        let (required, input) = (&self.judging.required, &found.input);
        checks.requirements(required, input);
        checks.times(required, input);
        checks.key(input, key);
        // What the caller has not given, no signer is to blame for.
        let lacks_request = errors.iter().any(|error| error.reason == Reason::NoRelatedRequest);
        checks.base(&info.base, errors);
        let verifies = match (key, &info.base_text) {
            (Err(why), _) => Err(why.clone()),
            (_, None) => Err("there is no signature base".to_owned()),
            (Ok(key), Some(base)) => Ok(key.key.verify(base.as_bytes(), &found.signature)),
        };
        checks.crypto(verifies.clone());
        if verifies != Ok(true)
            && !lacks_request
            && let Ok(key) = key
        {
            let others = self.signatures.iter().filter(|other| other.label != found.label);
            (info.cause, info.tried) = guess::search(&guess::Trial {
                subject: self.subject,
                label: &found.label,
                input,
                signature: &found.signature,
                key,
                keys: &self.judging.keys,
                others: others.map(|other| (&*other.label, &other.signature[..])).collect(),
                types: &self.policy.field_types,
                base: &info.base,
            });
        }
        if let Ok(key) = key {
            self.guard(&found.label, &key.key, checks);
        }
        checks.digest(self.subject, input);
        info.warnings = warnings::of(self.subject, input, key.as_ref().ok().map(|key| &key.key), self.judging.now);
    }

    /// The engine has the last word: what it refuses as a whole is refused, whatever the single checks say.
    fn guard(&self, label: &str, key: &VerifyingKey, checks: &mut Checks<'_>) {
        let whole = verify(&self.message, label, &self.signatures, key, &self.policy, self.judging.now);
        if let Err(rejection) = whole
            && checks.problems.is_empty()
        {
            checks.fail("the signature as a whole", &Rejection { base: None, ..rejection });
        }
    }
}
