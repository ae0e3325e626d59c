//! Making a signature (RFC 9421 §3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base::SignatureBase;
use super::field::FieldTypes;
use super::keys::KeyError;
use super::message::{Fields, Message, MessageError};
use super::params::SignatureInput;
use super::reject::ComponentError;
use super::signatures::has_label;
use super::signing_key::SigningKey;

/// A signature that was made, with the base for diagnosis.
#[derive(Clone, Debug)]
pub struct Signed {
    /// What was signed.
    pub base: SignatureBase,
    /// The member for Signature-Input, `label=(…);…`.
    pub signature_input_value: String,
    /// The member for Signature, `label=:…:`.
    pub signature_value: String,
}

impl Signed {
    /// Adds both fields to a message, each as a line of its own behind those that are there.
    ///
    /// # Errors
    /// None in practice: both values are ASCII.
    pub fn attach(&self, fields: &mut Fields) -> Result<(), MessageError> {
        fields.push("Signature-Input", &self.signature_input_value)?;
        fields.push("Signature", &self.signature_value)
    }
}

/// Why a signature can't be made, by step of RFC 9421 §3.1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Step 1: `alg` is not the key's algorithm.
    #[error("the input's alg is not that of the key")]
    AlgorithmMismatch,
    /// Step 1: `alg` is there though the key is for a JWS algorithm (§3.3.7).
    #[error("the input must not state alg for a key with a JWS algorithm")]
    AlgorithmStated,
    /// Step 4: the label is no Dictionary key.
    #[error("the label can't be written")]
    InvalidLabel,
    /// Step 4: the message has a signature of that label already (§4: labels are unique).
    #[error("the label is taken")]
    LabelTaken,
    /// Step 5: the base can't be made.
    #[error("no signature base: {0}")]
    Base(#[from] ComponentError),
    /// Step 6: the cryptographic library failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyError),
}

impl SignError {
    /// The step of RFC 9421 §3.1 that failed.
    pub fn step(&self) -> u8 {
        match self {
            SignError::AlgorithmMismatch | SignError::AlgorithmStated => 1,
            SignError::InvalidLabel | SignError::LabelTaken => 4,
            SignError::Base(_) => 5,
            SignError::Key(_) => 6,
        }
    }
}

/// Signs a message, with the field types of the registry.
///
/// ```
/// use portal_core::rfc9421::{Request, Scheme, SignatureInput, SigningKey, sign};
///
/// let mut request = Request::new("GET", "/inbox?page=2", Scheme::Https)?;
/// request.fields_mut().push("Host", "app.example")?;
/// let key = SigningKey::generate_ed25519()?;
/// let input = SignatureInput::builder()
///     .components(["@method", "@authority", "@path", "@query"])
///     .created(1_618_884_473)
///     .keyid("me")
///     .build()?;
/// let signed = sign(&(&request).into(), "sig1", &input, &key)?;
/// assert!(signed.signature_input_value.starts_with("sig1=(\"@method\""));
/// signed.attach(request.fields_mut())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`SignError`].
pub fn sign(message: &Message<'_>, label: &str, input: &SignatureInput, key: &SigningKey) -> Result<Signed, SignError> {
    sign_with(message, label, input, key, &FieldTypes::default())
}

/// Signs a message of an application that has structured fields of its own.
///
/// # Errors
/// See [`SignError`].
pub fn sign_with(
    message: &Message<'_>,
    label: &str,
    input: &SignatureInput,
    key: &SigningKey,
    types: &FieldTypes,
) -> Result<Signed, SignError> {
    if input.alg().is_some_and(|alg| alg != key.algorithm().as_str()) {
        return Err(SignError::AlgorithmMismatch);
    }
    if input.alg().is_some() && key.has_jws_algorithm() {
        return Err(SignError::AlgorithmStated);
    }
    if sfv::KeyRef::from_str(label).is_err() {
        return Err(SignError::InvalidLabel);
    }
    if has_label(message, label) {
        return Err(SignError::LabelTaken);
    }
    let base = SignatureBase::build(message, input, types)?;
    let signature = key.sign(base.as_bytes())?;
    let mut signature_value = String::with_capacity(label.len() + 3 + signature.len().div_ceil(3) * 4);
    signature_value.push_str(label);
    signature_value.push_str("=:");
    STANDARD.encode_string(&signature, &mut signature_value);
    signature_value.push(':');
    Ok(Signed { base, signature_input_value: [label, "=", input.as_str()].concat(), signature_value })
}

/// A label for a further signature that no signature of the message has: `wanted`, or that with a number.
pub fn free_label(message: &Message<'_>, wanted: &str) -> String {
    let mut label = wanted.to_owned();
    let mut number = 1_u64;
    while has_label(message, &label) {
        number += 1;
        label = format!("{wanted}{number}");
    }
    label
}
