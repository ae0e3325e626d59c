//! Portals that leave out what they should do and do what they must: every mutant that breaks a SHOULD alone.

use super::{Keeps, Twin};
use crate::mutants;

/// The crowd of each: those that change the same part can't be one Core.
const CROWDS: &[(&str, u8)] = &[
    ("no-nonce", 5),
    ("no-tag", 5),
    ("accepts-any-age", 5),
    ("accepts-the-future", 5),
    ("accepts-replays", 5),
    ("looks-at-the-first-signature-only", 5),
    ("decides-on-the-raw-path-alone", 5),
    ("warns-of-nothing", 5),
    ("compares-hosts-with-case", 5),
    ("keeps-identity-aliases", 5),
    ("keeps-cookie", 5),
    ("skips-digest-check", 5),
    ("always-the-same-nonce", 5),
    ("forgets-nonces-at-a-restart", 6),
    ("one-nonce-counts-for-all-peers", 6),
    ("takes-any-host", 6),
    ("checks-digest-of-peers-only", 6),
    ("checks-one-digest-only", 6),
];

const ALLOWED_BY: &[&str] = &["§0: MUST: a Core that fails one does not conform. SHOULD: hardening, reported apart."];

pub(super) fn twins() -> Vec<Twin> {
    let of = |mutant: mutants::Mutant| {
        let (_, crowd) = CROWDS.iter().find(|(name, _)| *name == mutant.name)?;
        Some(Twin { name: mutant.name, allowed_by: ALLOWED_BY, keeps: Keeps::Musts, crowd: *crowd, part: mutant.part })
    };
    mutants::all().into_iter().filter_map(of).collect()
}
