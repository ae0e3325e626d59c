//! How a connection begins, as far as one can tell who it is for without being able to read it.

use std::io;

use rustls::server::Acceptor;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// The longest ClientHello that is read.
const LONGEST: usize = 64 << 10;
/// RFC 8446 §5.1: the content type of a record with a handshake message.
const HANDSHAKE: u8 = 22;

/// How a connection begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// With a TLS handshake, for this name in lower case, if it says one.
    Tls(Option<String>),
    /// Otherwise.
    Plain,
}

/// Reads as far as it takes to know; what was read is needed again.
pub(crate) async fn hello(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Hello> {
    let mut acceptor = Acceptor::default();
    loop {
        let before = read.len();
        if stream.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read.first() != Some(&HANDSHAKE) {
            return Ok(Hello::Plain);
        }
        if read.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut fresh = &read[before..];
        while !fresh.is_empty() {
            acceptor.read_tls(&mut fresh)?;
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    return Ok(Hello::Tls(accepted.client_hello().server_name().map(str::to_owned)));
                }
                Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use portal_core::clock::SettableClock;
    use rustls::pki_types::ServerName;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::testbed::pki::Pki;

    /// What somebody who says this begins with.
    async fn said(bytes: &[u8]) -> (io::Result<Hello>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        near.write_all(bytes).await.unwrap();
        near.shutdown().await.unwrap();
        let mut read = Vec::new();
        (hello(&mut far, &mut read).await, read)
    }

    /// How TLS begins, to a server of that name.
    pub(crate) fn client_hello(name: &str) -> Vec<u8> {
        let clock = SettableClock::running();
        let config = Pki::new(&clock).unwrap().client_config(Arc::new(clock)).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        connection.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[tokio::test]
    async fn tls_says_for_whom_and_what_was_read_is_kept() {
        // As a client may send it that does not lower it.
        let mut bytes = client_hello("chat.abc123.p.example");
        let at = bytes.windows(5).position(|window| window == b"chat.").unwrap();
        bytes[at] = b'C';
        let (hello, read) = said(&bytes).await;
        assert_eq!(hello.unwrap(), Hello::Tls(Some("chat.abc123.p.example".to_owned())));
        assert_eq!(read, bytes);
        assert_eq!(said(&client_hello("127.0.0.1")).await.0.unwrap(), Hello::Tls(None));
    }

    #[tokio::test]
    async fn what_is_no_handshake_is_told_from_a_broken_one() {
        let (hello, read) = said(b"GET / HTTP/1.1\r\n").await;
        assert_eq!((hello.unwrap(), &read[..5]), (Hello::Plain, &b"GET /"[..]));
        let broken = |found: io::Result<Hello>| found.unwrap_err().kind();
        assert_eq!(broken(said(b"").await.0), io::ErrorKind::UnexpectedEof);
        assert_eq!(broken(said(&client_hello("a.example")[..40]).await.0), io::ErrorKind::UnexpectedEof);
        assert_eq!(broken(said(&[22, 3, 1, 0, 2, 9, 9, 0, 0]).await.0), io::ErrorKind::InvalidData);
    }
}
