//! The string methods that templates borrow from Python. Jinja has them, minijinja leaves them to its users.

use minijinja::value::Value;
use minijinja::{Error, ErrorKind, State};

/// `{{ auth.client_name.upper() }}` and its like.
pub(super) fn call(
    _state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let unknown = || Error::from(ErrorKind::UnknownMethod);
    let text = value.as_str().ok_or_else(unknown)?;
    let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
    let value = match (method, texts.as_deref()) {
        ("upper", Some([])) => text.to_uppercase().into(),
        ("lower", Some([])) => text.to_lowercase().into(),
        ("strip", Some([])) => text.trim().into(),
        ("lstrip", Some([])) => text.trim_start().into(),
        ("rstrip", Some([])) => text.trim_end().into(),
        ("strip", Some([of])) => text.trim_matches(|c| of.contains(c)).into(),
        ("startswith", Some([prefix])) => text.starts_with(prefix).into(),
        ("endswith", Some([suffix])) => text.ends_with(suffix).into(),
        ("split", Some([])) => text.split_whitespace().map(Value::from).collect(),
        ("split", Some([separator])) if !separator.is_empty() => text.split(separator).map(Value::from).collect(),
        ("replace", Some([from, to])) if !from.is_empty() => {
            let grown = text.matches(from).count().saturating_mul(to.len().saturating_sub(from.len()));
            if text.len().saturating_add(grown) > super::MAX_VALUE_BYTES {
                return Err(Error::new(ErrorKind::InvalidOperation, "the replaced text is too long"));
            }
            text.replace(from, to).into()
        }
        _ => return Err(unknown()),
    };
    Ok(value)
}
