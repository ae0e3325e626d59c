//! Nothing secret gets into what people hand on: no private key, no cookie. Keys that the harness made stand in bundles,
//! and there only where they belong.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::body::Body;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use countersign::bundle::Folder;
use countersign::report::Several;
use countersign::report::file::{FileReport, Kind};
use countersign::report::progress::Progress;
use countersign::report::terminal::{Detail, TerminalReport};
use countersign::subject::Subject;
use countersign::suite::{RunOptions, Selection, Source, Suite};
use countersign::testbed::faults::{Faults, ProxyFault};
use countersign::verdict::{EventSink, Verdict};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request, Response};
use portal_core::CoreBuilder;
use portal_core::server::Surface;
use portal_core::store::{Batch, Store, StoreError, Table};
use serde_json::Value;

/// What was seen that must not be shown: private keys as PEM, and values of cookies.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<(BTreeSet<String>, BTreeSet<String>)>>);

impl Seen {
    fn key(&self, identity: &[u8]) {
        let stored: Value = serde_json::from_slice(identity).unwrap_or_default();
        if let Some(pem) = stored["private_key_pem"].as_str() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).0.insert(pem.to_owned());
        }
    }

    fn cookie(&self, line: &str) {
        let value = line.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value);
        if let Some(value) = value.filter(|value| value.len() > 20) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).1.insert(value.to_owned());
        }
    }

    fn keys(&self) -> Vec<String> {
        self.0.lock().unwrap().0.iter().cloned().collect()
    }

    fn cookies(&self) -> Vec<String> {
        self.0.lock().unwrap().1.iter().cloned().collect()
    }
}

/// A store that is watched for the Core's key.
#[derive(Debug)]
struct Watched(Arc<dyn Store>, Seen);

impl Store for Watched {
    fn read(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.0.read(table, key)?;
        if let (Table::Identity, Some(value)) = (table, &value) {
            self.1.key(value);
        }
        Ok(value)
    }

    fn scan(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.0.scan(table)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.0.commit(batch)?;
        for (_, identity) in self.0.scan(Table::Identity)? {
            self.1.key(&identity);
        }
        Ok(())
    }

    fn is_on_disk(&self) -> bool {
        self.0.is_on_disk()
    }
}

/// A surface that is watched for cookies, and says them again where it should not: in a field, in what it logs, and in the
/// bodies of calls.
#[derive(Debug)]
struct Talkative(Arc<dyn Surface>, Seen);

#[async_trait]
impl Surface for Talkative {
    async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        if let (Some(cookie), &Method::POST) = (self.1.cookies().last(), request.method())
            && request.uri().path().starts_with("/internal/call_peer/")
        {
            let body = format!("stolen={cookie}");
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            *request.body_mut() = Body::from(body);
        }
        let sent = request.headers().get("cookie").cloned();
        let mut answer = self.0.answer(request).await;
        for cookie in answer.headers().get_all("set-cookie") {
            self.1.cookie(cookie.to_str().unwrap_or_default());
        }
        if let Some(sent) = sent {
            answer.headers_mut().insert("x-ptl-debug", sent);
        }
        if let (Some(pem), Some(cookie)) = (self.1.keys().last(), self.1.cookies().last()) {
            tracing::warn!(target: "portal_core::identity", "key {pem}, cookie authorization={cookie}");
        }
        answer
    }
}

fn watched(it: CoreBuilder, seen: &Seen) -> CoreBuilder {
    let (stored, said) = (seen.clone(), seen.clone());
    it.replace(move |parts| {
        let within = Arc::clone(&parts.store);
        parts.store = Arc::new(Watched(within, stored));
    })
    .around_surface(move |within| Arc::new(Talkative(within, said.clone())))
}

/// The same key in every way in which it could be shown.
fn forms(pem: &str) -> Vec<String> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(&body).unwrap();
    let mut forms = vec![body.clone(), pem.lines().nth(1).unwrap().to_owned(), hex(&der)];
    // PKCS#8 of Ed25519 holds the 32 bytes after a fixed beginning.
    if der.len() < 100 {
        let raw = &der[16..48];
        forms.extend([
            hex(raw),
            hex(raw).to_uppercase(),
            BASE64_STANDARD.encode(raw),
            BASE64_URL_SAFE_NO_PAD.encode(raw),
        ]);
    }
    forms
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything in a folder, with its name.
fn contents(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.display().to_string(), String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()));
        }
    }
    found
}

