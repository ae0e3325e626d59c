//! The way out of a network of containers: a resolver for the names of the testbed, and doors to what they stand for.
//!
//! All names lead to the address of the guide itself. Where a connection wants to go is in its TLS handshake (RFC 6066 §3).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{OUT, relay, resolver};
use crate::hello::{Hello, hello};

/// How long a handshake may take to begin.
const HELLO: Duration = Duration::from_secs(10);

/// What the side outside says about it.
#[derive(Debug)]
pub(crate) struct Guide {
    /// Where the socket of the testbed is.
    pub(crate) folder: PathBuf,
    /// The port of the resolver.
    pub(crate) dns: u16,
    /// The public port.
    pub(crate) port: u16,
}

/// Serves until the future is dropped.
///
/// # Errors
/// When a port is not to be had.
pub(crate) async fn serve(guide: Guide) -> io::Result<()> {
    let Guide { folder, dns, port } = guide;
    let bound = |port: u16, error: io::Error| io::Error::new(error.kind(), format!("port {port}: {error}"));
    let resolver = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, dns)).await.map_err(|error| bound(dns, error))?;
    let doors = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.map_err(|error| bound(port, error))?;
    let out = folder.join(OUT);
    tokio::join!(resolve(resolver, &out), lead_out(doors, &out));
    Ok(())
}

async fn resolve(socket: UdpSocket, out: &Path) {
    resolver::serve(socket, out, async |known, from| {
        let own = seen_from(from).await?;
        Ok(known.map(|_| own))
    })
    .await;
}

/// The address under which whoever is there reaches this machine.
async fn seen_from(there: SocketAddr) -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    // Sends nothing: the system only chooses a way.
    socket.connect(there).await?;
    match socket.local_addr()?.ip() {
        IpAddr::V4(own) => Ok(own),
        IpAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

async fn lead_out(listener: TcpListener, out: &Path) {
    relay::accept(listener, |(tcp, _)| {
        let out = out.to_owned();
        lead_one(tcp, out)
    })
    .await;
}

async fn lead_one(mut tcp: TcpStream, out: PathBuf) {
    let mut read = Vec::new();
    match timeout(HELLO, hello(&mut tcp, &mut read)).await {
        Ok(Ok(Hello::Tls(Some(host)))) => relay::join_opened(tcp, &read, &out, &format!("host {host}")).await,
        // It does not say where it wants to go.
        _ => relay::break_off(tcp),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_util::task::AbortOnDropHandle;

    use super::super::dns::{self, tests::query};
    use super::super::{Namespace, NamespacePlan};
    use super::*;
    use crate::hello::tests::client_hello;
    use crate::testbed::names::Names;

    /// A guide to one Portal, whose proxy is this listener: its resolver and its doors.
    async fn guide() -> (Namespace, TcpListener, SocketAddr, SocketAddr, [AbortOnDropHandle<()>; 2]) {
        let portal = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let names = Names::new().unwrap();
        names.insert_address("abc123.p.example", portal.local_addr().unwrap());
        let outside = Namespace::open(NamespacePlan::new(names).unwrap()).unwrap();
        let resolver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let doors = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = (resolver.local_addr().unwrap(), doors.local_addr().unwrap());
        let out = outside.folder().join(OUT);
        let other = out.clone();
        let resolving = AbortOnDropHandle::new(tokio::spawn(async move { resolve(resolver, &out).await }));
        let leading = AbortOnDropHandle::new(tokio::spawn(async move { lead_out(doors, &other).await }));
        (outside, portal, at.0, at.1, [resolving, leading])
    }

    async fn asked(resolver: SocketAddr, name: &str) -> Vec<u8> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&query(name, 1), resolver).await.unwrap();
        let mut answer = vec![0; dns::MESSAGE];
        let length = socket.recv(&mut answer).await.unwrap();
        answer.truncate(length);
        answer
    }

    #[tokio::test]
    async fn all_names_lead_to_the_guide_and_no_others_are_known() {
        let (outside, _portal, resolver, _, _tasks) = guide().await;
        assert_eq!(asked(resolver, "chat.abc123.p.example").await[34 + 5..].last_chunk(), Some(&[127, 0, 0, 1]));
        let unknown = asked(resolver, "evil.example").await;
        assert_eq!((unknown[3] & 15, unknown[7]), (3, 0), "no such name");
        assert_eq!(outside.lookups(), ["chat.abc123.p.example", "evil.example"]);
    }

    #[tokio::test]
    async fn a_connection_goes_where_its_handshake_says_and_nowhere_without() {
        timeout(HELLO, led_and_lost()).await.expect("what was said arrives");
    }

    async fn led_and_lost() {
        let (_outside, portal, _, doors, _tasks) = guide().await;
        let bytes = client_hello("chat.abc123.p.example");
        let mut near = TcpStream::connect(doors).await.unwrap();
        near.write_all(&bytes).await.unwrap();
        let (mut far, _) = portal.accept().await.unwrap();
        let mut came = vec![0; bytes.len()];
        far.read_exact(&mut came).await.unwrap();
        assert_eq!(came, bytes, "nothing of what was read is lost");
        far.write_all(b"hello").await.unwrap();
        let mut told = [0; 5];
        near.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"hello");

        for lost in [client_hello("evil.example"), client_hello("127.0.0.1"), b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
            let mut near = TcpStream::connect(doors).await.unwrap();
            near.write_all(&lost).await.unwrap();
            let broken = near.read(&mut told).await.map_err(|error| error.kind());
            assert!(matches!(broken, Ok(0) | Err(io::ErrorKind::ConnectionReset)), "{broken:?}");
        }
    }
}
