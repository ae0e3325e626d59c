//! What a testbed shall consist of: Portals, their keys and apps, and who is whose peer.
//!
//! [`Topology`] is the plan of a testbed; [`project`] is what a user says in `countersign.toml`, and becomes one.

mod format;
pub(crate) mod guess;
pub mod project;
pub(crate) mod read;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde_json::json;

use crate::testbed::keys::{RSA_2048, RSA_4096};

/// The zone of Portals unless a topology says otherwise. Nothing leaves the machine: the testbed resolves it itself.
pub const ZONE: &str = "p.getportal.org";

/// What the name of a Portal looks like, as a regular expression; its length is another matter.
pub(crate) const PORTAL_NAME: &str = "[a-z][a-z0-9-]*";

/// Portals to be started together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// The DNS suffix of all Portals.
    #[serde(default = "default_zone")]
    pub zone: String,
    /// The port under which proxies are reached by name; part of every authority where it is not 443.
    #[serde(default = "default_port")]
    pub public_port: u16,
    /// The Portals, in the order in which they start.
    #[serde(default, rename = "portal")]
    pub portals: Vec<PortalPlan>,
    /// Who has added whom.
    #[serde(default)]
    pub peers: Peering,
}

/// One Portal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalPlan {
    /// Its name in the testbed; also the name that it gives itself.
    pub name: String,
    /// Its key.
    #[serde(default)]
    pub key: KeyPlan,
    /// Its apps.
    #[serde(default, rename = "app")]
    pub apps: Vec<AppPlan>,
}

/// One app.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "AppTable")]
pub struct AppPlan {
    /// Its name, the first label of its host.
    pub name: String,
    /// Its `app.json`, verbatim.
    pub manifest: String,
}

/// The key of a Portal.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlan {
    /// A fresh Ed25519 key.
    #[default]
    Ed25519,
    /// One of the prepared RSA keys of 2048 bit; each Portal of a testbed gets another.
    #[serde(rename = "rsa-pss-2048", alias = "rsa-pss")]
    RsaPss2048,
    /// One of the prepared RSA keys of 4096 bit; each Portal of a testbed gets another.
    #[serde(rename = "rsa-pss-4096")]
    RsaPss4096,
    /// This private key, PKCS#8 PEM.
    Pem(String),
}

impl fmt::Debug for KeyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyPlan::Ed25519 => "Ed25519",
            KeyPlan::RsaPss2048 => "RsaPss2048",
            KeyPlan::RsaPss4096 => "RsaPss4096",
            KeyPlan::Pem(_) => "Pem(…)",
        })
    }
}

impl std::str::FromStr for KeyPlan {
    type Err = TopologyError;

    fn from_str(text: &str) -> Result<KeyPlan, TopologyError> {
        match text {
            "ed25519" => Ok(KeyPlan::Ed25519),
            "rsa-pss" | "rsa-pss-2048" | "rsa-pss-sha512" => Ok(KeyPlan::RsaPss2048),
            "rsa-pss-4096" => Ok(KeyPlan::RsaPss4096),
            other => Err(TopologyError::UnknownKey(other.to_owned())),
        }
    }
}

/// Who has added whom as a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peering {
    /// Nobody anybody.
    #[default]
    None,
    /// Everybody everybody.
    All,
    /// Everybody the next in the list, and the last the first; both ways.
    Ring,
    /// These pairs; both ways.
    Pairs(Vec<(String, String)>),
    /// Who has added whom; one way.
    Added(Vec<(String, String)>),
}

/// Why a topology can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Not what a topology file looks like.
    #[error("{0}")]
    Syntax(String),
    /// No key of that name.
    #[error("unknown key `{0}`: one of ed25519, rsa-pss-2048, rsa-pss-4096")]
    UnknownKey(String),
    /// A name stands twice.
    #[error("there are two {what} named `{name}`")]
    Duplicate {
        /// Portals, or apps of which Portal.
        what: String,
        /// The name.
        name: String,
    },
    /// A name that can't be one.
    #[error("`{0}` is no name: letters, digits and `-`, at most 63")]
    BadName(String),
    /// Somebody unknown is to be a peer.
    #[error("`{0}` shall be a peer, but there is no such Portal")]
    UnknownPortal(String),
    /// There are not so many prepared keys.
    #[error("only {available} keys of the kind {kind:?} are prepared; {wanted} are wanted")]
    TooFewKeys {
        /// Which.
        kind: KeyPlan,
        /// How many there are.
        available: usize,
        /// How many it would take.
        wanted: usize,
    },
}

