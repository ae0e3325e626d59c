//! Setting the stage: Portals start, apps are installed, somebody leaves.

use std::net::IpAddr;

use portal_core::profile::Profile;
use portal_core::rfc9421::Algorithm;

use super::names::Receiver;
use super::scene::Scene;
use crate::subject::{Storage, Subject};
use crate::suite::failure::{StepFailure, StepResult};
use crate::suite::needs;
use crate::suite::world::World;
use crate::testbed::identity::TestIdentity;
use crate::testbed::keys::{RSA_2048, RSA_4096, SAME_SHORT_ID};
use crate::testbed::{Options, Testbed, TestbedError};
use crate::topology::{AppPlan, KeyPlan, PortalPlan, Topology};
use crate::wire::{Reply, WireError};

/// The largest body that Cores and proxies take in scenarios: a body over it costs next to nothing.
const BODY_LIMIT: u64 = 4 << 20;
/// How much of a body is kept in memory: less than most bodies of scenarios.
const BODY_MEMORY: u64 = 64 << 10;
/// How long a silent peer is waited for, in seconds. Two scenarios wait as long; all others must be quicker on a busy machine too.
const ANSWER_SECONDS: u64 = 2;

/// The values of the profile by which Cores go in scenarios: the subject's own, and short limits where it takes them.
pub(crate) fn scenario_profile(subject: &Subject) -> Profile {
    let own = subject.profile();
    if !subject.capabilities().profile {
        return own;
    }
    Profile { body_limit: BODY_LIMIT, body_memory: BODY_MEMORY, answer_seconds: ANSWER_SECONDS, ..own }
}

impl World {
    /// Starts Portals, the first ones or further ones.
    pub(crate) async fn start_portals(&mut self, plans: Vec<PortalPlan>) -> StepResult {
        self.stand().await?;
        for plan in plans {
            if self.run()?.project.is_some() && self.scene().is_real(&plan.name) {
                // It stands: countersign.toml says so, too.
                continue;
            }
            let plan = self.with_known_key(plan)?;
            self.reachable()?;
            if plan.key != KeyPlan::Ed25519 && !self.subject()?.capabilities().identity {
                return Err(StepFailure::unsupported("the subject can't be given a key"));
            }
            if let KeyPlan::Pem(pem) = &plan.key {
                let pem = pem.clone();
                self.scene_mut().private_keys.insert(plan.name.clone(), pem);
            }
            let portal = self.scene().testbed()?.add_portal(plan).await?;
            if self.run()?.began().is_some() {
                // One that ran before has to be told.
                portal.clock_changed().await?;
            }
            self.scene_mut().add_portal(portal);
        }
        Ok(())
    }

    /// Cores make their keys themselves. Only where a scenario looks for the private key, or gives a Core another one and its
    /// own again, the suite makes it, to know which it is.
    fn with_known_key(&mut self, plan: PortalPlan) -> StepResult<PortalPlan> {
        let scenario = self.scenario()?;
        let is_needed = scenario.requirements.iter().any(|id| id == "ID-5")
            || scenario.tags.iter().any(|tag| tag == "needs-rotate");
        if !is_needed || plan.key != KeyPlan::Ed25519 || !self.subject()?.capabilities().identity {
            return Ok(plan);
        }
        if !self.takes_ed25519()? {
            return Ok(plan.key(KeyPlan::RsaPss2048));
        }
        let pem = self.chance().identity(&plan.name)?.private_key_pem().to_owned();
        Ok(plan.key(KeyPlan::Pem(pem)))
    }

    /// Whether a Portal with such a key can be anybody's peer, by the subject's profile.
    fn takes_ed25519(&self) -> StepResult<bool> {
        Ok(self.subject()?.profile().accepts(Algorithm::Ed25519))
    }

    /// Starts a Portal that the harness plays.
    pub(crate) async fn start_fake_portal(&mut self, name: &str, key: &KeyPlan) -> StepResult {
        self.stand().await?;
        self.reachable()?;
        let drawn = match key {
            KeyPlan::Ed25519 if !self.takes_ed25519()? => Some(KeyPlan::RsaPss2048),
            KeyPlan::Ed25519 => Some(KeyPlan::Pem(self.chance().identity(name)?.private_key_pem().to_owned())),
            _ => None,
        };
        let fake = self.scene().testbed()?.fake_portal(name, drawn.as_ref().unwrap_or(key)).await?;
        self.scene_mut().add_fake(fake);
        Ok(())
    }

    /// Starts two that share their short ID. The first has the address.
    pub(crate) async fn start_colliding_fake_portals(&mut self, first: &str, second: &str) -> StepResult {
        if !self.takes_ed25519()? {
            return Err(StepFailure::skip(
                "by this profile nobody has an Ed25519 key, and such are the two with one short ID",
            ));
        }
        for (name, pem) in [first, second].into_iter().zip(SAME_SHORT_ID) {
            self.start_fake_portal(name, &KeyPlan::Pem(pem.to_owned())).await?;
        }
        Ok(())
    }

    /// Two Portals have to find each other.
    fn reachable(&self) -> StepResult {
        let others = self.scene().portals.len() + self.scene().fakes.len();
        if others > 0 && !self.subject()?.capabilities().names {
            return Err(StepFailure::unsupported("the subject can't be told which names lead where"));
        }
        Ok(())
    }

