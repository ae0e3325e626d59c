//! A Portal that does what it is told: a key, a name in the zone, and an HTTPS server that answers anything.
//!
//! Good for peers that lie about themselves, redirect, stay silent or break off.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portal_core::clock::SettableClock;
use serde_json::json;
use tokio::net::TcpListener;

use super::echo_app::{Answer, EchoApp, Entrance, Received};
use super::error::TestbedError;
use super::identity::TestIdentity;
use super::names::{Names, Target};
use super::pki::{CertificateKind, Pki, ServerTls};
use crate::trace::Trace;

/// Where Cores ask who a Portal is.
pub const WHO_ARE_YOU: &str = "/core/public/meta/whoareyou";

/// A Portal under the suite's control. Cheap to clone: all clones are the same.
#[derive(Debug, Clone)]
pub struct FakePortal {
    name: String,
    identity: TestIdentity,
    domain: String,
    clock: SettableClock,
    front: EchoApp,
    tls: ServerTls,
    names: Names,
    all: Weak<FakePortals>,
    /// Whether it says who it is, and shows a certificate for that.
    honest: Arc<AtomicBool>,
}

/// All fake Portals of a testbed, by name.
pub(super) type FakePortals = Mutex<BTreeMap<String, FakePortal>>;

impl FakePortal {
    /// Starts one. It answers truthfully who it is, and echoes all else; it takes its name unless somebody has it.
    pub(super) async fn start(
        name: &str,
        zone: &str,
        identity: TestIdentity,
        pki: &Pki,
        names: &Names,
        trace: &Trace,
        all: Weak<FakePortals>,
    ) -> Result<FakePortal, TestbedError> {
        let domain = format!("{}.{zone}", identity.short_id());
        let clock = SettableClock::running();
        let tls = pki.server_config(&domain, Arc::new(clock.clone()))?;
        let config = http1_alone(&tls);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let front = EchoApp::start_as_front(name, "front", listener, config, trace.clone())?;
        let names = names.clone();
        let fake = FakePortal {
            name: name.to_owned(),
            identity,
            domain,
            clock,
            front,
            tls,
            names,
            all,
            honest: Arc::default(),
        };
        fake.tell_truth();
        if fake.names.target(&fake.domain).is_none() {
            fake.names.insert_address(&fake.domain, fake.address());
        }
        Ok(fake)
    }

    /// Its name in the testbed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its key and ID.
    pub fn identity(&self) -> &TestIdentity {
        &self.identity
    }

    /// Its ID.
    pub fn id(&self) -> &str {
        self.identity.id()
    }

    /// The first six characters of its ID.
    pub fn short_id(&self) -> &str {
        self.identity.short_id()
    }

    /// `<short id>.<zone>`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The clock of its TLS.
    pub fn clock(&self) -> &SettableClock {
        &self.clock
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.front.address()
    }

    /// The server behind it: what it received, what it shall answer. Path answers go before all others.
    pub fn front(&self) -> &EchoApp {
        &self.front
    }

    /// What it received but for questions to its Core.
    pub fn received(&self) -> Vec<Received> {
        self.front.received().into_iter().filter(|request| !request.target.starts_with("/core/")).collect()
    }

    /// What a Core says about itself (ID-4), as this Portal would.
    pub fn introduction(&self) -> serde_json::Value {
        json!({
            "id": self.id(),
            "name": self.name,
            "description": "",
            "email": "",
            "is_default": true,
            "public_key_pem": self.identity.public_key_pem(),
            "domain": self.domain,
        })
    }

    /// Answers who it is with the truth. It does from the beginning.
    pub fn tell_truth(&self) {
        self.introduce_with(&self.introduction());
    }

    /// Answers this when asked who it is.
    pub fn introduce_with(&self, introduction: &serde_json::Value) {
        self.introduce_as(Answer::json(introduction));
        let same = |name: &str, own: &str| introduction[name] == own;
        let is_true = same("id", self.id()) && same("public_key_pem", self.identity.public_key_pem());
        self.honest.store(is_true, Ordering::SeqCst);
    }

    /// Whether a Core that asks it learns its true ID and key.
    pub(crate) fn is_honest(&self) -> bool {
        self.honest.load(Ordering::SeqCst)
    }

    /// Answers in this way when asked who it is, which counts as no honest answer.
    pub fn introduce_as(&self, answer: Answer) {
        self.honest.store(false, Ordering::SeqCst);
        self.front.answer_at(WHO_ARE_YOU, answer);
    }

    /// Shows a certificate of this kind from now on; connections from before are gone.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn present(&self, certificate: CertificateKind) -> Result<(), TestbedError> {
        self.tls.show(certificate)?;
        self.honest.store(certificate == CertificateKind::Good && self.is_honest(), Ordering::SeqCst);
        self.front.change_entrance(self.with_tls()).await;
        Ok(())
    }

    /// Speaks plain HTTP from now on, where everybody expects TLS.
    pub async fn speak_plainly(&self) {
        self.honest.store(false, Ordering::SeqCst);
        self.front.change_entrance(Entrance::PlainInsteadOfTls).await;
    }

    /// Breaks off every TLS handshake from now on.
    pub async fn break_off_handshakes(&self) {
        self.honest.store(false, Ordering::SeqCst);
        self.front.change_entrance(Entrance::BreaksOff).await;
    }

    /// From now on its name leads here, whoever had it before; connections to that one are gone.
    pub async fn take_address(&self) {
        self.names.insert_address(&self.domain, self.address());
        let all = self.all.upgrade();
        let others: Vec<_> = all
            .iter()
            .flat_map(|all| {
                let all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.values()
                    .filter(|other| other.domain == self.domain && other.name != self.name)
                    .cloned()
                    .collect::<Vec<_>>()
            })
            .collect();
        for other in others {
            other.front.change_entrance(other.with_tls()).await;
        }
    }

    /// From now on nobody is where its name leads, and connections that others have to it are gone.
    pub async fn leave(&self) {
        self.names.insert(&self.domain, Target::Refused);
        self.end_connections().await;
    }

    /// From now on its name leads nowhere, and connections that others have to it are gone.
    pub async fn lose_name(&self) {
        self.names.remove(&self.domain);
        self.end_connections().await;
    }

    /// Ends all connections that others have to it; new ones are taken as before.
    pub async fn end_connections(&self) {
        self.front.change_entrance(self.with_tls()).await;
    }

    /// From now on nobody answers where its name leads, and connections that others have to it are gone.
    pub async fn fall_silent(&self) {
        self.names.insert(&self.domain, Target::BlackHole);
        self.end_connections().await;
    }

    /// Closes its listener and all connections.
    pub(super) async fn stop(&self) {
        self.front.stop().await;
    }

    fn with_tls(&self) -> Entrance {
        Entrance::Tls(http1_alone(&self.tls))
    }
}

fn http1_alone(tls: &ServerTls) -> Arc<rustls::ServerConfig> {
    let mut config = rustls::ServerConfig::clone(&tls.config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests;
