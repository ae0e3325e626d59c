//! Keys as JWK: the RFCs' own, what members must say, and what must be refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::*;

const MESSAGE: &[u8] = b"\"@signature-params\": ()";
/// RFC 8037 A.1.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The private key of that `kid`.
fn private(kid: &str) -> Map<String, Value> {
    let file: Value = serde_json::from_str(include_str!("jwk.json")).unwrap();
    let mut keys = file["keys"].as_array().unwrap().iter();
    keys.find(|key| key["kid"] == kid).unwrap().as_object().unwrap().clone()
}

/// Its public half.
fn public(kid: &str) -> Map<String, Value> {
    let mut key = private(kid);
    ["d", "p", "q", "dp", "dq", "qi"].iter().for_each(|name| _ = key.remove(*name));
    key
}

/// The key with other members; `null` takes one away.
fn with(mut key: Map<String, Value>, changes: Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => _ = key.remove(name),
            value => _ = key.insert(name.clone(), value.clone()),
        }
    }
    Value::Object(key).to_string()
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn keys_of_the_rfc_are_the_same_in_every_form() {
    for (kid, pem, algorithm) in [
        ("test-key-rsa", keys::RSA_PRIVATE, Algorithm::RsaPssSha512),
        ("test-key-rsa-pss", keys::RSA_PSS_PRIVATE, Algorithm::RsaPssSha512),
        ("test-key-ecc-p256", keys::P256_PRIVATE, Algorithm::EcdsaP256Sha256),
        ("test-key-ed25519", keys::ED25519_PRIVATE, Algorithm::Ed25519),
        ("own-p384", keys::P384_PRIVATE, Algorithm::EcdsaP384Sha384),
    ] {
        let signing = SigningKey::from_jwk(&with(private(kid), json!({}))).unwrap();
        let verifying = VerifyingKey::from_jwk(&with(public(kid), json!({}))).unwrap();
        let other = SigningKey::from_pem(pem).unwrap();
        assert_eq!((signing.algorithm(), signing.kid(), verifying.kid()), (algorithm, Some(kid), Some(kid)));
        assert!(verifying == signing.verifying_key());
        for (signing, verifying) in [(&signing, &other.verifying_key()), (&other, &verifying)] {
            assert!(verifying.verify(MESSAGE, &signing.sign(MESSAGE).unwrap()), "{kid}");
        }
        let again = SigningKey::from_pem(&signing.to_pkcs8_pem().unwrap()).unwrap();
        assert!(again.verifying_key() == verifying, "{kid}");
    }
}

