//! Messages of the RFC and of curl, explained; each check seen to hold and to fail.

use portal_core::rfc9421::{Algorithm, FieldType, FieldTypes, Limits, Policy, Signatures, VerifyingKey, verify};
use proptest::prelude::*;
use serde_json::Value;

use super::keys::{self, NamedKey};
use super::read::{self, Body, Choice, Input, Side, Subject};
use super::*;

const NOW: u64 = 1_618_884_500;

fn fixture(name: &str) -> Input {
    let path = format!("{}/../fixtures/explain/{name}", env!("CARGO_MANIFEST_DIR"));
    // Without its folder: the texts below don't depend on where the project is.
    Input { name: name.to_owned(), bytes: std::fs::read(path).unwrap() }
}

fn input(text: &str) -> Input {
    Input { name: "m.http".to_owned(), bytes: text.as_bytes().to_vec() }
}

fn subject_of(input: &Input) -> Subject {
    let choice = Choice { signed: true, ..Choice::default() };
    read::read(input, None).unwrap().choose(&input.name, choice, None).unwrap()
}

fn key(name: &str) -> NamedKey<VerifyingKey> {
    keys::verifying(&fixture(&format!("keys/{name}")), None).unwrap().remove(0)
}

fn judging(names: &[&str]) -> Judging {
    Judging { keys: names.iter().map(|name| key(name)).collect(), now: NOW, ..Judging::default() }
}

