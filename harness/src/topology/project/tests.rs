use super::*;

const APP: &str = r#"{"v": "3.2", "name": "guestbook", "port": 80, "paths": {"": {"access": "private"}}}"#;

/// A folder with an app, whose `countersign.toml` is this.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.json"), APP).unwrap();
    std::fs::write(folder.path().join(FILE), text).unwrap();
    folder
}

fn project(text: &str) -> Project {
    Project::read(folder(text).path()).unwrap()
}

/// What is wrong, without the folder.
fn wrong(text: &str) -> String {
    let folder = folder(text);
    let error = Project::read(folder.path()).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

fn peers(project: &Project) -> Vec<(&str, Vec<&str>)> {
    let portals = project.portals.iter();
    portals.map(|portal| (portal.name.as_str(), portal.peers.iter().map(String::as_str).collect())).collect()
}

#[test]
fn two_names_are_enough() {
    let project = project("[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\n");
    assert_eq!((project.zone.as_str(), project.port), ("localhost", None));
    assert_eq!(peers(&project), [("alice", vec!["bob"]), ("bob", vec!["alice"])]);
    assert_eq!(project.portals[0].apps, ["guestbook"]);
    assert_eq!((project.apps[0].source.clone(), project.apps[0].container_port), (AppSource::Echo, Some(80)));
    let topology = project.topology(8443).checked().unwrap();
    assert_eq!((topology.public_port, topology.introductions()), (8443, vec![(0, 1), (1, 0)]));
    assert_eq!(topology.portals[1].apps[0].manifest, APP);
}

#[test]
fn all_of_it_is_taken() {
    let text = r#"
zone = "Portals.test"
port = 8443
core = "built-in"
peers = "none"
faults = ["alice -> bob latency 200ms"]

[[portal]]
name = "alice"
peers = ["bob"]
clock = "+2h"
key = "rsa-pss"

[[portal]]
name = "bob"
peers = "all"
clock = "2026-01-31T12:00:00Z"
core = "built-in"
apps = []

[[portal]]
name = "carol"
clock = "-90s"

[[app]]
manifest = "app.json"
run = ["python3", "main.py"]
directory = "."
env = { COLOUR = "green" }
ready_within = "5s"
"#;
    let project = project(text);
    assert_eq!((project.zone.as_str(), project.port), ("portals.test", Some(8443)));
    assert_eq!(peers(&project), [("alice", vec!["bob"]), ("bob", vec!["alice", "carol"]), ("carol", vec![])]);
    let two_hours = Duration::from_secs(7200);
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
    let clocks: Vec<_> = project.portals.iter().map(|portal| portal.clock).collect();
    assert_eq!(clocks, [ClockSpec::Ahead(two_hours), ClockSpec::At(noon), ClockSpec::Behind(Duration::from_secs(90))]);
    assert_eq!(project.faults, [FaultLine { text: "alice -> bob latency 200ms".into(), line: 6 }]);
    let app = &project.apps[0];
    let AppSource::Run { argv, directory } = &app.source else { panic!("{app:?}") };
    assert_eq!((argv.join(" ").as_str(), directory), ("python3 main.py", &project.folder.join(".")));
    assert_eq!((app.env["COLOUR"].as_str(), app.ready_within), ("green", Duration::from_secs(5)));
    let without: Vec<_> = project.portals.iter().map(|portal| portal.apps.len()).collect();
    assert_eq!(without, [1, 0, 1]);
    assert_eq!(project.topology(1).introductions(), [(0, 1), (1, 0), (1, 2)]);
}

#[test]
fn an_app_comes_from_a_shell_line_a_url_an_image_or_compose() {
    let of = |way: &str| {
        let folder = folder(&format!("[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\n{way}\n"));
        std::fs::write(folder.path().join("dc.yml"), COMPOSE).unwrap();
        Project::read(folder.path()).unwrap().apps[0].source.clone()
    };
    let AppSource::Run { argv, .. } = of("run = \"PYTHONUNBUFFERED=1 python3 main.py\"") else { panic!() };
    assert_eq!(argv, ["sh", "-c", "PYTHONUNBUFFERED=1 python3 main.py"]);
    let both = ["alice", "bob"].map(|name| (name.to_owned(), "localhost:5000".to_owned()));
    assert_eq!(of("url = \"http://localhost:5000\""), AppSource::Url(both.into()));
    let one = [("bob".to_owned(), "127.0.0.1:80".to_owned())];
    assert_eq!(of("url = { bob = \"http://127.0.0.1/\" }"), AppSource::Url(one.into()));
    assert_eq!(of("image = \"guestbook:1\""), AppSource::Image("guestbook:1".into()));
    assert!(matches!(of("compose = \"dc.yml\""), AppSource::Compose(file) if file.ends_with("dc.yml")));
    assert_eq!(of("echo = true"), AppSource::Echo);
}

const COMPOSE: &str = "networks: { portal: { external: true } }
services:
  guestbook:
    image: guestbook:1
    volumes: [\"{{ fs.app_data }}/data:/data\"]
    networks: [portal]
";

#[test]
fn a_template_for_compose_is_read_before_anything_starts() {
    let folder = folder("[[portal]]\nname = \"alice\"\n[[app]]\ncompose = \"dc.yml\"\n");
    std::fs::write(folder.path().join("dc.yml"), COMPOSE.replace("fs.app_data", "fs.data")).unwrap();
    let error = Project::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("countersign.toml:4: `app.compose`: "), "{error}");
    assert!(error.contains("dc.yml: line 5: ") && error.contains("fs.app_data"), "{error}");
}

#[test]
fn every_mistake_names_its_line_its_key_and_what_to_do() {
    let text = r#"zone = "a b"
port = 70000
core = "none.toml"
peers = ["bert"]
[[portal]]
name = "Alice"
[[portal]]
name = "bob"
peers = ["bob", "carole"]
clock = "tomorrow"
key = "dsa"
apps = ["guestbok"]
[[portal]]
name = "bob"
[[portal]]
name = "carol"
core = "broken.toml"
[[app]]
run = ""
directory = "nowhere"
env = { PORT = "1", "A=B" = "x" }
ready_within = "soon"
[[app]]
manifest = "other.json"
[[app]]
url = { carl = "http://x", bob = "https://x" }
image = "a b"
[[app]]
compose = "dc.yml"
directory = "."
env = { X = "y" }
[[app]]
image = "a b"
[[app]]
env = { X = "y" }
"#;
    let folder = folder(text);
    std::fs::write(folder.path().join("broken.toml"), "name = \"x\"\n[start]\ncomand = [\"x\"]\n").unwrap();
    let error = Project::read(folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&format!("{}/", folder.path().display()), ""));
}

