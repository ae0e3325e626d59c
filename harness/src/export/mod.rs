//! A project as a Compose file: how a testbed outgrows one machine. Every Portal is real there: its own proxy, Core and apps
//! as containers, with names by the network, certificates and keys as secrets.
//!
//! ```text
//!  network alice                      network bob
//!  chat ── portal_core ─▶ Core        chat
//!                          │
//!             chat.<bob>.<zone> ─▶ bob's proxy ─▶ bob's Core, chat
//! ```
//!
//! Each Portal has one network. The proxy of a Portal is in its own and in those of its peers, under its public names; a
//! Core and an app are in their own alone. So a cut between two Portals is the proxy of one taken out of the network of the
//! other.

mod stack;
mod yaml;

use std::path::{Path, PathBuf};

use portal_core::clock::SystemClock;
use serde_json::{Map, Value, json};

use crate::containers::image;
use crate::containers::template::KnownPortal;
use crate::parts::READY_PORT;
use crate::parts::portal::{AppEntry, PeerEntry, PortalFile};
use crate::testbed::identity::{BadKey, TestIdentity};
use crate::testbed::pki::{Pki, PkiError};
use crate::topology::project::{AppSource, AppSpec, CoreSpec, PortalSpec, Project};
use crate::topology::{PreparedKeys, TopologyError};

pub use self::stack::StackError;

/// Public addresses have this port: the names are those of a network alone.
const PORT: u16 = 443;
/// The folder beside the Compose file for all that it refers to.
const FOLDER: &str = "secrets";
/// Where containers find secrets.
const SECRETS: &str = "/run/secrets";
/// The secret with the authority's certificate.
const CA: &str = "ca";

/// What is written, how.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// The registry for the image of our own parts, where several machines shall find it.
    pub registry: Option<String>,
    /// The image of our own parts, in place of that of this version.
    pub image: Option<String>,
    /// The port of this machine at which the first proxy is published; the others follow.
    pub publish: Option<u16>,
}

/// A Compose file with all that it refers to.
#[derive(Debug, Clone)]
pub struct Export {
    /// The Compose file.
    pub compose: String,
    /// The secrets, by their path relative to the Compose file.
    pub files: Vec<(PathBuf, String)>,
    /// The image of our own parts, which has to be there.
    pub image: String,
    /// The Portals: name and domain.
    pub portals: Vec<(String, String)>,
}

/// Why a project can't be a Compose file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// An app is of this machine.
    #[error(
        "the app {app} comes by `{way}`, which is of this machine: give `image` or `compose`, or nothing for an app that \
         answers with what arrives"
    )]
    App {
        /// Its name.
        app: String,
        /// How it comes.
        way: &'static str,
    },
    /// The Compose file of an app can't be part of another one.
    #[error("the app {app}: {}: {why}", .file.display())]
    Stack {
        /// Its name.
        app: String,
        /// Its template.
        file: PathBuf,
        /// Why not.
        why: StackError,
    },
    /// A Core is described.
    #[error(
        "the Core of {0} is described by a file of its own: a Compose file takes the built-in one alone; leave `core` out"
    )]
    Core(String),
    /// A key can't be had.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// Too many keys of a kind.
    #[error(transparent)]
    Keys(#[from] TopologyError),
    /// A certificate can't be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A file can't be written.
    #[error("{}: can't be written: {source}", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A Portal, as far as others need to know it.
struct Known<'a> {
    spec: &'a PortalSpec,
    identity: TestIdentity,
    domain: String,
}

/// Makes it, with new certificates and new keys where the project has none.
///
/// # Errors
/// When something of the project is of this machine alone.
pub fn compose(project: &Project, options: &ExportOptions) -> Result<Export, ExportError> {
    let image = image_name(options);
    let pki = Pki::new(&SystemClock)?;
    let mut keys = PreparedKeys::default();
    let mut portals = Vec::new();
    for spec in &project.portals {
        if let CoreSpec::Described(_) = spec.core {
            return Err(ExportError::Core(spec.name.clone()));
        }
        let pem = keys.key(&spec.key)?;
        let identity = pem.as_deref().map_or_else(TestIdentity::generate, TestIdentity::from_private_key_pem)?;
        let domain = format!("{}.{}", identity.short_id(), project.zone);
        portals.push(Known { spec, identity, domain });
    }
    let mut draft = Draft::new(project, &image, options.publish);
    draft.secret(CA, pki.ca_pem());
    for portal in &portals {
        draft.portal(portal, &portals, &pki)?;
    }
    let known = portals.iter().map(|portal| (portal.spec.name.clone(), portal.domain.clone())).collect();
    Ok(Export { compose: draft.text(), files: draft.files, image: image.clone(), portals: known })
}

