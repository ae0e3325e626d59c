//! Stands before a Core, where a proxy under test reaches it: notes the hops between the two, and changes no byte. The Core
//! may move; the proxy is told one address.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::testbed::proxy::Upstreams;
use crate::testbed::proxy::tasks::Tasks;
use crate::trace::{Hop, Party, Trace};
use crate::wire::{Framing, Head, Reader};

/// The longest head that is looked at.
const HEAD: usize = 256 * 1024;
/// The longest line with the size of a chunk, or trailer.
const LINE: usize = 16 * 1024;

/// Where it stands, and what it notes.
#[derive(Debug, Clone)]
pub(super) struct CoreFront {
    pub(super) portal: String,
    pub(super) upstreams: Upstreams,
    pub(super) trace: Trace,
}

impl CoreFront {
    /// Serves on this listener, in tasks of `tasks`.
    pub(super) fn serve(self, listener: TcpListener, tasks: &Tasks) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let connections = tasks.clone();
        tasks.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let front = self.clone();
                connections.spawn(async move {
                    // What ends a connection is for the proxy to see.
                    if front.pass(stream).await.is_err() {
                        tracing::debug!("a connection to the Core broke off");
                    }
                });
            }
        });
        Ok(address)
    }

    /// Passes requests and answers, one after the other, on a connection to where the Core is now.
    async fn pass(&self, proxy: TcpStream) -> io::Result<()> {
        let mut proxy = Side::new(proxy);
        let Some((raw, head)) = proxy.head().await? else { return Ok(()) };
        // Where nobody listens the proxy shall see what it would see at the Core's own address.
        let connected = TcpStream::connect(self.upstreams.core()).await;
        let mut core = Side::new(connected.inspect_err(|_| drop(proxy.stream.set_zero_linger()))?);
        let mut next = Some((raw, head));
        while let Some((raw, head)) = next {
            let fields = head.fields.to_header_map();
            let (method, target, _) = head.request_line().map_err(io::Error::other)?;
            let (from, to) = (Party::proxy(&self.portal), Party::core(&self.portal));
            let hop = Hop::request(from, to, &method, target, &fields);
            self.trace.record(hop.clone());
            core.stream.write_all(&raw).await?;
            let framing = Framing::of_request(&head.fields).map_err(io::Error::other)?;
            proxy.body(framing, &mut core.stream).await?;
            loop {
                let Some((raw, head)) = core.head().await? else { return Ok(()) };
                let (_, status, _) = head.status_line().map_err(io::Error::other)?;
                if status >= 200 || status == 101 {
                    self.trace.record(hop.answer(status, &head.fields.to_header_map()));
                }
                proxy.stream.write_all(&raw).await?;
                let framing = Framing::of_answer(&method, status, &head.fields).map_err(io::Error::other)?;
                core.body(framing, &mut proxy.stream).await?;
                if framing == Framing::UntilClose {
                    return proxy.stream.shutdown().await;
                }
                if status >= 200 {
                    break;
                }
            }
            next = proxy.head().await?;
        }
        Ok(())
    }
}

/// One side of a connection, and what was read of it too much.
struct Side<S> {
    stream: S,
    buffer: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    fn new(stream: S) -> Side<S> {
        Side { stream, buffer: BytesMut::new() }
    }

    /// The next head, as bytes and as what they say; none at the end.
    async fn head(&mut self) -> io::Result<Option<(BytesMut, Head)>> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let raw = self.buffer.split_to(at + 4);
                let read = Reader::new(&mut &raw[..], &mut BytesMut::new()).head().await.map_err(io::Error::other)?;
                return Ok(read.map(|head| (raw, head)));
            }
            if self.buffer.len() > HEAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn body(&mut self, framing: Framing, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        match framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.bytes(length, to).await,
            Framing::UntilClose => {
                to.write_all(&self.buffer.split()).await?;
                tokio::io::copy(&mut self.stream, to).await.map(drop)
            }
            Framing::Chunked => self.chunks(to).await,
        }
    }

    async fn bytes(&mut self, mut left: u64, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        while left > 0 {
            if self.buffer.is_empty() {
                self.fill().await?;
            }
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            to.write_all(&self.buffer.split_to(piece)).await?;
            left -= piece as u64;
        }
        Ok(())
    }

    /// RFC 9112 §7.1: chunks, the last one with the size 0, and trailers.
    async fn chunks(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        loop {
            let line = self.line(to).await?;
            let size = std::str::from_utf8(&line).unwrap_or_default().split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if size == 0 {
                while !self.line(to).await?.trim_ascii().is_empty() {}
                return Ok(());
            }
            self.bytes(size.saturating_add(2), to).await?;
        }
    }

    async fn line(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<BytesMut> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(at + 1);
                to.write_all(&line).await?;
                return Ok(line);
            }
            if self.buffer.len() > LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What goes on of these bytes as a body, and what is left.
    async fn passed(bytes: &[u8], framing: Framing) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut near, far) = tokio::io::duplex(bytes.len().max(1));
        near.write_all(bytes).await?;
        drop(near);
        let mut side = Side::new(far);
        let mut out = Vec::new();
        side.body(framing, &mut out).await?;
        side.stream.read_buf(&mut side.buffer).await?;
        Ok((out, side.buffer.to_vec()))
    }

    #[tokio::test]
    async fn bodies_pass_as_they_are_and_not_a_byte_more() {
        let chunked = b"5;x=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
        let (out, left) = passed(&[&chunked[..], b"GET"].concat(), Framing::Chunked).await.unwrap();
        assert_eq!((out.as_slice(), left.as_slice()), (&chunked[..], &b"GET"[..]));
        let (out, left) = passed(b"helloGET", Framing::Length(5)).await.unwrap();
        assert_eq!((out.as_slice(), left.as_slice()), (&b"hello"[..], &b"GET"[..]));
        assert!(passed(b"5\r\nhel", Framing::Chunked).await.is_err());
        assert!(passed(b"zz\r\n", Framing::Chunked).await.is_err());
        assert_eq!(passed(b"all", Framing::UntilClose).await.unwrap().0, b"all");
    }
}
