//! As much of YAML 1.2 as a Compose file takes: maps as blocks, all else as JSON, which is YAML too.

use serde_json::Value;

/// The text of a map.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    let Value::Object(map) = value else {
        text.push_str(&format!("{}{value}\n", "  ".repeat(depth)));
        return;
    };
    for (key, value) in map {
        let key = if is_plain(key) { key.clone() } else { Value::from(key.as_str()).to_string() };
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push_str(&format!("{indent}{key}:\n"));
                block(value, depth + 1, text);
            }
            value => text.push_str(&format!("{indent}{key}: {value}\n")),
        }
    }
}

/// A key that no reader takes for something else than a text.
fn is_plain(key: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        && !words.contains(&key.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yaml_rust2::YamlLoader;

    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        let value = json!({ "a": { "on": "yes", "list": ["1:2", "# no comment"], "none": {} }, "b c": "x: \"y\"\n" });
        let text = write(&value);
        let read = &YamlLoader::load_from_str(&text).unwrap()[0];
        assert_eq!(read["a"]["on"].as_str(), Some("yes"));
        assert_eq!(read["a"]["list"][1].as_str(), Some("# no comment"));
        assert!(read["a"]["none"].as_hash().is_some_and(|hash| hash.is_empty()));
        assert_eq!(read["b c"].as_str(), Some("x: \"y\"\n"));
        assert!(text.starts_with("a:\n  \"on\": \"yes\"\n  list: [\"1:2\",\"# no comment\"]\n"), "{text}");
    }
}
