//! A request passed on as it came and its answer handed back as it comes, both ways at once, and tunnels likewise.

use std::io;
use std::pin::pin;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use super::body::{Gatherer, Take};
use super::{Arrived, Fields, Framing, Head, Reader, WireError};
use crate::trace::Tap;

/// What can be done with the caller's connection afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It can take the next request.
    Next,
    /// Nothing more will be said; the other side closes.
    Drain,
    /// It is dropped at once.
    Cut,
}

/// Told what passes.
pub(crate) trait Witness: Send {
    /// The body of the request goes by: what takes it.
    fn begin_request(&mut self, framing: Framing) -> Tap;
    /// The body of the request has gone by, whole or not.
    fn request(&mut self, body: Arrived);
    /// The head of the answer is there, and has not gone on yet; what takes its body.
    fn answer(&mut self, status: u16, fields: &Fields, framing: Framing) -> Tap;
}

/// The caller's side: its connection, and what was read of it too early.
pub(crate) struct Caller<'a, C> {
    pub(crate) io: &'a mut C,
    pub(crate) buffer: &'a mut BytesMut,
}

/// Passes a request on whose head is `head` to `upstream`, a connection that is for it alone.
///
/// # Errors
/// When there is no answer; then the caller has got nothing yet.
pub(crate) async fn relay<C, U>(
    caller: Caller<'_, C>,
    head: &Head,
    mut upstream: U,
    witness: &mut impl Witness,
) -> Result<After, WireError>
where
    C: AsyncRead + AsyncWrite + Unpin + Send,
    U: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Caller { io, buffer } = caller;
    let (method, _, version) = head.request_line()?;
    let mut answered = BytesMut::new();
    let end = {
        let (mut from_caller, mut to_caller) = tokio::io::split(&mut *io);
        let (mut from_upstream, mut to_upstream) = tokio::io::split(&mut upstream);
        let framing = Framing::of_request(&head.fields)?;
        let tap = witness.begin_request(framing);
        let mut sending = pin!(send(Reader::new(&mut from_caller, buffer), head, framing, &mut to_upstream, tap));
        let mut answer = Reader::new(&mut from_upstream, &mut answered);
        let mut gone = None;
        // Until the head of the answer is there.
        let answered = {
            let mut receiving = pin!(first_head(&mut answer, &mut to_caller));
            loop {
                tokio::select! {
                    biased;
                    sent = &mut sending, if gone.is_none() => {
                        let whole = sent.cut.is_none();
                        witness.request(sent);
                        gone = Some(whole);
                        if !whole {
                            // Whoever breaks off waits for no answer.
                            return Ok(After::Cut);
                        }
                    }
                    head = &mut receiving => break head?,
                }
            }
        };
        let (_, status, _) = answered.status_line()?;
        let framing = Framing::of_answer(&method, status, &answered.fields)?;
        let tap = witness.answer(status, &answered.fields, framing);
        if status == 101 {
            write_head(&mut to_caller, &answered).await?;
            End::Switched
        } else {
            let mut receiving = pin!(hand_back(&mut answer, &answered, framing, &mut to_caller, tap));
            let whole = loop {
                tokio::select! {
                    biased;
                    sent = &mut sending, if gone.is_none() => {
                        gone = Some(sent.cut.is_none());
                        witness.request(sent);
                    }
                    whole = &mut receiving => break whole,
                }
            };
            match whole {
                false => End::Over(After::Cut),
                // What is left of the request nobody will read.
                true if gone != Some(true) || framing == Framing::UntilClose || version == "HTTP/1.0" => {
                    End::Over(After::Drain)
                }
                true if closing(&head.fields) || closing(&answered.fields) => End::Over(After::Drain),
                true => End::Over(After::Next),
            }
        }
    };
    match end {
        End::Over(after) => Ok(after),
        End::Switched => {
            // Whatever either side said early belongs to the tunnel. Both may go without a word.
            let early = async {
                upstream.write_all(&buffer.split()).await?;
                io.write_all(&answered.split()).await?;
                io.flush().await?;
                copy_bidirectional(io, &mut upstream).await
            };
            let _ = early.await;
            Ok(After::Cut)
        }
    }
}

