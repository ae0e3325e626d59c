//! The catalogue of requirements: `fixtures/contract.toml`, part of the binary.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const EMBEDDED: &str = include_str!("../../fixtures/contract.toml");

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// A Core that fails one does not conform.
    #[serde(rename = "MUST")]
    Must,
    /// Hardening, reported apart.
    #[serde(rename = "SHOULD")]
    Should,
    /// Reported only.
    #[serde(rename = "MAY")]
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::May => "MAY",
        })
    }
}

/// Who has to keep a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Responsible {
    /// The Core.
    Core,
    /// The proxy before it.
    Proxy,
    /// Both together.
    Portal,
}

impl fmt::Display for Responsible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Responsible::Core => "core",
            Responsible::Proxy => "proxy",
            Responsible::Portal => "portal",
        })
    }
}

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its id, as in the tags of scenarios: `CALL-3`.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Who has to keep it.
    pub responsible: Responsible,
    /// In a few words.
    pub title: String,
    /// In full.
    pub text: String,
    /// What goes wrong without it.
    pub why: String,
    /// Where it comes from: `seed`, `docs`, `wire`, `rfc9421 §3.1`, `sec`.
    pub source: Vec<String>,
    /// Since which version of the contract.
    pub since: String,
    /// The bytes of an example, where bytes matter.
    #[serde(default)]
    pub sample: Option<String>,
}

impl Requirement {
    /// Whether it counts for the exit code at this choice of levels.
    pub fn counts(&self, threshold: Threshold) -> bool {
        match threshold {
            Threshold::Baseline => self.level == Level::Must && self.source.iter().any(|source| is_baseline(source)),
            _ => threshold.covers(self.level),
        }
    }

    /// The text's first sentence.
    pub fn sentence(&self) -> &str {
        let text = self.text.trim();
        match text.find(". ") {
            Some(end) => &text[..=end],
            None => text,
        }
    }
}

/// What a Core is held to that knows only the public word: the docs, the RFC and the description of peering.
fn is_baseline(source: &str) -> bool {
    let kind = source.split([' ', '(', '§']).next().unwrap_or_default();
    matches!(kind, "seed" | "docs" | "rfc9421")
}

/// Which requirements decide about the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threshold {
    /// The MUSTs whose source is `seed`, `docs` or `rfc9421`.
    Baseline,
    /// All MUSTs.
    #[default]
    Must,
    /// The SHOULDs too.
    Should,
    /// Everything.
    May,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        match text {
            "baseline" => Ok(Threshold::Baseline),
            "must" => Ok(Threshold::Must),
            "should" => Ok(Threshold::Should),
            "may" => Ok(Threshold::May),
            _ => Err("one of baseline, must, should, may".to_owned()),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Threshold::Baseline => "baseline",
            Threshold::Must => "must",
            Threshold::Should => "should",
            Threshold::May => "may",
        })
    }
}

impl Threshold {
    /// Whether what binds like this decides too.
    pub fn covers(self, level: Level) -> bool {
        match self {
            Threshold::Baseline | Threshold::Must => level == Level::Must,
            Threshold::Should => level <= Level::Should,
            Threshold::May => true,
        }
    }
}

/// All requirements, in the order of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    requirements: Vec<Requirement>,
}

/// The catalogue is broken.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Not TOML, or not of the right shape.
    #[error("the catalogue of requirements can't be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// An id twice.
    #[error("the catalogue of requirements has {0} twice")]
    Twice(String),
    /// An id that can't be a tag of a scenario.
    #[error("`{0}` can't be the id of a requirement: letters in capitals, a dash, a number")]
    Id(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    requirement: Vec<Requirement>,
}

impl Contract {
    /// The catalogue that is part of this program.
    pub fn embedded() -> Result<Contract, ContractError> {
        Contract::parse(EMBEDDED)
    }

