//! A component identifier taken apart, and the text of Signature-Input as it was received.

use portal_core::rfc9421::{ComponentId, Fields};

/// The parameters of a component identifier that say where its value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) sf: bool,
    pub(super) bs: bool,
    pub(super) tr: bool,
    pub(super) req: bool,
    pub(super) key: Option<String>,
    pub(super) name: Option<String>,
}

impl Parameters {
    pub(super) fn of(id: &ComponentId) -> Parameters {
        let mut found = Parameters::default();
        for parameter in split(id.as_str(), ';').into_iter().skip(1) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let text = || Some(unquote(value));
            match name.trim() {
                "sf" => found.sf = true,
                "bs" => found.bs = true,
                "tr" => found.tr = true,
                "req" => found.req = true,
                "key" => found.key = text(),
                "name" => found.name = text(),
                _ => {}
            }
        }
        found
    }
}

/// The value of a String.
pub(super) fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// Splits at a character that stands outside of strings and inner lists.
pub(super) fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if c == at && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// What stands behind `label=` in the lines of a Dictionary field, as it was received, and which of the lines it is on.
pub(super) fn member(fields: &Fields, name: &str, label: &str) -> Option<(String, usize)> {
    let mut found = None;
    for (line, value) in fields.values(name).enumerate() {
        let text = String::from_utf8_lossy(value);
        for part in split(&text, ',') {
            if let Some((key, value)) = part.split_once('=')
                && key.trim() == label
            {
                found = Some((value.trim().to_owned(), line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_outside_of_strings_and_lists() {
        assert_eq!(split("(\"x\";bs \"y;\");a=\"\\\";\";b", ';'), ["(\"x\";bs \"y;\")", "a=\"\\\";\"", "b"]);
        assert_eq!(split("", ';'), [""]);
    }

    #[test]
    fn parameters_are_told_apart() {
        let of = |text: &str| Parameters::of(&text.parse().unwrap());
        assert_eq!(
            of("\"x\";req;key=\"a;b=\\\"c\\\"\";tr"),
            Parameters { req: true, tr: true, key: Some("a;b=\"c\"".into()), ..Parameters::default() }
        );
        assert_eq!(of("\"@query-param\";name=\"sf\"").name.as_deref(), Some("sf"));
        assert_eq!(of("\"a;sf\""), Parameters::default());
        assert!(of("\"x\";sf").sf && of("\"x\";bs").bs);
    }

    #[test]
    fn members_are_found_as_they_were_received() {
        let mut fields = Fields::new();
        fields.push("Signature-Input", "a=(\"x,b=\" \"y\"); created=1 , b=( \"z\")").unwrap();
        fields.push("Signature-Input", "c=();tag=\"a=\\\",b=\"").unwrap();
        let of = |label| member(&fields, "signature-input", label);
        assert_eq!(of("a"), Some(("(\"x,b=\" \"y\"); created=1".into(), 0)));
        assert_eq!(of("b"), Some(("( \"z\")".into(), 0)));
        assert_eq!(of("c"), Some(("();tag=\"a=\\\",b=\"".into(), 1)));
        assert_eq!(of("d"), None);
    }
}
