//! The engine of the compact Core (`portal_core::rfc9421`) as a subject.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::digest::ContentDigest;
use portal_core::rfc9421 as engine;
use portal_core::rfc9421::{
    Algorithm, FieldType, FieldTypes, Limits, Message, Reason, Rejection, RequestedSignature, Requirement, Scheme,
    SignatureBase, SignatureInput, Signatures, SigningKey, Step, VerifyingKey,
};

use super::Subject;
use crate::vectors::corpus::{Feature, FieldTypeName, Op};
use crate::vectors::protocol::{Answer, Case, Clock, Hello, Outcome, Request, WireKey};

/// How long a signature holds that is asked for with `expires`, in seconds: the signer's choice (RFC 9421 §5.1).
const EXPIRES_AFTER: u64 = 300;

/// The engine, which can do all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Core;

impl Subject for Core {
    fn hello(&self) -> Hello {
        Hello {
            id: 0,
            implementation: "portal-core".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ops: Op::ALL.to_vec(),
            algs: Algorithm::ALL.map(|algorithm| algorithm.as_str().to_owned()).to_vec(),
            features: Feature::ALL.to_vec(),
            clock: Clock::Injected,
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let (case, done) = match request {
            Request::Hello { id, .. } => return Answer::new(*id, Outcome::Error).because("this is no case"),
            Request::Base(case) => (case, base(case)),
            Request::Sign(case) => (case, sign(case)),
            Request::Verify(case) => (case, verify(case)),
            Request::Digest(case) => (case, digest(case)),
            Request::Accept(case) => (case, accept(case)),
        };
        let answer = done.unwrap_or_else(|refusal| refusal.answer());
        Answer { id: case.id, ..answer }
    }
}

fn base(case: &Case) -> Result<Answer, Refusal> {
    let taken = Taken::of(case)?;
    let input = input(case)?;
    let base = SignatureBase::build(&taken.message(), &input, &field_types(case)).map_err(at(Step::Base))?;
    Ok(Answer { base_b64: Some(STANDARD.encode(base.as_bytes())), ..Answer::new(case.id, Outcome::Ok) })
}

fn sign(case: &Case) -> Result<Answer, Refusal> {
    let taken = Taken::of(case)?;
    let label = label(case)?;
    let key = signing_key(case)?;
    let signed = engine::sign_with(&taken.message(), label, &input(case)?, &key, &field_types(case))
        .map_err(|error| Refusal::new(Outcome::Rejected, None, error))?;
    let of_label = |value: &str| value.strip_prefix(label).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned);
    let signature = of_label(&signed.signature_value).map(|value| value.trim_matches(':').to_owned());
    Ok(Answer {
        base_b64: Some(STANDARD.encode(signed.base.as_bytes())),
        signature_b64: signature,
        signature_input: of_label(&signed.signature_input_value),
        ..Answer::new(case.id, Outcome::Ok)
    })
}

fn verify(case: &Case) -> Result<Answer, Refusal> {
    let taken = Taken::of(case)?;
    let message = taken.message();
    let label = label(case)?;
    let policy = policy(case)?;
    let signatures = Signatures::parse(&message, &Limits::default())?;
    let now = case.now.ok_or_else(|| Refusal::lacks("now"))?;
    let key = match signatures.require(label) {
        Ok(found) => verifying_key(&case.keys, found.input.keyid()).map_err(|refusal| {
            refusal.with_base(SignatureBase::build(&message, &found.input, &policy.field_types).ok().as_ref())
        })?,
        // It is refused before the key is looked at, with the base where one can be made.
        Err(_) => VerifyingKey::from_shared_secret(&[0; 32]),
    };
    let verified = engine::verify(&message, label, &signatures, &key, &policy, now)?;
    Ok(Answer {
        base_b64: Some(STANDARD.encode(verified.base().as_bytes())),
        ..Answer::new(case.id, Outcome::Accepted)
    })
}

