//! Foreign Cores: the compact Core as one, through its descriptor; and some that die.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use countersign::doctor::{Outcome, examine};
use countersign::subject::Subject;
use countersign::subject::descriptor::Descriptor;
use countersign::suite::{RunError, RunOptions, Selection, Source, Suite};
use countersign::testbed::faults::Fault;
use countersign::testbed::pki::Pki;
use countersign::testbed::{Options, Testbed};
use countersign::topology::Topology;
use countersign::verdict::{Event, Summary, Verdict};

/// The program `portal-core`, where it was built; `cargo test --workspace` builds it.
pub(crate) fn portal_core() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join("portal-core")).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: portal-core is not built (cargo build -p portal-core)");
    }
    found
}

/// The descriptor that ships, changed.
fn shipped(change: impl Fn(String) -> String) -> Subject {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core.toml");
    let text = change(std::fs::read_to_string(&file).unwrap());
    Subject::described(Descriptor::parse(&text, &file).unwrap())
}

fn described(text: &str) -> Subject {
    Subject::described(Descriptor::parse(text, Path::new("./core.toml")).unwrap())
}

fn run(subject: Subject, name: &str) -> Result<Summary, RunError> {
    let selection = Selection::all().name(regex::Regex::new(name).unwrap());
    let options = RunOptions { subject, selection, ..RunOptions::default() };
    Suite::load(&Source::Embedded).unwrap().run(&options, &mut |_: &Event| {})
}

/// What did not pass, and why.
fn told(summary: &Summary) -> Vec<String> {
    let bad = summary.scenarios.iter().filter(|result| result.verdict != Verdict::Pass);
    bad.map(|result| {
        let why = result.failure.as_ref().map(|failure| format!("{} / {}", failure.expected, failure.got));
        format!("{}: {:?}: {}", result.scenario.id, result.verdict, why.unwrap_or_default())
    })
    .collect()
}

#[track_caller]
fn assert_all_pass(summary: &Summary, at_least: usize) {
    let told = told(summary);
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(summary.scenarios.len() >= at_least, "{} scenarios", summary.scenarios.len());
}

#[test]
fn the_compact_core_passes_as_a_process_that_scenarios_share() {
    if portal_core().is_none() {
        return;
    }
    let summary = run(shipped(|text| text), "^(identity|terminals|peers|call_failures|authentication_age)/").unwrap();
    assert_eq!(summary.subject.kind, "command");
    assert_all_pass(&summary, 150);
}

#[test]
fn the_compact_core_passes_as_a_process_that_is_each_scenario_s_own() {
    if portal_core().is_none() {
        return;
    }
    let fresh = shipped(|text| text.replace("[start]\n", "[start]\nportals = \"fresh\"\n"));
    assert_all_pass(&run(fresh, "^(identity|call_peer)/").unwrap(), 40);
}

const ROTATED: &str = "^faults_portals/a-portal-that-comes-back-with-another-key-";

#[test]
fn a_process_is_given_another_key_and_its_own_again() {
    if portal_core().is_none() {
        return;
    }
    assert_all_pass(&run(shipped(|text| text), ROTATED).unwrap(), 1);
    // One that looks at its key at its first start alone is not told from one that can't be given any.
    let stubborn = |text: String| {
        let first = "cp -n {{ core.data_dir }}/identity.pem {{ core.data_dir }}/first.pem; exec \\\"$0\\\" \\\"$@\\\"";
        let text = text.replace(
            "\"portal-core\",",
            &format!("\"sh\", \"-c\", \"{first}\", \"{}\",", portal_core().unwrap().display()),
        );
        text.replace("\"{{ core.data_dir }}/identity.pem\",\n", "\"{{ core.data_dir }}/first.pem\",\n")
    };
    let summary = run(shipped(stubborn), ROTATED).unwrap();
    let told = told(&summary);
    assert_eq!(summary.count(Verdict::Unsupported), 1, "{told:?}");
    assert!(told[0].contains("can't be given another key: it keeps its first one"), "{told:?}");
}

