//! Taking away what runs left.

use std::collections::{BTreeMap, HashMap};

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveVolumeOptions,
};
use tokio::time::{Duration, Instant, interval};

use super::engine::{Engine, EngineError, is_gone};
use super::run::{MAKER, RUN, lives, pid};

/// For so long the engine may make a container that nobody waits for, on a machine that is busy.
const LATE: Duration = Duration::from_secs(3);
/// Between two looks.
const TICK: Duration = Duration::from_millis(100);

/// What was taken away, or is there to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Containers.
    pub containers: usize,
    /// Networks.
    pub networks: usize,
    /// Volumes.
    pub volumes: usize,
}

impl Left {
    /// Nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Left::default()
    }
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (containers, networks) = (counted(self.containers, "container"), counted(self.networks, "network"));
        write!(f, "{containers}, {networks}, {}", counted(self.volumes, "volume"))
    }
}

/// A run of which something is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its id.
    pub run: String,
    /// Whether its process runs; none where it ran on another machine, or before the last boot.
    pub lives: Option<bool>,
    /// The number of its process.
    pub pid: Option<u32>,
    /// What there is.
    pub left: Left,
}

/// Things of one kind: their name and labels.
type Things = Vec<(String, HashMap<String, String>)>;

/// All that runs made and that is still there.
#[derive(Debug)]
struct Inventory {
    containers: Things,
    networks: Things,
    volumes: Things,
}

/// Which of the numbers counts a kind of thing.
type Count = fn(&mut Left) -> &mut usize;

/// The runs of which something is there, whether they go on or not.
///
/// # Errors
/// When the engine does not say.
pub async fn leftovers(engine: &Engine) -> Result<Vec<Leftover>, EngineError> {
    let Inventory { containers, networks, volumes } = inventory(engine, RUN).await?;
    let mut found: BTreeMap<String, Leftover> = BTreeMap::new();
    let kinds: [(Things, Count); 3] = [
        (containers, |left| &mut left.containers),
        (networks, |left| &mut left.networks),
        (volumes, |left| &mut left.volumes),
    ];
    for (things, count) in kinds {
        for (_, labels) in things {
            let (run, maker) = (labels.get(RUN).cloned().unwrap_or_default(), labels.get(MAKER));
            let lives = maker.and_then(|maker| lives(maker));
            let pid = maker.and_then(|maker| pid(maker));
            let entry = found.entry(run.clone()).or_insert(Leftover { run, lives, pid, left: Left::default() });
            *count(&mut entry.left) += 1;
        }
    }
    Ok(found.into_values().collect())
}

/// Takes away all that this run made.
///
/// # Errors
/// When something stays.
pub async fn run(engine: &Engine, id: &str) -> Result<Left, EngineError> {
    let Inventory { containers, networks, volumes } = inventory(engine, &format!("{RUN}={id}")).await?;
    let docker = engine.docker();
    let left = Left { containers: containers.len(), networks: networks.len(), volumes: volumes.len() };
    let forced = || Some(RemoveContainerOptionsBuilder::new().force(true).v(true).build());
    let containers = containers.iter().map(|(name, _)| async move {
        let removed = docker.remove_container(name, forced()).await;
        gone(removed, &format!("removing the container {name}"))
    });
    all(containers).await?;
    let networks = networks.iter().map(|(name, _)| async move {
        gone(docker.remove_network(name).await, &format!("removing the network {name}"))
    });
    all(networks).await?;
    let volumes = volumes.iter().map(|(name, _)| async move {
        let removed = docker.remove_volume(name, None::<RemoveVolumeOptions>).await;
        gone(removed, &format!("removing the volume {name}"))
    });
    all(volumes).await?;
    Ok(left)
}

/// Takes away what the engine still makes for a run that waits for nothing any more, until nothing comes for a while.
pub(crate) async fn latecomers(engine: &Engine, id: &str) -> Result<(), EngineError> {
    let mut tick = interval(TICK);
    let mut last = Instant::now();
    while last.elapsed() < LATE {
        tick.tick().await;
        if !run(engine, id).await?.is_nothing() {
            last = Instant::now();
        }
    }
    Ok(())
}

/// Takes away what is left of runs whose process is gone, and tells how much that was.
///
/// # Errors
/// When something stays.
pub async fn dead(engine: &Engine) -> Result<Vec<Leftover>, EngineError> {
    let mut taken = Vec::new();
    for leftover in leftovers(engine).await? {
        if leftover.lives == Some(false) {
            run(engine, &leftover.run).await?;
            taken.push(leftover);
        }
    }
    Ok(taken)
}

async fn inventory(engine: &Engine, label: &str) -> Result<Inventory, EngineError> {
    let docker = engine.docker();
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = docker.list_containers(Some(options)).await.map_err(EngineError::of("listing containers"))?;
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = docker.list_networks(Some(options)).await.map_err(EngineError::of("listing networks"))?;
    let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let volumes = docker.list_volumes(Some(options)).await.map_err(EngineError::of("listing volumes"))?;
    let named =
        |name: Option<String>, labels: Option<HashMap<String, String>>| Some((name?, labels.unwrap_or_default()));
    Ok(Inventory {
        containers: containers.into_iter().filter_map(|found| named(found.id, found.labels)).collect(),
        networks: networks.into_iter().filter_map(|found| named(found.id, found.labels)).collect(),
        volumes: volumes.volumes.unwrap_or_default().into_iter().map(|found| (found.name, found.labels)).collect(),
    })
}

async fn all(works: impl Iterator<Item = impl Future<Output = Result<(), EngineError>>>) -> Result<(), EngineError> {
    futures_util::future::join_all(works).await.into_iter().collect()
}

fn gone(removed: Result<(), bollard::errors::Error>, what: &str) -> Result<(), EngineError> {
    match removed {
        Err(error) if !is_gone(&error) => Err(EngineError::of(what)(error)),
        _ => Ok(()),
    }
}
