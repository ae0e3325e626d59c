//! Containers: the same verdicts as elsewhere, nothing left behind, and a Core that comes as an image.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod apps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use countersign::containers::clean::{self, Leftover};
use countersign::containers::elf::StaticProgram;
use countersign::containers::{Engine, engine};
use countersign::subject::{Place, Storage, Subject};
use countersign::testbed::{Options, Portal, Testbed};
use countersign::topology::{AppPlan, Peering, Topology};
use countersign::wire::Call;

/// Where `.ci/static` puts the program; `.ci/run` builds it before the tests.
const PROGRAM: &str = "../target/static/countersign";
/// Some of everything that a place could change: names, addresses of apps, restarts, kills, clocks, TLS, keys.
const SELECTION: &str = "^(identity|call_peer|call_failures|faults)/|-comes-back-with-another-key-";

const MANIFEST: &str = r#"{ "v": "4.0", "name": "chat", "entrypoints": [{ "container_name": "chat", "container_port": 80, "entrypoint_port": "http" }], "paths": { "": { "access": "private" }, "/peers/": { "access": "peer" } } }"#;

/// The static program, and an engine with an image of it; none where there is no engine, or no program.
pub(crate) fn ready() -> Option<&'static Path> {
    static READY: OnceLock<Option<PathBuf>> = OnceLock::new();
    READY.get_or_init(find).as_deref()
}

fn find() -> Option<PathBuf> {
    let required =
        std::env::var_os("COUNTERSIGN_REQUIRE_DOCKER").is_some_and(|value| !value.is_empty() && value != "0");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(engine::for_test("containers")).unwrap();
    engine?;
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(PROGRAM);
    let skipped = |why: &str| {
        assert!(!required, "{why}");
        println!("skipped: {why}");
        None
    };
    if let Err(error) = StaticProgram::read(&program) {
        return skipped(&format!("{error} (PROFILE=dev .ci/static builds it)"));
    }
    let changed = |path: &Path| path.metadata().and_then(|known| known.modified()).unwrap();
    let sources =
        ["../harness/src", "../core/src", "../features"].map(|room| Path::new(env!("CARGO_MANIFEST_DIR")).join(room));
    if sources.iter().flat_map(|room| files(room)).any(|file| changed(&file) > changed(&program)) {
        return skipped("target/static/countersign is older than the sources (PROFILE=dev .ci/static builds it)");
    }
    let program = program.canonicalize().unwrap();
    let built = run(&program, &["image", "build"]);
    assert!(built.status.success(), "{}", said(&built));
    Some(program)
}

fn files(room: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(room).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What came of each scenario on this subject, and why where it did not pass.
fn verdicts(program: &Path, subject: [&str; 2]) -> BTreeMap<String, String> {
    // Each takes a dozen networks, and an engine has room for some thirty.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let told = format!("json={}", report.display());
    let chosen = ["--name", SELECTION, "--tags", "not @needs-door", "--seed", "0000000000000007"];
    let output = run(program, &[&["check"], &subject[..], &chosen[..], &["--report", &told, "-q"]].concat());
    let text = std::fs::read_to_string(&report).unwrap_or_else(|error| panic!("{error}\n{}", said(&output)));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let scenarios = report["scenarios"].as_array().unwrap();
    let told = |one: &serde_json::Value| match one["verdict"].as_str() {
        Some("pass") => "pass".to_owned(),
        _ => format!("{} {}", one["verdict"], one["failure"]),
    };
    scenarios.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), told(one))).collect()
}

#[test]
fn the_same_scenarios_give_the_same_verdicts_in_one_process_as_processes_and_in_containers() {
    let Some(program) = ready() else { return };
    let here = verdicts(program, ["--in", "process"]);
    assert!(here.len() > 60, "{}", here.len());
    assert!(here.values().all(|verdict| verdict == "pass"), "{here:#?}");
    for place in ["processes", "containers"] {
        let there = verdicts(program, ["--in", place]);
        let other: Vec<_> = here.iter().filter(|(id, verdict)| there.get(*id) != Some(verdict)).collect();
        assert!(
            other.is_empty() && there.len() == here.len(),
            "{place}: {other:#?} {:#?}",
            other.iter().map(|(id, _)| there.get(*id)).collect::<Vec<_>>()
        );
    }
}

