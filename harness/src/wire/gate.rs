//! Lets one side of a test wait for the other without a clock.

use tokio::sync::watch;

/// Closed until it is opened, then open for good. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Gate {
        Gate::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate(watch::Sender::new(false))
    }

    /// Opens it.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    pub async fn passed(&self) {
        // `self` holds the sender: waiting ends with the opening.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
