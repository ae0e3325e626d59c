//! Whether a key is the peer's: it has to make the peer's ID, and to stay.

use std::fmt::Debug;

use super::Peer;
use crate::identity::{PortalId, WhoAreYou};
use crate::rfc9421::VerifyingKey;

/// The part of a Core that decides whether an answer to `whoareyou` is the peer's; another one makes another Core.
pub trait CheckPeerKey: Send + Sync + Debug {
    /// The peer's whole ID, if `who` is its own introduction.
    ///
    /// # Errors
    /// Why it is not.
    fn check(&self, peer: &Peer, who: &WhoAreYou) -> Result<PortalId, KeyRefusal>;
}

/// The rules of the contract: the ID begins with the stored one, the key makes the ID (PEER-6), and is the one that was learnt before (PEER-11).
#[derive(Clone, Copy, Debug, Default)]
pub struct PinnedKey;

impl CheckPeerKey for PinnedKey {
    fn check(&self, peer: &Peer, who: &WhoAreYou) -> Result<PortalId, KeyRefusal> {
        let id = PortalId::parse(&who.id).map_err(|_| KeyRefusal::IdMalformed)?;
        if !id.as_str().starts_with(peer.typed_id().as_str()) {
            return Err(KeyRefusal::OtherId);
        }
        let key = VerifyingKey::from_pem(&who.public_key_pem).map_err(|_| KeyRefusal::KeyMalformed)?;
        if PortalId::of(&key).as_ref() != Ok(&id) {
            return Err(KeyRefusal::KeyDoesNotMakeId);
        }
        match peer.portal_id() {
            Some(pinned) if *pinned != id => Err(KeyRefusal::Pinned),
            _ => Ok(id),
        }
    }
}

/// Why a key is not the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefusal {
    /// What it calls its ID is none.
    #[error("the ID in the answer is none")]
    IdMalformed,
    /// The ID is that of someone else.
    #[error("the ID in the answer does not begin with the peer's")]
    OtherId,
    /// What it calls its key is none.
    #[error("the key in the answer can't be read")]
    KeyMalformed,
    /// The key belongs to another ID.
    #[error("the key in the answer does not make the ID")]
    KeyDoesNotMakeId,
    /// Another key was learnt before.
    #[error("another key was learnt for this peer before; to change it, remove the peer and add it again")]
    Pinned,
}
