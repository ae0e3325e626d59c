//! Answers, on the side of the Core, who wants to know where a name of the testbed leads.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::UdpSocket;

use super::dns::{self, Question};
use super::relay;

/// Serves until the future is dropped. `shown` makes of what the testbed says what this one is told, who asked from there.
pub(super) async fn serve(
    socket: UdpSocket,
    out: &Path,
    shown: impl AsyncFn(Option<Ipv4Addr>, SocketAddr) -> io::Result<Option<Ipv4Addr>>,
) {
    let mut message = [0; dns::MESSAGE];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut message).await else { continue };
        let Some(question) = Question::parse(message.get(..length).unwrap_or_default()) else { continue };
        // Without an answer from the testbed there is none: whoever asked will ask again.
        let Ok(known) = ask(out, &question).await else { continue };
        let Ok(told) = shown(known, from).await else { continue };
        let _ = socket.send_to(&question.answer(told), from).await;
    }
}

async fn ask(out: &Path, question: &Question) -> io::Result<Option<Ipv4Addr>> {
    let kind = if question.is_for_address { "name" } else { "other" };
    let mut stream = relay::say(out, &format!("{kind} {}", question.name)).await?;
    Ok(relay::line(&mut stream).await?.parse().ok())
}
