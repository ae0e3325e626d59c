//! All attacks, by family.

mod algorithms;
mod body;
mod components;
mod coverage;
mod encodings;
mod headers;
mod hosts;
mod keys;
mod labels;
mod oversize;
mod parameters;
mod paths;
mod replay;
mod slow;
mod smuggling;
mod time;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::cast::Cast;
use super::draft::{Draft, DraftSignature, Parameter};
use super::model::{Attack, Family};
use crate::contract::distance;

/// The families in order.
pub const FAMILIES: [Family; 16] = [
    components::FAMILY,
    coverage::FAMILY,
    parameters::FAMILY,
    labels::FAMILY,
    encodings::FAMILY,
    algorithms::FAMILY,
    keys::FAMILY,
    time::FAMILY,
    replay::FAMILY,
    body::FAMILY,
    paths::FAMILY,
    hosts::FAMILY,
    headers::FAMILY,
    smuggling::FAMILY,
    oversize::FAMILY,
    slow::FAMILY,
];

/// All attacks, each with its family.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Attack)> {
    FAMILIES.iter().flat_map(|family| family.attacks.iter().map(move |attack| (family, attack)))
}

/// The attack of this name, with its family.
pub fn find(name: &str) -> Option<(&'static Family, &'static Attack)> {
    all().find(|(_, attack)| attack.name == name)
}

/// The names that come nearest to one that nobody has, the nearest first: those it is a part of, and those that differ
/// in a few letters.
pub fn nearest(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace('_', "-");
    let near =
        |candidate: &str| !name.is_empty() && candidate.contains(&name) || distance(&name, candidate) <= name.len() / 3;
    let names = all().map(|(_, attack)| attack.name).filter(|candidate| near(candidate));
    let mut scored: Vec<_> = names.map(|candidate| (distance(&name, candidate), candidate)).collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Changes the draft's signature.
fn signature(draft: &mut Draft, change: impl FnMut(&mut DraftSignature)) {
    draft.signatures.iter_mut().for_each(change);
}

/// Changes the decoded bytes of the draft's signature.
fn signature_bytes(draft: &mut Draft, change: impl Fn(&mut Vec<u8>)) {
    signature(draft, |signature| {
        let mut bytes = BASE64_STANDARD.decode(&signature.signature).unwrap_or_default();
        change(&mut bytes);
        signature.signature = BASE64_STANDARD.encode(bytes);
    });
}

/// Gives a parameter this value; one that is not there stands last.
fn put(parameters: &mut Vec<(String, Parameter)>, name: &str, value: Parameter) {
    match parameters.iter_mut().find(|(candidate, _)| candidate == name) {
        Some((_, old)) => *old = value,
        None => parameters.push((name.to_owned(), value)),
    }
}

/// Takes a parameter out.
fn take(parameters: &mut Vec<(String, Parameter)>, name: &str) {
    parameters.retain(|(candidate, _)| candidate != name);
}

fn text(text: impl Into<String>) -> Parameter {
    Parameter::Text(text.into())
}

/// A value as it is written.
fn verbatim(text: impl Into<String>) -> Parameter {
    Parameter::Verbatim(text.into())
}

#[cfg(test)]
mod tests;
