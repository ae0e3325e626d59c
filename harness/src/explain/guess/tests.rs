//! Each deviation made by a careless signer, and found.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::rfc9421::{Algorithm, FieldType, FieldTypes, SignatureBase, SigningKey, VerifyingKey};

use crate::explain::keys::{self, NamedKey};
use crate::explain::read::{self, Choice, Input, Located, Subject};
use crate::explain::{Cause, Explanation, Judging, Verdict, explain};

const REQUEST: &str = "POST /api//v1/%7ea?b=1+2&a=%c3%a4 HTTP/1.1
Host: Example.com:443
X-Forwarded-Host: public.example
X-Space:   a    B
X-Two: 1
X-Two: 2
X-Folded: one
  two
X-Latin: ä
Dict: a=1,  b=2;x
Dict: c=:AA==:
Trailer: x-two
Content-Length: 0
";

const RESPONSE: &str = "HTTP/1.1 404 Not Found
X-Two: 3
Content-Length: 0
";

fn located(text: &str) -> Located {
    let input = Input { name: "m.http".to_owned(), bytes: format!("{text}\n").into_bytes() };
    let found = read::read(&input, None).unwrap();
    found.choose("m.http", Choice::default(), None).unwrap().message
}

fn subject(text: &str) -> Subject {
    let related = text.starts_with("HTTP/").then(|| located(REQUEST));
    Subject { message: located(text), related }
}

fn corpus_key(name: &str) -> SigningKey {
    let path = format!("{}/../tests/corpus/keys/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let document: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    SigningKey::from_pem(document["private_pem"].as_str().unwrap()).unwrap()
}

fn named(name: &str, key: VerifyingKey) -> NamedKey<VerifyingKey> {
    NamedKey { name: name.to_owned(), key, mistaken: Vec::new() }
}

/// Makes the signature of a base.
type Sign = Box<dyn Fn(&SigningKey, &str) -> Vec<u8>>;

/// A signature over what the careless signer takes for the base.
struct Careless {
    message: &'static str,
    covers: &'static str,
    key: SigningKey,
    types: FieldTypes,
    /// Makes the signature of the right base, where there is one.
    sign: Sign,
}

impl Careless {
    fn explained(&self) -> Explanation {
        let mut subject = subject(self.message);
        let input = self.covers.parse().unwrap();
        let base = SignatureBase::build(&subject.as_message(), &input, &self.types);
        let base = base.map(|base| base.to_string()).unwrap_or_default();
        let signature = (self.sign)(&self.key, &base);
        let fields = subject.message.fields_mut();
        fields.push("Signature-Input", format!("s={}", self.covers)).unwrap();
        fields.push("Signature", format!("s=:{}:", STANDARD.encode(signature))).unwrap();
        subject.message.field_lines.extend([90, 91]);
        let judging = Judging { keys: vec![named("k", self.key.verifying_key())], ..Judging::default() };
        explain(&subject, &judging)
    }

    fn cause(&self) -> Option<Cause> {
        let explanation = self.explained();
        assert_eq!(explanation.verdict, Verdict::Refused);
        explanation.signatures[0].cause.clone()
    }
}

/// Signs with parts of the base replaced.
fn replacing(
    message: &'static str,
    covers: &'static str,
    changes: &'static [(&'static str, &'static str)],
) -> Careless {
    Careless {
        message,
        covers,
        key: corpus_key("test-key-ed25519"),
        types: FieldTypes::default(),
        sign: Box::new(move |key, base| {
            let mut base = base.to_owned();
            for (from, to) in changes {
                assert!(base.contains(from), "{from:?} in {base}");
                base = base.replace(from, to);
            }
            key.sign(base.as_bytes()).unwrap()
        }),
    }
}

/// Signs this text.
fn signing(message: &'static str, covers: &'static str, base: &'static str) -> Careless {
    Careless { sign: Box::new(move |key, _| key.sign(base.as_bytes()).unwrap()), ..replacing(message, covers, &[]) }
}

fn codes(careless: &Careless) -> Vec<&'static str> {
    careless.cause().map(|cause| cause.codes).unwrap_or_default()
}

