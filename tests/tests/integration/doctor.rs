//! `countersign core doctor`: a Core with which all is fine, and for each step one with which that is wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::IntoResponse as _;
use countersign::doctor::{Checkup, Outcome, STEPS, STOP, Step, examine};
use countersign::subject::Subject;
use countersign::subject::descriptor::Descriptor;
use countersign::testbed::faults::Faults;
use http::{Request, Response, StatusCode};
use portal_core::CoreBuilder;
use portal_core::clock::SystemClock;
use portal_core::server::{Arrived, Surface};
use portal_core::store::MemoryStore;
use portal_core::tls;
use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// All hooks are declared; the command is never run, because the Core is the built-in one.
const DESCRIPTOR: &str = r#"
name = "sample"
[start]
command = ["sample"]
ready = { get = "/public/meta/whoareyou", within = "5s" }
[apps]
install = { put = "/protected/apps/{{ app.name }}", body = "{{ app.manifest }}" }
[state]
restart = "process"
kill = "process"
set_clock = { file = "clock", text = "{{ clock.unix }}" }
import_identity = { file = "identity.pem", text = "{{ identity.private_key_pem }}" }
"#;
const NO_RESET: &str = "reset = { get = \"/public/meta/whoareyou\" }\n";

type Change = fn(CoreBuilder) -> CoreBuilder;

fn checkup(descriptor: &str, change: Change) -> Checkup {
    let descriptor = Descriptor::parse(descriptor, Path::new("conf/core.toml")).unwrap();
    let subject = Subject::builtin_with(change, Faults::NONE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(examine(&subject, &descriptor, |_| {}))
}

/// The Core answers like this wherever the test holds.
fn answering(builder: CoreBuilder, at: fn(&Request<Body>) -> bool, answer: fn() -> Response<Body>) -> CoreBuilder {
    builder.around_surface(move |within| Arc::new(Instead { within, at, answer }))
}

#[derive(Debug)]
struct Instead {
    within: Arc<dyn Surface>,
    at: fn(&Request<Body>) -> bool,
    answer: fn() -> Response<Body>,
}

#[async_trait]
impl Surface for Instead {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if (self.at)(&request) { (self.answer)() } else { self.within.answer(request).await }
    }
}

fn at_a_door(request: &Request<Body>) -> bool {
    request.extensions().get::<Arrived>().is_some_and(|arrived| arrived.door.is_some())
}

fn refused() -> Response<Body> {
    (StatusCode::FORBIDDEN, "{\"reason\":\"no\"}").into_response()
}

/// Everything that differs from run to run has a name in place of it.
fn steady(checkup: &Checkup) -> String {
    let text: String = checkup.steps.iter().map(ToString::to_string).collect();
    let text = format!("{text}\n{}\n", checkup.last_line());
    let mut steady = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (core, end) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
        let is_id =
            core.len() == 6 && core.bytes().any(|b| b.is_ascii_digit()) && core.bytes().any(|b| b.is_ascii_lowercase());
        // A short ID without a digit is told by what stands before it.
        let after =
            ["it is ", "the peer ", "call_peer/", "https://", "asked for ", "looks for ", "doctor.", "SHORT1, "];
        let named = core.len() == 6 && after.iter().any(|before| steady.ends_with(before));
        let shown = match () {
            () if is_id || named => "SHORT1",
            () if core.len() == 103 => "ID",
            () if steady.ends_with("127.0.0.1:") => "PORT",
            () => core,
        };
        steady.push_str(shown);
        steady.push_str(end);
    }
    steady
}

#[test]
fn with_a_core_as_it_should_be_all_is_fine_and_each_step_says_what_it_did() {
    let checkup = checkup(DESCRIPTOR, |builder| builder);
    assert!(checkup.is_fine() && checkup.started(), "{}", steady(&checkup));
    insta::assert_snapshot!(steady(&checkup));
}

