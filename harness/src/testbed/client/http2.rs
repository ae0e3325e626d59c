//! One exchange over HTTP/2.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::wire::{Arrived, Call, Content, Fields, Reply, WireError};

pub(super) async fn exchange<S>(io: S, authority: &str, call: &Call) -> Result<Reply, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let what = format!("{} {} at {authority}", call.method, call.target);
    let within = call.within;
    let whole = exchange_unbounded(io, authority, call);
    tokio::time::timeout(within, whole).await.map_err(|_| WireError::TooSlow { what, within })?
}

async fn exchange_unbounded<S>(io: S, authority: &str, call: &Call) -> Result<Reply, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| WireError::Http2(chain(&error));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.map_err(failed)?;
    let asking = async {
        let answer = sender.send_request(request(authority, call)?).await.map_err(failed)?;
        let (status, fields) = (answer.status().as_u16(), Fields::from_header_map(answer.headers()));
        let body = gather(answer.into_body(), call).await;
        Reply::new("HTTP/2".to_owned(), status, fields, body, Vec::new())
    };
    // The connection is driven here and not in a task, so that nothing outlives the exchange.
    tokio::pin!(asking, connection);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            reply = &mut asking => return reply,
            _ = &mut connection, if open => open = false,
        }
    }
}

fn request(
    authority: &str,
    call: &Call,
) -> Result<http::Request<impl hyper::body::Body<Data = Bytes, Error = Cut> + Send + use<>>, WireError> {
    let malformed = |error: http::Error| WireError::Malformed(error.to_string());
    let uri =
        if call.target.starts_with('/') { format!("https://{authority}{}", call.target) } else { call.target.clone() };
    let mut request = http::Request::builder().method(call.method.as_str()).uri(uri);
    for (name, value) in call.fields.iter() {
        request = request.header(name, value);
    }
    if !matches!(call.content, Content::None) && !call.chunked && !call.fields.contains("content-length") {
        request = request.header("content-length", call.content.length());
    }
    request.body(StreamBody::new(Box::pin(frames(call)))).map_err(malformed)
}

/// The body was to be cut off.
#[derive(Debug, thiserror::Error)]
#[error("cut off on purpose")]
struct Cut;

fn frames(call: &Call) -> impl stream::Stream<Item = Result<Frame<Bytes>, Cut>> + Send + use<> {
    struct State {
        call: Call,
        position: u64,
        trailers: Option<http::HeaderMap>,
    }
    let trailers = Some(call.trailers.to_header_map()).filter(|trailers| !trailers.is_empty());
    let begin = State { call: call.clone(), position: 0, trailers };
    stream::unfold(begin, |mut state| async move {
        if let Some((at, gate)) = &state.call.pause
            && state.position >= *at
        {
            gate.passed().await;
        }
        if state.call.cut_after.is_some_and(|cut| state.position >= cut) {
            return Some((Err(Cut), state));
        }
        let mut piece = state.call.content.piece(state.position);
        let stops = [state.call.cut_after, state.call.pause.as_ref().map(|(at, _)| *at)];
        if let Some(stop) = stops.into_iter().flatten().filter(|stop| *stop > state.position).min() {
            piece.truncate(usize::try_from(stop - state.position).unwrap_or(usize::MAX));
        }
        if piece.is_empty() {
            let trailers = state.trailers.take()?;
            return Some((Ok(Frame::trailers(trailers)), state));
        }
        state.position += piece.len() as u64;
        Some((Ok(Frame::data(piece)), state))
    })
}

async fn gather(mut body: hyper::body::Incoming, call: &Call) -> Arrived {
    let mut gatherer = Arrived::gatherer(call.begun.as_ref());
    let mut trailers = Fields::new();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => gatherer.add(&data),
            Ok(Err(frame)) => {
                if let Ok(map) = frame.into_trailers() {
                    trailers = Fields::from_header_map(&map);
                }
            }
            Err(error) => return gatherer.finish(trailers, Some(chain(&error))),
        }
    }
    gatherer.finish(trailers, None)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
