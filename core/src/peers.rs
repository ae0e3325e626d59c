//! The address book: which Portals the owner added, under which names, and with which keys (contract §2).

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::identity::{ALPHABET, ID_LENGTH, PortalId, SHORT_LENGTH, WhoAreYou};
use crate::profile::IdForm;
use crate::refusal::Refusal;
use crate::rfc9421::{KeyError, VerifyingKey};
use crate::store::{Batch, Store, StoreError, Table, scan_json};

mod key_check;

pub use key_check::{CheckPeerKey, KeyRefusal, PinnedKey};

/// The most peers that are stored.
pub const MAX_PEERS: usize = 10_000;
/// The longest name, in characters; the rest is cut off.
pub const MAX_NAME: usize = 256;

/// An ID, or a prefix of one of at least six characters, in the alphabet of IDs: nothing in it can be a pattern, a host or a path (PEER-10, CALL-6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PeerRef(String);

impl PeerRef {
    /// Reads one.
    ///
    /// # Errors
    /// [`Refusal::PeerIdMalformed`] (PEER-3).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let why = if text.len() < SHORT_LENGTH {
            format!("it has to have at least {SHORT_LENGTH} characters")
        } else if text.len() > ID_LENGTH {
            format!("it has to have at most {ID_LENGTH} characters")
        } else if !text.bytes().all(|b| ALPHABET.contains(&b)) {
            "only a-z without i, m, o, u, and 0-9 occur in IDs".to_owned()
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(Refusal::PeerIdMalformed { given: text.chars().take(ID_LENGTH + 1).collect(), why })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first six characters.
    pub fn short(&self) -> &str {
        &self.0[..SHORT_LENGTH]
    }
}

impl TryFrom<String> for PeerRef {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    typed_id: PeerRef,
    #[serde(default)]
    given_name: Option<String>,
    #[serde(default)]
    own_name: Option<String>,
    #[serde(default)]
    known: Option<Known>,
    #[serde(default)]
    is_reachable: bool,
}

/// What a peer proved of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredKey", into = "StoredKey")]
struct Known {
    id: PortalId,
    public_key_pem: String,
    key: VerifyingKey,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    id: PortalId,
    public_key_pem: String,
}

impl TryFrom<StoredKey> for Known {
    type Error = KeyError;

    fn try_from(stored: StoredKey) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_pem(&stored.public_key_pem)?;
        Ok(Self { id: stored.id, public_key_pem: key.public_key_pem()?, key })
    }
}

impl From<Known> for StoredKey {
    fn from(known: Known) -> Self {
        Self { id: known.id, public_key_pem: known.public_key_pem }
    }
}

impl Peer {
    /// The ID in the asked-for form; the whole ID as far as it is known.
    pub fn id(&self, form: IdForm) -> &str {
        match form {
            IdForm::Full => self.longest_id(),
            IdForm::Short => self.short_id(),
            IdForm::AsTyped => self.typed_id.as_str(),
        }
    }

    /// The first six characters: the peer's place in the zone.
    pub fn short_id(&self) -> &str {
        self.typed_id.short()
    }

    /// What the owner typed.
    pub fn typed_id(&self) -> &PeerRef {
        &self.typed_id
    }

    /// The name: the owner's, else the peer's own, else empty (PEER-2).
    pub fn name(&self) -> &str {
        self.given_name.as_deref().or(self.own_name.as_deref()).unwrap_or_default()
    }

    /// The key, once it was learnt.
    pub fn public_key_pem(&self) -> Option<&str> {
        self.known.as_ref().map(|known| known.public_key_pem.as_str())
    }

    /// The key, once it was learnt, ready to verify.
    pub fn key(&self) -> Option<&VerifyingKey> {
        self.known.as_ref().map(|known| &known.key)
    }

    /// The whole ID, once the key was learnt.
    pub fn portal_id(&self) -> Option<&PortalId> {
        self.known.as_ref().map(|known| &known.id)
    }

    /// Whether it answered when it was last asked.
    pub fn is_reachable(&self) -> bool {
        self.is_reachable
    }

    fn longest_id(&self) -> &str {
        self.portal_id().map_or(self.typed_id.as_str(), PortalId::as_str)
    }
}

/// What a lookup by prefix finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// Nobody.
    None,
    /// The peer.
    One(Arc<Peer>),
    /// More than one.
    Several,
}

