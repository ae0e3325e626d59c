//! The examples of RFC 9421: bases byte for byte, signatures verified, deterministic ones made again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::keys::*;
use super::*;

fn key(name: &str) -> VerifyingKey {
    let pem = match name {
        "rsa-pss" => RSA_PSS_PUBLIC,
        "rsa-v1_5" => RSA_PUBLIC,
        "p256" => P256_PUBLIC,
        "ed25519" => ED25519_PUBLIC,
        _ => return VerifyingKey::from_shared_secret(&STANDARD.decode(SHARED_SECRET).unwrap()),
    };
    let key = VerifyingKey::from_pem(pem).unwrap();
    if name == "rsa-v1_5" { key.with_algorithm(Algorithm::RsaV1_5Sha256).unwrap() } else { key }
}

fn cases() -> Vec<Value> {
    let examples: Value = serde_json::from_str(include_str!("rfc9421.json")).unwrap();
    examples["cases"].as_array().unwrap().clone()
}

/// Runs `check` on the message of a case.
fn with_message<T>(case: &Value, check: impl FnOnce(&Message<'_>) -> T) -> T {
    let bytes = case["message"].as_str().unwrap().as_bytes();
    if bytes.starts_with(b"HTTP/") {
        let related = case["related_request"].as_str();
        let related = related.map(|text| Request::parse_http1(text.as_bytes(), Scheme::Https).unwrap().0);
        let response = Response::parse_http1(bytes).unwrap().0;
        check(&Message::Response { response: &response, request: related.as_ref() })
    } else {
        check(&Message::Request(&Request::parse_http1(bytes, Scheme::Https).unwrap().0))
    }
}

#[test]
fn the_examples_verify_and_give_the_bases_of_the_text() {
    let cases = cases();
    assert_eq!(cases.len(), 20);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let label = case["label"].as_str().unwrap();
        let outcome = with_message(case, |message| {
            let signatures = Signatures::parse(message, &Limits::default()).unwrap();
            verify(message, label, &signatures, &key(case["key"].as_str().unwrap()), &Policy::default(), 1_618_884_473)
        });
        if case["valid"] == true {
            let verified = outcome.unwrap_or_else(|rejection| panic!("{name}: {rejection} {:?}", rejection.base));
            if let Some(base) = case["base"].as_str() {
                assert_eq!(verified.base().as_str(), base, "{name}");
            }
        } else {
            let rejection = outcome.unwrap_err();
            assert_eq!((rejection.step, rejection.reason), (Step::Crypto, Reason::SignatureInvalid), "{name}");
            assert!(rejection.base.is_some(), "{name}");
        }
    }
}

#[test]
fn deterministic_examples_are_made_again() {
    for (name, key) in [
        ("B.2.6", SigningKey::from_pem(ED25519_PRIVATE).unwrap()),
        ("B.2.5", SigningKey::from_shared_secret(&STANDARD.decode(SHARED_SECRET).unwrap())),
        ("4.3 proxy", SigningKey::from_pem(RSA_PRIVATE).unwrap().with_algorithm(Algorithm::RsaV1_5Sha256).unwrap()),
        ("B.4 original", SigningKey::from_pem(ED25519_PRIVATE).unwrap()),
    ] {
        let case = cases().into_iter().find(|case| case["name"] == name).unwrap();
        let label = case["label"].as_str().unwrap();
        with_message(&case, |message| {
            let signatures = Signatures::parse(message, &Limits::default()).unwrap();
            let original = signatures.get(label).unwrap();
            let signed = sign(message, "again", &original.input, &key).unwrap();
            let expected = format!("again=:{}:", STANDARD.encode(&original.signature));
            assert_eq!(signed.signature_value, expected, "{name}");
            assert_eq!(signed.signature_input_value, format!("again={}", original.input));
        });
    }
}

#[test]
fn random_examples_are_made_anew_and_verify() {
    for (name, key) in [
        ("B.2.1", SigningKey::from_pem(RSA_PSS_PRIVATE).unwrap()),
        ("B.2.3", SigningKey::from_pem(RSA_PSS_PRIVATE).unwrap()),
        ("B.2.4", SigningKey::from_pem(P256_PRIVATE).unwrap()),
    ] {
        let case = cases().into_iter().find(|case| case["name"] == name).unwrap();
        with_message(&case, |message| {
            let signatures = Signatures::parse(message, &Limits::default()).unwrap();
            let original = signatures.iter().next().unwrap();
            let signed = sign(message, "again", &original.input, &key).unwrap();
            assert_eq!(signed.base.as_str(), case["base"].as_str().unwrap(), "{name}");
            let value = signed.signature_value.strip_prefix("again=:").and_then(|rest| rest.strip_suffix(':'));
            let signature = STANDARD.decode(value.unwrap()).unwrap();
            assert_ne!(signature, original.signature);
            assert!(key.verifying_key().verify(signed.base.as_bytes(), &signature), "{name}");
        });
    }
}

#[test]
fn any_flipped_bit_of_a_signature_is_noticed() {
    for case in cases().iter().filter(|case| case["valid"] == true) {
        let key = key(case["key"].as_str().unwrap());
        with_message(case, |message| {
            let signatures = Signatures::parse(message, &Limits::default()).unwrap();
            let found = signatures.get(case["label"].as_str().unwrap()).unwrap();
            let base = SignatureBase::build(message, &found.input, &FieldTypes::default()).unwrap();
            assert!(key.verify(base.as_bytes(), &found.signature));
            for at in [0, found.signature.len() / 2, found.signature.len() - 1] {
                let mut signature = found.signature.clone();
                signature[at] ^= 1;
                assert!(!key.verify(base.as_bytes(), &signature), "{} byte {at}", case["name"]);
            }
            // No truncated MAC, no longer signature.
            assert!(!key.verify(base.as_bytes(), &found.signature[..found.signature.len() - 1]));
            assert!(!key.verify(base.as_bytes(), &[&found.signature[..], &[0]].concat()));
            assert!(!key.verify(base.as_bytes(), &[]));
        });
    }
}
