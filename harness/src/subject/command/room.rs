//! Where a Core is that comes as an image: the network of its Portal, its container, and the seats of apps.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lane::Lane;
use super::log::{Finder, Log};
use super::process::Launch;
use crate::containers::part::{Part, PartPlan};
use crate::containers::seat::{Seat, SeatContainer};
use crate::containers::{Container, ContainerPlan, EngineError, Mounted, Network, Run, Started};
use crate::subject::descriptor::Image;
use crate::testbed::names::Names;

/// Where a Core's container has the files of the testbed.
pub(super) const FILES: &str = "/countersign.d";

/// Where a guide's container has the socket of the testbed.
const GUIDE: &str = "/countersign.guide";

/// The network of a Portal, and who is in it.
#[derive(Debug)]
pub(super) struct Room {
    // In the order in which they go.
    container: Option<(Launch, Arc<Container>)>,
    seats: Vec<SeatContainer>,
    /// The ways to other Portals that were cut once, by domain.
    lanes: HashMap<String, Lane>,
    /// Which seat is whose, by the number of the seat.
    taken: HashMap<String, usize>,
    network: Network,
    image: Image,
    /// Its name in the network.
    host: String,
    run: Arc<Run>,
    /// The image of our own parts, where they are needed.
    parts: Option<String>,
    /// Who knows the names of the testbed in the network, and leads there.
    guide: Option<Part>,
}

impl Room {
    /// Opens one for the Core of `portal`, which apps know by the name `host`.
    pub(super) async fn open(
        run: Arc<Run>,
        image: &Image,
        parts: Option<String>,
        portal: &str,
        host: &str,
    ) -> Result<Room, EngineError> {
        let network = Network::create(&run, portal).await?;
        Ok(Room {
            container: None,
            seats: Vec::new(),
            lanes: HashMap::new(),
            taken: HashMap::new(),
            network,
            image: image.clone(),
            host: host.to_owned(),
            run,
            parts,
            guide: None,
        })
    }

    /// Has a guide from now on: what starts in the network finds the testbed's names, and at port `port` what they stand for.
    /// The testbed's side of it listens in this folder.
    pub(super) async fn guided(&mut self, folder: &Path, port: u16) -> Result<(), EngineError> {
        let said = port.to_string();
        let argv = ["guide", "--folder", GUIDE, "--port", &said];
        let mounts = vec![Mounted { outside: folder.to_owned(), inside: GUIDE.to_owned(), writable: true }];
        let plan = PartPlan { what: "guide", argv: &argv, mounts, aliases: Vec::new(), port };
        self.guide = Some(Part::start(&self.run, &self.network, self.parts()?, plan).await?);
        Ok(())
    }

    /// Under which the Core reaches this machine.
    pub(super) fn gateway(&self) -> IpAddr {
        self.network.gateway().into()
    }

    /// Starts the Core's container: the one that there is, where nothing has changed, or else another one.
    pub(super) async fn launch(
        &mut self,
        launch: &Launch,
        folder: &Path,
        log: &Log,
        finder: &Finder,
    ) -> Result<(Started, SocketAddr), EngineError> {
        let same = self.container.as_ref().filter(|(known, _)| known == launch).map(|(_, container)| container.clone());
        let container = match same {
            Some(container) => container,
            None => {
                if let Some((_, old)) = self.container.take() {
                    old.remove().await?;
                }
                let made = Arc::new(self.create(launch, folder).await?);
                self.container.insert((launch.clone(), made)).1.clone()
            }
        };
        let started = container.start(log, finder).await?;
        let address = container.address(&self.network).await?;
        Ok((started, SocketAddr::new(address, self.image.port)))
    }

    async fn create(&self, launch: &Launch, folder: &Path) -> Result<Container, EngineError> {
        let mounted =
            |outside: PathBuf, inside: &str, writable| Mounted { outside, inside: inside.to_owned(), writable };
        let resolver = match &self.guide {
            Some(guide) => Some(guide.address(&self.network).await?.ip()),
            None => None,
        };
        let plan = ContainerPlan {
            argv: launch.argv.clone(),
            env: launch.env.clone(),
            aliases: vec![self.host.clone()],
            mounts: vec![
                mounted(folder.join("data"), &self.image.data, true),
                mounted(folder.join("files"), FILES, false),
            ],
            user: self.image.user.clone(),
            resolver,
            ..ContainerPlan::new("core", self.image_name()?, &self.network)
        };
        Container::create(&self.run, plan).await
    }

    /// The seat of whoever goes by that name: from now on the same one.
    pub(super) async fn seat(&mut self, whose: &str) -> Result<Seat, EngineError> {
        let number = match self.taken.get(whose) {
            Some(number) => *number,
            None => {
                let number = self.taken.len();
                if number == self.seats.len() {
                    let to = format!("{}:{}", self.host, self.image.port);
                    let seat = SeatContainer::start(&self.run, &self.network, self.parts()?, &to).await?;
                    self.seats.push(seat);
                }
                self.taken.insert(whose.to_owned(), number);
                number
            }
        };
        Ok(self.seats[number].seat())
    }

    fn image_name(&self) -> Result<&str, EngineError> {
        self.image.name.as_deref().map_or_else(|| self.parts(), Ok)
    }

    fn parts(&self) -> Result<&str, EngineError> {
        let missing =
            || EngineError::Failed { what: "a part of ours".to_owned(), why: "there is no image for it".to_owned() };
        self.parts.as_deref().ok_or_else(missing)
    }

    /// The way to this domain, by these names, is cut: a network disconnect. Where it leads now.
    pub(super) async fn cut(&mut self, domain: &str, names: &Names) -> Result<SocketAddr, EngineError> {
        let laid = match self.lanes.remove(domain) {
            Some(lane) => lane,
            None => Lane::lay(&self.run, &self.network, self.parts()?, names.whole(), domain).await?,
        };
        let lane = self.lanes.entry(domain.to_owned()).or_insert(laid);
        lane.join(&self.network, true).await?;
        let address = lane.address(&self.network).await?;
        lane.join(&self.network, false).await?;
        Ok(address)
    }

    /// The way to this domain is whole again, if it was cut.
    pub(super) async fn mend(&mut self, domain: &str) -> Result<(), EngineError> {
        match self.lanes.get_mut(domain) {
            Some(lane) => lane.join(&self.network, true).await,
            None => Ok(()),
        }
    }

    /// Nobody sits any more, and no way is cut.
    pub(super) fn rise(&mut self) {
        self.taken.clear();
        self.lanes.clear();
    }

    /// Takes everything away.
    pub(super) async fn close(mut self) -> Result<(), EngineError> {
        let seats = std::mem::take(&mut self.seats).into_iter().map(SeatContainer::remove);
        let lanes = std::mem::take(&mut self.lanes).into_values().map(Lane::remove);
        let core = self.container.take();
        let core = async move {
            match &core {
                Some((_, container)) => container.remove().await,
                None => Ok(()),
            }
        };
        let guide = futures_util::future::join_all(self.guide.take().map(Part::remove));
        let others = (futures_util::future::join_all(seats), futures_util::future::join_all(lanes), guide);
        let (seats, lanes, guide, core) = tokio::join!(others.0, others.1, others.2, core);
        seats.into_iter().chain(lanes).chain(guide).collect::<Result<Vec<()>, _>>()?;
        core?;
        self.network.remove().await
    }
}
