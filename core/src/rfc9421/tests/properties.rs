//! Whatever comes in: no panic, and what is written is read back the same.

use proptest::prelude::*;

use super::*;

fn signature_fields() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-c]{1,3}=\\((\"[@a-z-]{0,8}\"(;(sf|bs|tr|req|key=\"a\"|name=\"b\"))?( |  )?){0,4}\\)(;(created|expires|alg|x)(=([0-9]{1,4}|\"[a-z]{0,3}\"|:AA==:|\\?0))?){0,3}(, ?)?",
        "([a-c]=:[A-Za-z0-9+/=]{0,8}:(, )?){0,3}",
    ]
}

fn message() -> impl Strategy<Value = Request> {
    let target = prop_oneof![Just("*".to_owned()), "/[a-z%0-9/.?&=+~]{0,20}", "https?://[a-zA-Z\\[\\]:.@0-9]{0,12}/?"];
    let field = ("[a-zA-Z-]{1,10}", prop::collection::vec(any::<u8>(), 0..20));
    ("(GET|POST|OPTIONS|CONNECT)", target, prop::collection::vec(field, 0..6)).prop_filter_map(
        "not a request",
        |(method, target, fields)| {
            let mut request = Request::new(&method, &target, Scheme::Https).ok()?;
            request.fields_mut().push("Host", "a.example").ok()?;
            for (name, value) in fields {
                let _ = request.fields_mut().push(&name, value);
            }
            Some(request)
        },
    )
}

/// A component identifier that a signer might choose.
fn identifier() -> impl Strategy<Value = String> {
    prop_oneof![
        "@(method|path|query|authority|target-uri|scheme|request-target|status|nope)",
        "[a-z-]{1,6}",
        "\"[a-z-]{1,6}\"(;(sf|bs|tr|req|x=1|key=\"[a-z\\\\\\\\]{0,2}\")){0,3}",
        "\"@query-param\";name=\"[a-z%0-9]{0,5}\"",
    ]
}

proptest! {
    #[test]
    fn reading_a_message_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), head in "(GET|POST) /[ -~]{0,9} HTTP/1.1\r\n([A-Za-z-]{1,9}: ?[ -~]{0,9}(\r\n )?[a-z]?\r\n){0,4}(Transfer-Encoding: chunked\r\n)?\r\n([0-9a-f]{1,3}\r\n[a-z]{0,9}\r\n){0,3}") {
        let _ = Request::parse_http1(&bytes, Scheme::Http);
        let _ = Response::parse_http1(&bytes);
        let _ = Request::parse_http1(head.as_bytes(), Scheme::Http);
        let _ = Response::parse_http1(&[b"HTTP/1.1 200 OK\r\n", &bytes[..]].concat());
    }

    #[test]
    fn reading_and_verifying_signatures_never_panics(
        mut request in message(),
        inputs in prop::collection::vec(signature_fields(), 0..3),
        signatures in prop::collection::vec(signature_fields(), 0..3),
        now: u64,
        max_age: Option<u64>,
        skew: u64,
    ) {
        for value in inputs {
            let _ = request.fields_mut().push("signature-input", value);
        }
        for value in signatures {
            let _ = request.fields_mut().push("signature", value);
        }
        let key = VerifyingKey::from_pem(keys::ED25519_PUBLIC).unwrap();
        let policy = Policy { max_age, skew, ..Policy::default() };
        let response = Response::new(200).unwrap();
        for message in [
            Message::Request(&request),
            Message::Response { response: &response, request: Some(&request) },
        ] {
            if let Ok(signatures) = Signatures::parse(&message, &Limits::default()) {
                for label in signatures.labels().chain(["absent"]) {
                    let outcome = verify(&message, label, &signatures, &key, &policy, now);
                    prop_assert!(outcome.is_err(), "nobody signed this");
                }
                for found in signatures.iter() {
                    let _ = SignatureBase::build(&message, &found.input, &FieldTypes::default());
                }
            }
        }
    }

    #[test]
    fn keys_of_any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), text: String, flip in 0_usize..44, with: u8) {
        let _ = (VerifyingKey::from_der(&bytes), SigningKey::from_der(&bytes));
        let _ = (VerifyingKey::from_pem(&text), SigningKey::from_pem(&text));
        let mut der = super::super::der::pem(keys::ED25519_PUBLIC).unwrap().1.to_vec();
        der[flip] = with;
        let _ = VerifyingKey::from_der(&der);
    }

    #[test]
    fn a_jwk_of_any_members_never_panics(
        kty in "(OKP|EC|RSA|oct|x)",
        members in prop::collection::btree_map(
            "(crv|alg|use|kid|x|y|n|e|d|p|q|dp|dq|qi|oth|k|key_ops)",
            prop_oneof![
                "\"(Ed25519|P-256|P-384|EdDSA|ES256|PS512|RS256|HS256|none|sig|AQAB|[A-Za-z0-9_-]{0,3})\"",
                "\"[A-Za-z0-9_-]{43}\"",
                "\"[A-Za-z0-9_-]{64}\"",
                "\"[A-Za-z0-9_-]{342}\"",
                "(null|1|\\[\\]|\\[\"(sign|verify|x)\"\\]|\\{\\})",
            ],
            0..10,
        ),
        text: String,
    ) {
        let members: String = members.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
        let jwk = format!("{{\"kty\":\"{kty}\"{members}}}");
        for jwk in [&jwk, &text] {
            if let Ok(key) = SigningKey::from_jwk(jwk) {
                let signature = key.sign(b"message").unwrap();
                prop_assert!(key.verifying_key().verify(b"message", &signature));
            }
            let _ = VerifyingKey::from_jwk(jwk);
        }
    }

    #[test]
    fn an_input_is_read_back_as_it_was_written(ids in prop::collection::vec(identifier(), 0..6), created in 0_u64..1_000_000_000_000_000, text in "[ -~]{0,12}", first: bool) {
        let mut builder = SignatureInput::builder().components(ids.iter().map(String::as_str));
        builder = if first { builder.created(created).keyid(&text) } else { builder.keyid(&text).created(created) };
        if let Ok(input) = builder.nonce(&text).tag(&text).string("x-new", &text).build() {
            let again: SignatureInput = input.to_string().parse().unwrap();
            prop_assert_eq!(&again, &input);
            prop_assert_eq!(again.keyid(), Some(&*text));
            prop_assert_eq!(again.created(), Some(created));
            for id in input.components() {
                prop_assert_eq!(&id.to_string().parse::<ComponentId>().unwrap(), id);
            }
        }
    }

    #[test]
    fn what_is_signed_verifies_and_has_one_line_per_component(
        mut request in message(),
        ids in prop::collection::vec(identifier(), 0..6),
        created in 0_u64..2_000_000_000,
    ) {
        let key = SigningKey::from_pem(keys::ED25519_PRIVATE).unwrap();
        let Ok(input) = SignatureInput::builder().components(ids.iter().map(String::as_str)).created(created).build() else {
            return Ok(());
        };
        let Ok(signed) = sign(&Message::Request(&request), "s", &input, &key) else { return Ok(()) };
        prop_assert!(signed.base.as_str().is_ascii());
        prop_assert_eq!(signed.base.lines().count(), input.components().len() + 1);
        signed.attach(request.fields_mut()).unwrap();
        let message = Message::Request(&request);
        let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
        let verified = verify(&message, "s", &signatures, &key.verifying_key(), &Policy::default(), created).unwrap();
        prop_assert_eq!(verified.base(), &signed.base);
    }
}