fn digest(case: &Case) -> Result<Answer, Refusal> {
    let taken = Taken::of(case)?;
    let message = taken.message();
    let refuse = |error: &dyn std::fmt::Display| Refusal::new(Outcome::Rejected, Some(Step::Digest), error);
    // RFC 9530 §2: the field may stand in the trailers, too.
    let header = ContentDigest::of(message.fields()).map_err(|error| refuse(&error))?;
    let trailer = ContentDigest::of(message.trailers()).map_err(|error| refuse(&error))?;
    if header.is_none() && trailer.is_none() {
        return Err(refuse(&Reason::DigestMissing));
    }
    for digest in header.iter().chain(&trailer) {
        digest.check(&taken.body).map_err(|error| refuse(&error))?;
    }
    Ok(Answer::new(case.id, Outcome::Accepted))
}

fn accept(case: &Case) -> Result<Answer, Refusal> {
    let taken = Taken::of(case)?;
    let label = label(case)?;
    let now = case.now.ok_or_else(|| Refusal::lacks("now"))?;
    let key = case.key.as_ref().ok_or_else(|| Refusal::lacks("key"))?;
    let asked = RequestedSignature::parse(&taken.message(), &Limits::default()).map_err(at(Step::Parse))?;
    let asked = asked.iter().find(|asked| asked.label() == label);
    let asked = asked.ok_or_else(|| Refusal::from(Rejection::new(Step::Select, Reason::NoSuchLabel)))?;
    if asked.keyid().is_some_and(|keyid| keyid != key.kid) {
        return Err(Rejection::new(Step::Key, Reason::UnknownKey).into());
    }
    let algorithm = signing_key(case)?.algorithm();
    let input = asked.fulfil(now, Some(now + EXPIRES_AFTER), algorithm).map_err(at(Step::Policy))?;
    Ok(Answer { signature_input: Some(input.to_string()), ..Answer::new(case.id, Outcome::Ok) })
}

/// The message of a case, read from its bytes.
struct Taken {
    message: Kind,
    related: Option<engine::Request>,
    body: Vec<u8>,
}

enum Kind {
    Request(engine::Request),
    Response(engine::Response),
}

impl Taken {
    fn of(case: &Case) -> Result<Taken, Refusal> {
        let scheme = match case.scheme.as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(Refusal::error("`scheme` is neither `https` nor `http`")),
        };
        let bytes = decoded("message_b64", &case.message_b64)?;
        let unreadable = |error| Refusal::new(Outcome::Rejected, Some(Step::Parse), error);
        let (message, body) = if bytes.starts_with(b"HTTP/") {
            let (response, body) = engine::Response::parse_http1(&bytes).map_err(unreadable)?;
            (Kind::Response(response), body)
        } else {
            let (request, body) = engine::Request::parse_http1(&bytes, scheme).map_err(unreadable)?;
            (Kind::Request(request), body)
        };
        let related = match &case.related_request_b64 {
            None => None,
            Some(text) => {
                let bytes = decoded("related_request_b64", text)?;
                Some(engine::Request::parse_http1(&bytes, scheme).map_err(unreadable)?.0)
            }
        };
        Ok(Taken { message, related, body })
    }

    fn message(&self) -> Message<'_> {
        match &self.message {
            Kind::Request(request) => Message::Request(request),
            Kind::Response(response) => Message::Response { response, request: self.related.as_ref() },
        }
    }
}

fn label(case: &Case) -> Result<&str, Refusal> {
    case.label.as_deref().ok_or_else(|| Refusal::lacks("label"))
}

fn input(case: &Case) -> Result<SignatureInput, Refusal> {
    let text = case.signature_input.as_deref().ok_or_else(|| Refusal::lacks("signature_input"))?;
    text.parse().map_err(at(Step::Parse))
}

fn field_types(case: &Case) -> FieldTypes {
    case.field_types.iter().fold(FieldTypes::default(), |types, (name, kind)| {
        let kind = match kind {
            FieldTypeName::List => FieldType::List,
            FieldTypeName::Dictionary => FieldType::Dictionary,
            FieldTypeName::Item => FieldType::Item,
        };
        types.with(name, kind)
    })
}

