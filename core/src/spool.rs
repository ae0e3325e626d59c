//! Takes a request body in before it is sent on, because its digest goes first (RFC 9530, CALL-3, SIG-3):
//! in memory up to a limit, then in a temporary file that has no name, then refused.

use std::{
    collections::VecDeque,
    fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncSeekExt, AsyncWriteExt, ReadBuf},
    time::timeout,
};

/// The size of the pieces in which a spooled body is read back from its file.
const PIECE: usize = 64 * 1024;
/// A piece that came in smaller than this is joined with others, so that tiny chunks don't cost a page each.
const JOIN_BELOW: usize = 4 * 1024;
/// How many trailer fields a request may have.
const MAX_TRAILERS: usize = 64;

/// How much of a body is taken in, and where it is put.
#[derive(Clone, Debug)]
pub struct SpoolLimits {
    /// How many bytes are kept in memory, for each request.
    pub memory: usize,
    /// How many bytes a body may have at all.
    pub total: u64,
    /// Where larger bodies are put; none for the system's folder of temporary files.
    pub folder: Option<PathBuf>,
    /// How long the sender may pause within a body.
    pub idle: Duration,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        SpoolLimits { memory: 256 * 1024, total: 2 << 30, folder: None, idle: Duration::from_secs(60) }
    }
}

/// Why a body could not be taken in.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The body has more bytes than allowed.
    #[error("the body has more than the {limit} bytes that are allowed")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The sender went away or broke the framing in the middle of the body.
    #[error("the body broke off: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The sender paused for too long.
    #[error("the body did not go on for {0:?}")]
    Stalled(Duration),
    /// The temporary file could not be written.
    #[error("the body could not be put aside: {0}")]
    Disk(#[from] io::Error),
}

/// A body that is here as a whole.
pub struct Spooled {
    content: Content,
    length: u64,
    trailers: Option<HeaderMap>,
}

enum Content {
    Memory(VecDeque<Bytes>),
    File(File),
}

impl fmt::Debug for Spooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spooled").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Takes `body` in, showing every byte to `digest` on the way.
///
/// # Errors
/// When the body is larger than allowed, breaks off, stalls, or can't be put aside.
pub async fn spool<B>(body: B, limits: &SpoolLimits, mut digest: impl FnMut(&[u8])) -> Result<Spooled, SpoolError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = SpoolError::TooLarge { limit: limits.total };
    // A declared length is refused before any of the body is read.
    if body.size_hint().lower() > limits.total {
        return Err(too_large);
    }
    let mut body = std::pin::pin!(body);
    let mut pieces = Pieces::default();
    let mut file: Option<File> = None;
    let mut length = 0_u64;
    let mut trailers = None;
    loop {
        let frame = timeout(limits.idle, body.frame()).await.map_err(|_| SpoolError::Stalled(limits.idle))?;
        let Some(frame) = frame else { break };
        match frame.map_err(|error| SpoolError::Broken(error.into()))?.into_data() {
            Ok(data) => {
                length += data.len() as u64;
                if length > limits.total {
                    return Err(too_large);
                }
                digest(&data);
                if let Some(file) = &mut file {
                    file.write_all(&data).await?;
                } else {
                    pieces.push(data);
                    if length > limits.memory as u64 {
                        file = Some(pieces.into_file(limits).await?);
                        pieces = Pieces::default();
                    }
                }
            }
            Err(frame) => {
                if let Ok(fields) = frame.into_trailers() {
                    if fields.len() > MAX_TRAILERS {
                        return Err(SpoolError::Broken("too many trailer fields".into()));
                    }
                    trailers = Some(fields);
                }
            }
        }
    }
    let content = match file {
        Some(mut file) => {
            file.flush().await?;
            file.rewind().await?;
            Content::File(file)
        }
        None => Content::Memory(pieces.finish()),
    };
    Ok(Spooled { content, length, trailers })
}

impl Spooled {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Spooled { content: Content::Memory(VecDeque::new()), length: 0, trailers: None }
    }

    /// How many bytes the body has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The trailer fields that came after the body.
    #[must_use]
    pub fn trailers(&self) -> Option<&HeaderMap> {
        self.trailers.as_ref()
    }

    /// Whether the body was put into a file.
    #[must_use]
    pub fn is_on_disk(&self) -> bool {
        matches!(self.content, Content::File(_))
    }

    /// The body as it can be sent; `progress` counts the bytes that have been taken from it.
    #[must_use]
    pub fn into_body(self, progress: Progress) -> SpooledBody {
        SpooledBody {
            content: self.content,
            left: self.length,
            trailers: self.trailers,
            buffer: BytesMut::new(),
            progress,
        }
    }
}

/// Counts what has been sent of a body, so that a slow transfer can be told from a silent peer.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// How many bytes have been taken so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A spooled body on its way out.
pub struct SpooledBody {
    content: Content,
    left: u64,
    trailers: Option<HeaderMap>,
    buffer: BytesMut,
    progress: Progress,
}

impl fmt::Debug for SpooledBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpooledBody").field("left", &self.left).finish_non_exhaustive()
    }
}

impl Body for SpooledBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(this.trailers.take().map(|fields| Ok(Frame::trailers(fields))));
        }
        let data = match &mut this.content {
            Content::Memory(pieces) => pieces.pop_front().unwrap_or_default(),
            Content::File(file) => match ready!(read_piece(file, &mut this.buffer, cx)) {
                Ok(data) => data,
                Err(error) => return Poll::Ready(Some(Err(error))),
            },
        };
        if data.is_empty() {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        this.left = this.left.saturating_sub(data.len() as u64);
        this.progress.add(data.len());
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // With an exact length hyper would frame by Content-Length, which leaves no room for trailers.
        if self.trailers.is_some() { SizeHint::default() } else { SizeHint::with_exact(self.left) }
    }
}

