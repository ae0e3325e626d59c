//! An app's `docker-compose.yml.template`: what a Portal fills in, and what of it has to be otherwise where several Portals
//! share an engine.

use std::collections::HashMap;
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Value, json};
use yaml_rust2::{Yaml, YamlLoader};

/// The network that apps, proxy and Core of a Portal have in common.
pub(crate) const PORTAL: &str = "portal";

/// What a template can refer to, under the names that Portals give it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Known {
    pub(crate) portal: KnownPortal,
    pub(crate) fs: KnownFolders,
}

/// `portal.…`
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KnownPortal {
    pub(crate) domain: String,
    pub(crate) id: String,
    pub(crate) short_id: String,
    pub(crate) public_key_pem: String,
}

/// `fs.…`, absolute.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KnownFolders {
    pub(crate) app_data: String,
    pub(crate) all_app_data: String,
    pub(crate) shared: String,
    pub(crate) installation_dir: String,
}

/// A template that was filled in.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    document: Map<String, Value>,
    /// The service that the proxy sends requests to.
    main: String,
}

/// Why it can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("it can't be read: {0}")]
    Unread(String),
    #[error(
        "line {line}: {why}; there are portal.domain, portal.id, portal.short_id, portal.public_key_pem, fs.app_data, \
         fs.all_app_data, fs.shared and fs.installation_dir"
    )]
    Unfilled { line: usize, why: String },
    #[error("filled in, it is no YAML: {0}")]
    NoYaml(String),
    #[error("it has no `services`, so there is nothing to start")]
    NoServices,
    #[error(
        "no service has the container_name `{wanted}`, to which the manifest's entrypoint for http leads; there are: {there}"
    )]
    NoMain { wanted: String, there: String },
    #[error(
        "the service `{0}` is not in the network `portal`, so no proxy would reach it: give it `networks: [portal]`, and \
         `networks: {{ portal: {{ external: true }} }}` to the file"
    )]
    Apart(String),
}

/// What is made of it for one Portal.
pub(crate) struct Place<'a> {
    /// The Portal's network.
    pub(crate) network: &'a str,
    /// The labels of all that is made, but for volumes.
    pub(crate) labels: &'a HashMap<String, String>,
    /// The labels of volumes, which may be there for longer.
    pub(crate) volume_labels: &'a HashMap<String, String>,
    /// What the main service finds in its environment, unless it says itself what that is.
    pub(crate) env: &'a [(String, String)],
}

impl Known {
    /// Something for everything, to see whether a template can be filled in at all.
    pub(crate) fn sample() -> Known {
        let text = |text: &str| text.to_owned();
        Known {
            portal: KnownPortal {
                domain: text("aaaaaa.portal.test"),
                id: text("aaaaaa"),
                short_id: text("aaaaaa"),
                public_key_pem: text("PEM"),
            },
            fs: KnownFolders {
                app_data: text("/app_data/app"),
                all_app_data: text("/app_data"),
                shared: text("/shared"),
                installation_dir: text("/app"),
            },
        }
    }
}

impl Stack {
    /// Reads a template and fills it in. `manifest` says which container the proxy sends requests to.
    pub(crate) fn read(file: &Path, manifest: &str, known: &Known) -> Result<Stack, TemplateError> {
        let text = std::fs::read_to_string(file).map_err(|error| TemplateError::Unread(error.to_string()))?;
        Stack::fill(&text, manifest, known)
    }

