//! An app that was started: a process of this machine, or a container.

use std::time::Duration;

use super::process::Order;
use crate::containers::app::{AppOrder, AppRoom};
use crate::subject::command::{Finder, Log, Process, Reserved};

/// An app that was started, until it ends.
pub(super) enum Body {
    /// With the port that is its own.
    Process(Process, Reserved),
    Container(Box<AppRoom>),
}

impl Body {
    /// Starts it.
    pub(super) async fn start(order: &Order, log: &Log) -> Result<Body, String> {
        if let Some(contained) = &order.contained {
            let app = AppOrder {
                name: order.app.name(),
                makeup: &contained.makeup,
                port: contained.port,
                env: order.launch.env.clone(),
                door: contained.door,
            };
            let room = AppRoom::open(&contained.base, app, log).await.map_err(|error| error.to_string())?;
            return Ok(Body::Container(Box::new(room)));
        }
        // Each start has a port of its own: connections to the last one may linger.
        let reserved = Reserved::port().await.map_err(|error| error.to_string())?;
        let mut launch = order.launch.clone();
        launch.env.push(("PORT".to_owned(), reserved.address().port().to_string()));
        let process = Process::spawn(&launch, log, &Finder::new(None));
        let process = process.map_err(|error| format!("`{}`: {error}", launch.argv.join(" ")))?;
        Ok(Body::Process(process, reserved))
    }

    /// Where it may be reached.
    pub(super) fn places(&self) -> Vec<String> {
        match self {
            Body::Process(_, reserved) => {
                let port = reserved.address().port();
                vec![format!("127.0.0.1:{port}"), format!("[::1]:{port}")]
            }
            Body::Container(room) => vec![room.at().to_string()],
        }
    }

    /// The port on which it should listen, in words.
    pub(super) fn port(&self) -> String {
        match self {
            Body::Process(_, reserved) => format!("its PORT, {}", reserved.address().port()),
            Body::Container(room) => format!("the port {} of its container", room.at().port()),
        }
    }

    /// Waits until it has ended.
    pub(super) async fn end(&self) -> String {
        match self {
            Body::Process(process, _) => process.end().await,
            Body::Container(room) => room.end().await,
        }
    }

    /// It stands still, or goes on.
    pub(super) async fn hold(&self, still: bool) {
        match self {
            Body::Process(process, _) => {
                process.group().into_iter().for_each(|group| if still { group.freeze() } else { group.thaw() });
            }
            Body::Container(room) => {
                if let Err(error) = room.hold(still).await {
                    tracing::warn!("{error}");
                }
            }
        }
    }

    /// SIGTERM, and SIGKILL after that time.
    pub(super) async fn stop(self, within: Duration) {
        match self {
            Body::Process(process, _) => drop(process.stop(within).await),
            Body::Container(room) => room.stop(within).await,
        }
    }

    /// SIGKILL.
    pub(super) async fn kill(self) {
        match self {
            Body::Process(process, _) => process.kill().await,
            Body::Container(room) => room.stop(Duration::ZERO).await,
        }
    }
}
