//! What signers get wrong with the right base: encodings of the signature, hashes, salts, another key.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self as aws, ParsedPublicKey, RsaParameters, RsaPssSaltLength, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use portal_core::rfc9421::{Algorithm, VerifyingKey};

use super::{Deviation, Trial};

const ENCODING: &str = "The Byte Sequence holds the signature's own bytes, encoded in base64 once (RFC 9421 §4.2).";
const RAW_ECDSA: &str = "An ECDSA signature is r and s, each padded to the size of the curve, one behind the other; no ASN.1 (RFC 9421 §3.3.4, §3.3.5).";
const PSS: &str = "rsa-pss-sha512 is PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes (RFC 9421 §3.3.1).";
const V1_5: &str = "rsa-v1_5-sha256 is PKCS #1 v1.5 with SHA-256 (RFC 9421 §3.3.2).";
const CURVE_HASH: &str = "P-256 goes with SHA-256 and P-384 with SHA-384 (RFC 9421 §3.3.4, §3.3.5).";
const PREHASH: &str = "The base itself is what the algorithm signs; it does the hashing (RFC 9421 §3.3).";
const KEY: &str = "Give the verifier the key that keyid names, or have the signer name the right one.";
const LABEL: &str = "A signature and its input stand under one label (RFC 9421 §4).";

/// Whether a signature over a base verifies.
type Check<'t> = Box<dyn Fn(&[u8]) -> bool + 't>;

