//! Containers: the same verdicts as elsewhere, nothing left behind, and a Core that comes as an image.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use countersign::containers::clean::{self, Leftover};
use countersign::containers::elf::StaticProgram;
use countersign::containers::{Engine, engine};
use countersign::subject::{Place, Storage, Subject};
use countersign::testbed::{Options, Portal, Testbed};
use countersign::topology::{AppPlan, Peering, Topology};
use countersign::wire::Call;
use portal_core::profile::Shipped;

/// Where `.ci/static` puts the program; `.ci/run` builds it before the tests.
const PROGRAM: &str = "../target/static/countersign";
/// Some of everything that a place could change: names, addresses of apps, restarts, kills, clocks, TLS, keys.
const SELECTION: &str = "^(identity|call_peer|call_failures)/";

/// The static program, and an engine with an image of it; none where there is no engine, or no program.
fn ready() -> Option<&'static Path> {
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

fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What came of each scenario there.
fn verdicts(program: &Path, place: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let told = format!("json={}", report.display());
    let output = run(
        program,
        &[
            "check",
            "--in",
            place,
            "--name",
            SELECTION,
            "--tags",
            "not @needs-door",
            "--seed",
            "7",
            "--report",
            &told,
            "-q",
        ],
    );
    let text = std::fs::read_to_string(&report).unwrap_or_else(|error| panic!("{place}: {error}\n{}", said(&output)));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let scenarios = report["scenarios"].as_array().unwrap();
    scenarios.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one["verdict"].to_string())).collect()
}

#[test]
fn the_same_scenarios_give_the_same_verdicts_in_one_process_as_processes_and_in_containers() {
    let Some(program) = ready() else { return };
    let here = verdicts(program, "process");
    assert!(here.len() > 60, "{}", here.len());
    assert!(here.values().all(|verdict| verdict == "\"pass\""), "{here:#?}");
    for place in ["processes", "containers"] {
        let there = verdicts(program, place);
        let other: Vec<_> = here.iter().filter(|(id, verdict)| there.get(*id) != Some(verdict)).collect();
        assert!(
            other.is_empty() && there.len() == here.len(),
            "{place}: {other:#?} {:#?}",
            other.iter().map(|(id, _)| there.get(*id)).collect::<Vec<_>>()
        );
    }
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
    assert!(told.status.success(), "{}", said(&told));
    assert!(said(&told).contains(&format!("run {}: ", found.run)), "{}", said(&told));
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
    let subject = Subject::builtin_in(Place::Containers, Shipped::named("portal").unwrap()).unwrap();
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
        let lost: Vec<_> = received.symmetric_difference(&answered).collect();
        assert!(lost.is_empty(), "{} of {} calls: {lost:?}", lost.len(), answered.len());
        for (portal, peer) in [(&alice, &bob), (&bob, &alice)] {
            let peers = portal.peers().await.unwrap();
            assert_eq!(peers.len(), 1);
            assert_eq!(peers[0]["id"], peer.id());
        }
        testbed.shutdown().await.unwrap();
    });
}
