//! What can be done to a testbed while it runs: to the ways between Portals, to Cores, apps, clocks, keys, names,
//! certificates and proxies.
//!
//! A [`Fault`] has one textual form, which steps, `countersign.toml` and `countersign fault` share: `alice -> bob latency
//! 200ms`. [`KINDS`] lists all of them with an example. [`Testbed::apply`](super::Testbed::apply) puts one on,
//! [`Testbed::heal`](super::Testbed::heal) takes it off.
//!
//! ```text
//! Fault::parse ──▶ Testbed::apply ──▶ apply.rs ──▶ the Portal: its Core, apps, clock, name, certificate, proxy
//!                                        └───────▶ links.rs ──▶ link.rs: a relay between two Portals
//! ```

mod apply;
mod kinds;
pub(crate) mod link;
pub(crate) mod links;
mod parse;
mod proxy;
mod quantity;
mod way;

use std::fmt;
use std::time::Duration;

pub(super) use apply::Active;
pub use kinds::{KINDS, Kind};
pub use parse::FaultError;
pub use proxy::{Faults, ProxyFault};
pub use way::{Cut, LinkFault, Pace, Part, Passage, Way};

use super::pki::CertificateKind;

/// Something that goes wrong in a testbed because somebody wants it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// On the connections that the Core of one Portal opens to another.
    Link {
        /// Who opens the connections.
        from: String,
        /// To whom.
        to: String,
        /// The same holds the other way round.
        both: bool,
        /// What is wrong with them.
        fault: LinkFault,
    },
    /// Of a Portal's Core.
    Core {
        /// The Portal.
        portal: String,
        /// What becomes of it.
        fault: ProcessFault,
    },
    /// Of an app on a Portal.
    App {
        /// The Portal.
        portal: String,
        /// The app.
        app: String,
        /// What becomes of it.
        fault: ProcessFault,
    },
    /// A Portal's clock is off.
    Clock {
        /// The Portal.
        portal: String,
        /// Ahead of where it was; else behind.
        ahead: bool,
        /// By how much.
        by: Duration,
    },
    /// A Portal's Core has another key. As an ID is the hash of its key, whoever is at the Portal's address now is somebody
    /// else: nobody's peer (PEER-11), until the old key is back.
    Key {
        /// The Portal.
        portal: String,
    },
    /// A Portal's name leads nowhere.
    Name {
        /// The Portal.
        portal: String,
    },
    /// A Portal shows a certificate that must not be trusted.
    Certificate {
        /// The Portal.
        portal: String,
        /// Which.
        kind: CertificateKind,
    },
    /// A Portal's proxy does something wrong.
    Proxy {
        /// The Portal.
        portal: String,
        /// What.
        fault: ProxyFault,
    },
}

/// What becomes of a Core or an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessFault {
    /// Ended at once, as by a power cut.
    Killed,
    /// Stopped and started again: over as soon as it has happened.
    Restarted,
    /// Still there, and does nothing.
    Frozen,
}

impl Fault {
    /// Reads the textual form.
    ///
    /// # Errors
    /// What is wrong with it, and what was expected.
    pub fn parse(text: &str) -> Result<Fault, FaultError> {
        parse::fault(text)
    }

    /// Whether it is over as soon as it has happened.
    pub fn is_momentary(&self) -> bool {
        match self {
            Fault::Link { fault, .. } => *fault == LinkFault::Reset,
            Fault::Core { fault, .. } | Fault::App { fault, .. } => *fault == ProcessFault::Restarted,
            _ => false,
        }
    }

    /// The Portals that it is about.
    pub fn portals(&self) -> Vec<&str> {
        match self {
            Fault::Link { from, to, .. } => vec![from, to],
            Fault::Core { portal, .. }
            | Fault::App { portal, .. }
            | Fault::Clock { portal, .. }
            | Fault::Key { portal }
            | Fault::Name { portal }
            | Fault::Certificate { portal, .. }
            | Fault::Proxy { portal, .. } => vec![portal],
        }
    }

    /// The same, with each direction by itself.
    pub(super) fn directions(&self) -> Vec<Fault> {
        let Fault::Link { from, to, both: true, fault } = self else { return vec![self.clone()] };
        let one =
            |from: &String, to: &String| Fault::Link { from: from.clone(), to: to.clone(), both: false, fault: *fault };
        vec![one(from, to), one(to, from)]
    }

    /// Whether putting this on takes the other off: both are about the same.
    pub(super) fn replaces(&self, other: &Fault) -> bool {
        match (self, other) {
            (Fault::Link { from, to, fault, .. }, Fault::Link { from: f, to: t, fault: other, .. }) => {
                from == f && to == t && fault.replaces(*other)
            }
            (Fault::Core { portal, .. }, Fault::Core { portal: p, .. })
            | (Fault::Clock { portal, .. }, Fault::Clock { portal: p, .. })
            | (Fault::Key { portal }, Fault::Key { portal: p })
            | (Fault::Name { portal }, Fault::Name { portal: p })
            | (Fault::Certificate { portal, .. }, Fault::Certificate { portal: p, .. }) => portal == p,
            (Fault::App { portal, app, .. }, Fault::App { portal: p, app: a, .. }) => portal == p && app == a,
            (Fault::Proxy { portal, fault }, Fault::Proxy { portal: p, fault: f }) => portal == p && fault == f,
            _ => false,
        }
    }
}

/// The textual form.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Link { from, to, both, fault } => {
                write!(f, "{from} {} {to} {fault}", if *both { "<->" } else { "->" })
            }
            Fault::Core { portal, fault } => write!(f, "{portal} core {}", fault.word()),
            Fault::App { portal, app, fault } => write!(f, "{portal} app {app} {}", fault.word()),
            Fault::Clock { portal, ahead, by } => {
                write!(f, "{portal} clock {}{}", if *ahead { '+' } else { '-' }, quantity::Time(*by))
            }
            Fault::Key { portal } => write!(f, "{portal} key rotated"),
            Fault::Name { portal } => write!(f, "{portal} name gone"),
            Fault::Certificate { portal, kind } => write!(f, "{portal} certificate {}", kind.word()),
            Fault::Proxy { portal, fault } => write!(f, "{portal} proxy {fault}"),
        }
    }
}

impl std::str::FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        Fault::parse(text)
    }
}

impl ProcessFault {
    const ALL: [ProcessFault; 3] = [ProcessFault::Killed, ProcessFault::Restarted, ProcessFault::Frozen];

    fn word(self) -> &'static str {
        match self {
            ProcessFault::Killed => "killed",
            ProcessFault::Restarted => "restarted",
            ProcessFault::Frozen => "frozen",
        }
    }
}

impl CertificateKind {
    /// All that must not be trusted.
    const BAD: [CertificateKind; 5] = [
        CertificateKind::Expired,
        CertificateKind::NotYetValid,
        CertificateKind::OtherName,
        CertificateKind::OtherCa,
        CertificateKind::SelfSigned,
    ];

    fn word(self) -> &'static str {
        match self {
            CertificateKind::Good => "good",
            CertificateKind::Expired => "expired",
            CertificateKind::NotYetValid => "not-yet-valid",
            CertificateKind::OtherName => "for-another-name",
            CertificateKind::OtherCa => "of-an-unknown-authority",
            CertificateKind::SelfSigned => "self-signed",
        }
    }
}

#[cfg(test)]
mod tests;
