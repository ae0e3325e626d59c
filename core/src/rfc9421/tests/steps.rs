//! RFC 9421 §3.1 and §3.2, step by step: each refusal once, beside what is accepted.

use super::*;

const NOW: u64 = 1_618_884_473;

fn signed_with(key: &SigningKey, input: &str) -> Request {
    let mut request = request("POST /foo?a=b HTTP/1.1\nHost: example.com\nContent-Type: text/plain\n\n");
    sign(&Message::Request(&request), "sig1", &input.parse().unwrap(), key)
        .unwrap()
        .attach(request.fields_mut())
        .unwrap();
    request
}

fn key() -> SigningKey {
    SigningKey::from_pem(keys::ED25519_PRIVATE).unwrap()
}

fn judge(request: &Request, policy: &Policy) -> Result<Verified, Rejection> {
    let message = Message::Request(request);
    let signatures = Signatures::parse(&message, &Limits::default())?;
    verify(&message, "sig1", &signatures, &key().verifying_key(), policy, NOW)
}

/// What the verifier says of a message with these two fields.
fn fields(input: &str, signature: &str) -> (Step, Reason) {
    let mut request = request("GET / HTTP/1.1\nHost: a\n\n");
    request.fields_mut().push("Signature-Input", input).unwrap();
    request.fields_mut().push("Signature", signature).unwrap();
    let rejection = judge(&request, &Policy::default()).unwrap_err();
    (rejection.step, rejection.reason)
}