fn text_of(explanation: &Explanation) -> String {
    let mut out = Vec::new();
    text::write(explanation, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// B.2.6 with something replaced.
fn b26(from: &str, to: &str) -> Subject {
    let original = String::from_utf8(fixture("rfc9421-b.2.6.http").bytes).unwrap();
    assert!(original.contains(from));
    subject_of(&input(&original.replace(from, to)))
}

fn outcomes(explanation: &Explanation, step: Step) -> Vec<Outcome> {
    let checks = explanation.signatures[0].checks.iter();
    checks.filter(|check| check.step == step).map(|check| check.outcome).collect()
}

fn codes(explanation: &Explanation) -> Vec<&'static str> {
    let own = explanation.signatures.iter().flat_map(|signature| &signature.problems);
    explanation.problems.iter().chain(own).map(|problem| problem.code).collect()
}

#[test]
fn a_request_that_verifies() {
    insta::assert_snapshot!(text_of(&explain(
        &subject_of(&fixture("rfc9421-b.2.2.http")),
        &judging(&["test-key-rsa-pss.pem"])
    )));
}

#[test]
fn a_request_behind_a_proxy_with_two_keys_and_a_policy() {
    let mut judging = judging(&["test-key-rsa.pem", "test-key-ecc-p256.pem"]);
    judging.required.component("@method").unwrap();
    judging.required.component("@target-uri").unwrap();
    judging.required.max_age = Some(20);
    insta::assert_snapshot!(text_of(&explain(&subject_of(&fixture("rfc9421-4.3.http")), &judging)));
}

#[test]
fn a_response_with_and_without_its_request() {
    let response = subject_of(&fixture("rfc9421-2.4-response.http"));
    let judging = judging(&["test-key-ecc-p256.pem"]);
    insta::assert_snapshot!("response_alone", text_of(&explain(&response, &judging)));
    let related = subject_of(&fixture("rfc9421-2.4-request.http")).message;
    let both = Subject { related: Some(related), ..response };
    insta::assert_snapshot!("response_with_its_request", text_of(&explain(&both, &judging)));
}

#[test]
fn transcripts_of_curl() {
    let judging = judging(&["test-key-ed25519.pem"]);
    for (name, file, side) in [
        ("curl_request", "curl-http1.txt", Side::Request),
        ("curl_response", "curl-http1.txt", Side::Response),
        ("curl_http2", "curl-http2.txt", Side::Request),
        ("curl_http2_terminal", "curl-http2-terminal.txt", Side::Request),
    ] {
        let found = read::read(&fixture(file), None).unwrap();
        let mut subject = found.choose(file, Choice { side: Some(side), ..Choice::default() }, None).unwrap();
        if name == "curl_request" {
            subject.message.body = Body::Known(b"hello".to_vec());
        }
        let explanation = explain(&subject, &judging);
        assert_eq!(explanation.verdict, Verdict::Verified, "{name}");
        insta::assert_snapshot!(name, text_of(&explanation));
    }
}

#[test]
fn values_of_every_kind_say_where_they_come_from() {
    let covers = concat!(
        "(\"@method\" \"@authority\" \"@scheme\" \"@request-target\" \"@target-uri\" \"@path\" \"@query\" \"@query-param\";name=\"Pet\" ",
        "\"x-folded\" \"cache-control\" \"cache-control\";bs \"example-dict\";sf \"example-dict\";key=\"b\" \"x-empty\" \"expires\";tr ",
        "\"x-b\";sf \"gone\" \"@status\");created=1618884473"
    );
    let bytes = fixture("every-kind.http").bytes;
    let fields = format!("Signature-Input: a={covers}\r\nSignature: a=:AA==:\r\nTrailer:");
    let text = String::from_utf8(bytes).unwrap().replace("Trailer:", &fields);
    let types = FieldTypes::default().with("example-dict", FieldType::Dictionary);
    let explanation =
        explain(&subject_of(&input(&text)), &Judging { field_types: types, now: NOW, ..Judging::default() });
    insta::assert_snapshot!(text_of(&explanation));
}

#[test]
fn a_wrong_signature_with_its_cause_for_programs() {
    let subject = b26("POST", "PUT");
    let explanation = explain(&subject, &judging(&["test-key-ed25519.pem"]));
    insta::assert_snapshot!("wrong_method", text_of(&explanation));
    insta::assert_snapshot!("wrong_method_json", serde_json::to_string_pretty(&explanation).unwrap());
}

#[test]
fn parse_fails() {
    for (from, to, code) in [
        ("Signature-Input: sig-b26=(", "Signature-Input: sig-b26=((", "malformed_signature_input"),
        ("Signature: sig-b26=:", "Signature: sig-b26=:::", "malformed_signature"),
        ("sig-b26=(\"date\"", "sig-b26=(), sig-b26=(\"date\"", "duplicate_label"),
        ("created=1618884473", "created=\"1618884473\"", "invalid_parameter"),
        ("(\"date\"", "(date", "component_not_a_string"),
        ("Signature: sig-b26=:wq", "Signature: sig-b26=?1;a=:wq", "not_a_byte_sequence"),
    ] {
        let explanation = explain(&b26(from, to), &judging(&["test-key-ed25519.pem"]));
        assert_eq!((codes(&explanation), explanation.verdict), (vec![code], Verdict::Refused), "{to}");
        if let Some(signature) = explanation.signatures.first() {
            assert_eq!(outcomes(&explanation, Step::Parse), [Outcome::Fail]);
            assert!(signature.checks.iter().skip(1).all(|check| check.outcome == Outcome::NotChecked));
        }
        assert!(!text_of(&explanation).contains("verified"), "{to}");
    }
}

#[test]
fn select_fails() {
    let keys = judging(&["test-key-ed25519.pem"]);
    let gone = explain(&b26("Signature: sig-b26", "X: sig-b26"), &keys);
    assert_eq!(codes(&gone), ["input_without_signature"]);
    assert_eq!(
        (outcomes(&gone, Step::Parse), outcomes(&gone, Step::Select)),
        (vec![Outcome::Pass], vec![Outcome::Fail])
    );
    // The base is shown all the same.
    assert!(gone.signatures[0].base_text.as_ref().unwrap().starts_with("\"date\": Tue"));
    let gone = explain(&b26("Signature-Input: sig-b26", "X: sig-b26"), &keys);
    assert_eq!(codes(&gone), ["signature_without_input"]);
    let none = explain(&subject_of(&input("GET / HTTP/1.1\nHost: a\n\n")), &keys);
    assert_eq!((codes(&none), none.verdict), (vec!["no_such_label"], Verdict::Refused));
    assert!(none.problems[0].what.starts_with("the message has no signature"));
    let other = explain(&b26("POST", "POST"), &Judging { label: Some("x".into()), ..keys });
    assert!(other.problems[0].what.ends_with("it has sig-b26"));
}

#[test]
fn policy_holds_and_fails() {
    let with = |set: fn(&mut Required)| {
        let mut judging = judging(&["test-key-ed25519.pem"]);
        set(&mut judging.required);
        explain(&b26("POST", "POST"), &judging)
    };
    let two = with(|required| {
        required.component("@method").unwrap();
        required.component("@query").unwrap();
    });
    assert_eq!(outcomes(&two, Step::Policy), [Outcome::Pass, Outcome::Fail]);
    assert_eq!((codes(&two), two.verdict), (vec!["missing_component"], Verdict::Refused));
    let tag = with(|required| required.tag = Some("app".into()));
    assert_eq!(codes(&tag), ["wrong_tag"]);
    assert_eq!(outcomes(&with(|required| required.max_age = Some(100)), Step::Policy), [Outcome::Pass]);
    assert_eq!(outcomes(&with(|_| {}), Step::Policy), [Outcome::NotChecked]);
    let mut judging = judging(&["test-key-ed25519.pem"]);
    judging.required.max_age = Some(100);
    let without = explain(&b26(";created=1618884473", ""), &judging);
    assert_eq!(codes(&without), ["missing_created", "signature_invalid"]);
    assert!(Required::default().component("\"a\" b").is_err());
}

#[test]
fn time_holds_and_fails() {
    let at = |created: &str, now: u64, max_age: Option<u64>, skew: u64| {
        let mut judging = Judging { now, ..judging(&["test-key-ed25519.pem"]) };
        (judging.required.max_age, judging.required.skew) = (max_age, skew);
        explain(&b26("created=1618884473", created), &judging)
    };
    let (pass, fail, not) = (Outcome::Pass, Outcome::Fail, Outcome::NotChecked);
    let same = "created=1618884473";
    assert_eq!(outcomes(&at(same, NOW, Some(27), 0), Step::Time), [pass, not]);
    let old = at(same, NOW, Some(26), 0);
    assert_eq!((outcomes(&old, Step::Time), codes(&old)), (vec![fail, not], vec!["too_old"]));
    assert_eq!(outcomes(&at(same, NOW, Some(26), 1), Step::Time), [pass, not]);
    let future = at(same, 1_618_884_472, Some(26), 0);
    assert_eq!(codes(&future), ["created_in_future"]);
    assert_eq!(outcomes(&at(same, NOW, None, 0), Step::Time), [not, not]);
    let expiring = "created=1618884473;expires=1618884500";
    assert_eq!(outcomes(&at(expiring, NOW, None, 0), Step::Time), [not, pass]);
    assert_eq!(outcomes(&at(expiring, NOW + 1, None, 0), Step::Time), [not, fail]);
}

#[test]
fn key_holds_and_fails() {
    let with = |alg: &str, keys: &[&str], algorithms: &[Algorithm]| {
        let mut judging = judging(keys);
        judging.required.algorithms = algorithms.to_vec();
        explain(&b26("keyid=", &format!("{alg}keyid=")), &judging)
    };
    let (pass, fail, not) = (Outcome::Pass, Outcome::Fail, Outcome::NotChecked);
    let ed = &["test-key-ed25519.pem"][..];
    assert_eq!(outcomes(&with("", ed, &[]), Step::Key), [pass, pass]);
    assert_eq!(outcomes(&with("", &[], &[]), Step::Key), [not, not]);
    let mismatch = with("alg=\"hmac-sha256\";", ed, &[]);
    assert_eq!((outcomes(&mismatch, Step::Key), codes(&mismatch)[0]), (vec![pass, fail], "algorithm_mismatch"));
    let not_allowed = with("", ed, &[Algorithm::HmacSha256]);
    assert_eq!(codes(&not_allowed), ["algorithm_not_allowed"]);
    assert_eq!(outcomes(&with("", ed, &[Algorithm::Ed25519]), Step::Key), [pass, pass]);
    // Also without a key.
    assert_eq!(codes(&with("alg=\"none\";", &[], &[])), ["unknown_algorithm"]);
    assert_eq!(codes(&with("alg=\"ed25519\";", &[], &[Algorithm::HmacSha256])), ["algorithm_not_allowed"]);
    assert_eq!(outcomes(&with("alg=\"ed25519\";", &[], &[]), Step::Key), [not, not]);
}

#[test]
fn base_and_crypto_hold_and_fail() {
    let ed = || judging(&["test-key-ed25519.pem"]);
    let (pass, fail, not) = (Outcome::Pass, Outcome::Fail, Outcome::NotChecked);
    let right = explain(&b26("POST", "POST"), &ed());
    assert_eq!((outcomes(&right, Step::Base), outcomes(&right, Step::Crypto)), (vec![pass], vec![pass]));
    let missing = explain(&b26("Date:", "X-Date:"), &ed());
    assert_eq!((outcomes(&missing, Step::Base), outcomes(&missing, Step::Crypto)), (vec![fail], vec![not]));
    assert_eq!(codes(&missing), ["field_missing"]);
    let twice = explain(&b26("(\"date\"", "(\"date\" \"date\""), &ed());
    assert_eq!(codes(&twice), ["duplicate_component"]);
    assert_eq!(twice.signatures[0].base[1].value, None);
    let changed = explain(&b26("wqcAqb", "wqcAqc"), &ed());
    assert_eq!((outcomes(&changed, Step::Base), outcomes(&changed, Step::Crypto)), (vec![pass], vec![fail]));
    assert_eq!(codes(&changed), ["signature_invalid"]);
    let without = explain(&b26("wqcAqb", "wqcAqc"), &judging(&[]));
    assert_eq!((outcomes(&without, Step::Crypto), without.verdict), (vec![not], Verdict::NothingWrongFound));
    assert!(
        text_of(&without)
            .contains("nothing wrong was found, but the signature itself was not checked: no key was given")
    );
}

#[test]
fn digest_holds_and_fails() {
    let ed = judging(&["test-key-ed25519.pem"]);
    let digest = |from: &str, to: &str| {
        let explanation = explain(&b26(from, to), &ed);
        (outcomes(&explanation, Step::Digest), codes(&explanation), explanation)
    };
    let (outcome, problems, right) = digest("POST", "POST");
    assert_eq!((outcome, problems.len()), (vec![Outcome::Pass], 0));
    assert!(right.signatures[0].checks.iter().any(|check| check.why.ends_with("not covered by this signature")));
    let (outcome, problems, wrong) = digest("\"world\"", "\"World\"");
    assert_eq!((outcome, problems, wrong.verdict), (vec![Outcome::Fail], vec!["digest_mismatch"], Verdict::Refused));
    for (from, to, code) in [
        ("sha-512=", "md5=", "digest_unsupported"),
        ("Content-Digest: sha-512=:", "Content-Digest: sha-512=::", "digest_malformed"),
    ] {
        assert_eq!(digest(from, to).1, [code]);
    }
    assert_eq!(digest("Content-Digest:", "X:").0, [Outcome::NotChecked]);
    let cut = String::from_utf8(fixture("rfc9421-b.2.6.http").bytes).unwrap().replace("\"world\"}", "");
    assert_eq!(outcomes(&explain(&subject_of(&input(&cut)), &ed), Step::Digest), [Outcome::NotChecked]);
}

#[test]
fn what_happened_to_the_content_is_found() {
    let advice = |head: &str, content: &str, digest_of: &str| {
        let digest = portal_core::digest::ContentDigest::compute(
            portal_core::digest::DigestAlgorithm::Sha256,
            digest_of.as_bytes(),
        );
        let text = format!(
            "POST / HTTP/1.1\nHost: a\nContent-Digest: {digest}\nSignature-Input: a=();created=1\nSignature: a=:AA==:\n{head}\n{content}"
        );
        explain(&subject_of(&input(&text)), &Judging::default()).signatures[0].problems[0].advice.clone()
    };
    assert!(advice("", "hello\n", "hello").starts_with("Without the line end"));
    assert!(advice("", "hello", "hello\n").starts_with("With a line end"));
    assert!(advice("", "a\nb", "a\r\nb").starts_with("With CR LF"));
    assert!(advice("", "a\r\nb", "a\nb").starts_with("With LF"));
    assert!(advice("", "hello", "").starts_with("The digest is that of no content"));
    assert!(advice("", "hello", "other").starts_with("The content was changed"));
}

#[test]
fn what_a_signature_leaves_open_is_said() {
    let warnings = |text: &str| -> Vec<&'static str> {
        let explanation = explain(&subject_of(&input(text)), &Judging { now: NOW, ..Judging::default() });
        explanation.signatures[0].warnings.iter().map(|warning| warning.code).collect()
    };
    let request = |target: &str, covers: &str, rest: &str| {
        warnings(&format!("POST {target} HTTP/1.1\nHost: a\nSignature-Input: a={covers}\nSignature: a=:AA==:\n{rest}"))
    };
    let full = ";created=1618884473;keyid=\"k\"";
    assert_eq!(request("/", &format!("(\"@method\" \"@target-uri\"){full}"), ""), Vec::<&str>::new());
    assert_eq!(request("/", &format!("(\"@method\" \"host\" \"@request-target\"){full}"), ""), Vec::<&str>::new());
    assert_eq!(request("/?a", &format!("(\"@method\" \"@authority\" \"@path\"){full}"), ""), ["no_query"]);
    assert_eq!(request("/", "()", "\nx"), ["covers_nothing", "no_digest", "no_time", "no_keyid"]);
    assert_eq!(request("/?a", &format!("(\"host\"){full}"), ""), ["no_method", "no_path", "no_query"]);
    assert_eq!(request("/", &format!("(\"@method\" \"@path\"){full}"), ""), ["no_authority"]);
    assert_eq!(
        request("/", &format!("(\"@method\" \"@target-uri\"){full}"), "Content-Digest: sha-256=:AA==:\n\nx"),
        ["digest_not_covered"]
    );
    assert_eq!(request("/", "(\"@method\" \"@target-uri\");expires=9;keyid=\"k\"", ""), ["no_created"]);
    assert_eq!(request("/", "(\"@method\" \"@target-uri\");created=1718884473;keyid=\"k\"", ""), ["created_in_future"]);
    let response =
        |covers: &str| warnings(&format!("HTTP/1.1 200 OK\nSignature-Input: a={covers}{full}\nSignature: a=:AA==:\n"));
    assert_eq!(response("(\"date\")"), ["no_status", "not_bound_to_request"]);
    assert_eq!(response("(\"@status\" \"@method\";req)"), Vec::<&str>::new());
    let old = explain(&subject_of(&fixture("rfc9421-4.3.http")), &judging(&["test-key-rsa.pem"]));
    assert!(old.signatures[1].warnings.iter().any(|warning| warning.code == "rsa_v1_5"));
}

