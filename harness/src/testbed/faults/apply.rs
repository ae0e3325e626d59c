//! Faults are put on a testbed and taken off again.

use std::time::Duration;

use super::{Fault, LinkFault, ProcessFault, Way};
use crate::subject::SubjectError;
use crate::testbed::pki::CertificateKind;
use crate::testbed::{FakePortal, Portal, Testbed, TestbedError, lock};

/// The faults that are on, the oldest first. Whoever changes them holds the turn.
#[derive(Debug, Default)]
pub(in crate::testbed) struct Active {
    turn: tokio::sync::Mutex<()>,
    faults: tokio::sync::watch::Sender<Vec<Fault>>,
}

/// Who a fault is about.
enum Who {
    Real(Portal),
    Played(Box<FakePortal>),
}

impl Testbed {
    /// Puts a fault on. One that is about the same is taken off for it.
    ///
    /// # Errors
    /// When there is no such Portal or app, or that can't be done here; then nothing has changed, but for the first direction
    /// of a link where the second can't be.
    pub async fn apply(&self, fault: &Fault) -> Result<(), TestbedError> {
        let _turn = self.active.turn.lock().await;
        for fault in fault.directions() {
            let replaced: Vec<Fault> = self.faults().into_iter().filter(|other| fault.replaces(other)).collect();
            if replaced.contains(&fault) && !fault.is_momentary() {
                continue;
            }
            if !matches!(fault, Fault::Link { .. }) {
                for other in &replaced {
                    self.end(other).await?;
                    self.active.forget(other);
                }
            }
            self.begin(&fault).await?;
            replaced.iter().for_each(|other| self.active.forget(other));
            if !fault.is_momentary() {
                self.active.faults.send_modify(|faults| faults.push(fault.clone()));
            }
        }
        Ok(())
    }