/// As `countersign up` does it, where no scenario says beforehand that keys will change.
#[tokio::test]
async fn a_process_gets_its_own_key_back_where_that_is_known() {
    if portal_core().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = async |known_keys: bool, data: &str| {
        let options = Options {
            subject: shipped(|text| text),
            known_keys,
            data: Some(folder.path().join(data)),
            ..Options::default()
        };
        Testbed::start_with(Topology::new().portals(["alice", "bob"]), options).await.unwrap()
    };
    let fault = Fault::parse("bob key rotated").unwrap();
    let testbed = start(true, "known").await;
    let bob = testbed.portal("bob").unwrap();
    let id = bob.id().to_owned();
    bob.add_peer(testbed.portal("alice").unwrap().id()).await.unwrap();
    testbed.apply(&fault).await.unwrap();
    assert_eq!(bob.peers().await.unwrap().len(), 1, "what it knew, it knows");
    testbed.heal("bob key").await.unwrap();
    assert_eq!(bob.peers().await.unwrap().len(), 1);
    testbed.shutdown().await.unwrap();
    // The next one finds it as it was.
    let testbed = start(true, "known").await;
    let bob = testbed.portal("bob").unwrap();
    assert_eq!((bob.id(), bob.peers().await.unwrap().len()), (id.as_str(), 1));
    testbed.apply(&fault).await.unwrap();
    testbed.heal("bob key").await.unwrap();
    testbed.shutdown().await.unwrap();

    let testbed = start(false, "own").await;
    let refused = testbed.apply(&fault).await.unwrap_err().to_string();
    assert!(refused.contains("can't be given another key: nobody knows its own"), "{refused}");
    testbed.shutdown().await.unwrap();
}

#[test]
fn two_cores_are_tested_in_both_directions() {
    if portal_core().is_none() {
        return;
    }
    let members = vec![("a".to_owned(), shipped(|text| text)), ("b".to_owned(), Subject::builtin())];
    let summary = run(Subject::mixed(members).unwrap(), "^call_peer/").unwrap();
    assert_all_pass(&summary, 40);
    let (there, back): (Vec<_>, Vec<_>) = summary.scenarios.iter().partition(|one| one.scenario.id.ends_with("/a+b"));
    assert!(back.iter().all(|one| one.scenario.id.ends_with("/b+a")), "{:?}", back[0].scenario.id);
    assert_eq!(there.len(), back.len());
}

/// What the proxy of the testbed does is not the Core's merit.
#[test]
fn what_the_testbed_s_proxy_does_stands_apart() {
    if portal_core().is_none() {
        return;
    }
    let summary = run(shipped(|text| text), "^proxy/").unwrap();
    assert_all_pass(&summary, 10);
    let proxy = summary.requirements.iter().find(|requirement| requirement.id == "PROXY-1").unwrap();
    assert!(proxy.testbed && !proxy.counts && proxy.verdict == Some(Verdict::Pass));
    let core = summary.requirements.iter().find(|requirement| requirement.id == "AUTH-2").unwrap();
    assert!(!core.testbed && core.counts);
}

