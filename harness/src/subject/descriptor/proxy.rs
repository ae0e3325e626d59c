//! `[proxy]`: a proxy that is tested too, before the Core.

use std::collections::BTreeMap;

use super::format::ProxyFile;
use super::read::Reader;
use super::templates::{Place, Template};
use super::{Hook, Ready};

/// A proxy under test.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyTable {
    /// The command that starts it; empty where it runs already.
    pub command: Vec<Template>,
    /// Where it runs already.
    pub url: Option<String>,
    /// Variables of its environment.
    pub env: BTreeMap<String, Template>,
    /// Files that are written before it starts, by their path below its folder.
    pub files: BTreeMap<String, Template>,
    /// How one sees that it is ready.
    pub ready: Option<Ready>,
    /// What makes it read its files again.
    pub reload: Option<Hook>,
}

/// The values that its templates may ask for, beside the Core's.
pub(super) fn variables() -> Vec<(&'static str, Vec<String>)> {
    let names =
        ["address", "host", "port", "plain_address", "folder", "certificate_file", "key_file", "domain", "reload"];
    vec![("proxy", names.iter().map(|name| (*name).to_owned()).collect())]
}

/// Takes what was written.
pub(super) fn read(written: ProxyFile, reader: &mut Reader<'_>) -> ProxyTable {
    let ProxyFile { command, url, env, files, ready, reload } = written;
    ProxyTable {
        command: reader.templates("proxy.command", command.unwrap_or_default(), Place::Proxy),
        url: url.map(toml::Spanned::into_inner),
        env: reader.template_map("proxy.env", env, Place::Proxy),
        files: reader.template_map("proxy.files", files, Place::Proxy),
        ready: ready.map(|ready| reader.ready("proxy.ready", ready)),
        reload: reader.hook("proxy.reload", reload, Place::Proxy),
    }
}