fn policy(case: &Case) -> Result<engine::Policy, Refusal> {
    let wanted = &case.policy;
    let required = wanted.required.iter().map(|id| Requirement::all(&[id]));
    let default = engine::Policy::default();
    Ok(engine::Policy {
        required: required.collect::<Result<_, _>>().map_err(Refusal::error)?,
        // A name that is not in the registry allows nothing.
        algorithms: match wanted.algs.as_slice() {
            [] => default.algorithms,
            names => names.iter().filter_map(|name| name.parse().ok()).collect(),
        },
        max_age: wanted.max_age,
        skew: wanted.skew.unwrap_or(default.skew),
        tag: wanted.tag.clone(),
        require_created: wanted.require_created.unwrap_or(default.require_created),
        reject_expired: wanted.reject_expired.unwrap_or(default.reject_expired),
        field_types: field_types(case),
        ..default
    })
}

/// RFC 9421 §3.2 step 5: the key that `keyid` names; without a `keyid`, the only one that is known.
fn verifying_key(keys: &[WireKey], keyid: Option<&str>) -> Result<VerifyingKey, Refusal> {
    let key = match (keyid, keys) {
        (Some(keyid), _) => keys.iter().find(|key| key.kid == keyid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let key = key.ok_or_else(|| Refusal::from(Rejection::new(Step::Key, Reason::UnknownKey)))?;
    let read = VerifyingKey::from_jwk(&jwk(key)?).map_err(at(Step::Key))?;
    match algorithm(key)? {
        Some(algorithm) => read.with_algorithm(algorithm).map_err(at(Step::Key)),
        None => Ok(read),
    }
}

fn signing_key(case: &Case) -> Result<SigningKey, Refusal> {
    let key = case.key.as_ref().ok_or_else(|| Refusal::lacks("key"))?;
    let read = SigningKey::from_jwk(&jwk(key)?).map_err(at(Step::Key))?;
    match algorithm(key)? {
        Some(algorithm) => read.with_algorithm(algorithm).map_err(at(Step::Key)),
        None => Ok(read),
    }
}

fn jwk(key: &WireKey) -> Result<String, Refusal> {
    serde_json::to_string(&key.jwk).map_err(Refusal::error)
}

fn algorithm(key: &WireKey) -> Result<Option<Algorithm>, Refusal> {
    key.alg.as_deref().map(str::parse).transpose().map_err(at(Step::Key))
}

fn decoded(what: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|error| Refusal::error(format!("`{what}` is not base64: {error}")))
}

/// Why there is no result.
struct Refusal {
    outcome: Outcome,
    stage: Option<Step>,
    reason: String,
    base_b64: Option<String>,
}

impl Refusal {
    fn new(outcome: Outcome, stage: Option<Step>, reason: impl ToString) -> Refusal {
        Refusal { outcome, stage, reason: reason.to_string(), base_b64: None }
    }

    /// The request is at fault, or this shim.
    fn error(reason: impl ToString) -> Refusal {
        Refusal::new(Outcome::Error, None, reason)
    }

    fn lacks(field: &str) -> Refusal {
        Refusal::error(format!("the request lacks `{field}`"))
    }

    fn with_base(self, base: Option<&SignatureBase>) -> Refusal {
        Refusal { base_b64: base.map(|base| STANDARD.encode(base.as_bytes())), ..self }
    }

    fn answer(self) -> Answer {
        Answer {
            stage: self.stage.map(|stage| stage.as_str().to_owned()),
            base_b64: self.base_b64,
            ..Answer::new(0, self.outcome).because(self.reason)
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        let reason = match &rejection.component {
            Some(component) => format!("{} ({component})", rejection.reason),
            None => rejection.reason.to_string(),
        };
        Refusal::new(Outcome::Rejected, Some(rejection.step), reason).with_base(rejection.base.as_ref())
    }
}

fn at<E: ToString>(stage: Step) -> impl Fn(E) -> Refusal {
    move |error| Refusal::new(Outcome::Rejected, Some(stage), error.to_string())
}