    /// Takes off the faults that begin with these words: `alice -> bob latency 200ms`, `alice -> bob`, `bob core`, `bob`; all
    /// where there are none. Which that were.
    ///
    /// # Errors
    /// When something does not come back; the others are taken off nevertheless.
    pub async fn heal(&self, which: &str) -> Result<Vec<Fault>, TestbedError> {
        let _turn = self.active.turn.lock().await;
        let (mut healed, mut failed) = (Vec::new(), Ok(()));
        for fault in self.faults().into_iter().filter(|fault| fault.begins_with(which)) {
            match self.end(&fault).await {
                Ok(()) => {
                    self.active.forget(&fault);
                    healed.push(fault);
                }
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        failed.map(|()| healed)
    }

    /// The faults that are on, the oldest first.
    pub fn faults(&self) -> Vec<Fault> {
        self.active.faults.borrow().clone()
    }

    /// Tells when they change.
    pub fn faults_changing(&self) -> tokio::sync::watch::Receiver<Vec<Fault>> {
        self.active.faults.subscribe()
    }

    async fn begin(&self, fault: &Fault) -> Result<(), TestbedError> {
        match fault {
            Fault::Link { from, to, fault: LinkFault::Reset, .. } => self.reset(from, to).await,
            Fault::Link { from, to, fault, .. } => {
                self.set_way(from, to, Some(*fault), |other| !fault.replaces(other)).await
            }
            Fault::Core { portal, fault: ProcessFault::Killed } => self.portal(portal)?.kill_core().await,
            Fault::Core { portal, fault: ProcessFault::Restarted } => self.portal(portal)?.restart_core().await,
            Fault::Core { portal, fault: ProcessFault::Frozen } => self.portal(portal)?.freeze_core().await,
            Fault::App { portal, app, fault: ProcessFault::Killed } => self.portal(portal)?.kill_app(app).await,
            Fault::App { portal, app, fault: ProcessFault::Frozen } => self.portal(portal)?.freeze_app(app).await,
            Fault::App { portal, app, fault: ProcessFault::Restarted } => self.portal(portal)?.restart_app(app).await,
            Fault::Clock { portal, ahead, by } => self.shift(portal, *ahead, *by).await,
            Fault::Key { portal } => self.portal(portal)?.rotate_key().await,
            Fault::Name { portal } => {
                match self.who(portal)? {
                    Who::Real(portal) => portal.lose_name().await,
                    Who::Played(fake) => fake.lose_name().await,
                }
                Ok(())
            }
            Fault::Certificate { portal, kind } => self.present(portal, *kind).await,
            Fault::Proxy { portal, fault } => self.portal(portal)?.set_proxy_fault(*fault, true),
        }
    }

    async fn end(&self, fault: &Fault) -> Result<(), TestbedError> {
        match fault {
            Fault::Link { from, to, fault, .. } => self.set_way(from, to, None, |other| other != *fault).await,
            // Somebody may have started it meanwhile.
            Fault::Core { portal, fault: ProcessFault::Killed } => match self.portal(portal)? {
                portal if portal.has_core() => Ok(()),
                portal => portal.start_core().await,
            },
            Fault::Core { portal, .. } => self.portal(portal)?.thaw_core().await,
            Fault::App { portal, app, fault: ProcessFault::Killed } => self.portal(portal)?.start_app_again(app).await,
            Fault::App { portal, app, .. } => self.portal(portal)?.thaw_app(app).await,
            Fault::Clock { portal, ahead, by } => self.shift(portal, !ahead, *by).await,
            Fault::Key { portal } => self.portal(portal)?.restore_key().await,
            Fault::Name { portal } => {
                match self.who(portal)? {
                    Who::Real(portal) => portal.come_back(),
                    Who::Played(fake) => fake.take_address().await,
                }
                Ok(())
            }
            Fault::Certificate { portal, .. } => self.present(portal, CertificateKind::Good).await,
            Fault::Proxy { portal, fault } => self.portal(portal)?.set_proxy_fault(*fault, false),
        }
    }

    /// The way from one Portal to another becomes what is on it and `stays`, with `more`.
    async fn set_way(
        &self,
        from: &str,
        to: &str,
        more: Option<LinkFault>,
        stays: impl Fn(LinkFault) -> bool,
    ) -> Result<(), TestbedError> {
        let on = self.faults().into_iter().filter_map(|fault| match fault {
            Fault::Link { from: f, to: t, fault, .. } if f == from && t == to => Some(fault),
            _ => None,
        });
        let way = Way::of(on.filter(|fault| stays(*fault)).chain(more));
        let (caller, other) = self.ends(from, to)?;
        if let Some(done) = caller.set_way(other.domain(), &way).await {
            return Ok(done?);
        }
        self.has_links()?;
        let names = self.names();
        let is_new = names.links().set(from, other.domain(), way, || names.target_of(other.domain()))?;
        if is_new {
            // What was opened before goes straight there.
            other.end_connections().await;
        }
        Ok(())
    }

    /// What is open from one Portal to another is broken off.
    async fn reset(&self, from: &str, to: &str) -> Result<(), TestbedError> {
        let (_, other) = self.ends(from, to)?;
        self.has_links()?;
        if !self.names().links().reset(from, other.domain()) {
            other.end_connections().await;
        }
        Ok(())
    }

    /// Who opens connections, and to whom.
    fn ends(&self, from: &str, to: &str) -> Result<(Portal, Who), TestbedError> {
        match (self.who(from)?, self.who(to)?) {
            (Who::Real(caller), other) => Ok((caller, other)),
            (Who::Played(_), _) => {
                let why = "cut off: it is played by the testbed, and opens no connections";
                Err(SubjectError::Unsupported(why).into())
            }
        }
    }

    fn has_links(&self) -> Result<(), TestbedError> {
        match self.subject().capabilities().links {
            true => Ok(()),
            false => {
                let why = "led another way to a peer than others: it has no names of its own";
                Err(SubjectError::Unsupported(why).into())
            }
        }
    }

    async fn shift(&self, portal: &str, ahead: bool, by: Duration) -> Result<(), TestbedError> {
        let portal = self.portal(portal)?;
        let shift = |ahead: bool| match ahead {
            true => portal.clock().advance(by),
            false => portal.clock().rewind(by),
        };
        shift(ahead);
        // A Core that can't be told would go by another time than TLS.
        portal.clock_changed().await.inspect_err(|_| shift(!ahead))
    }

    async fn present(&self, portal: &str, kind: CertificateKind) -> Result<(), TestbedError> {
        match self.who(portal)? {
            Who::Real(portal) => portal.present(kind).await,
            Who::Played(fake) => fake.present(kind).await,
        }
    }

    fn who(&self, name: &str) -> Result<Who, TestbedError> {
        if let Some(fake) = lock(&self.fakes).get(name) {
            return Ok(Who::Played(Box::new(fake.clone())));
        }
        self.portal(name).map(Who::Real)
    }
}

impl Who {
    fn domain(&self) -> &str {
        match self {
            Who::Real(portal) => portal.domain(),
            Who::Played(fake) => fake.domain(),
        }
    }

    async fn end_connections(&self) {
        match self {
            Who::Real(portal) => portal.end_connections().await,
            Who::Played(fake) => fake.end_connections().await,
        }
    }
}

impl Active {
    fn forget(&self, fault: &Fault) {
        self.faults.send_modify(|faults| faults.retain(|other| other != fault));
    }
}

impl Fault {
    /// Whether its textual form begins with these words; `A <-> B` means both ways, and no words mean all.
    pub fn begins_with(&self, words: &str) -> bool {
        let own = self.to_string();
        let own: Vec<&str> = own.split_whitespace().collect();
        let words: Vec<&str> = words.split_whitespace().collect();
        let begins = |words: &[&str]| own.starts_with(words);
        match words.as_slice() {
            [one, "<->", other, rest @ ..] => {
                begins(&[&[*one, "->", *other], rest].concat()) || begins(&[&[*other, "->", *one], rest].concat())
            }
            words => begins(words),
        }
    }
}