#[test]
fn a_core_that_does_not_start_ends_the_run_at_once_with_its_last_words() {
    let dead = "name = \"dead\"\n[start]\ncommand = [\"sh\", \"-c\", \"echo no database >&2; exit 3\"]\n";
    let error = run(described(dead), "^identity/").unwrap_err();
    assert!(matches!(error, RunError::Subject(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains("it ended at once (exit status: 3)") && text.contains("| no database"), "{text}");
    let mute = "name = \"mute\"\n[start]\ncommand = [\"sleep\", \"600\"]\nready = { within = \"300ms\" }\n";
    let text = run(described(mute), "^identity/").unwrap_err().to_string();
    assert!(text.contains("was not answered with 2xx within 300ms"), "{text}");
}

/// Each Core lives for a second only.
#[test]
fn a_core_that_dies_in_the_middle_fails_nothing_and_is_started_again_three_times() {
    if portal_core().is_none() {
        return;
    }
    let mortal = |text: String| text.replace("    \"portal-core\",\n", "    \"timeout\", \"1\", \"portal-core\",\n");
    let path = portal_core().unwrap().parent().unwrap().display().to_string();
    let mortal = move |text: String| {
        let env = format!("[start]\nenv = {{ PATH = \"{path}:/usr/bin:/bin\" }}\n");
        mortal(text).replace("[start]\n", &env)
    };
    let summary = run(shipped(mortal), "^(authentication|call_peer|peers|manifest)").unwrap();
    assert!(summary.subject_died() && !summary.harness_failed(), "{}", told(&summary).join("\n"));
    assert_eq!(summary.count(Verdict::Fail) + summary.count(Verdict::Timeout), 0, "{}", told(&summary).join("\n"));
    let reasons: Vec<_> = summary.scenarios.iter().filter_map(|one| Some(one.failure.as_ref()?.got.clone())).collect();
    assert!(reasons.iter().any(|reason| reason.contains("ended by itself (exit status: 124); its output ends with")));
    assert!(reasons.iter().any(|reason| reason.contains("is not started again")), "{reasons:?}");
    assert!(summary.count(Verdict::Pass) > 0);
}

/// A Core that others started: killed in the end.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How Cores are started by others.
struct Running {
    folder: PathBuf,
    ca_file: PathBuf,
    proxy: String,
}

impl Running {
    /// With the address of the proxy through which their calls go: one of loopback that nobody else has.
    fn prepared(folder: &tempfile::TempDir) -> (Running, String) {
        static TAKEN: AtomicU16 = AtomicU16::new(3128);
        let ca_file = folder.path().join("ca.pem");
        Pki::kept(&portal_core::clock::SystemClock, &ca_file).unwrap();
        let (own, port) = (std::process::id(), TAKEN.fetch_add(1, Ordering::Relaxed));
        let proxy = format!("127.77.{}.{}:{port}", own / 200 % 250, 1 + own % 200);
        (Running { folder: folder.path().to_owned(), ca_file, proxy: proxy.clone() }, proxy)
    }

    /// One more, with where it listens.
    fn start(&self, program: &Path, n: usize) -> (Started, String) {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(self.folder.join(n.to_string()));
        command.env("HTTPS_PROXY", format!("http://{}", self.proxy)).env("SSL_CERT_FILE", &self.ca_file);
        command.env("NO_PROXY", "");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        (Started(child), ready["address"].as_str().unwrap().to_owned())
    }
}

/// Two of them, and the descriptor that says where they are.
fn two_that_run(program: &Path, folder: &tempfile::TempDir) -> ([Started; 2], Descriptor) {
    let (running, proxy) = Running::prepared(folder);
    let [(one, first), (other, second)] = [1, 2].map(|n| running.start(program, n));
    let text = format!(
        "name = \"running\"\n[start]\nurls = [\"http://{first}\", \"http://{second}\"]\nconnect_proxy = \"{proxy}\"\nca_file = \"ca.pem\"\n"
    );
    ([one, other], Descriptor::parse(&text, &folder.path().join("core.toml")).unwrap())
}

#[test]
fn cores_that_run_already_take_turns() {
    let Some(program) = portal_core() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_started, descriptor) = two_that_run(&program, &folder);
    let subject = Subject::described(descriptor);
    let summary = run(subject, "^(identity|call_peer|peers)/").unwrap();
    assert_eq!(summary.subject.kind, "url");
    let bad = summary.scenarios.iter().filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Unsupported));
    assert_eq!(bad.count(), 0, "{}", told(&summary).join("\n"));
    let too_few = |one: &&countersign::verdict::ScenarioResult| {
        one.failure.as_ref().is_some_and(|failure| failure.got.contains("needs more Portals than there are Cores: 2"))
    };
    assert!(summary.scenarios.iter().any(|one| too_few(&one)), "{}", told(&summary).join("\n"));
    assert!(summary.count(Verdict::Pass) > 50, "{}", told(&summary).join("\n"));
}

