//! Every check of one signature by itself, in the order of RFC 9421 §3.2. The engine decides each of them.

use std::collections::HashSet;

use portal_core::digest::{ContentDigest, DigestError};
use portal_core::rfc9421::{
    Algorithm, ComponentError, Message, Policy, Reason, Rejection, Requirement, SignatureInput, Signatures, Step,
    VerifyingKey, verify,
};

use super::advice;
use super::data::{BaseLine, Check, Outcome, Problem};
use super::keys::NamedKey;
use super::read::{Body, Located, Subject};
use super::time::{date, distance, span};

/// What the application requires, with the words in which it was said.
#[derive(Debug, Clone, Default)]
pub struct Required {
    /// Component identifiers, each with the requirement.
    pub components: Vec<(String, Requirement)>,
    /// The algorithms that are allowed; all where there is none.
    pub algorithms: Vec<Algorithm>,
    /// The longest time since `created`, in seconds.
    pub max_age: Option<u64>,
    /// How far the clocks may be apart, in seconds.
    pub skew: u64,
    /// The tag.
    pub tag: Option<String>,
}

impl Required {
    /// Adds a component that must be covered: a bare name or a serialised identifier.
    ///
    /// # Errors
    /// It is no component identifier.
    pub fn component(&mut self, id: &str) -> Result<(), ComponentError> {
        let requirement = Requirement::all(&[id])?;
        self.components.push((id.to_owned(), requirement));
        Ok(())
    }

    /// As the engine takes it.
    pub(super) fn policy(&self, types: &portal_core::rfc9421::FieldTypes) -> Policy {
        let all = Policy::default();
        Policy {
            required: self.components.iter().map(|(_, requirement)| requirement.clone()).collect(),
            algorithms: if self.algorithms.is_empty() { all.algorithms.clone() } else { self.algorithms.clone() },
            max_age: self.max_age,
            skew: self.skew,
            tag: self.tag.clone(),
            field_types: types.clone(),
            ..all
        }
    }
}

/// Checks of a signature, as they are made.
pub(super) struct Checks<'c> {
    pub(super) message: &'c Message<'c>,
    pub(super) signatures: &'c Signatures,
    pub(super) label: &'c str,
    pub(super) policy: &'c Policy,
    pub(super) now: u64,
    pub(super) done: Vec<Check>,
    pub(super) problems: Vec<Problem>,
}

