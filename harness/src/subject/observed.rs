//! Ears within the built-in Core: which names it looks up, which signature bases it makes and rebuilds.

use std::io;
use std::net::SocketAddr;

use async_trait::async_trait;
use portal_core::observe::{CoreEvent, EventKind, Observe};
use portal_core::resolve::Resolve;

use crate::testbed::names::{AskedHosts, Names};
use crate::trace::{SignatureEvent, SignatureOutcome, Trace};

/// The names of the testbed, and who was looked up. Clones share their memory.
#[derive(Debug, Clone)]
pub(super) struct Lookups {
    names: Names,
    hosts: AskedHosts,
}

impl Lookups {
    pub(super) fn new(names: Names) -> Lookups {
        Lookups { names, hosts: AskedHosts::default() }
    }

    pub(super) fn hosts(&self) -> Vec<String> {
        self.hosts.hosts()
    }
}

#[async_trait]
impl Resolve for Lookups {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.hosts.note(host.to_owned());
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("{host} is not a name of this testbed"));
        self.names.address_at(host, port).map(|address| vec![address]).ok_or_else(unknown)
    }
}

/// Hands signature bases to the trace.
#[derive(Debug)]
pub(super) struct Bases {
    pub(super) portal: String,
    pub(super) trace: Trace,
}

impl Observe for Bases {
    fn observe(&self, event: &CoreEvent) {
        let (label, signature_input, base, outcome) = match &event.kind {
            EventKind::Signed { label, base, signature_input } => {
                (Some(label.clone()), Some(signature_input.clone()), Some(base.clone()), SignatureOutcome::Made)
            }
            EventKind::Verified { label, base, .. } => {
                (Some(label.clone()), None, Some(base.clone()), SignatureOutcome::Verified)
            }
            EventKind::Rejected { label, step, code, base } => {
                let outcome = SignatureOutcome::Rejected { step: step.clone(), code: code.clone() };
                (label.clone(), None, base.clone(), outcome)
            }
            _ => return,
        };
        self.trace.record_signature(SignatureEvent {
            trace_id: event.trace.clone(),
            portal: self.portal.clone(),
            label,
            signature_input,
            base,
            outcome,
        });
    }
}
