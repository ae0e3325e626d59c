//! The testbed of somebody's project: it stands before the first step of a scenario.

use std::collections::HashMap;

use portal_core::profile::Profile;

use super::names::Receiver;
use super::scene::Scene;
use super::stage::scenario_profile;
use crate::suite::failure::{StepFailure, StepResult};
use crate::suite::world::World;
use crate::testbed::Options;
use crate::testbed::Testbed;
use crate::testbed::faults::Fault;
use crate::testbed::real_app::{Feed, RealAppError, RealApps};
use crate::topology::project::{AppSource, Project};

/// The port that is part of every authority, where the project does not say one. Nothing listens there: names lead to
/// listeners of the testbed.
const PORT: u16 = 443;

impl World {
    /// Starts the Portals and the apps of a project.
    pub(crate) async fn stand_project(&mut self, project: &Project) -> StepResult {
        let subject = self.subject()?;
        let topology = project.topology(project.port.unwrap_or(PORT));
        let profile =
            Profile { zone: topology.zone.clone(), public_port: topology.public_port, ..scenario_profile(&subject) };
        let options = Options {
            subject,
            profile,
            storage: self.storage()?,
            began: self.run()?.began(),
            alone: true,
            known_keys: true,
            // Faults may come at any step, and must not break connections that have nothing to do with them.
            relays: true,
            seed: self.chance().seed_of_faults(),
            ..Options::default()
        };
        let testbed = Testbed::start_with(topology, options).await?;
        self.watch(testbed.trace().clone());
        for plan in &project.portals {
            let portal = testbed.portal(&plan.name)?;
            if plan.clock.set(portal.clock()) {
                portal.clock_changed().await?;
            }
        }
        let feed = Feed::new();
        let news = feed.listen();
        let apps = RealApps::start(&testbed, project, None, &feed).await.map_err(not_started)?;
        for line in &project.faults {
            testbed.apply(&Fault::parse(&line.text)?).await?;
        }
        self.scene_mut().take_project(testbed, project, apps, news)
    }
}

/// An app that does not start is no fault of the harness.
fn not_started(error: RealAppError) -> StepFailure {
    match error {
        RealAppError::Start { .. } => StepFailure::subject_died(error),
        RealAppError::Testbed(error) => error.into(),
        RealAppError::Door { .. } => StepFailure::error(error),
    }
}

impl Scene {
    fn take_project(
        &mut self,
        testbed: Testbed,
        project: &Project,
        apps: RealApps,
        news: tokio::sync::broadcast::Receiver<crate::testbed::real_app::News>,
    ) -> StepResult {
        for plan in &project.portals {
            let portal = testbed.portal(&plan.name)?;
            for spec in project.apps_of(plan) {
                let receiver = Receiver::app(&plan.name, &spec.name);
                self.add_app(&portal.app(&spec.name)?);
                self.manifests.insert(receiver.clone(), spec.manifest.clone());
                if spec.source != AppSource::Echo {
                    self.own_apps.insert(receiver);
                }
            }
            self.add_portal(portal);
        }
        self.stand_on(testbed);
        self.real = Some((apps, news));
        Ok(())
    }
}

/// Testbeds that the scenarios of a feature share (`@shared`), kept from the end of one to the beginning of the next.
#[derive(Default)]
pub(crate) struct Shelf {
    /// How many scenarios of each feature are still to come, and what the last one left.
    features: HashMap<String, (usize, Option<Scene>)>,
}

/// The tag of features, or of scenarios, that share a testbed with the others of their feature.
pub(crate) const SHARED: &str = "shared";

impl Shelf {
    /// For these scenarios: each with the name of its feature.
    pub(crate) fn of<'a>(sharing: impl Iterator<Item = &'a str>) -> Shelf {
        let mut shelf = Shelf::default();
        for feature in sharing {
            shelf.features.entry(feature.to_owned()).or_default().0 += 1;
        }
        shelf
    }

    /// What the scenario before left, where there was one.
    pub(crate) fn take(&mut self, feature: &str) -> Option<Scene> {
        self.features.get_mut(feature)?.1.take()
    }

    /// Takes what a scenario leaves for the next one; gives it back where there is no next one.
    pub(crate) fn put(&mut self, feature: &str, scene: Option<Scene>) -> Option<Scene> {
        let Some((left, kept)) = self.features.get_mut(feature) else { return scene };
        *left = left.saturating_sub(1);
        if *left == 0 {
            return scene;
        }
        *kept = scene;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_testbed_is_handed_from_scenario_to_scenario_and_ends_with_the_last() {
        let mut shelf = Shelf::of(["a", "a", "b"].into_iter());
        assert!(shelf.take("a").is_none());
        assert!(shelf.put("a", Some(Scene::default())).is_none());
        assert!(shelf.take("b").is_none());
        assert!(shelf.put("b", Some(Scene::default())).is_some());
        assert!(shelf.take("a").is_some());
        assert!(shelf.put("a", Some(Scene::default())).is_some());
    }
}
