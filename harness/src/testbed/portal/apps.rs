//! How apps come to a Core and go: as the contract's reference does it, or in the Core's own way.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::{Forwarded, Portal};
use crate::subject::SubjectError;
use crate::subject::descriptor::{Hook, Recognition, Values};
use crate::subject::hooks::Done;
use crate::testbed::app::App;
use crate::testbed::error::TestbedError;
use crate::wire::{Fields, Reply};

/// How long a Core may take to see a file.
const SEEN: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(25);

impl Portal {
    /// Gives the Core the manifest of an app, verbatim, and takes the app's door from the answer. What a command or a file
    /// comes to is told like an answer: 201 where it was taken, 422 where it was refused.
    ///
    /// # Errors
    /// When no whole answer comes, or a command can't be run; a refusal is an answer.
    pub async fn put_manifest(
        &self,
        app: &str,
        manifest: &str,
        address: Option<IpAddr>,
    ) -> Result<Reply, TestbedError> {
        let what = format!("installing {app} on {}", self.name());
        let apps = self.hands().surface().apps.clone();
        let known = self.app(app).ok();
        // An address that is given stands for a container that has it.
        let seat = match address {
            Some(address) => self.seat(&address.to_string()).await?,
            None => None,
        };
        if let (Some(seat), Some(known)) = (seat, &known) {
            known.set_seat(seat);
        }
        let address = seat.map(|seat| seat.address).or(address).or_else(|| known.as_ref()?.source());
        if let (Some(address), None, Some(known), Recognition::SourceAddress) =
            (address, seat, &known, &apps.recognition)
        {
            known.set_source(address);
        }
        let values = self.values_of(app, known.as_ref(), address).with("app", "manifest", manifest);
        let done = self.hands().perform(&apps.install, &values, self.core_address()).await;
        let done = done.map_err(|error| TestbedError::hook(&what, error))?;
        let reply = match done {
            Done::Silently => self.seen(app).await,
            done => told(done),
        };
        let Some(known) = known.filter(|_| (200..300).contains(&reply.status)) else { return Ok(reply) };
        known.set_installed(true);
        match &apps.recognition {
            Recognition::Door { from, .. } => {
                if let Some(door) = reply.json().as_ref().and_then(|answer| self.door_in(answer, from)) {
                    known.set_door(Some(self.reached(door, &what).await?));
                }
            }
            Recognition::SourceAddress => {}
            Recognition::Header { name, value } => {
                let value = value.render(&values).map_err(|error| TestbedError::hook(&what, error.into()))?;
                known.set_header(name.clone(), value);
            }
        }
        Ok(reply)
    }

    /// Makes the Core forget an app. The app goes on running.
    ///
    /// # Errors
    /// When no whole answer comes, or there is no way to do it; a refusal is an answer.
    pub async fn uninstall(&self, app: &str) -> Result<Reply, TestbedError> {
        let what = format!("uninstalling {app} on {}", self.name());
        let Some(hook) = self.hands().surface().apps.uninstall.clone() else {
            return Err(SubjectError::Unsupported("told to uninstall an app").into());
        };
        let known = self.app(app).ok();
        let done = self.hands().perform(&hook, &self.values_of(app, known.as_ref(), None), self.core_address()).await;
        let reply = told(done.map_err(|error| TestbedError::hook(&what, error))?);
        if let (200..300, Some(known)) = (reply.status, known) {
            known.set_door(None);
            known.set_installed(false);
        }
        Ok(reply)
    }