#[test]
fn each_label_gets_its_key() {
    let subject = subject_of(&fixture("rfc9421-4.3.http"));
    // The one key is that of proxy_sig: nothing is said about sig1, which needs another.
    let one = explain(&subject, &judging(&["test-key-rsa.pem"]));
    assert_eq!(
        one.signatures.iter().map(|signature| signature.verdict).collect::<Vec<_>>(),
        [Verdict::NothingWrongFound, Verdict::Verified]
    );
    assert_eq!(one.verdict, Verdict::Verified);
    assert!(one.signatures[0].key.is_none());
    // Without names to go by, too.
    let mut renamed = judging(&["test-key-ed25519.pem", "test-key-rsa.pem"]);
    renamed.keys.iter_mut().for_each(|key| key.name.insert(0, 'x'));
    let two = explain(&subject, &renamed);
    assert_eq!(two.signatures[1].key.as_deref(), Some("xtest-key-rsa"));
    assert_eq!(two.signatures[0].key.as_deref(), Some("xtest-key-ed25519"));
    // A key of the name that keyid says is the one, also if it is wrong.
    let mut wrong = judging(&["test-key-ed25519.pem", "test-key-ecc-p256.pem"]);
    wrong.keys[0].name = "test-key-ecc-p256".into();
    wrong.keys[1].name = "other".into();
    let wrong = explain(&subject_of(&fixture("rfc9421-b.2.4.http")), &wrong);
    assert_eq!(codes(&wrong), ["signature_invalid"]);
    assert_eq!(wrong.signatures[0].cause.as_ref().unwrap().codes, ["other_key"]);
}

