//! Starting Portals: many at a time, each ready when its own Core answers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use portal_core::clock::SettableClock;
use portal_core::profile::Profile;
use serde::Deserialize;

use super::Ground;
use super::error::TestbedError;
use super::foreign_proxy::{self, ForeignProxy};
use super::front::Front;
use super::identity::TestIdentity;
use super::portal::{About, Pieces, Portal};
use super::proxy::direct::Player;
use super::proxy::{Proxy, ProxyConfig, ProxyHandle, ProxyLimits, ProxyListeners, Upstreams};
use crate::subject::hooks::Hands;
use crate::subject::{CoreHandle, CorePlan, Storage, SubjectError};
use crate::topology::PortalPlan;
use crate::wire::Call;

/// How many Portals start, and how many peers are added, at the same moment.
const AT_ONCE: usize = 64;
/// Files that a Portal takes: listeners of Core, proxy, apps and doors, and connections while it starts.
const FILES_EACH: u64 = 8;
/// How long a Core that dies may take to be seen dead.
const DYING: Duration = Duration::from_millis(50);

/// What a Core says about itself, as far as the testbed needs it.
#[derive(Debug, Deserialize)]
pub(super) struct WhoAreYou {
    pub(super) id: String,
    pub(super) public_key_pem: String,
}

/// One Portal to be started.
pub(super) struct Order {
    pub(super) plan: PortalPlan,
    pub(super) key: Option<String>,
    pub(super) storage: Storage,
    /// Where its Core keeps its state from one testbed to the next.
    pub(super) data: Option<PathBuf>,
    pub(super) alone: bool,
    pub(super) known_key: bool,
    /// How many Portals were there before it.
    pub(super) position: usize,
}

/// Lets the process open enough files for so many Portals, as far as it may.
pub(super) fn allow_files(portals: usize) {
    let wanted = 1024 + FILES_EACH * portals as u64;
    if rlimit::Resource::NOFILE.get_soft().is_ok_and(|soft| soft < wanted) {
        // Where it may not, opening the first file too many tells.
        let _ = rlimit::increase_nofile_limit(wanted);
    }
}

/// Starts Portals, several at once, and gives them back in order.
pub(super) async fn portals(ground: &Arc<Ground>, orders: Vec<Order>) -> Result<Vec<Portal>, TestbedError> {
    let starting = orders.into_iter().map(|order| {
        let ground = Arc::clone(ground);
        spawned(async move { portal(&ground, order).await })
    });
    stream::iter(starting).buffered(AT_ONCE).try_collect().await
}

/// Adds peers, several at once. They are given as (who adds, whose ID).
pub(super) async fn introduce(pairs: Vec<(Portal, String)>) -> Result<(), TestbedError> {
    let adding = pairs.into_iter().map(|(portal, id)| spawned(async move { portal.add_peer(&id).await }));
    stream::iter(adding).buffer_unordered(AT_ONCE).try_collect().await
}

/// Runs it as a task that ends with the future.
async fn spawned<T: Send + 'static>(
    work: impl Future<Output = Result<T, TestbedError>> + Send + 'static,
) -> Result<T, TestbedError> {
    let task = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(work));
    task.await.map_err(|error| TestbedError::Task(error.to_string()))?
}