impl Found {
    /// The one peer, else the refusal that says why not.
    ///
    /// # Errors
    /// [`Refusal::PeerUnknown`], [`Refusal::PeerAmbiguous`].
    pub fn one(self, given: &PeerRef) -> Result<Arc<Peer>, Refusal> {
        let given = || given.as_str().to_owned();
        match self {
            Found::One(peer) => Ok(peer),
            Found::None => Err(Refusal::PeerUnknown { given: given() }),
            Found::Several => Err(Refusal::PeerAmbiguous { given: given() }),
        }
    }
}

/// All peers. Reads come from memory, writes reach the store first.
#[derive(Debug)]
pub struct Peers {
    own_id: PortalId,
    store: Arc<dyn Store>,
    check: Arc<dyn CheckPeerKey>,
    /// By the longest known ID. No key is a prefix of another one.
    by_id: RwLock<BTreeMap<String, Arc<Peer>>>,
    writing: Mutex<()>,
}

impl Peers {
    /// The peers in the store.
    ///
    /// # Errors
    /// They can't be read.
    pub fn open(store: Arc<dyn Store>, own_id: PortalId, check: Arc<dyn CheckPeerKey>) -> Result<Self, StoreError> {
        let by_id = scan_json::<Peer>(&*store, Table::Peers)?
            .into_iter()
            .map(|(_, peer)| (peer.longest_id().to_owned(), Arc::new(peer)))
            .collect();
        Ok(Self { own_id, store, check, by_id: RwLock::new(by_id), writing: Mutex::new(()) })
    }

    /// All peers, or those whose name contains `name`, upper and lower case alike (PEER-1).
    pub fn list(&self, name: Option<&str>) -> Vec<Arc<Peer>> {
        let wanted = name.map(str::to_lowercase);
        self.read(|peers| {
            peers
                .values()
                .filter(|peer| wanted.as_deref().is_none_or(|name| peer.name().to_lowercase().contains(name)))
                .cloned()
                .collect()
        })
    }

    /// Looks a peer up by its ID or a prefix of it, literally (PEER-4, PEER-10).
    pub fn find(&self, id: &PeerRef) -> Found {
        self.read(|peers| {
            let mut found = starting_with(peers, id.as_str());
            match (found.next(), found.next()) {
                (None, _) => Found::None,
                (Some(peer), None) => Found::One(peer.clone()),
                (Some(_), Some(_)) => Found::Several,
            }
        })
    }

    /// Everyone whom `keyid` may mean: their keys tell them apart (PEER-12). Nobody where it is shorter than a short ID.
    pub fn candidates_for(&self, keyid: &str) -> Vec<Arc<Peer>> {
        if PeerRef::parse(keyid).is_err() {
            return Vec::new();
        }
        self.read(|peers| {
            let mut candidates: Vec<_> = starting_with(peers, keyid).cloned().collect();
            // Of a peer without key only the beginning of the ID may be known. With a key all of it is.
            candidates.extend((SHORT_LENGTH..keyid.len()).filter_map(|end| peers.get(&keyid[..end])).cloned());
            candidates
        })
    }

    /// Adds a peer, or renames the one that is meant (PEER-2). No name leaves the name as it is, an empty one gives the peer's own back.
    /// Tells the peer, and whether it is new.
    ///
    /// # Errors
    /// The own ID (PEER-14), several matches, a full address book, a failing store.
    pub fn put(&self, id: &PeerRef, name: Option<&str>) -> Result<(Arc<Peer>, bool), Refusal> {
        if self.own_id.as_str().starts_with(id.as_str()) {
            return Err(Refusal::PeerIsSelf);
        }
        let name = name.map(|name| shortened(name).filter(|name| !name.trim().is_empty()));
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let existing = match self.find(id) {
            Found::One(peer) => Some(peer),
            Found::Several => return Err(Refusal::PeerAmbiguous { given: id.as_str().to_owned() }),
            // More of the ID of a peer of whom less is known.
            Found::None => self.candidates_for(id.as_str()).into_iter().next(),
        };
        let is_new = existing.is_none();
        if is_new && self.read(BTreeMap::len) >= MAX_PEERS {
            return Err(Refusal::PeersFull { limit: MAX_PEERS });
        }
        let mut peer = existing.as_deref().cloned().unwrap_or_else(|| Peer {
            typed_id: id.clone(),
            given_name: None,
            own_name: None,
            known: None,
            is_reachable: false,
        });
        if id.as_str().len() > peer.typed_id.as_str().len() {
            peer.typed_id = id.clone();
        }
        if let Some(name) = name {
            peer.given_name = name;
        }
        Ok((self.replace(existing.as_deref(), peer)?, is_new))
    }