impl Checks<'_> {
    /// A check that holds.
    fn pass(&mut self, step: Step, what: impl Into<String>, why: impl Into<String>) {
        let check = Check { step, what: what.into(), outcome: Outcome::Pass, code: None, why: why.into() };
        self.done.push(check);
    }

    /// A check that is not made.
    pub(super) fn skip(&mut self, step: Step, what: impl Into<String>, why: impl Into<String>) {
        let check = Check { step, what: what.into(), outcome: Outcome::NotChecked, code: None, why: why.into() };
        self.done.push(check);
    }

    /// A check that fails.
    pub(super) fn fail(&mut self, what: impl Into<String>, rejection: &Rejection) {
        let problem = advice::problem(rejection);
        let check = Check {
            step: rejection.step,
            what: what.into(),
            outcome: Outcome::Fail,
            code: Some(rejection.reason.code()),
            why: problem.what.clone(),
        };
        self.done.push(check);
        self.problems.push(problem);
    }

    /// What the engine refuses under a policy, if it is at this step.
    fn refused(&self, step: Step, policy: &Policy, key: &VerifyingKey) -> Option<Rejection> {
        let outcome = verify(self.message, self.label, self.signatures, key, policy, self.now);
        outcome.err().filter(|rejection| rejection.step == step)
    }

    /// Steps 1 to 3. Whether the signature can be looked at.
    pub(super) fn reading(&mut self) -> bool {
        // Whatever the key: it is not reached.
        let refused = verify(self.message, self.label, self.signatures, &no_key(), &nothing(), self.now).err();
        match refused.filter(|rejection| matches!(rejection.step, Step::Parse | Step::Select)) {
            Some(rejection) if rejection.step == Step::Parse => {
                self.fail(FIELDS, &rejection);
                self.skip(Step::Select, IN_BOTH, UNREADABLE);
                false
            }
            Some(rejection) => {
                self.pass(Step::Parse, FIELDS, "both are Dictionaries, the types are right");
                self.fail(IN_BOTH, &rejection);
                false
            }
            None => {
                self.pass(Step::Parse, FIELDS, "both are Dictionaries, the types are right");
                self.pass(Step::Select, IN_BOTH, format!("{} is in Signature-Input and in Signature", self.label));
                true
            }
        }
    }

    /// Step 4: what must be covered and present.
    pub(super) fn requirements(&mut self, required: &Required, input: &SignatureInput) {
        let step = Step::Policy;
        for (id, requirement) in &required.components {
            let what = format!("{id} must be covered");
            let policy = Policy { required: vec![requirement.clone()], ..nothing() };
            match self.refused(step, &policy, &no_key()) {
                Some(rejection) => self.fail(what, &rejection),
                None => self.pass(step, what, "it is"),
            }
        }
        if let Some(tag) = &required.tag {
            let what = format!("the tag must be {tag}");
            let policy = Policy { tag: Some(tag.clone()), ..nothing() };
            match self.refused(step, &policy, &no_key()) {
                Some(rejection) => self.fail(what, &rejection),
                None => self.pass(step, what, "it is"),
            }
        }
        if required.max_age.is_some() {
            let policy = Policy { require_created: true, ..nothing() };
            match self.refused(step, &policy, &no_key()) {
                Some(rejection) => self.fail("created must be there", &rejection),
                None => self.pass(step, "created must be there", created(input, self.now)),
            }
        }
        if required.components.is_empty() && required.tag.is_none() && required.max_age.is_none() {
            self.skip(step, "what it must cover", "nothing is required; --require, --tag and --max-age do so");
        }
    }

    /// Step 4: the time.
    pub(super) fn times(&mut self, required: &Required, input: &SignatureInput) {
        let step = Step::Time;
        match required.max_age {
            Some(max_age) if input.created().is_some() => {
                let what = format!("created must not be more than {} ago", span(max_age));
                let policy = Policy { max_age: Some(max_age), skew: required.skew, reject_expired: false, ..nothing() };
                match self.refused(step, &policy, &no_key()) {
                    Some(mut rejection) => {
                        rejection.component = None;
                        self.fail(what, &rejection);
                        self.explain_last(created(input, self.now));
                    }
                    None => self.pass(step, what, created(input, self.now)),
                }
            }
            Some(_) => self.skip(step, "age", "there is no created"),
            None if input.created().is_some() => {
                self.skip(step, "age", format!("{}; --max-age sets a limit", created(input, self.now)));
            }
            None => self.skip(step, "age", "there is no created, and no limit (--max-age)"),
        }
        let Some(expires) = input.expires() else {
            return self.skip(step, "expiry", "there is no expires");
        };
        let when = format!("expires {}, {}", date(expires), distance(expires, self.now));
        match self.refused(step, &Policy { reject_expired: true, ..nothing() }, &no_key()) {
            Some(rejection) => {
                self.fail("it must not have expired", &rejection);
                self.explain_last(when);
            }
            None => self.pass(step, "it must not have expired", when),
        }
    }

    /// Adds words to the check that was made last.
    fn explain_last(&mut self, words: String) {
        if let Some(check) = self.done.last_mut() {
            check.why = format!("{}: {words}", check.why);
        }
    }

    /// Steps 5 and 6: the key and its algorithm.
    pub(super) fn key(&mut self, input: &SignatureInput, picked: &Result<NamedKey<VerifyingKey>, String>) {
        let step = Step::Key;
        match picked {
            Ok(key) => {
                let fits = input.keyid().map_or("the signature has no keyid".to_owned(), |keyid| {
                    if keyid == key.name { "as keyid says".to_owned() } else { format!("keyid is {keyid}") }
                });
                self.pass(step, "the key", format!("{}; {fits}", key.name));
                let algorithm = key.key.algorithm();
                let policy = Policy { algorithms: self.policy.algorithms.clone(), reject_expired: false, ..nothing() };
                let stated = match input.alg() {
                    Some(alg) => format!("alg says {alg}"),
                    None => "alg does not say".to_owned(),
                };
                let detail = format!("the key is for {algorithm}, {stated}");
                match self.refused(step, &policy, &key.key) {
                    Some(rejection) => {
                        self.fail("the algorithm", &rejection);
                        self.explain_last(detail);
                    }
                    None => self.pass(step, "the algorithm", detail),
                }
            }
            Err(why) => {
                self.skip(step, "the key", why.clone());
                match input.alg().map(|alg| (alg, alg.parse::<Algorithm>())) {
                    Some((_, Ok(known))) if !self.policy.algorithms.contains(&known) => {
                        self.fail("the algorithm", &Rejection::new(step, Reason::AlgorithmNotAllowed));
                        self.explain_last(format!("alg says {known}"));
                    }
                    Some((alg, Ok(_))) => self.skip(step, "the algorithm", format!("alg says {alg}; the key decides")),
                    Some((alg, Err(unknown))) => {
                        self.fail("the algorithm", &Rejection::new(step, unknown));
                        self.explain_last(format!("alg says {alg}"));
                    }
                    None => self.skip(step, "the algorithm", "alg does not say; the key decides"),
                }
            }
        }
    }

    /// Step 7: the base. `errors` are why there is none.
    pub(super) fn base(&mut self, lines: &[BaseLine], errors: &[ComponentError]) {
        let what = "the signature base";
        if errors.is_empty() {
            let components = lines.len().saturating_sub(1);
            let count = if components == 1 { "the one component has" } else { "all components have" };
            let why = if components == 0 { "nothing is covered".to_owned() } else { format!("{count} a value") };
            return self.pass(Step::Base, what, why);
        }
        let mut reasons: Vec<Reason> = errors.iter().map(|error| error.reason).collect();
        let mut seen = HashSet::new();
        reasons.retain(|reason| seen.insert(*reason));
        for reason in reasons {
            self.fail(what, &Rejection::new(Step::Base, reason));
            let same = errors.iter().filter(|error| error.reason == reason);
            let components: Vec<String> =
                same.filter_map(|error| Some(error.component.as_ref()?.to_string())).collect();
            let words = components.join(", ");
            if let Some(problem) = self.problems.last_mut() {
                problem.what = format!("{}: {words}", problem.what);
            }
            self.explain_last(words);
        }
    }

    /// Step 8: the cryptographic check. `verifies` is nothing where it can't be made, for the reason given.
    pub(super) fn crypto(&mut self, verifies: Result<bool, String>) {
        let what = "the signature over the base";
        match verifies {
            Ok(true) => self.pass(Step::Crypto, what, "it verifies"),
            Ok(false) => self.fail(what, &Rejection::new(Step::Crypto, Reason::SignatureInvalid)),
            Err(why) => self.skip(Step::Crypto, what, why),
        }
    }

    /// Beyond the RFC: the content's digest, and whether it is covered.
    pub(super) fn digest(&mut self, subject: &Subject, input: &SignatureInput) {
        let covers = |req: bool| {
            input.components().iter().any(|id| id.name() == "content-digest" && id.is_from_request() == req)
        };
        let covered = if covers(false) { "covered by this signature" } else { "not covered by this signature" };
        self.digest_of(&subject.message, "Content-Digest", covered);
        if covers(true)
            && let Some(request) = &subject.related
        {
            self.digest_of(request, "Content-Digest of the related request", "covered by this signature");
        }
    }

    fn digest_of(&mut self, message: &Located, what: &str, covered: &str) {
        let step = Step::Digest;
        let in_header = message.fields().contains("content-digest");
        let fields = if in_header { message.fields() } else { message.trailers() };
        let content = match &message.body {
            Body::Known(content) => content,
            Body::Unknown(why) if fields.contains("content-digest") => {
                return self.skip(step, what, format!("{covered}; {why}"));
            }
            Body::Unknown(_) => return self.skip(step, what, "there is none"),
        };
        let checked = match ContentDigest::of(fields) {
            Ok(None) if content.is_empty() => return self.skip(step, what, "there is none, and no content"),
            Ok(None) => return self.skip(step, what, format!("there is none, but {} bytes of content", content.len())),
            Ok(Some(digest)) => digest.check(content).map(|()| digest),
            Err(error) => Err(error),
        };
        match checked {
            Ok(digest) => {
                let names: Vec<&str> = digest.algorithms().map(|algorithm| algorithm.as_str()).collect();
                let why = format!("{} fits the {} bytes of content; {covered}", names.join(" and "), content.len());
                self.pass(step, what, why);
            }
            Err(error) => self.digest_failed(what, error, content, fields, covered),
        }
    }

    fn digest_failed(
        &mut self,
        what: &str,
        error: DigestError,
        content: &[u8],
        fields: &portal_core::rfc9421::Fields,
        covered: &str,
    ) {
        let fits = |other: &[u8]| matches!(ContentDigest::of(fields), Ok(Some(digest)) if digest.check(other).is_ok());
        let hint = match error {
            DigestError::Mismatch(_) => content_hint(content, fits),
            _ => None,
        };
        let advice = match error {
            DigestError::Malformed => "Signer: write it as sha-256=:BASE64: (RFC 9530 §2).".to_owned(),
            DigestError::Unsupported => {
                "Signer: use sha-256 or sha-512; the others are insecure (RFC 9530 §5).".to_owned()
            }
            _ => hint.map_or_else(|| advice::of(Step::Digest, Reason::DigestMismatch, None).advice, str::to_owned),
        };
        self.done.push(Check {
            step: Step::Digest,
            what: what.to_owned(),
            outcome: Outcome::Fail,
            code: Some(error.code()),
            why: format!("{error}; {covered}"),
        });
        self.problems.push(Problem {
            step: Step::Digest.as_str(),
            code: error.code(),
            what: error.to_string(),
            advice,
        });
    }
}

