//! The signatures of a request that arrived, read and checked without the Core's engine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::base::{View, base, items};
use super::keys::verifies;

/// RFC 8941 §4.2.7: padding and the bits under it are not insisted on.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A request as it arrived.
pub type Received<'a> = View<'a>;

impl<'a> Received<'a> {
    /// A request that an app or a fake Portal received, as its sender addressed it: over HTTPS.
    pub fn of(arrived: &'a crate::testbed::Received) -> Received<'a> {
        let (path, query) = match arrived.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (arrived.target.as_str(), None),
        };
        let crate::testbed::Received { method, host, fields, .. } = arrived;
        View { method, scheme: "https", host, path, query, fields }
    }
}

/// A signature as it stands in Signature-Input and Signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSignature {
    /// The label.
    pub label: String,
    /// What stands after `label=` in Signature-Input, byte for byte.
    pub input: String,
    /// The covered components in order, each as it stands there.
    pub covered: Vec<String>,
    /// The signature parameters in order: the name, and the value as it stands there but without quotes.
    pub parameters: Vec<(String, String)>,
    /// The decoded signature; empty if there is none under this label.
    pub signature: Vec<u8>,
}

impl ReceivedSignature {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Whether it covers the component `name`, with or without parameters.
    pub fn covers(&self, name: &str) -> bool {
        let quoted = format!("\"{name}\"");
        self.covered.iter().any(|item| *item == quoted || item.starts_with(&format!("{quoted};")))
    }

    /// The base that the request gives for it.
    ///
    /// # Errors
    /// A covered component that can't be read off the request.
    pub fn base(&self, request: &Received<'_>) -> Result<String, String> {
        base(request, &self.covered, &self.input, &BTreeMap::new())
    }
}

/// All signatures of a request, in the order of Signature-Input.
///
/// # Errors
/// Signature-Input or Signature can't be read, in words.
pub fn signatures(request: &Received<'_>) -> Result<Vec<ReceivedSignature>, String> {
    let members_of = |field: &str| -> Vec<(String, String)> {
        let lines = request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
        lines.flat_map(|(_, value)| members(value)).collect()
    };
    let values = members_of("signature");
    members_of("signature-input").into_iter().map(|(label, input)| read(label, input, &values)).collect()
}

/// The signatures of a request that verify with this public key (SPKI in PEM), over the request as it arrived.
///
/// # Errors
/// The fields or the key can't be read, in words.
pub fn own_signature(request: &Received<'_>, public_key_pem: &str) -> Result<Vec<ReceivedSignature>, String> {
    let mut own = Vec::new();
    for signature in signatures(request)? {
        let Ok(base) = signature.base(request) else { continue };
        if verifies(public_key_pem, base.as_bytes(), &signature.signature).map_err(|error| error.to_string())? {
            own.push(signature);
        }
    }
    Ok(own)
}

fn read(label: String, input: String, values: &[(String, String)]) -> Result<ReceivedSignature, String> {
    let malformed = || format!("Signature-Input `{label}={input}` is malformed");
    let close = closing_parenthesis(&input).ok_or_else(malformed)?;
    let covered = items(input.get(1..close).ok_or_else(malformed)?);
    let parameters = split(&input[close + 1..], ';').into_iter().filter(|text| !text.is_empty());
    let parameters = parameters.map(|text| match text.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), unquoted(value)),
        None => (text.trim().to_owned(), String::new()),
    });
    let parameters = parameters.collect();
    let signature = values.iter().find(|(candidate, _)| *candidate == label).map(|(_, value)| value.trim());
    let signature = match signature.and_then(|value| value.strip_prefix(':')?.strip_suffix(':')) {
        Some(text) => BASE64.decode(text).map_err(|_| format!("the signature `{label}` is not Base64"))?,
        None => Vec::new(),
    };
    Ok(ReceivedSignature { label, covered, parameters, signature, input })
}

fn members(value: &str) -> Vec<(String, String)> {
    let members = split(value, ',').into_iter().filter_map(|member| {
        let (label, value) = member.split_once('=')?;
        Some((label.trim().to_owned(), value.trim().to_owned()))
    });
    members.collect()
}

/// Splits where the character stands outside of quotes and parentheses.
fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    for character in text.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ if character == at && !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

fn closing_parenthesis(input: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, character) in input.char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ')' if !quoted => return Some(at),
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    None
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(text) => text.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::draft::{Draft, Parameter, Signer};
    use crate::attack::keys::RawKey;

    /// RFC 9421 §B.1.4, `test-key-ed25519`.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n";

    fn draft() -> Draft {
        let mut draft = Draft::new("GET", "chat.abcdef.example", "/a?b=c");
        let key = RawKey::from_pkcs8_pem(PRIVATE).unwrap();
        let none = BTreeMap::new();
        let parameters =
            vec![("created".into(), Parameter::Integer(7)), ("keyid".into(), Parameter::Text("a, (\"b".into()))];
        draft.sign("one", "\"@method\" \"@target-uri\"", parameters, &none, &Signer::Key(&key)).unwrap();
        draft.sign("two", "", Vec::new(), &none, &Signer::Secret(b"x")).unwrap();
        draft
    }

    fn own(draft: &Draft) -> Vec<ReceivedSignature> {
        let fields = draft.lines();
        let query = draft.query.as_deref();
        let Draft { method, host, path, .. } = draft;
        own_signature(&View { method, scheme: "https", host, path, query, fields: &fields }, PUBLIC).unwrap()
    }

    #[test]
    fn only_what_verifies_is_the_sender_s_own() {
        let own = own(&draft());
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].label, "one");
        assert_eq!(own[0].parameter("keyid"), Some("a, (\"b"));
        assert_eq!(own[0].parameter("created"), Some("7"));
        assert!(own[0].covers("@target-uri") && !own[0].covers("@path"));
    }

    #[test]
    fn a_changed_request_has_no_signature_of_its_own() {
        let mut changed = draft();
        changed.query = Some("b=d".into());
        assert!(own(&changed).is_empty());
    }

    #[test]
    fn other_people_s_base64_may_lack_padding() {
        let mut padded = draft();
        padded.add_field("Signature-Input", "mine=(\"@method\")");
        padded.add_field("Signature", "mine=:AA=:");
        assert_eq!(own(&padded).len(), 1);
    }

    #[test]
    fn several_labels_in_one_line_are_taken_apart() {
        let fields = [
            ("Signature-Input".to_owned(), "a=(\"x,y\");n=\"p,q\", b=()".to_owned()),
            ("Signature".to_owned(), "b=:AA==:, a=:AQ==:".to_owned()),
        ];
        let view = View { method: "GET", scheme: "https", host: "h", path: "/", query: None, fields: &fields };
        let found = signatures(&view).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].label.as_str(), found[0].signature.as_slice()), ("a", [1].as_slice()));
        assert_eq!(found[0].covered, ["\"x,y\""]);
        assert_eq!((found[1].label.as_str(), found[1].signature.as_slice()), ("b", [0].as_slice()));
    }
}