#[test]
fn deviations_in_derived_components_are_found() {
    const ALL: &str = "(\"@method\" \"@authority\" \"@target-uri\");created=1";
    const TARGET: &str = "(\"@target-uri\");created=1";
    for (code, covers, from, to) in [
        ("port_kept", ALL, "example.com", "example.com:443"),
        ("host_case", ALL, "example.com", "Example.com"),
        ("other_scheme", TARGET, "https://example.com", "http://example.com:443"),
        ("other_scheme", "(\"@scheme\");created=1", ": https", ": http"),
        ("forwarded_host", ALL, "example.com", "public.example"),
        ("path_decoded", "(\"@path\");created=1", "%7ea", "~a"),
        ("path_encoded", "(\"@request-target\");created=1", "%7ea", "~a"),
        ("path_escapes_case", TARGET, "%7ea", "%7Ea"),
        ("path_slash_added", TARGET, "%7ea", "%7ea/"),
        ("path_normalized", TARGET, "api//v1", "api/v1"),
        ("path_prefix_dropped", "(\"@path\");created=1", "/api//v1", "//v1"),
        ("path_with_query", "(\"@path\");created=1", "%7ea", "%7ea?b=1+2&a=%c3%a4"),
        ("path_empty", "(\"@path\");created=1", "/api//v1/%7ea", ""),
        ("query_dropped", TARGET, "?b=1+2&a=%c3%a4", ""),
        ("query_dropped", "(\"@query\");created=1", "?b=1+2&a=%c3%a4", "?"),
        ("query_none", "(\"@query\");created=1", "?b=1+2&a=%c3%a4", ""),
        ("query_without_mark", "(\"@query\");created=1", "?b=", "b="),
        ("query_decoded", TARGET, "a=%c3%a4", "a=ä"),
        ("query_plus", TARGET, "1+2", "1%202"),
        ("query_escapes_case", TARGET, "%c3%a4", "%C3%A4"),
        ("query_encoded", TARGET, "b=1+2&a=%c3%a4", "b=1%202&a=%C3%A4"),
        ("query_sorted", TARGET, "b=1+2&a=%c3%a4", "a=%c3%a4&b=1+2"),
        ("query_parameter_dropped", TARGET, "b=1+2&", ""),
        ("method_case", ALL, "POST", "post"),
        ("other_method", ALL, "POST", "GET"),
        ("target_uri_relative", TARGET, "https://example.com", ""),
        ("target_with_method", "(\"@request-target\");created=1", ": /api", ": post /api"),
        ("target_absolute", "(\"@request-target\");created=1", ": /api", ": https://Example.com:443/api"),
        ("param_raw", "(\"@query-param\";name=\"a\");created=1", "%C3%A4", "%c3%a4"),
        ("param_decoded", "(\"@query-param\";name=\"a\");created=1", "%C3%A4", "ä"),
        ("param_encoded", "(\"@query-param\";name=\"b\");created=1", "1%202", "1+2"),
    ] {
        let careless = replacing(REQUEST, covers, Box::leak(Box::new([(from, to)])));
        let found = codes(&careless);
        // A plus that was kept is also what was sent.
        let same = code == "param_encoded" && found == ["param_raw"];
        // Decoded and encoded anew is the same for a tilde.
        let alike = code == "path_encoded" && found == ["path_decoded"];
        assert!(found == [code] || same || alike, "{code}: {found:?}");
    }
}

