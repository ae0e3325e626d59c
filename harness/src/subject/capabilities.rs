//! What can be done with a Core under test.

/// What can be done with a Core under test. What can't makes the scenarios that need it *unsupported*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Its clock can be set.
    pub clock: bool,
    /// It can be given a private key.
    pub identity: bool,
    /// It can be stopped and started again with its state.
    pub restart: bool,
    /// It can be killed and started again with its state.
    pub kill: bool,
    /// It can be held up wherever it is, and goes on from there.
    pub freeze: bool,
    /// It can be given another key and keep all else, and the old one again.
    pub rotate: bool,
    /// Each app gets a door of its own.
    pub doors: bool,
    /// It recognises an app by its source address.
    pub source_addresses: bool,
    /// It tells by itself which app calls.
    pub callers: bool,
    /// It tells the signature bases that it makes and rebuilds.
    pub signature_bases: bool,
    /// It can be told which names lead where, and which authorities to trust.
    pub names: bool,
    /// What is wrong on the way from one of them to another does not concern the third.
    pub links: bool,
    /// Values of its profile can be set.
    pub profile: bool,
    /// What it logs can be read.
    pub logs: bool,
}

impl Capabilities {
    /// What both can do.
    #[must_use]
    pub fn and(self, other: Capabilities) -> Capabilities {
        Capabilities {
            clock: self.clock && other.clock,
            identity: self.identity && other.identity,
            restart: self.restart && other.restart,
            kill: self.kill && other.kill,
            freeze: self.freeze && other.freeze,
            rotate: self.rotate && other.rotate,
            doors: self.doors && other.doors,
            source_addresses: self.source_addresses && other.source_addresses,
            callers: self.callers && other.callers,
            signature_bases: self.signature_bases && other.signature_bases,
            names: self.names && other.names,
            links: self.links && other.links,
            profile: self.profile && other.profile,
            logs: self.logs && other.logs,
        }
    }
}