impl Default for Topology {
    fn default() -> Topology {
        Topology::new()
    }
}

impl Topology {
    /// No Portals yet, the usual zone and port.
    pub fn new() -> Topology {
        Topology { zone: default_zone(), public_port: default_port(), portals: Vec::new(), peers: Peering::None }
    }

    /// Reads a topology file (TOML).
    ///
    /// # Errors
    /// When it is malformed or describes what can't be; the message names line and key.
    pub fn from_toml(text: &str) -> Result<Topology, TopologyError> {
        let topology: Topology = toml::from_str(text).map_err(|error| TopologyError::Syntax(error.to_string()))?;
        topology.checked()
    }

    /// With one more Portal.
    #[must_use]
    pub fn portal(mut self, plan: PortalPlan) -> Topology {
        self.portals.push(plan);
        self
    }

    /// With Portals of these names.
    #[must_use]
    pub fn portals<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Topology {
        self.portals.extend(names.into_iter().map(PortalPlan::new));
        self
    }

    /// With this app on every Portal so far.
    #[must_use]
    pub fn app_on_all(mut self, app: &AppPlan) -> Topology {
        for portal in &mut self.portals {
            portal.apps.push(app.clone());
        }
        self
    }

    /// With this peering.
    #[must_use]
    pub fn peering(mut self, peers: Peering) -> Topology {
        self.peers = peers;
        self
    }

    /// In another zone.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Topology {
        self.zone = zone.into();
        self
    }

    /// With another public port.
    #[must_use]
    pub fn public_port(mut self, port: u16) -> Topology {
        self.public_port = port;
        self
    }

    /// The same, if it can be.
    ///
    /// # Errors
    /// Names that stand twice or are none, peers that don't exist, more prepared keys than there are.
    pub fn checked(self) -> Result<Topology, TopologyError> {
        unique("Portals", self.portals.iter().map(|portal| &portal.name))?;
        for portal in &self.portals {
            unique(&format!("apps of {}", portal.name), portal.apps.iter().map(|app| &app.name))?;
        }
        if let Peering::Pairs(pairs) | Peering::Added(pairs) = &self.peers {
            let known = |name: &&String| !self.portals.iter().any(|portal| portal.name == **name);
            if let Some(name) = pairs.iter().flat_map(|(a, b)| [a, b]).find(known) {
                return Err(TopologyError::UnknownPortal(name.clone()));
            }
        }
        self.keys()?;
        Ok(self)
    }

    /// For each Portal its private key as PEM, or none where a fresh one is to be made.
    pub(crate) fn keys(&self) -> Result<Vec<Option<String>>, TopologyError> {
        let mut prepared = PreparedKeys::default();
        self.portals.iter().map(|portal| prepared.key(&portal.key)).collect()
    }

    /// Who has to add whom, as positions in the list of Portals.
    pub(crate) fn introductions(&self) -> Vec<(usize, usize)> {
        let count = self.portals.len();
        let position = |name: &String| self.portals.iter().position(|portal| portal.name == *name);
        match &self.peers {
            Peering::None => Vec::new(),
            Peering::All => (0..count).flat_map(|a| (0..count).filter(move |b| a != *b).map(move |b| (a, b))).collect(),
            Peering::Ring if count < 2 => Vec::new(),
            Peering::Ring if count == 2 => vec![(0, 1), (1, 0)],
            Peering::Ring => (0..count).flat_map(|a| [(a, (a + 1) % count), ((a + 1) % count, a)]).collect(),
            Peering::Pairs(pairs) => {
                let found = pairs.iter().filter_map(|(a, b)| Some((position(a)?, position(b)?)));
                found.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
            }
            Peering::Added(pairs) => pairs.iter().filter_map(|(a, b)| Some((position(a)?, position(b)?))).collect(),
        }
    }
}