#[test]
fn deviations_that_need_another_message_are_found() {
    const OTHER: &str = "GET /%2Fa/ HTTP/1.1\nHost: example.com:8443\nContent-Length: 0\n";
    for (message, code, covers, from, to) in [
        (OTHER, "port_dropped", "(\"@authority\")", ":8443", ""),
        (OTHER, "path_slash_dropped", "(\"@path\")", "%2Fa/", "%2Fa"),
        (OTHER, "path_lower_case", "(\"@path\")", "%2Fa", "%2fa"),
        (OTHER, "query_mark_added", "(\"@target-uri\")", "%2Fa/", "%2Fa/?"),
        ("GET /A? HTTP/1.1\nHost: a\n", "query_empty", "(\"@target-uri\")", "/A?", "/A"),
        ("GET /A? HTTP/1.1\nHost: a\n", "path_lower_case", "(\"@path\")", "/A", "/a"),
        ("GET / HTTP/1.1\nHost: a\n", "port_added", "(\"@authority\")", ": a", ": a:443"),
        (
            "GET / HTTP/1.1\nHost: in\nForwarded: for=x;host=\"out.example\"\n",
            "forwarded_host",
            "(\"@authority\")",
            ": in",
            ": out.example",
        ),
        (RESPONSE, "status_with_reason", "(\"@status\")", ": 404", ": 404 Not Found"),
        (RESPONSE, "other_message", "(\"x-two\";req)", ": 1, 2", ": 3"),
        (RESPONSE, "host_case", "(\"@authority\";req)", "example", "Example"),
    ] {
        let found = codes(&replacing(message, covers, Box::leak(Box::new([(from, to)]))));
        // The case of an escape is the path's case, too.
        let alike = found == ["path_escapes_case"] && to == "%2fa";
        assert!(found == [code] || alike, "{code}: {found:?}");
    }
}

#[test]
fn deviations_in_fields_are_found() {
    for (code, covers, from, to) in [
        ("not_trimmed", "(\"x-space\")", ": a    B", ":    a    B"),
        ("whitespace_squeezed", "(\"x-space\")", "a    B", "a B"),
        ("lower_case", "(\"x-space\")", "a    B", "a    b"),
        ("joined_without_space", "(\"x-two\")", "1, 2", "1,2"),
        ("joined_otherwise", "(\"x-two\")", "1, 2", "1; 2"),
        ("first_line_only", "(\"x-two\")", "1, 2", "1"),
        ("last_line_only", "(\"x-two\")", "1, 2", "2"),
        ("lines_reversed", "(\"x-two\")", "1, 2", "2, 1"),
        ("folding_kept", "(\"x-folded\")", "one two", "one\r\n  two"),
        ("folding_kept", "(\"x-folded\")", "one two", "onetwo"),
        ("sf_unasked", "(\"dict\")", "a=1,  b=2;x, c", "a=1, b=2;x, c"),
        ("whitespace_removed", "(\"dict\")", "a=1,  b=2;x, c", "a=1, b=2;x,c"),
        ("key_with_name", "(\"dict\";key=\"b\")", ": 2;x", ": b=2;x"),
        ("parameters_ignored", "(\"dict\";key=\"b\")", ": 2;x", ": a=1,  b=2;x, c=:AA==:"),
        ("bs_joined", "(\"x-two\";bs)", ":MQ==:, :Mg==:", ":MSwgMg==:"),
        ("bs_without_colons", "(\"x-two\";bs)", ":MQ==:, :Mg==:", "MQ==, Mg=="),
        ("bs_not_trimmed", "(\"x-two\";bs)", ":MQ==:, :Mg==:", ":IDE=:, :IDI=:"),
    ] {
        let found = codes(&replacing(REQUEST, covers, Box::leak(Box::new([(from, to)]))));
        // As a Dictionary serialized again, whitespace is squeezed, too.
        let alike = code == "sf_unasked" && found == ["whitespace_squeezed"];
        assert!(found == [code] || alike, "{code}: {found:?}");
    }
    let raw = "GET / HTTP/1.1\nHost: a\nDict: a=( 1  2 ), b\n";
    assert_eq!(codes(&replacing(raw, "(\"dict\";key=\"a\")", &[("(1 2)", "( 1  2 )")])), ["key_raw"]);
    let item = "GET / HTTP/1.1\nHost: a\nItem: 1; a\n";
    assert_eq!(codes(&replacing(item, "(\"item\")", &[("1; a", "1;a")])), ["sf_unasked"]);
}

#[test]
fn trailers_and_header_are_told_apart() {
    const CHUNKED: &str = "POST / HTTP/1.1\nHost: a\nX: head\nTransfer-Encoding: chunked\n\n0\nX: tail\n";
    assert_eq!(codes(&replacing(CHUNKED, "(\"x\";tr)", &[("tail", "head")])), ["header_for_trailer"]);
    assert_eq!(codes(&replacing(CHUNKED, "(\"x\")", &[("head", "tail")])), ["header_for_trailer"]);
}

