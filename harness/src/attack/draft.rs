//! A request as data: what is said, what was signed, and what is sent in the end.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base::{View, base, careless_values, items};
use super::keys::{Manner, RawKey, RawKeyError, hmac_sha256};

/// A request in the making. Signing takes a picture of it; what is changed afterwards is sent as it is, and nothing is
/// computed anew: so a draft can be wrong in exactly one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The method.
    pub method: String,
    /// The host it is addressed to, with a port where the public port is not 443.
    pub host: String,
    /// The path as sent, beginning with `/`.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: Option<String>,
    /// The field lines in order, without Host and without those of the signatures.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The signatures in order.
    pub signatures: Vec<DraftSignature>,
    /// Lines in place of those that the signatures would give: by lower-case field name.
    replaced: BTreeMap<String, Vec<String>>,
    /// Lines that stand after all others.
    added: Vec<(String, String)>,
}

/// A signature in a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftSignature {
    /// The label.
    pub label: String,
    /// The covered components, as they stand between the parentheses.
    pub covering: String,
    /// The signature parameters in order.
    pub parameters: Vec<(String, Parameter)>,
    /// The signature in Base64.
    pub signature: String,
    /// The base over which it was made.
    pub base: String,
}

/// The value of a signature parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// An Integer.
    Integer(i64),
    /// A String.
    Text(String),
    /// Anything else, as it is written.
    Verbatim(String),
}

