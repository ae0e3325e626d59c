//! JSON in which no object has a key twice: parsers differ on which one counts, and an access rule must not depend on that.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a document is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    Malformed { why: String },
    DuplicateKey { path: String, key: String },
}

/// Parses a document; a key that stands twice in one object is an error that names the place.
pub(crate) fn parse_unique(source: &[u8]) -> Result<Value, JsonError> {
    let duplicate = RefCell::new(None);
    let seed = Unique { path: "$".to_owned(), duplicate: &duplicate };
    let mut deserializer = serde_json::Deserializer::from_slice(source);
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match (parsed, duplicate.into_inner()) {
        (_, Some((path, key))) => Err(JsonError::DuplicateKey { path, key }),
        (Ok(value), None) => Ok(value),
        (Err(error), None) => Err(JsonError::Malformed { why: error.to_string() }),
    }
}

struct Unique<'a> {
    path: String,
    duplicate: &'a RefCell<Option<(String, String)>>,
}

impl Unique<'_> {
    fn below(&self, step: String) -> Self {
        Self { path: format!("{}{step}", self.path), duplicate: self.duplicate }
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(self.below(format!("[{}]", list.len())))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let simple = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let step = match simple && !key.is_empty() {
                true => format!(".{key}"),
                false => format!("[{key:?}]"),
            };
            if object.contains_key(&key) {
                self.duplicate.borrow_mut().get_or_insert((self.path.clone(), key));
                return Err(serde::de::Error::custom("a key stands twice"));
            }
            let value = entries.next_value_seed(self.below(step))?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_key_that_stands_twice_is_named_with_its_place() {
        let source = br#"{"paths": {"/a/": [1, {"x": 1, "x": 2}]}}"#;
        assert_eq!(
            parse_unique(source),
            Err(JsonError::DuplicateKey { path: "$.paths[\"/a/\"][1]".into(), key: "x".into() })
        );
        // The same key, spelt with an escape.
        assert!(matches!(parse_unique(br#"{"a": 1, "\u0061": 2}"#), Err(JsonError::DuplicateKey { .. })));
        assert_eq!(parse_unique(br#"{"a": {"x": 1}, "b": {"x": 2}}"#), Ok(json!({"a": {"x": 1}, "b": {"x": 2}})));
    }

    #[test]
    fn what_follows_the_document_is_refused() {
        assert!(matches!(parse_unique(b"{} {}"), Err(JsonError::Malformed { .. })));
        assert!(matches!(parse_unique(b""), Err(JsonError::Malformed { .. })));
        assert!(matches!(parse_unique("[".repeat(100_000).as_bytes()), Err(JsonError::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn it_takes_what_serde_json_takes(source in r#"[\[\]{}:,"a1 .\-etrufalsn]{0,40}"#) {
            let ours = parse_unique(source.as_bytes());
            match serde_json::from_str::<Value>(&source) {
                Ok(value) => {
                    let duplicate = matches!(ours, Err(JsonError::DuplicateKey { .. }));
                    prop_assert!(duplicate || ours == Ok(value));
                }
                Err(_) => prop_assert!(ours.is_err()),
            }
        }
    }
}
