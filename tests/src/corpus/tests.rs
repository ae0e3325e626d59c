//! Definitions: what comes of them, and what is wrong with others.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::vectors::corpus::{Expected, Feature, Part, Vector};

use super::{build, crypto, read, sanity, write};

const FILE: &str = r#"section = "2.1"
title = "HTTP fields"
notes = { odd = "explained" }

[[requirement]]
id = "R9421-2.1-lowercase"
level = "MUST"
binds = "both"
quote = "in   lower case"

[[case]]
id = "2.1-good"
title = "A field"
refs = ["R9421-2.1-lowercase"]
message = '''
GET /foo HTTP/1.1
Host: example.com
X-A: one
'''
covers = '("x-a");created=1618884473;keyid="test-key-ed25519"'
base = ['"x-a": one']

  [[case.invalid]]
  id = "2.1-bad"
  title = "Another value"
  change = { message = { from = "one", to = "two" } }
  base = ['"x-a": two']
  stage = "crypto"
  severity = "high"
"#;

/// What comes of a file: its vectors, and what is wrong with it.
fn made(text: &str) -> (Vec<Vector>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("2.1.toml"), text).unwrap();
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/keys");
    fs::create_dir(folder.path().join("keys")).unwrap();
    for key in ["test-key-ed25519", "test-key-ecc-p256", "test-key-rsa-pss", "ed25519-2"] {
        let name = format!("{key}.json");
        fs::copy(keys.join(&name), folder.path().join("keys").join(&name)).unwrap();
    }
    let (definitions, mut problems) = read::read(folder.path()).unwrap();
    let mut vectors = Vec::new();
    for definition in &definitions.files {
        let (built, wrong) = build::build(&definitions, definition);
        for vector in &built.file.vectors {
            assert_eq!(sanity::disagreement(vector, &built.file.keys), None, "{}", vector.id);
        }
        problems.extend(wrong);
        vectors.extend(built.file.vectors);
    }
    let short = |problem: String| problem.replace(&format!("{}/", folder.path().display()), "");
    (vectors, problems.iter().map(|problem| short(problem.to_string())).collect())
}

fn changed(from: &str, to: &str) -> (Vec<Vector>, Vec<String>) {
    assert_eq!(FILE.matches(from).count(), 1, "{from}");
    made(&FILE.replace(from, to))
}

fn text(base64: &str) -> String {
    String::from_utf8(STANDARD.decode(base64).unwrap()).unwrap()
}

#[test]
fn a_case_and_its_change_become_two_vectors() {
    let (vectors, problems) = made(FILE);
    assert!(problems.is_empty(), "{problems:?}");
    let [good, bad] = vectors.as_slice() else { panic!("{} vectors", vectors.len()) };
    let params = r#"("x-a");created=1618884473;keyid="test-key-ed25519""#;
    assert_eq!(
        text(good.expected_base_b64.as_ref().unwrap()),
        format!("\"x-a\": one\n\"@signature-params\": {params}")
    );
    let message = text(&good.message_b64);
    assert!(message.starts_with("GET /foo HTTP/1.1\r\nHost: example.com\r\nX-A: one\r\nSignature-Input: sig1=("));
    assert!(message.ends_with(":\r\n\r\n"));
    assert_eq!(good.rfc_refs[0].quote, "in lower case");
    assert_eq!(text(&bad.message_b64), message.replace("one", "two"));
    assert_eq!((bad.twin_of.as_deref(), bad.verdict), (Some("2.1-good"), Expected::Invalid));
    assert_eq!(bad.defect.as_ref().unwrap().from.as_deref(), Some("one"));
    assert_eq!(bad.signed_base_b64, good.expected_base_b64);
    assert_eq!(made(FILE), (vectors, problems));
}

#[test]
fn each_operation_is_a_vector() {
    let (vectors, problems) = changed("message = '''", "ops = [\"verify\", \"base\", \"sign\"]\nmessage = '''");
    assert!(problems.is_empty(), "{problems:?}");
    let ids: Vec<_> = vectors.iter().map(|vector| vector.id.as_str()).collect();
    assert_eq!(ids, ["2.1-good", "2.1-good.base", "2.1-good.sign", "2.1-bad"]);
    assert!(!text(&vectors[1].message_b64).contains("Signature"));
    assert!(vectors[1].keys.is_empty() && vectors[1].signature_input.is_some());
    assert!(vectors[2].expected_signature_b64.is_some());
}

