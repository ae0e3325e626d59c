//! `countersign.toml` as it is written: what TOML and serde can say about it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) zone: Option<Text>,
    pub(super) port: Option<Spanned<i64>>,
    pub(super) core: Option<Text>,
    pub(super) peers: Option<Spanned<WordOrList>>,
    #[serde(default, rename = "portal")]
    pub(super) portals: Vec<Spanned<PortalFile>>,
    #[serde(default, rename = "app")]
    pub(super) apps: Vec<Spanned<AppFile>>,
    #[serde(default)]
    pub(super) faults: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortalFile {
    pub(super) name: Text,
    pub(super) peers: Option<Spanned<WordOrList>>,
    pub(super) clock: Option<Text>,
    pub(super) core: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) apps: Option<Vec<Text>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppFile {
    pub(super) manifest: Option<Text>,
    pub(super) run: Option<Spanned<WordOrList>>,
    pub(super) url: Option<Spanned<WordOrTable>>,
    pub(super) image: Option<Text>,
    pub(super) compose: Option<Text>,
    pub(super) echo: Option<Spanned<bool>>,
    pub(super) directory: Option<Text>,
    #[serde(default)]
    pub(super) env: BTreeMap<Text, Text>,
    pub(super) ready_within: Option<Text>,
}

/// One text, or several.
pub(super) enum WordOrList {
    Word(String),
    List(Vec<Text>),
}

/// One text, or one for each name.
pub(super) enum WordOrTable {
    Word(String),
    Table(BTreeMap<Text, Text>),
}

impl<'de> Deserialize<'de> for WordOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WordOrList, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WordOrList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of texts")
            }

            fn visit_str<E>(self, word: &str) -> Result<WordOrList, E> {
                Ok(WordOrList::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<WordOrList, A::Error> {
                Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list)).map(WordOrList::List)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for WordOrTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WordOrTable, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WordOrTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table with a text for each Portal")
            }

            fn visit_str<E>(self, word: &str) -> Result<WordOrTable, E> {
                Ok(WordOrTable::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOrTable, A::Error> {
                Deserialize::deserialize(de::value::MapAccessDeserializer::new(map)).map(WordOrTable::Table)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
