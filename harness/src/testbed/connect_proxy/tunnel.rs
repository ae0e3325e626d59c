//! One connection to a CONNECT proxy: its request, the answer, then bytes both ways.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Desk, nodelay};
use crate::wire::{Head, Reader};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Serves one request, which is all that a connection is good for.
pub(super) async fn serve(desk: &Desk, mut client: TcpStream) {
    let mut early = BytesMut::new();
    match open(desk, &mut client, &mut early).await {
        Ok(None) => {}
        Ok(Some(target)) => {
            // Whoever breaks a tunnel knows it; the other side sees it end.
            let _ = carry(client, target, &early, desk.limits.idle).await;
        }
        Err(refusal) => refusal.answer(&mut client).await,
    }
}

/// The connection to the target, once the client has been told of it; none where the client left.
async fn open(desk: &Desk, client: &mut TcpStream, early: &mut BytesMut) -> Result<Option<TcpStream>, Refusal> {
    let Some(head) = read_head(desk, client, early).await? else { return Ok(None) };
    let (host, port) = host_asked_for(&head).inspect_err(|refusal| desk.note_refusal(refusal.reason.clone()))?;
    desk.asked.note(host.clone());
    let unknown = || Refusal::unreachable(format!("{host} is not a name of this testbed"));
    let address = desk.names.current().address_at(&host, port).ok_or_else(unknown)?;
    if desk.names.current().is_cut(&host) {
        // As with a black hole of our own: what is sent is taken, and nothing comes of it.
        let told = client.write_all(ESTABLISHED).await.is_ok();
        return Ok(connect(address, desk.limits.idle).await.ok().filter(|_| told));
    }
    let target = connect(address, desk.limits.connect).await;
    let target = target.map_err(|why| Refusal::unreachable(format!("{host}:{port} can't be reached: {why}")))?;
    nodelay(&target);
    let told = client.write_all(ESTABLISHED).await;
    Ok(told.is_ok().then_some(target))
}

async fn read_head(desk: &Desk, client: &mut TcpStream, early: &mut BytesMut) -> Result<Option<Head>, Refusal> {
    let noted = |status: &'static str, reason: String| {
        desk.note_refusal(reason.clone());
        Refusal { status, reason }
    };
    let mut bounded = client.take(desk.limits.head_bytes as u64);
    let read = timeout(desk.limits.head, Reader::new(&mut bounded, early).head()).await;
    match read {
        Ok(Ok(head)) => Ok(head),
        Ok(Err(_)) if bounded.limit() == 0 => {
            let reason = format!("a request head of more than {} bytes", desk.limits.head_bytes);
            Err(noted("431 Request Header Fields Too Large", reason))
        }
        Ok(Err(error)) => Err(noted("400 Bad Request", format!("a request head that breaks off: {error}"))),
        Err(_) => Err(noted("408 Request Timeout", format!("no request head within {:?}", desk.limits.head))),
    }
}

/// RFC 9110 §9.3.6: the target of CONNECT is host and port, nothing else.
fn host_asked_for(head: &Head) -> Result<(String, u16), Refusal> {
    let refuse = |status: &'static str, reason: String| Refusal { status, reason };
    let line: String = head.start_line.chars().take(200).collect();
    let (method, target, version) =
        head.request_line().map_err(|_| refuse("400 Bad Request", format!("`{line}` is no request line")))?;
    if method != "CONNECT" {
        let why = format!("`{line}`: this proxy only opens tunnels (CONNECT host:port), for https");
        return Err(refuse("405 Method Not Allowed", why));
    }
    if !version.starts_with("HTTP/1.") {
        return Err(refuse("505 HTTP Version Not Supported", format!("`{line}`: this proxy speaks HTTP/1.1")));
    }
    let parts = target.rsplit_once(':').filter(|(host, _)| is_host(host));
    let parts = parts.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok().filter(|port| *port > 0)?)));
    parts.ok_or_else(|| refuse("400 Bad Request", format!("`{line}`: CONNECT wants host:port")))
}

fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(allowed)
}

async fn connect(address: SocketAddr, within: Duration) -> Result<TcpStream, String> {
    match timeout(within, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no connection within {within:?}")),
    }
}

/// Carries bytes both ways until both sides have ended, one broke, or nothing has passed for `idle`.
async fn carry(client: TcpStream, target: TcpStream, early: &[u8], idle: Duration) -> io::Result<()> {
    let ((from_client, to_client), (from_target, mut to_target)) = (client.into_split(), target.into_split());
    to_target.write_all(early).await?;
    let passed = AtomicU64::new(0);
    tokio::try_join!(pump(from_client, to_target, &passed, idle), pump(from_target, to_client, &passed, idle),)?;
    Ok(())
}

/// `passed` counts what went in either direction: a tunnel is idle when both are.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    passed: &AtomicU64,
    idle: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let before = passed.load(Ordering::Relaxed);
        let count = match timeout(idle, from.read(&mut buffer)).await {
            Ok(count) => count?,
            Err(_) if passed.load(Ordering::Relaxed) != before => continue,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
        passed.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// Why there is no tunnel.
#[derive(Debug)]
struct Refusal {
    status: &'static str,
    reason: String,
}

impl Refusal {
    fn unreachable(reason: String) -> Refusal {
        Refusal { status: "502 Bad Gateway", reason }
    }

    async fn answer(self, client: &mut TcpStream) {
        let Refusal { status, reason } = self;
        let allow = if status.starts_with("405") { "Allow: CONNECT\r\n" } else { "" };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{allow}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{reason}",
            reason.len()
        );
        // Who does not listen any more misses nothing.
        let _ = client.write_all(answer.as_bytes()).await;
        let _ = client.shutdown().await;
    }
}
