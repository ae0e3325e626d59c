//! Apps of a user's in containers: on each Portal, started again, kept, ended.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use countersign::containers::Engine;
use countersign::containers::clean;

use super::{Finally, compose, ready, run, said, tool, wait};

/// An end takes no longer, on a machine that is busy.
const PROMPT: Duration = Duration::from_secs(45);

/// How such an app comes today: two containers, of which one is reached through the proxy.
const TEMPLATE: &str = r#"version: '3.5'
networks:
  portal:
    external: true
services:
  box:
    image: IMAGE
    container_name: the-box
    restart: always
    command: ["part", "echo", "--portal", "{{ portal.short_id }}", "--app", "box"]
    ports: ["80:80"]
    volumes: ["{{ fs.app_data }}/data:/data", "kept:/kept"]
    networks: [portal]
  front:
    image: IMAGE
    container_name: box-front
    depends_on: [box]
    command: ["part", "relay", "--lead", "0.0.0.0:81=the-box:80"]
    networks: [portal]
volumes:
  kept:
"#;
const META: &str = r#"{ "v": "1.0", "app_version": "1", "name": "box", "pretty_name": "Box", "icon": "icon.svg",
  "entrypoints": [{ "container_name": "the-box", "container_port": 80, "entrypoint_port": "http" }],
  "paths": { "": { "access": "peer", "headers": { "X-Ptl-Client-Type": "{{ auth.client_type }}" } } } }"#;

