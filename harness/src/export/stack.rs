//! An app that comes as a Compose file of its own, within the file of all Portals. Each Portal has services, networks and
//! volumes of its own, so all of them get names that say whose they are; within, services find each other by their old ones.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::deploy;
use crate::containers::template::{Known, KnownFolders, KnownPortal, PORTAL, Stack, TemplateError, add_pairs, entries};

/// In the place of the folders that a Portal gives its apps. What is mounted from below becomes a volume.
const FOLDERS: &str = "/countersign-fs";
/// What refers to things beside the services, or to files of this machine.
const NOT_TAKEN: [&str; 5] = ["build", "extends", "configs", "secrets", "volumes_from"];

/// Why it can't be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// The template can't be used at all.
    #[error("{0}")]
    Template(String),
    /// A service says what only its own file can.
    #[error(
        "the service `{service}` has `{key}`, which an exported file can't take: give `image`, and volumes or files in it"
    )]
    Key {
        /// Which.
        service: String,
        /// What.
        key: &'static str,
    },
}

/// The app of a Portal.
pub(super) struct Place<'a> {
    /// The Portal, which is also the name of its network.
    pub(super) portal: &'a str,
    pub(super) app: &'a str,
    /// Where the template is.
    pub(super) folder: &'a Path,
    /// What the main service finds in its environment, unless it says itself what that is.
    pub(super) env: Vec<(String, String)>,
}

/// What there is of it, by the names in the file of all Portals.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) services: Map<String, Value>,
    pub(super) networks: Map<String, Value>,
    pub(super) volumes: Map<String, Value>,
}

/// Reads the template and puts it there. The main service is named as the app alone would be.
pub(super) fn parts(file: &Path, manifest: &str, portal: KnownPortal, place: &Place<'_>) -> Result<Parts, StackError> {
    let fs = KnownFolders {
        app_data: format!("{FOLDERS}/app_data/{}", place.app),
        all_app_data: format!("{FOLDERS}/app_data"),
        shared: format!("{FOLDERS}/shared"),
        installation_dir: place.folder.display().to_string(),
    };
    let stack = Stack::read(file, manifest, &Known { portal, fs });
    let stack = stack.map_err(|error: TemplateError| StackError::Template(error.to_string()))?;
    let mut made = Maker { place, main: stack.main().to_owned(), parts: Parts::default() };
    for (name, about) in stack.part("networks").iter().filter(|(name, _)| *name != PORTAL) {
        made.thing(name, about, |parts| &mut parts.networks);
    }
    for (name, about) in &stack.part("volumes") {
        made.thing(name, about, |parts| &mut parts.volumes);
    }
    for (name, service) in stack.part("services") {
        made.service(&name, entries(Some(&service)))?;
    }
    Ok(made.parts)
}

struct Maker<'a> {
    place: &'a Place<'a>,
    main: String,
    parts: Parts,
}

