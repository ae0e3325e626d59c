//! Right files are read, and wrong ones are named with their line.

use super::*;

/// A file with two vectors; each test breaks it in one place.
const FILE: &str = r#"{
  "version": "1.0.0",
  "section": "2.1",
  "title": "HTTP fields",
  "notes": { "odd": "explained" },
  "keys": {
    "k": { "alg": "hmac-sha256", "jwk": { "kty": "oct", "kid": "k", "k": "AAAA" } }
  },
  "vectors": [
    {
      "id": "2.1-good",
      "title": "t", "authority": "rfc9421", "rfc_refs": [], "op": "verify", "message_b64": "AAAA",
      "scheme": "https", "keys": ["k"], "now": 1, "label": "sig1", "expected_base_b64": "AAAA", "verdict": "valid"
    },
    {
      "id": "2.1-bad",
      "title": "t", "authority": "rfc9421", "rfc_refs": [], "op": "verify", "message_b64": "AAAA", "flags": ["odd"],
      "twin_of": "2.1-good", "defect": { "part": "message" },
      "scheme": "https", "keys": ["k"], "now": 1, "label": "sig1", "verdict": "invalid", "reject_stage": "base"
    }
  ]
}"#;

fn error(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    Corpus::of_texts([("2.1.json", FILE.replace(from, to).as_str())]).unwrap_err().to_string()
}

#[test]
fn a_right_file_is_read() {
    let corpus = Corpus::of_texts([("2.1.json", FILE)]).unwrap();
    assert_eq!(corpus.vectors().count(), 2);
    assert_eq!(corpus.get("2.1-bad").unwrap().1.twin_of.as_deref(), Some("2.1-good"));
    assert!(corpus.get("2.1-ugly").is_none());
}

#[test]
fn the_embedded_corpus_is_right() {
    assert!(Corpus::embedded().unwrap().vectors().count() > 0);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (from, to, expected) in [
        ("\"vectors\": [", "\"vectors\": [[", "2.1.json:10:"),
        ("\"title\": \"t\", \"authority\"", "\"titel\": \"t\", \"authority\"", "2.1.json:12: unknown field `titel`"),
        ("\"valid\"", "\"good\"", "2.1.json:13: unknown variant `good`"),
        ("\"2.1-bad\"", "\"2.1-good\"", "2.1.json:11: 2.1-good: this id is used in 2.1.json already"),
        ("\"twin_of\": \"2.1-good\"", "\"twin_of\": \"x\"", "2.1.json:16: 2.1-bad: its twin x is nowhere"),
        ("\"twin_of\": \"2.1-good\"", "\"twin_of\": \"2.1-bad\"", "2.1-bad is itself refused"),
        ("\"twin_of\": \"2.1-good\", ", "", "go together"),
        (
            "\"keys\": [\"k\"], \"now\": 1, \"label\": \"sig1\", \"expected",
            "\"keys\": [\"l\"], \"now\": 1, \"label\": \"sig1\", \"expected",
            "2.1.json:11: 2.1-good: there is no key `l` in this file's `keys`; there are k",
        ),
        ("[\"odd\"]", "[\"even\"]", "the flag `even` is not explained"),
        ("\"expected_base_b64\": \"AAAA\"", "\"expected_base_b64\": \"A\"", "`expected_base_b64` is no base64"),
        ("\"expected_base_b64\": \"AAAA\", ", "", "`expected_base_b64` is missing"),
        ("\"now\": 1, \"label\": \"sig1\", \"expected", "\"label\": \"sig1\", \"expected", "`now` is missing"),
        ("\"verdict\": \"valid\"", "\"verdict\": \"acceptable\"", "`acceptable_because` is missing"),
        ("\"base\"", "\"basis\"", "`basis` is no stage; there are parse,"),
        (
            "\"scheme\": \"https\", \"keys\": [\"k\"], \"now\": 1, \"label\": \"sig1\", \"verdict\"",
            "\"scheme\": \"ftp\", \"keys\": [\"k\"], \"now\": 1, \"label\": \"sig1\", \"verdict\"",
            "`scheme` is http or https, not `ftp`",
        ),
        (
            "\"alg\": \"hmac-sha256\"",
            "\"alg\": \"ed25519\"",
            "2.1.json:7: the key k: its `alg` is ed25519, but its JWK is for hmac-sha256",
        ),
        ("\"kty\": \"oct\"", "\"kty\": \"oct\", \"alg\": \"ES256\"", "its JWK says ES256, which is ecdsa-p256-sha256"),
        ("\"kid\": \"k\"", "\"kid\": \"l\"", "`kid` must be the key's name"),
        ("\"k\": \"AAAA\"", "\"k\": \"A\"", "`k` of the JWK is no base64url"),
        (", \"k\": \"AAAA\"", "", "the JWK has no `k`"),
    ] {
        let error = error(from, to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn a_file_without_vectors_is_an_error() {
    let (head, _) = FILE.split_once("\"vectors\": [").unwrap();
    let file = format!("{head}\"vectors\": []\n}}");
    let error = Corpus::of_texts([("2.1.json", file.as_str())]).unwrap_err().to_string();
    assert!(error.starts_with("2.1.json:9: there is no vector in it"), "{error}");
}

#[test]
fn a_point_has_the_length_of_its_curve() {
    let short = r#""alg": "ed25519", "jwk": { "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AAAA" }"#;
    let error = error(r#""alg": "hmac-sha256", "jwk": { "kty": "oct", "kid": "k", "k": "AAAA" }"#, short);
    assert_eq!(error, "2.1.json:7: the key k: `x` of the JWK has 3 bytes; its curve asks for 32");
}

#[test]
fn two_files_share_no_id() {
    let error = Corpus::of_texts([("a.json", FILE), ("b.json", FILE)]).unwrap_err().to_string();
    assert!(error.starts_with("b.json:11: 2.1-good: this id is used in a.json already"), "{error}");
}

#[test]
fn a_folder_without_vectors_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schema.json"), "{}").unwrap();
    assert!(matches!(Corpus::folder(folder.path()), Err(LoadError::Empty(_))));
    fs::write(folder.path().join("2.1.json"), FILE).unwrap();
    assert_eq!(Corpus::folder(folder.path()).unwrap().vectors().count(), 2);
    assert!(matches!(Corpus::folder(&folder.path().join("none")), Err(LoadError::Unreadable { .. })));
}

#[test]
fn sections_are_in_the_order_of_the_rfc() {
    let mut sections = ["B.2", "2.2.10", "3", "2.2.9", "2"];
    sections.sort_by_key(|section| section_order(section));
    assert_eq!(sections, ["2", "2.2.9", "2.2.10", "3", "B.2"]);
}
