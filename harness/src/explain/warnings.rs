//! What a signature leaves open although it verifies.

use portal_core::rfc9421::{Algorithm, SignatureInput, VerifyingKey};

use super::base;
use super::data::Warning;
use super::read::{Body, Located, Start, Subject};

/// What the signature does not protect (RFC 9421 §7.2, §7.5).
pub(super) fn of(subject: &Subject, input: &SignatureInput, key: Option<&VerifyingKey>, now: u64) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |code, text: &str| found.push(Warning { code, text: text.to_owned() });
    let message = &subject.message;
    if input.components().is_empty() {
        warn("covers_nothing", "no component is covered: it fits any message");
    } else if let Start::Request(request) = &message.start {
        if !input.covers("@method") {
            warn("no_method", "@method is not covered: a GET can be turned into a DELETE");
        }
        target(input, request.target(), &mut warn);
    } else {
        if !input.covers("@status") {
            warn("no_status", "@status is not covered: an error can be turned into a success");
        }
        if !input.components().iter().any(|id| id.is_from_request()) {
            warn(
                "not_bound_to_request",
                "nothing of the request is covered (parameter req): it can be passed off as the answer to another request",
            );
        }
    }
    content(message, input, &mut warn);
    match (input.created(), input.expires()) {
        (None, None) => warn("no_time", "neither created nor expires: it can be used for ever"),
        (None, Some(_)) => warn("no_created", "no created: a verifier can't limit its age"),
        (Some(created), _) if created > now.saturating_add(60) => {
            warn("created_in_future", "created is in the future: some verifiers refuse that");
        }
        _ => {}
    }
    if input.keyid().is_none() {
        warn("no_keyid", "no keyid: the verifier has to know by other means which key it is");
    }
    if key.is_some_and(|key| key.algorithm() == Algorithm::RsaV1_5Sha256) {
        warn("rsa_v1_5", "rsa-v1_5-sha256 is for old keys; RFC 9421 §3.3.2 prefers rsa-pss-sha512");
    }
    found
}

fn target(input: &SignatureInput, target: &str, warn: &mut impl FnMut(&'static str, &str)) {
    if input.covers("@target-uri") {
        return;
    }
    let absolute = base::is_absolute(target) && input.covers("@request-target");
    if !input.covers("@authority") && !input.covers("host") && !absolute {
        warn("no_authority", "neither @target-uri nor @authority is covered: it can be sent to another host");
    }
    if input.covers("@request-target") {
        return;
    }
    if !input.covers("@path") {
        warn("no_path", "neither @target-uri nor @path is covered: it can be sent to another path");
    }
    if base::query(target).is_some() && !input.covers("@query") {
        warn("no_query", "the query is not covered as a whole: parameters can be added");
    }
}

fn content(message: &Located, input: &SignatureInput, warn: &mut impl FnMut(&'static str, &str)) {
    let has_content = match &message.body {
        Body::Known(content) => !content.is_empty(),
        Body::Unknown(_) => true,
    };
    let covered = input.components().iter().any(|id| id.name() == "content-digest" && !id.is_from_request());
    if !has_content || covered {
        return;
    }
    if message.fields().contains("content-digest") || message.trailers().contains("content-digest") {
        warn("digest_not_covered", "content-digest is not covered: content and digest can be exchanged together");
    } else {
        warn("no_digest", "there is content, but no Content-Digest: it can be exchanged");
    }
}
