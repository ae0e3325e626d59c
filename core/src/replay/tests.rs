use proptest::prelude::*;

use super::*;
use crate::store::MemoryStore;

const LIMITS: ReplayLimits = ReplayLimits { keep_seconds: 330, per_key: 4, total: 6 };

fn open(store: &MemoryStore, limits: ReplayLimits) -> StoredReplayMemory {
    StoredReplayMemory::open(Arc::new(store.clone()), limits).unwrap()
}

#[test]
fn a_nonce_counts_once_for_each_key() {
    let memory = open(&MemoryStore::new(), LIMITS);
    assert_eq!(memory.witness("anna", "n", 1_000, 1_000), Witness::Fresh);
    assert_eq!(memory.witness("anna", "n", 1_000, 1_000), Witness::Seen);
    assert_eq!(memory.witness("anna", "n", 1_001, 1_200), Witness::Seen);
    assert_eq!(memory.witness("anna", "N", 1_000, 1_000), Witness::Fresh);
    assert_eq!(memory.witness("carol", "n", 1_000, 1_000), Witness::Fresh);
}

#[test]
fn it_is_remembered_until_the_signature_is_too_old_and_no_longer() {
    let store = MemoryStore::new();
    let memory = open(&store, LIMITS);
    memory.witness("anna", "n", 1_000, 1_000);
    memory.witness("anna", "m", 1_330, 1_330);
    assert_eq!(memory.witness("anna", "n", 1_000, 1_330), Witness::Seen);
    assert_eq!(memory.len(), 2);
    memory.witness("carol", "x", 1_331, 1_331);
    assert_eq!((memory.len(), store.scan(Table::Replay).unwrap().len()), (2, 2));
}

#[test]
fn a_restart_does_not_make_it_forget() {
    let store = MemoryStore::new();
    open(&store, LIMITS).witness("anna/x", "n", 1_000, 1_000);
    let memory = open(&store, LIMITS);
    assert_eq!(memory.len(), 1);
    assert_eq!(memory.witness("anna/x", "n", 1_000, 1_100), Witness::Seen);
    assert_eq!(memory.witness("anna/x", "m", 1_000, 1_100), Witness::Fresh);
}

#[test]
fn a_flood_costs_its_sender_the_past_and_nobody_a_replay() {
    let store = MemoryStore::new();
    let memory = open(&store, LIMITS);
    for second in 0..10 {
        assert_eq!(memory.witness("anna", &format!("n{second}"), 1_000 + second, 1_010), Witness::Fresh);
    }
    assert_eq!(memory.len(), 4);
    for memory in [&memory, &open(&store, LIMITS)] {
        for second in 0..6 {
            assert_eq!(memory.witness("anna", &format!("n{second}"), 1_000 + second, 1_010), Witness::Full, "{second}");
        }
        assert_eq!(memory.witness("anna", "late", 1_005, 1_010), Witness::Full);
        assert_eq!(memory.witness("anna", "n9", 1_009, 1_010), Witness::Seen);
        assert_eq!(memory.witness("carol", "n0", 1_000, 1_010), Witness::Fresh);
        memory.witness("carol", "n0", 1_000, 1_010);
        store.commit(Batch::new().remove(Table::Replay, entry("carol", &shortened("n0")))).unwrap();
    }
    // What can't be told is old one day, and then it is forgotten altogether.
    assert_eq!(memory.witness("anna", "late", 1_005, 1_010), Witness::Full);
    memory.witness("carol", "n1", 1_400, 1_400);
    assert_eq!(memory.witness("anna", "new", 1_400, 1_400), Witness::Fresh);
    let left: Vec<_> = store.scan(Table::Replay).unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn altogether_it_is_bounded_too_at_the_cost_of_whoever_has_most() {
    let memory = open(&MemoryStore::new(), LIMITS);
    for n in 0..4 {
        memory.witness("anna", &format!("{n}"), 1_000 + n, 1_010);
    }
    for key in ["b", "c", "d", "e"] {
        assert_eq!(memory.witness(key, "n", 1_000, 1_010), Witness::Fresh);
    }
    assert_eq!(memory.len(), 6);
    assert_eq!(memory.witness("anna", "0", 1_000, 1_010), Witness::Full);
    assert_eq!(memory.witness("b", "n", 1_000, 1_010), Witness::Seen);
}

#[derive(Debug)]
struct Broken;

impl Store for Broken {
    fn read(&self, _: Table, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn scan(&self, _: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(Vec::new())
    }

    fn commit(&self, _: Batch) -> Result<(), StoreError> {
        Err(StoreError::Database { why: "broken".into() })
    }
}

#[test]
fn what_can_not_be_remembered_is_not_fresh() {
    let memory = StoredReplayMemory::open(Arc::new(Broken), LIMITS).unwrap();
    assert_eq!(memory.witness("anna", "n", 1_000, 1_000), Witness::Full);
}

#[test]
fn of_many_at_once_one_is_fresh() {
    let memory = open(&MemoryStore::new(), ReplayLimits::default());
    let fresh: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let memory = &memory;
                scope.spawn(move || {
                    (0..100).filter(|n| memory.witness("anna", &format!("{n}"), 1_000, 1_000) == Witness::Fresh).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(fresh, 100);
}

proptest! {
    #[test]
    fn nothing_is_fresh_twice_within_the_window_and_the_bounds_hold(
        steps in proptest::collection::vec(("[ab]", "[a-h]", 0..400u64, any::<bool>()), 1..80)
    ) {
        let store = MemoryStore::new();
        let mut memory = open(&store, LIMITS);
        let mut fresh = std::collections::BTreeSet::new();
        let mut now = 10_000;
        for (key, nonce, age, restart) in steps {
            now += 7;
            if restart {
                memory = open(&store, LIMITS);
            }
            // One signature: its nonce and its `created` belong together.
            let created = now - age % 330;
            let nonce = format!("{nonce}{created}");
            if memory.witness(&key, &nonce, created, now) == Witness::Fresh {
                prop_assert!(fresh.insert((key, nonce)));
            }
            prop_assert!(memory.len() <= LIMITS.total);
            prop_assert!(store.scan(Table::Replay).unwrap().len() <= LIMITS.total + 2);
        }
        for (key, nonce) in &fresh {
            let created: u64 = nonce[1..].parse().unwrap();
            if created + 330 >= now {
                prop_assert_ne!(memory.witness(key, nonce, created, now), Witness::Fresh);
            }
        }
    }
}
