//! What everybody sees of a testbed that is up: as JSON for the page and for scripts, as a table for people.

use std::path::PathBuf;

use portal_core::clock::{SystemClock, unix_seconds};
use portal_core::manifest::Manifest;
use serde::{Deserialize, Serialize};

use super::Live;
use crate::testbed::Portal;
use crate::testbed::real_app::AppState;
use crate::topology::project::PortalSpec;

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The folder of the project.
    pub folder: PathBuf,
    /// The process.
    pub pid: u32,
    /// The DNS suffix of all Portals.
    pub zone: String,
    /// The port under which browsers reach them.
    pub port: u16,
    /// The certificate that browsers have to trust.
    pub ca_file: PathBuf,
    /// What clients that take a proxy get as `HTTPS_PROXY`.
    pub https_proxy: String,
    /// The Portals, in the order of the project.
    pub portals: Vec<PortalView>,
    /// The faults that are on, the oldest first.
    pub faults: Vec<String>,
}

/// A Portal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortalView {
    /// Its name.
    pub name: String,
    /// Its ID.
    pub id: String,
    /// The first six characters.
    pub short_id: String,
    /// `<short id>.<zone>:<port>`.
    pub domain: String,
    /// What its Core is called.
    pub core: String,
    /// How many seconds its clock is ahead of the machine's.
    pub clock_ahead: i64,
    /// Whom it has added. Empty where its Core does not answer.
    pub peers: Vec<PeerView>,
    /// Its apps.
    pub apps: Vec<AppView>,
}

/// A peer of a Portal, as its Core lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// The name of the Portal in the project; none where it is not one of it.
    pub portal: Option<String>,
    /// Its ID.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// Whether its key is known.
    pub is_reachable: bool,
}

/// An app on a Portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppView {
    /// Its name.
    pub name: String,
    /// Its address for browsers.
    pub url: String,
    /// How it comes to run: `echo`, `run`, `url`.
    pub kind: String,
    /// How it is; an echo app is always there.
    pub state: Option<AppState>,
    /// Where it finds its Core.
    pub door: Option<String>,
    /// The file of its manifest.
    pub manifest_file: PathBuf,
    /// Who may come to which paths: prefix and access, the longest prefix first.
    pub paths: Vec<(String, String)>,
}

impl Live {
    /// How it is now.
    pub async fn state(&self) -> State {
        let portals = self.project.portals.iter();
        let portals = futures_util::future::join_all(portals.map(|spec| self.portal_view(spec))).await;
        State {
            folder: std::fs::canonicalize(&self.project.folder).unwrap_or_else(|_| self.project.folder.clone()),
            pid: std::process::id(),
            zone: self.project.zone.clone(),
            port: self.port,
            ca_file: self.ca_file.clone(),
            https_proxy: format!("http://{}", self.names_proxy()),
            portals: portals.into_iter().flatten().collect(),
            faults: self.faults().on,
        }
    }

    async fn portal_view(&self, spec: &PortalSpec) -> Option<PortalView> {
        let portal = self.testbed.portal(&spec.name).ok()?;
        let clock = i64::try_from(unix_seconds(portal.clock())).unwrap_or_default();
        let machine = i64::try_from(unix_seconds(&SystemClock)).unwrap_or_default();
        Some(PortalView {
            name: spec.name.clone(),
            id: portal.id().to_owned(),
            short_id: portal.short_id().to_owned(),
            domain: portal.public_domain(),
            core: match &spec.core {
                crate::topology::project::CoreSpec::BuiltIn => "built-in".to_owned(),
                crate::topology::project::CoreSpec::Described(descriptor) => descriptor.name.clone(),
            },
            // Both are read one after the other: a second more or less is none.
            clock_ahead: Some(clock - machine).filter(|ahead| ahead.abs() > 1).unwrap_or_default(),
            peers: self.peer_views(&portal).await,
            apps: self.app_views(spec, &portal),
        })
    }

    async fn peer_views(&self, portal: &Portal) -> Vec<PeerView> {
        let text = |peer: &serde_json::Value, key: &str| peer[key].as_str().unwrap_or_default().to_owned();
        let known = self.testbed.portals();
        let view = |peer: serde_json::Value| {
            let id = text(&peer, "id");
            let portal = known.iter().find(|portal| !id.is_empty() && portal.id().starts_with(&id));
            PeerView {
                portal: portal.map(|portal| portal.name().to_owned()),
                name: text(&peer, "name"),
                is_reachable: peer["is_reachable"].as_bool().unwrap_or_default(),
                id,
            }
        };
        portal.peers().await.unwrap_or_default().into_iter().map(view).collect()
    }

    fn app_views(&self, spec: &PortalSpec, portal: &Portal) -> Vec<AppView> {
        let view = |app: &crate::topology::project::AppSpec| {
            let real = self.apps.app(&spec.name, &app.name);
            let manifest = std::fs::read(&app.manifest_file).ok().and_then(|text| Manifest::parse(&text).ok());
            let manifest = manifest.or_else(|| Manifest::parse(app.manifest.as_bytes()).ok());
            let rules = manifest.iter().flat_map(Manifest::rules);
            AppView {
                name: app.name.clone(),
                url: format!("https://{}.{}/", app.name, portal.public_domain()),
                kind: real.map_or("echo", |real| real.kind()).to_owned(),
                state: real.map(|real| real.state()),
                door: real.map(|real| format!("http://{}", real.door())),
                manifest_file: app.manifest_file.clone(),
                paths: rules.map(|rule| (rule.prefix().to_owned(), access(rule.access()))).collect(),
            }
        };
        self.project.apps_of(spec).map(view).collect()
    }
}

impl State {
    /// The Portal of that name.
    pub fn portal(&self, name: &str) -> Option<&PortalView> {
        self.portals.iter().find(|portal| portal.name == name)
    }
}

impl PortalView {
    /// Its app of that name.
    pub fn app(&self, name: &str) -> Option<&AppView> {
        self.apps.iter().find(|app| app.name == name)
    }
}

fn access(access: portal_core::acl::Access) -> String {
    match access {
        portal_core::acl::Access::Public => "public",
        portal_core::acl::Access::Private => "private",
        portal_core::acl::Access::Peer => "peer",
    }
    .to_owned()
}
