//! Changes of an app's manifest, taken live: the Cores get it as soon as the file is another one.

use tokio_util::task::AbortOnDropHandle;

use crate::testbed::real_app::{Feed, News};
use crate::testbed::{Portal, Testbed};
use crate::topology::project::{AppSpec, Project};
use crate::watch::Watch;

/// Looks at the manifests until the handle is dropped.
pub(super) fn watch(testbed: &Testbed, project: &Project, feed: Feed) -> AbortOnDropHandle<()> {
    let watched = project.apps.iter().map(|app| {
        let on = project.portals.iter().filter(|portal| portal.apps.contains(&app.name));
        let portals = on.filter_map(|portal| testbed.portal(&portal.name).ok()).collect();
        Watched { app: app.clone(), portals }
    });
    let mut watched: Vec<Watched> = watched.collect();
    let mut files = Watch::new(watched.iter().map(|one| one.app.manifest_file.clone()));
    AbortOnDropHandle::new(tokio::spawn(async move {
        // What changed between its reading and now is seen, too.
        for one in &mut watched {
            one.look(&feed).await;
        }
        loop {
            files.changed().await;
            for one in &mut watched {
                one.look(&feed).await;
            }
        }
    }))
}

/// A manifest, and whose it is.
struct Watched {
    app: AppSpec,
    portals: Vec<Portal>,
}

impl Watched {
    async fn look(&mut self, feed: &Feed) {
        // While it is being replaced it is not there.
        if !self.app.manifest_file.exists() {
            return;
        }
        let refused = |why: String| feed.tell(News::ManifestRefused { app: self.app.name.clone(), why });
        let read = match AppSpec::read(&self.app.manifest_file) {
            Ok(read) if read.manifest == self.app.manifest => return,
            Ok(read) if read.name != self.app.name => {
                return refused(format!("it names the app `{}` now: start anew for that", read.name));
            }
            Ok(read) => read,
            Err(why) => return refused(format!("{}: {why}", self.app.manifest_file.display())),
        };
        for portal in &self.portals {
            let app = self.app.name.clone();
            match portal.put_manifest(&app, &read.manifest, None).await {
                Ok(reply) if (200..300).contains(&reply.status) => {
                    let warnings = read.warnings.clone();
                    feed.tell(News::ManifestTaken { portal: portal.name().to_owned(), app, warnings });
                }
                Ok(reply) => {
                    refused(format!("the Core of {} answered {} {}", portal.name(), reply.status, reply.text()))
                }
                Err(error) => refused(format!("the Core of {}: {error}", portal.name())),
            }
        }
        self.app.manifest = read.manifest;
    }
}
