//! An app as a command, started for one Portal, and started again when it dies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::body::Body;
use super::news::{Feed, News};
use super::{Answer, App, AppState, Portal};
use crate::containers::app::{Base, Makeup};
use crate::subject::command::{Launch, Log};
use crate::topology::project::{AppSource, AppSpec};

/// Between two tries to connect.
const TICK: Duration = Duration::from_millis(10);
/// How long an app may take to stop by itself.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// How long it waits before it is started again: more from time to time, and less again after it has lived for a while.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LIVED: Duration = Duration::from_secs(10);
/// After this time it is said that an app takes its time.
const SLOW: Duration = Duration::from_secs(2);
/// How it ended that was told to.
const KILLED: &str = "it was killed, as was asked for";
/// Who needs no proxy: all that is on this machine.
const DIRECT: &str = "localhost,127.0.0.1,::1";

/// What shall be done with an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testbed) enum Command {
    Kill,
    Restart,
    Freeze,
    Thaw,
    Stop,
}

/// A handle to the task that looks after an app.
#[derive(Debug, Clone)]
pub(in crate::testbed) struct Supervised(mpsc::Sender<Command>);

impl Supervised {
    pub(in crate::testbed) fn tell(&self, command: Command) -> bool {
        self.0.try_send(command).is_ok()
    }
}

/// What is started, for whom.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) app: App,
    pub(super) launch: Launch,
    ready_within: Duration,
    /// Where it runs in containers.
    pub(super) contained: Option<Contained>,
}

/// An app that runs in containers.
#[derive(Debug)]
pub(super) struct Contained {
    pub(super) base: Arc<Base>,
    pub(super) makeup: Makeup,
    /// Where it listens in its container.
    pub(super) port: u16,
    pub(super) door: SocketAddr,
}