/// Hands out prepared keys, each once.
#[derive(Debug, Default)]
pub(crate) struct PreparedKeys {
    rsa_2048: usize,
    rsa_4096: usize,
}

impl PreparedKeys {
    pub(crate) fn key(&mut self, plan: &KeyPlan) -> Result<Option<String>, TopologyError> {
        let (used, keys): (_, &[&str]) = match plan {
            KeyPlan::Ed25519 => return Ok(None),
            KeyPlan::Pem(pem) => return Ok(Some(pem.clone())),
            KeyPlan::RsaPss2048 => (&mut self.rsa_2048, &RSA_2048),
            KeyPlan::RsaPss4096 => (&mut self.rsa_4096, &RSA_4096),
        };
        *used += 1;
        match keys.get(*used - 1) {
            Some(pem) => Ok(Some((*pem).to_owned())),
            None => Err(TopologyError::TooFewKeys { kind: plan.clone(), available: keys.len(), wanted: *used }),
        }
    }
}

impl PortalPlan {
    /// A Portal with a fresh Ed25519 key and no apps.
    pub fn new(name: impl Into<String>) -> PortalPlan {
        PortalPlan { name: name.into(), key: KeyPlan::default(), apps: Vec::new() }
    }

    /// With this key.
    #[must_use]
    pub fn key(mut self, key: KeyPlan) -> PortalPlan {
        self.key = key;
        self
    }

    /// With one more app.
    #[must_use]
    pub fn app(mut self, app: AppPlan) -> PortalPlan {
        self.apps.push(app);
        self
    }
}

impl AppPlan {
    /// An app with this `app.json`, verbatim.
    pub fn new(name: impl Into<String>, manifest: impl Into<String>) -> AppPlan {
        AppPlan { name: name.into(), manifest: manifest.into() }
    }

    /// An app whose path prefixes have this access; under each it is told type, id and name of the client.
    pub fn with_paths<'a>(name: &str, paths: impl IntoIterator<Item = (&'a str, &'a str)>) -> AppPlan {
        let headers = json!({
            "X-Ptl-Client-Type": "{{ auth.client_type }}",
            "X-Ptl-Client-Id": "{{ auth.client_id }}",
            "X-Ptl-Client-Name": "{{ auth.client_name }}",
        });
        let rule = |access: &str| json!({ "access": access, "headers": headers });
        let paths: BTreeMap<_, _> = paths.into_iter().map(|(prefix, access)| (prefix, rule(access))).collect();
        let manifest = json!({
            "v": "4.0",
            "name": name,
            "entrypoints": [{ "container_name": name, "container_port": 80, "entrypoint_port": "http" }],
            "paths": paths,
        });
        AppPlan::new(name, manifest.to_string())
    }
}

/// An app in a topology file: either the manifest in full or just who may see what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppTable {
    name: String,
    manifest: Option<serde_json::Value>,
    #[serde(default)]
    paths: BTreeMap<String, String>,
}

impl From<AppTable> for AppPlan {
    fn from(table: AppTable) -> AppPlan {
        match table.manifest {
            Some(manifest) => AppPlan::new(table.name, manifest.to_string()),
            None => AppPlan::with_paths(
                &table.name,
                table.paths.iter().map(|(prefix, access)| (prefix.as_str(), access.as_str())),
            ),
        }
    }
}

/// Whether a Portal of a project can have this name: it is part of names of networks and files, and of sentences.
pub(crate) fn is_portal_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.len() <= 63
}

fn default_zone() -> String {
    ZONE.to_owned()
}

fn default_port() -> u16 {
    443
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), TopologyError> {
    let mut seen = HashSet::new();
    for name in names {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
            return Err(TopologyError::BadName(name.clone()));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(TopologyError::Duplicate { what: what.to_owned(), name: name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
