//! The key of a Core that a command starts: the one that it is given, and another one in its place.

use std::path::Path;

use portal_core::profile::Profile;
use portal_core::rfc9421::Algorithm;

use super::{DATA_FOLDER, FILES_FOLDER, IDENTITY_FILE, Plant, ProcessCore, not_started};
use crate::subject::hooks::write;
use crate::subject::{CorePlan, SubjectError};
use crate::testbed::identity::{BadKey, TestIdentity};

/// The key that it is given; none where it makes its own.
pub(super) fn of(plant: &Plant, plan: &CorePlan, folder: &Path) -> Result<Option<TestIdentity>, SubjectError> {
    if plan.identity.is_some() || plant.descriptor.state.import_identity.is_none() {
        return Ok(plan.identity.clone());
    }
    let failed = |error: BadKey| not_started(&plan.portal, error);
    // One that it was given by an earlier testbed.
    if let Ok(pem) = std::fs::read_to_string(folder.join(FILES_FOLDER).join(IDENTITY_FILE)) {
        return TestIdentity::from_private_key_pem(&pem).map(Some).map_err(failed);
    }
    // One that it made itself stays.
    let is_new = !folder.join(DATA_FOLDER).exists();
    (plan.known_key && is_new).then(|| fresh(&plan.profile)).transpose().map_err(failed)
}

impl ProcessCore {
    /// Stops it and starts it again on the same data with another key.
    pub(in crate::subject::command) async fn rotate_key(&mut self) -> Result<(), SubjectError> {
        let Some(known) = self.first_key.clone().or_else(|| self.identity.clone()) else {
            return Err(SubjectError::Unsupported(
                "given another key: nobody knows its own, which it could not get back",
            ));
        };
        let other = fresh(&self.profile).map_err(|error| self.failed(&error.to_string()))?;
        self.first_key = Some(known);
        self.change_key(other).await
    }

    /// The same with the one that it had at first.
    pub(in crate::subject::command) async fn restore_key(&mut self) -> Result<(), SubjectError> {
        match self.first_key.take() {
            Some(first) => self.change_key(first).await,
            None => Ok(()),
        }
    }

    async fn change_key(&mut self, key: TestIdentity) -> Result<(), SubjectError> {
        let Some(import) = self.plant.descriptor.state.import_identity.clone() else {
            return Err(SubjectError::Unsupported("given another key"));
        };
        self.stop().await;
        let written = write(&self.files().join(IDENTITY_FILE), key.private_key_pem());
        written.map_err(|error| self.failed(&error.to_string()))?;
        self.identity = Some(key);
        self.perform(&import).await?;
        self.start_again().await
    }
}

/// One that its peers accept.
fn fresh(profile: &Profile) -> Result<TestIdentity, BadKey> {
    match profile.accepts(Algorithm::Ed25519) {
        true => TestIdentity::generate(),
        false => TestIdentity::generate_rsa(),
    }
}
