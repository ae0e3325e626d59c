//! Why a signature does not match: other bases, encodings and keys are tried, and what verifies is named.
//!
//! Nothing here is a guess in the end: a cause is reported only if the signature verifies with it.

mod crypto;
mod derived;
mod draft;
mod fields;
mod layout;
mod params;
#[cfg(test)]
mod tests;
mod uri;

use std::collections::HashSet;

use portal_core::rfc9421::{FieldTypes, SignatureInput, VerifyingKey};

use super::data::{BaseLine, Cause};
use super::keys::NamedKey;
use super::read::Subject;
use draft::Draft;

/// More bases than that are not tried; what one person gets wrong is found long before.
const MOST: usize = 6000;

/// A signature that does not match, with all that could explain it.
pub(super) struct Trial<'t> {
    /// The message.
    pub(super) subject: &'t Subject,
    /// The signature's label.
    pub(super) label: &'t str,
    /// What is covered.
    pub(super) input: &'t SignatureInput,
    /// The signature.
    pub(super) signature: &'t [u8],
    /// The key that it should verify with.
    pub(super) key: &'t NamedKey<VerifyingKey>,
    /// All keys that were given.
    pub(super) keys: &'t [NamedKey<VerifyingKey>],
    /// The signatures of the other labels.
    pub(super) others: Vec<(&'t str, &'t [u8])>,
    /// Types of structured fields.
    pub(super) types: &'t FieldTypes,
    /// The base as it should be.
    pub(super) base: &'t [BaseLine],
}

/// What somebody did otherwise than the RFC says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deviation {
    /// A stable code.
    pub(super) code: &'static str,
    /// What was done, to be read behind "the signer seems to have".
    pub(super) did: String,
    /// What the RFC says, or what to do.
    pub(super) rule: &'static str,
}

impl Deviation {
    fn new(code: &'static str, did: impl Into<String>, rule: &'static str) -> Deviation {
        Deviation { code, did: did.into(), rule }
    }
}

/// A base that differs from the right one in one respect.
type Variation = (Deviation, Draft);

/// Looks for what makes the signature verify: first one deviation, then two together. Also says how much was tried.
pub(super) fn search(trial: &Trial<'_>) -> (Option<Cause>, usize) {
    let right = Draft::of(trial.base);
    let mut search = Search { trial, right: &right, seen: HashSet::from([right.bytes()]), tried: 0 };
    let one = variations(trial, &right);
    if let Some(found) = search.first(one.iter().map(|(deviation, draft)| (vec![deviation], draft))) {
        return (Some(found), search.tried);
    }
    if let Some(base) = right.bytes() {
        for (deviation, verifies) in crypto::alternatives(trial) {
            search.tried += 1;
            if verifies(&base) {
                return (Some(search.cause(&[&deviation], &right)), search.tried);
            }
        }
    }
    for (first, draft) in &one {
        let two = variations(trial, draft);
        let two = two.iter().filter(|(second, _)| second.code != first.code);
        if let Some(found) = search.first(two.map(|(second, draft)| (vec![first, second], draft))) {
            return (Some(found), search.tried);
        }
    }
    (None, search.tried)
}

fn variations(trial: &Trial<'_>, draft: &Draft) -> Vec<Variation> {
    let mut all = derived::variations(trial, draft);
    all.extend(fields::variations(trial, draft));
    all.extend(params::variations(trial, draft));
    all.extend(layout::variations(trial, draft));
    all
}

struct Search<'s, 't> {
    trial: &'s Trial<'t>,
    right: &'s Draft,
    seen: HashSet<Option<Vec<u8>>>,
    tried: usize,
}

impl Search<'_, '_> {
    fn first<'d>(&mut self, drafts: impl Iterator<Item = (Vec<&'d Deviation>, &'d Draft)>) -> Option<Cause> {
        for (deviations, draft) in drafts {
            let Some(base) = draft.bytes() else { continue };
            if self.tried >= MOST || !self.seen.insert(Some(base.clone())) {
                continue;
            }
            self.tried += 1;
            if self.trial.key.key.verify(&base, self.trial.signature) {
                return Some(self.cause(&deviations, draft));
            }
        }
        None
    }

    fn cause(&self, deviations: &[&Deviation], draft: &Draft) -> Cause {
        Cause {
            codes: deviations.iter().map(|deviation| deviation.code).collect(),
            deviations: deviations.iter().map(|deviation| deviation.did.clone()).collect(),
            rules: deviations.iter().map(|deviation| deviation.rule.to_owned()).collect(),
            lines: draft.differences(self.right),
        }
    }
}
