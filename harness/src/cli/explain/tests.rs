//! `explain` and `sign` as they are called, and one after the other.

use std::fs;
use std::path::PathBuf;

use clap::{Args, FromArgMatches};

use super::*;
use crate::cli::sign::Sign;

/// A folder with the RFC's keys and a few messages.
struct Desk {
    folder: tempfile::TempDir,
}

type Outcome = (Result<Exit, String>, String);

const MESSAGE: &str =
    "POST /inbox?from=me HTTP/1.1\nHost: Example.com:443\nContent-Type: text/plain\nContent-Length: 5\n\nhello\n";
const TRANSCRIPT: &str = "* Connected to a.example (::1) port 80\n> GET /x HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 401 Unauthorized\n< Accept-Signature: wanted=(\"@method\" \"@target-uri\");created;keyid=\"k\";tag=\"app\"\n< Content-Length: 2\n<\nno\n";

impl Desk {
    fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        let keys = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/keys");
        for name in [
            "test-key-ed25519",
            "test-key-rsa",
            "test-key-rsa-pss",
            "test-key-ecc-p256",
            "ecc-p384",
            "test-shared-secret",
        ] {
            let document: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(keys.join(format!("{name}.json"))).unwrap()).unwrap();
            for (member, ending) in
                [("pem", "pem"), ("private_pem", "private.pem"), ("jwk", "jwk"), ("private_jwk", "private.jwk")]
            {
                match &document[member] {
                    serde_json::Value::String(pem) => desk.put(&format!("{name}.{ending}"), pem),
                    serde_json::Value::Null => {}
                    jwk => desk.put(&format!("{name}.{ending}"), &jwk.to_string()),
                }
            }
        }
        desk.put("m.http", MESSAGE);
        desk.put("t.txt", TRANSCRIPT);
        desk
    }

    fn put(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Words with a % in front are files of the folder.
    fn words(&self, line: &[&str]) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        line.iter().map(|word| word.strip_prefix("%").map_or((*word).to_owned(), path)).collect()
    }

    fn explain(&self, line: &[&str]) -> Outcome {
        let command = Explain::augment_args(clap::Command::new("explain"));
        let matches = match command.no_binary_name(true).try_get_matches_from(self.words(line)) {
            Ok(matches) => matches,
            Err(error) => return (Err(error.to_string()), String::new()),
        };
        let explain = Explain::from_arg_matches(&matches).unwrap();
        outcome(|out| explain.run(out))
    }

    fn sign(&self, line: &[&str]) -> Outcome {
        let command = Sign::augment_args(clap::Command::new("sign"));
        let matches = match command.no_binary_name(true).try_get_matches_from(self.words(line)) {
            Ok(matches) => matches,
            Err(error) => return (Err(error.to_string()), String::new()),
        };
        let sign = Sign::from_arg_matches(&matches).unwrap();
        outcome(|out| sign.run(out))
    }

    /// Signs, and explains what came out.
    fn round(&self, sign: &[&str], explain: &[&str]) -> String {
        let (exit, signed) = self.sign(sign);
        assert_eq!(exit, Ok(Exit::Conforms), "{sign:?}");
        self.put("signed.http", &signed);
        let (exit, text) = self.explain(&[&["%signed.http"], explain].concat());
        assert_eq!(exit, Ok(Exit::Conforms), "{text}");
        assert!(text.contains(": verified\n"), "{text}");
        signed
    }
}

fn outcome(run: impl FnOnce(&mut dyn Write) -> Result<Exit, CommandFailure>) -> Outcome {
    let mut out = Vec::new();
    let exit = run(&mut out).map_err(|failure| {
        assert_eq!(failure.exit, Exit::Usage);
        failure.text
    });
    (exit, String::from_utf8(out).unwrap())
}

