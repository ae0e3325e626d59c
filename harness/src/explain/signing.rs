//! Making a signature on a message that was read, and the message with it.

use portal_core::digest::{ContentDigest, DigestAlgorithm};
use portal_core::rfc9421::{
    ComponentError, ComponentId, FieldTypes, Limits, Message, MessageError, RequestedSignature, SignError,
    SignatureInput, Signed, SigningKey, sign_with,
};

use super::identifier::split;
use super::read::{Body, Layout, Located, Start, Subject};

/// What the signature is to be like.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The parameter `created`.
    pub created: Option<u64>,
    /// The parameter `expires`.
    pub expires: Option<u64>,
    /// The parameter `keyid`.
    pub keyid: Option<String>,
    /// Whether to state the algorithm.
    pub alg: bool,
    /// The parameter `nonce`.
    pub nonce: Option<String>,
    /// The parameter `tag`.
    pub tag: Option<String>,
}

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotSign {
    /// What to cover is written wrongly.
    #[error(
        "`{0}` can't be covered: {1}\n  Write the components as in Signature-Input, such as '\"@method\" \"content-digest\";req', or bare names with spaces between them."
    )]
    Covers(String, ComponentError),
    /// The input is written wrongly.
    #[error(
        "the input can't be used: {0}\n  Write it as in Signature-Input behind the label: '(\"@method\");created=1618884473'."
    )]
    Input(ComponentError),
    /// The engine refuses.
    #[error("{refusal}{advice}", refusal = .0, advice = advice(.0))]
    Sign(#[from] SignError),
    /// There is a Content-Digest of something else.
    #[error(
        "the message has a Content-Digest already, and it does not fit the content\n  Remove the field, or correct it."
    )]
    OtherDigest,
    /// The content is not known.
    #[error("there is nothing to make a digest of: {0}\n  Give the content with --body FILE.")]
    NoContent(String),
    /// No signature is asked for.
    #[error("{0} asks for no signature: it has no Accept-Signature\n  Name what to cover with --covers.")]
    NothingAsked(String),
    /// What is asked for can't be done.
    #[error("what Accept-Signature asks for can't be done: {0}\n  {1}")]
    Asked(ComponentError, &'static str),
    /// A field can't be written.
    #[error("a field can't be written: {0}")]
    Field(#[from] MessageError),
}

fn advice(error: &SignError) -> String {
    match error {
        SignError::Base(error) => format!("\n  {}", super::advice::of(portal_core::rfc9421::Step::Base, error.reason, None).advice),
        SignError::LabelTaken => "\n  Choose another with --label.".to_owned(),
        SignError::InvalidLabel => "\n  A label is in lower case: it begins with a letter or *, and goes on with letters, digits, _, -, . and *.".to_owned(),
        SignError::AlgorithmMismatch => "\n  Leave out alg, or name the key's own algorithm.".to_owned(),
        _ => String::new(),
    }
}

/// The input that covers these components: serialised identifiers or bare names, with spaces between them.
///
/// # Errors
/// [`CannotSign::Covers`].
pub fn input(covers: &str, wanted: &Wanted, key: &SigningKey) -> Result<SignatureInput, CannotSign> {
    let mut builder = SignatureInput::builder();
    for id in split(covers.trim(), ' ').into_iter().filter(|id| !id.is_empty()) {
        let bad = |error| CannotSign::Covers(id.to_owned(), error);
        // A bare name may have parameters, too: the shell eats the quotes.
        let id = match id.split_once(';') {
            Some((name, parameters)) if !id.starts_with('"') => format!("\"{name}\";{parameters}"),
            _ => id.to_owned(),
        };
        builder = builder.component_id(id.parse::<ComponentId>().map_err(bad)?);
    }
    if let Some(created) = wanted.created {
        builder = builder.created(created);
    }
    if let Some(expires) = wanted.expires {
        builder = builder.expires(expires);
    }
    if let Some(keyid) = &wanted.keyid {
        builder = builder.keyid(keyid);
    }
    if wanted.alg {
        builder = builder.alg(key.algorithm());
    }
    if let Some(nonce) = &wanted.nonce {
        builder = builder.nonce(nonce);
    }
    if let Some(tag) = &wanted.tag {
        builder = builder.tag(tag);
    }
    builder.build().map_err(CannotSign::Input)
}

/// The label and input that a message asks for in Accept-Signature: the first, or that of the label.
///
/// # Errors
/// It asks for none, or for what can't be done.
pub fn asked_for(
    asking: &Located,
    label: Option<&str>,
    wanted: &Wanted,
    key: &SigningKey,
) -> Result<(String, SignatureInput), CannotSign> {
    let message = match &asking.start {
        Start::Request(request) => Message::Request(request),
        Start::Response(response) => Message::Response { response, request: None },
    };
    let malformed = |error| CannotSign::Asked(error, "Correct the field Accept-Signature (RFC 9421 §5.1).");
    let all = RequestedSignature::parse(&message, &Limits::default()).map_err(malformed)?;
    let asked = all.iter().find(|asked| label.is_none_or(|label| asked.label() == label));
    let asked = asked.ok_or_else(|| CannotSign::NothingAsked(asking.file.clone()))?;
    let undoable = |error| {
        CannotSign::Asked(error, "If it asks for expires, say --expires; if for alg, use a key of that algorithm.")
    };
    let input = asked.fulfil(wanted.created.unwrap_or_default(), wanted.expires, key.algorithm()).map_err(undoable)?;
    Ok((asked.label().to_owned(), input))
}

/// A message with a signature.
#[derive(Debug, Clone)]
pub struct SignedMessage {
    /// The signature and its base.
    pub signed: Signed,
    /// The Content-Digest that was added.
    pub digest: Option<String>,
}

impl SignedMessage {
    /// The field lines that were added, in order.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let digest = self.digest.as_deref().map(|digest| ("Content-Digest", digest));
        let own = [
            ("Signature-Input", self.signed.signature_input_value.as_str()),
            ("Signature", self.signed.signature_value.as_str()),
        ];
        digest.into_iter().chain(own).collect()
    }
}

