//! Every expected base is made a second time by code that is not our engine, wherever some can.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::attack::base as writer;
use countersign::vectors::corpus::{Expected, Feature, Vector, VectorFile};
use countersign::vectors::protocol::{Answer, Case, Outcome, Request};
use countersign::vectors::shim::Subject as _;
use countersign::vectors::shim::httpsig::Httpsig;
use countersign_tests::corpus::request::base_request;

use crate::python::Python;

#[test]
fn expected_bases_are_confirmed_by_others() {
    let corpus = super::corpus();
    let wanted: Vec<(&VectorFile, &Vector, Vec<u8>)> = corpus
        .vectors()
        .filter(|(_, vector)| vector.verdict == Expected::Valid)
        .filter_map(|(file, vector)| {
            let base = STANDARD.decode(vector.expected_base_b64.as_ref()?).unwrap();
            Some((file, vector, base))
        })
        .collect();
    let mut python = Python::start();
    let mut confirmed: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut nobody, mut contradicted) = (Vec::new(), Vec::new());
    for (file, vector, base) in &wanted {
        let Some(request) = base_request(vector, &file.keys) else {
            nobody.push(vector);
            continue;
        };
        let mut by = BTreeSet::new();
        match written(&request) {
            Some(Ok(made)) if made.as_bytes() == base => drop(by.insert("attack/base.rs")),
            Some(Ok(made)) => contradicted.push(format!("{}: attack/base.rs makes\n{made}", vector.id)),
            Some(Err(_)) | None => {}
        }
        if httpsig(&request).as_deref() == Some(base) {
            by.insert("httpsig");
        }
        match python.as_mut().and_then(|python| made(&python.ask(&request))) {
            Some(made) if made == *base => drop(by.insert("http-message-signatures (PyPI)")),
            Some(made) => {
                contradicted.push(format!("{}: PyPI's makes\n{}", vector.id, String::from_utf8_lossy(&made)));
            }
            None => {}
        }
        if by.is_empty() {
            nobody.push(vector);
        }
        by.iter().for_each(|who| *confirmed.entry(who).or_default() += 1);
    }
    println!("{} bases; {} confirmed by another implementation:", wanted.len(), wanted.len() - nobody.len());
    confirmed.iter().for_each(|(who, count)| println!("  {count} by {who}"));
    println!("by none of these:");
    let mut unexplained = Vec::new();
    for vector in nobody {
        let why = reason(vector);
        println!("  {}: {}", vector.id, why.unwrap_or("?"));
        if why.is_none() {
            unexplained.push(&vector.id);
        }
    }
    assert!(contradicted.is_empty(), "{}", contradicted.join("\n"));
    assert!(unexplained.is_empty(), "nobody confirms {unexplained:?}: find out who is wrong, or say why in ALONE");
    assert!(confirmed.values().sum::<usize>() > 600, "{confirmed:?}");
}

/// What neither of them does, by the case's id.
const ALONE: [(&str, &str); 8] = [
    ("2-folded-value-is-one-line", "none of them unfolds lines"),
    ("2.1-examples", "none of them unfolds lines"),
    ("2.1-fold-variants", "none of them unfolds lines"),
    ("2.1.1-dictionary-on-lines", "httpsig keeps both members of a repeated key"),
    ("2.1.2-members-on-lines", "httpsig takes all members of a repeated key"),
    ("2.2.2-asterisk-form", "httpsig puts the asterisk behind the authority"),
    ("2.2.6-empty-path", "httpsig takes a target in absolute form for the path"),
    ("2.2.8-empty-names-and-values", "httpsig does not encode values again; attack/base.rs counts empty pieces"),
];

fn reason(vector: &Vector) -> Option<&'static str> {
    let needs = |feature| vector.requires.contains(&feature);
    if needs(Feature::Bs) || needs(Feature::Tr) {
        return Some("httpsig and attack/base.rs do neither bs nor tr, PyPI's no tr");
    }
    ALONE.iter().find(|(id, _)| vector.id.starts_with(id)).map(|(_, why)| *why)
}

/// By the suite's own second writer, for what it supports.
fn written(request: &Request) -> Option<Result<String, String>> {
    let Request::Base(case) = request else { return None };
    let Case { parsed, scheme, signature_input, .. } = &**case;
    let (method, target) = (parsed.method.as_deref()?, parsed.target.as_deref()?);
    let input = signature_input.as_deref()?;
    // It knows the origin form only; most values of the absolute form are those of its parts.
    let absolute = target.strip_prefix(&format!("{scheme}://"));
    let absolute = absolute.map(|rest| rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())));
    let origin = absolute.map_or(target, |(_, path)| path);
    let (path, query) = match origin.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (origin, None),
    };
    let fields: Vec<(String, String)> =
        parsed.fields.iter().map(|[name, value]| (name.clone(), value.clone())).collect();
    let mut hosts = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| value);
    let first = hosts.next().map(String::as_str);
    let host = absolute.map(|(host, _)| host).or(first)?;
    let has_target = absolute.is_some() && input.contains("@request-target");
    let plain = path.starts_with('/') && target.is_ascii() && hosts.next().is_none() && !has_target;
    // Nor does it know obs-fold.
    if !plain || fields.iter().any(|(_, value)| value.contains(['\r', '\n'])) {
        return None;
    }
    let list = input.strip_prefix('(')?.split_once(')')?.0;
    let items = writer::items(list);
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let view = writer::View { method, scheme, host, path, query, fields: &fields };
    Some(writer::base(&view, &items, input, &BTreeMap::new()))
}

/// By the crate `httpsig`.
fn httpsig(request: &Request) -> Option<Vec<u8>> {
    made(&std::panic::catch_unwind(|| Httpsig.answer(request)).ok()?)
}

fn made(answer: &Answer) -> Option<Vec<u8>> {
    let base = answer.base_b64.as_ref().filter(|_| answer.outcome == Outcome::Ok)?;
    STANDARD.decode(base).ok()
}