#[test]
fn what_is_signed_is_explained_as_verified() {
    let desk = Desk::new();
    let covers = "@method @target-uri content-digest";
    for (private, public, alg) in [
        ("test-key-ed25519.private.pem", "test-key-ed25519.pem", "ed25519"),
        ("test-key-ed25519.private.jwk", "test-key-ed25519.jwk", "ed25519"),
        ("test-key-rsa.private.pem", "test-key-rsa.pem", "rsa-v1_5-sha256"),
        ("test-key-rsa.private.pem", "test-key-rsa.pem", "rsa-pss-sha512"),
        ("test-key-rsa-pss.private.pem", "test-key-rsa-pss.pem", "rsa-pss-sha512"),
        ("test-key-ecc-p256.private.pem", "test-key-ecc-p256.private.jwk", "ecdsa-p256-sha256"),
        ("ecc-p384.private.jwk", "ecc-p384.pem", "ecdsa-p384-sha384"),
        ("test-shared-secret.jwk", "test-shared-secret.jwk", "hmac-sha256"),
    ] {
        let key = format!("%{private}");
        let signed = desk.round(
            &[
                "%m.http",
                "--key",
                &key,
                "--covers",
                covers,
                "--digest",
                "sha-256",
                "--alg",
                alg,
                "--expires",
                "+60",
                "--nonce",
                "n",
                "--tag",
                "t",
            ],
            &[
                "--key",
                &format!("%{public}"),
                "--alg",
                alg,
                "--max-age",
                "60",
                "--tag",
                "t",
                "--require",
                "content-digest",
            ],
        );
        assert!(signed.contains(&format!("alg=\"{alg}\"")), "{signed}");
        let private = fs::read_to_string(desk.folder.path().join(private)).unwrap();
        let secrets =
            private.lines().flat_map(|line| line.split('"')).filter(|part| part.len() > 30 && !part.contains(' '));
        secrets.for_each(|secret| assert!(!signed.contains(secret), "{signed}"));
    }
}

#[test]
fn the_message_stays_as_it_was() {
    let desk = Desk::new();
    let key = ["--key", "%test-key-ed25519.private.pem", "--covers", "@method", "--created", "7", "--label", "mine"];
    let (_, signed) = desk.sign(&[&["%m.http"], &key[..]].concat());
    let (head, rest) = MESSAGE.split_once("\n\n").unwrap();
    assert!(
        signed.starts_with(&format!("{head}\nSignature-Input: mine=(\"@method\");created=7\nSignature: mine=:")),
        "{signed}"
    );
    assert!(signed.ends_with(&format!(":\n\n{rest}")), "{signed}");
    desk.put("crlf.http", &MESSAGE.replace('\n', "\r\n"));
    let (_, signed) = desk.sign(&[&["%crlf.http"], &key[..]].concat());
    assert!(
        signed.contains(";created=7\r\nSignature: mine=:") && !signed.replace("\r\n", "").contains('\n'),
        "{signed}"
    );
    // Without an empty line, one is added.
    desk.put("open.http", "GET / HTTP/1.1\nHost: a");
    let (_, signed) = desk.sign(&[&["%open.http"], &key[..]].concat());
    assert!(signed.starts_with("GET / HTTP/1.1\nHost: a\nSignature-Input: ") && signed.ends_with(":\n\n"), "{signed}");
    let (_, only) = desk.sign(&[&["%m.http", "--fields-only", "--digest", "sha-512"], &key[..]].concat());
    let names: Vec<&str> = only.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["Content-Digest", "Signature-Input", "Signature"]);
}

#[test]
fn what_to_cover_can_be_written_in_several_ways() {
    let desk = Desk::new();
    let input = |args: &[&str]| {
        let signed = desk.round(
            &[&["%m.http", "--key", "%test-key-ed25519.private.pem"], args].concat(),
            &["--key", "%test-key-ed25519.pem"],
        );
        signed.lines().find_map(|line| line.strip_prefix("Signature-Input: ")).unwrap().to_owned()
    };
    assert_eq!(
        input(&["--covers", "@method \"@path\"  content-type;bs", "--created", "1"]),
        "sig1=(\"@method\" \"@path\" \"content-type\";bs);created=1"
    );
    assert_eq!(
        input(&["--covers", "\"@query-param\";name=\"from\"", "--created", "none", "--keyid", "a b"]),
        "sig1=(\"@query-param\";name=\"from\");keyid=\"a b\""
    );
    assert_eq!(
        input(&["--covers", "", "--created", "1", "--expires", "4000000000"]),
        "sig1=();created=1;expires=4000000000"
    );
    assert_eq!(input(&["--input", "(\"@method\");new=?0;created=1", "-l", "x"]), "x=(\"@method\");new=?0;created=1");
    assert!(input(&["--covers", "@method"]).starts_with("sig1=(\"@method\");created=1"));
}

