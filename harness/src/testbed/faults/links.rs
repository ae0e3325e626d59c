//! The ways between the Portals of a testbed: which go through a relay, and what they are like.
//!
//! Each Portal's Core sees the names through a view of its own ([`Names::view_of`](crate::testbed::names::Names::view_of)). Where
//! its way to another Portal has a relay, the name leads there.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::link::{Link, Target};
use super::way::Way;

/// All relays, by who connects and to which domain.
#[derive(Debug, Default)]
pub(crate) struct Links {
    all: Mutex<Roads>,
}

#[derive(Debug, Default)]
struct Roads {
    links: HashMap<(String, String), Link>,
    /// Ways that lead elsewhere: into a network of containers.
    detours: HashMap<(String, String), SocketAddr>,
    /// Every way has a relay from its first use on.
    always: bool,
    seed: u64,
}

/// Where somebody is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    /// Straight on.
    Straight,
    /// To the relay.
    Through(SocketAddr),
    /// To nobody: connections are refused.
    Nowhere,
}

impl Links {
    /// From now on the way is like this. Whether it had no relay before: then connections may be open that know nothing of
    /// it, and have to be ended.
    pub(crate) fn set(
        &self,
        from: &str,
        domain: &str,
        way: Way,
        target: impl FnOnce() -> Box<Target>,
    ) -> io::Result<bool> {
        let mut roads = self.roads();
        let key = (from.to_owned(), domain.to_owned());
        if let Some(link) = roads.links.get(&key) {
            link.set(way);
            return Ok(false);
        }
        let link = Link::open(target(), roads.seed_of(&key))?;
        link.set(way);
        roads.links.insert(key, link);
        Ok(true)
    }

    /// Breaks off what is open on the way, where it has a relay; whether it has.
    pub(crate) fn reset(&self, from: &str, domain: &str) -> bool {
        let roads = self.roads();
        let link = roads.links.get(&(from.to_owned(), domain.to_owned()));
        link.inspect(|link| link.reset()).is_some()
    }

    /// Every way has a relay from its first use on, so that no connection has to be ended when something is put on it.
    pub(crate) fn open_always(&self) {
        self.roads().always = true;
    }

    /// What is drawn at random follows from this, for relays that are opened from now on.
    pub(crate) fn seed(&self, seed: u64) {
        self.roads().seed = seed;
    }

    /// From now on the way leads there; or again where it led.
    pub(crate) fn detour(&self, from: &str, domain: &str, to: Option<SocketAddr>) {
        let mut roads = self.roads();
        let key = (from.to_owned(), domain.to_owned());
        match to {
            Some(to) => roads.detours.insert(key, to),
            None => roads.detours.remove(&key),
        };
    }

    /// Whether the way leads elsewhere.
    pub(crate) fn has_detour(&self, from: &str, domain: &str) -> bool {
        self.roads().detours.contains_key(&(from.to_owned(), domain.to_owned()))
    }

    /// Where the way from this Portal to that domain leads.
    pub(crate) fn lead(&self, from: &str, domain: &str, target: impl FnOnce() -> Box<Target>) -> Led {
        let mut roads = self.roads();
        if roads.links.is_empty() && roads.detours.is_empty() && !roads.always {
            return Led::Straight;
        }
        let key = (from.to_owned(), domain.to_owned());
        if let Some(detour) = roads.detours.get(&key) {
            return Led::Through(*detour);
        }
        if roads.always && !roads.links.contains_key(&key) && tokio::runtime::Handle::try_current().is_ok() {
            // Where there is no file left for it, the way is a straight one.
            if let Ok(link) = Link::open(target(), roads.seed_of(&key)) {
                roads.links.insert(key.clone(), link);
            }
        }
        match roads.links.get(&key) {
            None => Led::Straight,
            Some(link) if link.refuses() => Led::Nowhere,
            Some(link) => Led::Through(link.address()),
        }
    }

    /// Ends all relays with their connections.
    pub(crate) fn end(&self) {
        self.roads().links.values().for_each(Link::end);
    }

    fn roads(&self) -> MutexGuard<'_, Roads> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Roads {
    /// Another one for each way (FNV-1a).
    fn seed_of(&self, (from, domain): &(String, String)) -> u64 {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        from.bytes().chain([0]).chain(domain.bytes()).fold(self.seed ^ 0xcbf2_9ce4_8422_2325, mix)
    }
}