    fn fill(text: &str, manifest: &str, known: &Known) -> Result<Stack, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(100_000));
        let filled = environment.render_str(text, Serde(known)).map_err(|error| TemplateError::Unfilled {
            line: error.line().unwrap_or(1),
            why: error.detail().map_or_else(|| error.kind().to_string(), |why| format!("{}: {why}", error.kind())),
        })?;
        let documents = YamlLoader::load_from_str(&filled).map_err(|error| TemplateError::NoYaml(error.to_string()))?;
        let Some(Value::Object(document)) = documents.first().map(value_of) else {
            return Err(TemplateError::NoServices);
        };
        let Some(Value::Object(services)) = document.get("services") else { return Err(TemplateError::NoServices) };
        let main = main_of(services, manifest)?;
        let stack = Stack { document, main };
        stack.is_reached()?;
        Ok(stack)
    }

    /// The service that the proxy sends requests to.
    pub(crate) fn main(&self) -> &str {
        &self.main
    }

    /// Its services, networks or volumes, by their names.
    pub(crate) fn part(&self, kind: &str) -> Map<String, Value> {
        entries(self.document.get(kind))
    }

    /// As a Compose file for one of several Portals on an engine. Names of containers and ports of this machine are there
    /// once only, so nobody gets any: who is in the network still finds each service by its container's name. Who dies is
    /// started again by the testbed, which tells why.
    pub(crate) fn for_portal(&self, place: &Place<'_>) -> Value {
        let mut document = self.document.clone();
        // Without it, all of the format is allowed.
        document.remove("version");
        if let Some(Value::Object(services)) = document.get_mut("services") {
            for (name, service) in services.iter_mut() {
                if let Value::Object(service) = service {
                    settle(service, place, *name == self.main);
                }
            }
        }
        for (kind, labels) in [("networks", place.labels), ("volumes", place.volume_labels)] {
            let mut things = entries(document.get(kind));
            if kind == "networks" {
                things.entry("default").or_insert(Value::Null);
            }
            for (name, thing) in &mut things {
                let mut about = entries(Some(thing));
                if about.get("external").is_some_and(|external| *external != Value::Bool(false)) {
                    if kind == "networks" && name == PORTAL {
                        about = entries(Some(&json!({ "external": true, "name": place.network })));
                    }
                } else {
                    add_pairs(about.entry("labels").or_insert(Value::Null), labels, true);
                }
                *thing = Value::Object(about);
            }
            if !things.is_empty() {
                document.insert(kind.to_owned(), Value::Object(things));
            }
        }
        Value::Object(document)
    }

    fn is_reached(&self) -> Result<(), TemplateError> {
        let service = &self.document["services"][&self.main];
        let external = &self.document.get("networks").unwrap_or(&Value::Null)[PORTAL]["external"];
        let named = entries(service.get("networks")).contains_key(PORTAL);
        match named && !matches!(external, Value::Null | Value::Bool(false)) {
            true => Ok(()),
            false => Err(TemplateError::Apart(self.main.clone())),
        }
    }
}

/// The service with the container that the manifest's entrypoint for http names; or the only one there is.
fn main_of(services: &Map<String, Value>, manifest: &str) -> Result<String, TemplateError> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let entrypoints = manifest["entrypoints"].as_array().cloned().unwrap_or_default();
    let http = entrypoints.iter().find(|entrypoint| entrypoint["entrypoint_port"] == "http");
    let wanted = http.and_then(|http| http["container_name"].as_str()).or_else(|| manifest["name"].as_str());
    let wanted = wanted.unwrap_or_default();
    let is_named = |service: &Value| service["container_name"] == wanted;
    let found = services.iter().find(|(_, service)| is_named(service)).or_else(|| services.get_key_value(wanted));
    let names = || services.keys().cloned().collect::<Vec<_>>().join(", ");
    found
        .map(|(name, _)| name.clone())
        .ok_or_else(|| TemplateError::NoMain { wanted: wanted.to_owned(), there: names() })
}

fn settle(service: &mut Map<String, Value>, place: &Place<'_>, is_main: bool) {
    let container = service.remove("container_name");
    service.remove("ports");
    service.insert("restart".to_owned(), "no".into());
    add_pairs(service.entry("labels").or_insert(Value::Null), place.labels, true);
    if is_main {
        let env = place.env.iter().cloned();
        add_pairs(service.entry("environment").or_insert(Value::Null), env, false);
    }
    if service.contains_key("network_mode") {
        return;
    }
    let mut networks = entries(service.get("networks"));
    if networks.is_empty() {
        networks.insert("default".to_owned(), Value::Null);
    }
    for (_, network) in &mut networks {
        let mut about = entries(Some(network));
        let aliases = about.entry("aliases").or_insert_with(|| json!([]));
        if let (Value::Array(aliases), Some(container)) = (aliases, &container) {
            aliases.push(container.clone());
        }
        *network = Value::Object(about);
    }
    service.insert("networks".to_owned(), Value::Object(networks));
}

/// A map, or a list of names as a map.
pub(crate) fn entries(value: Option<&Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map.clone(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(|name| Some((name.as_str()?.to_owned(), Value::Null))).collect()
        }
        _ => Map::new(),
    }
}

/// Adds to a map, or to a list of `name=value`.
pub(crate) fn add_pairs<N, V>(to: &mut Value, pairs: impl IntoIterator<Item = (N, V)>, over: bool)
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    for (name, value) in pairs {
        let (name, value) = (name.as_ref(), value.as_ref());
        match &mut *to {
            Value::Array(list) => {
                let is_it = |line: &Value| line.as_str().is_some_and(|line| line.split('=').next() == Some(name));
                if over || !list.iter().any(is_it) {
                    list.retain(|line| !is_it(line));
                    list.push(format!("{name}={value}").into());
                }
            }
            Value::Object(map) if over || !map.contains_key(name) => {
                map.insert(name.to_owned(), value.into());
            }
            Value::Object(_) => {}
            other => *other = json!({ name: value }),
        }
    }
}

