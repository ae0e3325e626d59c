//! The bytes of one case: signatures in their order, then the message that carries them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Key, Op};

use super::crypto;
use super::format::{Base, Case, Edit, Other};
use super::text::{self, Made, Signatures};

/// What a careless or malicious signer does differently. The default is an honest one.
#[derive(Debug, Clone, Default)]
pub(super) struct Twist {
    /// The message is edited before it is signed.
    pub(super) message: Option<Edit>,
    /// These lines are signed instead of the case's.
    pub(super) lines: Option<Vec<String>>,
    /// The base is edited before it is signed.
    pub(super) base: Option<Edit>,
    /// The signature is spoilt in this way.
    pub(super) signature: Option<String>,
}

/// The bytes of a case.
#[derive(Debug, Clone)]
pub(super) struct Product {
    /// The message.
    pub(super) message: Vec<u8>,
    /// The request that it answers.
    pub(super) related_request: Option<Vec<u8>>,
    /// What was signed; nothing where nothing is.
    pub(super) signed: Option<Vec<u8>>,
    /// All signatures.
    pub(super) made: Signatures,
}

impl Product {
    /// A base with the placeholders filled.
    pub(super) fn base(&self, lines: &[String], params: &str) -> Result<Vec<u8>, String> {
        base(lines, params, &self.made)
    }
}

/// Makes the bytes.
pub(super) fn make(keys: &BTreeMap<String, Key>, case: &Case, op: Op, twist: &Twist) -> Result<Product, String> {
    let mut made = Signatures::new();
    for other in &case.other {
        let signature = other_signature(keys, other, &made).map_err(|what| format!("{}: {what}", other.label))?;
        let entry = Made { input: other.covers.clone(), signature };
        if made.insert(other.label.clone(), entry).is_some() || other.label == case.label {
            return Err(format!("the label `{}` is used by two signatures", other.label));
        }
    }
    let signed = match op {
        Op::Verify | Op::Base | Op::Sign => {
            let signed = signed(case, twist, &mut made)?;
            let signature = own_signature(keys, case, twist, &signed)?;
            made.insert(case.label.clone(), Made { input: case.covers.clone(), signature });
            Some(signed)
        }
        Op::Digest | Op::Accept => None,
    };

    let mut head = text::head(&case.message)?;
    let trailers = case.trailers.iter().map(|line| text::bytes(line)).collect::<Result<Vec<_>, _>>()?;
    let mut related = case.related_request.as_deref().map(text::head).transpose()?;
    let own = (op == Op::Verify).then_some(case.label.as_str());
    for label in case.other.iter().map(|other| other.label.as_str()).chain(own) {
        let everywhere = [&head].into_iter().chain(&trailers).chain(&related);
        if !everywhere.into_iter().any(|part| text::mentions(part, label)) {
            let lines =
                format!("\r\nSignature-Input: {label}={{input:{label}}}\r\nSignature: {label}={{signature:{label}}}");
            head.extend_from_slice(lines.as_bytes());
        }
    }

    let mut parts = Parts { head, body: text::bytes(&case.body)?, trailers };
    if let Some(edit) = &twist.message {
        parts.edit(edit)?;
    }
    let message = parts.wire(&made)?;
    if let Some(head) = &mut related {
        head.extend_from_slice(b"\r\n\r\n");
        *head = text::fill(head, &made)?;
        head.extend_from_slice(&text::bytes(&case.related_request_body)?);
    }
    Ok(Product { message, related_request: related, signed, made })
}

fn other_signature(keys: &BTreeMap<String, Key>, other: &Other, made: &Signatures) -> Result<Vec<u8>, String> {
    match &other.signature {
        Some(literal) => decoded(literal),
        None => {
            let params = other.params_line.as_ref().unwrap_or(&other.covers);
            crypto::sign(key(keys, &other.key)?, &base(&other.base, params, made)?)
        }
    }
}

/// What is signed.
fn signed(case: &Case, twist: &Twist, made: &mut Signatures) -> Result<Vec<u8>, String> {
    if case.covers.is_empty() {
        return Err("`covers` is missing".to_owned());
    }
    let lines = match (&twist.lines, &case.base) {
        (Some(lines), _) | (None, Some(Base::Lines(lines))) => lines,
        (None, Some(Base::None(_))) => return Err("the case itself needs the lines of its `base`".to_owned()),
        (None, None) => return Err("`base` is missing".to_owned()),
    };
    if lines.iter().any(|line| text::mentions(line.as_bytes(), &case.label) && line.contains("{signature:")) {
        return Err("the base can't hold the signature that is made over it".to_owned());
    }
    made.insert(case.label.clone(), Made { input: case.covers.clone(), signature: Vec::new() });
    let signed = base(lines, case.params_line.as_ref().unwrap_or(&case.covers), made)?;
    match &twist.base {
        None => Ok(signed),
        Some(edit) => {
            text::replace_once(&signed, &filled(&edit.from, made, text::bytes)?, &filled(&edit.to, made, text::bytes)?)
        }
    }
}