/// A bundle without the keys that it may hold.
fn without_keys(bundle: &str) -> (String, Vec<String>) {
    let mut bundle: Value = serde_json::from_str(bundle).unwrap();
    let keys = bundle["keys"].as_object().unwrap().values().map(|key| key.as_str().unwrap().to_owned()).collect();
    bundle["keys"] = Value::Null;
    (bundle.to_string(), keys)
}

/// What is secret in it, also where it is encoded once more; nothing if all is well.
fn leaks(text: &str, keys: &[String], cookies: &[String]) -> Vec<String> {
    let mut leaks = plain_leaks(text, keys, cookies);
    let is_encoded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    for word in text.split(|c| !is_encoded(c)).filter(|word| word.len() > 20) {
        let whole = word.trim_end_matches('=');
        let whole = &whole[..whole.len() - whole.len() % 4];
        if let Ok(decoded) = BASE64_STANDARD.decode(whole) {
            leaks.extend(plain_leaks(&String::from_utf8_lossy(&decoded), keys, cookies));
        }
    }
    leaks
}

fn plain_leaks(text: &str, keys: &[String], cookies: &[String]) -> Vec<String> {
    let mut leaks: Vec<String> = Vec::new();
    for form in keys.iter().flat_map(|pem| forms(pem)).filter(|form| text.contains(form.as_str())) {
        leaks.push(format!("a private key, as {form}"));
    }
    // Also one that nobody knows here.
    for sign in ["PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEI", "MFECAQEwBQYDK2VwBCIEI", "302e020100300506032b6570"] {
        if text.contains(sign) {
            leaks.push(format!("what looks like a private key: {sign}"));
        }
    }
    leaks.extend(
        cookies.iter().filter(|cookie| text.contains(cookie.as_str())).map(|cookie| format!("the cookie {cookie}")),
    );
    leaks.extend(token(text).map(|token| format!("what looks like a cookie: {token}")));
    leaks
}

/// The beginning of a JWT with a signature: Base64 of `{"`, two dots.
fn token(text: &str) -> Option<&str> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let words = text.match_indices("eyJ").map(|(at, _)| text[at..].split(|c| !is_token(c)).next().unwrap_or_default());
    words.into_iter().find(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3 && parts[1].len() > 6 && parts[2].len() > 20
    })
}

#[test]
fn a_core_that_shows_its_secrets_does_not_get_them_into_reports() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Seen::default();
    let spy = seen.clone();
    let faults: Faults = [ProxyFault::KeepsCookie, ProxyFault::HidesQueryFromCore].into_iter().collect();
    let subject = Subject::builtin_with(move |it| watched(it, &spy), faults);

    let suite = Suite::load(&Source::Embedded).unwrap();
    let bundles = Arc::new(Folder::create(&folder.path().join("bundles"), Vec::new()).unwrap());
    let options = RunOptions {
        subject,
        selection: Selection::all().tags(
            "@ID-5 or @TERM-2 or @TERM-3 or @TERM-5 or @PROXY-7 or @AUTH-2 or @AUTH-12 or @CALL-3".parse().unwrap(),
        ),
        bundles: Some(Arc::clone(&bundles)),
        ..RunOptions::default()
    };
    let files = Kind::ALL.map(|kind| (kind, folder.path().join(format!("report.{kind}"))));
    let mut files = FileReport::create_all(files.iter().map(|(kind, path)| (*kind, path.as_path()))).unwrap();
    let mut terminal = TerminalReport::new(Vec::new(), Detail::All);
    let mut progress = Vec::new();
    let mut shown = Progress::new(&mut progress, Detail::All);
    let mut sinks = Several(vec![&mut terminal, &mut shown]);
    sinks.0.extend(files.iter_mut().map(|file| file as &mut dyn EventSink));
    let summary = suite.run(&options, &mut sinks).unwrap();
    drop(shown);
    files.into_iter().for_each(|file| file.finish().unwrap());
    fs::write(folder.path().join("terminal.txt"), terminal.finish().unwrap()).unwrap();
    fs::write(folder.path().join("progress.txt"), progress).unwrap();

    // There was something to be shown: it fails, and says cookies where they don't belong.
    let (keys, cookies) = (seen.keys(), seen.cookies());
    assert!(keys.len() > 10 && cookies.len() > 5, "{} keys, {} cookies", keys.len(), cookies.len());
    assert!(summary.count(Verdict::Fail) > 5);
    let all = contents(folder.path());
    assert!(all.iter().any(|(name, text)| name.contains("bundles") && text.contains("x-ptl-debug")));
    assert!(all.iter().any(|(_, text)| text.contains("[blanked]")));
    for kind in ["json", "html"] {
        let shows = |(name, text): &(String, String)| name.ends_with(kind) && text.contains("stolen=[blanked]");
        assert!(all.iter().any(shows), "no body in {kind}");
    }

    for (name, text) in &all {
        let (text, made) = if name.contains("bundles") { without_keys(text) } else { (text.clone(), Vec::new()) };
        assert_eq!(leaks(&text, &[keys.clone(), made.clone()].concat(), &cookies), [""; 0], "{name}");
    }
}