impl Export {
    /// Writes all of it: the Compose file there, the rest beside. Keys are readable for their owner alone.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, file: &Path) -> Result<(), ExportError> {
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        let failed = |file: &Path| {
            let file = file.to_owned();
            move |source| ExportError::Write { file, source }
        };
        let secrets = folder.join(FOLDER);
        std::fs::create_dir_all(&secrets).map_err(failed(&secrets))?;
        #[cfg(unix)]
        std::fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(failed(&secrets))?;
        for (path, text) in &self.files {
            let path = folder.join(path);
            std::fs::write(&path, text).map_err(failed(&path))?;
        }
        std::fs::write(file, &self.compose).map_err(failed(file))
    }
}

fn image_name(options: &ExportOptions) -> String {
    let name = options.image.clone().unwrap_or_else(image::default_name);
    match &options.registry {
        Some(registry) => format!("{}/{name}", registry.trim_end_matches('/')),
        None => name,
    }
}

/// What has been put together so far.
struct Draft<'a> {
    project: &'a Project,
    image: &'a str,
    publish: Option<u16>,
    services: Map<String, Value>,
    networks: Map<String, Value>,
    volumes: Map<String, Value>,
    secrets: Map<String, Value>,
    files: Vec<(PathBuf, String)>,
}

impl<'a> Draft<'a> {
    fn new(project: &'a Project, image: &'a str, publish: Option<u16>) -> Draft<'a> {
        let (services, networks, volumes, secrets) = (Map::new(), Map::new(), Map::new(), Map::new());
        Draft { project, image, publish, services, networks, volumes, secrets, files: Vec::new() }
    }

    fn portal(&mut self, portal: &Known<'_>, all: &[Known<'_>], pki: &Pki) -> Result<(), ExportError> {
        let name = portal.spec.name.as_str();
        self.networks.insert(name.to_owned(), json!({}));
        self.volumes.insert(format!("{name}-data"), json!({}));
        let (certificate, key) = pki.pem_for(&portal.domain)?;
        self.secret(&format!("{name}-identity"), portal.identity.private_key_pem());
        self.secret(&format!("{name}-certificate"), certificate);
        self.secret(&format!("{name}-key"), key);
        self.secret(&format!("{name}-core"), self.core_config(name));
        let apps: Vec<&AppSpec> = self.project.apps_of(portal.spec).collect();
        let mut entries = Vec::new();
        for app in apps {
            let (service, port) = (format!("{name}-app-{}", app.name), port_of(app));
            let at = format!("{service}:{port}");
            match &app.source {
                AppSource::Compose(file) => self.stack(portal, app, file)?,
                _ => drop(self.services.insert(service, self.app(portal, app)?)),
            }
            entries.push(AppEntry { name: app.name.clone(), at, manifest: app.manifest.clone() });
        }
        let peers = all.iter().filter(|other| portal.spec.peers.contains(&other.spec.name));
        let told = PortalFile {
            name: name.to_owned(),
            domain: portal.domain.clone(),
            public_port: PORT,
            core: format!("{name}-core:80"),
            certificate: format!("{name}-certificate").into(),
            key: format!("{name}-key").into(),
            apps: entries,
            peers: peers
                .map(|other| PeerEntry { id: other.identity.id().to_owned(), name: other.spec.name.clone() })
                .collect(),
        };
        self.secret(&format!("{name}-proxy"), serde_json::to_string_pretty(&told).unwrap_or_default());
        let core = self.core(name);
        self.services.insert(format!("{name}-core"), core);
        let proxy = self.proxy(portal, all);
        self.services.insert(format!("{name}-proxy"), proxy);
        Ok(())
    }

    fn core(&self, name: &str) -> Value {
        let secret = |what: &str| format!("{SECRETS}/{name}-{what}");
        let command = [
            "part",
            "core",
            "--listen",
            "0.0.0.0:80",
            "--data",
            "/data",
            "--config",
            &secret("core"),
            "--identity",
            &secret("identity"),
        ];
        json!({
            "image": self.image,
            "command": command,
            "networks": { name: { "aliases": ["portal_core"] } },
            "volumes": [format!("{name}-data:/data")],
            "secrets": [CA, format!("{name}-core"), format!("{name}-identity")],
            "healthcheck": healthcheck(&["--port", "80", "--get", "/public/meta/whoareyou"]),
            "restart": "unless-stopped",
            "deploy": deploy(),
        })
    }

    fn proxy(&mut self, portal: &Known<'_>, all: &[Known<'_>]) -> Value {
        let name = portal.spec.name.as_str();
        let mut public = vec![portal.domain.clone()];
        public.extend(portal.spec.apps.iter().map(|app| format!("{app}.{}", portal.domain)));
        let mut networks = Map::from_iter([(name.to_owned(), json!({ "aliases": public }))]);
        for other in all.iter().filter(|other| is_peer(portal.spec, other.spec)) {
            networks.insert(other.spec.name.clone(), json!({ "aliases": public }));
        }
        let secrets = [format!("{name}-proxy"), format!("{name}-certificate"), format!("{name}-key")];
        let mut service = json!({
            "image": self.image,
            "command": ["part", "proxy", "--config", format!("{SECRETS}/{name}-proxy")],
            "networks": networks,
            "secrets": secrets,
            "healthcheck": healthcheck(&["--port", &READY_PORT.to_string()]),
            "restart": "unless-stopped",
            "deploy": deploy(),
        });
        if let Some(port) = self.publish {
            // Of the node itself: through the mesh of a Swarm there is no address per task.
            service["ports"] = json!([{ "target": 443, "published": port, "protocol": "tcp", "mode": "host" }]);
            self.publish = port.checked_add(1);
        }
        service
    }

    /// The service of an app.
    fn app(&self, portal: &Known<'_>, app: &AppSpec) -> Result<Value, ExportError> {
        let name = portal.spec.name.as_str();
        let refused = |way| Err(ExportError::App { app: app.name.clone(), way });
        let mut described = match &app.source {
            AppSource::Echo => json!({
                "image": self.image,
                "command": ["part", "echo", "--portal", name, "--app", app.name, "--port", "80"],
                "healthcheck": healthcheck(&["--port", "80"]),
            }),
            AppSource::Image(image) => json!({ "image": image }),
            AppSource::Run { .. } => return refused("run"),
            AppSource::Url(_) => return refused("url"),
            AppSource::Compose(_) => return refused("compose"),
        };
        described["environment"] = environment(portal, app).collect();
        described["networks"] = json!({ name: { "aliases": [app.name] } });
        described["restart"] = json!("unless-stopped");
        described["deploy"] = deploy();
        Ok(described)
    }

    /// The services of an app that comes as a Compose file, with what belongs to them.
    fn stack(&mut self, portal: &Known<'_>, app: &AppSpec, file: &Path) -> Result<(), ExportError> {
        let wrong = |why| ExportError::Stack { app: app.name.clone(), file: file.to_owned(), why };
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        let folder = folder.canonicalize().map_err(|error| wrong(StackError::Template(error.to_string())))?;
        let known = KnownPortal {
            domain: portal.domain.clone(),
            id: portal.identity.id().to_owned(),
            short_id: portal.identity.short_id().to_owned(),
            public_key_pem: portal.identity.public_key_pem().to_owned(),
        };
        let env = environment(portal, app).collect();
        let place = stack::Place { portal: &portal.spec.name, app: &app.name, folder: &folder, env };
        let parts = stack::parts(file, &app.manifest, known, &place).map_err(wrong)?;
        self.services.extend(parts.services);
        self.networks.extend(parts.networks);
        self.volumes.extend(parts.volumes);
        Ok(())
    }

    fn core_config(&self, name: &str) -> String {
        format!(
            "[identity]\nname = {}\n[profile]\nzone = {}\npublic_port = {PORT}\n[tls]\nca_file = \"{SECRETS}/{CA}\"\n[outgoing]\nproxy = \"none\"\n",
            json!(name),
            json!(self.project.zone),
        )
    }

    fn secret(&mut self, name: &str, text: impl Into<String>) {
        let path = Path::new(FOLDER).join(name);
        self.secrets.insert(name.to_owned(), json!({ "file": format!("./{}", path.display()) }));
        self.files.push((path, text.into()));
    }

    fn text(&self) -> String {
        let file = json!({
            "version": "3.8",
            "services": self.services,
            "networks": self.networks,
            "volumes": self.volumes,
            "secrets": self.secrets,
        });
        format!(
            "# Portals of a testbed, made by `countersign export compose`. Keys and certificates, good for tests alone, are in\n\
             # {FOLDER}/. Containers are named after their Portal.\n{}",
            yaml::write(&file)
        )
    }
}