enum End {
    Over(After),
    Switched,
}

/// Sends a request; its body as it was.
async fn send<R: AsyncRead + Unpin, W: AsyncWrite + Unpin + Send>(
    mut body: Reader<'_, R>,
    head: &Head,
    framing: Framing,
    to: &mut W,
    tap: Tap,
) -> Arrived {
    let mut passing = Passing::new(to, framing, tap);
    // Where it can't be sent, the answer tells, or that there is none.
    passing.failed = write_head(passing.to, head).await.err();
    let passed = body.pieces(framing, &mut passing).await;
    passing.finish(passed).await
}

/// Hands back an answer. Whether all of it came, and went.
async fn hand_back<R: AsyncRead + Unpin, W: AsyncWrite + Unpin + Send>(
    body: &mut Reader<'_, R>,
    head: &Head,
    framing: Framing,
    to: &mut W,
    tap: Tap,
) -> bool {
    if write_head(to, head).await.is_err() {
        return false;
    }
    let mut passing = Passing { stops: true, ..Passing::new(to, framing, tap) };
    let passed = body.pieces(framing, &mut passing).await;
    passing.finish(passed).await.cut.is_none()
}

/// The head of the final answer, or of a change of protocols; interim ones are handed back.
async fn first_head<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    answer: &mut Reader<'_, R>,
    to_caller: &mut W,
) -> Result<Head, WireError> {
    loop {
        let head = answer.head().await?.ok_or(WireError::Closed)?;
        match head.status_line()?.1 {
            100 | 102..200 => write_head(to_caller, &head).await?,
            _ => return Ok(head),
        }
    }
}

/// A body that goes on as it comes, and is gathered beside.
struct Passing<'w, W> {
    to: &'w mut W,
    chunked: bool,
    gatherer: Gatherer,
    /// Why nothing goes on any more.
    failed: Option<io::Error>,
    /// Whether nothing more is read then.
    stops: bool,
}

impl<'w, W: AsyncWrite + Unpin + Send> Passing<'w, W> {
    fn new(to: &'w mut W, framing: Framing, tap: Tap) -> Passing<'w, W> {
        let gatherer = Arrived::gatherer(None).tapped(tap);
        Passing { to, chunked: framing == Framing::Chunked, gatherer, failed: None, stops: false }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failed.is_some() {
            return Ok(());
        }
        let written = async {
            self.to.write_all(bytes).await?;
            self.to.flush().await
        };
        match written.await {
            Err(error) if self.stops => Err(error),
            other => {
                self.failed = other.err();
                Ok(())
            }
        }
    }

    async fn finish(mut self, passed: Result<Fields, WireError>) -> Arrived {
        let ended = match passed {
            Ok(trailers) if self.chunked => {
                self.gatherer.end();
                let mut end = b"0\r\n".to_vec();
                trailers.write_to(&mut end);
                end.extend_from_slice(b"\r\n");
                self.write(&end).await.map(|()| trailers).map_err(WireError::from)
            }
            other => other,
        };
        match ended {
            Ok(trailers) => self.gatherer.finish(trailers, None),
            Err(error) => self.gatherer.finish(Fields::new(), Some(error.to_string())),
        }
    }
}

impl<W: AsyncWrite + Unpin + Send> Take for Passing<'_, W> {
    async fn take(&mut self, piece: &[u8]) -> io::Result<()> {
        self.gatherer.add(piece);
        if !self.chunked {
            return self.write(piece).await;
        }
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        self.write(&chunk).await
    }
}

async fn write_head<W: AsyncWrite + Unpin>(to: &mut W, head: &Head) -> io::Result<()> {
    let mut bytes = head.start_line.clone().into_bytes();
    bytes.extend_from_slice(b"\r\n");
    head.fields.write_to(&mut bytes);
    bytes.extend_from_slice(b"\r\n");
    to.write_all(&bytes).await?;
    to.flush().await
}

/// Whether nothing comes after a message with these fields.
pub(crate) fn closing(fields: &Fields) -> bool {
    fields.values("connection").any(|value| value.to_ascii_lowercase().contains("close"))
}