/// Other ways to check the signature.
pub(super) fn alternatives<'t>(trial: &Trial<'t>) -> Vec<(Deviation, Check<'t>)> {
    let mut found: Vec<(Deviation, Check<'t>)> = Vec::new();
    let (key, signature) = (&trial.key.key, trial.signature);
    for other in trial.keys.iter().filter(|other| other.name != trial.key.name) {
        let did = format!("signed with the key {}, not with {}", other.name, trial.key.name);
        let check = |base: &[u8]| bindings(&other.key).iter().any(|bound| bound.verify(base, signature));
        found.push((Deviation::new("other_key", did, KEY), Box::new(check)));
    }
    for (label, bytes) in &trial.others {
        let did = format!("put the signature of {} under {label}", trial.label);
        let bytes = *bytes;
        found.push((Deviation::new("other_label", did, LABEL), Box::new(move |base| key.verify(base, bytes))));
    }
    for (did, bytes) in encodings(signature) {
        found.push((
            Deviation::new("signature_encoding", did, ENCODING),
            Box::new(move |base| key.verify(base, &bytes)),
        ));
    }
    for (did, hash) in prehashes() {
        let check = move |base: &[u8]| key.verify(&hash(base), signature);
        found.push((Deviation::new("prehashed", did, PREHASH), Box::new(check)));
    }
    match key.algorithm() {
        Algorithm::EcdsaP256Sha256 => found.extend(ecdsa(key, signature, 32)),
        Algorithm::EcdsaP384Sha384 => found.extend(ecdsa(key, signature, 48)),
        Algorithm::RsaPssSha512 | Algorithm::RsaV1_5Sha256 => found.extend(rsa(key, signature)),
        Algorithm::HmacSha256 => {
            for (did, other) in &trial.key.mistaken {
                let check = move |base: &[u8]| other.verify(base, signature);
                found.push((Deviation::new("secret_not_decoded", *did, KEY), Box::new(check)));
            }
        }
        Algorithm::Ed25519 => {}
    }
    found
}

fn bindings(key: &VerifyingKey) -> Vec<VerifyingKey> {
    let others = Algorithm::ALL.into_iter().filter_map(|algorithm| key.clone().with_algorithm(algorithm).ok());
    others.collect()
}

/// The bytes of the signature, taken for text in some encoding.
fn encodings(signature: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = signature.trim_ascii();
    let mut found = Vec::new();
    let base64 = [STANDARD.decode(text), URL_SAFE.decode(text), URL_SAFE_NO_PAD.decode(text)];
    if let Some(bytes) = base64.into_iter().find_map(Result::ok) {
        found.push(("encoded the signature in base64 twice", bytes));
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let nibbles: Option<Vec<u32>> = text.iter().map(digit).collect();
    if let Some(nibbles) = nibbles.filter(|nibbles| nibbles.len().is_multiple_of(2) && !nibbles.is_empty()) {
        let bytes = nibbles.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect();
        found.push(("encoded the signature in hexadecimal before base64", bytes));
    }
    found
}

type Hash = fn(&[u8]) -> Vec<u8>;

fn prehashes() -> [(&'static str, Hash); 6] {
    [
        ("signed the SHA-256 hash of the base", |base| digest::digest(&digest::SHA256, base).as_ref().to_vec()),
        ("signed the SHA-384 hash of the base", |base| digest::digest(&digest::SHA384, base).as_ref().to_vec()),
        ("signed the SHA-512 hash of the base", |base| digest::digest(&digest::SHA512, base).as_ref().to_vec()),
        ("signed the SHA-256 hash of the base in hexadecimal", |base| {
            hex(digest::digest(&digest::SHA256, base).as_ref())
        }),
        ("signed the SHA-512 hash of the base in hexadecimal", |base| {
            hex(digest::digest(&digest::SHA512, base).as_ref())
        }),
        ("signed the base in base64", |base| STANDARD.encode(base).into_bytes()),
    ]
}

pub(super) fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// The public key for another algorithm of the library's than the engine uses.
fn parsed(key: &VerifyingKey, algorithm: &'static dyn VerificationAlgorithm) -> Option<ParsedPublicKey> {
    let pem = key.public_key_pem().ok()?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    ParsedPublicKey::new(algorithm, STANDARD.decode(body).ok()?).ok()
}

fn with<'t>(key: &VerifyingKey, algorithm: &'static dyn VerificationAlgorithm, signature: Vec<u8>) -> Check<'t> {
    let key = parsed(key, algorithm);
    Box::new(move |base| key.as_ref().is_some_and(|key| key.verify_sig(base, &signature).is_ok()))
}

fn ecdsa<'t>(key: &'t VerifyingKey, signature: &[u8], size: usize) -> Vec<(Deviation, Check<'t>)> {
    let mut found: Vec<(Deviation, Check<'t>)> = Vec::new();
    let (own, others): (&'static dyn VerificationAlgorithm, [(&'static str, &'static dyn VerificationAlgorithm); 2]) =
        if size == 32 {
            let others: [(_, &'static dyn VerificationAlgorithm); 2] =
                [("SHA-384", &aws::ECDSA_P256_SHA384_ASN1), ("SHA-512", &aws::ECDSA_P256_SHA512_ASN1)];
            (&aws::ECDSA_P256_SHA256_ASN1, others)
        } else {
            let others: [(_, &'static dyn VerificationAlgorithm); 2] =
                [("SHA-256", &aws::ECDSA_P384_SHA256_ASN1), ("SHA-512", &aws::ECDSA_P384_SHA512_ASN1)];
            (&aws::ECDSA_P384_SHA384_ASN1, others)
        };
    let der = Deviation::new("ecdsa_der", "encoded the signature in DER", RAW_ECDSA);
    found.push((der, with(key, own, signature.to_vec())));
    for (name, algorithm) in others {
        let did = format!("hashed with {name}");
        let asn1 = if signature.len() == 2 * size { asn1(signature) } else { signature.to_vec() };
        found.push((Deviation::new("other_hash", did, CURVE_HASH), with(key, algorithm, asn1)));
    }
    if signature.len() == 2 * size {
        let (r, s) = signature.split_at(size);
        let swapped = [s, r].concat();
        let deviation = Deviation::new("ecdsa_swapped", "put s before r", RAW_ECDSA);
        found.push((deviation, Box::new(move |base| key.verify(base, &swapped))));
    }
    found
}

/// r ‖ s as a SEQUENCE of two INTEGERs.
pub(super) fn asn1(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take(bytes.len().saturating_sub(1)).take_while(|byte| **byte == 0).count();
        let digits = &bytes[zeros..];
        let sign: &[u8] = if digits.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
        [&[2, (digits.len() + sign.len()) as u8][..], sign, digits].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [&[0x30, content.len() as u8][..], &content].concat()
}

fn rsa<'t>(key: &'t VerifyingKey, signature: &[u8]) -> Vec<(Deviation, Check<'t>)> {
    let says = if key.algorithm() == Algorithm::RsaPssSha512 { PSS } else { V1_5 };
    RSA.iter()
        .map(|(did, algorithm)| (Deviation::new("other_rsa", *did, says), with(key, *algorithm, signature.to_vec())))
        .collect()
}

const fn salted(algorithm: RsaParameters, length: RsaPssSaltLength) -> RsaParameters {
    algorithm.with_pss_salt_length(length)
}

static PSS_NO_SALT: RsaParameters = salted(aws::RSA_PSS_2048_8192_SHA512, RsaPssSaltLength::Custom(0));
static PSS_SALT_20: RsaParameters = salted(aws::RSA_PSS_2048_8192_SHA512, RsaPssSaltLength::Custom(20));
static PSS_SALT_32: RsaParameters = salted(aws::RSA_PSS_2048_8192_SHA512, RsaPssSaltLength::Custom(32));
static PSS_SALT_MAX: RsaParameters = salted(aws::RSA_PSS_2048_8192_SHA512, RsaPssSaltLength::Max);
static PSS_256_MAX: RsaParameters = salted(aws::RSA_PSS_2048_8192_SHA256, RsaPssSaltLength::Max);

static RSA: &[(&str, &(dyn VerificationAlgorithm + Sync))] = &[
    ("used PSS without salt", &PSS_NO_SALT),
    ("used PSS with a salt of 20 bytes", &PSS_SALT_20),
    ("used PSS with a salt of 32 bytes", &PSS_SALT_32),
    ("used PSS with the longest salt possible", &PSS_SALT_MAX),
    ("used PSS with SHA-256", &aws::RSA_PSS_2048_8192_SHA256),
    ("used PSS with SHA-256 and the longest salt possible", &PSS_256_MAX),
    ("used PSS with SHA-384", &aws::RSA_PSS_2048_8192_SHA384),
    ("used PSS with SHA-512 (rsa-pss-sha512)", &aws::RSA_PSS_2048_8192_SHA512),
    ("used PKCS #1 v1.5 with SHA-256 (rsa-v1_5-sha256)", &aws::RSA_PKCS1_2048_8192_SHA256),
    ("used PKCS #1 v1.5 with SHA-384", &aws::RSA_PKCS1_2048_8192_SHA384),
    ("used PKCS #1 v1.5 with SHA-512", &aws::RSA_PKCS1_2048_8192_SHA512),
];