    /// Reads a catalogue.
    pub fn parse(text: &str) -> Result<Contract, ContractError> {
        let file: File = toml::from_str(text)?;
        let mut seen = HashSet::new();
        for requirement in &file.requirement {
            if !is_requirement_id(&requirement.id) {
                return Err(ContractError::Id(requirement.id.clone()));
            }
            if !seen.insert(requirement.id.as_str()) {
                return Err(ContractError::Twice(requirement.id.clone()));
            }
        }
        Ok(Contract { requirements: file.requirement })
    }

    /// A catalogue of nothing: scenarios are held to what they say, and every one of them decides.
    pub fn none() -> Contract {
        Contract { requirements: Vec::new() }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter()
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// The ids that someone may have meant.
    pub fn similar(&self, id: &str) -> Vec<&str> {
        let family = |id: &str| id.rsplit_once('-').map(|(family, _)| family.to_owned()).unwrap_or_default();
        let wanted = family(&id.to_uppercase());
        let ids = self.requirements.iter().map(|requirement| requirement.id.as_str());
        ids.filter(|id| distance(&family(id), &wanted) <= 1).collect()
    }
}

/// Capitals and digits, a dash, a number: `CALL-3`, `R9421-2-17`.
pub(crate) fn is_requirement_id(text: &str) -> bool {
    let Some((family, number)) = text.rsplit_once('-') else { return false };
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    family.starts_with(|c: char| c.is_ascii_uppercase())
        && family.chars().all(capital)
        && !number.is_empty()
        && number.chars().all(|c| c.is_ascii_digit())
}

/// How many letters must be added, dropped or changed to get from one word to the other.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(source: &str, level: &str) -> Contract {
        Contract::parse(&format!(
            "[[requirement]]\nid = \"CALL-1\"\nlevel = \"{level}\"\nresponsible = \"core\"\ntitle = \"t\"\ntext = \"One. Two.\"\nwhy = \"w\"\nsource = [\"{source}\"]\nsince = \"1\"\n"
        ))
        .unwrap()
    }

    #[test]
    fn the_catalogue_of_this_program_can_be_read() {
        let contract = Contract::embedded().unwrap();
        assert!(contract.iter().count() > 50);
        assert_eq!(contract.get("SIG-1").unwrap().level, Level::Must);
    }

    #[test]
    fn which_requirements_count_depends_on_the_level_asked_for() {
        let counts = |source, level| {
            let contract = contract(source, level);
            let requirement = contract.get("CALL-1").unwrap();
            [Threshold::Baseline, Threshold::Must, Threshold::Should, Threshold::May].map(|t| requirement.counts(t))
        };
        assert_eq!(counts("seed", "MUST"), [true, true, true, true]);
        assert_eq!(counts("rfc9421 §3.1", "MUST"), [true, true, true, true]);
        assert_eq!(counts("sec", "MUST"), [false, true, true, true]);
        assert_eq!(counts("seed", "SHOULD"), [false, false, true, true]);
        assert_eq!(counts("seed", "MAY"), [false, false, false, true]);
    }

    #[test]
    fn a_broken_catalogue_is_refused() {
        assert!(matches!(Contract::parse("[[requirement]]\nid = \"X-1\""), Err(ContractError::Syntax(_))));
        let one = "[[requirement]]\nid = \"X-1\"\nlevel = \"MAY\"\nresponsible = \"core\"\ntitle = \"\"\ntext = \"\"\nwhy = \"\"\nsource = []\nsince = \"1\"\n";
        assert!(matches!(Contract::parse(&format!("{one}{one}")), Err(ContractError::Twice(_))));
        assert!(matches!(Contract::parse(&one.replace("X-1", "x1")), Err(ContractError::Id(_))));
    }

    #[test]
    fn the_sentence_of_a_requirement_is_its_first() {
        assert_eq!(contract("seed", "MUST").get("CALL-1").unwrap().sentence(), "One.");
    }

    #[test]
    fn ids_are_told_from_other_tags() {
        assert!(is_requirement_id("CALL-3"));
        assert!(is_requirement_id("R9421-2-17"));
        assert!(!is_requirement_id("slow"));
        assert!(!is_requirement_id("needs-clock"));
        assert!(!is_requirement_id("CALL-"));
        assert_eq!(distance("CALL", "CAL"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