    /// Where Cores keep their state: on disk, where it shall outlive them.
    pub(super) fn storage(&self) -> StepResult<Storage> {
        let outlives = |tag: &String| tag.contains("needs-restart") || tag.contains("needs-kill");
        let of_project = self.run()?.project.is_some();
        let on_disk = of_project || self.scenario()?.tags.iter().any(outlives);
        Ok(if on_disk { Storage::Disk } else { Storage::Memory })
    }

    /// The testbed, with nobody in it yet.
    async fn stand(&mut self) -> StepResult {
        if self.scene().testbed.is_some() {
            return Ok(());
        }
        let subject = self.subject()?;
        let profile = scenario_profile(&subject);
        let topology = Topology::new().zone(profile.zone.clone()).public_port(profile.public_port);
        let options = Options {
            subject,
            profile,
            storage: self.storage()?,
            began: self.run()?.began(),
            alone: needs::alone(&self.scenario()?.tags),
            relays: false,
            seed: self.chance().seed_of_faults(),
            ..Options::default()
        };
        let testbed = Testbed::start_with(topology, options).await?;
        self.watch(testbed.trace().clone());
        self.scene_mut().stand_on(testbed);
        Ok(())
    }
}

/// A body larger than this is not sent only to be refused.
const LARGEST: u64 = 64 << 20;
/// A silent peer is not waited for any longer.
const LONGEST: u64 = 10;

impl Scene {
    /// The largest body that the Core takes. None where that is more than a scenario sends.
    pub(crate) fn body_limit(&self) -> StepResult<Option<u64>> {
        Ok(Some(self.testbed()?.profile().body_limit).filter(|limit| *limit <= LARGEST))
    }

    /// Somebody never answers: the Core has to give up within the time of a step.
    pub(crate) fn silence_is_bearable(&self) -> StepResult {
        match self.testbed()?.profile().answer_seconds {
            ..=LONGEST => Ok(()),
            seconds => Err(StepFailure::unsupported(format!(
                "the subject waits {seconds} s for an answer, which is more than a step takes (profile value `answer_seconds`)"
            ))),
        }
    }

    /// Installs an app, or replaces the manifest of one that runs.
    pub(crate) async fn install(&mut self, portal: &str, app: &str, manifest: &str) -> StepResult {
        self.put_manifest(portal, app, manifest, None).await
    }

    /// The private key of a Portal with a Core, PKCS#8 PEM, where the suite gave it one. The prepared keys are handed out in
    /// turn, so its ID tells which of them it is.
    pub(crate) fn private_key(&self, portal: &str) -> StepResult<Option<String>> {
        if let Some(pem) = self.private_keys.get(portal) {
            return Ok(Some(pem.clone()));
        }
        let id = self.portal(portal)?.id();
        for pem in RSA_2048.iter().chain(&RSA_4096) {
            if TestIdentity::from_private_key_pem(pem)?.id() == id {
                return Ok(Some((*pem).to_owned()));
            }
        }
        Ok(None)
    }

    /// Gives an installed app a source address.
    pub(crate) async fn give_address(&mut self, portal: &str, app: &str, address: IpAddr) -> StepResult {
        let manifest = self.manifests.get(&Receiver::app(portal, app)).cloned();
        let manifest = manifest.ok_or_else(|| StepFailure::mistake(format!("{portal} does not run {app}")))?;
        self.put_manifest(portal, app, &manifest, Some(address)).await
    }

    async fn put_manifest(&mut self, portal: &str, app: &str, manifest: &str, address: Option<IpAddr>) -> StepResult {
        let plan = AppPlan::new(app, manifest);
        let installed = self.portal(portal)?.install_at(&plan, address).await?;
        self.add_app(&installed);
        self.manifests.insert(Receiver::app(portal, app), manifest.to_owned());
        Ok(())
    }

    /// Starts an app unless it runs, and gives the Core this text as its manifest. Whether the Core takes it is told by
    /// the reply.
    pub(crate) async fn offer_manifest(
        &mut self,
        portal: &str,
        app: &str,
        manifest: &str,
    ) -> StepResult<Result<Reply, WireError>> {
        let known = self.portal(portal)?;
        let started = known.start_app(app).await?;
        let reply = match known.put_manifest(app, manifest, None).await {
            Ok(reply) => Ok(reply),
            Err(TestbedError::Wire { source, .. }) => Err(source),
            Err(error) => return Err(error.into()),
        };
        self.add_app(&started);
        if reply.as_ref().is_ok_and(|reply| (200..300).contains(&reply.status)) {
            self.manifests.insert(Receiver::app(portal, app), manifest.to_owned());
        }
        Ok(reply)
    }

    /// Nobody is at the Portal's address any more.
    pub(crate) async fn leave(&self, name: &str) -> StepResult {
        match self.portals.get(name) {
            Some(portal) => portal.leave().await,
            None => self.fake(name)?.leave().await,
        }
        Ok(())
    }

    /// The Portal is at its address again.
    pub(crate) async fn come_back(&self, name: &str) -> StepResult {
        match self.portals.get(name) {
            Some(portal) => portal.come_back(),
            None => self.fake(name)?.take_address().await,
        }
        Ok(())
    }
}
