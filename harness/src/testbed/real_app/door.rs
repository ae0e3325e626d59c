//! Between an app and its Core: what the app asks is noted, and goes on in the way in which its Core knows this app.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt as _, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::App;
use crate::testbed::echo_app::passed_on::unavailable;
use crate::trace::{Hop, Party, TRACE_FIELD, Tap, trace_id_of};
use crate::wire::relay::{After, Caller, Witness, relay};
use crate::wire::{Arrived, Fields, Framing, Head, Reader};

/// How many connections an app may have to its Core at a time.
const CONNECTIONS: usize = 512;
/// How long whoever closes last may take.
const LINGER: Duration = Duration::from_secs(5);

/// A listener for one app alone. The app knows it as `PORTAL_CORE_URL`, and as its `HTTP_PROXY`, so that a hard-coded
/// `http://portal_core` works. Gone when dropped.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Door {
    /// Opens one for this app.
    ///
    /// # Errors
    /// When there is no socket for it.
    pub async fn open(app: &App) -> io::Result<Door> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, app.clone()));
        Ok(Door { address, _task: AbortOnDropHandle::new(task) })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, app: App) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = loop {
            tokio::select! {
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => break accepted,
            }
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let app = app.clone();
        connections.spawn(async move {
            // What goes wrong on a connection is its app's affair.
            let _ = serve(stream, &app).await;
            drop(place);
        });
    }
}

async fn serve(mut io: TcpStream, app: &App) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let Ok(Some(head)) = Reader::new(&mut io, &mut buffer).head().await else { return Ok(()) };
        match pass(&mut io, &mut buffer, head, app).await? {
            After::Next => {}
            After::Cut => return Ok(()),
            After::Drain => {
                io.shutdown().await?;
                let _ = timeout(LINGER, copy(&mut io, &mut sink())).await;
                return Ok(());
            }
        }
    }
}

/// One request on its way to the Core, and its answer back.
async fn pass(io: &mut TcpStream, buffer: &mut BytesMut, mut head: Head, app: &App) -> io::Result<After> {
    let Ok((method, target, version)) = head.request_line() else { return Ok(After::Cut) };
    let (host, target) = asked(&method, &target);
    head.start_line = format!("{method} {target} {version}");
    if trace_id_of(&head.fields.to_header_map()).is_none() {
        let origin = Party::app(app.portal(), app.name());
        head.fields.push(TRACE_FIELD, app.trace().begin(origin));
    }
    let own = io.local_addr()?.to_string();
    let (party, core) = (Party::app(app.portal(), app.name()), Party::core(app.portal()));
    let hop = Hop::request(party, core, &method, &target, &head.fields.to_header_map());
    let seq = app.trace().record(hop.clone());
    if let Some(host) = host.filter(|host| !app.is_core(host) && *host != own) {
        let why = format!(
            "this proxy leads to the Portal's own Core alone, and not to {host}: put that host into NO_PROXY, or make the \
             request without HTTP_PROXY"
        );
        return unavailable(io, &why, app.trace(), &hop).await;
    }
    let way = match app.way_in().await {
        Ok(way) => way,
        Err(error) => {
            let why = format!("the Core of {} is not there: {error}", app.portal());
            return unavailable(io, &why, app.trace(), &hop).await;
        }
    };
    head.fields.remove("host");
    head.fields.remove("proxy-connection");
    head.fields.push_front("Host", &way.authority);
    if let Some((name, value)) = &way.header {
        head.fields.remove(name);
        head.fields.push(name, value);
    }
    if app.closes() {
        head.fields.remove("connection");
        head.fields.push("Connection", "close");
    }
    let mut noting = Noting { app, hop: &hop, seq };
    match relay(Caller { io, buffer }, &head, way.stream, &mut noting).await {
        Ok(after) => Ok(after),
        Err(error) => {
            let why = format!("the Core of {} gave no answer: {error}", app.portal());
            unavailable(io, &why, app.trace(), &hop).await
        }
    }
}

/// Whom a request is for, where it is made as to a proxy; and what it asks for, as an origin is asked.
fn asked(method: &str, target: &str) -> (Option<String>, String) {
    if method == "CONNECT" {
        return (Some(target.to_owned()), target.to_owned());
    }
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return (None, target.to_owned());
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (Some(authority.to_owned()), path)
}

/// Puts down what passes.
struct Noting<'a> {
    app: &'a App,
    hop: &'a Hop,
    /// Its place in the trace.
    seq: u64,
}

impl Witness for Noting<'_> {
    fn begin_request(&mut self, framing: Framing) -> Tap {
        framing.tap(self.app.trace(), self.seq)
    }

    fn request(&mut self, _body: Arrived) {}

    fn answer(&mut self, status: u16, fields: &Fields, framing: Framing) -> Tap {
        let trace = self.app.trace();
        framing.tap(trace, trace.record(self.hop.answer(status, &fields.to_header_map())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_to_a_proxy_becomes_one_to_an_origin() {
        let split = |target: &str| asked("GET", target);
        assert_eq!(split("/a?x=http://b"), (None, "/a?x=http://b".to_owned()));
        let core = || Some("portal_core".to_owned());
        assert_eq!(split("http://portal_core/a%2Fb?c"), (core(), "/a%2Fb?c".to_owned()));
        assert_eq!(split("HTTP://portal_core"), (core(), "/".to_owned()));
        assert_eq!(split("http://portal_core?x"), (core(), "/?x".to_owned()));
        assert_eq!(asked("CONNECT", "a:443"), (Some("a:443".to_owned()), "a:443".to_owned()));
    }
}
