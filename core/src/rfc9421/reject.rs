//! Refusals: which step of RFC 9421 §3.2 failed, why, at which component, and the base where one could be made.

use std::fmt;

use super::base::SignatureBase;
use super::component::ComponentId;

/// A step of the verification (RFC 9421 §3.2), in their order; the last two are for applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Steps 1 to 3: the Signature-Input and Signature fields and their members.
    Parse,
    /// Step 1.1 and 1.2: the signature to be verified is there, in both fields.
    Select,
    /// Step 4: what the application requires of it.
    Policy,
    /// Step 4: its time.
    Time,
    /// Steps 5 and 6: key and algorithm.
    Key,
    /// Step 7: the signature base (§2.5).
    Base,
    /// Step 8: the cryptographic check.
    Crypto,
    /// Beyond the RFC: the content's digest.
    Digest,
    /// Beyond the RFC: whether it was seen before.
    Replay,
}

impl Step {
    /// The stable name of the step.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Parse => "parse",
            Step::Select => "select",
            Step::Policy => "policy",
            Step::Time => "time",
            Step::Key => "key",
            Step::Base => "base",
            Step::Crypto => "crypto",
            Step::Digest => "digest",
            Step::Replay => "replay",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a signature was refused or could not be made; [`Reason::code`] is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            fn text(self) -> &'static str {
                match self { $(Reason::$name => $text,)+ }
            }
        }
    };
}

