//! Tests of the engine as a whole; those of single parts stand beside the parts.

mod accept;
mod chain;
mod examples;
mod fields;
mod http1;
mod jwk;
mod keys;
mod keys_test;
mod properties;
mod responses;
mod steps;
mod structured;
mod values;
mod wire;

use std::path::PathBuf;

use super::*;

/// A request from text with LF line ends.
fn request(text: &str) -> Request {
    Request::parse_http1(text.replace('\n', "\r\n").as_bytes(), Scheme::Https).unwrap().0
}

/// A response from text with LF line ends.
fn response(text: &str) -> Response {
    Response::parse_http1(text.replace('\n', "\r\n").as_bytes()).unwrap().0
}

/// The value of one component, or why there is none.
fn value(message: &Message<'_>, id: &str) -> Result<String, Reason> {
    let types = FieldTypes::default().with("example-dict", FieldType::Dictionary);
    let input: SignatureInput =
        if id.starts_with('"') { format!("({id})") } else { format!("(\"{id}\")") }.parse().unwrap();
    let base = SignatureBase::build(message, &input, &types).map_err(|error| {
        assert_eq!(error.component.as_deref(), Some(&input.components()[0]));
        error.reason
    })?;
    let line = base.lines().next().unwrap();
    let start = format!("{}: ", input.components()[0]);
    assert_eq!(base.lines().count(), 2);
    Ok(line.strip_prefix(&start).unwrap().to_owned())
}

/// A folder of the data beside the project; `None`, with a line that says so, where it is absent.
fn data(path: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("COUNTERSIGN_DATA").map_or(beside, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    skipped(path);
    None
}

#[expect(clippy::print_stderr, reason = "a skip without a reason is a bug")]
fn skipped(path: &str) {
    eprintln!("skipped: {path} of the data beside the project is absent (set COUNTERSIGN_DATA)");
}
