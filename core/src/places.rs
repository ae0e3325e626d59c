//! Where apps are: the address by which an app's container is known, and the port of its door. Kept across restarts.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};

use crate::store::{Batch, Store, StoreError, Table};

const PREFIX: &str = "place/";

/// Where one app is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The address of its container, where it is recognised by that.
    pub address: Option<IpAddr>,
    /// The port that its door had last.
    pub door_port: Option<u16>,
}

/// Where all apps are. Reads come from memory, writes reach the store first.
#[derive(Debug)]
pub struct Places {
    store: Arc<dyn Store>,
    by_app: RwLock<BTreeMap<String, Place>>,
    writing: Mutex<()>,
}

impl Places {
    /// The places in the store.
    ///
    /// # Errors
    /// They can't be read.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let entries = store.scan(Table::Settings)?.into_iter().filter_map(|(key, value)| {
            let app = key.strip_prefix(PREFIX)?;
            Some((app.to_owned(), serde_json::from_slice(&value).ok()?))
        });
        let by_app = entries.collect();
        Ok(Places { store, by_app: RwLock::new(by_app), writing: Mutex::new(()) })
    }

    /// Where an app is.
    #[must_use]
    pub fn find(&self, app: &str) -> Place {
        self.read(|places| places.get(app).copied().unwrap_or_default())
    }

    /// The app that has an address now.
    #[must_use]
    pub fn at_address(&self, address: IpAddr) -> Option<String> {
        let address = Some(address.to_canonical());
        self.read(|places| places.iter().find(|(_, place)| place.address == address).map(|(app, _)| app.clone()))
    }

    /// Gives an address to an app, and takes it from the one that had it (CALL-2).
    ///
    /// # Errors
    /// It can't be stored; nothing has changed then.
    pub fn give_address(&self, app: &str, address: IpAddr) -> Result<(), StoreError> {
        let address = Some(address.to_canonical());
        self.change(|places| {
            let mut changed: Vec<_> = places
                .iter()
                .filter(|(other, place)| place.address == address && *other != app)
                .map(|(other, place)| (other.clone(), Place { address: None, ..*place }))
                .collect();
            let place = places.get(app).copied().unwrap_or_default();
            changed.push((app.to_owned(), Place { address, ..place }));
            changed
        })
    }

    /// Remembers the port of an app's door, so that the door is found there after a restart.
    ///
    /// # Errors
    /// It can't be stored.
    pub fn remember_door(&self, app: &str, port: u16) -> Result<(), StoreError> {
        self.change(|places| {
            let place = places.get(app).copied().unwrap_or_default();
            vec![(app.to_owned(), Place { door_port: Some(port), ..place })]
        })
    }

    /// Forgets an app.
    ///
    /// # Errors
    /// It can't be stored.
    pub fn forget(&self, app: &str) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.commit(Batch::new().remove(Table::Settings, format!("{PREFIX}{app}")))?;
        self.by_app.write().unwrap_or_else(PoisonError::into_inner).remove(app);
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&BTreeMap<String, Place>) -> Vec<(String, Place)>) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.read(change);
        changed.retain(|(app, place)| self.find(app) != *place);
        let mut batch = Batch::new();
        for (app, place) in &changed {
            batch = batch.put_json(Table::Settings, format!("{PREFIX}{app}"), place)?;
        }
        if !batch.is_empty() {
            self.store.commit(batch)?;
            self.by_app.write().unwrap_or_else(PoisonError::into_inner).extend(changed);
        }
        Ok(())
    }

    fn read<T>(&self, with: impl FnOnce(&BTreeMap<String, Place>) -> T) -> T {
        with(&self.by_app.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::MemoryStore;

    use super::*;

    #[test]
    fn places_survive_a_restart() {
        let store = MemoryStore::new();
        let places = Places::open(Arc::new(store.clone())).unwrap();
        let address = "10.0.0.7".parse().unwrap();
        places.give_address("notes", address).unwrap();
        places.remember_door("notes", 4711).unwrap();
        let again = Places::open(Arc::new(store.clone())).unwrap();
        assert_eq!(again.find("notes"), Place { address: Some(address), door_port: Some(4711) });
        again.forget("notes").unwrap();
        assert_eq!(Places::open(Arc::new(store)).unwrap().find("notes"), Place::default());
    }

    #[test]
    fn an_address_belongs_to_the_app_that_got_it_last() {
        let store = MemoryStore::new();
        let places = Places::open(Arc::new(store.clone())).unwrap();
        let address = "10.0.0.7".parse().unwrap();
        places.remember_door("notes", 1).unwrap();
        places.give_address("notes", address).unwrap();
        places.give_address("chat", address).unwrap();
        assert_eq!(places.at_address("::ffff:10.0.0.7".parse().unwrap()).as_deref(), Some("chat"));
        let again = Places::open(Arc::new(store)).unwrap();
        assert_eq!(again.at_address(address).as_deref(), Some("chat"));
        assert_eq!(again.find("notes"), Place { address: None, door_port: Some(1) });
    }
}