const FIELDS: &str = "Signature-Input and Signature";
const IN_BOTH: &str = "the label";
/// Why what comes after a signature that can't be read is not checked.
pub(super) const UNREADABLE: &str = "the signature can't be read";

/// What was done to the content, if that would make its digest fit.
fn content_hint(content: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<&'static str> {
    let without = content.strip_suffix(b"\n").map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    if without.is_some_and(&fits) {
        return Some(
            "Without the line end at the end of the file it fits: an editor has added it. State Content-Length, or remove it.",
        );
    }
    if fits(&[content, b"\n"].concat()) {
        return Some("With a line end at the end it fits: it was lost on the way here.");
    }
    let unix: Vec<u8> = String::from_utf8_lossy(content).replace("\r\n", "\n").into_bytes();
    if fits(&unix) {
        return Some("With LF in place of CR LF it fits: something has changed the line ends of the content.");
    }
    if fits(&super::read::with_crlf(content)) {
        return Some("With CR LF in place of LF it fits: something has changed the line ends of the content.");
    }
    if fits(b"") {
        return Some("The digest is that of no content at all: it was made before the content was there.");
    }
    None
}

/// Requires nothing; for looking at one check at a time.
fn nothing() -> Policy {
    Policy { reject_expired: false, ..Policy::default() }
}

/// Stands in for a key in checks that come before it.
fn no_key() -> VerifyingKey {
    VerifyingKey::from_shared_secret(b"no key")
}

fn created(input: &SignatureInput, now: u64) -> String {
    input.created().map_or("no created".to_owned(), |at| format!("created {}, {}", date(at), distance(at, now)))
}
