//! Serves HTTP/1.1 as it is on the wire, with or without TLS, in the way that it is told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Body, Conduct};
use super::inbox::{Inbox, Received};
use super::passed_on;
use crate::trace::{Hop, HopKind, Party, Trace, trace_id_of};
use crate::wire::relay::{After, Caller, closing};
use crate::wire::{Content, Fields, Framing, Gate, Head, Outgoing, Reader};

/// What a server knows: what arrived and what it shall answer.
#[derive(Debug)]
pub(in crate::testbed) struct Desk {
    pub(in crate::testbed) portal: String,
    pub(in crate::testbed) app: String,
    pub(super) inbox: Inbox,
    place: Place,
    pub(super) trace: Trace,
    answers: Mutex<Answers>,
    opened_by_body: Mutex<Option<Gate>>,
    frozen: watch::Sender<bool>,
}

/// Where in the sequence a server stands; decides how its hops are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::testbed) enum Place {
    /// An app behind the proxy of its Portal.
    App,
    /// In place of a Portal's proxy.
    Front,
}

#[derive(Debug)]
struct Answers {
    once: VecDeque<Answer>,
    at: HashMap<String, Answer>,
    else_: Answer,
}

impl Desk {
    pub(in crate::testbed) fn new(portal: &str, app: &str, place: Place, trace: Trace) -> Desk {
        let answers = Answers { once: VecDeque::new(), at: HashMap::new(), else_: Answer::echo() };
        Desk {
            portal: portal.to_owned(),
            app: app.to_owned(),
            inbox: Inbox::new(),
            place,
            trace,
            answers: Mutex::new(answers),
            opened_by_body: Mutex::default(),
            frozen: watch::Sender::new(false),
        }
    }

    /// Does nothing from now on, or goes on where it was.
    pub(super) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    async fn thawed(&self) {
        // `self` holds the sender: waiting ends with the thaw.
        let _ = self.frozen.subscribe().wait_for(|frozen| !frozen).await;
    }

    pub(in crate::testbed) fn answer_once(&self, answer: Answer) {
        self.answers().once.push_back(answer);
    }

    pub(in crate::testbed) fn answer_at(&self, path: &str, answer: Answer) {
        self.answers().at.insert(path.to_owned(), answer);
    }

    pub(in crate::testbed) fn answer_with(&self, answer: Answer) {
        self.answers().else_ = answer;
    }

    pub(in crate::testbed) fn open_with_body(&self, gate: &Gate) {
        *self.opened_by_body.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate.clone());
    }

    fn answer_for(&self, target: &str) -> Answer {
        let path = target.split('?').next().unwrap_or_default();
        let mut answers = self.answers();
        if let Some(answer) = answers.at.get(path) {
            return answer.clone();
        }
        answers.once.pop_front().unwrap_or_else(|| answers.else_.clone())
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hop, and its place in the trace.
    fn record_request(&self, head: &Head) -> (Hop, u64) {
        let fields = head.fields.to_header_map();
        let trace_id = trace_id_of(&fields);
        let (from, to) = match self.place {
            Place::App => (Party::proxy(&self.portal), Party::app(&self.portal, &self.app)),
            Place::Front => (self.trace.caller_of(trace_id.as_deref()), Party::proxy(&self.portal)),
        };
        let (method, target, _) = head.request_line().unwrap_or_default();
        let hop = Hop {
            trace_id,
            from,
            to,
            kind: HopKind::Request,
            method,
            target,
            status: None,
            fields: head.fields.to_readable(),
            note: None,
            body: None,
        };
        let seq = self.trace.record(hop.clone());
        (hop, seq)
    }
}

/// Who answers the requests of a connection.
#[derive(Debug, Clone)]
pub(in crate::testbed) enum Desks {
    /// The same one always.
    One(Arc<Desk>),
    /// The app that Host names with its first label, request by request.
    ByHost(Arc<Mutex<HashMap<String, Arc<Desk>>>>),
}

impl Desks {
    fn answering(&self, head: &Head) -> Option<Arc<Desk>> {
        match self {
            Desks::One(desk) => Some(Arc::clone(desk)),
            Desks::ByHost(desks) => {
                let host = head.fields.get("host")?.to_ascii_lowercase();
                let app = host.split('.').next().unwrap_or_default();
                desks.lock().unwrap_or_else(PoisonError::into_inner).get(app).cloned()
            }
        }
    }
}

/// A listener and the connections that came through it. Gone when dropped.
#[derive(Debug)]
pub(in crate::testbed) struct Server {
    address: SocketAddr,
    stopping: CancellationToken,
    entrances: mpsc::Sender<(Entrance, oneshot::Sender<()>)>,
    task: Option<JoinHandle<()>>,
}

