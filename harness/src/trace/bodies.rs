//! The bodies of the hops that are kept: those that are still on their way, and how much memory the others take.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::tap::Taken;

/// How much is kept of all bodies together, in bytes; those of the oldest hops are let go first.
pub(super) const MOST: usize = 32 << 20;

#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    on_the_way: HashMap<u64, Taken>,
    /// How much is kept for each hop.
    sizes: BTreeMap<u64, usize>,
    total: usize,
    /// The hops whose bodies ended after they were recorded, in that order.
    ended: VecDeque<u64>,
    /// How many of these are not known any more.
    gone: u64,
}

impl Bodies {
    pub(super) fn with_most(most: usize) -> Bodies {
        let (on_the_way, sizes, ended) = (HashMap::new(), BTreeMap::new(), VecDeque::new());
        Bodies { most, on_the_way, sizes, total: 0, ended, gone: 0 }
    }

    /// The body of this hop is on its way.
    pub(super) fn begin(&mut self, seq: u64) -> Taken {
        self.on_the_way.entry(seq).or_default().clone()
    }

    pub(super) fn on_the_way(&self, seq: u64) -> Option<&Taken> {
        self.on_the_way.get(&seq)
    }

    /// It is on its way no more; the places of `most` such ends are known.
    pub(super) fn end(&mut self, seq: u64, most: usize) -> Option<Taken> {
        let taken = self.on_the_way.remove(&seq)?;
        if self.ended.len() == most {
            self.ended.pop_front();
            self.gone += 1;
        }
        self.ended.push_back(seq);
        Some(taken)
    }

    /// So much is kept of this hop's body. The hops whose bodies have to be let go for it.
    pub(super) fn keep(&mut self, seq: u64, size: usize) -> Vec<u64> {
        if size > 0 {
            self.sizes.insert(seq, size);
            self.total += size;
        }
        let mut let_go = Vec::new();
        while self.total > self.most {
            let Some((oldest, size)) = self.sizes.pop_first() else { break };
            self.total -= size;
            let_go.push(oldest);
        }
        let_go
    }

    /// The hop is gone.
    pub(super) fn forget(&mut self, seq: u64) {
        self.on_the_way.remove(&seq);
        self.total -= self.sizes.remove(&seq).unwrap_or_default();
    }

    /// The hops whose bodies ended, from the place `from` among these ends on, each with its place.
    pub(super) fn ended(&self, from: u64) -> impl Iterator<Item = (u64, u64)> {
        let skipped = usize::try_from(from.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        let first = from.max(self.gone);
        self.ended.range(skipped.min(self.ended.len())..).zip(first..).map(|(seq, place)| (place, *seq))
    }
}
