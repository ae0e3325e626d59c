//! What an application requires of a signature beyond the RFC (RFC 9421 §3.2.1).

use super::algorithm::Algorithm;
use super::component::ComponentId;
use super::field::FieldTypes;
use super::keys::VerifyingKey;
use super::params::SignatureInput;
use super::reject::{ComponentError, Reason, Rejection, Step};

/// Requirements on a signature. The default is the RFC's minimum: every registered algorithm, nothing required, but
/// what has expired is refused.
///
/// ```
/// use portal_core::rfc9421::{Algorithm, Policy, Requirement};
///
/// let policy = Policy {
///     required: vec![
///         Requirement::all(&["@method"])?,
///         Requirement::any(&[&["@target-uri"], &["@authority", "@path", "@query"]])?,
///     ],
///     algorithms: vec![Algorithm::Ed25519],
///     max_age: Some(300),
///     skew: 30,
///     require_created: true,
///     ..Policy::default()
/// };
/// # let _ = policy;
/// # Ok::<(), portal_core::rfc9421::ComponentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    /// What must be covered; each of them.
    pub required: Vec<Requirement>,
    /// Algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// The longest time since `created`, in seconds. Where it is set, `created` must not be in the future either, and
    /// a signature without `created` is refused.
    pub max_age: Option<u64>,
    /// How far clocks may be apart, in seconds: `created` may be that far in the future or beyond `max_age`.
    pub skew: u64,
    /// The `tag` that a signature must have.
    pub tag: Option<String>,
    /// Whether `created` must be there.
    pub require_created: bool,
    /// Whether `nonce` must be there.
    pub require_nonce: bool,
    /// Whether `keyid` must be there.
    pub require_keyid: bool,
    /// Whether a signature whose `expires` is past is refused.
    pub reject_expired: bool,
    /// Types of structured fields beyond the registered ones.
    pub field_types: FieldTypes,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            required: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            max_age: None,
            skew: 0,
            tag: None,
            require_created: false,
            require_nonce: false,
            require_keyid: false,
            reject_expired: true,
            field_types: FieldTypes::default(),
        }
    }
}

/// Sets of components of which at least one must be covered as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    any_of: Vec<Vec<ComponentId>>,
}

impl Requirement {
    /// All of these; each a bare name or a serialised identifier.
    ///
    /// # Errors
    /// One of them is no component identifier.
    pub fn all(components: &[&str]) -> Result<Self, ComponentError> {
        Self::any(&[components])
    }

    /// At least one of these sets.
    ///
    /// # Errors
    /// One of the components is no component identifier.
    pub fn any(sets: &[&[&str]]) -> Result<Self, ComponentError> {
        let any_of = sets.iter().map(|set| set.iter().map(|id| id.parse()).collect()).collect::<Result<_, _>>()?;
        Ok(Requirement { any_of })
    }

    /// The first component that is missing for the first set; none if one of the sets is covered.
    fn missing(&self, input: &SignatureInput) -> Option<&ComponentId> {
        let lacks = |set: &Vec<ComponentId>| set.iter().any(|id| !input.covers_id(id));
        if self.any_of.is_empty() || !self.any_of.iter().all(lacks) {
            return None;
        }
        self.any_of[0].iter().find(|id| !input.covers_id(id))
    }
}

impl Policy {
    /// Step 4: what must be covered and present.
    pub(super) fn check(&self, input: &SignatureInput) -> Result<(), Rejection> {
        if let Some(missing) = self.required.iter().find_map(|requirement| requirement.missing(input)) {
            return Err(ComponentError::at(Reason::MissingComponent, missing).rejected(Step::Policy));
        }
        let reject = |reason| Err(Rejection::new(Step::Policy, reason));
        if self.tag.is_some() && input.tag() != self.tag.as_deref() {
            return reject(Reason::WrongTag);
        }
        if (self.require_created || self.max_age.is_some()) && input.created().is_none() {
            return reject(Reason::MissingCreated);
        }
        if self.require_nonce && input.nonce().is_none() {
            return reject(Reason::MissingNonce);
        }
        if self.require_keyid && input.keyid().is_none() {
            return reject(Reason::MissingKeyId);
        }
        Ok(())
    }

    /// Step 4: the time.
    pub(super) fn check_time(&self, input: &SignatureInput, now: u64) -> Result<(), Rejection> {
        let reject = |reason| Err(Rejection::new(Step::Time, reason));
        // §2.3: the time "at which the signature is to expire"; up to and including that second it holds.
        if self.reject_expired && input.expires().is_some_and(|expires| now > expires) {
            return reject(Reason::Expired);
        }
        if let (Some(max_age), Some(created)) = (self.max_age, input.created()) {
            if created > now.saturating_add(self.skew) {
                return reject(Reason::CreatedInFuture);
            }
            if now > created.saturating_add(max_age).saturating_add(self.skew) {
                return reject(Reason::TooOld);
            }
        }
        Ok(())
    }

    /// Step 6: the algorithm, from the key; what `alg` says must be the same.
    pub(super) fn check_algorithm(&self, input: &SignatureInput, key: &VerifyingKey) -> Result<(), Rejection> {
        let reject = |reason| Err(Rejection::new(Step::Key, reason));
        if let Some(alg) = input.alg() {
            match alg.parse::<Algorithm>() {
                Err(unknown) => return reject(unknown),
                Ok(stated) if stated != key.algorithm() => return reject(Reason::AlgorithmMismatch),
                // §3.3.7: with JWS algorithms, alg "is not used at all".
                Ok(_) if key.has_jws_algorithm() => return reject(Reason::AlgorithmStated),
                Ok(_) => {}
            }
        }
        if !self.algorithms.contains(&key.algorithm()) {
            return reject(Reason::AlgorithmNotAllowed);
        }
        Ok(())
    }
}
