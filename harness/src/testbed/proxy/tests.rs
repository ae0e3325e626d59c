//! The proxy over real sockets, between an outside client, an app, and an app that plays the Core.

mod bounds;
mod forwarding;
mod probes;
mod reading;
mod routing;

use std::sync::Arc;

use portal_core::clock::{Clock, SettableClock};
use tokio::net::TcpListener;

use super::{Proxy, ProxyConfig, ProxyHandle, ProxyLimits, ProxyListeners, Upstreams};
use crate::testbed::faults::Faults;
use crate::testbed::names::Names;
use crate::testbed::pki::Pki;
use crate::testbed::{Answer, EchoApp, OutsideClient};
use crate::trace::Trace;
use crate::wire::{Call, Reply};

const DOMAIN: &str = "abc123.p.example";
const APP: &str = "app.abc123.p.example";

/// A Portal whose Core is played by an echo app: it permits what it is told to permit.
struct Scene {
    pki: Pki,
    clock: Arc<dyn Clock>,
    names: Names,
    trace: Trace,
    core: EchoApp,
    app: EchoApp,
    proxy: ProxyHandle,
    client: OutsideClient,
}

impl Scene {
    async fn new() -> Scene {
        Scene::with(Faults::NONE, ProxyLimits::default()).await
    }

    async fn with(faults: impl Into<Faults>, limits: ProxyLimits) -> Scene {
        let faults = faults.into();
        Scene::configured(|config| ProxyConfig { limits, faults, ..config }).await
    }

    async fn configured(change: impl FnOnce(ProxyConfig) -> ProxyConfig) -> Scene {
        let clock: Arc<dyn Clock> = Arc::new(SettableClock::running());
        let trace = Trace::new();
        let pki = Pki::new(&*clock).unwrap();
        let core = EchoApp::start("core", "core", listener().await, Trace::new()).unwrap();
        let app = EchoApp::start("b", "app", listener().await, trace.clone()).unwrap();
        core.answer_at("/internal/auth", Answer::status(200));
        core.answer_at("/internal/authenticate_terminal", Answer::status(401));
        let upstreams = Upstreams::new(core.address());
        upstreams.set_app("app", app.address());
        let tls = pki.server_config(DOMAIN, clock.clone()).unwrap();
        let config = ProxyConfig { trace: trace.clone(), ..ProxyConfig::new("b", DOMAIN, upstreams, tls) };
        let proxy = Proxy::start(change(config), ProxyListeners::bind().await.unwrap()).unwrap();
        let names = Names::new().unwrap();
        names.insert_address(DOMAIN, proxy.address());
        let roots = Arc::new(pki.client_config(clock.clone()).unwrap());
        let client = OutsideClient::new(names.clone(), roots, trace.clone(), 443);
        Scene { pki, clock, names, trace, core, app, proxy, client }
    }

    /// The Core permits, with these fields.
    fn permit(&self, fields: &[(&str, &str)]) {
        let permit = fields.iter().fold(Answer::status(200), |answer, (name, value)| answer.field(*name, value));
        self.core.answer_at("/internal/auth", permit);
    }

    /// The Core answers the question with this status.
    fn refuse(&self, status: u16) {
        self.core.answer_at("/internal/auth", Answer::json(&serde_json::json!({"code": "no"})).with_status(status));
    }

    async fn send(&self, call: Call) -> Reply {
        self.client.send(APP, call).await.unwrap()
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// The reason that the proxy itself gave.
fn code(reply: &Reply) -> String {
    reply.json().and_then(|body| Some(body.get("code")?.as_str()?.to_owned())).unwrap_or_default()
}
