//! One port for all Portals: a browser's connection goes, by the name that it asks for in its TLS handshake, to the proxy
//! of that Portal, as it is. Nothing is decrypted here, but for the host on which a terminal logs in.

use std::io::{self, Cursor};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::LiveError;
use super::terminals::Logins;
use crate::hello::{Hello, hello};
use crate::testbed::names::Names;
use crate::wire::Reader;

/// How many connections there may be at a time.
const CONNECTIONS: usize = 1024;
/// How long a handshake may take to begin.
const HELLO: Duration = Duration::from_secs(10);

/// Where browsers connect to.
#[derive(Debug)]
pub(super) struct Listeners {
    v4: TcpListener,
    v6: Option<TcpListener>,
    port: u16,
}

impl Listeners {
    /// On this port, or on the usual one, or on any that is free.
    pub(super) async fn bind(port: Option<u16>, usual: u16) -> Result<Listeners, LiveError> {
        let v4 = match port {
            Some(port) => listen(port).await.map_err(|source| LiveError::Port { port, source })?,
            None => match listen(usual).await {
                Ok(listener) => listener,
                Err(_) => listen(0).await?,
            },
        };
        let port = v4.local_addr()?.port();
        // Browsers try both families for a name under localhost. Not every machine has this one.
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        Ok(Listeners { v4, v6, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// The listeners, being served. Gone when dropped.
#[derive(Debug)]
pub(super) struct Browser {
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Browser {
    pub(super) fn start(listeners: Listeners, names: Names, logins: Arc<Logins>) -> Browser {
        let port = listeners.port;
        let way = Way { names, logins, port, places: Arc::new(Semaphore::new(CONNECTIONS)) };
        let listeners = [Some(listeners.v4), listeners.v6].into_iter().flatten();
        let tasks = listeners.map(|listener| AbortOnDropHandle::new(tokio::spawn(accept(listener, way.clone()))));
        Browser { _tasks: tasks.collect() }
    }
}

#[derive(Debug, Clone)]
struct Way {
    names: Names,
    logins: Arc<Logins>,
    port: u16,
    places: Arc<Semaphore>,
}

async fn accept(listener: TcpListener, way: Way) {
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&way.places).acquire_owned().await else { return };
        let accepted = loop {
            tokio::select! {
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => break accepted,
            }
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let way = way.clone();
        connections.spawn(async move {
            // What goes wrong on a connection is its browser's affair.
            let _ = way.serve(stream).await;
            drop(place);
        });
    }
}

impl Way {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut read = Vec::new();
        let hello = timeout(HELLO, hello(&mut stream, &mut read)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let host = match hello {
            Hello::Tls(host) => host,
            Hello::Plain => return self.redirect(stream, &read).await,
        };
        let Some(host) = host else { return Ok(()) };
        if self.logins.is_for(&host) {
            let (from, to) = stream.into_split();
            let stream = tokio::io::join(Cursor::new(read).chain(from), to);
            return self.logins.serve(&host, stream).await;
        }
        // A name that is none of ours, or nobody there: the handshake ends, as it would elsewhere.
        let Some(address) = self.names.address(&host) else { return Ok(()) };
        let mut proxy = TcpStream::connect(address).await?;
        proxy.set_nodelay(true)?;
        proxy.write_all(&read).await?;
        copy_bidirectional(&mut stream, &mut proxy).await.map(drop)
    }

    /// Whoever asks in plain HTTP meant HTTPS.
    async fn redirect(&self, mut stream: TcpStream, read: &[u8]) -> io::Result<()> {
        let mut buffer = BytesMut::from(read);
        let head = timeout(HELLO, Reader::new(&mut stream, &mut buffer).head()).await;
        let Ok(Ok(Some(head))) = head else { return Ok(()) };
        let host = head.fields.get("host").unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        let target = head.request_line().map(|(_, target, _)| target).unwrap_or_default();
        let answer = match self.names.address(host).filter(|_| target.starts_with('/')) {
            Some(_) => format!(
                "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://{host}:{}{target}\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n",
                self.port
            ),
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}