#[test]
fn every_kind_of_change_is_one_part() {
    let change =
        "change = { message = { from = \"one\", to = \"two\" } }\n  base = ['\"x-a\": two']\n  stage = \"crypto\"";
    for (instead, part) in [
        (
            "change = { covers = { from = '\"x-a\"', to = '\"x-b\"' }, signed_base = ['\"x-b\": '] }\nbase = \"none\"\nstage = \"base\"",
            Part::SignatureInput,
        ),
        (
            "change = { signed_message = { from = 'X-A: one', to = 'X-B: one' }, signed_base = ['\"x-a\": '] }\nbase = \"none\"\nstage = \"base\"",
            Part::SignedMessage,
        ),
        ("change = { signed_base = { from = 'one', to = 'ONE' } }\nstage = \"crypto\"", Part::SignedBase),
        ("change = { signature = \"flip-last-bit\" }\nstage = \"crypto\"", Part::Signature),
        ("change = { signature = \"key:test-key-ecc-p256\" }\nstage = \"crypto\"", Part::Signature),
        ("change = { keys = [\"ed25519-2\"] }\nstage = \"key\"", Part::Keys),
        ("change = { label = \"sig2\" }\nstage = \"select\"", Part::Label),
        ("change = { policy = { max_age = 1 } }\nstage = \"time\"", Part::Policy),
    ] {
        let (vectors, problems) = changed(change, instead);
        assert!(problems.is_empty(), "{instead}: {problems:?}");
        let bad = &vectors[1];
        assert_eq!(bad.defect.as_ref().unwrap().part, part, "{instead}");
        assert_eq!(bad.requires.contains(&Feature::Policy), part == Part::Policy);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (from, to, expected) in [
        ("title = \"A field\"", "titel = \"A field\"", "2.1.toml:13: unknown field `titel`"),
        ("id = \"2.1-bad\"", "id = \"2.1-good\"", "2.1.toml:24: the id `2.1-good` is used at 2.1.toml:12 already"),
        ("id = \"2.1-bad\"", "id = \"bad\"", "2.1.toml:24: the id `bad` must begin with 2.1- or 2.1."),
        (
            "id = \"R9421-2.1-lowercase\"",
            "id = \"lowercase\"",
            "2.1.toml:6: the requirement `lowercase` must be called",
        ),
        (
            "refs = [\"R9421-2.1-lowercase\"]",
            "refs = [\"R9421-2.1-upper\"]",
            "no file has a requirement `R9421-2.1-upper`; there are R9421-2.1-lowercase",
        ),
        ("refs = [\"R9421-2.1-lowercase\"]", "refs = []", "`refs` is empty"),
        ("severity = \"high\"", "severity = \"high\"\n  flags = [\"even\"]", "the flag `even` is not explained"),
        ("severity = \"high\"", "", "2.1.toml:24: 2.1-bad: `severity` is missing"),
        ("stage = \"crypto\"", "", "`stage` is missing; one of parse,"),
        ("stage = \"crypto\"", "stage = \"later\"", "`later` is no stage"),
        ("severity = \"high\"", "severity = \"high\"\n  verdict = \"acceptable\"", "`acceptable_because` is missing"),
        ("severity = \"high\"", "severity = \"high\"\n  verdict = \"valid\"", "is a case of its own"),
        ("from = \"one\"", "from = \"three\"", "2.1.toml:24: 2.1-bad: `from` (three) does not occur in:"),
        ("from = \"one\"", "from = \"e\"", "`from` (e) occurs"),
        ("to = \"two\" }", "to = \"one\" }", "`from` and `to` are the same"),
        ("to = \"two\" } }", "to = \"two\" }, now = 1 }", "`change` must have exactly one of its parts; there are 2"),
        ("change = { message = { from = \"one\", to = \"two\" } }", "change = {}", "there are 0"),
        (
            "change = { message = { from = \"one\", to = \"two\" } }",
            "change = { signature = \"odd\" }",
            "`odd` is no kind of wrong signature",
        ),
        (
            "change = { message = { from = \"one\", to = \"two\" } }",
            "change = { signature = \"salt:0\" }",
            "`salt:0` does not go with a key for ed25519",
        ),
        ("base = ['\"x-a\": two']", "op = \"sign\"", "(or not this `op`) gets to see such a change"),
        ("base = ['\"x-a\": one']\n", "", "2.1.toml:12: 2.1-good: `base` is missing"),
        ("base = ['\"x-a\": one']\n", "base = ['\"x-a\": \\q']\n", "`\\q` is no escape"),
        ("base = ['\"x-a\": one']\n", "base = ['\"x-a\": {input:sig2}']\n", "there is no signature `sig2`"),
        ("base = ['\"x-a\": one']\n", "base = ['{signature:sig1}']\n", "can't hold the signature that is made over it"),
        ("base = ['\"x-a\": one']\n", "base = ['\"x-a\": one']\nkey = \"k\"\n", "there is no key `k`; there are"),
        (
            "base = ['\"x-a\": one']\n",
            "base = ['\"x-a\": one']\nsignature = \"AAAA\"\n",
            "`signature` is not what the key gives",
        ),
        (
            "base = ['\"x-a\": one']\n",
            "base = ['\"x-a\": one']\ntrailers = ['X: 1']\n",
            "trailers need `Transfer-Encoding: chunked`",
        ),
        (
            "base = ['\"x-a\": one']\n",
            "base = ['\"x-a\": one']\nverdict = \"invalid\"\n",
            "is a [[case.invalid]] of the case",
        ),
        ("base = ['\"x-a\": one']\n", "base = \"nothing\"\n", "`base` is a list of lines, or \"none\""),
        (
            "from = \"one\", to = \"two\"",
            "from = \"sig1=(\", to = \"sig1=( \"",
            "the edit changes the signature's parameters",
        ),
    ] {
        let (_, problems) = changed(from, to);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{to}: {problems:#?}");
    }
}

#[test]
fn a_file_is_called_after_its_section_and_a_key_after_its_kid() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::write(folder.path().join("2.2.toml"), FILE).unwrap();
    fs::write(folder.path().join("keys/a.json"), r#"{ "jwk": { "kty": "oct", "kid": "b", "k": "AAAA" } }"#).unwrap();
    let (_, problems) = read::read(folder.path()).unwrap();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].contains("keys/a.json:1: the JWK's `kid` is not the file's name, a"), "{problems:?}");
    assert!(problems[1].contains("the file is called 2.2, its section is 2.1"), "{problems:?}");
}

