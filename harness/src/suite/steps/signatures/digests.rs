//! Content-Digest (RFC 9530) of what arrived, computed here.

use aws_lc_rs::digest::{self, Algorithm, SHA256, SHA512};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::common::outcomes::the_only_one;
use super::super::prelude::*;
use crate::testbed::Received;
use crate::wire::{Content, generated_sha256};

pub(super) fn register(steps: &mut Steps) {
    steps.then("^(the request that|whatever) ({receiver}) received has the Content-Digest of its body$", has_digest);
}

async fn has_digest(world: &mut World, args: Args) -> StepResult {
    let receiver = Receiver::parse(args.text(1));
    if args.text(0) == "whatever" && world.scene().arrivals(&receiver)? == 0 {
        return Ok(());
    }
    let received = the_only_one(world, &receiver)?;
    let lines: Vec<&str> = received.values("content-digest").collect();
    expect_digests(&lines.join(", "), &received)
}

fn expect_digests(value: &str, received: &Received) -> StepResult {
    let mut known = 0;
    for member in value.split(',').map(str::trim).filter(|member| !member.is_empty()) {
        let (name, given) = member.split_once('=').unwrap_or((member, ""));
        let algorithm = match name {
            "sha-256" => &SHA256,
            "sha-512" => &SHA512,
            _ => continue,
        };
        known += 1;
        let right = format!(":{}:", BASE64_STANDARD.encode(digest_of(algorithm, received)?));
        let expected = format!("Content-Digest with {name}={right}, as the body that arrived has it");
        expect::holds(given == right, expected, || format!("Content-Digest: {value}"))?;
    }
    expect::holds(known > 0, "Content-Digest with sha-256 or sha-512", || match value {
        "" => "no Content-Digest".to_owned(),
        value => format!("Content-Digest: {value}"),
    })
}

fn digest_of(algorithm: &'static Algorithm, received: &Received) -> StepResult<Vec<u8>> {
    if let Some(body) = received.body() {
        return Ok(digest::digest(algorithm, &body).as_ref().to_vec());
    }
    // Longer than what is kept: then it is one that scenarios generate, or it has changed on the way.
    if generated_sha256(received.body_length) != received.body_sha256 {
        return Err(StepFailure::fail("the body that was sent", "another one of the same kind"));
    }
    let content = Content::Generated(received.body_length);
    let (mut hash, mut position) = (digest::Context::new(algorithm), 0);
    while position < received.body_length {
        let piece = content.piece(position);
        hash.update(&piece);
        position += piece.len() as u64;
    }
    Ok(hash.finish().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(body: Option<&str>) -> Received {
        let length = body.map_or(3 << 20, |body| body.len() as u64);
        Received {
            portal: "bob".into(),
            app: "chat".into(),
            method: "POST".into(),
            target: "/".into(),
            version: "HTTP/1.1".into(),
            host: "h".into(),
            fields: Vec::new(),
            body_b64: body.map(|body| BASE64_STANDARD.encode(body)),
            body_length: length,
            body_sha256: generated_sha256(length),
            trailers: Vec::new(),
            cut: None,
        }
    }

    const HELLO: &str = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";

    #[test]
    fn every_digest_has_to_match_and_there_has_to_be_one() {
        let check = |value: &str| expect_digests(value, &received(Some("hello")));
        check(HELLO).unwrap();
        check(&format!("crc32c=:AAAA:, {HELLO}")).unwrap();
        for wrong in ["", "nonsense", "crc32c=:AAAA:", "sha-512=:AAAA:", "sha-256", &format!("{HELLO}, sha-512=:AA==:")]
        {
            assert!(check(wrong).unwrap_err().is_fail(), "{wrong}");
        }
        assert!(expect_digests(HELLO, &received(Some("hallo"))).unwrap_err().is_fail());
    }

    #[test]
    fn bodies_too_long_to_be_kept_are_checked_too() {
        let long = received(None);
        for (name, algorithm) in [("sha-256", &SHA256), ("sha-512", &SHA512)] {
            let right = BASE64_STANDARD.encode(digest_of(algorithm, &long).unwrap());
            expect_digests(&format!("{name}=:{right}:"), &long).unwrap();
            let wrong = right.replace(&right[..4], "AAAA");
            assert!(expect_digests(&format!("{name}=:{wrong}:"), &long).unwrap_err().is_fail());
        }
        let changed = Received { body_sha256: "00".into(), ..long };
        assert!(digest_of(&SHA256, &changed).unwrap_err().is_fail());
    }
}