#[test]
fn components_without_a_value_are_explained_by_what_was_signed() {
    for (code, covers, base) in [
        (
            "missing_as_empty",
            "(\"@method\" \"gone\")",
            "\"@method\": POST\n\"gone\": \n\"@signature-params\": (\"@method\" \"gone\")",
        ),
        (
            "missing_left_out",
            "(\"@method\" \"gone\")",
            "\"@method\": POST\n\"@signature-params\": (\"@method\" \"gone\")",
        ),
        ("not_ascii", "(\"x-latin\")", "\"x-latin\": ä\n\"@signature-params\": (\"x-latin\")"),
        ("field_type", "(\"dict\";sf)", "\"dict\";sf: a=1, b=2;x, c=:AA==:\n\"@signature-params\": (\"dict\";sf)"),
    ] {
        let careless = signing(REQUEST, covers, base);
        let explanation = careless.explained();
        assert_eq!(explanation.signatures[0].problems[0].step, "base", "{code}");
        assert_eq!(codes(&careless), [code]);
    }
    // With the type said, the same signature verifies.
    let typed = Careless {
        types: FieldTypes::default().with("dict", FieldType::Dictionary),
        ..replacing(REQUEST, "(\"dict\";sf)", &[])
    };
    assert_eq!(codes(&typed), ["field_type"]);
}

#[test]
fn deviations_in_the_parameters_and_the_layout_are_found() {
    const PLAIN: &str = "(\"@method\" \"x-two\" \"@path\");created=1;keyid=\"k\";tag=\"t\"";
    for (code, from, to) in [
        ("params_with_label", ": (\"@m", ": s=(\"@m"),
        ("param_dropped", ";tag=\"t\"", ""),
        ("param_quoted", "created=1", "created=\"1\""),
        ("param_unquoted", "keyid=\"k\"", "keyid=k"),
        ("param_milliseconds", "created=1", "created=1000"),
        ("param_other_time", "created=1", "created=2"),
        ("param_added", "tag=\"t\"", "tag=\"t\";alg=\"ed25519\""),
        ("params_reordered", "created=1;keyid=\"k\"", "keyid=\"k\";created=1"),
        ("params_spaced", ";", "; "),
        ("list_with_commas", "\"@method\" \"x-two\" ", "\"@method\", \"x-two\", "),
        ("final_line_end", ";tag=\"t\"", ";tag=\"t\"\n"),
        ("crlf", "\n", "\r\n"),
        ("colon_without_space", "\": ", "\":"),
        (
            "params_left_out",
            "\n\"@signature-params\": (\"@method\" \"x-two\" \"@path\");created=1;keyid=\"k\";tag=\"t\"",
            "",
        ),
        (
            "lines_reordered",
            "\"@method\": POST\n\"x-two\": 1, 2\n\"@path\": /api//v1/%7ea\n",
            "\"@method\": POST\n\"@path\": /api//v1/%7ea\n\"x-two\": 1, 2\n",
        ),
    ] {
        assert_eq!(codes(&replacing(REQUEST, PLAIN, Box::leak(Box::new([(from, to)])))), [code], "{code}");
    }
    let unquoted: &[_] = &[
        ("\"@method\": ", "@method: "),
        ("\"x-two\": ", "x-two: "),
        ("\"@path\": ", "@path: "),
        ("\"@signature-params\": ", "@signature-params: "),
    ];
    assert_eq!(codes(&replacing(REQUEST, PLAIN, unquoted)), ["names_unquoted"]);
    let first = "\"@signature-params\": (\"@method\")\n\"@method\": POST";
    assert_eq!(codes(&signing(REQUEST, "(\"@method\")", first)), ["params_first"]);
    assert_eq!(
        codes(&replacing(RESPONSE, "(\"x-two\";req;bs)", &[("\"x-two\";req;bs:", "\"x-two\";bs;req:")])),
        ["names_reordered"]
    );
    assert_eq!(
        codes(&replacing(RESPONSE, "(\"x-two\";req;bs)", &[("\"x-two\";req;bs:", "\"x-two\":")])),
        ["names_without_parameters"]
    );
    let written = signing(
        REQUEST,
        "( \"@method\" );created=1",
        "\"@method\": POST\n\"@signature-params\": ( \"@method\" );created=1",
    );
    assert_eq!(codes(&written), ["params_as_written"]);
    let many = "(\"@method\");tag=\"t\";created=1;nonce=\"n\";expires=9;keyid=\"k\";x=1";
    assert_eq!(
        codes(&replacing(
            REQUEST,
            many,
            &[(
                "tag=\"t\";created=1;nonce=\"n\";expires=9;keyid=\"k\"",
                "created=1;expires=9;nonce=\"n\";keyid=\"k\";tag=\"t\""
            )]
        )),
        ["params_reordered"]
    );
}