#[test]
fn signatures_of_the_jose_rfcs_verify() {
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    for (jwk, algorithm, input, signature) in [
        // RFC 8037 A.2, A.4
        (
            r#"{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            Algorithm::Ed25519,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
        // RFC 7515 A.1
        (
            r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
            Algorithm::HmacSha256,
            format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{payload}"),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        // RFC 7515 A.3
        (
            r#"{"kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            Algorithm::EcdsaP256Sha256,
            format!("eyJhbGciOiJFUzI1NiJ9.{payload}"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    ] {
        let key = VerifyingKey::from_jwk(jwk).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert!(key.has_jws_algorithm() && key.verify(input.as_bytes(), &decode(signature)), "{jwk}");
        assert!(!key.verify(&input.as_bytes()[1..], &decode(signature)), "{jwk}");
    }
    let signing = SigningKey::from_jwk(ED25519).unwrap();
    let input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(signing.sign(input).unwrap(), decode(signature));
}

#[test]
fn jws_algorithms_are_those_of_the_registry_or_refused() {
    let alg = |kid: &str, alg: &str| {
        let key = VerifyingKey::from_jwk(&with(public(kid), json!({ "alg": alg })))?;
        let private = SigningKey::from_jwk(&with(private(kid), json!({ "alg": alg })))?;
        assert!(key.has_jws_algorithm() && private.has_jws_algorithm());
        assert!(key.verify(MESSAGE, &private.sign(MESSAGE)?));
        Ok(key.algorithm())
    };
    for (kid, name, algorithm) in [
        ("test-key-ed25519", "EdDSA", Algorithm::Ed25519),
        ("test-key-ed25519", "Ed25519", Algorithm::Ed25519),
        ("test-key-ecc-p256", "ES256", Algorithm::EcdsaP256Sha256),
        ("own-p384", "ES384", Algorithm::EcdsaP384Sha384),
        ("test-key-rsa", "PS512", Algorithm::RsaPssSha512),
        ("test-key-rsa", "RS256", Algorithm::RsaV1_5Sha256),
    ] {
        assert_eq!(alg(kid, name), Ok(algorithm), "{name}");
    }
    for name in [
        "none", "None", "", "PS256", "PS384", "RS384", "RS512", "RS1", "HS384", "ES512", "ES256K", "Ed448", "RSA-OAEP",
        "ed25519",
    ] {
        for kid in ["test-key-rsa", "test-key-ed25519", "own-p384"] {
            assert_eq!(alg(kid, name), Err(KeyError::JwsAlgorithm), "{name}");
        }
    }
    for (kid, name) in [
        ("test-key-rsa", "EdDSA"),
        ("test-key-rsa", "HS256"),
        ("test-key-ed25519", "HS256"),
        ("test-key-ecc-p256", "ES384"),
        ("own-p384", "ES256"),
        ("own-p384", "RS256"),
    ] {
        assert_eq!(alg(kid, name), Err(KeyError::WrongAlgorithm), "{kid} {name}");
    }
    let secret =
        |alg: &str| VerifyingKey::from_jwk(&json!({ "kty": "oct", "k": "A".repeat(64), "alg": alg }).to_string());
    assert_eq!(secret("HS256").unwrap().algorithm(), Algorithm::HmacSha256);
    assert_eq!(secret("HS512").unwrap_err(), KeyError::JwsAlgorithm);
    assert_eq!(secret("none").unwrap_err(), KeyError::JwsAlgorithm);
    assert_eq!(secret("RS256").unwrap_err(), KeyError::WrongAlgorithm);
}

#[test]
fn a_jws_algorithm_is_not_stated_in_the_signature() {
    let plain = request("GET / HTTP/1.1\nHost: a\n\n");
    let input = |text: &str| text.parse::<SignatureInput>().unwrap();
    let jws = SigningKey::from_jwk(&with(private("test-key-ed25519"), json!({ "alg": "EdDSA" }))).unwrap();
    let unbound = SigningKey::from_jwk(&with(private("test-key-ed25519"), json!({}))).unwrap();
    let message = Message::Request(&plain);
    sign(&message, "a", &input("()"), &jws).unwrap();
    let refused = sign(&message, "a", &input("();alg=\"ed25519\""), &jws).unwrap_err();
    assert_eq!((&refused, refused.step()), (&SignError::AlgorithmStated, 1));
    let mut signed = plain.clone();
    sign(&message, "a", &input("();alg=\"ed25519\""), &unbound).unwrap().attach(signed.fields_mut()).unwrap();
    let message = Message::Request(&signed);
    let judge = |key: &VerifyingKey| {
        let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
        verify(&message, "a", &signatures, key, &Policy::default(), 0).map(|_| ()).map_err(|refused| {
            assert!(refused.base.is_some());
            (refused.step, refused.reason)
        })
    };
    assert_eq!(judge(&jws.verifying_key()), Err((Step::Key, Reason::AlgorithmStated)));
    assert_eq!(judge(&unbound.verifying_key()), Ok(()));
    // The application may say itself which algorithm of the registry it is.
    let bound = jws.with_algorithm(Algorithm::Ed25519).unwrap();
    assert_eq!(judge(&bound.verifying_key()), Ok(()));
    sign(&message, "b", &input("();alg=\"ed25519\""), &bound).unwrap();
}

#[test]
fn what_the_key_says_of_its_algorithm_stays() {
    let pss = VerifyingKey::from_jwk(&with(public("test-key-rsa"), json!({ "alg": "PS512" }))).unwrap();
    assert_eq!(pss.with_algorithm(Algorithm::RsaV1_5Sha256).unwrap_err(), KeyError::WrongAlgorithm);
    let v1_5 = SigningKey::from_jwk(&with(private("test-key-rsa"), json!({ "alg": "RS256" }))).unwrap();
    assert_eq!(v1_5.with_algorithm(Algorithm::RsaPssSha512).unwrap_err(), KeyError::WrongAlgorithm);
    let free = VerifyingKey::from_jwk(&with(public("test-key-rsa"), json!({}))).unwrap();
    assert_eq!(free.with_algorithm(Algorithm::RsaV1_5Sha256).unwrap().kid(), Some("test-key-rsa"));
}

#[test]
fn use_and_key_ops_are_heeded() {
    let (signs, verifies) = (
        |changes: Value| SigningKey::from_jwk(&with(private("test-key-ecc-p256"), changes)).map(|_| ()),
        |changes: Value| VerifyingKey::from_jwk(&with(public("test-key-ecc-p256"), changes)).map(|_| ()),
    );
    assert_eq!(signs(json!({ "use": "sig", "key_ops": ["sign"] })), Ok(()));
    assert_eq!(verifies(json!({ "use": "sig", "key_ops": ["verify"] })), Ok(()));
    assert_eq!(signs(json!({ "key_ops": ["deriveKey", "sign"] })), Ok(()));
    for changes in [json!({ "use": "enc" }), json!({ "use": "" }), json!({ "use": "Sig" })] {
        assert_eq!(signs(changes.clone()), Err(KeyError::Forbidden("use")));
        assert_eq!(verifies(changes), Err(KeyError::Forbidden("use")));
    }
    assert_eq!(signs(json!({ "key_ops": ["verify"] })), Err(KeyError::Forbidden("key_ops")));
    assert_eq!(verifies(json!({ "key_ops": ["sign"] })), Err(KeyError::Forbidden("key_ops")));
    assert_eq!(verifies(json!({ "key_ops": [] })), Err(KeyError::Forbidden("key_ops")));
    assert_eq!(
        verifies(json!({ "key_ops": ["verify", "verify"] })),
        Err(KeyError::Member("key_ops", "has a value twice"))
    );
    let both = json!({ "use": "sig", "key_ops": ["verify", "encrypt"] });
    assert_eq!(verifies(both), Err(KeyError::Member("key_ops", "contradicts use")));
    let secret = json!({ "kty": "oct", "k": "A".repeat(64), "key_ops": ["sign"] }).to_string();
    assert!(SigningKey::from_jwk(&secret).is_ok() && VerifyingKey::from_jwk(&secret).is_err());
}

#[test]
fn the_public_key_must_be_that_of_the_private_one() {
    let signs = |kid: &str, changes: Value| SigningKey::from_jwk(&with(private(kid), changes)).map(|_| ());
    let other = json!({ "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert_eq!(signs("test-key-ed25519", other), Err(KeyError::Mismatch));
    let other = json!({ "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    assert_eq!(signs("test-key-ecc-p256", other), Err(KeyError::Mismatch));
    assert!(signs("test-key-rsa", json!({ "n": public("test-key-rsa-pss")["n"] })).is_err());
    assert!(signs("test-key-rsa", json!({ "e": "Aw" })).is_err());
    for name in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(signs("test-key-rsa", json!({ name: private("test-key-rsa-pss")[name] })).is_err(), "{name}");
    }
}

#[test]
fn members_are_read_strictly() {
    let signs = |kid: &str, changes: Value| SigningKey::from_jwk(&with(private(kid), changes)).unwrap_err();
    let verifies = |kid: &str, changes: Value| VerifyingKey::from_jwk(&with(public(kid), changes)).unwrap_err();
    let alphabet = "is not Base64url without padding";
    let length = "has not the length that the curve asks for";
    let (ed25519, p256, rsa) = ("test-key-ed25519", "test-key-ecc-p256", "test-key-rsa");
    for (kid, changes, error) in [
        (ed25519, json!({ "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=" }), KeyError::Member("x", alphabet)),
        (ed25519, json!({ "x": "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs" }), KeyError::Member("x", alphabet)),
        (ed25519, json!({ "x": " JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs" }), KeyError::Member("x", alphabet)),
        // Bits left over at the end.
        (ed25519, json!({ "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bt" }), KeyError::Member("x", alphabet)),
        (ed25519, json!({ "x": "AAAA" }), KeyError::Member("x", length)),
        (ed25519, json!({ "x": null }), KeyError::Member("x", "is missing")),
        (ed25519, json!({ "crv": null }), KeyError::Member("crv", "is missing")),
        (ed25519, json!({ "crv": "X25519" }), KeyError::Unsupported),
        (ed25519, json!({ "crv": "Ed448" }), KeyError::Unsupported),
        // The identity: small order.
        (ed25519, json!({ "x": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }), KeyError::Rejected),
        // The identity again: y is p + 1, not reduced.
        (ed25519, json!({ "x": "7v_______________________________________38" }), KeyError::Rejected),
        // y = 3 has a point of large order; RFC 8032 §5.1.3: p + 3 is no other way to write it.
        (ed25519, json!({ "x": "8P_______________________________________38" }), KeyError::Rejected),
        (p256, json!({ "y": null }), KeyError::Member("y", "is missing")),
        // A coordinate has its full size, and the point is on the curve.
        (p256, json!({ "y": "zic30tMM4GF-hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ" }), KeyError::Member("y", length)),
        (p256, json!({ "y": "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F4" }), KeyError::Rejected),
        (p256, json!({ "crv": "P-384" }), KeyError::Member("x", length)),
        (p256, json!({ "crv": "P-521" }), KeyError::Unsupported),
        (p256, json!({ "crv": "secp256k1" }), KeyError::Unsupported),
        (p256, json!({ "kty": "EC2" }), KeyError::Unsupported),
        (p256, json!({ "kty": "ec" }), KeyError::Unsupported),
        (rsa, json!({ "e": "AAEAAQ" }), KeyError::Member("e", "is zero, or has zeros in front")),
        (rsa, json!({ "e": "" }), KeyError::Member("e", "is zero, or has zeros in front")),
        (rsa, json!({ "e": "AA" }), KeyError::Member("e", "is zero, or has zeros in front")),
        // 1, with which anybody signs, and an even one.
        (rsa, json!({ "e": "AQ" }), KeyError::Rejected),
        (rsa, json!({ "e": "Ag" }), KeyError::Rejected),
        (rsa, json!({ "n": null }), KeyError::Member("n", "is missing")),
        // 1024 bits.
        (rsa, json!({ "n": URL_SAFE_NO_PAD.encode([0xff; 128]) }), KeyError::Rejected),
        (rsa, json!({ "d": "AA" }), KeyError::Private),
    ] {
        assert_eq!(verifies(kid, changes.clone()), error, "{kid} {changes}");
    }
    assert_eq!(signs(ed25519, json!({ "d": null })), KeyError::Member("d", "is missing: this is no private key"));
    assert_eq!(signs(ed25519, json!({ "d": "AAAA" })), KeyError::Member("d", length));
    assert_eq!(signs(p256, json!({ "d": "AAAA" })), KeyError::Member("d", length));
    assert_eq!(signs(p256, json!({ "d": "A".repeat(43) })), KeyError::Rejected);
    assert_eq!(signs(rsa, json!({ "qi": null })), KeyError::Member("qi", "is missing"));
    assert_eq!(signs(rsa, json!({ "oth": [] })), KeyError::Unsupported);
    let secret =
        |k: Value, alg: Value| VerifyingKey::from_jwk(&with(Map::new(), json!({ "kty": "oct", "k": k, "alg": alg })));
    assert_eq!(secret(json!(null), json!(null)).unwrap_err(), KeyError::Member("k", "is missing"));
    assert_eq!(secret(json!(""), json!(null)).unwrap_err(), KeyError::Member("k", "is empty"));
    assert!(secret(json!("AAAA"), json!(null)).is_ok());
    let short = KeyError::Member("k", "is shorter than HS256 wants it: 32 bytes");
    assert_eq!(secret(json!(URL_SAFE_NO_PAD.encode([7; 31])), json!("HS256")).unwrap_err(), short);
    assert!(secret(json!(URL_SAFE_NO_PAD.encode([7; 32])), json!("HS256")).is_ok());
}

#[test]
fn what_is_no_jwk_is_refused() {
    for (text, line, column) in [
        ("", 1, 0),
        ("[]", 1, 1),
        (r#"["OKP","Ed25519",null,"k",null,null,"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"]"#, 1, 1),
        (r#"{"kty":"OKP","alg":null}"#, 1, 23),
        ("{}", 1, 2),
        ("{\"kty\":1}", 1, 8),
        ("{\"kty\":\"oct\",\n \"k\":\"AAAA\",\"k\":\"AAAA\"}", 2, 14),
        ("{\"kty\":\"oct\",\"k\":\"AAAA\"} x", 1, 25),
        ("{\"keys\":[]}", 1, 11),
    ] {
        let KeyError::Json { line: at, column: found } = VerifyingKey::from_jwk(text).unwrap_err() else {
            panic!("{text}")
        };
        assert_eq!(at, line, "{text}");
        assert!(found.abs_diff(column) <= 1, "{text}: {found}");
    }
    // Unknown members say nothing to us.
    let key = with(private("test-key-ed25519"), json!({ "nbf": 1, "x5c": ["AA"], "ext": true }));
    assert!(SigningKey::from_jwk(&key).is_ok());
    // Escapes are JSON's business.
    assert!(VerifyingKey::from_jwk(r#"{"kty":"\u006fct","k":"AAA\u0041"}"#).is_ok());
}

#[test]
fn nothing_private_is_shown() {
    let key = SigningKey::from_jwk(ED25519).unwrap();
    let shown = format!("{key:?} {:?}", key.verifying_key());
    assert!(shown.len() < 120 && !shown.contains("nWGxne"), "{shown}");
    // Nor by an error: the JSON parser would quote what it didn't expect.
    let wrong = ED25519.replace("\"OKP\"", "{\"d\":\"secret\"}");
    let error = SigningKey::from_jwk(&wrong).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}