/// JSON is YAML, too, and leaves nobody in doubt of what is a text.
fn value_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Real(number) => number.parse::<f64>().ok().map_or_else(|| number.as_str().into(), Value::from),
        Yaml::Integer(number) => (*number).into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Boolean(truth) => (*truth).into(),
        Yaml::Array(list) => list.iter().map(value_of).collect(),
        Yaml::Hash(map) => map.iter().map(|(key, value)| (key_of(key), value_of(value))).collect(),
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

fn key_of(yaml: &Yaml) -> String {
    match value_of(yaml) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{ "name": "box", "entrypoints": [
        { "container_name": "mqtt", "container_port": 1883, "entrypoint_port": "mqtt" },
        { "container_name": "the-box", "container_port": 80, "entrypoint_port": "http" }] }"#;
    const TEMPLATE: &str = r#"
version: '3.5'
networks:
  portal:
    external: true
  inner:
services:
  box:
    image: box:v4
    container_name: the-box
    restart: always
    ports: ["8080:80"]
    volumes:
    - "{{ fs.app_data }}/data:/data"
    - kept:/kept
    environment:
    - BASE_URL=https://box.{{ portal.domain }}
    - PORT=8
    networks: [portal, inner]
  store:
    image: redis:6.2
    container_name: box-store
    labels: { of: box }
    networks:
      inner:
        aliases: [redis]
volumes:
  kept:
"#;

    fn fill(text: &str) -> Result<Stack, TemplateError> {
        Stack::fill(text, MANIFEST, &Known::sample())
    }

    #[test]
    fn it_is_filled_in_and_several_of_it_fit_on_one_engine() {
        let stack = fill(TEMPLATE).unwrap();
        assert_eq!(stack.main(), "box");
        let labels = HashMap::from([("run".to_owned(), "7".to_owned())]);
        let env = [("PORT".to_owned(), "80".to_owned()), ("PORTAL_ID".to_owned(), "aaaaaa".to_owned())];
        let kept = HashMap::from([("kept".to_owned(), "8".to_owned())]);
        let place = Place { network: "net-of-alice", labels: &labels, volume_labels: &kept, env: &env };
        let expected = json!({
            "networks": {
                "portal": { "external": true, "name": "net-of-alice" },
                "inner": { "labels": { "run": "7" } },
                "default": { "labels": { "run": "7" } },
            },
            "services": {
                "box": {
                    "image": "box:v4",
                    "restart": "no",
                    "volumes": ["/app_data/app/data:/data", "kept:/kept"],
                    "environment": ["BASE_URL=https://box.aaaaaa.portal.test", "PORT=8", "PORTAL_ID=aaaaaa"],
                    "networks": { "portal": { "aliases": ["the-box"] }, "inner": { "aliases": ["the-box"] } },
                    "labels": { "run": "7" },
                },
                "store": {
                    "image": "redis:6.2",
                    "labels": { "of": "box", "run": "7" },
                    "networks": { "inner": { "aliases": ["redis", "box-store"] } },
                    "restart": "no",
                },
            },
            "volumes": { "kept": { "labels": { "kept": "8" } } },
        });
        assert_eq!(stack.for_portal(&place), expected);
    }

    #[test]
    fn what_is_wrong_with_it_is_said_with_what_to_do() {
        let said = |text: &str| fill(text).unwrap_err().to_string();
        let misspelt = said(&TEMPLATE.replace("fs.app_data", "fs.appdata"));
        assert!(misspelt.starts_with("line 14: undefined value") && misspelt.contains("fs.app_data"), "{misspelt}");
        assert!(said(&TEMPLATE.replace("{{ portal.domain", "{{ portal.domain }")).starts_with("line 17: "));
        assert!(said("services: [").starts_with("filled in, it is no YAML"));
        assert_eq!(said("networks: {}"), TemplateError::NoServices.to_string());
        assert_eq!(said(""), TemplateError::NoServices.to_string());
        let nobody = said(&TEMPLATE.replace("the-box", "a-box"));
        assert!(nobody.contains("`the-box`") && nobody.ends_with("there are: box, store"), "{nobody}");
        assert_eq!(
            said(&TEMPLATE.replace("[portal, inner]", "[inner]")),
            TemplateError::Apart("box".into()).to_string()
        );
        let inside = TEMPLATE.replace("external: true", "driver: bridge");
        assert_eq!(said(&inside), TemplateError::Apart("box".into()).to_string());
    }

    #[test]
    fn a_service_may_be_named_like_the_container() {
        let text = TEMPLATE.replace("    container_name: the-box\n", "").replace("  box:\n", "  the-box:\n");
        assert_eq!(fill(&text).unwrap().main(), "the-box");
    }
}
