//! `[proxy]`: a proxy that is tested too, before the Core.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use super::format::{ProxyFile, ReadyFile};
use super::read::Reader;
use super::templates::{PROFILE_KEYS, Place, Template};

/// A proxy under test.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyTable {
    /// The command that starts it.
    pub command: Vec<Template>,
    /// Variables of its environment, beside those of the testbed.
    pub env: BTreeMap<String, Template>,
    /// Files that are written before it starts, by their path below its folder.
    pub files: BTreeMap<String, Template>,
    /// How one sees that it is ready.
    pub ready: ProxyReady,
}

/// How one sees that a proxy is ready: it shows its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyReady {
    /// And answers with 2xx at this path of the Portal's own host, where one is given.
    pub path: Option<String>,
    /// How long it may take.
    pub within: Duration,
}

impl Default for ProxyReady {
    fn default() -> ProxyReady {
        ProxyReady { path: None, within: Duration::from_secs(20) }
    }
}

/// The values that its templates may ask for.
pub(super) fn variables() -> Vec<(&'static str, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        ("proxy", owned(&["address", "host", "port", "plain_address", "plain_host", "plain_port", "folder"])),
        ("core", owned(&["address"])),
        ("apps", owned(&["address"])),
        ("pki", owned(&["ca_file", "certificate_file", "key_file"])),
        ("portal", owned(&["name", "domain", "short_id"])),
        ("endpoints", owned(&["auth", "authenticate_terminal"])),
        ("profile", PROFILE_KEYS.clone()),
    ]
}

/// Takes what was written.
pub(super) fn read(written: Spanned<ProxyFile>, reader: &mut Reader<'_>) -> ProxyTable {
    let span = written.span();
    let ProxyFile { command, url, env, files, ready } = written.into_inner();
    if let Some(url) = &url {
        let what = "a proxy that runs already can't have the certificates of Portals that are made for a scenario: \
                    give the `command` that starts it";
        reader.wrong(url.span(), "proxy.url", what);
    }
    let no_command = command.as_ref().is_none_or(|command| command.get_ref().is_empty());
    if no_command && url.is_none() {
        let at = command.as_ref().map_or(span, Spanned::span);
        reader.wrong(at, "proxy.command", "give the program that starts it, and its arguments");
    }
    for (path, text) in &files {
        let steps = Path::new(path).components();
        let inside = !path.is_empty() && steps.into_iter().all(|step| matches!(step, std::path::Component::Normal(_)));
        if !inside {
            reader.wrong(text.span(), &format!("proxy.files.{path}"), "give a path below the proxy's folder");
        }
    }
    let command = command.map(Spanned::into_inner).unwrap_or_default();
    ProxyTable {
        command: reader.templates("proxy.command", command, Place::Proxy),
        env: reader.template_map("proxy.env", env, Place::Proxy),
        files: reader.template_map("proxy.files", files, Place::Proxy),
        ready: ready.map(|ready| read_ready(ready, reader)).unwrap_or_default(),
    }
}

fn read_ready(ready: ReadyFile, reader: &mut Reader<'_>) -> ProxyReady {
    let ReadyFile { get, within } = ready;
    let path = reader.path("proxy.ready.get", get);
    let within = within.and_then(|text| reader.duration("proxy.ready.within", text));
    ProxyReady { path, within: within.unwrap_or(ProxyReady::default().within) }
}