#[test]
fn a_misspelt_key_comes_with_the_right_one() {
    let texts = [
        "zome = \"x\"\n",
        "[[portal]]\nname = \"alice\"\npeer = [\"bob\"]\n",
        "[[portal]]\nname = \"alice\"\n[[app]]\nrum = \"x\"\n",
        "[[portal]]\npeers = 7\n",
        "[[portal]]\nname = 7\n",
        "[[portal]]\nname = \"alice\"\n[[app]]\nurl = []\n",
        "[[portal]\n",
        "",
    ];
    insta::assert_snapshot!(texts.map(wrong).join("\n"));
}

#[test]
fn a_manifest_that_no_core_would_take_is_refused() {
    let folder = folder("[[portal]]\nname = \"alice\"\n[[app]]\nmanifest = \"bad.json\"\n");
    std::fs::write(folder.path().join("bad.json"), r#"{"v": "3.2", "name": "x", "port": 80, "paths": {}}"#).unwrap();
    let error = Project::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("countersign.toml:4: `app.manifest`: ") && error.contains("$.paths"), "{error}");
}

#[test]
fn a_folder_without_a_file_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = Project::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("has no countersign.toml: `countersign init`"), "{error}");
    let error = Project::of_app(folder.path(), 2).unwrap_err().to_string();
    assert!(error.contains("has no app.json and no app_meta.json"), "{error}");
}

#[test]
fn an_app_alone_gets_portals_that_are_all_peers() {
    let folder = folder("");
    let project = Project::of_app(folder.path(), 3).unwrap();
    assert_eq!(
        peers(&project),
        [("alice", vec!["bob", "carol"]), ("bob", vec!["alice", "carol"]), ("carol", vec!["alice", "bob"])]
    );
    assert!(project.portals.iter().all(|portal| portal.apps == ["guestbook"]));
    let many = project.clone().with_portals(10).unwrap();
    assert_eq!(many.portals[9].name, "portal-2");
    assert_eq!(many.portals[9].peers.len(), 9);
    assert_eq!(peers(&many.with_portals(1).unwrap()), [("alice", vec![])]);
    assert!(project.with_portals(0).is_err());
}
