//! TLS with whoever connects.

use std::io;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::testbed::faults::{Faults, ProxyFault};

/// RFC 5246 §6.2.1: the content type of a record with a handshake message.
const HANDSHAKE: u8 = 22;
/// A record with a ServerHello of TLS 1.0, as far as that it is one.
const OLD_HELLO: &[u8] = &[HANDSHAKE, 3, 1, 0, 4, 2, 0, 0, 0];

/// Makes a connection safe.
#[derive(Clone)]
pub(super) struct Handshakes(Arc<ServerConfig>);

impl Handshakes {
    pub(super) fn new(tls: Arc<ServerConfig>) -> Handshakes {
        Handshakes(tls)
    }

    pub(super) async fn accept(&self, mut stream: TcpStream, faults: Faults) -> io::Result<TlsStream<TcpStream>> {
        if faults.has(ProxyFault::BeginsOldTls) && offers_old(&stream).await? {
            stream.write_all(OLD_HELLO).await?;
            return Err(io::ErrorKind::Unsupported.into());
        }
        let config = match () {
            () if faults.has(ProxyFault::SpeaksNoNewTls) => only(&self.0, &TLS12)?,
            () if faults.has(ProxyFault::SpeaksNewTlsOnly) => only(&self.0, &TLS13)?,
            () => Arc::clone(&self.0),
        };
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// Whether it begins with a ClientHello for less than TLS 1.2.
async fn offers_old(stream: &TcpStream) -> io::Result<bool> {
    // Record type, version and length; message type and length; the version that is offered (RFC 5246 §7.4.1.2).
    let mut begin = [0; 11];
    let read = stream.peek(&mut begin).await?;
    Ok(read == begin.len() && begin[0] == HANDSHAKE && begin[9] == 3 && begin[10] < 3)
}

fn only(config: &ServerConfig, version: &'static SupportedProtocolVersion) -> io::Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_details(config.crypto_provider().clone(), config.time_provider.clone());
    let builder = builder.with_protocol_versions(&[version]).map_err(io::Error::other)?;
    let mut only = builder.with_no_client_auth().with_cert_resolver(config.cert_resolver.clone());
    only.alpn_protocols.clone_from(&config.alpn_protocols);
    only.send_tls13_tickets = config.send_tls13_tickets;
    Ok(Arc::new(only))
}