    /// Removes the one peer that is meant (PEER-5).
    ///
    /// # Errors
    /// Nobody or several match, a failing store; then nobody is removed.
    pub fn remove(&self, id: &PeerRef) -> Result<Arc<Peer>, Refusal> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = self.find(id).one(id)?;
        self.store.commit(Batch::new().remove(Table::Peers, peer.longest_id()))?;
        self.write(|peers| peers.remove(peer.longest_id()));
        Ok(peer)
    }

    /// Keeps what a peer says of itself, if its key fits its ID and no other key was learnt before (PEER-6, PEER-11), and that it can be reached.
    ///
    /// # Errors
    /// The peer is not (any more) one, the answer is not its own, a failing store.
    pub fn learn_key(&self, peer: &Peer, who: &WhoAreYou) -> Result<Arc<Peer>, LearnError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current(peer).ok_or(LearnError::NotAPeer)?;
        let id = self.check.check(&current, who)?;
        let mut learnt = Peer::clone(&current);
        let stored = StoredKey { id, public_key_pem: who.public_key_pem.clone() };
        learnt.known = Some(stored.try_into().map_err(|_| KeyRefusal::KeyMalformed)?);
        learnt.own_name = shortened(&who.name).filter(|name| !name.trim().is_empty());
        learnt.is_reachable = true;
        self.replace(Some(&current), learnt).map_err(LearnError::Refused)
    }

    /// Notes whether a peer can be reached. Nothing is written where nothing changes.
    ///
    /// # Errors
    /// A failing store.
    pub fn mark_reachable(&self, peer: &Peer, is_reachable: bool) -> Result<(), Refusal> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.current(peer) {
            Some(current) if current.is_reachable != is_reachable => {
                let marked = Peer { is_reachable, ..Peer::clone(&current) };
                self.replace(Some(&current), marked).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The peer as it is now, which may have a longer ID than when `peer` was read.
    pub(crate) fn current(&self, peer: &Peer) -> Option<Arc<Peer>> {
        self.read(|peers| {
            let mut found = starting_with(peers, peer.longest_id());
            found.next().filter(|_| found.next().is_none()).cloned()
        })
    }

    /// Stores `peer` in the place of `old`; to be called while `writing` is held.
    fn replace(&self, old: Option<&Peer>, peer: Peer) -> Result<Arc<Peer>, Refusal> {
        if old == Some(&peer) {
            return Ok(Arc::new(peer));
        }
        let mut batch = Batch::new();
        if let Some(old) = old {
            batch = batch.remove(Table::Peers, old.longest_id());
        }
        self.store.commit(batch.put_json(Table::Peers, peer.longest_id(), &peer)?)?;
        let peer = Arc::new(peer);
        self.write(|peers| {
            if let Some(old) = old {
                peers.remove(old.longest_id());
            }
            peers.insert(peer.longest_id().to_owned(), peer.clone());
        });
        Ok(peer)
    }

    fn read<T>(&self, with: impl FnOnce(&BTreeMap<String, Arc<Peer>>) -> T) -> T {
        with(&self.by_id.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut BTreeMap<String, Arc<Peer>>) -> T) -> T {
        with(&mut self.by_id.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A key that was not learnt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The peer was removed in the meantime.
    #[error("that is no peer (any more)")]
    NotAPeer,
    /// The answer is not the peer's.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// It can't be stored.
    #[error(transparent)]
    Refused(Refusal),
}

fn starting_with<'p>(peers: &'p BTreeMap<String, Arc<Peer>>, prefix: &str) -> impl Iterator<Item = &'p Arc<Peer>> {
    peers.range(prefix.to_owned()..).take_while(move |(id, _)| id.starts_with(prefix)).map(|(_, peer)| peer)
}

fn shortened(name: &str) -> Option<String> {
    Some(name.chars().take(MAX_NAME).collect())
}

#[cfg(test)]
mod tests;
