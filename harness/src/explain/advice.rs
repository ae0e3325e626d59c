//! What to do about each refusal.

use portal_core::rfc9421::{ComponentId, Reason, Rejection, Step};

use super::data::Problem;

/// A refusal in words.
pub(super) fn problem(rejection: &Rejection) -> Problem {
    of(rejection.step, rejection.reason, rejection.component.as_deref())
}

/// A refusal in words.
pub(super) fn of(step: Step, reason: Reason, component: Option<&ComponentId>) -> Problem {
    let what = match component {
        Some(component) => format!("{reason}: {component}"),
        None => reason.to_string(),
    };
    Problem { step: step.as_str(), code: reason.code(), what, advice: advice(reason).to_owned() }
}

fn advice(reason: Reason) -> &'static str {
    match reason {
        Reason::MalformedSignatureInput => {
            "Signer: write Signature-Input as a Dictionary of Inner Lists, such as sig1=(\"@method\" \"@path\");created=1618884473 (RFC 9421 §4.1)."
        }
        Reason::MalformedSignature => {
            "Signer: write Signature as a Dictionary of Byte Sequences, such as sig1=:BASE64: with its padding (RFC 9421 §4.2)."
        }
        Reason::FieldTooLarge | Reason::TooManyLabels | Reason::TooManyComponents | Reason::TooManyParameters => {
            "Signer: cover less, or sign less often; every verifier has such limits."
        }
        Reason::DuplicateLabel => "Signer: give each signature of a message a label of its own (RFC 9421 §4.1).",
        Reason::NotAnInnerList => {
            "Signer: put the covered components in parentheses, each in double quotes (RFC 9421 §4.1)."
        }
        Reason::NotAByteSequence => "Signer: put the signature in base64 between colons, :BASE64: (RFC 9421 §4.2).",
        Reason::ComponentNotAString => "Signer: put each covered component in double quotes (RFC 9421 §2).",
        Reason::InvalidParameter => {
            "Signer: created and expires are Integers without quotes; nonce, alg, keyid and tag are Strings in quotes (RFC 9421 §2.3)."
        }
        Reason::Unserializable => "Signer: use only printable ASCII in names and values (RFC 9651 §3.3.3).",
        Reason::NoSuchLabel => "Ask for one of the labels that the message has, or for all by leaving out --label.",
        Reason::SignatureWithoutInput => {
            "Signer: add the label to Signature-Input, too. If a proxy dropped that field, have it keep both."
        }
        Reason::InputWithoutSignature => {
            "Signer: add the label to Signature, too. If a proxy dropped that field, have it keep both."
        }
        Reason::MissingComponent => "Signer: cover it; or require less.",
        Reason::MissingCreated => "Signer: add the parameter created, the time of signing in seconds since 1970.",
        Reason::MissingNonce => "Signer: add the parameter nonce.",
        Reason::MissingKeyId => "Signer: add the parameter keyid.",
        Reason::WrongTag => {
            "Signer: set the parameter tag to what the application asks for; or this signature is for another application."
        }
        Reason::Expired => "Have it signed anew. To look at it as of another time, say --now.",
        Reason::CreatedInFuture => {
            "Compare the clocks of both sides; created is in seconds, not milliseconds. --skew allows for a difference."
        }
        Reason::TooOld => {
            "Have it signed anew; if it was not, compare the clocks of both sides. To look at it as of another time, say --now."
        }
        Reason::UnknownKey => "Give the key that belongs to the keyid.",
        Reason::UnknownAlgorithm => {
            "Signer: alg is one of ed25519, rsa-pss-sha512, ecdsa-p256-sha256, ecdsa-p384-sha384, rsa-v1_5-sha256, hmac-sha256 (RFC 9421 §6.2); or leave it out."
        }
        Reason::AlgorithmMismatch => {
            "Give the key that belongs to the signature; or have the signer name its key's own algorithm, or leave alg out."
        }
        Reason::AlgorithmStated => {
            "Signer: leave alg out: the key's JWK names a JWS algorithm (RFC 9421 §3.3.7). Or take alg out of the JWK."
        }
        Reason::AlgorithmNotAllowed => {
            "Signer: use a key for one of the algorithms that are allowed; or allow it with --alg."
        }
        Reason::DuplicateComponent => "Signer: cover each component once (RFC 9421 §2.5).",
        Reason::SignatureParamsCovered => {
            "Signer: leave it out of the list; it is added to the base by itself (RFC 9421 §2.3)."
        }
        Reason::NotLowercase => "Signer: write the names of fields in lower case (RFC 9421 §2.1).",
        Reason::InvalidName => "Signer: cover a field by its name alone; what else is to be said goes into parameters.",
        Reason::UnknownComponent => {
            "Signer: use @method, @target-uri, @authority, @scheme, @request-target, @path, @query, @query-param or @status (RFC 9421 §2.2)."
        }
        Reason::UnknownComponentParameter => {
            "Signer: use sf, key, bs, tr, req, and name for @query-param (RFC 9421 §6.5)."
        }
        Reason::InvalidComponentParameter => {
            "Signer: sf, bs, tr and req have no value; key and name have a String (RFC 9421 §2.1)."
        }
        Reason::ParameterNotApplicable => {
            "Signer: sf, key, bs and tr are for fields, name is for @query-param, and @status has no req (RFC 9421 §2)."
        }
        Reason::IncompatibleParameters => "Signer: use either bs, or sf or key (RFC 9421 §2.1).",
        Reason::MissingName => {
            "Signer: add the parameter name, such as \"@query-param\";name=\"id\" (RFC 9421 §2.2.8)."
        }
        Reason::ReqInRequest => "Signer: leave out req; it is for responses (RFC 9421 §2.4).",
        Reason::NoRelatedRequest => "Give the request that the response answers: --request FILE.",
        Reason::WrongMessageKind => {
            "Signer: @status is for responses, all others are for requests, or for responses with req (RFC 9421 §2.2)."
        }
        Reason::FieldMissing => {
            "Signer: cover only fields that are in the message. If it was sent with it, a proxy has dropped the field."
        }
        Reason::FieldNotAscii => "Signer: cover such a field with bs, or leave it out (RFC 9421 §2.1.3).",
        Reason::UnknownFieldType => "Say what it is: --field-type NAME=list, dictionary or item.",
        Reason::NotADictionary => {
            "Signer: key is for Dictionary fields only. If it is one, say --field-type NAME=dictionary."
        }
        Reason::MalformedField => {
            "Signer: send the field as its structured type wants it (RFC 9651), or cover it without sf and key."
        }
        Reason::MemberMissing => {
            "Signer: name a member that is in the field. If it was sent with it, a proxy has changed the field."
        }
        Reason::QueryParamMissing => {
            "Signer: name a parameter that is in the query, percent-encoded as RFC 9421 §2.2.8 says."
        }
        Reason::QueryParamRepeated => {
            "Signer: cover @query instead: a parameter that occurs several times must not be covered alone (RFC 9421 §2.2.8)."
        }
        Reason::AuthorityMissing => "Add the Host field to the message: a request has one.",
        Reason::AuthorityAmbiguous => "Send one Host field; a request with several is refused (RFC 9110 §7.2).",
        Reason::AuthorityMalformed => "Send host or host:port in the Host field.",
        Reason::SignatureInvalid => {
            "Compare the base above with the one that was signed, line by line; print it on the signer's side. Check that the key is the signer's."
        }
        Reason::DigestMissing => "Signer: add Content-Digest and cover it.",
        Reason::DigestMismatch => {
            "The content was changed, or the digest is of something else: it is over the bytes of the content as sent, after content coding and without transfer coding (RFC 9530 §2)."
        }
        _ => "See RFC 9421 §3.2.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_words_of_its_own() {
        for reason in Reason::ALL {
            let by_itself = matches!(reason, Reason::Replayed | Reason::ReplayMemoryFull);
            assert_eq!(advice(*reason).starts_with("See RFC"), by_itself, "{reason:?}");
        }
    }
}
