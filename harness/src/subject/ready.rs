//! Waiting until a Core answers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::descriptor::{Ready, Values};
use super::hooks::Hands;
use super::surface::Surface;
use crate::wire::Call;

/// Between two questions.
const TICK: Duration = Duration::from_millis(25);

/// Asks until it answers with 2xx, or the time is over; then what was seen last.
pub(super) async fn wait(
    surface: &Surface,
    ready: &Ready,
    address: SocketAddr,
    deadline: Instant,
) -> Result<(), String> {
    let hands = Hands::at(surface.clone(), Values::default());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = "there was no answer yet".to_owned();
    let asking = async {
        loop {
            tick.tick().await;
            match hands.exchange(Call::get(ready.path.clone()), address).await {
                Ok(reply) if (200..300).contains(&reply.status) => return,
                Ok(reply) => last = format!("status {}", reply.status),
                Err(error) => last = error.to_string(),
            }
        }
    };
    if timeout_at(deadline, asking).await.is_ok() {
        return Ok(());
    }
    Err(format!(
        "GET {} at {address} was not answered with 2xx within {:?}; the last time: {last}",
        ready.path, ready.within
    ))
}
