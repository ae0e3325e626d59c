//! A container: made, started, listened to, stopped, killed, paused, taken away.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::io::StreamReader;
use tokio_util::task::AbortOnDropHandle;

use super::engine::{EngineError, is_gone, is_so_already};
use super::network::Network;
use super::run::Run;
use crate::subject::command::{Finder, Log, listen};

/// How long the last words of a container may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the end of a container may take to be told, when the engine has ended it.
const TOLD: Duration = Duration::from_secs(10);

/// What a container is made of.
pub(crate) struct ContainerPlan<'a> {
    /// What it is for, which becomes part of its name.
    pub(crate) what: &'a str,
    pub(crate) image: &'a str,
    /// In place of the image's command; none leaves that.
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) network: &'a Network,
    /// Its names in that network.
    pub(crate) aliases: Vec<String>,
    pub(crate) mounts: Vec<Mounted>,
    /// `user:group`, in place of the image's.
    pub(crate) user: Option<String>,
    /// Who knows the names that the engine does not; none leaves that to the engine.
    pub(crate) resolver: Option<IpAddr>,
}

impl<'a> ContainerPlan<'a> {
    /// Of an image, in a network, with nothing else.
    pub(crate) fn new(what: &'a str, image: &'a str, network: &'a Network) -> ContainerPlan<'a> {
        ContainerPlan {
            what,
            image,
            argv: Vec::new(),
            env: Vec::new(),
            network,
            aliases: Vec::new(),
            mounts: Vec::new(),
            user: None,
            resolver: None,
        }
    }
}

/// Something of this machine that is seen in a container.
pub(crate) struct Mounted {
    pub(crate) outside: PathBuf,
    pub(crate) inside: String,
    pub(crate) writable: bool,
}

/// A container, running or not. It goes with its run, or when it is told to.
#[derive(Debug)]
pub(crate) struct Container {
    run: Arc<Run>,
    id: String,
    name: String,
}

/// A container that was started, until it ends.
#[derive(Debug)]
pub(crate) struct Started {
    container: Arc<Container>,
    ended: watch::Receiver<Option<String>>,
    _waiting: AbortOnDropHandle<()>,
}

impl Container {
    pub(crate) async fn create(run: &Arc<Run>, plan: ContainerPlan<'_>) -> Result<Container, EngineError> {
        let name = run.name(plan.what);
        let binds = plan.mounts.iter().map(|mounted| {
            let mode = if mounted.writable { "rw" } else { "ro" };
            format!("{}:{}:{mode}", mounted.outside.display(), mounted.inside)
        });
        let endpoint = EndpointSettings { aliases: Some(plan.aliases), ..EndpointSettings::default() };
        let body = ContainerCreateBody {
            image: Some(plan.image.to_owned()),
            cmd: Some(plan.argv).filter(|argv| !argv.is_empty()),
            env: Some(plan.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            user: plan.user,
            labels: Some(run.labels()),
            host_config: Some(HostConfig {
                binds: Some(binds.collect()),
                network_mode: Some(plan.network.name().to_owned()),
                dns: plan.resolver.map(|address| vec![address.to_string()]),
                ..HostConfig::default()
            }),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(plan.network.name().to_owned(), endpoint)])),
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let made = run.asked(run.engine().docker().create_container(Some(options), body)).await;
        let what = format!("making a container of the image {}", plan.image);
        let made = made.map_err(|error| match EngineError::of(what)(error) {
            EngineError::Failed { what, why } if why.to_ascii_lowercase().contains("no such image") => {
                EngineError::Failed {
                    what,
                    why: format!("the engine has no such image: build or pull it first (`docker pull {}`)", plan.image),
                }
            }
            other => other,
        })?;
        Ok(Container { run: Arc::clone(run), id: made.id, name })
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Its name, by which people find it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One that somebody else made for this run.
    pub(super) fn made(run: &Arc<Run>, id: String, name: String) -> Container {
        Container { run: Arc::clone(run), id, name }
    }

    /// Starts it, and keeps what it says until it ends.
    pub(crate) async fn start(self: &Arc<Self>, log: &Log, finder: &Finder) -> Result<Started, EngineError> {
        let starting = || format!("starting the container {}", self.name);
        // Attached before it starts, so that no word is lost.
        let words = self.listened_to(false, log, finder).await.map_err(EngineError::of(starting()))?;
        let docker = self.run.engine().docker();
        docker.start_container(&self.id, None::<StartContainerOptions>).await.map_err(EngineError::of(starting()))?;
        Ok(self.watched(words))
    }

    /// Keeps what it has said and says until it ends, when it was started already.
    pub(super) async fn follow(self: &Arc<Self>, log: &Log) -> Result<Started, EngineError> {
        let words = self.listened_to(true, log, &Finder::new(None)).await;
        let words = words.map_err(EngineError::of(format!("listening to the container {}", self.name)))?;
        Ok(self.watched(words))
    }

