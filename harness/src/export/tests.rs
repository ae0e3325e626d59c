use super::*;

fn project(text: &str, folder: &Path) -> Project {
    std::fs::write(folder.join("app.json"), MANIFEST).unwrap();
    Project::parse(text, &folder.join("countersign.toml")).unwrap()
}

const MANIFEST: &str = r#"{ "v": "1.0", "name": "chat", "image": "me/chat:1", "port": 8080, "paths": { "": { "access": "private" }, "/peers/": { "access": "peer" } } }"#;

const THREE: &str = r#"
[[portal]]
name = "alice"
peers = ["bob"]
[[portal]]
name = "bob"
peers = []
[[portal]]
name = "carol"
peers = []
[[app]]
manifest = "app.json"
"#;

fn read(export: &Export, name: &str) -> PortalFile {
    let file = export.files.iter().find(|(path, _)| path == Path::new(&format!("secrets/{name}"))).unwrap();
    serde_json::from_str(&file.1).unwrap()
}

#[test]
fn a_proxy_is_where_its_portal_and_its_peers_are_and_a_core_is_at_home_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = ExportOptions { publish: Some(8443), ..ExportOptions::default() };
    let project = project(THREE, folder.path());
    let mut draft = Draft::new(&project, "our:1", options.publish);
    let pki = Pki::new(&SystemClock).unwrap();
    let known: Vec<Known<'_>> = project
        .portals
        .iter()
        .map(|spec| {
            let identity = TestIdentity::generate().unwrap();
            let domain = format!("{}.{}", identity.short_id(), project.zone);
            Known { spec, identity, domain }
        })
        .collect();
    for portal in &known {
        draft.portal(portal, &known, &pki).unwrap();
    }
    let networks = |service: &str| {
        let networks = draft.services[service]["networks"].as_object().unwrap();
        networks.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(networks("alice-proxy"), ["alice", "bob"]);
    assert_eq!(networks("bob-proxy"), ["bob", "alice"], "bob's Core asks alice for her key, and she calls him");
    assert_eq!(networks("carol-proxy"), ["carol"]);
    assert_eq!(networks("alice-core"), ["alice"]);
    assert_eq!(networks("alice-app-chat"), ["alice"]);
    let aliases = &draft.services["bob-proxy"]["networks"]["alice"]["aliases"];
    assert_eq!(*aliases, json!([known[1].domain, format!("chat.{}", known[1].domain)]));
    let port = |name: &str| draft.services[name]["ports"][0]["published"].clone();
    assert_eq!((port("alice-proxy"), port("carol-proxy")), (json!(8443), json!(8445)));
    assert_eq!(draft.services["alice-core"]["networks"]["alice"]["aliases"], json!(["portal_core"]));
}

#[test]
fn keys_are_in_files_and_not_in_the_compose_file() {
    let folder = tempfile::tempdir().unwrap();
    let export = compose(&project(THREE, folder.path()), &ExportOptions::default()).unwrap();
    assert!(!export.compose.contains("PRIVATE KEY"));
    let file = folder.path().join("out/docker-compose.yml");
    export.write(&file).unwrap();
    let key = std::fs::read_to_string(folder.path().join("out/secrets/alice-identity")).unwrap();
    assert!(key.contains("PRIVATE KEY"));
    let told = read(&export, "alice-proxy");
    assert_eq!((told.core.as_str(), told.apps[0].at.as_str()), ("alice-core:80", "alice-app-chat:80"));
    assert_eq!(told.peers.len(), 1);
    assert_eq!(told.apps[0].manifest, MANIFEST);
    // Every secret that is referred to is there.
    let names = export.files.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
    for name in names {
        assert!(export.compose.contains(&format!("{name}:\n")), "{name}");
    }
    let core = export.files.iter().find(|(path, _)| path.ends_with("alice-core")).unwrap();
    portal_core::config::Config::parse(&core.1.replace("/run/secrets/ca", &file.display().to_string()), &file).unwrap();
}

#[test]
fn what_is_of_this_machine_is_refused_and_images_keep_their_port() {
    let folder = tempfile::tempdir().unwrap();
    let with = |app: &str| compose(&project(&format!("{THREE}{app}\n"), folder.path()), &ExportOptions::default());
    let error = with("run = \"python3 main.py\"").unwrap_err().to_string();
    assert!(
        error.starts_with("the app chat comes by `run`, which is of this machine: give `image` or `compose`"),
        "{error}"
    );
    let error = with("url = \"http://localhost:1\"").unwrap_err().to_string();
    assert!(error.starts_with("the app chat comes by `url`, which is of this machine"), "{error}");
    let export = with("image = \"me/chat:1\"").unwrap();
    assert!(export.compose.contains("\"me/chat:1\""), "{}", export.compose);
    assert_eq!(read(&export, "bob-proxy").apps[0].at, "bob-app-chat:8080");
}

#[test]
fn a_stack_is_there_for_each_portal_and_knows_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let template = "networks: { portal: { external: true } }\nservices:\n  chat:\n    image: me/chat:1\n    environment: { ID: \"{{ portal.id }}\" }\n    volumes: [\"{{ fs.app_data }}:/data\"]\n    networks: [portal]\n";
    std::fs::write(folder.path().join("template.yml"), template).unwrap();
    let with = |more: &str| {
        let project = project(&format!("{THREE}compose = \"template.yml\"\n{more}"), folder.path());
        compose(&project, &ExportOptions::default())
    };
    let export = with("env = { COLOUR = \"green\" }\n").unwrap();
    let told = read(&export, "bob-proxy");
    assert_eq!(told.apps[0].at, "bob-app-chat:8080");
    let short = told.domain.split('.').next().unwrap();
    let written = yaml_rust2::YamlLoader::load_from_str(&export.compose).unwrap();
    let service = &written[0]["services"]["bob-app-chat"];
    assert!(service["environment"]["ID"].as_str().unwrap().starts_with(short));
    let told = |name: &str| service["environment"][name].as_str().unwrap().to_owned();
    assert_eq!([told("COLOUR"), told("PORT"), told("PORTAL_CORE_URL")], ["green", "8080", "http://portal_core"]);
    assert_eq!(service["volumes"][0].as_str(), Some("bob_app_data_chat:/data"));
    assert!(
        written[0]["volumes"]["bob_app_data_chat"].is_hash() && written[0]["volumes"]["alice_app_data_chat"].is_hash()
    );

    std::fs::write(folder.path().join("template.yml"), template.replace("image: me/chat:1", "build: .")).unwrap();
    let error = with("").unwrap_err().to_string();
    assert!(error.contains("template.yml: the service `chat` has `build`"), "{error}");
}

#[test]
fn a_registry_stands_before_the_image() {
    let name = |registry: Option<&str>, image: Option<&str>| {
        image_name(&ExportOptions {
            registry: registry.map(str::to_owned),
            image: image.map(str::to_owned),
            publish: None,
        })
    };
    assert_eq!(name(Some("registry.example:5000/"), Some("countersign:1")), "registry.example:5000/countersign:1");
    assert_eq!(name(None, None), image::default_name());
}
