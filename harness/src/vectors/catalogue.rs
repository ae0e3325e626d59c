//! The catalogue of RFC 9421's requirements: `fixtures/rfc9421.toml`, part of the binary.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contract::Level;

const EMBEDDED: &str = include_str!("../../../fixtures/rfc9421.toml");

/// Every sentence of RFC 9421 §§2–5 with normative weight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Those that bind a signer or verifier.
    #[serde(default)]
    pub requirement: Vec<Sentence>,
    /// Those that bind neither.
    #[serde(default)]
    pub outside: Vec<Outside>,
}

/// A sentence that binds a signer or verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// Stable: `R9421-2.1-strip-whitespace`.
    pub id: String,
    /// The section that it stands in.
    pub section: String,
    /// How binding it is.
    pub level: Level,
    /// Whom it binds.
    pub binds: Binds,
    /// The sentence.
    pub quote: String,
    /// The vectors that check it.
    #[serde(default)]
    pub vectors: Vec<String>,
}

/// A sentence with a keyword that binds neither a signer nor a verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The section that it stands in.
    pub section: String,
    /// The sentence.
    pub quote: String,
    /// Whom it binds, or why it can't be checked.
    pub why: String,
}

/// Whom a sentence binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binds {
    /// Who signs.
    Signer,
    /// Who verifies.
    Verifier,
    /// Both.
    Both,
}

impl fmt::Display for Binds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Binds::Signer => "signer",
            Binds::Verifier => "verifier",
            Binds::Both => "both",
        })
    }
}

/// The catalogue is no catalogue.
#[derive(Debug, thiserror::Error)]
#[error("fixtures/rfc9421.toml: {0}")]
pub struct CatalogueError(#[from] toml::de::Error);

impl Catalogue {
    /// The one in the binary.
    ///
    /// # Errors
    /// It can't be read.
    pub fn embedded() -> Result<Catalogue, CatalogueError> {
        Catalogue::parse(EMBEDDED)
    }

    /// Reads one.
    ///
    /// # Errors
    /// It can't be read.
    pub fn parse(text: &str) -> Result<Catalogue, CatalogueError> {
        Ok(toml::from_str(text)?)
    }

    /// The sentence with this id, whatever the case of its letters.
    pub fn sentence(&self, id: &str) -> Option<&Sentence> {
        self.requirement.iter().find(|sentence| sentence.id.eq_ignore_ascii_case(id))
    }

    /// Ids that begin as this one does.
    pub fn similar(&self, id: &str) -> Vec<&str> {
        let id = id.to_ascii_lowercase();
        let section = id.rfind('-').map_or(id.as_str(), |end| &id[..end]);
        let starts = |candidate: &&str| candidate.to_ascii_lowercase().starts_with(section);
        self.requirement.iter().map(|sentence| sentence.id.as_str()).filter(starts).take(8).collect()
    }
}

impl Sentence {
    /// Whether a vector checks it.
    pub fn is_covered(&self) -> bool {
        !self.vectors.is_empty()
    }
}
