//! Every dependency comes from the registry and under a permissive licence.

use std::process::Command;

use serde_json::Value;

/// SPDX identifiers that put no condition on the code that uses them beyond naming the authors.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn dependencies_are_permissive_and_from_the_registry() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo metadata names only {} packages", packages.len());
    let offending: Vec<String> = packages.iter().filter_map(objection).collect();
    assert!(offending.is_empty(), "{}", offending.join("\n"));
}

#[test]
fn a_copyleft_licence_is_refused_and_a_choice_is_taken() {
    assert!(!is_permissive("GPL-3.0-only"));
    assert!(!is_permissive("MIT AND MPL-2.0"));
    assert!(is_permissive("GPL-2.0 OR MIT"));
    assert!(is_permissive("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(is_permissive("Apache-2.0 WITH LLVM-exception OR MIT"));
    assert!(is_permissive("MIT/Apache-2.0"));
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn objection(package: &Value) -> Option<String> {
    let name = package["name"].as_str().unwrap();
    match package["source"].as_str() {
        None => return None, // our own
        Some(source) if source.starts_with("registry+") => {}
        Some(source) => return Some(format!("{name} comes from {source}")),
    }
    match package["license"].as_str() {
        Some(licence) if is_permissive(licence) => None,
        other => Some(format!("{name} has licence {other:?}")),
    }
}

/// Reads an SPDX expression: some alternative of every part must be on the list.
fn is_permissive(expression: &str) -> bool {
    let tokens: Vec<String> = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ")
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let mut rest = tokens.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(tokens: &mut &[String]) -> bool {
    let mut permissive = all(tokens);
    while take(tokens, "OR") {
        permissive |= all(tokens);
    }
    permissive
}

fn all(tokens: &mut &[String]) -> bool {
    let mut permissive = one(tokens);
    while take(tokens, "AND") {
        permissive &= one(tokens);
    }
    permissive
}

fn one(tokens: &mut &[String]) -> bool {
    if take(tokens, "(") {
        let permissive = any(tokens);
        return take(tokens, ")") && permissive;
    }
    let Some((licence, rest)) = tokens.split_first() else { return false };
    *tokens = rest;
    if take(tokens, "WITH") {
        // An exception only ever adds a permission.
        *tokens = tokens.get(1..).unwrap_or(&[]);
    }
    PERMISSIVE.contains(&licence.as_str())
}

fn take(tokens: &mut &[String], word: &str) -> bool {
    match tokens.split_first() {
        Some((first, rest)) if first == word => {
            *tokens = rest;
            true
        }
        _ => false,
    }
}