impl Maker<'_> {
    /// A network, or a volume: another one for each Portal, where it is not somebody else's.
    fn thing(&mut self, name: &str, about: &Value, kind: impl Fn(&mut Parts) -> &mut Map<String, Value>) {
        let mut about = entries(Some(about));
        let is_external = about.get("external").is_some_and(|external| *external != Value::Bool(false));
        match is_external {
            true => drop(about.entry("name").or_insert_with(|| name.into())),
            false => drop(about.remove("name")),
        }
        let own = self.own(name);
        kind(&mut self.parts).insert(own, Value::Object(about));
    }

    fn service(&mut self, name: &str, mut service: Map<String, Value>) -> Result<(), StackError> {
        if let Some(key) = NOT_TAKEN.into_iter().find(|key| service.contains_key(*key)) {
            return Err(StackError::Key { service: name.to_owned(), key });
        }
        service.remove("ports");
        let container = service.remove("container_name");
        let known_as = [Some(name.into()), container.filter(|container| container != name)];
        let mut known_as: Vec<Value> = known_as.into_iter().flatten().collect();
        if name == self.main {
            known_as.extend(Some(self.place.app.into()).filter(|app: &Value| !known_as.contains(app)));
            let env = self.place.env.iter().cloned();
            add_pairs(service.entry("environment").or_insert(Value::Null), env, false);
        }
        service.insert("restart".to_owned(), json!("unless-stopped"));
        let mut deployed = entries(Some(&deploy()));
        deployed.extend(entries(service.get("deploy")));
        service.insert("deploy".to_owned(), Value::Object(deployed));
        if let Some(before) = service.get("depends_on") {
            let before = entries(Some(before)).keys().map(|name| self.service_name(name).into()).collect();
            service.insert("depends_on".to_owned(), Value::Array(before));
        }
        if let Some(Value::Array(links)) = service.get_mut("links") {
            for link in links {
                let (to, alias) =
                    link.as_str().map(|link| link.split_once(':').unwrap_or((link, link))).unwrap_or_default();
                *link = format!("{}:{alias}", self.service_name(to)).into();
            }
        }
        if let Some(Value::Array(mounts)) = service.get_mut("volumes") {
            mounts.iter_mut().for_each(|mount| self.mount(mount));
        }
        match service.get_mut("env_file") {
            Some(Value::Array(files)) => files.iter_mut().for_each(|file| self.at_home(file)),
            Some(file) => self.at_home(file),
            None => {}
        }
        match service.get("network_mode").and_then(Value::as_str) {
            Some(mode) => {
                if let Some(with) = mode.strip_prefix("service:") {
                    let with = format!("service:{}", self.service_name(with));
                    service.insert("network_mode".to_owned(), with.into());
                }
            }
            None => {
                let networks = self.networks(service.get("networks"), &known_as);
                service.insert("networks".to_owned(), Value::Object(networks));
            }
        }
        self.parts.services.insert(self.service_name(name), Value::Object(service));
        Ok(())
    }

    /// The networks of a service, in each of which it is known by these names.
    fn networks(&mut self, written: Option<&Value>, known_as: &[Value]) -> Map<String, Value> {
        let mut written = entries(written);
        if written.is_empty() {
            written.insert("default".to_owned(), Value::Null);
        }
        let mut networks = Map::new();
        for (name, about) in written {
            let mut about = entries(Some(&about));
            if let Value::Array(aliases) = about.entry("aliases").or_insert_with(|| json!([])) {
                aliases.extend(known_as.iter().cloned());
            }
            let own = if name == PORTAL { self.place.portal.to_owned() } else { self.own(&name) };
            if name == "default" {
                self.parts.networks.entry(own.clone()).or_insert_with(|| json!({}));
            }
            networks.insert(own, Value::Object(about));
        }
        networks
    }

    fn mount(&mut self, mount: &mut Value) {
        if let Value::String(text) = mount {
            if let Some((source, rest)) = text.clone().split_once(':') {
                *text = format!("{}:{rest}", self.source(source));
            }
        } else if let Some(Value::String(source)) = mount.get("source").cloned() {
            let own = self.source(&source);
            if source.starts_with(FOLDERS) {
                mount["type"] = "volume".into();
                mount.as_object_mut().and_then(|mount| mount.remove("bind"));
            }
            mount["source"] = own.into();
        }
    }

    /// What is mounted: a volume, a folder of the Portal's, which becomes one, or a file of this machine.
    fn source(&mut self, source: &str) -> String {
        if let Some(path) = source.strip_prefix(FOLDERS) {
            let path = path.replace('/', "_").replace(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c), "-");
            let volume = format!("{}{}", self.place.portal, path.trim_end_matches('_'));
            self.parts.volumes.entry(volume.clone()).or_insert_with(|| json!({}));
            return volume;
        }
        match source.chars().next() {
            Some('.') => self.place.folder.join(source).display().to_string(),
            Some('/' | '~' | '$') | None => source.to_owned(),
            Some(_) => self.own(source),
        }
    }

    /// A path of the template's folder.
    fn at_home(&self, file: &mut Value) {
        if let Some(path) = file.as_str() {
            *file = self.place.folder.join(path).display().to_string().into();
        }
    }

    fn service_name(&self, name: &str) -> String {
        if name == self.main { format!("{}-app-{}", self.place.portal, self.place.app) } else { self.own(name) }
    }

    /// No name of a Portal or an app has a `_` in it: so nobody else has this one.
    fn own(&self, name: &str) -> String {
        format!("{}-app-{}_{name}", self.place.portal, self.place.app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{ "name": "box", "entrypoints": [
        { "container_name": "the-box", "container_port": 80, "entrypoint_port": "http" }] }"#;
    const TEMPLATE: &str = r#"
networks:
  portal: { external: true }
  inner: { name: everybodys }
services:
  web:
    image: box:v4
    container_name: the-box
    restart: always
    ports: ["8080:80"]
    env_file: box.env
    volumes: ["{{ fs.app_data }}/data:/data:ro", "kept:/kept", "./conf:/conf", "{{ fs.installation_dir }}/a:/a"]
    environment: ["ID={{ portal.short_id }}", "PORT=8"]
    depends_on: { store: { condition: service_started } }
    networks: [portal, inner]
  store:
    image: redis:6.2
    volumes: [{ type: bind, source: "{{ fs.shared }}", target: /s, bind: { create_host_path: true } }]
    networks: { inner: { aliases: [redis] } }
  worker:
    image: box:v4
    deploy: { replicas: 2 }
volumes:
  kept:
"#;

    fn made(template: &str) -> Result<Parts, StackError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template");
        std::fs::write(&file, template).unwrap();
        let env = vec![("PORT".to_owned(), "80".to_owned()), ("PORTAL_ID".to_owned(), "aaaaaa".to_owned())];
        let place = Place { portal: "home-1", app: "box", folder: Path::new("/at"), env };
        parts(&file, MANIFEST, Known::sample().portal, &place)
    }

    #[test]
    fn every_portal_has_services_networks_and_volumes_of_its_own() {
        let parts = made(TEMPLATE).unwrap();
        let deploy = deploy();
        let expected = json!({
            "home-1-app-box": {
                "image": "box:v4",
                "restart": "unless-stopped",
                "env_file": "/at/box.env",
                "volumes": ["home-1_app_data_box_data:/data:ro", "home-1-app-box_kept:/kept", "/at/./conf:/conf", "/at/a:/a"],
                "environment": ["ID=aaaaaa", "PORT=8", "PORTAL_ID=aaaaaa"],
                "depends_on": ["home-1-app-box_store"],
                "networks": {
                    "home-1": { "aliases": ["web", "the-box", "box"] },
                    "home-1-app-box_inner": { "aliases": ["web", "the-box", "box"] },
                },
                "deploy": deploy,
            },
            "home-1-app-box_store": {
                "image": "redis:6.2",
                "volumes": [{ "type": "volume", "source": "home-1_shared", "target": "/s" }],
                "networks": { "home-1-app-box_inner": { "aliases": ["redis", "store"] } },
                "restart": "unless-stopped",
                "deploy": deploy,
            },
            "home-1-app-box_worker": {
                "image": "box:v4",
                "networks": { "home-1-app-box_default": { "aliases": ["worker"] } },
                "restart": "unless-stopped",
                "deploy": { "replicas": 2, "endpoint_mode": "dnsrr", "restart_policy": { "condition": "any" } },
            },
        });
        assert_eq!(Value::Object(parts.services), expected);
        assert_eq!(Value::Object(parts.networks), json!({ "home-1-app-box_inner": {}, "home-1-app-box_default": {} }));
        let volumes = json!({ "home-1-app-box_kept": {}, "home-1_app_data_box_data": {}, "home-1_shared": {} });
        assert_eq!(Value::Object(parts.volumes), volumes);
    }

    #[test]
    fn what_can_not_be_taken_is_refused() {
        let said = |template: &str| made(template).unwrap_err().to_string();
        let built = said(&TEMPLATE.replace("image: redis:6.2", "build: ."));
        assert!(built.starts_with("the service `store` has `build`"), "{built}");
        assert!(said(&TEMPLATE.replace("fs.shared", "fs.share")).starts_with("line "));
    }
}