#[test]
fn differences_are_told_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2.1.json");
    let output = write::Output::from([(path.clone(), "a\nb\n".to_owned())]);
    let differences = || write::differences(&output, folder.path(), true).unwrap();
    assert!(differences()[0].contains("2.1.json: No such file"), "{:?}", differences());
    fs::write(&path, "a\nc\n").unwrap();
    assert!(differences()[0].ends_with("2.1.json:2: is `c`, must be `b`"), "{:?}", differences());
    fs::write(&path, "a\nb\n").unwrap();
    assert!(differences().is_empty());
    fs::write(folder.path().join("9.json"), "").unwrap();
    assert!(differences()[0].ends_with("9.json: nothing makes this file"));
}

#[test]
fn wrong_signatures_are_wrong_and_always_the_same() {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/keys");
    let key =
        |name: &str| serde_json::from_str(&fs::read_to_string(keys.join(format!("{name}.json"))).unwrap()).unwrap();
    for (name, kinds) in [
        ("test-key-ed25519", &["noncanonical-s", "prehash:sha512", "alg:hmac-sha256", "zeros", "truncated"][..]),
        ("test-key-ecc-p256", &["der", "swapped", "negated-s", "padded:33", "hash:sha512", "extended"]),
        ("ecc-p384", &["der", "swapped", "negated-s", "padded:49", "hash:sha256", "flip-first-bit"]),
        ("test-key-rsa-pss", &["salt:0", "salt:32", "salt:max", "mgf1:sha256", "hash:sha256", "alg:rsa-v1_5-sha256"]),
        ("test-key-rsa", &["hash:sha512", "alg:rsa-pss-sha512", "prehash:sha256", "padded", "empty"]),
        ("test-shared-secret", &["mac:16", "hash:sha512", "encoded:base64url", "base64:AAAA"]),
    ] {
        let key = key(name);
        let good = crypto::sign(&key, b"message").unwrap();
        assert_eq!(good, crypto::sign(&key, b"message").unwrap());
        for kind in kinds {
            let spoil = || crypto::spoil(kind, &key, b"message", good.clone(), |_| Err(String::new())).unwrap();
            assert_ne!(spoil(), good, "{name} {kind}");
            assert_eq!(spoil(), spoil(), "{name} {kind}");
        }
    }
}