#[test]
fn what_is_asked_for_is_signed() {
    let desk = Desk::new();
    let expected = "wanted=(\"@method\" \"@target-uri\");created=7;keyid=\"k\";tag=\"app\"";
    let key = ["--key", "%test-key-ed25519.private.pem", "--created", "7"];
    let public = desk.folder.path().join("test-key-ed25519.pem").display().to_string();
    let key_file = format!("k={public}");
    let explain = ["--key", key_file.as_str(), "--scheme", "http"];
    // The response of the transcript asks.
    let signed = desk.round(&[&["%t.txt", "--for-accept-signature"], &key[..]].concat(), &explain);
    assert!(signed.starts_with("GET /x HTTP/1.1\r\nHost: a.example\r\nSignature-Input: "), "{signed}");
    assert!(signed.contains(expected), "{signed}");
    // Another file does.
    let from = desk.folder.path().join("t.txt").display().to_string();
    let signed =
        desk.round(&[&["%m.http", &format!("--for-accept-signature={from}")], &key[..]].concat(), &explain[..2]);
    assert!(signed.contains(expected), "{signed}");
    let (exit, _) = desk.sign(&[&["%m.http", "--for-accept-signature"], &key[..]].concat());
    assert!(exit.unwrap_err().contains("--for-accept-signature=FILE"));
    let (exit, _) =
        desk.sign(&[&["%m.http", &format!("--for-accept-signature={from}"), "--label", "other"], &key[..]].concat());
    assert!(exit.unwrap_err().contains("asks for no signature"));
    desk.put("asks.http", "HTTP/1.1 401 x\nAccept-Signature: a=();alg=\"hmac-sha256\"\n\n");
    let asks = desk.folder.path().join("asks.http").display().to_string();
    let (exit, _) = desk.sign(&[&["%m.http", &format!("--for-accept-signature={asks}")], &key[..]].concat());
    assert!(exit.unwrap_err().contains("can't be done"));
}

#[test]
fn a_response_is_signed_and_explained_with_its_request() {
    let desk = Desk::new();
    desk.put("r.http", "HTTP/1.1 200 OK\nContent-Length: 0\n\n");
    let request = desk.folder.path().join("m.http").display().to_string();
    let request = ["--request", request.as_str()];
    desk.round(
        &[
            &["%r.http", "--key", "%test-key-ed25519.private.pem", "--covers", "@status @method;req @target-uri;req"],
            &request[..],
        ]
        .concat(),
        &[&["--key", "%test-key-ed25519.pem"], &request[..]].concat(),
    );
    let (exit, text) = desk.explain(&["%signed.http", "--key", "%test-key-ed25519.pem"]);
    assert_eq!(exit, Ok(Exit::DoesNotConform));
    assert!(text.contains("--request FILE"), "{text}");
    // The request of a transcript does, too.
    let (exit, _) = desk.explain(&["%signed.http", "--request", "%t.txt", "--key", "%test-key-ed25519.pem"]);
    assert_eq!(exit, Ok(Exit::DoesNotConform));
    let (exit, _) = desk.explain(&["%m.http", "--request", "%m.http"]);
    assert!(exit.unwrap_err().contains("Leave out --request"));
    let (exit, _) = desk.explain(&["%signed.http", "--request", "%r.http"]);
    assert!(exit.unwrap_err().contains("holds no request"));
}