    /// Asks the Core for the doors of all apps, after it was started again.
    pub(super) async fn find_doors(&self) -> Result<(), TestbedError> {
        let apps = self.hands().surface().apps.clone();
        let Recognition::Door { from, list: Some(list) } = &apps.recognition else { return Ok(()) };
        if self.all_apps().is_empty() {
            return Ok(());
        }
        let what = format!("listing the apps of {}", self.name());
        let mut listed = None;
        for app in self.all_apps() {
            let single = list.asks_for("app", "name");
            if single || listed.is_none() {
                listed = Some(self.listed(list, &app, &what).await?);
            }
            let door = match &listed {
                Some(Value::Array(entries)) => {
                    let entry = entries.iter().find(|entry| entry["name"] == app.name());
                    entry.and_then(|entry| self.door_in(entry, from))
                }
                Some(entry) => self.door_in(entry, from),
                None => None,
            };
            let door = match door {
                Some(door) => Some(self.reached(door, &what).await?),
                None => None,
            };
            app.set_door(door);
        }
        Ok(())
    }

    async fn listed(&self, list: &Hook, app: &App, what: &str) -> Result<Value, TestbedError> {
        let values = self.values_of(app.name(), Some(app), None);
        let done = self.hands().perform(list, &values, self.core_address()).await;
        let reply = told(done.map_err(|error| TestbedError::hook(what, error))?);
        Ok(TestbedError::expect(what, &[200, 201], reply)?.json().unwrap_or_default())
    }

    /// A file was written: is the app there? An unknown one is 404 (ACL-9).
    async fn seen(&self, app: &str) -> Reply {
        let question = Forwarded::new("GET", self.host_of(app), "/");
        let within = self.hands().surface().answer.unwrap_or(SEEN);
        let mut tick = interval(TICK);
        let waiting = async {
            loop {
                tick.tick().await;
                if self.ask_auth(&question, &Fields::new()).await.is_ok_and(|reply| reply.status != 404) {
                    return;
                }
            }
        };
        match timeout(within, waiting).await {
            Ok(()) => made(201, String::new()),
            Err(_) => {
                let reason = format!("the Core knows no app {app} {within:?} after its file was written");
                made(422, json!({ "reason": reason }).to_string())
            }
        }
    }

    fn values_of(&self, app: &str, known: Option<&App>, address: Option<IpAddr>) -> Values {
        let text = |value: Option<String>| value.unwrap_or_default();
        let values = self.hands().values().clone().with("app", "name", app).with("app", "manifest", "");
        let values = values.with("app", "address", text(address.map(|address| address.to_string())));
        values.with("app", "echo_address", text(known.map(|known| known.echo().address().to_string())))
    }

    /// Where a door is reached from here.
    async fn reached(&self, door: SocketAddr, what: &str) -> Result<SocketAddr, TestbedError> {
        let reached = self.hands().reach(door).await;
        reached.map_err(|error| TestbedError::Hook { what: what.to_owned(), why: error.to_string() })
    }

    /// `http://127.0.0.1:1234`, `127.0.0.1:1234`, `localhost:1234` or `1234` in the answer to an install.
    fn door_in(&self, answer: &Value, from: &str) -> Option<SocketAddr> {
        let own = |port: u16| SocketAddr::new(self.core_address().ip(), port);
        let text = match answer.pointer(from)? {
            Value::Number(port) => return port.as_u64().and_then(|port| u16::try_from(port).ok()).map(own),
            Value::String(text) => text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/'),
            _ => return None,
        };
        let port = text.strip_prefix("localhost:").unwrap_or(text);
        text.parse().ok().or_else(|| port.parse().ok().map(own))
    }
}

/// What came of a hook, as an answer.
fn told(done: Done) -> Reply {
    match done {
        Done::Reply(reply) => *reply,
        Done::Ended { well: true, output, .. } => made(200, output),
        Done::Ended { output, errors, .. } => made(422, if errors.trim().is_empty() { output } else { errors }),
        Done::Silently => made(204, String::new()),
    }
}

/// An answer that nobody gave.
fn made(status: u16, body: String) -> Reply {
    Reply {
        version: "HTTP/1.1".to_owned(),
        status,
        fields: Fields::new(),
        length: body.len() as u64,
        body: body.into(),
        sha256: String::new(),
        trailers: Fields::new(),
        interim: Vec::new(),
        trace_id: None,
    }
}