/// How a connection begins.
#[derive(Debug, Clone)]
pub(in crate::testbed) enum Entrance {
    /// In plain text.
    Plain,
    /// In plain text where TLS is expected: a TLS handshake is answered in plain text.
    PlainInsteadOfTls,
    /// With TLS.
    Tls(Arc<rustls::ServerConfig>),
    /// Closed as soon as the other side says something.
    BreaksOff,
}

impl Server {
    pub(in crate::testbed) fn start(
        listener: TcpListener,
        entrance: Entrance,
        desks: Desks,
    ) -> std::io::Result<Server> {
        let address = listener.local_addr()?;
        let stopping = CancellationToken::new();
        let (entrances, changes) = mpsc::channel(1);
        let task = tokio::spawn(accept(listener, entrance, changes, desks, stopping.clone()));
        Ok(Server { address, stopping, entrances, task: Some(task) })
    }

    /// Ends all connections; new ones begin like this.
    pub(in crate::testbed) async fn change_entrance(&self, entrance: Entrance) {
        let (done, told) = oneshot::channel();
        // Where the server has stopped, there is nothing to change.
        if self.entrances.send((entrance, done)).await.is_ok() {
            let _ = told.await;
        }
    }

    pub(in crate::testbed) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and waits until they are gone.
    pub(in crate::testbed) async fn stop(&mut self) {
        self.stopping.cancel();
        if let Some(task) = self.task.take() {
            // A panic in the task has been reported by the runtime already.
            let _ = task.await;
        }
    }
}

impl Server {
    pub(super) fn end_now(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_now();
    }
}

async fn accept(
    listener: TcpListener,
    mut entrance: Entrance,
    mut changes: mpsc::Receiver<(Entrance, oneshot::Sender<()>)>,
    desks: Desks,
    stopping: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            Some(_) = connections.join_next() => {}
            Some((changed, done)) = changes.recv() => {
                connections.shutdown().await;
                entrance = changed;
                let _ = done.send(());
            }
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let _ = socket.set_nodelay(true);
                let (entrance, desks) = (entrance.clone(), desks.clone());
                connections.spawn(async move {
                    // What ends a connection is for its other side to tell.
                    let _ = match entrance {
                        Entrance::Plain => serve(socket, &desks).await,
                        Entrance::PlainInsteadOfTls => serve_plainly(socket, &desks).await,
                        Entrance::Tls(tls) => match TlsAcceptor::from(tls).accept(socket).await {
                            Ok(socket) => serve(socket, &desks).await,
                            Err(error) => Err(error),
                        },
                        Entrance::BreaksOff => socket.readable().await,
                    };
                });
            }
        }
    }
    connections.shutdown().await;
}

/// What a server that knows nothing of TLS makes of a handshake is no request.
async fn serve_plainly(mut io: TcpStream, desks: &Desks) -> std::io::Result<()> {
    /// RFC 8446 §5.1: the content type of a record with a handshake message.
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    io.peek(&mut first).await?;
    if first != [HANDSHAKE] {
        return serve(io, desks).await;
    }
    io.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
    io.shutdown().await?;
    tokio::io::copy(&mut io, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut io: S, desks: &Desks) -> std::io::Result<()> {
    let mut buffer = BytesMut::new();
    loop {
        let Ok(Some(head)) = Reader::new(&mut io, &mut buffer).head().await else { return Ok(()) };
        // Where there is no such app, nobody is there to answer.
        let Some(desk) = desks.answering(&head) else { return Ok(()) };
        let desk = &*desk;
        desk.thawed().await;
        desk.inbox.arriving();
        let (_, target, version) = head.request_line().unwrap_or_default();
        let answer = desk.answer_for(&target);
        let (hop, seq) = desk.record_request(&head);

        if let Conduct::PassedOn(authority) = &answer.conduct {
            let caller = Caller { io: &mut io, buffer: &mut buffer };
            match passed_on::serve(desk, caller, &head, (&hop, seq), authority).await? {
                After::Next => continue,
                After::Cut => return Ok(()),
                After::Drain => return drain(io).await,
            }
        }
        if let (Body::Echo, Some(key)) = (&answer.body, websocket_key(&head)) {
            desk.inbox.keep(Received::new(&desk.portal, &desk.app, &head, None));
            return echo_websocket(io, buffer, &key, desk, &hop).await;
        }

        let framing = Framing::of_request(&head.fields).unwrap_or(Framing::None);
        let tap = framing.tap(&desk.trace, seq);
        let body = if answer.before_body {
            drop(tap);
            None
        } else {
            if head.fields.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
                io.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                io.flush().await?;
            }
            let begun = desk.opened_by_body.lock().unwrap_or_else(PoisonError::into_inner).take();
            Some(Reader::new(&mut io, &mut buffer).tapped_body(framing, begun.as_ref(), tap).await)
        };
        let received = Received::new(&desk.portal, &desk.app, &head, body);
        desk.inbox.keep(received.clone());
        if received.cut.is_some() {
            return Ok(());
        }

        wait_as_told(&answer).await;
        desk.thawed().await;
        let answer = match &answer.computed {
            None => answer,
            Some(computed) => computed.0(received.clone()).await,
        };
        match give(&mut io, &answer, &received, (desk, &hop)).await? {
            After::Next if !answer.before_body && version != "HTTP/1.0" && !closing(&head.fields) => {}
            After::Cut => return Ok(()),
            After::Next | After::Drain => return drain(io).await,
        }
    }
}