#[test]
fn the_exit_code_says_what_came_out() {
    let desk = Desk::new();
    let sign = [
        "%m.http",
        "--key",
        "%test-key-ed25519.private.pem",
        "--covers",
        "@method @path",
        "--created",
        "100",
        "--keyid",
        "k",
    ];
    desk.round(&sign, &["--key", "%test-key-ed25519.pem"]);
    let explain = |args: &[&str]| desk.explain(&[&["%signed.http"], args].concat());
    assert_eq!(explain(&[]).0, Ok(Exit::Conforms));
    assert_eq!(explain(&["--label", "sig1", "--now", "130", "--max-age", "30"]).0, Ok(Exit::Conforms));
    for refused in [
        &["--now", "131", "--max-age", "30"][..],
        &["--key", "%test-key-ecc-p256.pem"],
        &["--require", "@query"],
        &["--tag", "t"],
        &["--label", "sig2"],
        &["--key", "%test-key-ed25519.pem", "--alg", "hmac-sha256"],
    ] {
        let (exit, text) = explain(refused);
        assert_eq!(exit, Ok(Exit::DoesNotConform), "{text}");
        assert!(text.contains("What is wrong"), "{text}");
    }
    let (exit, json) = explain(&["--json", "--key", "%test-key-ed25519.pem"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (exit, &json["verdict"], &json["signatures"][0]["checks"][0]["step"]),
        (Ok(Exit::Conforms), &"verified".into(), &"parse".into())
    );
}

#[test]
fn bad_input_is_said_with_its_place() {
    let desk = Desk::new();
    desk.put("bad.http", "GET / HTTP/1.1\nHost: a\nno colon\n\n");
    desk.put("bad.jwk", "{\n\"kty\":\n}");
    for (line, words) in [
        (&["%bad.http"][..], "bad.http:3: a field line has no colon"),
        (&["%none.http"], "none.http: can't be opened"),
        (&["%m.http", "--key", "%bad.jwk"], "bad.jwk:3: is no JWK"),
        (&["%m.http", "--key", "%m.http"], "neither PEM, DER nor JWK"),
        (&["%m.http", "--key", "name=nowhere.pem"], "nowhere.pem: can't be opened"),
        (&["%m.http", "--require", "\"a"], "--require \"a"),
        (&["%m.http", "--body", "nowhere"], "nowhere: can't be opened"),
        (&["%m.http", "--response"], "holds one request"),
        (&["%m.http", "--alg", "none"], "there are: ed25519"),
        (&["%m.http", "--scheme", "ftp"], "there are: http, https"),
        (&["%m.http", "--field-type", "x=map"], "there are: list, dictionary, item"),
        (&["%m.http", "--request-side", "--response"], "cannot be used with"),
    ] {
        let (exit, out) = desk.explain(line);
        let error = exit.unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(out.is_empty());
    }
    let key = ["--key", "%test-key-ed25519.private.pem"];
    for (line, words) in [
        (&["--covers", "@method gone"][..], "m.http: no signature base: the field is not in the message (\"gone\")"),
        (&["--covers", "\"@method\";sf \"x"], "can't be covered"),
        (&["--covers", "@method @method"], "covered twice"),
        (&["--input", "@method"], "Write it as in Signature-Input"),
        (&["--covers", "@method", "--label", "Sig"], "A label is in lower case"),
        (&["--covers", "@method", "--alg", "hmac-sha256"], "is a key for ed25519"),
        (&["--covers", "@method", "--created", "soon"], "write now, none, or seconds"),
        (&["--covers", "@method", "--expires", "soon"], "write seconds since 1970"),
        (&["--covers", "@method", "--digest", "md5"], "there are: sha-256, sha-512"),
        (&["--input", "()", "--tag", "t"], "cannot be used with"),
        (&[], "--covers"),
    ] {
        let (exit, _) = desk.sign(&[&["%m.http"], &key[..], line].concat());
        let error = exit.unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let (exit, _) = desk.sign(&["%m.http", "--key", "%test-key-ed25519.pem", "--covers", "@method"]);
    assert!(exit.unwrap_err().contains("To sign, give the private one"));
    desk.put("digest.http", &MESSAGE.replace("Content-Type", "Content-Digest: sha-256=:AA==:\nContent-Type"));
    let (exit, _) = desk.sign(&[&["%digest.http", "--covers", "@method", "--digest", "sha-256"], &key[..]].concat());
    assert!(exit.unwrap_err().contains("does not fit the content"));
    let (exit, signed) = desk.sign(&[&["%m.http", "--covers", "@method"], &key[..]].concat());
    assert_eq!(exit, Ok(Exit::Conforms));
    desk.put("twice.http", &signed);
    let (exit, _) = desk.sign(&[&["%twice.http", "--covers", "@method"], &key[..]].concat());
    assert!(exit.unwrap_err().contains("Choose another with --label"));
    // What curl -v doesn't print can't be digested, unless it is given.
    desk.put("post.txt", "> POST / HTTP/1.1\n> Host: a\n> Content-Length: 5\n>\n");
    desk.put("body", "hello");
    let post = [&["%post.txt", "--covers", "@method content-digest", "--digest", "sha-256"], &key[..]].concat();
    assert!(desk.sign(&post).0.unwrap_err().contains("--body FILE"));
    desk.round(&[&post[..], &["--body", "%body"]].concat(), &["--key", "%test-key-ed25519.pem"]);
}