async fn portal(ground: &Ground, order: Order) -> Result<Portal, TestbedError> {
    let Order { plan, key, storage, data, alone, known_key, position } = order;
    let identity = key.as_deref().map(TestIdentity::from_private_key_pem).transpose()?;
    let expected = identity.as_ref().map(|identity| identity.id().to_owned());
    let clock = super::fresh_clock(ground.base.as_ref());
    let core = CorePlan {
        portal: plan.name.clone(),
        identity,
        profile: ground.profile.clone(),
        clock: clock.clone(),
        names: ground.names.view_of(&plan.name),
        tls: Arc::new(ground.pki.client_config(Arc::new(clock.clone()))?),
        ca_pem: ground.pki.ca_pem(),
        trace: ground.trace.clone(),
        storage,
        data,
        position,
        alone,
        known_key,
    };
    let core = ground.subject.start(core).await?;
    let who = match who_are_you(&plan.name, &core.hands(), core.address()).await {
        Ok(who) => who,
        Err(error) => return Err(of_death(&plan.name, &*core, error).await),
    };
    if let Some(expected) = expected.filter(|expected| *expected != who.id) {
        return Err(TestbedError::WrongInstance { portal: plan.name, expected, found: who.id });
    }

    let Profile { zone, cookie, .. } = &ground.profile;
    let domain = format!("{}.{zone}", who.id.get(..6).unwrap_or(&who.id));
    let proxy = match ground.subject.proxy() {
        None => Front::Own(own_proxy(ground, &plan.name, &domain, &clock, &*core).await?),
        Some(subject) => {
            let order = foreign_proxy::Order {
                portal: plan.name.clone(),
                domain: domain.clone(),
                certificate: ground.pki.pem_for(&domain)?,
                ca_pem: ground.pki.ca_pem(),
                profile: ground.profile.clone(),
                core: core.address(),
                trace: ground.trace.clone(),
            };
            Front::Foreign(Box::new(ForeignProxy::start(subject, order).await?))
        }
    };
    if let Some(direct) = &ground.direct {
        let player = Player {
            portal: plan.name.clone(),
            domain: domain.clone(),
            upstreams: proxy.upstreams().clone(),
            hands: core.hands(),
            cookie: cookie.clone(),
            trace: ground.trace.clone(),
        };
        direct.play(proxy.address(), player);
    }
    ground.names.insert_address(&domain, proxy.address());
    let about = About {
        name: plan.name,
        id: who.id,
        public_key_pem: who.public_key_pem,
        domain,
        clock,
        address: proxy.address(),
        plain_address: proxy.plain_address(),
    };
    let portal = Portal::new(Pieces {
        about,
        proxy,
        core,
        names: ground.names.clone(),
        trace: ground.trace.clone(),
        outside: ground.outside.clone(),
        nobody: ground.nobody,
        cookie: cookie.clone(),
    });
    for app in &plan.apps {
        portal.install(app).await?;
    }
    Ok(portal)
}

/// A proxy of the testbed, for `domain`.
async fn own_proxy(
    ground: &Ground,
    portal: &str,
    domain: &str,
    clock: &SettableClock,
    core: &dyn CoreHandle,
) -> Result<ProxyHandle, TestbedError> {
    let tls = ground.pki.server_config(domain, Arc::new(clock.clone()))?;
    let config = ProxyConfig {
        public_port: ground.profile.public_port,
        trace: ground.trace.clone(),
        faults: ground.subject.faults(),
        cookie: ground.profile.cookie.clone(),
        limits: proxy_limits(&ground.profile),
        surface: core.hands().surface().clone(),
        marks: ground.marks,
        ..ProxyConfig::new(portal, domain, Upstreams::new(core.address()), tls)
    };
    Ok(Proxy::start(config, ProxyListeners::bind().await?)?)
}

/// Bodies that a proxy checks are bounded as those that a Core passes on.
fn proxy_limits(profile: &Profile) -> ProxyLimits {
    let mut limits = ProxyLimits::default();
    limits.checked_body.total = profile.body_limit;
    limits.checked_body.memory = usize::try_from(profile.body_memory).unwrap_or(usize::MAX);
    limits
}

/// A Core that dies while it is asked has not answered wrongly.
async fn of_death(portal: &str, core: &dyn CoreHandle, error: TestbedError) -> TestbedError {
    match core.death(DYING).await {
        Some(why) => SubjectError::Start { portal: portal.to_owned(), why }.into(),
        None => error,
    }
}

/// Asks a Core who it is: its Portal is ready once it answers, and nobody else can answer in its place.
pub(super) async fn who_are_you(portal: &str, hands: &Hands, address: SocketAddr) -> Result<WhoAreYou, TestbedError> {
    let what = format!("asking the Core of {portal} who it is");
    let ask = hands.exchange(Call::get("/public/meta/whoareyou"), address);
    let reply = TestbedError::expect(&what, &[200], ask.await.map_err(TestbedError::wire(&*what))?)?;
    let malformed = |_| TestbedError::Refused { what, status: reply.status, body: reply.text() };
    let who: WhoAreYou = serde_json::from_slice(&reply.body).map_err(malformed)?;
    if who.id.len() < 6 || !who.id.is_ascii() {
        let expected = "an ID".to_owned();
        return Err(TestbedError::WrongInstance { portal: portal.to_owned(), expected, found: who.id });
    }
    Ok(who)
}
