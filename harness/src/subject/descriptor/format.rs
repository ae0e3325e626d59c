//! The file as it is written: what TOML and serde can say about it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use super::{Connections, NamesBy, Portals, RecognisedBy};

pub(super) type Text = Spanned<String>;
pub(super) type Texts = BTreeMap<String, Text>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Text,
    pub(super) version: Option<String>,
    pub(super) profile: Option<Text>,
    pub(super) names: Option<Spanned<NamesBy>>,
    #[serde(default)]
    pub(super) connections: Connections,
    pub(super) start: Option<Spanned<StartFile>>,
    #[serde(default)]
    pub(super) apps: AppsFile,
    #[serde(default)]
    pub(super) terminals: TerminalsFile,
    #[serde(default)]
    pub(super) limits: LimitsFile,
    #[serde(default)]
    pub(super) state: StateFile,
    #[serde(default)]
    pub(super) endpoints: EndpointsFile,
    #[serde(default)]
    pub(super) overrides: BTreeMap<Text, Spanned<toml::Value>>,
    pub(super) proxy: Option<Spanned<ProxyFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StartFile {
    pub(super) command: Option<Spanned<Vec<Text>>>,
    pub(super) url: Option<Text>,
    pub(super) urls: Option<Spanned<Vec<Text>>>,
    pub(super) connect_proxy: Option<Text>,
    pub(super) ca_file: Option<Text>,
    pub(super) image: Option<Text>,
    pub(super) port: Option<Spanned<u16>>,
    pub(super) data: Option<Text>,
    pub(super) user: Option<Text>,
    pub(super) directory: Option<Text>,
    #[serde(default)]
    pub(super) env: Texts,
    #[serde(default)]
    pub(super) files: Texts,
    pub(super) address_from: Option<Text>,
    pub(super) ready: Option<ReadyFile>,
    pub(super) stop_within: Option<Text>,
    pub(super) portals: Option<Spanned<Portals>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadyFile {
    pub(super) get: Option<Text>,
    pub(super) within: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppsFile {
    pub(super) install: Option<Spanned<HookFile>>,
    pub(super) uninstall: Option<Spanned<HookFile>>,
    pub(super) recognised_by: Option<Spanned<RecognisedBy>>,
    pub(super) door_from: Option<Text>,
    pub(super) doors: Option<Spanned<HookFile>>,
    pub(super) header: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerminalsFile {
    pub(super) pair: Option<Spanned<WordOrHook>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    pub(super) answer: Option<Text>,
    pub(super) step: Option<Text>,
    pub(super) parallel: Option<Spanned<u16>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateFile {
    pub(super) reset: Option<Spanned<HookFile>>,
    pub(super) restart: Option<Spanned<WordOrHook>>,
    pub(super) kill: Option<Spanned<WordOrHook>>,
    pub(super) set_clock: Option<Spanned<HookFile>>,
    pub(super) import_identity: Option<Spanned<HookFile>>,
    pub(super) profile: Option<Spanned<bool>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointsFile {
    pub(super) auth: Option<Text>,
    pub(super) authenticate_terminal: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxyFile {
    pub(super) command: Option<Spanned<Vec<Text>>>,
    pub(super) url: Option<Text>,
    #[serde(default)]
    pub(super) env: Texts,
    #[serde(default)]
    pub(super) files: Texts,
    pub(super) ready: Option<ReadyFile>,
}

/// What is done: a request, a command, a file, a signal.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HookFile {
    pub(super) get: Option<Text>,
    pub(super) put: Option<Text>,
    pub(super) post: Option<Text>,
    pub(super) delete: Option<Text>,
    pub(super) body: Option<Text>,
    pub(super) command: Option<Spanned<Vec<Text>>>,
    pub(super) file: Option<Text>,
    pub(super) text: Option<Text>,
    pub(super) signal: Option<Text>,
}

/// One word, such as `process` or `contract`, or a hook.
pub(super) enum WordOrHook {
    Word(String),
    Hook(Box<HookFile>),
}

impl<'de> Deserialize<'de> for WordOrHook {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<WordOrHook, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WordOrHook;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, or a table such as { command = [\"…\"] }")
            }

            fn visit_str<E>(self, word: &str) -> Result<WordOrHook, E> {
                Ok(WordOrHook::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WordOrHook, A::Error> {
                HookFile::deserialize(MapAccessDeserializer::new(map)).map(|hook| WordOrHook::Hook(Box::new(hook)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
