//! Verifying a signature (RFC 9421 §3.2), step by step.

use super::algorithm::Algorithm;
use super::base::SignatureBase;
use super::keys::VerifyingKey;
use super::message::Message;
use super::params::SignatureInput;
use super::policy::Policy;
use super::reject::{Reason, Rejection, Step};
use super::signatures::{LabelledSignature, Signatures};

/// A signature that verified. Only [`verify()`] makes it, so to hold one is the proof.
#[derive(Clone, Debug)]
pub struct Verified {
    label: Box<str>,
    input: SignatureInput,
    base: SignatureBase,
    algorithm: Algorithm,
}

impl Verified {
    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What is covered, and the parameters.
    pub fn input(&self) -> &SignatureInput {
        &self.input
    }

    /// What was signed.
    pub fn base(&self) -> &SignatureBase {
        &self.base
    }

    /// The algorithm that was used.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The proof without the check, for Cores that are wrong on purpose.
    #[cfg(feature = "mutants")]
    pub fn unchecked(label: &str, input: SignatureInput, base: SignatureBase, algorithm: Algorithm) -> Self {
        Verified { label: label.into(), input, base, algorithm }
    }
}

/// Verifies the signature of a label with a key that the caller determined (step 5), at the time `now` in seconds
/// since the epoch.
///
/// ```
/// use portal_core::rfc9421::*;
///
/// # let key = SigningKey::generate_ed25519()?;
/// # let mut request = Request::new("GET", "/", Scheme::Https)?;
/// # request.fields_mut().push("Host", "app.example")?;
/// # let input = SignatureInput::builder().component("@method").created(1_618_884_473).keyid("me").build()?;
/// # sign(&(&request).into(), "sig1", &input, &key)?.attach(request.fields_mut())?;
/// # let public_key_pem = key.public_key_pem()?;
/// let message = Message::from(&request);
/// let signatures = Signatures::parse(&message, &Limits::default())?;
/// let key = VerifyingKey::from_pem(&public_key_pem)?;
/// let verified = verify(&message, "sig1", &signatures, &key, &Policy::default(), 1_618_884_500)?;
/// assert_eq!(verified.input().keyid(), Some("me"));
/// assert!(verified.input().covers("@method"));
///
/// let late = Policy { max_age: Some(10), ..Policy::default() };
/// let refused = verify(&message, "sig1", &signatures, &key, &late, 1_618_884_500).unwrap_err();
/// assert_eq!((refused.step, refused.reason.code()), (Step::Time, "too_old"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first step that fails, with its reason; the base is carried wherever one can be made.
pub fn verify(
    message: &Message<'_>,
    label: &str,
    signatures: &Signatures,
    key: &VerifyingKey,
    policy: &Policy,
    now: u64,
) -> Result<Verified, Rejection> {
    // Steps 1 to 3: found and parsed.
    let found = signatures.find(label, message, &policy.field_types)?;
    let input = &found.input;
    // Steps 4 to 6; 5, the key, is the caller's.
    let checked = policy
        .check(input)
        .and_then(|()| policy.check_time(input, now))
        .and_then(|()| policy.check_algorithm(input, key));
    // Step 7: also after a refusal, so that it can be looked at.
    let base = SignatureBase::build(message, input, &policy.field_types);
    if let Err(rejection) = checked {
        return Err(rejection.with_base(base.ok()));
    }
    let base = base.map_err(|error| error.rejected(Step::Base))?;
    // Steps 8 and 9.
    conclude(found, base, key)
}

fn conclude(found: &LabelledSignature, base: SignatureBase, key: &VerifyingKey) -> Result<Verified, Rejection> {
    if !key.verify(base.as_bytes(), &found.signature) {
        return Err(Rejection::new(Step::Crypto, Reason::SignatureInvalid).with_base(Some(base)));
    }
    Ok(Verified { label: found.label.clone(), input: found.input.clone(), base, algorithm: key.algorithm() })
}
