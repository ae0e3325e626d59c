//! Someone outside: a browser, a paired terminal, a stranger. Reaches Portals by their public names, over TLS.

mod http2;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;

use super::names::Names;
use super::proxy::direct::Direct;
use crate::trace::{Party, TRACE_FIELD, Trace};
use crate::wire::{Call, Channel, Reply, WireError};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Makes requests from outside. Cheap to clone; a clone with a cookie is another client.
#[derive(Debug, Clone)]
pub struct OutsideClient {
    names: Names,
    tls: Arc<rustls::ClientConfig>,
    trace: Trace,
    public_port: u16,
    patience: Option<Duration>,
    pub(super) cookie: Option<String>,
    /// Where the suite plays the proxy, if it does.
    direct: Option<Direct>,
}

/// A TLS connection to a proxy, for several requests or for raw bytes.
#[derive(Debug)]
pub struct OutsideChannel {
    channel: Channel<TlsStream<TcpStream>>,
    authority: String,
    client: OutsideClient,
}

impl OutsideClient {
    pub(super) fn new(names: Names, tls: Arc<rustls::ClientConfig>, trace: Trace, public_port: u16) -> OutsideClient {
        OutsideClient { names, tls, trace, public_port, patience: None, cookie: None, direct: None }
    }

    /// The same client, which waits so long for an answer.
    pub(super) fn patient(self, patience: Option<Duration>) -> OutsideClient {
        OutsideClient { patience, ..self }
    }

    /// The same client, for whom the suite plays the proxies.
    pub(super) fn directly(self, direct: Direct) -> OutsideClient {
        OutsideClient { direct: Some(direct), ..self }
    }

    /// The same client with this value of the Cookie field on all requests.
    #[must_use]
    pub fn with_cookie(&self, cookie: impl Into<String>) -> OutsideClient {
        OutsideClient { cookie: Some(cookie.into()), ..self.clone() }
    }

    /// The same client with other trust roots or versions of TLS.
    #[must_use]
    pub fn with_tls(&self, tls: Arc<rustls::ClientConfig>) -> OutsideClient {
        OutsideClient { tls, ..self.clone() }
    }

    /// Sends a request to `host` over HTTP/1.1, on a connection of its own.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&self, host: &str, call: Call) -> Result<Reply, WireError> {
        if let Some(direct) = &self.direct
            && let Some(player) = self.names.address(host).and_then(|address| direct.at(address))
        {
            let (call, trace_id) = self.completed(call);
            let mut reply = player.send(&call, &self.authority(host)).await?;
            reply.trace_id = trace_id;
            return Ok(reply);
        }
        self.connect(host).await?.send(call).await
    }

    /// Sends a request to `host` over HTTP/2, on a connection of its own.
    ///
    /// # Errors
    /// When no whole answer comes, or the call can't be put into HTTP/2.
    pub async fn send_http2(&self, host: &str, call: Call) -> Result<Reply, WireError> {
        let (call, trace_id) = self.completed(call);
        let stream = self.handshake(host, host, &[b"h2"]).await?;
        let mut reply = http2::exchange(stream, &self.authority(host), &call).await?;
        reply.trace_id = trace_id;
        Ok(reply)
    }

    /// Opens a connection to `host` that speaks HTTP/1.1.
    ///
    /// # Errors
    /// When there is no such host, nobody listens there, or the handshake fails.
    pub async fn connect(&self, host: &str) -> Result<OutsideChannel, WireError> {
        self.connect_as(host, host).await
    }

    /// Opens a connection to where `host` is, but asks for `server_name` in the handshake.
    ///
    /// # Errors
    /// As [`OutsideClient::connect`].
    pub async fn connect_as(&self, host: &str, server_name: &str) -> Result<OutsideChannel, WireError> {
        let stream = self.handshake(host, server_name, &[b"http/1.1"]).await?;
        Ok(OutsideChannel { channel: Channel::new(stream), authority: self.authority(host), client: self.clone() })
    }

    /// Sends these bytes to `host` over TLS and reads one answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn raw(&self, host: &str, bytes: &[u8]) -> Result<Reply, WireError> {
        self.connect(host).await?.raw(bytes).await
    }

    /// Sends a request in plain HTTP to this address.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn plain(&self, address: SocketAddr, host: &str, call: Call) -> Result<Reply, WireError> {
        let (call, trace_id) = self.completed(call);
        let mut channel = Channel::new(connect(address).await?);
        let mut reply = channel.exchange(&call, host).await?;
        reply.trace_id = trace_id;
        Ok(reply)
    }

    /// Opens a WebSocket to `path` at `host`, with further fields.
    ///
    /// # Errors
    /// When the handshake is refused ([`tungstenite::Error::Http`] with the answer) or fails.
    pub async fn websocket(
        &self,
        host: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<WebSocketStream<TlsStream<TcpStream>>, tungstenite::Error> {
        use tungstenite::client::IntoClientRequest as _;
        let io = |error: WireError| tungstenite::Error::Io(std::io::Error::other(error));
        let stream = self.handshake(host, host, &[b"http/1.1"]).await.map_err(io)?;
        let mut request = format!("wss://{}{path}", self.authority(host)).into_client_request()?;
        let cookie = self.cookie.iter().map(|cookie| ("cookie", cookie.as_str()));
        for (name, value) in fields.iter().copied().chain(cookie) {
            let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(http::Error::from)?;
            request.headers_mut().append(name, http::HeaderValue::from_str(value).map_err(http::Error::from)?);
        }
        Ok(tokio_tungstenite::client_async(request, stream).await?.0)
    }

    /// Host with the public port, where it is not 443.
    pub fn authority(&self, host: &str) -> String {
        if self.public_port == 443 { host.to_owned() } else { format!("{host}:{}", self.public_port) }
    }

    async fn handshake(
        &self,
        host: &str,
        server_name: &str,
        alpn: &[&[u8]],
    ) -> Result<TlsStream<TcpStream>, WireError> {
        let address = self.names.address(host).ok_or_else(|| WireError::NoSuchHost(host.to_owned()))?;
        if self.direct.as_ref().is_some_and(|direct| direct.at(address).is_some()) {
            return Err(WireError::NeedsProxy("a connection of its own, or bytes on it"));
        }
        let stream = connect(address).await?;
        let mut tls = rustls::ClientConfig::clone(&self.tls);
        tls.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from(server_name.to_owned());
        let name = name.map_err(|_| WireError::NoSuchHost(server_name.to_owned()))?;
        let handshake = TlsConnector::from(Arc::new(tls)).connect(name, stream);
        let slow = |_| WireError::TooSlow { what: format!("TLS handshake with {host}"), within: CONNECT };
        let done = tokio::time::timeout(CONNECT, handshake).await.map_err(slow)?;
        done.map_err(|source| WireError::Tls { host: host.to_owned(), source })
    }

    /// With cookie and trace id, where the call has none of its own.
    fn completed(&self, mut call: Call) -> (Call, Option<String>) {
        if let Some(cookie) = &self.cookie
            && !call.fields.contains("cookie")
        {
            call.fields.push("cookie", cookie);
        }
        let trace_id = traced(&mut call, &self.trace, || Party::Outside);
        (call.patient(self.patience), trace_id)
    }
}

