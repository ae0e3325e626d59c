//! Sending: as a request or as bytes, to a proxy or, as a proxy would ask it, to a Core.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::super::drafts;
use super::super::prelude::*;
use super::super::proxy::bytes::{self, OPEN};
use super::{Arrived, Role, Seen};
use crate::attack::{Draft, Place, Raw, Shot, Slow};
use crate::trace::{Party, TRACE_FIELD};
use crate::wire::WireError;

/// The way that a shot takes.
pub(super) enum Way {
    /// To the proxy at this host.
    Proxy(String),
    /// To the Core of this Portal, as its proxy would ask it.
    Core(String),
}

/// What is sent.
pub(super) struct Shooting<'a> {
    pub(super) shot: &'a Shot,
    /// The valid request that it was made from.
    pub(super) valid: &'a Draft,
    /// Who signed it.
    pub(super) by: &'a str,
    pub(super) door: Way,
    pub(super) place: Place,
    pub(super) role: Role,
}

impl Shooting<'_> {
    /// Sends it, and keeps what came of it.
    pub(super) async fn shoot(self, world: &mut World, addressed: &Receiver) -> StepResult<Seen> {
        world.begin_sending().await;
        // Whoever is named as the host is whom it is for; where that is nobody, the app whose door it is sent to.
        let named = match self.shot {
            Shot::Draft(draft) => drafts::addressed(world, &host_of(&draft.host))?,
            Shot::Raw(_) => None,
        };
        let addressed = &named.unwrap_or_else(|| addressed.clone());
        let to = Some(addressed.clone());
        let exchange = match (self.shot, &self.door) {
            (Shot::Draft(draft), Way::Proxy(host)) => {
                let call = world.scene().prepared(drafts::call(draft), Party::Outside)?;
                self.note(world, draft, call.fields().get(TRACE_FIELD))?;
                let result = world.scene().testbed()?.outside().send(host, call.clone()).await;
                Exchange::new(&call, to, result)?
            }
            (Shot::Draft(draft), Way::Core(portal)) => {
                let call = world.scene().prepared(drafts::question(draft, ""), Party::proxy(portal))?;
                let trace_id = call.fields().get(TRACE_FIELD);
                self.note(world, draft, trace_id.clone())?;
                let mut result = world.scene().portal(portal)?.ask_core(call.clone()).await;
                if let Ok(reply) = &mut result {
                    reply.trace_id = trace_id;
                }
                Exchange::new(&call, None, result)?.asking(Some(portal))
            }
            (Shot::Raw(raw), Way::Proxy(host)) => {
                let trace_id = world.scene().trace()?.begin(Party::Outside);
                self.note(world, self.valid, Some(trace_id.clone()))?;
                let mut raw = raw.clone();
                raw.add(TRACE_FIELD, &trace_id);
                if !raw.has("Connection") {
                    // Else it would have to be waited for whether more comes.
                    raw.add("Connection", "close");
                }
                let (message, outside) = (raw.to_bytes(), world.scene().testbed()?.outside().clone());
                let (replies, end) = match outside.connect(host).await {
                    Ok(mut channel) => channel.raw_replies(&message, OPEN).await,
                    Err(error @ (WireError::NoSuchHost(_) | WireError::NeedsProxy(_))) => return Err(error.into()),
                    Err(error) => (Vec::new(), error),
                };
                let mut exchange = bytes::exchange(&message, to, replies, end);
                exchange.trace_id = Some(trace_id);
                exchange
            }
            (Shot::Raw(_), Way::Core(_)) => return Err(StepFailure::error("a Core is asked in proper HTTP only")),
        };
        let target = match self.shot {
            Shot::Draft(draft) => draft.target(),
            Shot::Raw(_) => self.valid.target(),
        };
        world.sent(exchange);
        let at = world.exchanges().len() - 1;
        self.seen(world, addressed, target, Some(at))
    }

    fn note(&self, world: &World, draft: &Draft, trace_id: Option<String>) -> StepResult {
        drafts::note_made(world, draft, &[self.by], trace_id)
    }

    fn seen(&self, world: &World, addressed: &Receiver, target: String, at: Option<usize>) -> StepResult<Seen> {
        Ok(Seen {
            role: self.role,
            place: self.place,
            target,
            signed_body: self.valid.body.clone(),
            exchange: at,
            addressed: addressed.clone(),
            received: received(world)?,
        })
    }
}

/// Without port, in lower case.
fn host_of(authority: &str) -> String {
    authority.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// What everybody received since the latest sending began.
fn received(world: &World) -> StepResult<Vec<(Receiver, Arrived)>> {
    let scene = world.scene();
    let of = |receiver: &Receiver| {
        let (begun, whole) = (scene.arrivals(receiver)?, scene.received(receiver)?);
        Ok((receiver.clone(), Arrived { begun, whole }))
    };
    scene.receivers().map(of).collect()
}

/// Requests that were begun and are not ended as long as the streams are there.
pub(super) struct Held {
    pub(super) seen: Seen,
    pub(super) streams: Vec<TlsStream<TcpStream>>,
}

/// Begins this request and does not end it.
pub(super) async fn hold(world: &mut World, slow: Slow, valid: &Draft, portal: &str) -> StepResult<Held> {
    let addressed = Receiver::app(portal, "chat");
    let host = world.scene().portal(portal)?.host_of("chat");
    let raw = Raw::of(valid);
    let (message, head) = (raw.to_bytes(), raw.head().len());
    let (count, begun) = match slow {
        Slow::Head(count) => (count, &message[..head / 2]),
        Slow::Body => (1, &message[..message.len() - raw.body.len() / 2]),
    };
    world.begin_sending().await;
    let outside = world.scene().testbed()?.outside().clone();
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = outside.connect(&host).await?.into_stream();
        stream.write_all(begun).await?;
        stream.flush().await?;
        streams.push(stream);
    }
    let seen = Seen {
        role: Role::Attack,
        place: Place::Peers,
        target: valid.target(),
        signed_body: valid.body.clone(),
        exchange: None,
        addressed,
        received: received(world)?,
    };
    Ok(Held { seen, streams })
}
