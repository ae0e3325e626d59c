//! Connections to the proxy before any HTTP: versions of TLS, and what is no TLS at all.

use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::prelude::*;
use crate::wire::WireError;

mod hello;

pub(crate) use hello::ClientHello;

/// How long a proxy may take to answer a handshake, or to turn away who sends something else.
const WITHIN: Duration = Duration::from_secs(5);
/// RFC 8446 §5.1: the content types of a record with an alert, and of one with a handshake message.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// RFC 8446 §4: the type of a ServerHello.
const SERVER_HELLO: u8 = 2;

pub(super) fn register(steps: &mut Steps) {
    steps.when(r"^a stranger connects to ({portal})'s proxy with (TLS 1\.[0-3])$", connects_with);
    steps.then("^the connection is (made|refused)$", is_made);
}

/// What became of the latest connection that was tried.
#[derive(Debug, Default)]
pub(crate) enum Attempt {
    /// None was tried yet.
    #[default]
    None,
    /// The handshake was done.
    Made,
    /// The proxy turned it away, or could not show that it is who it should be. How.
    Refused(String),
    /// Neither: what was seen last.
    Open(String),
}

async fn connects_with(world: &mut World, args: Args) -> StepResult {
    let portal = world.scene().portal(args.text(0))?.clone();
    let versions = match args.text(1) {
        "TLS 1.3" => [&TLS13],
        "TLS 1.2" => [&TLS12],
        older => {
            // No library of today speaks them: the beginning of a handshake is enough to see whether the proxy would.
            let minor = if older == "TLS 1.1" { 2 } else { 1 };
            let hello = ClientHello::new(portal.domain(), minor).to_bytes();
            let attempt = say(&portal, &hello, false).await?;
            *world.part::<Attempt>() = attempt;
            return Ok(());
        }
    };
    let testbed = world.scene().testbed()?;
    let tls = testbed.pki().client_config_of(Arc::new(testbed.clock().clone()), &versions)?;
    let outside = testbed.outside().with_tls(Arc::new(tls));
    *world.part::<Attempt>() = outcome(outside.connect(portal.domain()).await.map(drop))?;
    Ok(())
}

/// What a handshake came to.
pub(crate) fn outcome(handshake: Result<(), WireError>) -> StepResult<Attempt> {
    match handshake {
        Ok(()) => Ok(Attempt::Made),
        Err(error @ WireError::Tls { .. }) => Ok(Attempt::Refused(error.to_string())),
        Err(error @ WireError::TooSlow { .. }) => Ok(Attempt::Open(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Says this to the port for TLS and listens to the answer; `nothing_more` tells that nothing will follow.
pub(crate) async fn say(portal: &crate::testbed::Portal, bytes: &[u8], nothing_more: bool) -> StepResult<Attempt> {
    let mut stream = TcpStream::connect(portal.proxy_address()).await?;
    // Who is turned away early may not get everything out.
    let _ = stream.write_all(bytes).await;
    if nothing_more {
        let _ = stream.shutdown().await;
    }
    let mut answer = Vec::new();
    let listening = async {
        let mut piece = [0; 4096];
        loop {
            if let Some(attempt) = judged(&answer) {
                return attempt;
            }
            match stream.read(&mut piece).await {
                Ok(0) => return Attempt::Refused(format!("closed after {} bytes", answer.len())),
                Ok(read) => answer.extend_from_slice(&piece[..read]),
                Err(error) => return Attempt::Refused(error.to_string()),
            }
        }
    };
    let heard = tokio::time::timeout(WITHIN, listening).await;
    Ok(heard.unwrap_or_else(|_| Attempt::Open(format!("{} bytes, and nothing more in {WITHIN:?}", answer.len()))))
}

/// What the first bytes of an answer tell.
fn judged(answer: &[u8]) -> Option<Attempt> {
    match answer {
        [ALERT, ..] => Some(Attempt::Refused("a TLS alert".to_owned())),
        [HANDSHAKE, _, _, _, _, SERVER_HELLO, ..] => Some(Attempt::Made),
        [HANDSHAKE, ..] | [] => None,
        _ => Some(Attempt::Open(format!("an answer that is no TLS: {}", crate::wire::readable(answer)))),
    }
}

async fn is_made(world: &mut World, args: Args) -> StepResult {
    match (args.text(0), world.part::<Attempt>()) {
        (_, Attempt::None) => Err(StepFailure::mistake("no connection was tried before this step")),
        ("made", Attempt::Made) | ("refused", Attempt::Refused(_)) => Ok(()),
        (wanted, Attempt::Made) => Err(StepFailure::fail(format!("the connection is {wanted}"), "it is made")),
        (wanted, Attempt::Refused(how)) => {
            Err(StepFailure::fail(format!("the connection is {wanted}"), format!("it is refused: {how}")))
        }
        (wanted, Attempt::Open(how)) => Err(StepFailure::fail(format!("the connection is {wanted}"), how)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_alert_a_hello_or_no_tls() {
        assert!(judged(&[]).is_none());
        assert!(judged(&[22, 3, 3, 0]).is_none());
        assert!(matches!(judged(&[21, 3, 3, 0, 2, 2, 70]), Some(Attempt::Refused(_))));
        assert!(matches!(judged(&[22, 3, 3, 0, 60, 2]), Some(Attempt::Made)));
        assert!(matches!(judged(b"HTTP/1.1 400"), Some(Attempt::Open(_))));
    }
}