#[test]
fn parse_and_select() {
    let signed = signed_with(&key(), "(\"@method\");created=1618884473");
    assert_eq!(judge(&signed, &Policy::default()).unwrap().label(), "sig1");
    for (input, signature, step, reason) in [
        ("sig1=(", "sig1=:AA==:", Step::Parse, Reason::MalformedSignatureInput),
        ("sig1=()", "sig1=:AA", Step::Parse, Reason::MalformedSignature),
        ("Sig1=()", "sig1=:AA==:", Step::Parse, Reason::MalformedSignatureInput),
        ("sig1=(), sig1=()", "sig1=:AA==:", Step::Parse, Reason::DuplicateLabel),
        ("sig1=()", "sig1=:AA==:, sig1=:AA==:", Step::Parse, Reason::DuplicateLabel),
        ("sig1=1", "sig1=:AA==:", Step::Parse, Reason::NotAnInnerList),
        ("sig1", "sig1=:AA==:", Step::Parse, Reason::NotAnInnerList),
        ("sig1=()", "sig1=\"AA\"", Step::Parse, Reason::NotAByteSequence),
        ("sig1=()", "sig1=(:AA==:)", Step::Parse, Reason::NotAByteSequence),
        ("sig1=(date)", "sig1=:AA==:", Step::Parse, Reason::ComponentNotAString),
        ("sig1=(\"a\" 1)", "sig1=:AA==:", Step::Parse, Reason::ComponentNotAString),
        ("sig1=();created=\"1\"", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();created=1.0", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();expires=-1", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();created=?1", "", Step::Parse, Reason::InvalidParameter),
        ("sig1=();created=-1", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();created=@1", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();expires", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();nonce=1", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();alg=ed25519", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();keyid=k", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig1=();tag=:AA==:", "sig1=:AA==:", Step::Parse, Reason::InvalidParameter),
        ("sig2=()", "sig2=:AA==:", Step::Select, Reason::NoSuchLabel),
        ("", "", Step::Select, Reason::NoSuchLabel),
        ("sig1=()", "sig2=:AA==:", Step::Select, Reason::InputWithoutSignature),
        ("sig2=()", "sig1=:AA==:", Step::Select, Reason::SignatureWithoutInput),
        ("sig1=();new=?0;other", "sig1=:AA==:", Step::Crypto, Reason::SignatureInvalid),
    ] {
        assert_eq!(fields(input, signature), (step, reason), "{input} {signature}");
    }
}

#[test]
fn a_refusal_has_the_base_also_where_the_label_cannot_be_used() {
    for (input, signature, reason) in [
        ("sig1=(\"host\");created=x", "sig1=:AA==:", Reason::InvalidParameter),
        ("sig1=(\"host\");tag", "", Reason::InvalidParameter),
        ("sig1=(\"host\");a", "", Reason::InputWithoutSignature),
        ("sig1=(\"host\");a", "sig1=AA", Reason::NotAByteSequence),
    ] {
        let mut request = request("GET / HTTP/1.1\nHost: a\n\n");
        request.fields_mut().push("Signature-Input", input).unwrap();
        request.fields_mut().push("Signature", signature).unwrap();
        let refused = judge(&request, &Policy::default()).unwrap_err();
        assert_eq!(refused.reason, reason, "{input} {signature}");
        let params = input.strip_prefix("sig1=").unwrap();
        assert_eq!(refused.base.unwrap().as_str(), format!("\"host\": a\n\"@signature-params\": {params}"));
    }
}

#[test]
fn a_bad_label_leaves_the_others_alone() {
    let mut request = signed_with(&key(), "(\"@method\" \"@path\");created=1618884473");
    request.fields_mut().push("Signature-Input", "bad=1, twice=(), twice=(), orphan=(), typed=();created=x").unwrap();
    request.fields_mut().push("Signature", "bad=:AA==:, twice=:AA==:, typed=:AA==:, lost=:AA==:").unwrap();
    judge(&request, &Policy::default()).unwrap();
    let signatures = Signatures::parse(&Message::Request(&request), &Limits::default()).unwrap();
    assert_eq!(signatures.labels().collect::<Vec<_>>(), ["sig1", "bad", "twice", "orphan", "typed", "lost"]);
    assert_eq!(signatures.iter().map(|signature| &*signature.label).collect::<Vec<_>>(), ["sig1"]);
    assert!(signatures.get("twice").is_none() && !signatures.is_empty());
    for (label, reason) in
        [("twice", Reason::DuplicateLabel), ("orphan", Reason::InputWithoutSignature), ("none", Reason::NoSuchLabel)]
    {
        assert_eq!(signatures.require(label).unwrap_err().reason, reason, "{label}");
    }
    assert!(signatures.require("sig1").is_ok());
}

#[test]
fn limits_hold_and_their_last_value_is_accepted() {
    let request = signed_with(&key(), "(\"@method\" \"@path\");created=1618884473");
    let message = Message::Request(&request);
    let bytes = request.fields().values("signature-input").next().unwrap().len();
    let bytes = bytes.max(request.fields().values("signature").next().unwrap().len());
    let limits = |max_labels, max_components, max_parameters, max_field_bytes| Limits {
        max_labels,
        max_components,
        max_parameters,
        max_field_bytes,
    };
    let outcome = |limits| {
        let signatures = Signatures::parse(&message, &limits)?;
        verify(&message, "sig1", &signatures, &key().verifying_key(), &Policy::default(), NOW)
    };
    outcome(limits(1, 2, 1, bytes)).unwrap();
    for (limits, reason) in [
        (limits(0, 2, 1, bytes), Reason::TooManyLabels),
        (limits(1, 1, 1, bytes), Reason::TooManyComponents),
        (limits(1, 2, 0, bytes), Reason::TooManyParameters),
        (limits(1, 2, 1, bytes - 1), Reason::FieldTooLarge),
    ] {
        let rejection = outcome(limits).unwrap_err();
        assert_eq!((rejection.step, rejection.reason), (Step::Parse, reason));
    }
}

#[test]
fn policy() {
    let full = "(\"@method\" \"@authority\" \"@path\" \"@query\");created=1618884473;keyid=\"k\";nonce=\"n\";tag=\"t\"";
    let signed = signed_with(&key(), full);
    let strict = Policy {
        required: vec![
            Requirement::all(&["@method"]).unwrap(),
            Requirement::any(&[&["@target-uri"], &["@authority", "@path", "@query"]]).unwrap(),
        ],
        tag: Some("t".into()),
        require_created: true,
        require_nonce: true,
        require_keyid: true,
        ..Policy::default()
    };
    judge(&signed, &strict).unwrap();
    for (input, reason) in [
        ("()", Reason::MissingComponent),
        ("(\"@authority\" \"@path\" \"@query\");created=1", Reason::MissingComponent),
        ("(\"@method\" \"@authority\" \"@path\");created=1", Reason::MissingComponent),
        ("(\"@method\" \"@query-param\";name=\"a\");created=1", Reason::MissingComponent),
        ("(\"@method\" \"@target-uri\");created=1;keyid=\"k\";nonce=\"n\"", Reason::WrongTag),
        ("(\"@method\" \"@target-uri\");created=1;keyid=\"k\";nonce=\"n\";tag=\"T\"", Reason::WrongTag),
        ("(\"@method\" \"@target-uri\");keyid=\"k\";nonce=\"n\";tag=\"t\"", Reason::MissingCreated),
        ("(\"@method\" \"@target-uri\");created=1;keyid=\"k\";tag=\"t\"", Reason::MissingNonce),
        ("(\"@method\" \"@target-uri\");created=1;nonce=\"n\";tag=\"t\"", Reason::MissingKeyId),
    ] {
        let signed = signed_with(&key(), input);
        let rejection = judge(&signed, &strict).unwrap_err();
        assert_eq!((rejection.step, rejection.reason), (Step::Policy, reason), "{input}");
        assert_eq!(rejection.component.is_some(), reason == Reason::MissingComponent);
        let base = rejection.base.expect("the base can be made");
        assert_eq!(
            base.lines().last().unwrap(),
            format!("\"@signature-params\": {}", input.parse::<SignatureInput>().unwrap())
        );
        // The same signature is fine where nothing is required of it.
        judge(&signed, &Policy::default()).unwrap();
    }
}

#[test]
fn time() {
    let window = Policy { max_age: Some(300), skew: 30, ..Policy::default() };
    let at = |input: &str, policy: &Policy| {
        judge(&signed_with(&key(), input), policy).map(|_| ()).map_err(|rejection| {
            assert!(rejection.base.is_some());
            (rejection.step, rejection.reason)
        })
    };
    let created = |seconds: u64| format!("(\"@method\");created={seconds}");
    let expires = |seconds: u64| format!("(\"@method\");created={NOW};expires={seconds}");
    assert_eq!(at(&created(NOW), &window), Ok(()));
    assert_eq!(at(&created(NOW + 30), &window), Ok(()));
    assert_eq!(at(&created(NOW + 31), &window), Err((Step::Time, Reason::CreatedInFuture)));
    assert_eq!(at(&created(NOW - 330), &window), Ok(()));
    assert_eq!(at(&created(NOW - 331), &window), Err((Step::Time, Reason::TooOld)));
    assert_eq!(at(&created(0), &window), Err((Step::Time, Reason::TooOld)));
    assert_eq!(at("(\"@method\")", &window), Err((Step::Policy, Reason::MissingCreated)));
    assert_eq!(at(&created(999_999_999_999_999), &Policy::default()), Ok(()));
    assert_eq!(at(&expires(NOW), &window), Ok(()));
    assert_eq!(at(&expires(NOW - 1), &window), Err((Step::Time, Reason::Expired)));
    assert_eq!(at(&expires(NOW - 1), &Policy { reject_expired: false, ..Policy::default() }), Ok(()));
}

#[test]
fn key_and_algorithm() {
    let at = |input: &str, policy: &Policy| {
        judge(&signed_raw(input), policy).map(|verified| verified.algorithm()).map_err(|rejection| {
            assert!(rejection.base.is_some());
            (rejection.step, rejection.reason)
        })
    };
    let any = Policy::default();
    assert_eq!(at("(\"@method\");alg=\"ed25519\"", &any), Ok(Algorithm::Ed25519));
    assert_eq!(at("(\"@method\")", &any), Ok(Algorithm::Ed25519));
    assert_eq!(at("(\"@method\");alg=\"rsa-pss-sha512\"", &any), Err((Step::Key, Reason::AlgorithmMismatch)));
    assert_eq!(at("(\"@method\");alg=\"hmac-sha256\"", &any), Err((Step::Key, Reason::AlgorithmMismatch)));
    assert_eq!(at("(\"@method\");alg=\"Ed25519\"", &any), Err((Step::Key, Reason::UnknownAlgorithm)));
    assert_eq!(at("(\"@method\");alg=\"\"", &any), Err((Step::Key, Reason::UnknownAlgorithm)));
    let rsa = Policy { algorithms: vec![Algorithm::RsaPssSha512], ..Policy::default() };
    assert_eq!(at("(\"@method\")", &rsa), Err((Step::Key, Reason::AlgorithmNotAllowed)));
}

/// Signed with the key whatever `alg` says: the signer refuses to do that, an attacker doesn't.
fn signed_raw(input: &str) -> Request {
    use base64::Engine as _;
    let mut request = request("POST /foo?a=b HTTP/1.1\nHost: example.com\n\n");
    let input: SignatureInput = input.parse().unwrap();
    let base = SignatureBase::build(&Message::Request(&request), &input, &FieldTypes::default()).unwrap();
    let signature = base64::engine::general_purpose::STANDARD.encode(key().sign(base.as_bytes()).unwrap());
    request.fields_mut().push("Signature-Input", format!("sig1={input}")).unwrap();
    request.fields_mut().push("Signature", format!("sig1=:{signature}:")).unwrap();
    request
}

#[test]
fn base() {
    for (input, reason) in [
        ("sig1=(\"date\")", Reason::FieldMissing),
        ("sig1=(\"@method\" \"@method\")", Reason::DuplicateComponent),
        ("sig1=(\"a\";key=\"x\";tr \"a\";tr;key=\"x\")", Reason::DuplicateComponent),
        ("sig1=(\"@signature-params\")", Reason::SignatureParamsCovered),
        ("sig1=(\"@unknown\")", Reason::UnknownComponent),
        ("sig1=(\"Host\")", Reason::NotLowercase),
        ("sig1=(\"host\";new)", Reason::UnknownComponentParameter),
        ("sig1=(\"host\";bs;sf)", Reason::IncompatibleParameters),
        ("sig1=(\"@method\";req)", Reason::ReqInRequest),
        ("sig1=(\"@status\")", Reason::WrongMessageKind),
    ] {
        assert_eq!(fields(input, "sig1=:AA==:"), (Step::Base, reason), "{input}");
    }
    let mut request = request("GET / HTTP/1.1\nHost: a\nSignature: sig1=:AA==:\n\n");
    request.fields_mut().push("Signature-Input", "sig1=(\"@method\" \"x\")").unwrap();
    let rejection = judge(&request, &Policy::default()).unwrap_err();
    assert_eq!(rejection.component.as_ref().map(|id| id.as_str()), Some("\"x\""));
    assert!(rejection.base.is_none());
    assert_eq!(rejection.to_string(), "base: the field is not in the message (\"x\")");
}

#[test]
fn crypto_refuses_every_change_of_a_covered_value() {
    let input = "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\");created=1618884473;keyid=\"k\";x";
    let signed = signed_with(&key(), input);
    judge(&signed, &Policy::default()).unwrap();
    let refused = |request: &Request| {
        let rejection = judge(request, &Policy::default()).unwrap_err();
        assert_eq!((rejection.step, rejection.reason), (Step::Crypto, Reason::SignatureInvalid));
        assert!(rejection.base.is_some());
    };
    let rebuilt = |method: &str, target: &str, edit: &dyn Fn(&str, &str) -> String| {
        let mut other = Request::new(method, target, Scheme::Https).unwrap();
        for (name, value) in signed.fields().iter() {
            let value = std::str::from_utf8(value).unwrap();
            other.fields_mut().push(name, edit(name, value)).unwrap();
        }
        other
    };
    let same = |_: &str, value: &str| value.to_owned();
    judge(&rebuilt("POST", "/foo?a=b", &same), &Policy::default()).unwrap();
    refused(&rebuilt("PUT", "/foo?a=b", &same));
    refused(&rebuilt("POST", "/fooo?a=b", &same));
    refused(&rebuilt("POST", "/foo?a=c", &same));
    refused(&rebuilt("POST", "/foo?a=b&", &same));
    for (from, to) in [
        ("example.com", "example.org"),
        ("text/plain", "text/html"),
        ("created=1618884473", "created=1618884474"),
        ("keyid=\"k\"", "keyid=\"l\""),
        (";x", ";y"),
        (";x", ""),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        (" \"content-type\"", ""),
    ] {
        let other = rebuilt("POST", "/foo?a=b", &|_, value| value.replace(from, to));
        assert_ne!(other.fields(), signed.fields(), "{from}");
        refused(&other);
    }
    // Changes that mean nothing (§1.4).
    for (from, to) in [("example.com", "EXAMPLE.com:443"), ("text/plain", "  text/plain "), (";keyid=", " ; keyid=")] {
        let other = rebuilt("POST", "/foo?a=b", &|_, value| value.replace(from, to).replace(" ;", ";"));
        assert_ne!(other.fields(), signed.fields(), "{from}");
        judge(&other, &Policy::default()).unwrap();
    }
}

#[test]
fn another_key_verifies_nothing() {
    let signed = signed_with(&key(), "(\"@method\")");
    let message = Message::Request(&signed);
    let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
    let other = SigningKey::generate_ed25519().unwrap().verifying_key();
    let rejection = verify(&message, "sig1", &signatures, &other, &Policy::default(), NOW).unwrap_err();
    assert_eq!(rejection.step, Step::Crypto);
}

#[test]
fn a_label_is_taken_also_where_its_line_is_the_half_of_a_string() {
    // Two lines, neither of them a Dictionary; joined they are one.
    let mut request = request("GET / HTTP/1.1\nHost: a\n\n");
    request.fields_mut().push("Signature-Input", "ours=(\"@method").unwrap();
    request.fields_mut().push("Signature-Input", "\");created=1").unwrap();
    let message = Message::Request(&request);
    assert_eq!(Signatures::parse(&message, &Limits::default()).unwrap().labels().collect::<Vec<_>>(), ["ours"]);
    assert_eq!(free_label(&message, "ours"), "ours2");
    assert_eq!(sign(&message, "ours", &"()".parse().unwrap(), &key()).unwrap_err(), SignError::LabelTaken);
    // One that stands by itself, though the whole can't be read.
    request.fields_mut().push("Signature-Input", "b=(").unwrap();
    request.fields_mut().push("Signature-Input", "c=()").unwrap();
    assert!(Signatures::parse(&Message::Request(&request), &Limits::default()).is_err());
    assert_eq!(free_label(&Message::Request(&request), "c"), "c2");
    assert_eq!(free_label(&Message::Request(&request), "d"), "d");
}

#[test]
fn signing_refuses_step_by_step() {
    let plain = request("GET / HTTP/1.1\nHost: a\n\n");
    let message = Message::Request(&plain);
    let input = |text: &str| text.parse::<SignatureInput>().unwrap();
    let outcome = |label: &str, text: &str| {
        sign(&message, label, &input(text), &key()).map(|_| ()).map_err(|error| (error.step(), error.to_string()))
    };
    assert_eq!(outcome("sig1", "(\"@method\");alg=\"ed25519\""), Ok(()));
    assert_eq!(outcome("sig1", "();alg=\"rsa-pss-sha512\"").unwrap_err().0, 1);
    assert_eq!(outcome("Sig1", "()").unwrap_err(), (4, "the label can't be written".into()));
    assert_eq!(outcome("", "()").unwrap_err().0, 4);
    assert_eq!(outcome("sig1", "(\"date\")").unwrap_err().0, 5);
    let mut twice = plain.clone();
    sign(&message, "sig1", &input("()"), &key()).unwrap().attach(twice.fields_mut()).unwrap();
    let message = Message::Request(&twice);
    assert_eq!(sign(&message, "sig1", &input("()"), &key()).unwrap_err(), SignError::LabelTaken);
    sign(&message, "sig2", &input("()"), &key()).unwrap();
    assert_eq!(free_label(&message, "sig1"), "sig12");
    assert_eq!(free_label(&message, "sig"), "sig");
}
