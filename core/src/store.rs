//! State: a few small tables of bytes behind one trait, on disk ([`RedbStore`]) or in memory ([`MemoryStore`]).

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where state is kept.
///
/// Calls block: on a store for which [`Store::is_on_disk`] holds, make them where blocking is allowed.
pub trait Store: Send + Sync + Debug {
    /// The value under `key`.
    fn read(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// All entries of a table, in the order of their keys.
    fn scan(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Makes all changes of the batch or none. When it returns `Ok` they survive a crash (PEER-15).
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// Whether calls wait for a disk.
    fn is_on_disk(&self) -> bool {
        true
    }
}

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The Portal's own identities.
    Identity,
    /// Peers.
    Peers,
    /// Paired terminals.
    Terminals,
    /// Manifests of installed apps, as they were given.
    Apps,
    /// Nonces that have been used.
    Replay,
    /// Single values, such as the secret that signs cookies.
    Settings,
}

impl Table {
    const ALL: [Table; 6] =
        [Table::Identity, Table::Peers, Table::Terminals, Table::Apps, Table::Replay, Table::Settings];

    fn definition(self) -> TableDefinition<'static, &'static str, &'static [u8]> {
        TableDefinition::new(match self {
            Table::Identity => "identity",
            Table::Peers => "peers",
            Table::Terminals => "terminals",
            Table::Apps => "apps",
            Table::Replay => "replay",
            Table::Settings => "settings",
        })
    }
}

/// Changes that belong together; later ones win over earlier ones.
#[derive(Clone, Default)]
pub struct Batch {
    changes: Vec<(Table, String, Option<Vec<u8>>)>,
}

impl Batch {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    #[must_use]
    pub fn put(mut self, table: Table, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.changes.push((table, key.into(), Some(value.into())));
        self
    }

    /// Sets `key` to `value` as JSON.
    pub fn put_json(self, table: Table, key: impl Into<String>, value: &impl Serialize) -> Result<Self, StoreError> {
        let bytes = serde_json::to_vec(value).map_err(|error| StoreError::Encode { why: error.to_string() })?;
        Ok(self.put(table, key, bytes))
    }

    /// Removes `key`, if it is there.
    #[must_use]
    pub fn remove(mut self, table: Table, key: impl Into<String>) -> Self {
        self.changes.push((table, key.into(), None));
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Tables and keys only: values may be secret (ID-5).
impl Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.changes.iter().map(|(table, key, value)| {
                let verb = if value.is_some() { "put" } else { "remove" };
                (verb, table, key)
            }))
            .finish()
    }
}

/// Reads a value that was written with [`Batch::put_json`].
pub fn read_json<T: DeserializeOwned>(store: &dyn Store, table: Table, key: &str) -> Result<Option<T>, StoreError> {
    store.read(table, key)?.map(|bytes| decode(table, key, &bytes)).transpose()
}

/// Reads a whole table that was written with [`Batch::put_json`].
pub fn scan_json<T: DeserializeOwned>(store: &dyn Store, table: Table) -> Result<Vec<(String, T)>, StoreError> {
    store.scan(table)?.into_iter().map(|(key, bytes)| decode(table, &key, &bytes).map(|value| (key, value))).collect()
}

fn decode<T: DeserializeOwned>(table: Table, key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Decode {
        table,
        key: key.to_owned(),
        why: error.to_string(),
    })
}

/// State could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file can't be opened or made.
    #[error("{path}: the state can't be opened: {why}")]
    Open {
        /// The file.
        path: String,
        /// What the system or the database says.
        why: String,
    },
    /// The database fails.
    #[error("the state can't be read or written: {why}")]
    Database {
        /// What it says.
        why: String,
    },
    /// A value that can't be written.
    #[error("a value can't be written: {why}")]
    Encode {
        /// What is wrong with it.
        why: String,
    },
    /// A stored value that can't be read.
    #[error("the entry `{key}` of {table:?} can't be read: {why}")]
    Decode {
        /// The table.
        table: Table,
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

/// State that lives as long as its handles. Clones share it, so that a Core can be "restarted" on it.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Entries>>);

type Entries = BTreeMap<(Table, String), Vec<u8>>;

impl MemoryStore {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many entries, not which: values may be secret (ID-5).
impl Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStore({} entries)", self.entries().len())
    }
}

