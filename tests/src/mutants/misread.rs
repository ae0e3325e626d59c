//! Cores that take for a signature what is none, or is one of something else (AUTH-4 to AUTH-8).

use countersign::attack::keys::hmac_sha256;
use portal_core::CoreBuilder;
use portal_core::rfc9421::{Algorithm, Policy, Requirement, VerifyingKey};

use super::lenient::{Leniency, Proof, Reads, STRICT, lenient};
use super::{Mutant, core};

pub(super) const MUTANTS: &[Mutant] = &[
    // What can't be read (AUTH-4).
    core("knows-no-case-in-labels", "AUTH-4", |it| {
        reads(
            it,
            Reads::Both(|line| match line.split_once('=') {
                Some((label, rest)) => format!("{}={rest}", label.to_ascii_lowercase()),
                None => line.to_owned(),
            }),
        )
    }),
    core("gives-every-label-its-own-name", "AUTH-4", |it| {
        reads(
            it,
            Reads::Both(|line| match line.split_once('=') {
                Some((_, rest)) => format!("only={rest}"),
                None => line.to_owned(),
            }),
        )
    }),
    core("forgives-a-comma-at-the-end", "AUTH-4", |it| {
        reads(it, Reads::Both(|line| line.trim_end_matches([',', ' ']).to_owned()))
    }),
    core("reads-as-far-as-it-can", "AUTH-4", |it| {
        reads(it, Reads::Both(|line| line.split(", ").next().unwrap_or_default().to_owned()))
    }),
    core("puts-back-colons", "AUTH-4", |it| {
        reads(
            it,
            Reads::Field("signature", |line| match line.split_once('=') {
                Some((label, bytes)) => format!("{label}=:{}:", bytes.trim_matches([':', '"', '(', ')'])),
                None => line.to_owned(),
            }),
        )
    }),
    core("drops-what-is-not-base64", "AUTH-4", |it| {
        reads(
            it,
            Reads::Field("signature", |line| {
                line.chars().filter(|c| c.is_ascii_alphanumeric() || "=:+/,".contains(*c)).collect()
            }),
        )
    }),
    core("knows-no-types-of-parameters", "AUTH-4", |it| {
        takes(it, |proof| {
            proof.is_genuine() && proof.covers_the_request() && !has_doubled_component(proof) && is_plain(proof)
        })
    }),
    core("takes-any-component", "AUTH-4", |it| {
        takes(it, |proof| {
            proof.is_genuine() && proof.covers_the_request() && !has_doubled_component(proof) && is_recent(proof)
        })
    }),
    core("takes-a-component-twice", "AUTH-4", |it| {
        takes(it, |proof| {
            proof.is_genuine() && proof.covers_the_request() && has_doubled_component(proof) && is_recent(proof)
        })
    }),
    // Other algorithms (AUTH-5).
    core("takes-a-public-key-for-a-secret", "AUTH-5", |it| {
        takes(it, |proof| {
            let secret = proof.peer.public_key_pem.as_bytes();
            hmac_sha256(secret, proof.base.as_bytes()) == proof.signature.signature && proof.covers_the_request()
        })
    }),
    core("takes-an-algorithm-that-there-is-not", "AUTH-5", |it| {
        takes(it, |proof| {
            let is_unknown =
                proof.parameter("alg").is_some_and(|alg| !Algorithm::ALL.iter().any(|it| it.as_str() == alg));
            is_unknown && proof.is_genuine() && proof.covers_the_request() && is_recent(proof)
        })
    }),
    core("knows-no-case-in-algorithms", "AUTH-5", |it| {
        takes(it, |proof| {
            proof.parameter("alg") == Some("ED25519")
                && proof.is_genuine()
                && proof.covers_the_request()
                && is_recent(proof)
        })
    }),
    core("takes-rsa-of-the-old-way", "AUTH-5", |it| {
        takes(it, |proof| {
            let key = VerifyingKey::from_pem(&proof.peer.public_key_pem);
            let old = key.and_then(|key| key.with_algorithm(Algorithm::RsaV1_5Sha256));
            old.is_ok_and(|key| key.verify(proof.base.as_bytes(), &proof.signature.signature))
                && proof.covers_the_request()
                && is_recent(proof)
        })
    }),
    // Too little covered (AUTH-6).
    core("asks-for-no-method", "AUTH-6", |it| asks(it, |policy| requires(policy, &[&["@target-uri"], TARGET]))),
    core("asks-for-no-authority", "AUTH-6", |it| {
        asks(it, |policy| requires(policy, &[&["@method", "@path", "@query"]]))
    }),
    core("asks-for-no-path", "AUTH-6", |it| {
        asks(it, |policy| requires(policy, &[&["@method", "@authority", "@query"]]))
    }),
    core("asks-for-no-query", "AUTH-6", |it| {
        asks(it, |policy| requires(policy, &[&["@method", "@authority", "@path"]]))
    }),
    core("is-content-with-the-host-field", "AUTH-6", |it| {
        asks(it, |policy| requires(policy, &[&["@method", "host", "@path", "@query"]]))
    }),
    core("is-content-with-the-scheme", "AUTH-6", |it| {
        asks(it, |policy| requires(policy, &[&["@method", "@scheme", "@path", "@query"]]))
    }),
    // Time (AUTH-7, AUTH-8).
    core("asks-for-no-age-where-there-is-an-end", "AUTH-8", |it| {
        takes(it, |proof| {
            let ends = proof.parameter("expires").and_then(|end| end.parse().ok());
            ends.is_some_and(|end: u64| end > proof.now) && proof.is_genuine() && proof.covers_the_request()
        })
    }),
    core("reads-times-in-milliseconds", "AUTH-8", |it| {
        takes(it, |proof| {
            let created = proof.parameter("created").and_then(|created| created.parse().ok());
            created.is_some_and(|created: u64| (created / 1000).abs_diff(proof.now) < 300)
                && proof.is_genuine()
                && proof.covers_the_request()
        })
    }),
    core("takes-zero-for-no-time", "AUTH-8", |it| {
        takes(it, |proof| proof.parameter("created") == Some("0") && proof.is_genuine() && proof.covers_the_request())
    }),
    core("takes-zero-for-no-end", "AUTH-7", |it| {
        takes(it, |proof| {
            proof.parameter("expires") == Some("0")
                && proof.is_genuine()
                && proof.covers_the_request()
                && is_recent(proof)
        })
    }),
    core("forgives-half-an-hour-after-the-end", "AUTH-7", |it| {
        takes(it, |proof| {
            let ended = proof.parameter("expires").and_then(|end| end.parse().ok());
            ended.is_some_and(|end: u64| end + 1_800 > proof.now)
                && proof.is_genuine()
                && proof.covers_the_request()
                && is_recent(proof)
        })
    }),
];

