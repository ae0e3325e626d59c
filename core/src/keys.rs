//! Learns peers' keys (PEER-6, PEER-7): when a peer is added, when it signs its first request, and again from time to
//! time while it can't be reached. Bounded in time and size, one question at a time for each peer, and only so many of
//! them on behalf of strangers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::{
    connect::Destination,
    core::Running,
    identity::WhoAreYou,
    peers::Peer,
    spool::Spooled,
    transport::{HttpsTransport, Outgoing},
};

/// Questions that strangers can cause at once for one peer, and how long it takes to earn another one.
const BURST: u32 = 5;
const EARNED_EVERY: Duration = Duration::from_secs(10);
/// Peers asked at a time in the background.
const AT_A_TIME: usize = 8;

/// Who is being asked.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    asked: Mutex<HashMap<String, Arc<Asked>>>,
}

#[derive(Debug)]
struct Asked {
    /// Held while the peer is being asked; tells when the last question ended.
    last: tokio::sync::Mutex<Option<Instant>>,
    allowance: Mutex<Allowance>,
}

#[derive(Debug)]
struct Allowance {
    left: u32,
    earned: Instant,
}

impl Keys {
    /// Asks a peer who it is. The peer as it is known then, or none if it did not tell or told something else.
    pub(crate) async fn ask(&self, core: &Arc<Running>, peer: &Peer) -> Option<Arc<Peer>> {
        let came = Instant::now();
        let asked = self.asked(peer);
        let mut last = asked.last.lock().await;
        // Somebody else has just asked: its answer is as good.
        if last.is_some_and(|last| last > came) {
            return core.peers.current(peer).filter(|peer| peer.public_key_pem().is_some());
        }
        let learnt = self.ask_now(core, peer).await;
        *last = Some(Instant::now());
        learnt
    }

    /// Asks a peer because somebody claims to be it (PEER-7), unless that was asked too often.
    pub(crate) async fn ask_on_claim(&self, core: &Arc<Running>, peer: &Peer) -> Option<Arc<Peer>> {
        if !self.asked(peer).may_ask() {
            return None;
        }
        self.ask(core, peer).await
    }

    /// Forgets a peer that was removed.
    pub(crate) fn forget(&self, peer: &Peer) {
        self.all().remove(peer.typed_id().as_str());
    }

    /// Asks peers whose key is missing again and again, until the Core stops.
    pub(crate) async fn keep_up(&self, core: &Arc<Running>, transport: &HttpsTransport) {
        let mut ticks = interval(core.limits.key_retry);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = core.tasks.stopping() => return,
                _ = ticks.tick() => {}
            }
            transport.sweep();
            let missing = core.peers.list(None).into_iter().filter(|peer| peer.public_key_pem().is_none());
            let asking = stream::iter(missing)
                .for_each_concurrent(AT_A_TIME, |peer| async move { _ = self.ask(core, &peer).await });
            tokio::select! {
                biased;
                () = core.tasks.stopping() => return,
                () = asking => {}
            }
        }
    }

    async fn ask_now(&self, core: &Arc<Running>, peer: &Peer) -> Option<Arc<Peer>> {
        let told = timeout(core.limits.key_fetch, who_are_you(core, peer)).await;
        let told = told.unwrap_or_else(|_| Err("no answer in time".into()));
        let (peers, peer) = (core.peers.clone(), peer.clone());
        let learnt = core.blocking(move || {
            let learnt = told.and_then(|who| peers.learn_key(&peer, &who).map_err(|error| error.to_string()));
            match learnt {
                Ok(learnt) => Ok(Some(learnt)),
                Err(why) => {
                    tracing::info!(peer = peer.short_id(), why, "the peer's key was not learnt");
                    peers.mark_reachable(&peer, false)?;
                    Ok(None)
                }
            }
        });
        learnt.await.unwrap_or(None)
    }

    fn asked(&self, peer: &Peer) -> Arc<Asked> {
        let new = || Arc::new(Asked { last: tokio::sync::Mutex::new(None), allowance: Mutex::default() });
        // By what the owner typed: peers can share a short ID (PEER-12).
        self.all().entry(peer.typed_id().as_str().to_owned()).or_insert_with(new).clone()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Asked>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn may_ask(&self) -> bool {
        let mut allowance = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        allowance.spend(Instant::now())
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Allowance { left: BURST, earned: Instant::now() }
    }
}

impl Allowance {
    fn spend(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.duration_since(self.earned) >= EARNED_EVERY {
            self.left += 1;
            self.earned += EARNED_EVERY;
        }
        if self.left == BURST {
            self.earned = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

async fn who_are_you(core: &Running, peer: &Peer) -> Result<WhoAreYou, String> {
    let profile = &core.parts.profile;
    let request = Outgoing {
        destination: Destination { host: profile.domain(peer.short_id()), port: profile.public_port },
        method: Method::GET,
        target: "/core/public/meta/whoareyou".into(),
        fields: HeaderMap::new(),
        body: Spooled::empty(),
    };
    let answer = core.transport.send(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it answered with status {}", answer.status().as_u16()));
    }
    let body = Limited::new(answer.into_body(), core.limits.key_answer);
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cause_a_burst_and_then_one_question_every_while() {
        let start = Instant::now();
        let mut allowance = Allowance { left: BURST, earned: start };
        let spent = (0..100).filter(|_| allowance.spend(start)).count();
        assert_eq!(spent, BURST as usize);
        assert!(!allowance.spend(start + EARNED_EVERY / 2));
        assert!(allowance.spend(start + EARNED_EVERY));
        assert!(!allowance.spend(start + EARNED_EVERY + Duration::from_secs(1)));
        let later = start + EARNED_EVERY * 1_000;
        assert_eq!((0..100).filter(|_| allowance.spend(later)).count(), BURST as usize);
    }
}