#[test]
fn deviations_in_the_signature_are_found() {
    let with = |key: &str, sign: Sign| Careless {
        key: corpus_key(key),
        sign,
        ..replacing(REQUEST, "(\"@method\");created=1", &[])
    };
    fn signed(key: &SigningKey, base: &str) -> Vec<u8> {
        key.sign(base.as_bytes()).unwrap()
    }
    let twice = with("test-key-ed25519", Box::new(|key, base| STANDARD.encode(signed(key, base)).into_bytes()));
    assert_eq!(codes(&twice), ["signature_encoding"]);
    let hex = with("test-key-ed25519", Box::new(|key, base| super::crypto::hex(&signed(key, base))));
    assert_eq!(codes(&hex), ["signature_encoding"]);
    let hashed = |key: &SigningKey, base: &str| {
        key.sign(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, base.as_bytes()).as_ref()).unwrap()
    };
    assert_eq!(codes(&with("test-key-ed25519", Box::new(hashed))), ["prehashed"]);
    for name in ["test-key-ecc-p256", "ecc-p384"] {
        let der = with(name, Box::new(|key, base| super::crypto::asn1(&signed(key, base))));
        assert_eq!(codes(&der), ["ecdsa_der"]);
        let swapped = with(
            name,
            Box::new(|key, base| {
                let signature = signed(key, base);
                let (r, s) = signature.split_at(signature.len() / 2);
                [s, r].concat()
            }),
        );
        assert_eq!(codes(&swapped), ["ecdsa_swapped"]);
    }
    let v1_5 = with(
        "test-key-rsa",
        Box::new(|key, base| signed(&key.clone().with_algorithm(Algorithm::RsaV1_5Sha256).unwrap(), base)),
    );
    let cause = v1_5.cause().unwrap();
    assert_eq!(
        (cause.codes, cause.deviations[0].as_str()),
        (vec!["other_rsa"], "used PKCS #1 v1.5 with SHA-256 (rsa-v1_5-sha256)")
    );
}

#[test]
fn salts_and_hashes_of_rsa_and_ecdsa_are_told_apart() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{self as aws, RsaEncoding, RsaPssSaltLength};
    const NO_SALT: aws::RsaSignatureEncoding = aws::RSA_PSS_SHA512.with_pss_salt_length(RsaPssSaltLength::Custom(0));
    const SALT_32: aws::RsaSignatureEncoding = aws::RSA_PSS_SHA512.with_pss_salt_length(RsaPssSaltLength::Custom(32));
    const LONGEST: aws::RsaSignatureEncoding = aws::RSA_PSS_SHA512.with_pss_salt_length(RsaPssSaltLength::Max);
    let cases: [(&'static dyn RsaEncoding, &str); 5] = [
        (&const { NO_SALT }, "used PSS without salt"),
        (&const { SALT_32 }, "used PSS with a salt of 32 bytes"),
        (&const { LONGEST }, "used PSS with the longest salt possible"),
        (&aws::RSA_PSS_SHA256, "used PSS with SHA-256"),
        (&aws::RSA_PKCS1_SHA512, "used PKCS #1 v1.5 with SHA-512"),
    ];
    for (encoding, did) in cases {
        let sign = move |key: &SigningKey, base: &str| {
            let pem = key.to_pkcs8_pem().unwrap();
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let pair = aws::RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), base.as_bytes(), &mut signature).unwrap();
            signature
        };
        let careless = Careless {
            key: corpus_key("test-key-rsa"),
            sign: Box::new(sign),
            ..replacing(REQUEST, "(\"@path\")", &[])
        };
        assert_eq!(careless.cause().unwrap().deviations, [did]);
    }
}