/// What an app finds in its environment, as under `countersign up`.
fn environment<'a>(portal: &Known<'_>, app: &'a AppSpec) -> impl Iterator<Item = (String, String)> + use<'a> {
    let told = [
        ("PORTAL_CORE_URL", "http://portal_core".to_owned()),
        ("PORTAL_ID", portal.identity.id().to_owned()),
        ("PORTAL_DOMAIN", portal.domain.clone()),
        ("PORT", port_of(app).to_string()),
    ];
    let own = app.env.iter().map(|(name, value)| (name.clone(), value.clone()));
    told.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(own)
}

fn port_of(app: &AppSpec) -> u16 {
    match app.source {
        AppSource::Echo => 80,
        _ => app.container_port.unwrap_or(80),
    }
}

/// Whoever adds a peer, both have to find each other: the one asks for the other's key.
fn is_peer(one: &PortalSpec, other: &PortalSpec) -> bool {
    one.name != other.name && (one.peers.contains(&other.name) || other.peers.contains(&one.name))
}

fn healthcheck(asking: &[&str]) -> Value {
    let test: Vec<&str> = ["CMD", "/countersign", "part", "healthy"].iter().chain(asking).copied().collect();
    json!({ "test": test, "interval": "2s", "timeout": "6s", "retries": 15, "start_period": "10s" })
}

/// In a Swarm, a name leads to the container itself: a Core knows apps by their address.
fn deploy() -> Value {
    json!({ "endpoint_mode": "dnsrr", "restart_policy": { "condition": "any" } })
}

#[cfg(test)]
mod tests;