fn own_signature(keys: &BTreeMap<String, Key>, case: &Case, twist: &Twist, signed: &[u8]) -> Result<Vec<u8>, String> {
    let own = key(keys, &case.key)?;
    match (&twist.signature, &case.signature) {
        (Some(kind), literal) => {
            let good = literal.as_deref().map_or_else(|| crypto::sign(own, signed), decoded)?;
            crypto::spoil(kind, own, signed, good, |name| key(keys, name).cloned())
        }
        // Everything but the signature itself is the same for a signature that is made anew.
        (None, Some(literal)) if twist.lines.is_none() && twist.base.is_none() && twist.message.is_none() => {
            let literal = decoded(literal)?;
            if crypto::is_deterministic(crypto::algorithm(own)?) && crypto::sign(own, signed)? != literal {
                return Err("`signature` is not what the key gives for this base".to_owned());
            }
            Ok(literal)
        }
        _ => crypto::sign(own, signed),
    }
}

fn base(lines: &[String], params: &str, made: &Signatures) -> Result<Vec<u8>, String> {
    let mut base = Vec::new();
    for line in lines {
        base.extend_from_slice(&filled(line, made, text::bytes)?);
        base.push(b'\n');
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(params.as_bytes());
    Ok(base)
}

/// A text with its escapes and placeholders resolved.
pub(super) fn filled(
    text: &str,
    made: &Signatures,
    unescape: impl Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    text::fill(&unescape(text)?, made)
}

/// As in `head`, but a line end at the end of an edit counts.
pub(super) fn wire_text(text: &str) -> Result<Vec<u8>, String> {
    text::bytes(&text.replace('\n', "\r\n"))
}

fn key<'k>(keys: &'k BTreeMap<String, Key>, name: &str) -> Result<&'k Key, String> {
    keys.get(name).ok_or_else(|| {
        let known: Vec<_> = keys.keys().map(String::as_str).collect();
        format!("there is no key `{name}`; there are {}", known.join(", "))
    })
}

fn decoded(literal: &str) -> Result<Vec<u8>, String> {
    let text: String = literal.split_whitespace().collect();
    STANDARD.decode(text).map_err(|error| format!("`signature` is no base64: {error}"))
}

/// A message before its placeholders are filled.
struct Parts {
    head: Vec<u8>,
    body: Vec<u8>,
    trailers: Vec<Vec<u8>>,
}

impl Parts {
    fn edit(&mut self, edit: &Edit) -> Result<(), String> {
        let (from, to) = (wire_text(&edit.from)?, wire_text(&edit.to)?);
        let parts = [&mut self.head, &mut self.body].into_iter().chain(&mut self.trailers);
        let mut holding: Vec<_> = parts.filter(|part| text::count(part, &from) > 0).collect();
        match holding.as_mut_slice() {
            [part] => **part = text::replace_once(part, &from, &to)?,
            [] => drop(text::replace_once(&self.head, &from, &to)?),
            _ => return Err(format!("`from` ({}) occurs in several parts of the message", text::shown(&from))),
        }
        Ok(())
    }

    fn wire(&self, made: &Signatures) -> Result<Vec<u8>, String> {
        let mut wire = text::fill(&self.head, made)?;
        wire.extend_from_slice(b"\r\n\r\n");
        if self.trailers.is_empty() {
            wire.extend_from_slice(&self.body);
            return Ok(wire);
        }
        if !is_chunked(&wire) {
            return Err("trailers need `Transfer-Encoding: chunked` in the head".to_owned());
        }
        if !self.body.is_empty() {
            wire.extend_from_slice(format!("{:x}\r\n", self.body.len()).as_bytes());
            wire.extend_from_slice(&self.body);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n");
        for line in &self.trailers {
            wire.extend_from_slice(&text::fill(line, made)?);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"\r\n");
        Ok(wire)
    }
}

fn is_chunked(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        line.strip_prefix("transfer-encoding:").is_some_and(|value| value.trim().ends_with("chunked"))
    })
}