#[test]
fn without_an_engine_nobody_is_blamed_but_the_testbed() {
    let Some(program) = ready() else { return };
    let nowhere = tempfile::tempdir().unwrap();
    let image = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core-image.toml");
    for args in
        [&["check", "--in", "containers", "--name", "^identity/"][..], &["core", "doctor", image.to_str().unwrap()]]
    {
        let output = Command::new(program)
            .args(args)
            .env("DOCKER_HOST", format!("unix://{}/none.sock", nowhere.path().display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains("there is no Docker engine that answers"), "{}", said(&output));
    }
}

#[test]
fn an_image_that_ignores_proxies_finds_its_peers_by_the_network_of_its_container() {
    let Some(program) = ready() else { return };
    let described = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cores/portal-core-image.toml");
    let described = std::fs::read_to_string(described).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let there = |names: &str| {
        let file = folder.path().join(format!("{names}.toml"));
        let profile = "profile = \"portal\"\n";
        assert!(described.contains(profile));
        std::fs::write(&file, described.replace(profile, &format!("{profile}names = \"{names}\"\n"))).unwrap();
        verdicts(program, ["--core", file.to_str().unwrap()])
    };
    let guided = there("namespace");
    let others: Vec<_> = guided.iter().filter(|(_, verdict)| *verdict != "pass").collect();
    assert!(guided.len() > 60 && others.is_empty(), "{others:#?}");
    // Without a guide nobody is found.
    let lost = there("none");
    assert!(lost.values().any(|verdict| verdict.starts_with("\"unsupported\"")), "{lost:#?}");
}

#[test]
fn what_a_killed_run_leaves_is_taken_away_and_what_goes_on_is_not() {
    let Some(program) = ready() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(Engine::connect()).unwrap();
    let mut child = Command::new(program)
        .args(["check", "--in", "containers", "--name", "^call_peer/"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let own = |leftover: &Leftover| leftover.pid == Some(child.id());
    let found = runtime.block_on(wait(|| async { clean::leftovers(&engine).await.unwrap().into_iter().find(own) }));
    assert_eq!(found.lives, Some(true));
    let told = run(program, &["clean"]);
    assert!(said(&told).contains(&format!("run {} goes on: ", found.run)), "{}", said(&told));
    // As a power cut would: nothing that the program has for its end is run.
    child.kill().unwrap();
    child.wait().unwrap();
    let told = run(program, &["clean"]);
    // Another test whose run begins now may have been quicker, and told it.
    assert!(told.status.success(), "{}", said(&told));
    let left = runtime.block_on(clean::leftovers(&engine)).unwrap();
    assert!(!left.iter().any(|leftover| leftover.run == found.run), "{left:?}");
}

/// Looks until there is something.
async fn wait<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let begin = Instant::now();
    loop {
        tick.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing came");
    }
}

/// A testbed in containers, of two Portals that are peers.
async fn testbed() -> Testbed {
    let subject = Subject::usual_in(Place::Containers).unwrap();
    let chat = AppPlan::with_paths("chat", [("", "private"), ("/peers/", "peer")]);
    let topology = Topology::new().portals(["alice", "bob"]).app_on_all(&chat).peering(Peering::All);
    let options = Options { subject, storage: Storage::Disk, ..Options::default() };
    Testbed::start_with(topology, options).await.unwrap()
}

/// Calls one after the other until told to stop: the paths of those that were answered with 200, and how many were not.
async fn load(from: Portal, to: Portal, stop: Arc<AtomicBool>) -> (BTreeSet<String>, usize) {
    let app = from.app("chat").unwrap();
    let (mut answered, mut refused) = (BTreeSet::new(), 0);
    for number in 0..2000 {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let path = format!("/peers/{}/{number}", from.name());
        match app.call_peer(to.short_id(), Call::post(&path, "x".repeat(2000))).await {
            Ok(reply) if reply.status == 200 => {
                answered.insert(path);
            }
            // A Core that is down answers nobody; the caller knows and can try again.
            _ => {
                refused += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    (answered, refused)
}

#[test]
fn a_rolling_restart_under_load_loses_no_call_that_was_answered_and_no_peer() {
    if ready().is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let testbed = testbed().await;
        let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let loads = [(&alice, &bob), (&alice, &bob), (&bob, &alice)]
            .map(|(from, to)| tokio::spawn(load(from.clone(), to.clone(), stop.clone())));
        let arrived = async |portal: &Portal, count: usize| {
            let app = portal.app("chat").unwrap();
            app.echo().wait_for_arrivals(app.echo().arrivals() + count).await.unwrap();
        };
        for portal in [&alice, &bob] {
            arrived(&alice, 3).await;
            arrived(&bob, 3).await;
            portal.restart_core().await.unwrap();
        }
        arrived(&alice, 3).await;
        arrived(&bob, 3).await;
        stop.store(true, Ordering::Relaxed);
        let mut answered = BTreeSet::new();
        for load in loads {
            answered.extend(load.await.unwrap().0);
        }
        let received =
            |portal: &Portal| portal.app("chat").unwrap().echo().received().into_iter().map(|one| one.target);
        let received: BTreeSet<String> = received(&alice).chain(received(&bob)).collect();
        let lost: Vec<_> = answered.difference(&received).collect();
        assert!(lost.is_empty(), "{} of {} calls: {lost:?}", lost.len(), answered.len());
        for (portal, peer) in [(&alice, &bob), (&bob, &alice)] {
            let peers = portal.peers().await.unwrap();
            assert_eq!(peers.len(), 1);
            assert_eq!(peers[0]["id"], peer.id());
        }
        let subject = testbed.subject().clone();
        testbed.shutdown().await.unwrap();
        subject.finish().await;
    });
}

#[test]
fn what_is_up_in_containers_is_called_cut_and_ended() {
    let Some(program) = ready() else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = "[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\nmanifest = \"app.json\"\n";
    std::fs::write(folder.path().join("countersign.toml"), text).unwrap();
    std::fs::write(folder.path().join("app.json"), MANIFEST).unwrap();
    let there = |arguments: &[&str]| {
        Command::new(program).args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap()
    };
    let _finally = Finally(|| drop(there(&["down"])));
    let up = there(&["up", "--in", "containers", "--detach"]);
    assert!(up.status.success(), "{}", said(&up));
    let call = || said(&there(&["call", "alice", "chat", "bob", "/peers/x"]));
    assert!(call().contains("decided: let in;"), "{}", call());
    assert!(there(&["fault", "alice -> bob black-hole"]).status.success());
    assert!(call().contains("peer_silent"), "{}", call());
    assert!(there(&["fault", "--clear"]).status.success());
    assert!(call().contains("decided: let in;"), "{}", call());
    let state: serde_json::Value = serde_json::from_slice(&there(&["status", "--json"]).stdout).unwrap();
    let pid = state["pid"].as_u64().unwrap();
    assert!(there(&["down"]).status.success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(Engine::connect()).unwrap();
    let left = runtime.block_on(clean::leftovers(&engine)).unwrap();
    assert!(!left.iter().any(|leftover| leftover.pid.map(u64::from) == Some(pid)), "{left:?}");
}

/// What `docker` or Docker Compose say, which must go well.
fn tool(words: &[&str]) -> String {
    let output = run(Path::new(words[0]), &words[1..]);
    assert!(output.status.success(), "{}: {}", words.join(" "), said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words that call Docker Compose, where it is.
fn compose() -> Option<&'static [&'static str]> {
    let words: [&[&str]; 2] = [&["docker-compose"], &["docker", "compose"]];
    let is_there = |words: &&&[&str]| {
        let asked = Command::new(words[0]).args(&words[1..]).arg("version").output();
        asked.is_ok_and(|output| output.status.success())
    };
    words.iter().find(is_there).copied()
}

/// Runs when a test ends, however it does.
struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Two Portals as a Compose file in this folder: the file, and the short ID of bob.
fn exported(program: &Path, folder: &Path) -> (String, String) {
    std::fs::write(folder.join("app.json"), MANIFEST).unwrap();
    let text = "[[portal]]\nname = \"alice\"\npeers = [\"bob\"]\n[[portal]]\nname = \"bob\"\npeers = [\"alice\"]\n[[app]]\nmanifest = \"app.json\"\n";
    std::fs::write(folder.join("countersign.toml"), text).unwrap();
    let file = folder.join("out").join("docker-compose.yml").display().to_string();
    let output = run(program, &["export", "compose", &folder.display().to_string(), "--out", &file]);
    assert!(output.status.success(), "{}", said(&output));
    let told: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("out/secrets/bob-proxy")).unwrap()).unwrap();
    let short = told["domain"].as_str().unwrap().split('.').next().unwrap().to_owned();
    (file, short)
}

/// Waits until so many containers whose names begin so are healthy.
fn healthy(prefix: &str, count: usize) {
    let filter = format!("name={prefix}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(wait(|| async {
        let states = tool(&["docker", "ps", "--filter", &filter, "--format", "{{.Status}}"]);
        (states.lines().filter(|state| state.contains("(healthy)")).count() == count).then_some(())
    }));
}

/// A call to bob from within the container of alice's app: the status.
fn calls(container: &str, bob: &str) -> String {
    let url = format!("http://portal_core/internal/call_peer/{bob}/peers/x");
    let output =
        run(Path::new("docker"), &["exec", container, "/countersign", "part", "ask", "POST", &url, "-d", "hello"]);
    let text = said(&output);
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_project_runs_as_a_compose_file_and_calls_survive_restarts_and_cuts() {
    let Some(program) = ready() else { return };
    let Some(compose) = compose() else {
        println!("skipped: there is no Docker Compose");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (file, bob) = exported(program, folder.path());
    let project = format!("cs{}c", std::process::id());
    let composed = |words: &[&str]| tool(&[compose, &["-p", &project, "-f", &file], words].concat());
    let _finally = Finally(|| drop(composed(&["down", "-v", "-t", "1"])));
    composed(&["up", "-d"]);
    healthy(&project, 6);
    // Docker Compose joins names with `_`, and since its second version with `-`.
    let named = |what: &str| {
        let names = tool(&["docker", "ps", "--filter", &format!("name={project}.{what}"), "--format", "{{.Names}}"]);
        names.lines().next().unwrap().to_owned()
    };
    let (app, core, proxy) = (named("alice-app-chat"), named("alice-core"), named("bob-proxy"));
    assert_eq!(calls(&app, &bob), "200");
    tool(&["docker", "restart", &core, &named("bob-core")]);
    healthy(&project, 6);
    assert_eq!(calls(&app, &bob), "200", "peers and apps outlive the Cores' containers");
    // What the docs say of a cut: the proxy of the one leaves the network of the other.
    let network = format!("{project}_alice");
    tool(&["docker", "network", "disconnect", &network, &proxy]);
    let cut = calls(&app, &bob);
    assert_ne!(cut, "200");
    let domain = format!("{bob}.localhost");
    tool(&["docker", "network", "connect", "--alias", &domain, "--alias", &format!("chat.{domain}"), &network, &proxy]);
    assert_eq!(calls(&app, &bob), "200");
}

#[test]
fn an_app_of_several_containers_runs_in_the_exported_file() {
    let Some(program) = ready() else { return };
    let Some(compose) = compose() else {
        println!("skipped: there is no Docker Compose");
        return;
    };
    let folder = apps::box_of_two();
    let file = folder.path().join("out/docker-compose.yml").display().to_string();
    let output = run(program, &["export", "compose", &folder.path().display().to_string(), "--out", &file]);
    assert!(output.status.success(), "{}", said(&output));
    let told = std::fs::read_to_string(folder.path().join("out/secrets/bob-proxy")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let bob = told["domain"].as_str().unwrap().split('.').next().unwrap();
    let project = format!("cs{}b", std::process::id());
    let composed = |words: &[&str]| tool(&[compose, &["-p", &project, "-f", &file], words].concat());
    let _finally = Finally(|| drop(composed(&["down", "-v", "-t", "1"])));
    composed(&["up", "-d"]);
    // Cores and proxies: the services of the app say nothing of their health.
    healthy(&project, 4);
    let main = composed(&["ps", "-q", "alice-app-box"]);
    assert_eq!(calls(main.trim(), bob), "200");
    let front = composed(&["ps", "-q", "bob-app-box_front"]);
    let asked = tool(&["docker", "exec", front.trim(), "/countersign", "part", "ask", "GET", "http://box-front:81/"]);
    assert!(asked.starts_with("200"), "{asked}");
    let mounts = tool(&["docker", "inspect", "--format", "{{json .Mounts}}", main.trim()]);
    for volume in ["alice_app_data_box_data", "alice-app-box_kept"] {
        assert!(mounts.contains(&format!("{project}_{volume}")), "{mounts}");
    }
}

#[test]
fn the_same_file_runs_in_a_swarm_of_one_node() {
    let Some(program) = ready() else { return };
    let state = tool(&["docker", "info", "--format", "{{.Swarm.LocalNodeState}}"]);
    let own = state.trim() == "inactive";
    if own {
        tool(&["docker", "swarm", "init", "--advertise-addr", "127.0.0.1"]);
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, bob) = exported(program, folder.path());
    let stack = format!("cs{}s", std::process::id());
    let _finally = Finally(|| {
        tool(&["docker", "stack", "rm", &stack]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let filter = format!("name={stack}");
        let gone = |what: &'static str| {
            let filter = filter.clone();
            wait(move || {
                // Also those that have ended: they hold their volumes.
                let all: &[&str] = if what == "container" { &["--all"] } else { &[] };
                let left = tool(&[&["docker", what, "ls", "-q", "--filter", &filter], all].concat());
                async move { left.trim().is_empty().then_some(()) }
            })
        };
        runtime.block_on(gone("container"));
        runtime.block_on(gone("network"));
        let volumes = tool(&["docker", "volume", "ls", "-q", "--filter", &filter]);
        let words: Vec<&str> = ["docker", "volume", "rm"].into_iter().chain(volumes.lines()).collect();
        tool(&words);
        if own {
            tool(&["docker", "swarm", "leave", "--force"]);
        }
    });
    tool(&["docker", "stack", "deploy", "-c", &file, &stack]);
    healthy(&stack, 6);
    let app = tool(&["docker", "ps", "-q", "--filter", &format!("name={stack}_alice-app-chat")]);
    assert_eq!(calls(app.trim(), &bob), "200");
}