reasons! {
    /// The Signature-Input field is no Dictionary.
    MalformedSignatureInput = "malformed_signature_input", "the Signature-Input field is no Dictionary";
    /// The Signature field is no Dictionary.
    MalformedSignature = "malformed_signature", "the Signature field is no Dictionary";
    /// A field is larger than the limit.
    FieldTooLarge = "field_too_large", "the signature fields are larger than the limit";
    /// More labels than the limit.
    TooManyLabels = "too_many_labels", "there are more labels than the limit";
    /// More covered components than the limit.
    TooManyComponents = "too_many_components", "there are more covered components than the limit";
    /// More signature parameters than the limit.
    TooManyParameters = "too_many_parameters", "there are more signature parameters than the limit";
    /// A label occurs twice in a field (§4.1, §4.2).
    DuplicateLabel = "duplicate_label", "the label occurs more than once";
    /// A member of Signature-Input is no Inner List.
    NotAnInnerList = "not_an_inner_list", "the member of Signature-Input is no Inner List";
    /// A member of Signature is no Byte Sequence.
    NotAByteSequence = "not_a_byte_sequence", "the member of Signature is no Byte Sequence";
    /// A covered component is no String.
    ComponentNotAString = "component_not_a_string", "a covered component is no String";
    /// A signature parameter is of the wrong type (§2.3), or a time before 1970.
    InvalidParameter = "invalid_parameter", "a signature parameter is of the wrong type, or a time before 1970";
    /// A component name, parameter or label that can't be written as a structured field.
    Unserializable = "unserializable", "a name or value can't be written as a structured field";
    /// No signature of that label.
    NoSuchLabel = "no_such_label", "the message has no signature of that label";
    /// The label is in Signature only.
    SignatureWithoutInput = "signature_without_input", "the label is in Signature but not in Signature-Input";
    /// The label is in Signature-Input only.
    InputWithoutSignature = "input_without_signature", "the label is in Signature-Input but not in Signature";
    /// A required component is not covered.
    MissingComponent = "missing_component", "a required component is not covered";
    /// `created` is required.
    MissingCreated = "missing_created", "the parameter created is required";
    /// `nonce` is required.
    MissingNonce = "missing_nonce", "the parameter nonce is required";
    /// `keyid` is required.
    MissingKeyId = "missing_keyid", "the parameter keyid is required";
    /// Another `tag` than the required one.
    WrongTag = "wrong_tag", "the tag is not the required one";
    /// `expires` is in the past.
    Expired = "expired", "the signature has expired";
    /// `created` is in the future.
    CreatedInFuture = "created_in_future", "the signature was created in the future";
    /// `created` is too long ago.
    TooOld = "too_old", "the signature was created too long ago";
    /// The key is not known to the verifier.
    UnknownKey = "unknown_key", "the key is not known";
    /// `alg` is not in the registry.
    UnknownAlgorithm = "unknown_algorithm", "the algorithm is not known";
    /// `alg` is not that of the key (§3.2 step 6.4).
    AlgorithmMismatch = "algorithm_mismatch", "the algorithm is not that of the key";
    /// `alg` is there though the key is for a JWS algorithm (§3.3.7).
    AlgorithmStated = "algorithm_stated", "alg must not be stated for a key with a JWS algorithm";
    /// The policy doesn't allow the algorithm.
    AlgorithmNotAllowed = "algorithm_not_allowed", "the algorithm is not allowed";
    /// A component is covered twice.
    DuplicateComponent = "duplicate_component", "a component is covered twice";
    /// `@signature-params` is covered (§2.3).
    SignatureParamsCovered = "signature_params_covered", "@signature-params must not be covered";
    /// A field name that is not in lower case (§2.1).
    NotLowercase = "not_lowercase", "the component name is not in lower case";
    /// The component name is no field name.
    InvalidName = "invalid_name", "the component name is no field name";
    /// A derived component that is not in the registry.
    UnknownComponent = "unknown_component", "the derived component is not known";
    /// A component parameter that is not in the registry.
    UnknownComponentParameter = "unknown_component_parameter", "a parameter of the component is not known";
    /// A component parameter of the wrong type.
    InvalidComponentParameter = "invalid_component_parameter", "a parameter of the component is of the wrong type";
    /// A component parameter that doesn't apply to the component.
    ParameterNotApplicable = "parameter_not_applicable", "a parameter does not apply to the component";
    /// Component parameters that exclude each other.
    IncompatibleParameters = "incompatible_parameters", "parameters of the component exclude each other";
    /// `@query-param` without `name`.
    MissingName = "missing_name", "@query-param needs the parameter name";
    /// `req` in the signature of a request (§2.4).
    ReqInRequest = "req_in_request", "req must not be used in the signature of a request";
    /// `req`, but the related request is not known.
    NoRelatedRequest = "no_related_request", "the request that the response answers is not known";
    /// The component belongs to the other kind of message.
    WrongMessageKind = "wrong_message_kind", "the component does not exist in this kind of message";
    /// The field is not in the message.
    FieldMissing = "field_missing", "the field is not in the message";
    /// The field's value has bytes that a base can't hold.
    FieldNotAscii = "field_not_ascii", "the field's value has characters outside printable ASCII";
    /// `sf`, but the type of the field is not known.
    UnknownFieldType = "unknown_field_type", "the structured type of the field is not known";
    /// `key`, but the field is no Dictionary.
    NotADictionary = "not_a_dictionary", "the field is no Dictionary";
    /// The field's value is not of its structured type.
    MalformedField = "malformed_field", "the field's value is not of its structured type";
    /// `key` names a member that is not there.
    MemberMissing = "member_missing", "the Dictionary has no such member";
    /// The query has no such parameter.
    QueryParamMissing = "query_param_missing", "the query has no such parameter";
    /// The query has the parameter several times.
    QueryParamRepeated = "query_param_repeated", "the query has the parameter more than once";
    /// Neither target nor Host name an authority.
    AuthorityMissing = "authority_missing", "the message has no Host field";
    /// Several Host fields, or one that differs from `:authority`.
    AuthorityAmbiguous = "authority_ambiguous", "the message names several authorities";
    /// The authority is not host and port.
    AuthorityMalformed = "authority_malformed", "the Host field is not a host with an optional port";
    /// The cryptographic check failed.
    SignatureInvalid = "signature_invalid", "the signature does not match";
    /// The content has no digest though it must.
    DigestMissing = "digest_missing", "the content has no digest";
    /// The content is not what its digest says.
    DigestMismatch = "digest_mismatch", "the content does not match its digest";
    /// The nonce was used before.
    Replayed = "replayed", "the nonce was used before";
    /// The memory of nonces is full.
    ReplayMemoryFull = "replay_memory_full", "the memory of nonces is full";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Why a signature is not accepted.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// The step that failed.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// The component that it failed at.
    pub component: Option<Box<ComponentId>>,
    /// The signature base as the verifier sees it, wherever one could be made.
    pub base: Option<SignatureBase>,
}

impl Rejection {
    /// A refusal without component and base.
    pub fn new(step: Step, reason: Reason) -> Self {
        Rejection { step, reason, component: None, base: None }
    }

    /// Adds the base, for diagnosis.
    #[must_use]
    pub fn with_base(mut self, base: Option<SignatureBase>) -> Self {
        self.base = base;
        self
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.reason)?;
        self.component.iter().try_for_each(|component| write!(f, " ({component})"))
    }
}

impl std::error::Error for Rejection {}

/// Why a covered component has no value, or an input can't be used: what [`Rejection`] and `SignError` are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentError {
    /// Why.
    pub reason: Reason,
    /// At which component, where it is one.
    pub component: Option<Box<ComponentId>>,
}

impl ComponentError {
    pub(super) fn at(reason: Reason, component: &ComponentId) -> Self {
        ComponentError { reason, component: Some(Box::new(component.clone())) }
    }

    pub(super) fn rejected(self, step: Step) -> Rejection {
        Rejection { step, reason: self.reason, component: self.component, base: None }
    }
}

impl From<Reason> for ComponentError {
    fn from(reason: Reason) -> Self {
        ComponentError { reason, component: None }
    }
}

impl fmt::Display for ComponentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        self.component.iter().try_for_each(|component| write!(f, " ({component})"))
    }
}

impl std::error::Error for ComponentError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }
}
