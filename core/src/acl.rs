//! Who may come to which path of an app: pure, from who, manifest and path to a [`Permit`] or a refusal (contract §5).

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::headers::HeaderTemplate;
use crate::manifest::{Manifest, Rule};
use crate::refusal::Refusal;

mod path;

pub use path::{normalised_prefix, readings};

/// Who may come to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Anyone.
    Public,
    /// The owner's terminals.
    Private,
    /// Peers.
    Peer,
}

/// Who comes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Nobody who proved anything.
    Anonymous,
    /// A paired device of the owner.
    Terminal {
        /// The terminal's id.
        id: String,
        /// The name that the owner gave it.
        name: String,
    },
    /// Another Portal, by the key that verified.
    Peer {
        /// Its ID, in the form of the profile.
        id: String,
        /// Its name here.
        name: String,
    },
}

impl Client {
    /// `auth.client_type` (ACL-4).
    pub fn client_type(&self) -> &'static str {
        match self {
            Client::Anonymous => "anonymous",
            Client::Terminal { .. } => "terminal",
            Client::Peer { .. } => "peer",
        }
    }

    /// `auth.client_id`; empty for an anonymous client.
    pub fn id(&self) -> &str {
        match self {
            Client::Anonymous => "",
            Client::Terminal { id, .. } | Client::Peer { id, .. } => id,
        }
    }

    /// `auth.client_name`; empty for an anonymous client.
    pub fn name(&self) -> &str {
        match self {
            Client::Anonymous => "",
            Client::Terminal { name, .. } | Client::Peer { name, .. } => name,
        }
    }
}

/// The right to come in, made by the access decision alone.
#[derive(Clone, Debug)]
pub struct Permit {
    client: Client,
    prefix: String,
    headers: Vec<HeaderTemplate>,
}

impl Permit {
    /// Who comes.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The prefix that the path begins with, as declared.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The headers that the app asked for under that prefix.
    pub fn headers(&self) -> &[HeaderTemplate] {
        &self.headers
    }

    fn under(rule: &Rule, client: &Client) -> Self {
        Self { client: client.clone(), prefix: rule.prefix().to_owned(), headers: rule.headers().to_vec() }
    }

    /// A permit without a decision, for a Core that is wrong on purpose.
    #[cfg(feature = "mutants")]
    pub fn unchecked(rule: &Rule, client: &Client) -> Self {
        Self::under(rule, client)
    }
}

/// The part of a Core that decides; another one makes another Core.
pub trait Decide: Send + Sync + Debug {
    /// Whether `client` may come to `raw_path`, which is the target as it was sent, query or not.
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal>;
}

/// The rules of the contract: [`decide`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LongestPrefix;

impl Decide for LongestPrefix {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        decide(client, manifest, raw_path)
    }
}

/// The longest prefix that the path literally begins with decides, and whatever else an app may take the path for has to be
/// open too (ACL-1, ACL-2, ACL-8). Headers are those of the literal match.
pub fn decide(client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
    let path = path::without_query(raw_path);
    let rule = literal_match(manifest, path).ok_or(Refusal::AccessDenied)?;
    let open = permits(rule.access(), client)
        && readings(path)
            .iter()
            .all(|reading| rules_of_reading(manifest, reading).iter().all(|rule| permits(rule.access(), client)));
    match open {
        true => Ok(Permit::under(rule, client)),
        false => Err(Refusal::AccessDenied),
    }
}

/// ACL-2.
pub fn permits(access: Access, client: &Client) -> bool {
    match access {
        Access::Public => true,
        Access::Private => matches!(client, Client::Terminal { .. }),
        Access::Peer => matches!(client, Client::Peer { .. }),
    }
}

/// ACL-1. Rules stand longest first.
pub fn literal_match<'m>(manifest: &'m Manifest, path: &str) -> Option<&'m Rule> {
    manifest.rules().iter().find(|rule| path.starts_with(rule.prefix()))
}

/// The rules with the longest prefix whose own normal form the reading begins with; several where two prefixes are two spellings of one.
fn rules_of_reading<'m>(manifest: &'m Manifest, reading: &[u8]) -> Vec<&'m Rule> {
    let mut longest = 0;
    let mut rules = Vec::new();
    for rule in manifest.rules() {
        let prefix = rule.normalised();
        if prefix.len() < longest || !reading.starts_with(prefix) {
            continue;
        }
        if prefix.len() > longest {
            longest = prefix.len();
            rules.clear();
        }
        rules.push(rule);
    }
    rules
}

#[cfg(test)]
mod tests;
