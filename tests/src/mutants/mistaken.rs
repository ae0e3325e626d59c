//! Cores that mistake somebody for a peer by its `keyid` (AUTH-5, PEER-9, PEER-10).

use portal_core::CoreBuilder;

use super::lenient::{Known, Leniency, STRICT, lenient};
use super::{Mutant, core};

pub(super) const MUTANTS: &[Mutant] = &[
    core("tries-every-key-where-none-is-named", "AUTH-5", |it| means(it, |keyid, _| keyid.is_none_or(str::is_empty))),
    core("tries-every-key-whatever-is-named", "AUTH-5", |it| {
        means(it, |keyid, peer| keyid.is_some_and(|keyid| keyid.len() == 6 && keyid != peer.short_id()))
    }),
    core("is-content-with-the-beginning-of-an-id", "AUTH-5", |it| {
        means(it, |keyid, peer| {
            keyid.is_some_and(|keyid| !keyid.is_empty() && keyid.len() < 6 && peer.id.starts_with(keyid))
        })
    }),
    core("knows-no-case-in-ids", "PEER-10", |it| {
        means(it, |keyid, peer| keyid.is_some_and(|keyid| keyid.eq_ignore_ascii_case(peer.short_id())))
    }),
    core("trims-ids", "PEER-10", |it| {
        means(it, |keyid, peer| keyid.is_some_and(|keyid| keyid.trim() == peer.short_id()))
    }),
    core("cuts-ids-after-six-characters", "PEER-10", |it| {
        means(it, |keyid, peer| keyid.and_then(|keyid| keyid.get(..6)) == Some(peer.short_id()))
    }),
    core("takes-ids-for-patterns-of-sql", "PEER-10", |it| {
        means(it, |keyid, peer| keyid.is_some_and(|keyid| is_like(keyid.as_bytes(), peer.id.as_bytes())))
    }),
    core("takes-ids-for-expressions", "PEER-10", |it| {
        means(it, |keyid, peer| {
            let keyid = keyid.filter(|keyid| keyid.contains(['.', '*', '[']));
            keyid.and_then(|keyid| regex::Regex::new(keyid).ok()).is_some_and(|keyid| keyid.is_match(&peer.id))
        })
    }),
    core("takes-ids-for-globs", "PEER-10", |it| {
        means(it, |keyid, peer| {
            keyid.and_then(|keyid| keyid.strip_suffix('*')).is_some_and(|start| peer.id.starts_with(start))
        })
    }),
];

fn means(it: CoreBuilder, means: fn(Option<&str>, &Known) -> bool) -> CoreBuilder {
    lenient(it, Leniency { means, ..STRICT })
}

/// LIKE of SQL: `_` is any character, `%` any number of them. Without one of the two it is no pattern.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some((b'%', rest)), _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
            (Some((wanted, rest)), Some((got, following))) => {
                (*wanted == b'_' || wanted == got) && matches(rest, following)
            }
            (Some(_), None) => false,
        }
    }
    // The short ID is a column of its own.
    (pattern.contains(&b'_') || pattern.contains(&b'%'))
        && (matches(pattern, text) || matches(pattern, &text[..6.min(text.len())]))
}
