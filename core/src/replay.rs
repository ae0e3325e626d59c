//! Which nonces were used: a signature that carries one counts once (AUTH-9).
//!
//! The memory is bounded. Where it would grow over its bounds, the oldest nonces of the key that has most are dropped, and with them
//! every signature of that key that is not younger is refused: a flood costs its own sender the past, and nobody a replay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::store::{Batch, Store, StoreError, Table};

/// The part of a Core that remembers nonces; another one makes another Core.
pub trait ReplayMemory: Send + Sync + Debug {
    /// Takes note of a nonce of a signature that verified. Blocks where the memory is on disk ([`ReplayMemory::is_on_disk`]).
    ///
    /// `key_id` stands for the key, `created` is the signature's, `now` the present, both in Unix seconds.
    fn witness(&self, key_id: &str, nonce: &str, created: u64, now: u64) -> Witness;

    /// Whether [`ReplayMemory::witness`] waits for a disk.
    fn is_on_disk(&self) -> bool {
        false
    }
}

/// Whether a nonce was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Not before; from now on it was.
    Fresh,
    /// It was.
    Seen,
    /// The memory can't tell: it reaches less far back than the signature, or could not be written. Not to be trusted.
    Full,
}

/// The bounds of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// How long a signature can be good after `created`, in seconds: window and skew.
    pub keep_seconds: u64,
    /// Nonces of one key.
    pub per_key: usize,
    /// Nonces altogether.
    pub total: usize,
}

impl Default for ReplayLimits {
    fn default() -> Self {
        Self { keep_seconds: 330, per_key: 32_768, total: 262_144 }
    }
}

/// A memory that is kept in a [`Store`], and so across a restart.
#[derive(Debug)]
pub struct StoredReplayMemory {
    store: Arc<dyn Store>,
    limits: ReplayLimits,
    keys: Mutex<Keys>,
}

/// A nonce, shortened: so that its length costs nothing.
type Nonce = [u8; 16];

#[derive(Debug, Default)]
struct Keys {
    by_key: BTreeMap<String, Used>,
    count: usize,
}

#[derive(Debug, Default)]
struct Used {
    /// In the order in which they expire.
    by_age: BTreeSet<(u64, Nonce)>,
    created: BTreeMap<Nonce, u64>,
    /// Signatures that were created then or earlier can't be told from replays any more.
    forgotten_until: Option<u64>,
}

impl StoredReplayMemory {
    /// The memory in the store.
    ///
    /// # Errors
    /// It can't be read.
    pub fn open(store: Arc<dyn Store>, limits: ReplayLimits) -> Result<Self, StoreError> {
        let mut keys = Keys::default();
        for (entry, value) in store.scan(Table::Replay)? {
            let Some(created) = value.try_into().ok().map(u64::from_be_bytes) else { continue };
            match entry.rsplit_once('/') {
                Some((key_id, FORGOTTEN)) => keys.used(key_id).forgotten_until = Some(created),
                Some((key_id, nonce)) => {
                    if let Ok(nonce) = u128::from_str_radix(nonce, 16) {
                        keys.insert(key_id, nonce.to_be_bytes(), created);
                    }
                }
                None => {}
            }
        }
        Ok(Self { store, limits, keys: Mutex::new(keys) })
    }

    /// How many nonces are remembered.
    pub fn len(&self) -> usize {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const FORGOTTEN: &str = "forgotten";

impl ReplayMemory for StoredReplayMemory {
    fn witness(&self, key_id: &str, nonce: &str, created: u64, now: u64) -> Witness {
        let nonce = shortened(nonce);
        let batch = {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let used = keys.used(key_id);
            if used.created.contains_key(&nonce) {
                return Witness::Seen;
            }
            if used.forgotten_until.is_some_and(|until| created <= until) {
                return Witness::Full;
            }
            // What expired is dropped in the same write.
            let mut batch = keys.drop_expired(now.saturating_sub(self.limits.keep_seconds));
            keys.insert(key_id, nonce, created);
            batch = batch.put(Table::Replay, entry(key_id, &nonce), created.to_be_bytes());
            while keys.used(key_id).created.len() > self.limits.per_key {
                batch = keys.forget_oldest(key_id, batch);
            }
            while keys.count > self.limits.total {
                let Some(fullest) = keys.fullest() else { break };
                batch = keys.forget_oldest(&fullest, batch);
            }
            batch
        };
        // Outside the lock: a second use of the same nonce is refused already, and does not wait.
        match self.store.commit(batch) {
            Ok(()) => Witness::Fresh,
            Err(error) => {
                tracing::error!(%error, "a nonce can't be remembered, its signature is refused");
                Witness::Full
            }
        }
    }

    fn is_on_disk(&self) -> bool {
        self.store.is_on_disk()
    }
}

impl Keys {
    fn used(&mut self, key_id: &str) -> &mut Used {
        if !self.by_key.contains_key(key_id) {
            self.by_key.insert(key_id.to_owned(), Used::default());
        }
        self.by_key.entry(key_id.to_owned()).or_default()
    }

    fn insert(&mut self, key_id: &str, nonce: Nonce, created: u64) {
        let used = self.used(key_id);
        used.by_age.insert((created, nonce));
        used.created.insert(nonce, created);
        self.count += 1;
    }

    /// Drops what was created before `oldest`.
    fn drop_expired(&mut self, oldest: u64) -> Batch {
        let mut batch = Batch::new();
        for (key_id, used) in &mut self.by_key {
            while let Some((created, nonce)) = used.by_age.first().copied().filter(|(created, _)| *created < oldest) {
                used.by_age.remove(&(created, nonce));
                used.created.remove(&nonce);
                self.count -= 1;
                batch = batch.remove(Table::Replay, entry(key_id, &nonce));
            }
            if used.forgotten_until.is_some_and(|until| until < oldest) {
                used.forgotten_until = None;
                batch = batch.remove(Table::Replay, format!("{key_id}/{FORGOTTEN}"));
            }
        }
        self.by_key.retain(|_, used| !used.created.is_empty() || used.forgotten_until.is_some());
        batch
    }

    fn forget_oldest(&mut self, key_id: &str, batch: Batch) -> Batch {
        let used = self.used(key_id);
        let Some((created, nonce)) = used.by_age.pop_first() else { return batch };
        used.created.remove(&nonce);
        used.forgotten_until = used.forgotten_until.max(Some(created));
        self.count -= 1;
        batch.remove(Table::Replay, entry(key_id, &nonce)).put(
            Table::Replay,
            format!("{key_id}/{FORGOTTEN}"),
            created.to_be_bytes(),
        )
    }

    fn fullest(&self) -> Option<String> {
        self.by_key.iter().max_by_key(|(_, used)| used.created.len()).map(|(key_id, _)| key_id.clone())
    }
}

fn shortened(nonce: &str) -> Nonce {
    let mut short = [0; 16];
    short.copy_from_slice(&digest(&SHA256, nonce.as_bytes()).as_ref()[..16]);
    short
}

fn entry(key_id: &str, nonce: &Nonce) -> String {
    format!("{key_id}/{:032x}", u128::from_be_bytes(*nonce))
}

#[cfg(test)]
mod tests;