fn read_piece(file: &mut File, buffer: &mut BytesMut, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
    buffer.resize(PIECE, 0);
    let mut space = ReadBuf::new(buffer);
    ready!(Pin::new(file).poll_read(cx, &mut space))?;
    let filled = space.filled().len();
    Poll::Ready(Ok(buffer.split_to(filled).freeze()))
}

/// What is kept in memory, with tiny pieces joined.
#[derive(Default)]
struct Pieces {
    whole: VecDeque<Bytes>,
    joining: BytesMut,
}

impl Pieces {
    fn push(&mut self, data: Bytes) {
        if data.len() < JOIN_BELOW {
            self.joining.extend_from_slice(&data);
            if self.joining.len() < JOIN_BELOW {
                return;
            }
        } else if !self.joining.is_empty() {
            self.whole.push_back(self.joining.split().freeze());
            self.whole.push_back(data);
            return;
        } else {
            self.whole.push_back(data);
            return;
        }
        self.whole.push_back(self.joining.split().freeze());
    }

    fn finish(mut self) -> VecDeque<Bytes> {
        if !self.joining.is_empty() {
            self.whole.push_back(self.joining.split().freeze());
        }
        self.whole
    }

    async fn into_file(self, limits: &SpoolLimits) -> io::Result<File> {
        let folder = limits.folder.clone();
        let file = tokio::task::spawn_blocking(move || match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        })
        .await
        .map_err(io::Error::other)??;
        let mut file = File::from_std(file);
        for piece in self.finish() {
            file.write_all(&piece).await?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn limits(memory: usize, total: u64) -> SpoolLimits {
        SpoolLimits { memory, total, folder: None, idle: Duration::from_secs(5) }
    }

    fn chunked(pieces: Vec<Frame<Bytes>>) -> impl Body<Data = Bytes, Error = io::Error> {
        StreamBody::new(stream::iter(pieces.into_iter().map(Ok)))
    }

    async fn read_back(spooled: Spooled) -> (Vec<u8>, Option<HeaderMap>) {
        let collected = spooled.into_body(Progress::default()).collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes().to_vec(), trailers)
    }

    #[tokio::test]
    async fn a_small_body_stays_in_memory() {
        let mut seen = Vec::new();
        let body = Full::new(Bytes::from_static(b"hello"));
        let spooled = spool(body, &limits(10, 100), |data| seen.extend_from_slice(data)).await.unwrap();
        assert!(!spooled.is_on_disk());
        assert_eq!((spooled.length(), seen.as_slice()), (5, b"hello".as_slice()));
        assert_eq!(read_back(spooled).await.0, b"hello");
    }

    #[tokio::test]
    async fn many_odd_pieces_come_back_in_order_from_memory_and_from_disk() {
        let pieces: Vec<Vec<u8>> = (0..200_usize).map(|i| vec![u8::try_from(i).unwrap(); (i * 131) % 9000]).collect();
        let expected = pieces.concat();
        for memory in [expected.len(), expected.len() / 2, 0] {
            let frames = pieces.iter().map(|piece| Frame::data(Bytes::from(piece.clone()))).collect();
            let mut seen = Vec::new();
            let spooled =
                spool(chunked(frames), &limits(memory, 1 << 30), |data| seen.extend_from_slice(data)).await.unwrap();
            assert_eq!(spooled.is_on_disk(), memory < expected.len());
            assert!(seen == expected, "the digest saw every byte in order");
            assert!(read_back(spooled).await.0 == expected, "memory {memory}");
        }
    }

    #[tokio::test]
    async fn a_body_is_allowed_up_to_the_limit_and_refused_beyond() {
        let body =
            || chunked(vec![Frame::data(Bytes::from_static(b"12345")), Frame::data(Bytes::from_static(b"67890"))]);
        assert_eq!(spool(body(), &limits(4, 10), |_| ()).await.unwrap().length(), 10);
        assert!(matches!(spool(body(), &limits(4, 9), |_| ()).await, Err(SpoolError::TooLarge { limit: 9 })));
    }

    #[tokio::test]
    async fn a_declared_length_over_the_limit_is_refused_before_reading() {
        let mut read = 0;
        let refused =
            spool(Full::new(Bytes::from_static(b"1234567890")), &limits(4, 9), |data| read += data.len()).await;
        assert!(matches!(refused, Err(SpoolError::TooLarge { limit: 9 })));
        assert_eq!(read, 0);
    }

    #[tokio::test]
    async fn trailers_are_kept_and_leave_the_length_open() {
        let mut fields = HeaderMap::new();
        fields.insert("x-sum", "1".parse().unwrap());
        let body = chunked(vec![Frame::data(Bytes::from_static(b"abc")), Frame::trailers(fields.clone())]);
        let spooled = spool(body, &limits(10, 100), |_| ()).await.unwrap();
        let (bytes, trailers) = read_back(spooled).await;
        assert_eq!((bytes.as_slice(), trailers), (b"abc".as_slice(), Some(fields)));
    }

    #[tokio::test]
    async fn a_sender_that_goes_silent_is_given_up() {
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, io::Error>>());
        let limits = SpoolLimits { idle: Duration::from_millis(10), ..limits(10, 10) };
        assert!(matches!(spool(body, &limits, |_| ()).await, Err(SpoolError::Stalled(_))));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error() {
        let frames =
            vec![Ok(Frame::data(Bytes::from_static(b"a"))), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
        let refused = spool(StreamBody::new(stream::iter(frames)), &limits(10, 10), |_| ()).await;
        assert!(matches!(refused, Err(SpoolError::Broken(_))));
    }
}