const TARGET: &[&str] = &["@authority", "@path", "@query"];

fn reads(it: CoreBuilder, reads: Reads) -> CoreBuilder {
    lenient(it, Leniency { reads, ..STRICT })
}

fn takes(it: CoreBuilder, takes: fn(&Proof<'_>) -> bool) -> CoreBuilder {
    lenient(it, Leniency { takes, ..STRICT })
}

fn asks(it: CoreBuilder, asks: fn(&mut Policy)) -> CoreBuilder {
    lenient(it, Leniency { asks, ..STRICT })
}

/// One of these sets is enough.
fn requires(policy: &mut Policy, sets: &[&[&str]]) {
    policy.required = Requirement::any(sets).into_iter().collect();
}

fn is_recent(proof: &Proof<'_>) -> bool {
    let created = proof.parameter("created").and_then(|created| created.parse().ok());
    created.is_some_and(|created: u64| created.abs_diff(proof.now) < 300)
}

fn has_doubled_component(proof: &Proof<'_>) -> bool {
    let covered = &proof.signature.covered;
    covered.iter().enumerate().any(|(at, one)| covered[..at].contains(one))
}

/// Whether all that is covered is what a request has, and without parameters.
fn is_plain(proof: &Proof<'_>) -> bool {
    let derived = ["@method", "@target-uri", "@authority", "@path", "@query"];
    proof.signature.covered.iter().all(|item| {
        let name = item.trim_matches('"');
        derived.contains(&name) || !name.starts_with('@') && !name.contains('"')
    })
}
