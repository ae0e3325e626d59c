//! A request whose answer a real app gives: it goes there as it came, and stands in the inbox and in the trace all the same.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::inbox::Received;
use super::server::Desk;
use crate::trace::{Body, Hop, Tap, Trace};
use crate::wire::relay::{After, Caller, Witness, relay};
use crate::wire::{Arrived, Fields, Framing, Head, WireError};

/// How long connecting may take. On one machine it takes no time.
const CONNECT: Duration = Duration::from_secs(5);

/// Passes a request on to the app at `authority`. What can be done with the connection afterwards.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    desk: &Desk,
    caller: Caller<'_, S>,
    head: &Head,
    (hop, seq): (&Hop, u64),
    authority: &str,
) -> io::Result<After> {
    let Caller { io, buffer } = caller;
    let mut witness = Noting { desk, head, hop, seq };
    let passed = match connect(authority).await {
        Ok(upstream) => relay(Caller { io, buffer }, head, upstream, &mut witness).await,
        Err(source) => Err(source),
    };
    match passed {
        Ok(after) => Ok(after),
        Err(error) => {
            let why = format!("{} on {} does not answer at {authority}: {error}", desk.app, desk.portal);
            unavailable(io, &why, &desk.trace, hop).await
        }
    }
}

/// 502 with a reason, in the words of the testbed.
pub(in crate::testbed) async fn unavailable<S: AsyncWrite + Unpin>(
    io: &mut S,
    why: &str,
    trace: &Trace,
    hop: &Hop,
) -> io::Result<After> {
    let body = json!({ "error": "app_unavailable", "reason": why }).to_string();
    let fields: Fields =
        [("content-type", "application/json"), ("content-length", &body.len().to_string()), ("connection", "close")]
            .into_iter()
            .collect();
    let kept = Body::arrived(body.as_bytes(), body.len() as u64, true);
    trace.record(hop.answer(502, &fields.to_header_map()).with_note(why).with_body(kept));
    let mut answer = b"HTTP/1.1 502 Bad Gateway\r\n".to_vec();
    fields.write_to(&mut answer);
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body.as_bytes());
    io.write_all(&answer).await?;
    io.flush().await?;
    Ok(After::Drain)
}

async fn connect(authority: &str) -> Result<TcpStream, WireError> {
    let slow = || WireError::TooSlow { what: format!("connection to {authority}"), within: CONNECT };
    let stream = timeout(CONNECT, TcpStream::connect(authority)).await.map_err(|_| slow())??;
    // Small messages must not wait for each other.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Puts down what passes.
struct Noting<'a> {
    desk: &'a Desk,
    head: &'a Head,
    hop: &'a Hop,
    /// Its place in the trace.
    seq: u64,
}

impl Witness for Noting<'_> {
    fn begin_request(&mut self, framing: Framing) -> Tap {
        framing.tap(&self.desk.trace, self.seq)
    }

    fn request(&mut self, body: Arrived) {
        self.desk.inbox.keep(Received::new(&self.desk.portal, &self.desk.app, self.head, Some(body)));
    }

    fn answer(&mut self, status: u16, fields: &Fields, framing: Framing) -> Tap {
        let trace = &self.desk.trace;
        framing.tap(trace, trace.record(self.hop.answer(status, &fields.to_header_map())))
    }
}
