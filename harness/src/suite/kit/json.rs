//! JSON, as steps look into it.

use serde_json::Value;

use crate::suite::failure::{StepFailure, StepResult};

/// `peers[0].name`, `[1].id`, `length` for the number of elements of a list.
pub(crate) fn at_path(json: &Value, path: &str) -> Option<Value> {
    let mut value = json.clone();
    let path = path.replace('[', ".[");
    for step in path.split('.').filter(|step| !step.is_empty()) {
        value = match (&value, step.strip_prefix('[').and_then(|step| step.strip_suffix(']'))) {
            (Value::Array(items), None) if step == "length" => items.len().into(),
            (Value::Array(items), Some(index)) => items.get(index.parse::<usize>().ok()?)?.clone(),
            (value, None) => value.get(step)?.clone(),
            (_, Some(_)) => return None,
        };
    }
    Some(value)
}

/// Strings as they are, all else as JSON.
pub(crate) fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value as a sentence or a text under it writes it.
pub(crate) fn written(text: &str) -> StepResult<Value> {
    serde_json::from_str(text).map_err(|error| StepFailure::mistake(format!("`{text}` is no JSON: {error}")))
}

/// Whether both are the same. Numbers are compared by what they count, and members of objects in any order.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => one.as_f64() == other.as_f64(),
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (Value::Object(ones), Value::Object(others)) => {
            let is_there = |(name, one): (&String, &Value)| others.get(name).is_some_and(|other| same(one, other));
            ones.len() == others.len() && ones.iter().all(is_there)
        }
        _ => one == other,
    }
}

/// Whether `got` holds what `expected` asks for: of an object these members, of a list these items in any order, all else
/// as it is.
pub(crate) fn includes(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            expected.iter().all(|(name, wanted)| got.get(name).is_some_and(|got| includes(got, wanted)))
        }
        (Value::Array(got), Value::Array(expected)) => {
            expected.iter().all(|wanted| got.iter().any(|got| includes(got, wanted)))
        }
        _ => same(got, expected),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_objects_and_lists() {
        let json = json!([{ "id": "a", "tags": [1, 2], "n": null }, { "id": "b" }]);
        assert_eq!(at_path(&json, "[1].id"), Some(json!("b")));
        assert_eq!(at_path(&json, "[0].tags[1]"), Some(json!(2)));
        assert_eq!(at_path(&json, "[0].tags.length"), Some(json!(2)));
        assert_eq!(at_path(&json, "length"), Some(json!(2)));
        assert_eq!(at_path(&json, "[2].id"), None);
        assert_eq!(at_path(&json, "[0].x"), None);
        assert_eq!(told(&at_path(&json, "[0].n").unwrap()), "null");
        assert_eq!(told(&json!("x")), "x");
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        assert!(same(&json!({ "a": 1, "b": [2] }), &json!({ "b": [2.0], "a": 1 })));
        assert!(!same(&json!({ "a": 1 }), &json!({ "a": 1, "b": 2 })));
        assert!(!same(&json!([1, 2]), &json!([2, 1])));
        assert!(!same(&json!("1"), &json!(1)));
    }

    #[test]
    fn what_is_asked_for_may_have_more_around_it() {
        let got = json!({ "entries": [{ "text": "a", "n": 1 }, { "text": "b", "n": 2 }], "next": null });
        assert!(includes(&got, &json!({ "entries": [{ "text": "b" }] })));
        assert!(includes(&got, &json!({ "next": null })));
        assert!(!includes(&got, &json!({ "entries": [{ "text": "b", "n": 1 }] })));
        assert!(!includes(&got, &json!({ "entries": [{ "text": "c" }] })));
        assert!(!includes(&got, &json!({ "previous": null })));
    }
}
