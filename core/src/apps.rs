//! Installed apps: their manifests by name. What is installed holds from the next request on (ACL-11).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::manifest::{Manifest, ManifestError, Problem};
use crate::refusal::Refusal;
use crate::store::{Batch, Store, StoreError, Table};

/// The most apps that can be installed.
pub const MAX_APPS: usize = 1_000;

/// All apps. Reads come from memory, writes reach the store first.
#[derive(Debug)]
pub struct Apps {
    store: Arc<dyn Store>,
    by_name: RwLock<BTreeMap<String, Arc<Manifest>>>,
    writing: Mutex<()>,
}

impl Apps {
    /// The apps in the store. A manifest that is no longer accepted is left out, and logged.
    ///
    /// # Errors
    /// They can't be read.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let mut by_name = BTreeMap::new();
        for (name, source) in store.scan(Table::Apps)? {
            match Manifest::parse(&source) {
                Ok(manifest) => drop(by_name.insert(name, Arc::new(manifest))),
                Err(error) => tracing::error!(app = name, %error, "an installed app can't be read and stays away"),
            }
        }
        Ok(Self { store, by_name: RwLock::new(by_name), writing: Mutex::new(()) })
    }

    /// Installs an app or replaces its manifest; tells whether it is new. The name has to be the manifest's own.
    ///
    /// # Errors
    /// The manifest is refused, there are too many apps, the store fails; then nothing changes (APP-2).
    pub fn install(&self, name: &str, source: &[u8]) -> Result<(Arc<Manifest>, bool), Refusal> {
        let manifest = Arc::new(Manifest::parse(source)?);
        if manifest.name() != name {
            let why = Problem::OtherName { installed_as: name.chars().take(80).collect() };
            return Err(ManifestError::new("$.name", why).into());
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = self.find(name).is_none();
        if is_new && self.read(BTreeMap::len) >= MAX_APPS {
            return Err(Refusal::AppsFull { limit: MAX_APPS });
        }
        self.store.commit(Batch::new().put(Table::Apps, name, source))?;
        self.write(|apps| apps.insert(name.to_owned(), manifest.clone()));
        Ok((manifest, is_new))
    }

    /// The manifest of an app; upper and lower case are the same, as in host names (ACL-10).
    pub fn find(&self, name: &str) -> Option<Arc<Manifest>> {
        self.read(|apps| apps.get(&name.to_ascii_lowercase()).cloned())
    }

    /// All apps, by name.
    pub fn list(&self) -> Vec<Arc<Manifest>> {
        self.read(|apps| apps.values().cloned().collect())
    }

    /// Removes an app.
    ///
    /// # Errors
    /// [`Refusal::AppUnknown`], a failing store.
    pub fn remove(&self, name: &str) -> Result<(), Refusal> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.find(name).is_none() {
            return Err(Refusal::AppUnknown);
        }
        let name = name.to_ascii_lowercase();
        self.store.commit(Batch::new().remove(Table::Apps, name.as_str()))?;
        self.write(|apps| apps.remove(&name));
        Ok(())
    }

    fn read<T>(&self, with: impl FnOnce(&BTreeMap<String, Arc<Manifest>>) -> T) -> T {
        with(&self.by_name.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut BTreeMap<String, Arc<Manifest>>) -> T) -> T {
        with(&mut self.by_name.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::MemoryStore;

    fn manifest(name: &str, access: &str) -> Vec<u8> {
        json!({"v": "3.2", "name": name, "port": 80, "paths": {"": {"access": access}}}).to_string().into_bytes()
    }

    #[test]
    fn an_app_is_there_from_the_install_on_and_after_a_restart() {
        let store = MemoryStore::new();
        let apps = Apps::open(Arc::new(store.clone())).unwrap();
        assert!(apps.find("myapp").is_none());
        assert!(apps.install("myapp", &manifest("myapp", "private")).unwrap().1);
        assert!(!apps.install("myapp", &manifest("myapp", "public")).unwrap().1);
        let again = Apps::open(Arc::new(store)).unwrap();
        for apps in [&apps, &again] {
            let found = apps.find("MyApp").unwrap();
            assert_eq!(found.rules()[0].access(), crate::acl::Access::Public);
            assert_eq!(apps.list().len(), 1);
        }
        again.remove("MYAPP").unwrap();
        assert!(again.find("myapp").is_none() && again.list().is_empty());
        assert_eq!(again.remove("myapp"), Err(Refusal::AppUnknown));
    }

    #[test]
    fn a_refused_manifest_changes_nothing() {
        let store = MemoryStore::new();
        let apps = Apps::open(Arc::new(store.clone())).unwrap();
        apps.install("myapp", &manifest("myapp", "private")).unwrap();
        assert!(apps.install("myapp", &manifest("myapp", "sometimes")).is_err());
        let error = apps.install("myapp", &manifest("other", "public")).unwrap_err();
        assert_eq!((error.code(), error.body()["path"].as_str()), ("manifest_other_name", Some("$.name")));
        assert_eq!(apps.find("myapp").unwrap().rules()[0].access(), crate::acl::Access::Private);
        assert_eq!(store.scan(Table::Apps).unwrap().len(), 1);
    }

    #[test]
    fn one_broken_entry_does_not_keep_the_others_away() {
        let store = MemoryStore::new();
        let batch = Batch::new().put(Table::Apps, "a", *b"{").put(Table::Apps, "b", manifest("b", "public"));
        store.commit(batch).unwrap();
        let apps = Apps::open(Arc::new(store)).unwrap();
        assert!(apps.find("a").is_none() && apps.find("b").is_some());
    }
}
