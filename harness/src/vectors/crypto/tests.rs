use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::vectors::corpus::Key;

/// One key for each algorithm, in their order.
const KEYS: [&str; 6] = [
    include_str!("../../../../tests/corpus/keys/test-key-rsa-pss.json"),
    include_str!("../../../../tests/corpus/keys/test-key-rsa.json"),
    include_str!("../../../../tests/corpus/keys/test-shared-secret.json"),
    include_str!("../../../../tests/corpus/keys/test-key-ecc-p256.json"),
    include_str!("../../../../tests/corpus/keys/ecc-p384.json"),
    include_str!("../../../../tests/corpus/keys/test-key-ed25519.json"),
];

fn keys() -> impl Iterator<Item = (Algorithm, Key)> {
    Algorithm::ALL.into_iter().zip(KEYS.map(|key| serde_json::from_str(key).unwrap()))
}

fn private(key: &Key) -> &Jwk {
    key.private_jwk.as_ref().unwrap_or(&key.jwk)
}

#[test]
fn what_is_signed_verifies_and_nothing_else_does() {
    for (algorithm, key) in keys() {
        let signature = algorithm.sign(private(&key), b"base").unwrap();
        assert_eq!(algorithm.verifies(&key.jwk, b"base", &signature), Ok(true), "{algorithm}");
        assert_eq!(algorithm.verifies(&key.jwk, b"bass", &signature), Ok(false), "{algorithm}");
        assert_eq!(algorithm.verifies(&key.jwk, b"base", &signature[1..]), Ok(false), "{algorithm}");
        assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert_ne!(other.verifies(&key.jwk, b"base", &signature), Ok(true), "{algorithm} as {other}");
        }
    }
}

#[test]
fn the_rfc_s_own_signatures_verify() {
    // §B.2.5 and §B.2.6.
    let hmac = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
        \"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \"content-type\")\
        ;created=1618884473;keyid=\"test-shared-secret\"";
    let ed25519 = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
        \"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\
        \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
        ;created=1618884473;keyid=\"test-key-ed25519\"";
    for (algorithm, key) in keys() {
        let (base, signature) = match algorithm {
            Algorithm::HmacSha256 => (hmac, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="),
            Algorithm::Ed25519 => {
                let signature =
                    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
                (ed25519, signature)
            }
            _ => continue,
        };
        let signature = STANDARD.decode(signature).unwrap();
        assert_eq!(algorithm.verifies(&key.jwk, base.as_bytes(), &signature), Ok(true), "{algorithm}");
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let jwk = |text: &str| serde_json::from_str::<Jwk>(text).unwrap();
    let refused = |text: &str| Algorithm::Ed25519.verifies(&jwk(text), b"", b"").unwrap_err().to_string();
    assert_eq!(refused("{}"), "ed25519 needs a key with OKP Ed25519, this one has no `kty`");
    assert!(refused(r#"{"kty":"EC","crv":"P-256"}"#).ends_with("has EC P-256"));
    assert_eq!(refused(r#"{"kty":"OKP","crv":"Ed25519","x":"*"}"#), "the JWK has no proper `x`");
    let short = jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#);
    assert_eq!(Algorithm::Ed25519.sign(&short, b""), Err(CryptoError::Refused));
}
