//! Connections: accepted within bounds, TLS, then HTTP/1.1 behind the guard, or HTTP/2.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::guard::{Guard, GuardLimits};
use super::handshake::Handshakes;
use super::plain::redirect;
use super::serve::{Caller, serve};
use super::timer::Timer;
use super::{Site, Sites};
use crate::testbed::faults::ProxyFault;

/// After a failure to accept, of file descriptors for instance.
const PAUSE: Duration = Duration::from_millis(20);
/// What an HTTP/2 connection is asked for when it is silent.
const PING: Duration = Duration::from_secs(20);

/// Serves HTTPS.
pub(super) async fn accept_tls(sites: Sites, listener: TcpListener, tls: Arc<ServerConfig>) {
    let handshakes = Handshakes::new(tls);
    accept(sites, listener, move |sites, stream, ip| {
        let handshakes = handshakes.clone();
        async move {
            let site = sites.now();
            let accepted = timeout(site.limits.handshake, handshakes.accept(stream, site.faults)).await;
            let Ok(Ok(stream)) = accepted else { return };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                http_2(sites, stream, ip).await;
            } else {
                http_1(sites, stream, ip, "https").await;
            }
        }
    })
    .await;
}

/// Redirects plain HTTP.
pub(super) async fn accept_plain(sites: Sites, listener: TcpListener) {
    accept(sites, listener, |sites, stream, ip| http_1(sites, stream, ip, "http")).await;
}

async fn accept<F>(sites: Sites, listener: TcpListener, serve: impl Fn(Sites, TcpStream, IpAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let site = sites.now();
    let at_once = if site.faults.has(ProxyFault::ServesOneAtATime) { 1 } else { site.limits.connections };
    let slots = Arc::new(Semaphore::new(at_once));
    loop {
        // The semaphore is never closed.
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let Ok((stream, address)) = listener.accept().await else {
            let mut pause = Timer::after(PAUSE);
            poll_fn(|cx| pause.poll(cx)).await;
            continue;
        };
        // Small answers must not wait for each other; without it they are merely late.
        let _ = stream.set_nodelay(true);
        let served = serve(sites.clone(), stream, address.ip());
        site.tasks.spawn_connection(async move {
            served.await;
            drop(slot);
        });
    }
}

/// What a proxy does wrong holds from the next request on, also on a connection that is open.
async fn http_1<S>(sites: Sites, stream: S, ip: IpAddr, scheme: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (site, faults) = (sites.now(), sites.clone());
    let (guard, verdicts) = Guard::new(stream, guard_limits(&site), move || faults.now().faults);
    let caller = Caller { ip, scheme, verdicts: Some(verdicts) };
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(site.limits.head)
        .max_headers(site.limits.fields + 1)
        .max_buf_size(site.limits.head_bytes.max(8192) + 64 * 1024)
        .half_close(true)
        .auto_date_header(false);
    let service = service_fn(|request| {
        let (site, caller) = (sites.now(), caller.clone());
        async move {
            let redirects = scheme == "http" && !site.faults.has(ProxyFault::ServesPlainHttp);
            Ok::<_, Infallible>(if redirects {
                redirect(&site, &caller, request)
            } else {
                serve(site, caller, request).await
            })
        }
    });
    // What goes wrong on a connection is its caller's affair.
    let _ = builder.serve_connection(TokioIo::new(guard), service).with_upgrades().await;
}

async fn http_2<S>(sites: Sites, stream: S, ip: IpAddr)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let site = sites.now();
    let caller = Caller { ip, scheme: "https", verdicts: None };
    let mut builder = http2::Builder::new(site.tasks.clone());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(site.limits.streams)
        .max_header_list_size(u32::try_from(site.limits.head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(site.limits.head)
        .auto_date_header(false);
    let io = TokioIo::new(Guard::transparent(stream, guard_limits(&site)));
    let service = service_fn(|request| {
        let (site, caller) = (sites.now(), caller.clone());
        async move { Ok::<_, Infallible>(serve(site, caller, request).await) }
    });
    // What goes wrong on a connection is its caller's affair.
    let _ = builder.serve_connection(io, service).await;
}

fn guard_limits(site: &Site) -> GuardLimits {
    GuardLimits { head_bytes: site.limits.head_bytes, fields: site.limits.fields, write_stall: site.limits.write_stall }
}
