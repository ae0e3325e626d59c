//! Setting the stage: Portals start, apps are installed, somebody leaves.

use std::net::IpAddr;

use portal_core::profile::Profile;

use super::names::Receiver;
use super::scene::Scene;
use crate::subject::Storage;
use crate::suite::failure::{StepFailure, StepResult};
use crate::suite::world::World;
use crate::testbed::keys::SAME_SHORT_ID;
use crate::testbed::{Options, Testbed};
use crate::topology::{AppPlan, KeyPlan, PortalPlan, Topology};

/// The largest body that Cores and proxies take in scenarios: a body over it costs next to nothing.
pub(crate) const BODY_LIMIT: u64 = 4 << 20;
/// How much of a body is kept in memory: less than most bodies of scenarios.
const BODY_MEMORY: u64 = 64 << 10;
/// How long a silent peer is waited for, in seconds. Scenarios wait as long.
const ANSWER_SECONDS: u64 = 1;

impl World {
    /// Starts Portals, the first ones or further ones.
    pub(crate) async fn start_portals(&mut self, plans: Vec<PortalPlan>) -> StepResult {
        self.stand().await?;
        for plan in plans {
            let portal = self.scene().testbed()?.add_portal(plan).await?;
            self.scene_mut().add_portal(portal);
        }
        Ok(())
    }

    /// Starts a Portal that the harness plays.
    pub(crate) async fn start_fake_portal(&mut self, name: &str, key: &KeyPlan) -> StepResult {
        self.stand().await?;
        let fake = self.scene().testbed()?.fake_portal(name, key).await?;
        self.scene_mut().add_fake(fake);
        Ok(())
    }

    /// Starts two that share their short ID. The first has the address.
    pub(crate) async fn start_colliding_fake_portals(&mut self, first: &str, second: &str) -> StepResult {
        for (name, pem) in [first, second].into_iter().zip(SAME_SHORT_ID) {
            self.start_fake_portal(name, &KeyPlan::Pem(pem.to_owned())).await?;
        }
        Ok(())
    }

    /// The testbed, with nobody in it yet.
    async fn stand(&mut self) -> StepResult {
        if self.scene().testbed.is_some() {
            return Ok(());
        }
        let on_disk =
            self.scenario()?.tags.iter().any(|tag| tag.contains("needs-restart") || tag.contains("needs-kill"));
        let options = Options {
            subject: self.subject()?,
            profile: Profile {
                body_limit: BODY_LIMIT,
                body_memory: BODY_MEMORY,
                answer_seconds: ANSWER_SECONDS,
                ..Profile::default()
            },
            storage: if on_disk { Storage::Disk } else { Storage::Memory },
        };
        let testbed = Testbed::start_with(Topology::new(), options).await?;
        self.watch(testbed.trace().clone());
        self.scene_mut().testbed = Some(testbed);
        Ok(())
    }
}

impl Scene {
    /// Installs an app, or replaces the manifest of one that runs.
    pub(crate) async fn install(&mut self, portal: &str, app: &str, manifest: &str) -> StepResult {
        self.put_manifest(portal, app, manifest, None).await
    }

    /// Gives an installed app a source address.
    pub(crate) async fn give_address(&mut self, portal: &str, app: &str, address: IpAddr) -> StepResult {
        let manifest = self.manifests.get(&Receiver::app(portal, app)).cloned();
        let manifest = manifest.ok_or_else(|| StepFailure::error(format!("{portal} does not run {app}")))?;
        self.put_manifest(portal, app, &manifest, Some(address)).await
    }

    async fn put_manifest(&mut self, portal: &str, app: &str, manifest: &str, address: Option<IpAddr>) -> StepResult {
        let plan = AppPlan::new(app, manifest);
        let installed = self.portal(portal)?.install_at(&plan, address).await?;
        self.add_app(&installed);
        self.manifests.insert(Receiver::app(portal, app), manifest.to_owned());
        Ok(())
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