/// The program itself, with all kinds of reports and all that it logs.
#[test]
fn the_program_shows_no_secrets_with_all_reports_and_logs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    // Two that fail for sure, among them one that shows a cookie.
    let features = folder.path().join("features");
    fs::create_dir(&features).unwrap();
    fs::write(features.join("f.feature"), FAILING).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
    command.args(["check", "-vv", "--bundles", &path("bundles"), "--features"]).arg(&features);
    for kind in KINDS {
        command.args(["--report", &format!("{kind}={}", path(&format!("report.{kind}")))]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(folder.path().join("stdout"), &output.stdout).unwrap();
    fs::write(folder.path().join("stderr"), &output.stderr).unwrap();
    let all = contents(folder.path());
    assert_eq!(all.iter().filter(|(name, _)| name.contains("bundles")).count(), 2);
    for kind in KINDS {
        assert!(all.iter().any(|(name, text)| name.ends_with(&format!("report.{kind}")) && text.len() > 500), "{kind}");
    }
    // The harness's own keys are in the bundles.
    let bundles = all.iter().filter(|(name, _)| name.contains("bundles"));
    let keys: Vec<String> = bundles.flat_map(|(_, text)| without_keys(text).1).collect();
    assert!(keys.len() >= 2, "{keys:?}");
    for (name, text) in &all {
        let text = if name.contains("bundles") { without_keys(text).0 } else { text.clone() };
        assert_eq!(leaks(&text, &keys, &[]), [""; 0], "{name}");
    }
}

const KINDS: [Kind; 4] = Kind::ALL;

const FAILING: &str = r#"Feature: F
  Background:
    Given the Portal bob
    And the fake Portal mallory
    And bob has added mallory as a peer
    And bob runs chat with the paths
      | path    | access  | headers  |
      |         | private | identity |
      | /peers/ | peer    | identity |
    And bob has paired the terminal phone

  @TERM-3
  Scenario: A terminal is somebody else
    Given a request GET /peers/inbox to bob's chat
    And it carries the cookie of the terminal phone
    When it is sent
    Then it is let in as the peer mallory

  @AUTH-2
  Scenario: A peer is nobody
    Given a request GET /peers/inbox to bob's chat
    And it is signed by mallory
    When it is sent
    Then it is let in as anonymous
"#;

#[test]
fn a_secret_would_be_found() {
    let key = countersign::testbed::identity::TestIdentity::generate().unwrap().private_key_pem().to_owned();
    for form in forms(&key) {
        assert!(!leaks(&format!("x {form} y"), std::slice::from_ref(&key), &[]).is_empty(), "{form}");
    }
    assert!(!leaks("a cookie1 b", &[], &["cookie1".to_owned()]).is_empty());
    assert!(!leaks(&key, &[], &[]).is_empty());
    let token = format!("eyJhbGciOi.eyJpZCI6MX0.{}", "x".repeat(30));
    assert!(!leaks(&format!("a={token};"), &[], &[]).is_empty());
    let encoded = BASE64_STANDARD.encode(format!("a={token};"));
    assert!(!leaks(&format!("{{\"body_b64\":\"{encoded}\"}}"), &[], &[]).is_empty());
    assert_eq!(leaks("eyJ a.b.c, [blanked]", &[key], &["cookie1".to_owned()]), [""; 0]);
}