#[test]
fn what_a_core_does_wrong_shows_at_its_step() {
    let with_reset = format!("{DESCRIPTOR}{NO_RESET}");
    let elsewhere = DESCRIPTOR.replace("get = \"/public/meta/whoareyou\", within", "get = \"/nowhere\", within");
    let wrong: [(&str, &str, Change); 13] = [
        ("ready", &elsewhere, |it| it),
        ("whoareyou", DESCRIPTOR, |it| answering(it, |r| r.uri().path() == "/public/meta/whoareyou", stranger)),
        ("portal", DESCRIPTOR, |it| {
            // What comes from its proxy says where that got it from.
            let by_proxy = |r: &Request<Body>| {
                r.uri().path() == "/public/meta/whoareyou" && r.headers().contains_key("x-forwarded-host")
            };
            answering(it, by_proxy, refused)
        }),
        ("install", DESCRIPTOR, |it| {
            answering(it, |r| r.method() == "PUT" && r.uri().path().starts_with("/protected/apps"), refused)
        }),
        ("install", DESCRIPTOR, |it| answering(it, |r| r.uri().path() == "/internal/auth", refused)),
        ("recognise", DESCRIPTOR, |it| answering(it, at_a_door, refused)),
        ("pair", DESCRIPTOR, |it| answering(it, |r| r.uri().path().contains("pairing-code"), refused)),
        ("names", DESCRIPTOR, |it| it.resolver(Nobody)),
        ("trust", DESCRIPTOR, |it| {
            it.tls(tls::client_config(Arc::new(SystemClock), rustls::RootCertStore::empty()).unwrap())
        }),
        ("call", DESCRIPTOR, |it| answering(it, |r| r.uri().path().starts_with("/internal/call_peer"), refused)),
        ("restart", DESCRIPTOR, |it| it.store(MemoryStore::new())),
        ("set_clock", DESCRIPTOR, |it| it.clock(SystemClock)),
        ("reset", &with_reset, |it| it),
    ];
    let mut told = String::new();
    for (name, descriptor, change) in wrong {
        let checkup = checkup(descriptor, change);
        let first = checkup.steps.iter().find(|step| matches!(step.outcome, Outcome::Wrong(..)));
        let first = first.unwrap_or_else(|| panic!("{name}: nothing is wrong: {}", steady(&checkup)));
        assert_eq!(first.name, name, "{}", steady(&checkup));
        assert_eq!(checkup.harness, None);
        assert!(STEPS.iter().all(|name| checkup.steps.iter().filter(|step| step.name == *name).count() == 1));
        let only = Checkup { steps: vec![first.clone()], harness: None };
        told.push_str(&steady(&only));
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

/// What becomes of a step with the compact Core as a process, its descriptor changed.
#[cfg(unix)]
fn as_process(name: &str, program: &Path, change: impl Fn(String) -> String) -> Step {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("[start]\n", "[start]\nstop_within = \"2s\"\n");
    let text = change(text).replace("\"portal-core\",", &format!("\"{}\",", program.display()));
    let descriptor = Descriptor::parse(&text, &file).unwrap();
    let subject = Subject::described(descriptor.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let checkup = runtime.block_on(examine(&subject, &descriptor, |_| {}));
    checkup.steps.into_iter().find(|step| step.name == name).unwrap()
}

/// Something stays that does not listen to SIGTERM.
#[cfg(unix)]
#[test]
fn a_core_that_does_not_end_shows() {
    let Some(program) = super::cores::portal_core() else { return };
    let stop = |script: &str| {
        let script = format!("    \"sh\", \"-c\", \"{script}\", \"portal-core\",\n");
        as_process(STOP, &program, |text| text.replace("    \"portal-core\",\n", &script))
    };
    let sound = stop("exec $0 $@");
    assert!(matches!(sound.outcome, Outcome::Fine(_)), "{sound}");
    let stays = stop("trap : TERM; $0 $@ & wait; while :; do sleep 1; done");
    let Outcome::Wrong(seen, advice) = &stays.outcome else { panic!("{stays}") };
    assert_eq!(seen.got, "it did not, and was killed");
    assert!(advice.contains("start.stop_within"), "{advice}");
}

#[cfg(unix)]
#[test]
fn a_core_that_does_not_take_another_key_shows() {
    let Some(program) = super::cores::portal_core() else { return };
    let sound = as_process("rotate", &program, |text| text);
    assert!(matches!(sound.outcome, Outcome::Fine(_)), "{sound}");
    let refuses = as_process("rotate", &program, |text| text.replace("    \"--replace-identity\",\n", ""));
    let Outcome::Wrong(seen, advice) = &refuses.outcome else { panic!("{refuses}") };
    assert!(seen.got.contains("the Core of ida did not start") && seen.got.contains("has the identity"), "{refuses}");
    assert!(advice.contains("import_identity"), "{advice}");
}

#[test]
fn a_key_that_is_not_taken_shows() {
    let checkup = checkup(DESCRIPTOR, |it| it.store(MemoryStore::new()));
    let wrong: Vec<_> =
        checkup.steps.iter().filter(|step| matches!(step.outcome, Outcome::Wrong(..))).map(|step| step.name).collect();
    assert_eq!(wrong, ["restart", "kill", "import_identity"], "{}", steady(&checkup));
}

/// What runs at the addresses of a descriptor is not the Core that was meant.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_core_at_an_address_shows_at_the_step_that_it_fails() {
    let id = "a".repeat(103);
    let somebody = json!({ "id": id, "public_key_pem": "no key", "domain": "aaaaaa.p.getportal.org" });
    let late = Duration::from_secs(60);
    let there = [
        ("a web server that knows no such page", ResponseTemplate::new(404)),
        (
            "one that has a page for everything",
            ResponseTemplate::new(200).set_body_raw("<h1>Welcome</h1>", "text/html"),
        ),
        ("one that leads to a login", ResponseTemplate::new(302).insert_header("location", "/login")),
        ("one that is overloaded", ResponseTemplate::new(503).insert_header("retry-after", "120")),
        ("one that takes its time", ResponseTemplate::new(200).set_delay(late)),
        ("a Core whose key is not that of its ID", ResponseTemplate::new(200).set_body_json(&somebody)),
        ("JSON that says nothing", ResponseTemplate::new(200).set_body_json(json!([]))),
    ];
    let mut told = String::new();
    for (what, answer) in there {
        let servers = [MockServer::start().await, MockServer::start().await, MockServer::start().await];
        for server in &servers {
            Mock::given(method("GET")).respond_with(answer.clone()).mount(server).await;
        }
        let urls: Vec<String> = servers.iter().map(MockServer::uri).collect();
        let text = format!(
            "name = \"sample\"\n[start]\nurls = {urls:?}\nready = {{ get = \"/public/meta/whoareyou\", within = \"1s\" }}\n\
             [apps]\ninstall = {{ put = \"/protected/apps/{{{{ app.name }}}}\", body = \"{{{{ app.manifest }}}}\" }}\n"
        );
        let descriptor = Descriptor::parse(&text, Path::new("conf/core.toml")).unwrap();
        let checkup = examine(&Subject::described(descriptor.clone()), &descriptor, |_| {}).await;
        let first = checkup.steps.iter().find(|step| matches!(step.outcome, Outcome::Wrong(..)));
        let first = first.unwrap_or_else(|| panic!("{what}: nothing is wrong: {}", steady(&checkup)));
        told.push_str(&format!("{what}:\n{}\n", steady(&Checkup { steps: vec![first.clone()], harness: None })));
        let asked = servers[0].received_requests().await.unwrap();
        assert!(asked.iter().all(|request| request.url.path() == "/public/meta/whoareyou"), "{what}: {asked:?}");
    }
    insta::assert_snapshot!(told);
}

/// Says it is somebody else.
fn stranger() -> Response<Body> {
    let id = "a".repeat(103);
    let who = serde_json::json!({ "id": id, "public_key_pem": "no key", "domain": "aaaaaa.p.getportal.org" });
    (StatusCode::OK, who.to_string()).into_response()
}

/// Knows no name.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl portal_core::resolve::Resolve for Nobody {
    async fn resolve(&self, _host: &str, _port: u16) -> std::io::Result<Vec<std::net::SocketAddr>> {
        Err(std::io::Error::other("no such name"))
    }
}
