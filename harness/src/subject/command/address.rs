//! Addresses on loopback for Cores, without taking a port and giving it back.
//!
//! Linux has the whole of 127.0.0.0/8. A Core gets an address of its own; for as long as it may need it, a UDP socket is
//! bound to the very same numbers, which keeps every other run away and leaves TCP to the Core.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const TRIES: usize = 20;
/// Ports that no system gives to outgoing connections: one of those would be in the way of whoever wants to listen.
const FIRST_PORT: u16 = 20_000;
const LAST_PORT: u16 = 32_000;
/// How long asking whether somebody listens may take. On loopback it takes no time.
const ASK: Duration = Duration::from_secs(2);

/// An address that is one's own as long as this is held.
#[derive(Debug)]
pub(crate) struct Reserved {
    address: SocketAddr,
    _held: UdpSocket,
}

impl Reserved {
    /// One more.
    pub(crate) async fn new() -> io::Result<Reserved> {
        Reserved::among(|| Ok((own_ip()?, 0).into())).await
    }

    /// A port of 127.0.0.1, for a program that can be told no more than a port.
    pub(crate) async fn port() -> io::Result<Reserved> {
        Reserved::among(|| {
            let [a, b] = random()?;
            let port = FIRST_PORT + u16::from_be_bytes([a, b]) % (LAST_PORT - FIRST_PORT);
            Ok((Ipv4Addr::LOCALHOST, port).into())
        })
        .await
    }

    async fn among(address: impl Fn() -> io::Result<SocketAddr>) -> io::Result<Reserved> {
        let mut last = io::Error::other("there is no free address on loopback");
        for _ in 0..TRIES {
            match UdpSocket::bind(address()?).await {
                Ok(held) => {
                    let address = held.local_addr()?;
                    // Somebody may listen on this port of all addresses.
                    if let Ok(Err(error)) = timeout(ASK, TcpStream::connect(address)).await
                        && error.kind() == io::ErrorKind::ConnectionRefused
                    {
                        return Ok(Reserved { address, _held: held });
                    }
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address of loopback that hardly anyone else has.
pub(crate) fn own_ip() -> io::Result<IpAddr> {
    if !cfg!(target_os = "linux") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let [a, b, c] = random()?;
    Ok(IpAddr::V4(Ipv4Addr::new(127, 64 + a % 128, b, 1 + c % 254)))
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("this machine has no randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_is_reserved_can_be_listened_on_and_is_nobody_else_s() {
        let one = Reserved::new().await.unwrap();
        let other = Reserved::new().await.unwrap();
        assert_ne!(one.address(), other.address());
        assert!(one.address().ip().is_loopback());
        let listener = TcpListener::bind(one.address()).await.unwrap();
        TcpStream::connect(one.address()).await.unwrap();
        drop(listener);
        let again = UdpSocket::bind(one.address()).await.unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
    }
}