/// Says no more, and waits until the other side closes.
async fn drain<S: AsyncRead + AsyncWrite + Unpin>(mut io: S) -> std::io::Result<()> {
    io.shutdown().await?;
    tokio::io::copy(&mut io, &mut tokio::io::sink()).await?;
    Ok(())
}

async fn wait_as_told(answer: &Answer) {
    if let Some(gate) = &answer.gate {
        gate.passed().await;
    }
    if let Some(delay) = answer.delay {
        #[expect(clippy::disallowed_methods, reason = "a slow app is what was asked for")]
        tokio::time::sleep(delay).await;
    }
}

async fn give<S: AsyncRead + AsyncWrite + Unpin>(
    io: &mut S,
    answer: &Answer,
    received: &Received,
    (desk, hop): (&Desk, &Hop),
) -> std::io::Result<After> {
    let record = |status, fields: &Fields| desk.trace.record(hop.answer(status, &fields.to_header_map()));
    let cut_after = match &answer.conduct {
        Conduct::Silence => {
            // Until the other side gives up.
            while io.read(&mut [0; 1024]).await? > 0 {}
            return Ok(After::Cut);
        }
        Conduct::Raw(bytes) => {
            record(0, &Fields::new());
            io.write_all(bytes).await?;
            io.flush().await?;
            return Ok(After::Drain);
        }
        Conduct::CutAfter(bytes) => Some(*bytes),
        // Passed on before its body was read; see `serve`.
        Conduct::Whole | Conduct::PassedOn(_) => None,
    };
    let mut fields = answer.fields.clone();
    let content = match &answer.body {
        Body::Content(content) => content.clone(),
        Body::Echo => {
            fields.push("content-type", "application/json");
            Content::Bytes(Bytes::from(serde_json::to_vec(received)?))
        }
    };
    let bodiless = answer.status == 204 || answer.status == 304 || answer.status < 200;
    if answer.chunked {
        fields.push("transfer-encoding", "chunked");
    } else if !bodiless && !fields.contains("content-length") {
        fields.push("content-length", content.length().to_string());
    }
    let seq = record(answer.status, &fields);

    let reason = http::StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason.unwrap_or_default()).into_bytes();
    fields.write_to(&mut head);
    head.extend_from_slice(b"\r\n");
    if bodiless || hop.method == "HEAD" {
        io.write_all(&head).await?;
        io.flush().await?;
        return Ok(if cut_after.is_some() { After::Cut } else { After::Next });
    }
    let mut tap = content.tap(&desk.trace, seq);
    if let Content::Bytes(bytes) = &content
        && !answer.chunked
        && cut_after.is_none()
        && answer.pause.is_none()
    {
        // One write for the common case.
        tap.take(bytes);
        head.extend_from_slice(bytes);
        io.write_all(&head).await?;
        io.flush().await?;
    } else {
        io.write_all(&head).await?;
        let outgoing = Outgoing {
            content: &content,
            chunked: answer.chunked,
            trailers: &answer.trailers,
            cut_after,
            pause: answer.pause.clone(),
            tap,
        };
        outgoing.write(io).await?;
    }
    Ok(if cut_after.is_some() { After::Cut } else { After::Next })
}

fn websocket_key(head: &Head) -> Option<String> {
    let upgrade = head.fields.get("upgrade")?;
    upgrade.eq_ignore_ascii_case("websocket").then(|| head.fields.get("sec-websocket-key"))?
}

/// Sends back every message until the other side closes.
async fn echo_websocket<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    mut io: S,
    buffer: BytesMut,
    key: &str,
    desk: &Desk,
    hop: &Hop,
) -> std::io::Result<()> {
    let fields: Fields = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-accept", &derive_accept_key(key.as_bytes())),
    ]
    .into_iter()
    .collect();
    desk.trace.record(hop.answer(101, &fields.to_header_map()));
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    fields.write_to(&mut head);
    head.extend_from_slice(b"\r\n");
    io.write_all(&head).await?;
    io.flush().await?;
    let socket = WebSocketStream::from_partially_read(io, buffer.to_vec(), Role::Server, None).await;
    let (sink, stream) = socket.split();
    let messages = stream.filter(|message| {
        let echoed = message.as_ref().is_ok_and(|message| message.is_text() || message.is_binary());
        std::future::ready(echoed || message.is_err())
    });
    messages.forward(sink).await.map_err(std::io::Error::other)
}