#[test]
fn a_jwk_that_names_its_algorithm_is_not_overruled() {
    let bytes =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"me","alg":"EdDSA","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let keys = keys::verifying(&input(bytes), None).unwrap();
    let with = |alg: &str, algorithms: Vec<Algorithm>| {
        let mut judging = Judging { keys: keys.clone(), now: NOW, ..Judging::default() };
        judging.required.algorithms = algorithms;
        codes(&explain(&b26("keyid=", &format!("{alg}keyid=")), &judging))
    };
    assert_eq!(with("", vec![]), Vec::<&str>::new());
    assert_eq!(with("alg=\"ed25519\";", vec![]), ["algorithm_stated", "signature_invalid"]);
    // The caller may.
    assert_eq!(with("alg=\"ed25519\";", vec![Algorithm::Ed25519]), ["signature_invalid"]);
}

#[test]
fn what_only_the_engine_refuses_is_refused() {
    let subject = b26("POST", "POST");
    let judging = judging(&["test-key-ed25519.pem"]);
    let message = subject.as_message();
    let signatures = Signatures::parse(&message, &Limits::default()).unwrap();
    for (policy, code) in
        [(Policy::default(), None), (Policy { require_nonce: true, ..Policy::default() }, Some("missing_nonce"))]
    {
        let desk = Desk { subject: &subject, message, signatures: signatures.clone(), policy, judging: &judging };
        let info = desk.signature("sig-b26", &desk.pick_keys());
        assert_eq!(info.problems.first().map(|problem| problem.code), code);
        assert_eq!(info.verdict == Verdict::Verified, code.is_none());
    }
}