/// Who signs.
pub enum Signer<'a> {
    /// A private key with its own algorithm.
    Key(&'a RawKey),
    /// A private key in this manner.
    KeyAs(&'a RawKey, Manner),
    /// HMAC-SHA256 with this secret.
    Secret(&'a [u8]),
}

/// Why a draft can't be signed or changed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The base can't be written.
    #[error("the signature base can't be written: {0}")]
    Base(String),
    /// The key can't sign.
    #[error(transparent)]
    Key(#[from] RawKeyError),
    /// The thing to be changed is not there.
    #[error("the request has no {0} that could be changed")]
    Absent(String),
    /// The text can't stand there.
    #[error("`{0}` can't be used here")]
    Text(String),
}

impl Draft {
    /// A request without fields, body and signatures.
    pub fn new(method: &str, host: &str, target: &str) -> Draft {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Draft {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query,
            fields: Vec::new(),
            body: None,
            signatures: Vec::new(),
            replaced: BTreeMap::new(),
            added: Vec::new(),
        }
    }

    /// The request target in origin form, as sent.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The next label of `sig1`, `sig2`, … that is not taken.
    pub fn free_label(&self) -> String {
        let taken = |label: &str| self.signatures.iter().any(|signature| signature.label == label);
        (1..).map(|n| format!("sig{n}")).find(|label| !taken(label)).unwrap_or_default()
    }

    /// Signs what the draft says now. A value in `instead`, by component identifier, stands in the base in place of the
    /// true one. A component that no request has gets the value that a careless signer would give it.
    ///
    /// # Errors
    /// A component identifier that can't be written, or a key that can't sign.
    pub fn sign(
        &mut self,
        label: &str,
        covering: &str,
        parameters: Vec<(String, Parameter)>,
        instead: &BTreeMap<String, String>,
        signer: &Signer<'_>,
    ) -> Result<&DraftSignature, DraftError> {
        let mut signature = DraftSignature {
            label: label.to_owned(),
            covering: covering.to_owned(),
            parameters,
            signature: String::new(),
            base: String::new(),
        };
        let items = items(covering);
        // Thousands of signatures may be there already; most cover no field.
        let mut lines = if items.iter().all(|item| item.starts_with("\"@")) { Vec::new() } else { self.lines() };
        if !lines.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            lines.push(("Host".to_owned(), self.host.clone()));
        }
        let view = View {
            method: &self.method,
            scheme: "https",
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            fields: &lines,
        };
        let input = signature.input();
        let mut values: BTreeMap<_, _> = instead.iter().map(|(item, value)| (item.clone(), value.clone())).collect();
        let open: Vec<String> = items.iter().filter(|item| !values.contains_key(*item)).cloned().collect();
        values.extend(careless_values(&view, &open, &input));
        signature.base = base(&view, &items, &input, &values).map_err(DraftError::Base)?;
        let bytes = match signer {
            Signer::Key(key) => key.sign(signature.base.as_bytes())?,
            Signer::KeyAs(key, manner) => key.sign_as(*manner, signature.base.as_bytes())?,
            Signer::Secret(secret) => hmac_sha256(secret, signature.base.as_bytes()),
        };
        signature.signature = STANDARD.encode(bytes);
        self.signatures.push(signature);
        Ok(&self.signatures[self.signatures.len() - 1])
    }

    /// All field lines to send, but Host: the draft's own, two lines a signature, and what was added afterwards.
    pub fn lines(&self) -> Vec<(String, String)> {
        let mut lines = self.fields.clone();
        for signature in &self.signatures {
            lines.push(("Signature-Input".to_owned(), format!("{}={}", signature.label, signature.input())));
            lines.push(("Signature".to_owned(), format!("{}=:{}:", signature.label, signature.signature)));
        }
        lines.retain(|(name, _)| !self.replaced.contains_key(&name.to_ascii_lowercase()));
        for (name, values) in &self.replaced {
            lines.extend(values.iter().map(|value| (name.clone(), value.clone())));
        }
        lines.extend(self.added.iter().cloned());
        lines
    }

    /// Adds a line after all others, those of the signatures too.
    pub fn add_field(&mut self, name: &str, value: &str) {
        self.added.push((name.to_owned(), value.to_owned()));
    }

    /// Puts one line with this value in place of all lines of a field. Naming `Signature` or `Signature-Input` replaces
    /// what the signatures would give.
    pub fn set_field(&mut self, name: &str, value: &str) {
        self.added.retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
        let is_signature = ["signature", "signature-input"].contains(&name.to_ascii_lowercase().as_str());
        if is_signature {
            self.replaced.insert(name.to_ascii_lowercase(), vec![value.to_owned()]);
            return;
        }
        let at = self.fields.iter().position(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        self.fields.retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
        let at = at.unwrap_or(self.fields.len()).min(self.fields.len());
        self.fields.insert(at, (name.to_owned(), value.to_owned()));
    }

    /// Takes all lines of a field out.
    ///
    /// # Errors
    /// There is none.
    pub fn remove_field(&mut self, name: &str) -> Result<(), DraftError> {
        if !self.lines().iter().any(|(candidate, _)| candidate.eq_ignore_ascii_case(name)) {
            return Err(DraftError::Absent(format!("field {name}")));
        }
        self.fields.retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
        self.added.retain(|(candidate, _)| !candidate.eq_ignore_ascii_case(name));
        self.replaced.insert(name.to_ascii_lowercase(), Vec::new());
        Ok(())
    }

    /// The latest signature, to be changed.
    ///
    /// # Errors
    /// There is none.
    pub fn latest_signature(&mut self) -> Result<&mut DraftSignature, DraftError> {
        self.signatures.last_mut().ok_or_else(|| DraftError::Absent("signature".to_owned()))
    }
}

impl DraftSignature {
    /// The inner list with its parameters: what stands after `label=` in Signature-Input.
    pub fn input(&self) -> String {
        let mut input = format!("({})", self.covering);
        for (name, value) in &self.parameters {
            input.push_str(&format!(";{name}={}", value.serialised()));
        }
        input
    }

    /// Changes the value of a parameter and keeps its type.
    ///
    /// # Errors
    /// No such parameter, or no number for an Integer.
    pub fn set_parameter(&mut self, name: &str, text: &str) -> Result<(), DraftError> {
        let found = self.parameters.iter_mut().find(|(candidate, _)| candidate == name);
        let (_, value) = found.ok_or_else(|| DraftError::Absent(format!("signature parameter {name}")))?;
        *value = match value {
            Parameter::Integer(_) => Parameter::Integer(text.parse().map_err(|_| DraftError::Text(text.to_owned()))?),
            Parameter::Text(_) => Parameter::Text(text.to_owned()),
            Parameter::Verbatim(_) => Parameter::Verbatim(text.to_owned()),
        };
        Ok(())
    }

    /// Takes a parameter out.
    ///
    /// # Errors
    /// No such parameter.
    pub fn remove_parameter(&mut self, name: &str) -> Result<(), DraftError> {
        let before = self.parameters.len();
        self.parameters.retain(|(candidate, _)| candidate != name);
        if self.parameters.len() == before {
            return Err(DraftError::Absent(format!("signature parameter {name}")));
        }
        Ok(())
    }

    /// Turns one bit of the decoded signature.
    ///
    /// # Errors
    /// The signature is not Base64 any more.
    pub fn flip_a_bit(&mut self) -> Result<(), DraftError> {
        let mut bytes = STANDARD.decode(&self.signature).map_err(|_| DraftError::Text(self.signature.clone()))?;
        let middle = bytes.len() / 2;
        let byte = bytes.get_mut(middle).ok_or_else(|| DraftError::Absent("signature".to_owned()))?;
        *byte ^= 1;
        self.signature = STANDARD.encode(bytes);
        Ok(())
    }
}

impl Parameter {
    fn serialised(&self) -> String {
        match self {
            Parameter::Integer(number) => number.to_string(),
            Parameter::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Parameter::Verbatim(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Draft {
        let mut draft = Draft::new("GET", "chat.abcdef.example", "/a?b=c");
        draft.fields.push(("Date".into(), "today".into()));
        let parameters =
            vec![("created".into(), Parameter::Integer(7)), ("keyid".into(), Parameter::Text("a\"b".into()))];
        let signer = Signer::Secret(b"secret");
        draft.sign("sig1", "\"@method\" \"date\"", parameters, &BTreeMap::new(), &signer).unwrap();
        draft
    }

    #[test]
    fn a_signature_is_written_as_two_lines() {
        let lines = signed().lines();
        assert_eq!(lines[1].1, r#"sig1=("@method" "date");created=7;keyid="a\"b""#);
        assert!(lines[2].1.starts_with("sig1=:"));
    }

    #[test]
    fn what_changes_after_signing_changes_nothing_else() {
        let before = signed();
        let mut after = before.clone();
        after.path = "/z".into();
        assert_eq!(after.lines(), before.lines());
        after.set_field("date", "tomorrow");
        assert_eq!(after.lines()[0].1, "tomorrow");
        assert_eq!(after.lines()[1..], before.lines()[1..]);
        after.latest_signature().unwrap().set_parameter("created", "8").unwrap();
        assert!(after.lines()[1].1.contains("created=8"));
        assert_eq!(after.lines()[2], before.lines()[2]);
        after.latest_signature().unwrap().flip_a_bit().unwrap();
        assert_ne!(after.lines()[2], before.lines()[2]);
    }

    #[test]
    fn the_fields_of_the_signatures_can_be_replaced_and_removed() {
        let mut draft = signed();
        draft.set_field("Signature", "nonsense");
        assert_eq!(draft.lines()[2], ("signature".into(), "nonsense".into()));
        draft.remove_field("Signature-Input").unwrap();
        assert_eq!(draft.lines().len(), 2);
        assert!(draft.remove_field("X-None").is_err());
    }

    #[test]
    fn what_is_added_stands_last_and_can_be_removed() {
        let mut draft = signed();
        draft.add_field("Signature-Input", "sig1=()");
        draft.add_field("Date", "tomorrow");
        let lines = draft.lines();
        assert_eq!(lines[3..], [("Signature-Input".into(), "sig1=()".into()), ("Date".into(), "tomorrow".into())]);
        draft.remove_field("Date").unwrap();
        draft.set_field("Signature-Input", "nonsense");
        let lines = draft.lines();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], ("signature-input".into(), "nonsense".into()));
    }

    #[test]
    fn host_and_what_no_request_has_can_be_signed_too() {
        let mut draft = signed();
        let none = BTreeMap::new();
        draft.sign("x", "\"host\" \"@status\"", Vec::new(), &none, &Signer::Secret(b"x")).unwrap();
        assert!(draft.signatures[1].base.starts_with("\"host\": chat.abcdef.example\n\"@status\": 200\n"));
        assert!(draft.sign("y", "host", Vec::new(), &none, &Signer::Secret(b"x")).is_err());
    }

    #[test]
    fn labels_are_not_given_twice() {
        assert_eq!(signed().free_label(), "sig2");
        assert_eq!(Draft::new("GET", "h", "/").free_label(), "sig1");
    }
}
