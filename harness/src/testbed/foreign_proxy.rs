//! A proxy under test in the place of our own: what the testbed puts around it, so that all else stays as it is.
//!
//! ```text
//! caller ──▶ gate ──▶ proxy under test ──▶ core front ──▶ Core, wherever it is now
//!                              └─────────▶ reception ───▶ apps, by Host
//! ```
//!
//! The gate passes bytes, so that connections can be ended without ending the proxy. The core front and the reception
//! note the hops that they see; what happens under TLS nobody sees.

mod core_front;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use portal_core::profile::Profile;
use tokio::net::{TcpListener, TcpStream};

use self::core_front::CoreFront;
use super::echo_app::Reception;
use super::proxy::Upstreams;
use super::proxy::tasks::Tasks;
use crate::subject::SubjectError;
use crate::subject::proxy::{ProxyPlan, ProxySubject, RunningProxy};
use crate::trace::Trace;

/// What a proxy under test is started with, beside what it finds around it.
pub(super) struct Order {
    /// The Portal's name in the topology.
    pub(super) portal: String,
    /// `<short id>.<zone>`.
    pub(super) domain: String,
    /// The certificate for it, and its key, as PEM.
    pub(super) certificate: (String, String),
    /// The certificate of the authority.
    pub(super) ca_pem: String,
    /// Values of the Core's profile.
    pub(super) profile: Profile,
    /// Where the Core listens.
    pub(super) core: SocketAddr,
    /// Where hops are noted.
    pub(super) trace: Trace,
}

/// A proxy under test that runs, with what is around it. Dropped, all of it ends.
#[derive(Debug)]
pub(super) struct ForeignProxy {
    address: SocketAddr,
    upstreams: Upstreams,
    reception: Reception,
    tasks: Tasks,
    running: RunningProxy,
}

impl ForeignProxy {
    /// Starts one. It takes connections when this returns.
    pub(super) async fn start(subject: &ProxySubject, order: Order) -> Result<ForeignProxy, SubjectError> {
        let Order { portal, domain, certificate, ca_pem, profile, core, trace } = order;
        let failed = |error: io::Error| SubjectError::Start { portal: portal.clone(), why: error.to_string() };
        let upstreams = Upstreams::new(core);
        let tasks = Tasks::default();
        let reception = Reception::start(loopback().await.map_err(failed)?).map_err(failed)?;
        let front = CoreFront { portal: portal.clone(), upstreams: upstreams.clone(), trace };
        let core = front.serve(loopback().await.map_err(failed)?, &tasks).map_err(failed)?;
        let plan =
            ProxyPlan { portal: portal.clone(), domain, certificate, ca_pem, profile, core, apps: reception.address() };
        let running = subject.start(plan).await?;
        let gate = loopback().await.map_err(failed)?;
        let address = gate.local_addr().map_err(failed)?;
        tasks.spawn(open_gate(gate, running.address(), tasks.clone()));
        Ok(ForeignProxy { address, upstreams, reception, tasks, running })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn plain_address(&self) -> SocketAddr {
        self.running.plain_address()
    }

    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    pub(super) fn reception(&self) -> &Reception {
        &self.reception
    }

    pub(super) fn end_connections(&self) -> impl Future<Output = ()> + Send + use<> {
        let tasks = self.tasks.clone();
        async move { tasks.end_connections().await }
    }

    /// Ends all of it; nothing is left afterwards.
    pub(super) async fn shutdown(mut self) {
        self.tasks.end();
        self.running.stop().await;
        self.reception.stop().await;
        self.tasks.ended().await;
    }
}

impl Drop for ForeignProxy {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

async fn loopback() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

async fn open_gate(gate: TcpListener, proxy: SocketAddr, tasks: Tasks) {
    loop {
        let Ok((mut caller, _)) = gate.accept().await else { continue };
        let _ = caller.set_nodelay(true);
        tasks.spawn_connection(async move {
            let passed = async {
                let mut proxy = TcpStream::connect(proxy).await?;
                proxy.set_nodelay(true)?;
                tokio::io::copy_bidirectional(&mut caller, &mut proxy).await
            };
            if passed.await.is_err() {
                // As the proxy broke off, so does the gate.
                let _ = caller.set_zero_linger();
            }
        });
    }
}