#[test]
fn the_doctor_walks_cores_that_run_already() {
    let Some(program) = portal_core() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_started, descriptor) = two_that_run(&program, &folder);
    let subject = Subject::described(descriptor.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let checkup = runtime.block_on(examine(&subject, &descriptor, |_| {}));
    let told: String = checkup.steps.iter().map(ToString::to_string).collect();
    assert!(checkup.is_fine() && checkup.harness.is_none(), "{told}{:?}", checkup.harness);
    let fine = checkup.steps.iter().filter(|step| matches!(step.outcome, Outcome::Fine(_))).map(|step| step.name);
    let walked: Vec<_> = fine.collect();
    assert_eq!(
        walked,
        ["start", "ready", "whoareyou", "portal", "install", "recognise", "pair", "names", "trust", "call"],
        "{told}"
    );
}

/// Stands before a Core that knows apps by their doors, and knows them by the field `X-App`: one request per connection.
fn known_by_a_field(core: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let core = core.clone();
            // Where one goes away in the middle, the other side sees that.
            std::thread::spawn(move || client.and_then(|client| carried(client, &core)));
        }
        std::io::Result::Ok(())
    });
    address
}

fn carried(mut client: TcpStream, core: &str) -> std::io::Result<()> {
    let (mut head, mut piece) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut piece)?;
        head.push(piece[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let field = text.split_inclusive("\r\n").find(|line| line.to_ascii_lowercase().starts_with("x-app:"));
    let to = match field.map(|line| line[6..].trim()) {
        Some(app) => door(core, app)?,
        None => core.to_owned(),
    };
    let mut server = TcpStream::connect(to)?;
    server.write_all(text.replace(field.unwrap_or_default(), "").as_bytes())?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let copied = std::io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write).and(copied)
    });
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

/// Where the Core takes what this app asks.
fn door(core: &str, app: &str) -> std::io::Result<String> {
    let mut asked = TcpStream::connect(core)?;
    asked.write_all(b"GET /protected/apps HTTP/1.1\r\nHost: core\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    asked.read_to_string(&mut answer)?;
    let apps: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap_or_default().1)?;
    let found = apps.as_array().into_iter().flatten().find(|known| known["name"] == app);
    let door = found.and_then(|known| known["door"].as_str()).unwrap_or(core);
    Ok(door.trim_start_matches("http://").to_owned())
}

#[test]
fn a_core_that_knows_apps_by_a_field() {
    let Some(program) = portal_core() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (running, proxy) = Running::prepared(&folder);
    let (_one, first) = running.start(&program, 1);
    let (_other, second) = running.start(&program, 2);
    let [first, second] = [first, second].map(known_by_a_field);
    let text = format!(
        "name = \"fields\"\nconnections = \"close\"\n[start]\nurls = [\"http://{first}\", \"http://{second}\"]\n\
         connect_proxy = \"{proxy}\"\nca_file = \"ca.pem\"\n\
         [apps]\nrecognised_by = \"header\"\nheader = \"X-App: {{{{ app.name }}}}\"\n"
    );
    let of = |text: &str| {
        let subject = Subject::described(Descriptor::parse(text, &folder.path().join("core.toml")).unwrap());
        run(subject, "^call_peer/").unwrap()
    };
    let summary = of(&text);
    let bad = summary.scenarios.iter().filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::Unsupported));
    assert_eq!(bad.count(), 0, "{}", told(&summary).join("\n"));
    assert!(summary.count(Verdict::Pass) > 20, "{}", told(&summary).join("\n"));
    // Under another name of the field, nobody is known.
    let summary = of(&text.replace("X-App: ", "X-Ap: "));
    assert!(summary.count(Verdict::Fail) > 20, "{}", told(&summary).join("\n"));
}