/// Adds a Content-Digest where one is wanted and none is there, then signs.
///
/// # Errors
/// See [`CannotSign`].
pub fn sign(
    subject: &mut Subject,
    label: &str,
    input: &SignatureInput,
    key: &SigningKey,
    digest: Option<DigestAlgorithm>,
    types: &FieldTypes,
) -> Result<SignedMessage, CannotSign> {
    let digest = match digest {
        Some(algorithm) => add_digest(&mut subject.message, algorithm)?,
        None => None,
    };
    let signed = sign_with(&subject.as_message(), label, input, key, types)?;
    Ok(SignedMessage { signed, digest })
}

fn add_digest(message: &mut Located, algorithm: DigestAlgorithm) -> Result<Option<String>, CannotSign> {
    let content = match &message.body {
        Body::Known(content) => content.clone(),
        Body::Unknown(why) => return Err(CannotSign::NoContent(why.clone())),
    };
    if message.fields().contains("content-digest") {
        let fits = matches!(ContentDigest::of(message.fields()), Ok(Some(digest)) if digest.check(&content).is_ok());
        return if fits { Ok(None) } else { Err(CannotSign::OtherDigest) };
    }
    let value = ContentDigest::compute(algorithm, &content).to_string();
    message.fields_mut().push("Content-Digest", &value)?;
    Ok(Some(value))
}

/// The message with further fields: as it was read, or, of a transcript, as HTTP/1.1.
pub fn with_fields(message: &Located, bytes: &[u8], fields: &[(&'static str, &str)]) -> Vec<u8> {
    match &message.layout {
        Some(layout) => inserted(layout, bytes, fields),
        None => rendered(message, fields),
    }
}

fn inserted(layout: &Layout, bytes: &[u8], fields: &[(&'static str, &str)]) -> Vec<u8> {
    let line_end = if layout.crlf { "\r\n" } else { "\n" };
    let (head, rest) = bytes.split_at(layout.head_end);
    let mut out = head.to_vec();
    if !out.ends_with(b"\n") {
        out.extend_from_slice(line_end.as_bytes());
    }
    for (name, value) in fields {
        out.extend_from_slice(format!("{name}: {value}{line_end}").as_bytes());
    }
    if !layout.closed {
        out.extend_from_slice(line_end.as_bytes());
    }
    out.extend_from_slice(rest);
    out
}

fn rendered(message: &Located, fields: &[(&'static str, &str)]) -> Vec<u8> {
    let first = message.first_line.rsplit_once(' ').filter(|_| message.request().is_some());
    let first_line = match first {
        // What stood behind HTTP/2 can be written down as HTTP/1.1 only.
        Some((start, _)) => format!("{start} HTTP/1.1"),
        None => format!("HTTP/1.1 {}", message.first_line.split_once(' ').map_or("", |(_, status)| status)),
    };
    let mut out = format!("{}\r\n", first_line.trim_end()).into_bytes();
    let added: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    for (name, value) in message.fields().iter() {
        // A digest that was added stands among the message's own by now.
        if added.contains(&name) && name == "Content-Digest" {
            continue;
        }
        out.extend_from_slice(format!("{name}:").as_bytes());
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    for (name, value) in fields {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    if let Body::Known(content) = &message.body {
        out.extend_from_slice(content);
    }
    out
}