impl OutsideChannel {
    /// Sends a request on this connection.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&mut self, call: Call) -> Result<Reply, WireError> {
        let (call, trace_id) = self.client.completed(call);
        let mut reply = self.channel.exchange(&call, &self.authority).await?;
        reply.trace_id = trace_id;
        Ok(reply)
    }

    /// Sends these bytes and reads one answer, as if to a GET.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<Reply, WireError> {
        self.channel.raw(bytes, "GET", CONNECT).await
    }

    /// Sends these bytes and reads answers until the proxy closes.
    ///
    /// # Errors
    /// When it does not close within 5 seconds, or not a single answer comes.
    pub async fn raw_until_close(&mut self, bytes: &[u8]) -> Result<Vec<Reply>, WireError> {
        self.channel.raw_until_close(bytes, CONNECT).await
    }

    /// Sends these bytes and reads answers until the proxy closes, or for that long: see [`Channel::raw_replies`].
    pub async fn raw_replies(&mut self, bytes: &[u8], within: Duration) -> (Vec<Reply>, WireError) {
        self.channel.raw_replies(bytes, within).await
    }

    /// The TLS connection itself.
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        self.channel.into_inner().0
    }
}

/// Opens a TCP connection, bounded.
pub(crate) async fn connect(to: SocketAddr) -> Result<TcpStream, WireError> {
    let slow = |_| WireError::TooSlow { what: format!("connection to {to}"), within: CONNECT };
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(to)).await.map_err(slow)?;
    let stream = stream.map_err(|source| WireError::Connect { to, source })?;
    // A request is one write; waiting for more only delays it.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The same from an address of one's own.
pub(crate) async fn connect_from(source: IpAddr, to: SocketAddr) -> Result<TcpStream, WireError> {
    let connecting = async {
        let socket = if source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(source, 0))?;
        socket.connect(to).await
    };
    let slow = |_| WireError::TooSlow { what: format!("connection to {to}"), within: CONNECT };
    let connected = tokio::time::timeout(CONNECT, connecting).await.map_err(slow)?;
    connected.map_err(|source| WireError::Connect { to, source })
}

/// Gives the call a trace id unless it has one. The id that it then has.
pub(super) fn traced(call: &mut Call, trace: &Trace, origin: impl FnOnce() -> Party) -> Option<String> {
    if !call.fields.contains(TRACE_FIELD) {
        call.fields.push(TRACE_FIELD, trace.begin(origin()));
    }
    call.fields.get(TRACE_FIELD)
}