impl Order {
    /// To be started on `portal`, with its door at this address.
    pub(super) fn new(portal: &Portal, app: &App, spec: &AppSpec, door: SocketAddr) -> Order {
        let (argv, directory) = match &spec.source {
            AppSource::Run { argv, directory } => (argv.clone(), directory.clone()),
            _ => (Vec::new(), ".".into()),
        };
        let door = format!("http://{door}");
        let direct = std::env::var("no_proxy").or_else(|_| std::env::var("NO_PROXY")).unwrap_or_default();
        let direct = [DIRECT, &direct].iter().filter(|hosts| !hosts.is_empty()).copied().collect::<Vec<_>>().join(",");
        let told = [
            ("PORTAL_CORE_URL", door.as_str()),
            ("HTTP_PROXY", &door),
            // Some look for one spelling, some for the other.
            ("http_proxy", &door),
            ("NO_PROXY", &direct),
            ("no_proxy", &direct),
            ("PORTAL_ID", portal.id()),
            ("PORTAL_DOMAIN", portal.public_domain().as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = spec.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        let env = own.chain(told).collect();
        Order {
            app: app.clone(),
            launch: Launch { argv, directory, env },
            ready_within: spec.ready_within,
            contained: None,
        }
    }

    /// The same in containers: its Core is there under its real name.
    pub(super) fn in_containers(portal: &Portal, app: &App, spec: &AppSpec, contained: Contained) -> Order {
        let told = [
            ("PORTAL_CORE_URL", "http://portal_core"),
            ("PORTAL_ID", portal.id()),
            ("PORTAL_DOMAIN", portal.public_domain().as_str()),
            ("PORT", contained.port.to_string().as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let own = spec.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        let launch = Launch { argv: Vec::new(), directory: ".".into(), env: own.chain(told).collect() };
        Order { app: app.clone(), launch, ready_within: spec.ready_within, contained: Some(contained) }
    }
}

/// Starts it, and a task that looks after it.
pub(super) fn start(order: Order, state: watch::Sender<AppState>, feed: Feed) -> (Supervised, AbortOnDropHandle<()>) {
    let (commands, told) = mpsc::channel(16);
    let supervisor = Supervisor { order, state, feed, told, lives: 0 };
    (Supervised(commands), AbortOnDropHandle::new(tokio::spawn(supervisor.run())))
}

struct Supervisor {
    order: Order,
    state: watch::Sender<AppState>,
    feed: Feed,
    told: mpsc::Receiver<Command>,
    lives: u64,
}

/// How a life of an app ended.
enum Ended {
    /// By itself, or by a kill.
    Died(String),
    /// As it was told, to be started again at once.
    Restart,
    /// As it was told, for good.
    Stopped,
}

impl Supervisor {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let born = Instant::now();
            self.lives += 1;
            let why = match self.live().await {
                Ended::Stopped => break,
                Ended::Restart => continue,
                Ended::Died(why) => why,
            };
            if born.elapsed() > LIVED {
                pause = FIRST_PAUSE;
            }
            let unavailable = format!("{} is not there: {why}", self.who());
            self.order.app.echo().answer_with(Answer::unavailable(&unavailable));
            let (portal, app) = self.names();
            self.feed.tell(News::Died { portal, app, why: why.clone(), again_in: pause });
            self.state.send_replace(AppState::Died { why, again_in_ms: millis(pause) });
            match timeout(pause, self.told.recv()).await {
                Ok(None | Some(Command::Stop)) => break,
                _ => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
        self.state.send_replace(AppState::Stopped);
    }

    /// From its start to its end.
    async fn live(&mut self) -> Ended {
        self.state.send_replace(AppState::Starting);
        let born = Instant::now();
        let log = self.log();
        let mut starting = std::pin::pin!(Body::start(&self.order, &log));
        let mut frozen = false;
        // It may take long, where images are to be fetched. Dropped, it ends; what it made goes with the run.
        let body = loop {
            tokio::select! {
                biased;
                started = &mut starting => match started {
                    Ok(started) => break started,
                    Err(why) => return Ended::Died(why),
                },
                command = self.told.recv() => match command {
                    Some(Command::Kill) => return Ended::Died(KILLED.to_owned()),
                    Some(Command::Restart) => return Ended::Restart,
                    Some(Command::Freeze) => frozen = true,
                    Some(Command::Thaw) => frozen = false,
                    Some(Command::Stop) | None => return Ended::Stopped,
                },
            }
        };
        if frozen {
            body.hold(true).await;
            self.state.send_replace(AppState::Frozen);
        }
        let mut at = None;
        loop {
            tokio::select! {
                biased;
                how = body.end() => return Ended::Died(format!("{how}; {}", log.end())),
                command = self.told.recv() => match command {
                    Some(Command::Kill) => {
                        body.kill().await;
                        return Ended::Died(KILLED.to_owned());
                    }
                    Some(Command::Restart) => {
                        body.stop(STOP_WITHIN).await;
                        return Ended::Restart;
                    }
                    Some(Command::Freeze) => {
                        body.hold(true).await;
                        frozen = true;
                        self.state.send_replace(AppState::Frozen);
                    }
                    Some(Command::Thaw) => {
                        body.hold(false).await;
                        frozen = false;
                        let state = at.clone().map_or(AppState::Starting, |at| AppState::Ready { at });
                        self.state.send_replace(state);
                    }
                    Some(Command::Stop) | None => {
                        if frozen {
                            body.hold(false).await;
                        }
                        body.stop(STOP_WITHIN).await;
                        return Ended::Stopped;
                    }
                },
                found = comes_up(&self.order, &self.feed, body.places(), born), if at.is_none() && !frozen => match found {
                    Ok(found) => {
                        self.order.app.echo().answer_with(Answer::passed_on_to(found.as_str()));
                        let (portal, app) = self.names();
                        self.feed.tell(News::Ready { portal, app, took: born.elapsed(), again: self.lives > 1 });
                        self.state.send_replace(AppState::Ready { at: found.clone() });
                        at = Some(found);
                    }
                    Err(last) => {
                        let (within, port) = (self.order.ready_within, body.port());
                        body.kill().await;
                        return Ended::Died(format!(
                            "nobody listens on {port}, {within:?} after it was started ({last}); {}",
                            log.end()
                        ));
                    }
                },
            }
        }
    }

    /// Keeps what it says, and hands it on.
    fn log(&self) -> Log {
        let feed = self.feed.clone();
        let (portal, app) = self.names();
        Log::heard_by(move |line| {
            feed.tell(News::Said { portal: portal.clone(), app: app.clone(), line: line.to_owned() });
        })
    }

    fn names(&self) -> (String, String) {
        (self.order.app.portal().to_owned(), self.order.app.name().to_owned())
    }

    fn who(&self) -> String {
        format!("{} on {}", self.order.app.name(), self.order.app.portal())
    }
}

/// Waits until somebody listens at one of these places: where.
async fn comes_up(order: &Order, feed: &Feed, places: Vec<String>, born: Instant) -> Result<String, String> {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = "nobody was asked yet".to_owned();
    let mut said = SLOW;
    let asking = async {
        loop {
            tick.tick().await;
            for at in &places {
                match TcpStream::connect(at).await {
                    Ok(_) => return at.clone(),
                    Err(error) => last = error.to_string(),
                }
            }
            if born.elapsed() > said {
                let (portal, app) = (order.app.portal().to_owned(), order.app.name().to_owned());
                feed.tell(News::Slow { portal, app, since: said });
                said *= 2;
            }
        }
    };
    timeout_at(born + order.ready_within, asking).await.map_err(|_| last)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