/// `up` in that folder, with a call from alice to bob; its end leaves nothing.
fn runs_in_containers(program: &Path, folder: &Path, kind: &str, then: impl Fn(&dyn Fn(&[&str]) -> Output)) {
    let there =
        |words: &[&str]| Command::new(program).args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let _finally = Finally(|| drop(there(&["down"])));
    let up = there(&["up", "--detach"]);
    assert!(up.status.success(), "{}", said(&up));
    let call = said(&there(&["call", "alice", "box", "bob", "/x", "-d", "hello"]));
    assert!(call.contains("decided: let in as peer;") && call.contains("The answer: 200 OK"), "{call}");
    let state: serde_json::Value = serde_json::from_slice(&there(&["status", "--json"]).stdout).unwrap();
    assert!(state.to_string().contains(&format!("\"{kind}\"")), "{state}");
    then(&there);
    assert!(there(&["down"]).status.success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(Engine::connect()).unwrap();
    let left = runtime.block_on(clean::leftovers(&engine)).unwrap();
    assert!(!left.iter().any(|leftover| leftover.pid.map(u64::from) == state["pid"].as_u64()), "{left:?}");
}

#[test]
fn an_app_with_a_compose_template_runs_on_each_portal() {
    let Some(program) = ready() else { return };
    if compose().is_none() {
        println!("skipped: there is no Docker Compose");
        return;
    }
    let image = format!("countersign:{}", env!("CARGO_PKG_VERSION"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app_meta.json"), META).unwrap();
    std::fs::write(folder.path().join("docker-compose.yml.template"), TEMPLATE.replace("IMAGE", &image)).unwrap();
    let made = Command::new(program).arg("init").current_dir(folder.path()).output().unwrap();
    assert!(made.status.success() && said(&made).contains("docker-compose.yml.template"), "{}", said(&made));
    runs_in_containers(program, folder.path(), "compose", |there| {
        let named = |service: &str| {
            tool(&["docker", "ps", "-q", "--filter", &format!("label=com.docker.compose.service={service}")])
        };
        let [boxes, fronts] =
            ["box", "front"].map(|service| named(service).lines().map(str::to_owned).collect::<Vec<_>>());
        assert!(boxes.len() == 2 && fronts.len() == 2, "{boxes:?} {fronts:?}");
        // Both of its containers find the Core under its name, and each other.
        for container in boxes.iter().chain(&fronts) {
            for url in ["http://portal_core/public/meta/whoareyou", "http://box-front:81/"] {
                let asked = tool(&["docker", "exec", container, "/countersign", "part", "ask", "GET", url]);
                assert!(asked.starts_with("200"), "{url}: {asked}");
            }
        }
        let mounts = tool(&["docker", "inspect", "--format", "{{json .Mounts}}", &boxes[0]]);
        assert!(mounts.contains("/app_data/box/data") && mounts.contains("/kept"), "{mounts}");
        // Who dies is started again, and reached.
        tool(&["docker", "kill", &boxes[0], &boxes[1]]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(wait(|| async {
            let called = said(&there(&["call", "alice", "box", "bob", "/x", "-d", "hello"]));
            called.contains("The answer: 200 OK").then_some(())
        }));
    });
    let test = Command::new(program).arg("test").current_dir(folder.path()).output().unwrap();
    assert!(test.status.success(), "{}", said(&test));

    // One that does not come up is told with its last words; one that is not there, with what the engine says.
    let wrong = |from: &str, to: &str| {
        let text = TEMPLATE.replace("IMAGE", &image).replacen(from, to, 1);
        std::fs::write(folder.path().join("docker-compose.yml.template"), text).unwrap();
        let up = Command::new(program).args(["up", "--detach"]).current_dir(folder.path()).output().unwrap();
        (up.status.code(), said(&up))
    };
    let (code, told) = wrong("\"echo\"", "\"ecko\"");
    assert!(code == Some(4) && told.contains("unrecognized subcommand 'ecko'"), "{code:?} {told}");
    let (code, told) = wrong(&image, "countersign-nobody-has-this:1");
    assert!(code == Some(4) && told.contains("countersign-nobody-has-this"), "{code:?} {told}");
    let (code, told) = wrong("fs.app_data", "fs.data");
    assert!(code == Some(2) && told.contains("docker-compose.yml.template: line 12: "), "{code:?} {told}");
}

#[test]
fn an_app_that_is_an_image_runs_on_each_portal() {
    let Some(program) = ready() else { return };
    let folder = tempfile::tempdir().unwrap();
    let image = format!("countersign-test-box:{}", std::process::id());
    let text = format!(
        "FROM countersign:{}\nCMD [\"part\", \"echo\", \"--portal\", \"p\", \"--app\", \"box\"]\n",
        env!("CARGO_PKG_VERSION")
    );
    let (context, project) = (folder.path().join("image"), folder.path().join("project"));
    std::fs::create_dir_all(&context).unwrap();
    std::fs::create_dir_all(&project).unwrap();
    std::fs::write(context.join("Dockerfile"), text).unwrap();
    tool(&["docker", "build", "-q", "-t", &image, &context.display().to_string()]);
    let _finally = Finally(|| drop(run(Path::new("docker"), &["rmi", "-f", &image])));
    std::fs::write(project.join("app_meta.json"), META).unwrap();
    let text = format!(
        "[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\nmanifest = \"app_meta.json\"\nimage = \"{image}\"\n"
    );
    std::fs::write(project.join("countersign.toml"), text).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run_now = |more: &[&str]| -> BTreeSet<String> {
        let of_image = format!("ancestor={image}");
        let asked = [&["docker", "ps", "-q", "--filter", &of_image][..], more].concat();
        tool(&asked).lines().map(str::to_owned).collect()
    };
    let becomes = |how: &dyn Fn() -> bool| runtime.block_on(wait(|| async { how().then_some(()) }));
    runs_in_containers(program, &project, "image", |there| {
        let calls = || said(&there(&["call", "alice", "box", "bob", "/x", "-d", "hello"]));
        let done = |words: &[&str]| {
            let output = there(&[&["fault"], words].concat());
            assert!(output.status.success(), "{}", said(&output));
        };
        // Faults are done to the container itself.
        let still = || run_now(&["--filter", "status=paused"]).len();
        done(&["bob app box frozen"]);
        becomes(&|| still() == 1);
        done(&["--clear", "bob app box"]);
        becomes(&|| still() == 0);
        let before = run_now(&[]);
        done(&["bob app box killed"]);
        assert!(calls().contains("The answer: 502"), "{}", calls());
        becomes(&|| run_now(&[]).difference(&before).count() == 1);
        done(&["--clear", "bob app box"]);
        becomes(&|| calls().contains("The answer: 200 OK"));
        let before = run_now(&[]);
        done(&["bob app box restarted"]);
        becomes(&|| run_now(&[]).difference(&before).count() == 1);
        becomes(&|| calls().contains("The answer: 200 OK"));
    });
}

const TWO: &str =
    "[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\ncompose = \"docker-compose.yml.template\"\n";

/// A folder with the app in two containers.
pub(super) fn box_of_two() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let image = format!("countersign:{}", env!("CARGO_PKG_VERSION"));
    std::fs::write(folder.path().join("app_meta.json"), META).unwrap();
    std::fs::write(folder.path().join("docker-compose.yml.template"), TEMPLATE.replace("IMAGE", &image)).unwrap();
    std::fs::write(folder.path().join("countersign.toml"), TWO).unwrap();
    folder
}

#[test]
fn what_apps_write_stays_with_data_and_goes_without() {
    let Some(program) = ready() else { return };
    if compose().is_none() {
        println!("skipped: there is no Docker Compose");
        return;
    }
    let folder = box_of_two();
    let there = |words: &[&str]| {
        let output =
            Command::new(program).args(words).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    let volumes = || {
        let id = std::fs::read_to_string(folder.path().join("kept/apps/volumes")).unwrap_or_default();
        tool(&["docker", "volume", "ls", "-q", "--filter", &format!("label=countersign.kept={}", id.trim())])
    };
    let _finally = Finally(|| {
        there(&["down"]);
        volumes().lines().for_each(|volume| drop(tool(&["docker", "volume", "rm", volume])));
    });
    // The one of alice; the labels tell which run and which Portal.
    let boxed = || {
        let state: serde_json::Value = serde_json::from_slice(
            &Command::new(program).args(["status", "--json"]).current_dir(folder.path()).output().unwrap().stdout,
        )
        .unwrap();
        let pid = state["pid"].to_string();
        let found = tool(&["docker", "ps", "-q", "--filter", "label=com.docker.compose.service=box"]);
        let own = found.lines().find(|container| {
            let labels = tool(&["docker", "inspect", "--format", "{{json .Config.Labels}}", container]);
            let labels: serde_json::Value = serde_json::from_str(&labels).unwrap();
            let text = |name: &str| labels[name].as_str().unwrap().to_owned();
            let is_alice =
                ["alice-box", "alice_box"].iter().any(|end| text("com.docker.compose.project").ends_with(end));
            is_alice && text("countersign.maker").split(' ').nth(1) == Some(&pid)
        });
        own.unwrap().to_owned()
    };
    let note = folder.path().join("note");
    std::fs::write(&note, "what was written").unwrap();
    let has_note = |at: &str| {
        let copied = run(Path::new("docker"), &["cp", &format!("{}:{at}/note", boxed()), "-"]);
        copied.status.success() && String::from_utf8_lossy(&copied.stdout).contains("what was written")
    };
    let places = ["/data", "/kept"];
    for kept in [&["--data", "kept"][..], &[]] {
        there(&[&["up", "--detach"], kept].concat());
        for at in places {
            tool(&["docker", "cp", &note.display().to_string(), &format!("{}:{at}/note", boxed())]);
            assert!(has_note(at), "{at}");
        }
        there(&["down"]);
        there(&["clean"]);
        there(&[&["up", "--detach"], kept].concat());
        for at in places {
            assert_eq!(has_note(at), !kept.is_empty(), "{at} with {kept:?}");
        }
        there(&["down"]);
    }
    assert_eq!(volumes().lines().count(), 2, "one of each Portal");
    assert!(folder.path().join("kept/apps/alice/app_data/box/data/note").is_file());
}

/// Compose waits for the gate, which is open as long as the Core answers.
const SLOW: &str = r#"networks: { portal: { external: true } }
services:
  box:
    image: IMAGE
    container_name: the-box
    command: ["part", "echo", "--portal", "p", "--app", "box"]
    depends_on: { gate: { condition: service_healthy } }
    networks: [portal]
  gate:
    image: IMAGE
    command: ["part", "relay", "--lead", "0.0.0.0:81=portal_core:80"]
    healthcheck:
      test: ["CMD", "/countersign", "part", "healthy", "--port", "81", "--get", "/public/meta/whoareyou"]
      interval: 1s
      timeout: 10s
      retries: 1000
    networks: [portal]
"#;

#[test]
fn an_app_that_is_being_started_does_not_hold_up_the_end() {
    let Some(program) = ready() else { return };
    if compose().is_none() {
        println!("skipped: there is no Docker Compose");
        return;
    }
    let folder = box_of_two();
    let template = SLOW.replace("IMAGE", &format!("countersign:{}", env!("CARGO_PKG_VERSION")));
    let write = |text: &str| std::fs::write(folder.path().join("docker-compose.yml.template"), text).unwrap();
    write(&template);
    let there = |words: &[&str]| {
        Command::new(program).args(words).current_dir(folder.path()).stdin(Stdio::null()).output().unwrap()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = runtime.block_on(Engine::connect()).unwrap();
    let left = |pid: u32| {
        let left = runtime.block_on(clean::leftovers(&engine)).unwrap();
        left.into_iter().find(|leftover| leftover.pid == Some(pid))
    };
    let gates = || {
        let asked =
            ["docker", "ps", "-q", "--filter", "label=com.docker.compose.service=gate", "--filter", "health=starting"];
        let found = tool(&asked);
        found.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };

    // One that was up, died, and does not come again.
    let _finally = Finally(|| drop(there(&["down"])));
    let up = there(&["up", "--detach"]);
    assert!(up.status.success(), "{}", said(&up));
    let state: serde_json::Value = serde_json::from_slice(&there(&["status", "--json"]).stdout).unwrap();
    let pid = u32::try_from(state["pid"].as_u64().unwrap()).unwrap();
    for fault in ["alice core frozen", "bob core frozen"] {
        assert!(there(&["fault", fault]).status.success());
    }
    let before = gates();
    let boxes = ["label=com.docker.compose.service=box", &format!("label=countersign.run={}", left(pid).unwrap().run)];
    let boxes = tool(&["docker", "ps", "-q", "--filter", boxes[0], "--filter", boxes[1]]);
    boxes.lines().for_each(|container| drop(tool(&["docker", "kill", container])));
    runtime.block_on(wait(|| async { gates().difference(&before).next().map(drop) }));
    let asked = Instant::now();
    let down = there(&["down"]);
    assert!(down.status.success() && asked.elapsed() < PROMPT, "{:?} {}", asked.elapsed(), said(&down));
    assert_eq!(left(pid), None);

    // One that never was.
    write(&template.replace("\"81\"", "\"82\""));
    let before = gates();
    let mut up = Command::new(program)
        .arg("up")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    runtime.block_on(wait(|| async { gates().difference(&before).next().map(drop) }));
    let run = left(up.id()).unwrap().run;
    let asked = Instant::now();
    tool(&["kill", "-INT", &up.id().to_string()]);
    // What the engine had been asked for comes when all else is gone.
    runtime.block_on(wait(|| async { (gates().difference(&before).count() == 0).then_some(()) }));
    let labels = format!("countersign.run={run}");
    tool(&["docker", "create", "--label", &labels, &format!("countersign:{}", env!("CARGO_PKG_VERSION"))]);
    let ended = up.wait().unwrap();
    assert!(ended.code() == Some(130) && asked.elapsed() < PROMPT, "{ended} {:?}", asked.elapsed());
    assert_eq!(left(up.id()), None);
    assert_eq!(tool(&["docker", "ps", "-aq", "--filter", &format!("label={labels}")]), "");
}