impl Store for MemoryStore {
    fn read(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries().get(&(table, key.to_owned())).cloned())
    }

    fn scan(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        Ok(self
            .entries()
            .range((table, String::new())..)
            .take_while(|((of, _), _)| *of == table)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut entries = self.entries();
        for (table, key, value) in batch.changes {
            match value {
                Some(value) => entries.insert((table, key), value),
                None => entries.remove(&(table, key)),
            };
        }
        Ok(())
    }

    fn is_on_disk(&self) -> bool {
        false
    }
}

/// State in one file. A commit has reached the disk when it returns; commits that arrive together share the wait.
pub struct RedbStore {
    database: Database,
    queue: Mutex<Queue>,
    committed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Batch, Outcome)>,
    someone_commits: bool,
}

type Outcome = Arc<Mutex<Option<Result<(), StoreError>>>>;

impl RedbStore {
    /// Opens or makes the file, readable by its owner only, and the folder that it stands in.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |why: String| StoreError::Open { path: path.display().to_string(), why };
        let file = open_private(path).map_err(|error| failed(error.to_string()))?;
        let database = redb::backends::FileBackend::new(file)
            .and_then(|file| redb::Builder::new().set_cache_size(8 << 20).create_with_backend(file))
            .map_err(|error| failed(error.to_string()))?;
        make_tables(&database).map_err(|error| failed(error.to_string()))?;
        sync_folder(path).map_err(|error| failed(error.to_string()))?;
        Ok(Self { database, queue: Mutex::default(), committed: Condvar::new() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batches: &[(Batch, Outcome)]) -> Result<(), redb::Error> {
        // Durability is immediate by default: `commit` returns after the disk has it.
        let transaction = self.database.begin_write()?;
        for (batch, _) in batches {
            for (table, key, value) in &batch.changes {
                let mut table = transaction.open_table(table.definition())?;
                match value {
                    Some(value) => table.insert(key.as_str(), value.as_slice())?,
                    None => table.remove(key.as_str())?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedbStore")
    }
}

impl Store for RedbStore {
    fn read(&self, table: Table, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(table.definition())?;
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        };
        read().map_err(database_error)
    }

    fn scan(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let scan = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(table.definition())?;
            let mut entries = Vec::new();
            for entry in table.iter()? {
                let (key, value) = entry?;
                entries.push((key.value().to_owned(), value.value().to_vec()));
            }
            Ok(entries)
        };
        scan().map_err(database_error)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let outcome = Outcome::default();
        let mut queue = self.queue();
        queue.waiting.push((batch, outcome.clone()));
        loop {
            if let Some(result) = take(&outcome) {
                return result;
            }
            if queue.someone_commits {
                queue = self.committed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            // Nobody is at it: take over for everyone who waits.
            queue.someone_commits = true;
            let batches = std::mem::take(&mut queue.waiting);
            drop(queue);
            let result = self.write(&batches).map_err(database_error);
            for (_, waiting) in &batches {
                *waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.clone());
            }
            queue = self.queue();
            queue.someone_commits = false;
            self.committed.notify_all();
        }
    }
}

fn take(outcome: &Outcome) -> Option<Result<(), StoreError>> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn database_error(error: redb::Error) -> StoreError {
    StoreError::Database { why: error.to_string() }
}

fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for table in Table::ALL {
        transaction.open_table(table.definition())?;
    }
    transaction.commit()?;
    Ok(())
}

/// The file holds the Portal's private key.
fn open_private(path: &Path) -> std::io::Result<std::fs::File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file survives a crash only once its folder has reached the disk too.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
