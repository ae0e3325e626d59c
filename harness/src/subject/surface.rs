//! How a Core is spoken to, where the contract leaves that open (§11).

use std::sync::Arc;
use std::time::Duration;

use portal_core::profile::Profile;

use super::descriptor::{Apps, Connections, Descriptor, Endpoints, Hook, Pairing};

/// How a Core is spoken to. The default is what the compact Core does. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Surface(Arc<Parts>);

/// What a surface consists of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where it serves what only a proxy asks for.
    pub endpoints: Endpoints,
    /// How apps are installed and recognised.
    pub apps: Apps,
    /// How terminals are paired.
    pub pairing: Pairing,
    /// Forgets everything but its key, where there is something that does.
    pub reset: Option<Hook>,
    /// What becomes of a connection after an answer.
    pub connections: Connections,
    /// How long one answer may take, where that was said.
    pub answer: Option<Duration>,
    /// The name under which apps know it.
    pub internal_host: String,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts {
            endpoints: Endpoints::default(),
            apps: Apps::default(),
            pairing: Pairing::Contract,
            reset: None,
            connections: Connections::KeepAlive,
            answer: None,
            internal_host: internal_host(&Profile::default()),
        }
    }
}

impl Surface {
    /// As a descriptor has it.
    pub fn of(descriptor: &Descriptor) -> Surface {
        Surface(Arc::new(Parts {
            endpoints: descriptor.endpoints.clone(),
            apps: descriptor.apps.clone(),
            pairing: descriptor.pairing.clone(),
            reset: descriptor.state.reset.clone(),
            connections: descriptor.connections,
            answer: descriptor.limits.answer,
            internal_host: internal_host(&descriptor.profile),
        }))
    }

    /// Where the Core has what the contract has at `target`.
    pub fn target(&self, target: &str) -> String {
        let own = Endpoints::default();
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let path = match path {
            path if path == own.auth => &self.endpoints.auth,
            path if path == own.authenticate_terminal => &self.endpoints.authenticate_terminal,
            path => path,
        };
        query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
    }
}

impl std::ops::Deref for Surface {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

fn internal_host(profile: &Profile) -> String {
    profile.internal_hosts.first().cloned().unwrap_or_else(|| "portal_core".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_proxy_asks_for_can_be_elsewhere() {
        let descriptor = "name = \"x\"\n[start]\ncommand = [\"x\"]\n[endpoints]\nauth = \"/a\"\n";
        let surface = Surface::of(&Descriptor::parse(descriptor, std::path::Path::new("x")).unwrap());
        assert_eq!(surface.target("/internal/auth"), "/a");
        assert_eq!(surface.target("/internal/auth?x=1"), "/a?x=1");
        assert_eq!(surface.target("/internal/authenticate_terminal"), "/internal/authenticate_terminal");
        assert_eq!(surface.target("/protected/peers?name=a"), "/protected/peers?name=a");
        assert_eq!(Surface::default().target("/internal/auth"), "/internal/auth");
    }
}
