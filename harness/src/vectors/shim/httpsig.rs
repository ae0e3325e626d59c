//! The crate `httpsig` as a subject, as it is: what it gets wrong is not mended here.
//!
//! The crate works on component values that its caller finds in the message. Here they are found as its extension for
//! hyper does it: the lines of a field, and the parts of the URI that the request is for. Everything that RFC 9421 makes
//! of them is the crate's work: joining, normalising, parameters of components, the base, keys, signatures, the expiry.
//!
//! What its documentation does not promise is not declared: `bs` and `tr` ("not supported yet"), digests (those are in
//! a crate beside it), Accept-Signature, a policy. It reads the system's clock.

use std::str::FromStr as _;

use ::httpsig::prelude::message_component::{
    DerivedComponentName as Derived, HttpMessageComponent, HttpMessageComponentId, HttpMessageComponentName as Name,
    HttpMessageComponentParam as Param,
};
use ::httpsig::prelude::{
    AlgorithmName, HttpSigError, HttpSigResult, HttpSignatureBase, HttpSignatureHeaders, HttpSignatureParams,
    PublicKey, SecretKey, SharedKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Subject;
use crate::vectors::corpus::{Feature, Op};
use crate::vectors::protocol::{Answer, Case, Clock, Hello, Outcome, Parsed, Request, WireKey};

/// The crate's version; Cargo.toml pins the same.
const VERSION: &str = "0.0.26";

/// The crate `httpsig`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Httpsig;

impl Subject for Httpsig {
    fn hello(&self) -> Hello {
        let algs =
            ["ed25519", "rsa-pss-sha512", "rsa-v1_5-sha256", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "hmac-sha256"];
        Hello {
            id: 0,
            implementation: "httpsig".to_owned(),
            version: VERSION.to_owned(),
            ops: vec![Op::Base, Op::Sign, Op::Verify],
            algs: algs.map(str::to_owned).to_vec(),
            features: vec![Feature::Sf, Feature::Key, Feature::Req, Feature::QueryParam, Feature::Response],
            clock: Clock::System,
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let (case, done) = match request {
            Request::Base(case) => (case, base(case)),
            Request::Sign(case) => (case, sign(case)),
            Request::Verify(case) => (case, verify(case)),
            Request::Digest(case) | Request::Accept(case) => return Answer::new(case.id, Outcome::Unsupported),
            Request::Hello { id, .. } => return Answer::new(*id, Outcome::Error).because("this is no case"),
        };
        done.unwrap_or_else(|refusal| match refusal {
            Refusal::Library(error) => Answer::new(case.id, Outcome::Rejected).because(error),
            Refusal::Request(text) => Answer::new(case.id, Outcome::Error).because(text),
        })
    }
}

/// Why there is no result.
enum Refusal {
    /// The library says so.
    Library(HttpSigError),
    /// The request of the suite is at fault.
    Request(&'static str),
}

impl From<HttpSigError> for Refusal {
    fn from(error: HttpSigError) -> Refusal {
        Refusal::Library(error)
    }
}

fn base(case: &Case) -> Result<Answer, Refusal> {
    let base = base_of(case, &params(case)?)?;
    Ok(Answer { base_b64: Some(STANDARD.encode(base.as_bytes())), ..Answer::new(case.id, Outcome::Ok) })
}

fn sign(case: &Case) -> Result<Answer, Refusal> {
    let base = base_of(case, &params(case)?)?;
    let key = case.key.as_ref().ok_or(Refusal::Request("the request lacks `key`"))?;
    let algorithm = algorithm(key, base.alg())?;
    let label = case.label.as_deref();
    let signed = match (secret(key), &key.pem) {
        (Some(secret), _) => base.build_signature_headers(&SharedKey::from_base64(&algorithm, &secret)?, label)?,
        (None, Some(pem)) => base.build_signature_headers(&SecretKey::from_pem(&algorithm, pem)?, label)?,
        (None, None) => return Err(unreadable(key)),
    };
    Ok(Answer {
        base_b64: Some(STANDARD.encode(base.as_bytes())),
        signature_b64: Some(signed.signature().to_string()),
        signature_input: Some(signed.signature_params().to_string()),
        ..Answer::new(case.id, Outcome::Ok)
    })
}

fn verify(case: &Case) -> Result<Answer, Refusal> {
    let joined = |name| field(&case.parsed, name).map(|lines| lines.join(", "));
    let found = HttpSignatureHeaders::try_parse(&joined("signature")?, &joined("signature-input")?)?;
    let rejected = |reason| Ok(Answer::new(case.id, Outcome::Rejected).because(reason));
    let label = case.label.as_deref().ok_or(Refusal::Request("the request lacks `label`"))?;
    let Some(headers) = found.get(label) else { return rejected("no signature of that label") };
    let base = base_of(case, headers.signature_params())?;
    let key = match (base.keyid(), case.keys.as_slice()) {
        (Some(keyid), keys) => keys.iter().find(|key| key.kid == keyid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(key) = key else { return rejected("no such key") };
    let verified = verify_with(key, &base, headers);
    let answer = match verified {
        Ok(()) => Answer::new(case.id, Outcome::Accepted),
        Err(Refusal::Library(error)) => Answer::new(case.id, Outcome::Rejected).because(error),
        Err(other) => return Err(other),
    };
    Ok(Answer { base_b64: Some(STANDARD.encode(base.as_bytes())), ..answer })
}

fn verify_with(key: &WireKey, base: &HttpSignatureBase, headers: &HttpSignatureHeaders) -> Result<(), Refusal> {
    let algorithm = algorithm(key, base.alg())?;
    match (secret(key), &key.pem) {
        (Some(secret), _) => base.verify_signature_headers(&SharedKey::from_base64(&algorithm, &secret)?, headers)?,
        (None, Some(pem)) => base.verify_signature_headers(&PublicKey::from_pem(&algorithm, pem)?, headers)?,
        (None, None) => return Err(unreadable(key)),
    }
    Ok(())
}

/// The crate knows no JWK.
fn unreadable(key: &WireKey) -> Refusal {
    HttpSigError::ParsePublicKeyError(format!("{} is there as JWK only", key.kid)).into()
}

fn params(case: &Case) -> Result<HttpSignatureParams, Refusal> {
    let input = case.signature_input.as_deref().ok_or(Refusal::Request("the request lacks `signature_input`"))?;
    Ok(HttpSignatureParams::try_from(input)?)
}

fn base_of(case: &Case, params: &HttpSignatureParams) -> HttpSigResult<HttpSignatureBase> {
    let line = |id: &HttpMessageComponentId| {
        let of_related = id.params.0.contains(&Param::Req);
        let message = match (of_related, &case.related_request_parsed) {
            (true, Some(request)) if case.parsed.status.is_some() => request,
            (true, _) => return Err(missing(id)),
            (false, _) => &case.parsed,
        };
        let values = values(message, &case.scheme, id)?;
        HttpMessageComponent::try_from((id, values.as_slice()))
    };
    let lines = params.covered_components.iter().map(line).collect::<HttpSigResult<Vec<_>>>()?;
    HttpSignatureBase::try_new(&lines, params)
}

/// What the crate wants to be told: the values of a field's lines, or the one of a derived component; of `@query-param`
/// the pairs of the query.
fn values(message: &Parsed, scheme: &str, id: &HttpMessageComponentId) -> HttpSigResult<Vec<String>> {
    let derived = match &id.name {
        Name::HttpField(name) => return field(message, name),
        Name::Derived(derived) => derived,
    };
    if *derived == Derived::Status {
        return Ok(vec![message.status.ok_or_else(|| missing(id))?.to_string()]);
    }
    let (Some(method), Some(target)) = (&message.method, &message.target) else { return Err(missing(id)) };
    if !is_visible(target) {
        return Err(missing(id));
    }
    let uri = Uri::of(method, target, scheme);
    // RFC 9112 §3.2: exactly one Host. Without it there is no URI that the request could be for.
    let authority = || match (uri.authority, field(message, "host")?.as_slice()) {
        (Some(own), _) => Ok(own.to_owned()),
        (None, [host]) if !host.is_empty() => Ok(host.clone()),
        (None, _) => Err(missing(id)),
    };
    Ok(match derived {
        Derived::Method => vec![method.clone()],
        Derived::TargetUri => vec![format!("{}://{}{}", uri.scheme, authority()?, uri.rest)],
        Derived::Authority => vec![authority()?],
        Derived::Scheme => vec![uri.scheme.to_owned()],
        Derived::RequestTarget => vec![target.clone()],
        Derived::Path => vec![if uri.path().is_empty() { "/" } else { uri.path() }.to_owned()],
        Derived::Query => vec![format!("?{}", uri.query())],
        Derived::QueryParam => uri.query().split('&').map(str::to_owned).collect(),
        Derived::SignatureParams => field(message, "signature-input")?,
        Derived::Status => Vec::new(),
    })
}

/// The URI that a request is for (RFC 9112 §3.3), in parts.
struct Uri<'a> {
    scheme: &'a str,
    /// Where it stands in the target itself.
    authority: Option<&'a str>,
    /// Path and query.
    rest: &'a str,
}

impl<'a> Uri<'a> {
    fn of(method: &str, target: &'a str, scheme: &'a str) -> Uri<'a> {
        match target.split_once("://") {
            _ if method == "CONNECT" => Uri { scheme, authority: Some(target), rest: "" },
            _ if target == "*" => Uri { scheme, authority: None, rest: "" },
            Some((own, rest)) if !target.starts_with('/') => {
                let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                Uri { scheme: own, authority: Some(authority), rest }
            }
            _ => Uri { scheme, authority: None, rest: target },
        }
    }

    fn path(&self) -> &'a str {
        self.rest.split_once('?').map_or(self.rest, |(path, _)| path)
    }

    fn query(&self) -> &'a str {
        self.rest.split_once('?').map_or("", |(_, query)| query)
    }
}

fn missing(id: &HttpMessageComponentId) -> HttpSigError {
    HttpSigError::InvalidComponent(format!("the message has no {id}"))
}

/// The lines of a field, as text: as with `HeaderValue::to_str` of the crate `http`, only visible ASCII, spaces and tabs.
/// Folding is undone (RFC 9112 §5.2): it is no matter for whoever reads no HTTP.
fn field(message: &Parsed, name: &str) -> HttpSigResult<Vec<String>> {
    let unfolded =
        |value: &str| value.split("\r\n").map(|line| line.trim_matches([' ', '\t'])).collect::<Vec<_>>().join(" ");
    let lines = message.fields.iter().filter(|[known, _]| known.eq_ignore_ascii_case(name));
    let text = |[_, value]: &[String; 2]| match unfolded(value) {
        value if is_visible(&value) => Ok(value),
        _ => Err(HttpSigError::InvalidComponent(format!("the field {name} is no text"))),
    };
    lines.map(text).collect()
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// The key's own algorithm, or what the signature says; an Ed25519 key has no other.
fn algorithm(key: &WireKey, stated: Option<&str>) -> HttpSigResult<AlgorithmName> {
    let text = |name| key.jwk.get(name).and_then(|value| value.as_str());
    let by_kind = match (text("kty"), text("crv")) {
        (_, Some("Ed25519")) => Some("ed25519"),
        (_, Some("P-256")) => Some("ecdsa-p256-sha256"),
        (_, Some("P-384")) => Some("ecdsa-p384-sha384"),
        (Some("oct"), _) => Some("hmac-sha256"),
        _ => None,
    };
    let name = key.alg.as_deref().or(by_kind).or(stated).unwrap_or("rsa-pss-sha512");
    AlgorithmName::from_str(name)
}

/// A shared secret as the crate reads it. That a JWK may be for something else, it doesn't know.
fn secret(key: &WireKey) -> Option<String> {
    if key.jwk.get("alg").is_some_and(|alg| alg != "HS256") {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(key.jwk.get("k")?.as_str()?).ok()?;
    Some(STANDARD.encode(bytes))
}