    async fn listened_to(
        &self,
        from_its_start: bool,
        log: &Log,
        finder: &Finder,
    ) -> Result<AbortOnDropHandle<()>, bollard::errors::Error> {
        let options = AttachContainerOptionsBuilder::new().stdout(true).stderr(true).stream(true).logs(from_its_start);
        let attached = self.run.engine().docker().attach_container(&self.id, Some(options.build())).await?;
        let output = attached.output.map(|piece| piece.map(|piece| piece.into_bytes()).map_err(std::io::Error::other));
        let words = listen(StreamReader::new(output), log.clone(), finder.clone());
        Ok(AbortOnDropHandle::new(tokio::spawn(words)))
    }

    fn watched(self: &Arc<Self>, words: AbortOnDropHandle<()>) -> Started {
        let (sender, ended) = watch::channel(None);
        let own = Arc::clone(self);
        let waiting = tokio::spawn(async move {
            let how = own.wait().await;
            let _ = timeout(LAST_WORDS, words).await;
            sender.send_replace(Some(how));
        });
        Started { container: Arc::clone(self), ended, _waiting: AbortOnDropHandle::new(waiting) }
    }

    /// Waits until it does not run any more.
    async fn wait(&self) -> String {
        use bollard::errors::Error::DockerContainerWaitError;
        let mut waiting = Box::pin(self.run.engine().docker().wait_container(&self.id, None::<WaitContainerOptions>));
        match waiting.next().await {
            Some(Ok(ended)) => format!("exit status: {}", ended.status_code),
            Some(Err(DockerContainerWaitError { code, .. })) => format!("exit status: {code}"),
            Some(Err(error)) => error.to_string(),
            None => "the engine is gone".to_owned(),
        }
    }

    /// Its address in a network. Another start may give it another one.
    pub(crate) async fn address(&self, network: &Network) -> Result<IpAddr, EngineError> {
        let found = self.run.engine().docker().inspect_container(&self.id, None::<InspectContainerOptions>).await;
        let what = format!("asking for the address of the container {}", self.name);
        let found = found.map_err(EngineError::of(&*what))?;
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let address = networks.get(network.name()).and_then(|endpoint| endpoint.ip_address.as_deref());
        let address = address.and_then(|text| text.parse::<Ipv4Addr>().ok());
        let why = || format!("it has none in {}: it ended at once, or was disconnected", network.name());
        address.map(IpAddr::V4).ok_or_else(|| EngineError::Failed { what, why: why() })
    }

    /// Sends a signal to it.
    pub(crate) async fn tell(&self, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let told = self.run.engine().docker().kill_container(&self.id, Some(options)).await;
        told.map_err(EngineError::of(format!("sending {signal} to the container {}", self.name)))
    }

    /// Takes it away, whatever it does.
    pub(crate) async fn remove(&self) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.run.engine().docker().remove_container(&self.id, Some(options)).await {
            Err(error) if !is_gone(&error) => {
                Err(EngineError::of(format!("removing the container {}", self.name))(error))
            }
            _ => Ok(()),
        }
    }
}

impl Started {
    /// The container.
    pub(crate) fn container(&self) -> &Arc<Container> {
        &self.container
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&self) -> String {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
        how.unwrap_or_else(|| "ended with the testbed".to_owned())
    }

    /// The engine freezes it, with its connections, or lets it go on. Does nothing where that is so already.
    pub(crate) async fn hold(&self, still: bool) -> Result<(), EngineError> {
        let Container { run, id, name } = &*self.container;
        let held = match still {
            true => run.engine().docker().pause_container(id).await,
            false => run.engine().docker().unpause_container(id).await,
        };
        match held {
            Err(error) if !is_so_already(&error) => {
                let what = if still { "pausing" } else { "unpausing" };
                Err(EngineError::of(format!("{what} the container {name}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Its stop signal, and SIGKILL after that time. Whether it went by itself.
    pub(crate) async fn stop(self, within: Duration) -> bool {
        let seconds = i32::try_from(within.as_secs().max(1)).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let docker = self.container.run.engine().docker();
        if let Err(error) = docker.stop_container(&self.container.id, Some(options)).await {
            tracing::warn!("stopping the container {}: {error}", self.container.name);
        }
        let how = timeout(TOLD, self.end()).await;
        how.is_ok_and(|how| how != "exit status: 137")
    }

    /// SIGKILL; it does not run any more when this returns.
    pub(crate) async fn kill(self) {
        if self.ended().is_none()
            && let Err(error) = self.container.tell("SIGKILL").await
        {
            tracing::debug!("{error}");
        }
        let _ = timeout(TOLD, self.end()).await;
    }
}

/// Where nobody waits for its end, it ends in the background; its run sees to the rest.
impl Drop for Container {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (run, id) = (Arc::clone(&self.run), self.id.clone());
        runtime.spawn(async move {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let _ = run.engine().docker().remove_container(&id, Some(options)).await;
        });
    }
}