#[test]
fn other_keys_and_labels_are_found() {
    let (right, other) = (corpus_key("test-key-ed25519"), corpus_key("test-key-ecc-p256"));
    let mut subject = subject(REQUEST);
    let input = "(\"@method\");keyid=\"right\"".parse().unwrap();
    let base = SignatureBase::build(&subject.as_message(), &input, &FieldTypes::default()).unwrap();
    let fields = subject.message.fields_mut();
    fields.push("Signature-Input", format!("a={input}, b=(\"@path\")")).unwrap();
    fields
        .push("Signature", format!("a=:{}:, b=:AA==:", STANDARD.encode(other.sign(base.as_bytes()).unwrap())))
        .unwrap();
    let keys = vec![named("right", right.verifying_key()), named("other", other.verifying_key())];
    let judging = Judging { keys: keys.clone(), label: Some("a".into()), ..Judging::default() };
    let cause = explain(&subject, &judging).signatures[0].cause.clone().unwrap();
    assert_eq!(cause.deviations, ["signed with the key other, not with right"]);

    let fields = subject.message.fields_mut();
    fields.remove("signature");
    fields
        .push("Signature", format!("b=:{}:, a=:AA==:", STANDARD.encode(right.sign(base.as_bytes()).unwrap())))
        .unwrap();
    let cause = explain(&subject, &judging).signatures[0].cause.clone().unwrap();
    assert_eq!(cause.deviations, ["put the signature of a under b"]);
}

#[test]
fn a_secret_taken_for_its_text_is_found() {
    let jwk = "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMko\"}";
    let input = Input { name: "secret.jwk".to_owned(), bytes: jwk.as_bytes().to_vec() };
    let keys = keys::verifying(&input, None).unwrap();
    let mut subject = subject(REQUEST);
    let covers = "(\"@method\")".parse().unwrap();
    let base = SignatureBase::build(&subject.as_message(), &covers, &FieldTypes::default()).unwrap();
    let wrong = SigningKey::from_shared_secret(b"AyM1SysPpbyDfgZld3umj1qzKObwVMko");
    let fields = subject.message.fields_mut();
    fields.push("Signature-Input", format!("a={covers}")).unwrap();
    fields.push("Signature", format!("a=:{}:", STANDARD.encode(wrong.sign(base.as_bytes()).unwrap()))).unwrap();
    let explanation = explain(&subject, &Judging { keys, ..Judging::default() });
    assert_eq!(explanation.signatures[0].cause.as_ref().unwrap().codes, ["secret_not_decoded"]);
}

#[test]
fn two_deviations_at_once_are_found() {
    const COVERS: &str = "(\"@method\" \"@target-uri\" \"x-two\");created=1;keyid=\"k\"";
    let found = |changes| {
        let mut found = codes(&replacing(REQUEST, COVERS, changes));
        found.sort_unstable();
        found
    };
    assert_eq!(found(&[("example.com", "Example.com:443")]), ["host_case", "port_kept"]);
    assert_eq!(
        found(&[("1, 2", "1,2"), (";keyid=\"k\"", ";keyid=\"k\"\n")]),
        ["final_line_end", "joined_without_space"]
    );
}

#[test]
fn what_is_not_understood_is_not_explained() {
    let careless = replacing(REQUEST, "(\"@method\" \"x-two\")", &[("POST", "BREW")]);
    let explanation = careless.explained();
    assert!(explanation.signatures[0].cause.is_none());
    assert!(explanation.signatures[0].tried > 100);
    // A right signature needs no explanation.
    let right = replacing(REQUEST, "(\"@method\" \"x-two\")", &[]).explained();
    assert_eq!((right.verdict, right.signatures[0].tried), (Verdict::Verified, 0));
}

#[test]
fn the_lines_that_differ_are_shown() {
    let cause =
        replacing(REQUEST, "(\"@method\" \"@authority\")", &[("example.com", "example.com:443")]).cause().unwrap();
    let line = &cause.lines[0];
    assert_eq!(
        (line.ours.as_deref(), line.signed.as_deref()),
        (Some("\"@authority\": example.com"), Some("\"@authority\": example.com:443"))
    );
    assert_eq!(cause.lines.len(), 1);
    assert_eq!(cause.deviations, ["kept the default port in \"@authority\""]);
}
