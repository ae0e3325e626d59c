//! What goes on while a message is on its way: halves, permission to go on, WebSockets.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{self, Message};

use super::super::prelude::*;
use crate::suite::kit::exchange::Outcome;
use crate::trace::Party;
use crate::wire::{Call, Fields, Gate, Reply, WireError};

/// Half of a request that is sent in two halves.
const HALF: u64 = 100_000;
/// Length of a body that waits for permission.
const WAITING: u64 = 1 << 10;
/// How long the first half may be on its way, and a message of a WebSocket.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn register(steps: &mut Steps) {
    steps.when(
        r"^a stranger sends ([A-Z]+) (\S+) to ({portal})'s ({app}) in two halves, the second when the first has arrived$",
        sends_halves,
    );
    steps.when(
        r"^a stranger sends ([A-Z]+) (\S+) to ({portal})'s ({app}) and waits to be told to continue$",
        waits_to_continue,
    );
    steps
        .when(r#"^a stranger opens a WebSocket to ({portal})'s ({app}) at (\S+) and says "([^"]*)"$"#, opens_websocket);
    steps.then(r#"^the WebSocket says "([^"]*)"$"#, websocket_says);
}

async fn sends_halves(world: &mut World, args: Args) -> StepResult {
    let (receiver, gate) = (Receiver::app(args.text(2), args.text(3)), Gate::new());
    world.scene().opens_with_body(&receiver, &gate)?;
    let call = Call::new(args.text(0), args.text(1)).generated(2 * HALF).chunked().pause_after(HALF, &gate);
    send(world, &args, call.within(WITHIN)).await?;
    if let Outcome::Nothing(WireError::TooSlow { .. }) = &world.exchange()?.outcome
        && !gate.is_open()
    {
        return Err(StepFailure::fail(
            format!("the first half of the body reaches {receiver} before the second is sent"),
            format!("nothing of it in {WITHIN:?}"),
        ));
    }
    Ok(())
}

async fn waits_to_continue(world: &mut World, args: Args) -> StepResult {
    let call = Call::new(args.text(0), args.text(1)).generated(WAITING).expect_continue();
    send(world, &args, call.within(WITHIN)).await
}

/// Sends a request that a stranger makes to the app that the step names.
async fn send(world: &mut World, args: &Args, call: Call) -> StepResult {
    let (portal, app) = (args.text(2), args.text(3));
    let host = world.scene().portal(portal)?.host_of(app);
    world.begin_sending().await;
    let call = world.scene().prepared(call, Party::Outside)?;
    let result = world.scene().testbed()?.outside().send(&host, call.clone()).await;
    world.sent(Exchange::new(&call, Some(Receiver::app(portal, app)), result)?);
    Ok(())
}

/// What a WebSocket said.
#[derive(Debug, Default)]
struct Said(Option<String>);

async fn opens_websocket(world: &mut World, args: Args) -> StepResult {
    let (portal, app) = (args.text(0), args.text(1));
    let host = world.scene().portal(portal)?.host_of(app);
    *world.part::<Said>() = Said::default();
    world.begin_sending().await;
    let call = world.scene().prepared(Call::get(args.text(2)), Party::Outside)?;
    let lines = call.fields().to_readable();
    let lines: Vec<_> = lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let outside = world.scene().testbed()?.outside().clone();
    let opening = tokio::time::timeout(WITHIN, outside.websocket(&host, args.text(2), &lines)).await;
    let slow = |what: &str| WireError::TooSlow { what: what.to_owned(), within: WITHIN };
    let result = match opening {
        Ok(Ok(mut socket)) => {
            let talking = async {
                socket.send(Message::text(args.text(3))).await?;
                let said = loop {
                    match socket.next().await {
                        Some(Ok(Message::Text(text))) => break Some(text.to_string()),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Err(error)) => return Err(error),
                        Some(Ok(_)) | None => break None,
                    }
                };
                // The other side may be gone already.
                let _ = socket.close(None).await;
                Ok(said)
            };
            match tokio::time::timeout(WITHIN, talking).await {
                Ok(Ok(said)) => {
                    *world.part::<Said>() = Said(said);
                    Ok(reply(101, &http::HeaderMap::new(), &[]))
                }
                Ok(Err(error)) => Err(WireError::Io(std::io::Error::other(error))),
                Err(_) => Err(slow("the WebSocket's echo")),
            }
        }
        Ok(Err(tungstenite::Error::Http(answer))) => {
            Ok(reply(answer.status().as_u16(), answer.headers(), answer.body().as_deref().unwrap_or_default()))
        }
        Ok(Err(error)) => Err(WireError::Io(std::io::Error::other(error))),
        Err(_) => Err(slow("the WebSocket's handshake")),
    };
    let result = result.map(|reply| Reply { trace_id: call.fields().get(crate::trace::TRACE_FIELD), ..reply });
    world.sent(Exchange::new(&call, Some(Receiver::app(portal, app)), result)?);
    Ok(())
}

fn reply(status: u16, fields: &http::HeaderMap, body: &[u8]) -> Reply {
    Reply {
        version: "HTTP/1.1".to_owned(),
        status,
        fields: Fields::from_header_map(fields),
        body: body.to_vec().into(),
        length: body.len() as u64,
        sha256: String::new(),
        trailers: Fields::new(),
        interim: Vec::new(),
        trace_id: None,
    }
}

async fn websocket_says(world: &mut World, args: Args) -> StepResult {
    let told = world.exchange()?.told();
    let expected = format!("the WebSocket says {}", args.text(0));
    match &world.part::<Said>().0 {
        Some(said) => expect::holds(said == args.text(0), expected, || format!("it says {said}")),
        None => Err(StepFailure::fail(expected, told)),
    }
}
