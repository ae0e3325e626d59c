//! Who a Portal is: a key pair, and an ID that follows from the public key (contract §1).

use std::fmt;

use aws_lc_rs::digest::{SHA512, digest};
use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::rfc9421::{KeyError, SigningKey, VerifyingKey};
use crate::store::{Batch, Store, StoreError, Table, read_json};

/// The characters of an ID, by the value of their five bits (ID-2).
pub const ALPHABET: &[u8; 32] = b"abcdefghjklnpqrstvwxyz0123456789";
/// The length of an ID: 512 bits in groups of five.
pub const ID_LENGTH: usize = 103;
/// The length of a short ID (ID-3), and the least that a prefix may have.
pub const SHORT_LENGTH: usize = 6;

/// The ID of a Portal: 103 characters that follow from its public key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PortalId(String);

impl PortalId {
    /// The ID of the Portal that has this key.
    ///
    /// # Errors
    /// A shared secret is nobody's public key.
    pub fn of(key: &VerifyingKey) -> Result<Self, IdentityError> {
        Ok(Self(id_of_text(&key.public_key_pem()?)))
    }

    /// The ID of the Portal that has the key in this PEM. The key is read and written anew, so that line ends and line lengths take no part.
    ///
    /// # Errors
    /// No public key in PEM.
    pub fn from_public_key_pem(pem: &str) -> Result<Self, IdentityError> {
        Self::of(&VerifyingKey::from_pem(pem)?)
    }

    /// Reads an ID.
    ///
    /// # Errors
    /// Not 103 characters out of [`ALPHABET`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        match text.len() == ID_LENGTH && text.bytes().all(|b| ALPHABET.contains(&b)) {
            true => Ok(Self(text.to_owned())),
            false => Err(IdentityError::IdMalformed),
        }
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first six characters (ID-3).
    pub fn short(&self) -> &str {
        &self.0[..SHORT_LENGTH]
    }
}

/// 5-bit groups, most significant bit first, the last one padded with zeros (ID-2).
fn id_of_text(pem: &str) -> String {
    let mut id = String::with_capacity(ID_LENGTH);
    let (mut bits, mut count) = (0u32, 0);
    for byte in digest(&SHA512, pem.as_bytes()).as_ref() {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            id.push(character(bits >> count));
        }
    }
    if count > 0 {
        id.push(character(bits << (5 - count)));
    }
    id
}

fn character(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

impl fmt::Display for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PortalId {
    type Error = IdentityError;

    fn try_from(text: String) -> Result<Self, IdentityError> {
        Self::parse(&text)
    }
}

/// The kind of key pair to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum KeyKind {
    /// Ed25519.
    #[default]
    Ed25519,
    /// RSA, signing with RSA-PSS. Takes seconds to make.
    RsaPss {
        /// 2048, 3072, 4096 or 8192.
        bits: usize,
    },
}

/// A Portal's identity. Its `Debug` shows no key material.
#[derive(Clone, Debug)]
pub struct Identity {
    key: SigningKey,
    public_key_pem: String,
    id: PortalId,
    description: Description,
}

/// How a Portal introduces itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// A line about it.
    #[serde(default)]
    pub description: String,
    /// An address of its owner.
    #[serde(default)]
    pub email: String,
}

/// What a Portal tells everyone (ID-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAreYou {
    /// Its ID.
    pub id: String,
    /// Its name for itself.
    #[serde(default)]
    pub name: String,
    /// A line about it.
    #[serde(default)]
    pub description: Option<String>,
    /// An address of its owner.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it is the identity that is used where none is named.
    #[serde(default)]
    pub is_default: bool,
    /// Its public key.
    pub public_key_pem: String,
    /// `<short id>.<zone>`.
    #[serde(default)]
    pub domain: String,
}

impl Identity {
    /// Makes a new one (ID-1).
    ///
    /// # Errors
    /// An RSA size that is not supported, or no randomness.
    pub fn generate(kind: KeyKind, description: Description) -> Result<Self, IdentityError> {
        let key = match kind {
            KeyKind::Ed25519 => SigningKey::generate_ed25519()?,
            KeyKind::RsaPss { bits } => SigningKey::generate_rsa(bits)?,
        };
        Self::from_key(key, description)
    }

    /// The identity that belongs to a key.
    ///
    /// # Errors
    /// A shared secret makes no identity.
    pub fn from_key(key: SigningKey, description: Description) -> Result<Self, IdentityError> {
        let public_key_pem = key.public_key_pem()?;
        let id = PortalId::of(&key.verifying_key())?;
        Ok(Self { key, public_key_pem, id, description })
    }

    /// The stored identity, if there is one (ID-6).
    ///
    /// # Errors
    /// What is stored can't be read, or is no key.
    pub fn load(store: &dyn Store) -> Result<Option<Self>, IdentityError> {
        let Some(stored) = read_json::<Stored>(store, Table::Identity, DEFAULT)? else { return Ok(None) };
        let key = SigningKey::from_pem(&stored.private_key_pem)?;
        Self::from_key(key, stored.description.clone()).map(Some)
    }

    /// The stored identity, or a new one that is stored.
    ///
    /// # Errors
    /// As [`Identity::load`] and [`Identity::generate`], or it can't be stored.
    pub fn load_or_generate(store: &dyn Store, kind: KeyKind, description: Description) -> Result<Self, IdentityError> {
        if let Some(identity) = Self::load(store)? {
            return Ok(identity);
        }
        let identity = Self::generate(kind, description)?;
        identity.save(store)?;
        Ok(identity)
    }

    /// Stores it as the Portal's own.
    ///
    /// # Errors
    /// It can't be stored.
    pub fn save(&self, store: &dyn Store) -> Result<(), IdentityError> {
        let stored =
            Stored { private_key_pem: self.key.to_pkcs8_pem()?.to_string(), description: self.description.clone() };
        store.commit(Batch::new().put_json(Table::Identity, DEFAULT, &stored)?)?;
        Ok(())
    }

    /// The same key with another introduction.
    #[must_use]
    pub fn with_description(mut self, description: Description) -> Self {
        self.description = description;
        self
    }

    /// The ID.
    pub fn id(&self) -> &PortalId {
        &self.id
    }

    /// The key that signs.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The public key as PEM.
    pub fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }

    /// How it introduces itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// ID-4.
    pub fn who_are_you(&self, profile: &Profile) -> WhoAreYou {
        WhoAreYou {
            id: self.id.to_string(),
            name: self.description.name.clone(),
            description: Some(self.description.description.clone()),
            email: Some(self.description.email.clone()),
            is_default: true,
            public_key_pem: self.public_key_pem.clone(),
            domain: profile.authority(self.id.short()),
        }
    }
}

const DEFAULT: &str = "default";

#[derive(Serialize, Deserialize)]
struct Stored {
    private_key_pem: String,
    #[serde(flatten)]
    description: Description,
}

/// Wiped once it was written: it holds the private key (ID-5).
impl Drop for Stored {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.private_key_pem);
    }
}

/// An identity that can't be made, read or stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Not an ID.
    #[error("not a Portal ID: 103 characters out of a-z without i, m, o, u, and 0-9")]
    IdMalformed,
    /// A key that can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// State can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests;