#[test]
fn a_message_cannot_write_on_the_terminal() {
    let text = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: \u{1b}[2J\u{7}\nX-Forwarded-Host: \u{1b}[1m\nX: \u{9b}2J\nSignature-Input: a=(\"@authority\" \"x\" \"x\";bs)\nSignature: a=:AA==:\n";
    let shown = text_of(&explain(&subject_of(&input(text)), &judging(&["test-key-ed25519.pem"])));
    assert!(shown.contains("\\u{1b}[2j\\u{7}"), "{shown}");
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
}

#[test]
fn keys_are_told_by_what_is_in_them() {
    let read = |bytes: &[u8]| keys::verifying(&Input { name: "dir/k.x".into(), bytes: bytes.to_vec() }, None);
    let pem = fixture("keys/test-key-ed25519.pem").bytes;
    assert_eq!(read(&pem).unwrap()[0].name, "k");
    let der: String = String::from_utf8_lossy(&pem).lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, der).unwrap();
    assert!(read(&der).unwrap()[0].key == read(&pem).unwrap()[0].key);
    let private = fixture("keys/test-key-ed25519.private.pem").bytes;
    assert!(read(&private).unwrap()[0].key == read(&pem).unwrap()[0].key);
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"me","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let found = read(jwk.as_bytes()).unwrap();
    assert!(found[0].name == "me" && found[0].key == read(&pem).unwrap()[0].key);
    let private = jwk.replace("\"x\"", "\"d\":\"n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU\",\"x\"");
    assert!(read(private.as_bytes()).unwrap()[0].key == found[0].key);
    let set = format!("{{\"keys\":[{jwk},{}]}}", jwk.replace("\"me\"", "\"you\""));
    assert_eq!(read(set.as_bytes()).unwrap().iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["me", "you"]);
    let signing = |bytes: &[u8]| keys::signing(&Input { name: "k".into(), bytes: bytes.to_vec() });
    assert_eq!(signing(private.as_bytes()).unwrap().name, "me");
    for (bytes, words) in [
        (&b""[..], "neither PEM, DER nor JWK"),
        (b"0\x03abc", "not a key"),
        (b"{\n\"kty\": }", "k.x:2: is no JWK"),
        (b"{\"keys\":[]}", "without keys"),
        (b"{\"kty\":\"oct\"}", "JWK"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "openssl x509"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "openssl pkey"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "ssh-keygen"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(
        signing(&pem).unwrap_err().to_string().contains("signing takes")
            || signing(&pem).unwrap_err().to_string().contains("To sign")
    );
    assert!(
        signing(set.replace("\"kid\"", "\"d\":\"n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU\",\"kid\"").as_bytes())
            .unwrap_err()
            .to_string()
            .contains("several keys")
    );
}

/// The examples of the RFC, as the engine's own tests have them.
fn examples() -> Vec<Value> {
    let path = format!("{}/../core/src/rfc9421/tests/rfc9421.json", env!("CARGO_MANIFEST_DIR"));
    let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all["cases"].as_array().unwrap().clone()
}

#[test]
fn the_examples_of_the_rfc_come_out_as_the_rfc_says() {
    let all = [
        "test-key-rsa.pem",
        "test-key-rsa-pss.pem",
        "test-key-ecc-p256.pem",
        "test-key-ed25519.pem",
        "test-shared-secret.jwk",
    ];
    for case in examples() {
        let (name, label) = (case["name"].as_str().unwrap(), case["label"].as_str().unwrap());
        let mut subject = subject_of(&input(case["message"].as_str().unwrap()));
        subject.related = case["related_request"].as_str().map(|text| subject_of(&input(text)).message);
        let explanation = explain(&subject, &Judging { label: Some(label.into()), ..judging(&all) });
        let expected = if case["valid"] == true { Verdict::Verified } else { Verdict::Refused };
        assert_eq!(explanation.verdict, expected, "{name}: {}", text_of(&explanation));
        if let Some(base) = case["base"].as_str() {
            assert_eq!(explanation.signatures[0].base_text.as_deref(), Some(base), "{name}");
        }
        let lines = explanation.signatures[0]
            .base
            .iter()
            .map(|line| Some(format!("{}: {}", line.component, line.value.as_ref()?)));
        let lines: Option<Vec<String>> = lines.collect();
        assert_eq!(lines.map(|lines| lines.join("\n")), explanation.signatures[0].base_text, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The single checks together say what the engine says as a whole.
    #[test]
    fn the_checks_agree_with_the_engine(at in any::<prop::sample::Index>(), with in prop::sample::select(b"aA1;=\"(): \t@/?%,".to_vec()), max_age in prop::option::of(0_u64..60)) {
        let mut bytes = fixture("rfc9421-b.2.6.http").bytes;
        let head = bytes.len() - 18;
        bytes[at.index(head)] = with;
        let damaged = Input { name: "m.http".into(), bytes };
        let Ok(subject) = read::read(&damaged, None).and_then(|found| found.choose("m.http", Choice::default(), None)) else { return Ok(()) };
        let mut judging = judging(&["test-key-ed25519.pem"]);
        judging.required.max_age = max_age;
        let explanation = explain(&subject, &judging);
        let message = subject.as_message();
        let label = explanation.message.labels.first().cloned().unwrap_or_default();
        let policy = Policy { max_age, ..Policy::default() };
        let engine = Signatures::parse(&message, &Limits::default()).and_then(|signatures| verify(&message, &label, &signatures, &judging.keys[0].key, &policy, NOW));
        let beside_digest = codes(&explanation).iter().any(|code| !code.starts_with("digest_"));
        prop_assert_eq!(engine.is_err(), beside_digest, "{}", text_of(&explanation));
    }

    #[test]
    fn no_message_makes_an_explanation_panic(covers in "[(][\"@a-z ;=?0-9:,]{0,40}[)][;a-z=\"0-9]{0,20}", target in "/[ -~]{0,20}", value in "[ -~\\t]{0,30}") {
        let text = format!("GET {target} HTTP/1.1\nHost: {value}\nX: {value}\nSignature-Input: a={covers}\nSignature: a=:{}:\n", "AAAA".repeat(16));
        if let Ok(found) = read::read(&input(&text), None) {
            let subject = found.choose("m.http", Choice::default(), None).unwrap();
            let explanation = explain(&subject, &judging(&["test-key-ed25519.pem"]));
            prop_assert!(explanation.verdict == Verdict::Refused);
            text_of(&explanation);
        }
    }
}
