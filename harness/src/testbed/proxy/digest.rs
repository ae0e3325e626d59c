//! A body whose digest is signed is checked before the app sees any of it (PROXY-10): the Core, which verifies the
//! signature, never sees the body.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use http_body::Body as HttpBody;
use portal_core::digest::{Checker, ContentDigest};
use portal_core::rfc9421::{Limits, Message, Request, Scheme, Signatures};
use portal_core::spool::{SpoolError, SpoolLimits, Spooled, spool};

use super::refuse::Refusal;
use super::upstream::BoxError;
use crate::testbed::faults::{Faults, ProxyFault};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE_INPUT: &str = "signature-input";

/// What to check a body against: `None` where no signature covers a Content-Digest.
pub(super) fn wanted(fields: &HeaderMap, peer: bool, faults: Faults) -> Result<Option<Checker>, Refusal> {
    let skips = faults.has(ProxyFault::SkipsDigestCheck) || faults.has(ProxyFault::ChecksDigestOfPeersOnly) && !peer;
    if skips || !fields.contains_key(&CONTENT_DIGEST) || !is_covered(fields) {
        return Ok(None);
    }
    let last = if faults.has(ProxyFault::ChecksOneDigestOnly) { 1 } else { usize::MAX };
    let lines = fields.get_all(&CONTENT_DIGEST).iter().map(HeaderValue::as_bytes);
    let unusable = |error: portal_core::digest::DigestError| Refusal::DigestUnusable(error.to_string());
    match ContentDigest::parse(lines.take(last)).and_then(|digest| digest.checker()) {
        Err(_) if faults.has(ProxyFault::PassesUncheckableDigests) => Ok(None),
        checker => checker.map(Some).map_err(unusable),
    }
}

/// Takes the whole body in and checks it.
pub(super) async fn check<B>(body: B, limits: &SpoolLimits, mut checker: Option<Checker>) -> Result<Spooled, Refusal>
where
    B: HttpBody<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let see = |piece: &[u8]| checker.iter_mut().for_each(|checker| checker.update(piece));
    let spooled = spool(body, limits, see).await.map_err(|error| match error {
        SpoolError::TooLarge { limit } => Refusal::BodyTooLarge(limit),
        SpoolError::Broken(_) => Refusal::BodyBroken,
        SpoolError::Stalled(_) => Refusal::BodySilent,
        SpoolError::Disk(error) => Refusal::SpoolFailed(error.to_string()),
    })?;
    checker.map_or(Ok(()), Checker::finish).map_err(|_| Refusal::DigestMismatch)?;
    Ok(spooled)
}

/// Whether any signature covers Content-Digest. Where the field can't be read, its words decide: in doubt the body is checked.
fn is_covered(fields: &HeaderMap) -> bool {
    let inputs = || fields.get_all(SIGNATURE_INPUT).iter().map(HeaderValue::as_bytes);
    match signatures(fields) {
        Some(signatures) => {
            let mut components = signatures.iter().flat_map(|signature| signature.input.components());
            components.any(|component| component.name() == CONTENT_DIGEST.as_str())
        }
        None => inputs().any(|line| line.windows(14).any(|part| part == b"content-digest")),
    }
}

fn signatures(fields: &HeaderMap) -> Option<Signatures> {
    let mut request = Request::new("GET", "/", Scheme::Https).ok()?;
    for name in [SIGNATURE_INPUT, "signature"] {
        for value in fields.get_all(name) {
            request.fields_mut().push(name, value.as_bytes()).ok()?;
        }
    }
    Signatures::parse(&Message::Request(&request), &Limits::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    const WRONG: &str = "sha-512=:AAAA:";

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_str(v).unwrap())).collect()
    }

    fn outcome(lines: &[(&'static str, &str)], body: &[u8]) -> Result<bool, &'static str> {
        let Some(mut checker) = wanted(&fields(lines), false, Faults::NONE).map_err(|refusal| refusal.code())? else {
            return Ok(false);
        };
        checker.update(body);
        checker.finish().map(|()| true).map_err(|_| "mismatch")
    }

    fn signed(digest: &str, covered: &str) -> Result<bool, &'static str> {
        let input = format!("sig1=({covered});keyid=\"content-digest\"");
        outcome(
            &[("content-digest", digest), ("signature-input", &input), ("signature", "sig1=:AAAA:")],
            br#"{"hello": "world"}"#,
        )
    }

    #[test]
    fn a_digest_counts_where_a_signature_covers_it() {
        assert_eq!(signed(DIGEST, r#""@method" "content-digest""#), Ok(true));
        assert_eq!(signed(WRONG, r#""@method" "content-digest""#), Err("mismatch"));
        assert_eq!(signed(WRONG, r#""@method""#), Ok(false));
        assert_eq!(outcome(&[("content-digest", WRONG)], b""), Ok(false));
        assert_eq!(
            outcome(&[("signature-input", r#"a=("content-digest")"#), ("signature", "a=:AAAA:")], b""),
            Ok(false)
        );
    }

    #[test]
    fn any_signature_and_any_digest_counts() {
        let lines = [
            ("content-digest", DIGEST),
            ("content-digest", WRONG),
            ("signature-input", r#"a=("@method")"#),
            ("signature-input", r#"b=("content-digest";sf)"#),
            ("signature", "a=:AAAA:, b=:AAAA:"),
        ];
        assert_eq!(outcome(&lines, br#"{"hello": "world"}"#), Err("mismatch"));
    }

    #[test]
    fn in_doubt_the_body_is_checked() {
        let lines = [("content-digest", WRONG), ("signature-input", r#"a=("content-digest"#)];
        assert_eq!(outcome(&lines, b""), Err("mismatch"));
    }

    #[test]
    fn a_covered_digest_that_cannot_be_checked_is_refused() {
        assert_eq!(signed("md5=:AAAA:", r#""content-digest""#), Err("digest_unusable"));
        assert_eq!(signed("sha-256=1", r#""content-digest""#), Err("digest_unusable"));
    }
}
