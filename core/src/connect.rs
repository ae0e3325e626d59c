//! A TLS connection to a peer's proxy: resolved, connected, its certificate verified (CALL-8).

use std::{fmt, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{resolve::Resolve, way_out::WayOut};

/// How long each part of a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For resolving and connecting.
    pub connect: Duration,
    /// For the TLS handshake, once connected.
    pub handshake: Duration,
    /// For the head of the answer, counted from the last piece of the request that the peer took.
    pub answer: Duration,
    /// For a pause within the answer's body.
    pub stream_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            stream_idle: Duration::from_secs(300),
        }
    }
}

/// Where a request goes: a host name under the zone, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The host name.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Destination {
    /// The authority as it stands in Host: without the port where it is that of `https`.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == 443 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

/// Why a peer could not be asked, or did not answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// No connection: unknown name, nobody listening, or no route within the time allowed.
    #[error("{destination} can't be reached: {reason}")]
    Unreachable {
        /// Where the request should have gone.
        destination: Destination,
        /// What failed.
        reason: String,
    },
    /// The TLS handshake failed; the certificate is not that of the peer, for one.
    #[error("no trusted connection to {destination}: {reason}")]
    Untrusted {
        /// Where the request should have gone.
        destination: Destination,
        /// What failed.
        reason: String,
    },
    /// The peer took the connection and then said nothing within the time allowed.
    #[error("{destination} did not answer within {waited:?}")]
    Silent {
        /// Where the request went.
        destination: Destination,
        /// How long it had.
        waited: Duration,
    },
    /// The connection broke before there was an answer.
    #[error("{destination} broke off: {reason}")]
    Broken {
        /// Where the request went.
        destination: Destination,
        /// What failed.
        reason: String,
    },
}

/// Opens TLS connections.
#[derive(Clone, Debug)]
pub struct Connect {
    resolver: Arc<dyn Resolve>,
    tls: Arc<rustls::ClientConfig>,
    timeouts: Timeouts,
    way_out: WayOut,
}

impl Connect {
    /// Connects to what `resolver` answers, trusting what `tls` trusts. Sessions are not resumed: a resumed session
    /// shows no certificate, and one that has expired since would go unnoticed.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>, tls: &rustls::ClientConfig, timeouts: Timeouts) -> Self {
        let mut tls = tls.clone();
        tls.resumption = rustls::client::Resumption::disabled();
        if tls.alpn_protocols.is_empty() {
            tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        Connect { resolver, tls: Arc::new(tls), timeouts, way_out: WayOut::straight() }
    }

    /// Goes this way; a proxy looks names up itself.
    #[must_use]
    pub fn through(self, way_out: WayOut) -> Self {
        Connect { way_out, ..self }
    }

    /// Opens a connection to `destination`.
    ///
    /// # Errors
    /// When no address can be connected to, or the handshake fails, or either takes too long.
    pub async fn open(&self, destination: &Destination) -> Result<TlsStream<TcpStream>, SendError> {
        let unreachable = |reason: String| SendError::Unreachable { destination: destination.clone(), reason };
        let untrusted = |reason: String| SendError::Untrusted { destination: destination.clone(), reason };
        let name = ServerName::try_from(destination.host.clone()).map_err(|error| untrusted(error.to_string()))?;
        let tcp = self.reach(destination).await.map_err(unreachable)?;
        // A request is one write; waiting for more only delays it.
        let _ = tcp.set_nodelay(true);
        let handshake = TlsConnector::from(self.tls.clone()).connect(name, tcp);
        match timeout(self.timeouts.handshake, handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(untrusted(error.to_string())),
            Err(_) => Err(SendError::Silent { destination: destination.clone(), waited: self.timeouts.handshake }),
        }
    }

    async fn reach(&self, destination: &Destination) -> Result<TcpStream, String> {
        let deadline = Instant::now() + self.timeouts.connect;
        if let Some(tunnel) = self.way_out.tunnel(destination, deadline, self.timeouts.connect).await {
            return tunnel;
        }
        let too_long = || format!("no connection within {:?}", self.timeouts.connect);
        let addresses = timeout_at(deadline, self.resolver.resolve(&destination.host, destination.port))
            .await
            .map_err(|_| too_long())?
            .map_err(|error| error.to_string())?;
        let mut last = String::from("the name has no address");
        for address in addresses {
            match timeout_at(deadline, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => return Err(too_long()),
            }
        }
        Err(last)
    }
}
