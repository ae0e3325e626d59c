//! What happens to real apps, for whoever wants to know.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

/// How much whoever listens may lag behind before the oldest news are lost to it.
const CAPACITY: usize = 4096;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// It said a line on standard output or standard error.
    Said {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// The line.
        line: String,
    },
    /// It can't be connected to yet, after a while.
    Slow {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// How long it takes already.
        since: Duration,
    },
    /// It can be connected to.
    Ready {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// How long it took.
        took: Duration,
        /// Whether it had died before.
        again: bool,
    },
    /// It ended by itself, and is started again.
    Died {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// How it ended, and the end of what it said.
        why: String,
        /// When it is started again, from its end on.
        again_in: Duration,
    },
    /// Its manifest changed, and the Core of that Portal took it.
    ManifestTaken {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
        /// What the Core warns of.
        warnings: Vec<String>,
    },
    /// Its manifest changed, and was not taken: the one before holds.
    ManifestRefused {
        /// Name of the app.
        app: String,
        /// Why.
        why: String,
    },
}

/// Hands news to all who listen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Feed(broadcast::Sender<News>);

impl Default for Feed {
    fn default() -> Feed {
        Feed::new()
    }
}

impl Feed {
    /// Nobody listens yet.
    pub fn new() -> Feed {
        Feed(broadcast::Sender::new(CAPACITY))
    }

    /// All news from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
    }

    pub(crate) fn tell(&self, news: News) {
        // That nobody listens is as good.
        let _ = self.0.send(news);
    }
}
