//! Bytes from one side of the wall to the other: a line that says where to, then whatever comes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long such a line may be.
const LINE: u64 = 512;
/// How many connections are open at a time on each way; more wait.
const CONNECTIONS: usize = 1024;

/// Reads the line at the beginning.
pub(super) async fn line(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.take(LINE).read_line(&mut line).await?;
    line.ends_with('\n').then(|| line.trim().to_owned()).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Connects to a socket and says this line.
pub(super) async fn say(socket: &Path, line: &str) -> io::Result<BufReader<UnixStream>> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    Ok(BufReader::new(stream))
}

/// Passes bytes both ways until both sides have ended. Where one side breaks off, so does the other.
pub(super) async fn join(mut tcp: TcpStream, mut unix: BufReader<UnixStream>) {
    let _ = tcp.set_nodelay(true);
    if tokio::io::copy_bidirectional(&mut tcp, &mut unix).await.is_err() {
        break_off(tcp);
    }
}

/// Asks beyond `socket` for another connection, and passes bytes between the two, those first that were `read` already. Where
/// there is none, this one is broken off.
pub(super) async fn join_opened(tcp: TcpStream, read: &[u8], socket: &Path, asked: &str) {
    let opened = async {
        let mut unix = say(socket, asked).await?;
        // Only once somebody has taken the connection beyond is it one.
        line(&mut unix).await?;
        unix.write_all(read).await.map(|()| unix)
    };
    match opened.await {
        Ok(unix) => join(tcp, unix).await,
        Err(_) => break_off(tcp),
    }
}

/// Closes it so that the other side sees a reset, not an end.
pub(super) fn break_off(tcp: TcpStream) {
    let _ = tcp.set_zero_linger();
}

/// What takes connections.
pub(super) trait Listen: Send + Sync {
    /// One of them.
    type Connection: Send + 'static;

    /// The next one.
    fn next(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Listen for TcpListener {
    type Connection = (TcpStream, SocketAddr);

    async fn next(&self) -> io::Result<Self::Connection> {
        self.accept().await
    }
}

impl Listen for UnixListener {
    type Connection = UnixStream;

    async fn next(&self) -> io::Result<Self::Connection> {
        Ok(self.accept().await?.0)
    }
}

/// Serves every connection that `listener` takes, each as a task that ends with this one.
pub(super) async fn accept<L: Listen, S: Future<Output = ()> + Send + 'static>(
    listener: L,
    serve: impl Fn(L::Connection) -> S,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.next().await {
            Ok(connection) => {
                let serving = serve(connection);
                tasks.spawn(async move {
                    let _place = place;
                    serving.await;
                });
            }
            // A connection that was gone before it was taken, or no file left for it: the next one may do better.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Leads connections to `listener` to `inner`, beyond the socket `inlet`.
pub(super) async fn lead_in(listener: TcpListener, inlet: PathBuf, inner: SocketAddr) {
    accept(listener, |(tcp, from)| {
        let inlet = inlet.clone();
        async move { join_opened(tcp, &[], &inlet, &format!("{inner} {}", from.ip())).await }
    })
    .await;
}

/// Within: takes such a connection to where it wants to go.
pub(super) async fn let_in(stream: UnixStream) -> io::Result<()> {
    let mut unix = BufReader::new(stream);
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let asked = line(&mut unix).await?;
    let (to, from) = asked.split_once(' ').ok_or_else(malformed)?;
    let to: SocketAddr = to.parse().map_err(|_| malformed())?;
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // The default is what anything binds to: an app at an address of its own shall be seen there.
    if let Some(from) = from.parse::<Ipv4Addr>().ok().filter(|from| from.is_loopback() && *from != Ipv4Addr::LOCALHOST)
    {
        socket.bind(SocketAddr::from((from, 0)))?;
    }
    let tcp = socket.connect(to).await?;
    unix.write_all(b"ok\n").await?;
    join(tcp, unix).await;
    Ok(())
}
