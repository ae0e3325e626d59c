//! Who takes part in an attack: the Portal that is attacked, the peers who sign, and the time of day.

use std::collections::BTreeMap;

use crate::testbed::identity::TestIdentity;

/// Who takes part in an attack, as the hostile peer knows them.
#[derive(Debug, Clone)]
pub struct Cast {
    /// The present, in seconds since 1970.
    pub now: i64,
    /// The nonce of the valid request.
    pub nonce: String,
    /// How old a signature may be, in seconds (a profile value).
    pub window: i64,
    /// How far clocks may be apart, in seconds (a profile value).
    pub skew: i64,
    /// `<short id>.<zone>` of the Portal that is attacked, with the public port where it is not 443.
    pub domain: String,
    /// The same of another Portal, where one is there.
    pub elsewhere: Option<String>,
    /// Who signs, by name.
    pub players: BTreeMap<String, TestIdentity>,
}

/// The peer whose valid request is attacked.
pub const ALICE: &str = "alice";
/// Another peer.
pub const CAROL: &str = "carol";
/// A Portal that is not a peer.
pub const MALLORY: &str = "mallory";
/// A peer with an RSA key.
pub const DAVE: &str = "dave";
/// A peer whose short ID is that of [`DANA`], too.
pub const DORA: &str = "dora";
/// A Portal with the short ID of [`DORA`] that is not a peer.
pub const DANA: &str = "dana";

/// Somebody is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing: the attack needs that Portal on the stage")]
pub struct Missing(pub String);

impl Cast {
    /// The host of the app that is attacked.
    pub fn chat(&self) -> String {
        format!("chat.{}", self.domain)
    }

    /// The host of another app on the same Portal.
    pub fn files(&self) -> String {
        format!("files.{}", self.domain)
    }

    /// The host of the same app on another Portal; one that nobody has where there is no other.
    pub fn elsewhere(&self) -> String {
        format!("chat.{}", self.elsewhere.as_deref().unwrap_or("elsewhere.invalid"))
    }

    /// Who signs under this name.
    ///
    /// # Errors
    /// Nobody.
    pub fn player(&self, name: &str) -> Result<&TestIdentity, Missing> {
        self.players.get(name).ok_or_else(|| Missing(name.to_owned()))
    }

    /// The ID of a player; empty where there is none.
    pub fn id(&self, name: &str) -> String {
        self.players.get(name).map(|identity| identity.id().to_owned()).unwrap_or_default()
    }

    /// The short ID of a player; empty where there is none.
    pub fn short_id(&self, name: &str) -> String {
        self.players.get(name).map(|identity| identity.short_id().to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::testbed::keys::{RSA_2048, SAME_SHORT_ID};

    /// Everybody.
    pub(in crate::attack) fn cast() -> Cast {
        let fresh = || TestIdentity::generate().unwrap();
        let known = |pem: &str| TestIdentity::from_private_key_pem(pem).unwrap();
        let players = [
            (ALICE, fresh()),
            (CAROL, fresh()),
            (MALLORY, fresh()),
            (DAVE, known(RSA_2048[0])),
            (DORA, known(SAME_SHORT_ID[0])),
            (DANA, known(SAME_SHORT_ID[1])),
        ];
        Cast {
            now: 1_790_000_000,
            nonce: "AAECAwQFBgcICQoLDA0ODw".to_owned(),
            window: 300,
            skew: 30,
            domain: "b0bb0b.p.example".to_owned(),
            elsewhere: Some("er1ner.p.example".to_owned()),
            players: players.into_iter().map(|(name, identity)| (name.to_owned(), identity)).collect(),
        }
    }

    #[test]
    fn who_is_missing_is_named() {
        let cast = Cast { players: BTreeMap::new(), elsewhere: None, ..cast() };
        assert_eq!(
            cast.player(ALICE).unwrap_err().to_string(),
            "alice is missing: the attack needs that Portal on the stage"
        );
        assert_eq!((cast.id(ALICE), cast.short_id(DANA)), (String::new(), String::new()));
        assert_eq!(cast.elsewhere(), "chat.elsewhere.invalid");
    }
}
