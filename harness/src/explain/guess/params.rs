//! What signers get wrong about `@signature-params`: its parameters dropped, re-ordered, re-typed; and the names of the
//! other lines.

use super::draft::Draft;
use super::{Deviation, Trial, Variation};
use crate::explain::base;
use crate::explain::identifier::{self, split};

const VERBATIM: &str = "The last line holds the covered components and all parameters in the order of Signature-Input, also unknown ones, strictly serialized (RFC 9421 §2.3, §2.5).";
const NAMES: &str = "Each line begins with the component identifier as it stands in Signature-Input, in quotes, with its parameters in their order (RFC 9421 §2.5).";

/// Up to that many parameters, all of their orders are tried.
const MOST_PERMUTED: usize = 5;

/// Bases that differ in `@signature-params`.
pub(super) fn variations(trial: &Trial<'_>, draft: &Draft) -> Vec<Variation> {
    let Some(now) = &draft.params else { return Vec::new() };
    let mut found: Vec<(Deviation, Option<String>)> = Vec::new();
    let mut add = |code, did: String, value: Option<String>| found.push((Deviation::new(code, did, VERBATIM), value));

    add("params_left_out", "left out the line of \"@signature-params\"".to_owned(), None);
    add(
        "params_with_label",
        "signed the label along with the parameters".to_owned(),
        Some(format!("{}={now}", trial.label)),
    );
    if let Some((received, _)) = base::received(&trial.subject.message, trial.label) {
        add("params_as_written", "signed the parameters as written, not serialized".to_owned(), Some(received));
    }
    let parts = split(now, ';');
    let (list, params) = parts.split_first().map_or(("", &[][..]), |(list, params)| (*list, params));
    let joined = |params: &[String]| {
        let mut text = list.to_owned();
        params.iter().for_each(|param| text.extend([";", param]));
        text
    };
    let params: Vec<String> = params.iter().map(|param| (*param).to_owned()).collect();
    for (at, param) in params.iter().enumerate() {
        let mut others = params.clone();
        others.remove(at);
        add("param_dropped", format!("left out the parameter {param}"), Some(joined(&others)));
        for (code, did, changed) in retyped(param) {
            let mut changed_params = params.clone();
            changed_params[at] = changed;
            add(code, did, Some(joined(&changed_params)));
        }
    }
    for order in orders(&params) {
        add("params_reordered", "put the parameters in another order".to_owned(), Some(joined(&order)));
    }
    add("params_spaced", "written a space behind each semicolon".to_owned(), Some(parts.join("; ")));
    if !params.iter().any(|param| param.starts_with("alg=")) {
        let with = [&params[..], &[format!("alg=\"{}\"", trial.key.key.algorithm())]].concat();
        add("param_added", "added alg, which is not in Signature-Input".to_owned(), Some(joined(&with)));
    }
    let commas = list.replace("\" \"", "\", \"");
    add("list_with_commas", "put commas between the components".to_owned(), Some(now.replacen(list, &commas, 1)));
    let mut all: Vec<Variation> = found
        .into_iter()
        .filter(|(_, value)| value.as_ref() != Some(now))
        .map(|(deviation, params)| (deviation, Draft { params, ..draft.clone() }))
        .collect();
    all.extend(names(draft));
    all
}

/// A parameter with its value written in another way.
fn retyped(param: &str) -> Vec<(&'static str, String, String)> {
    let Some((name, value)) = param.split_once('=') else { return Vec::new() };
    if let Ok(number) = value.parse::<i64>() {
        let mut found = vec![
            ("param_quoted", format!("put {name} in quotes"), format!("{name}=\"{number}\"")),
            (
                "param_milliseconds",
                format!("signed {name} in milliseconds"),
                format!("{name}={}", number.saturating_mul(1000)),
            ),
        ];
        for step in [1_i64, -1, 2, -2] {
            let other = number.saturating_add(step);
            found.push((
                "param_other_time",
                format!("signed {name}={other}, another second than it sent"),
                format!("{name}={other}"),
            ));
        }
        return found;
    }
    if value.starts_with('"') {
        let bare = identifier::unquote(value);
        return vec![("param_unquoted", format!("left out the quotes of {name}"), format!("{name}={bare}"))];
    }
    Vec::new()
}

/// Other orders: all of a few, of many those that programs make.
fn orders(params: &[String]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    if params.len() <= MOST_PERMUTED {
        permute(&mut params.to_vec(), 0, &mut all);
        return all;
    }
    let name = |param: &String| param.split('=').next().unwrap_or_default().to_owned();
    let by = |order: &[&str]| {
        let mut sorted = params.to_vec();
        sorted.sort_by_key(|param| order.iter().position(|known| *known == name(param)).unwrap_or(order.len()));
        sorted
    };
    let mut alphabetical = params.to_vec();
    alphabetical.sort_by_key(name);
    all.push(alphabetical);
    all.push(by(&["created", "expires", "nonce", "alg", "keyid", "tag"]));
    all.push(by(&["created", "expires", "keyid", "alg", "nonce", "tag"]));
    all.push(by(&["alg", "keyid", "created", "expires", "nonce", "tag"]));
    all.push(by(&["keyid", "alg", "created", "expires", "nonce", "tag"]));
    all.push(params.iter().rev().cloned().collect());
    all
}

fn permute(params: &mut Vec<String>, from: usize, all: &mut Vec<Vec<String>>) {
    if from + 1 >= params.len() {
        all.push(params.clone());
        return;
    }
    for at in from..params.len() {
        params.swap(from, at);
        permute(params, from + 1, all);
        params.swap(from, at);
    }
}

/// Bases whose lines have other names.
fn names(draft: &Draft) -> Vec<Variation> {
    let renamed = |change: &dyn Fn(&str) -> String| {
        let mut draft = draft.clone();
        draft.lines.iter_mut().for_each(|line| line.id = change(&line.id));
        draft
    };
    let bare = |id: &str| split(id, ';').first().map_or(String::new(), |name| (*name).to_owned());
    let reordered = |id: &str| {
        let mut parts = split(id, ';');
        parts[1..].reverse();
        parts.join(";")
    };
    [
        ("names_without_parameters", "left out the parameters of the component identifiers", renamed(&bare)),
        ("names_reordered", "put the parameters of the component identifiers in another order", renamed(&reordered)),
    ]
    .into_iter()
    .filter(|(_, _, changed)| changed != draft)
    .map(|(code, did, changed)| (Deviation::new(code, did, NAMES), changed))
    .collect()
}
