//! `core.toml`: what a Core that runs as a server of its own is told. Everything has a default; a mistake is answered
//! with file, line and key, and what to do.

use std::{
    net::IpAddr,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::{connect::Timeouts, limits::Limits, profile::Profile, spool::SpoolLimits, way_out::WayOut};

/// A mistake in a configuration file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{}{}: {what}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default(), key.as_ref().map(|key| format!(": `{key}`")).unwrap_or_default())]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1, where the mistake stands on one.
    pub line: Option<usize>,
    /// The key.
    pub key: Option<String>,
    /// What is wrong and what to do.
    pub what: String,
}

/// A configuration as read and checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The Portal's name, as shown to peers that gave it none.
    pub name: Option<String>,
    /// What the Portal says about itself.
    pub description: Option<String>,
    /// The owner's mail address.
    pub email: Option<String>,
    /// The kind of key that is made at the first start.
    pub key: KeyChoice,
    /// A PEM file with further certificate authorities to trust in.
    pub ca_file: Option<PathBuf>,
    /// The interface on which apps get their doors.
    pub doors: Option<IpAddr>,
    /// Straight to peers, or through a proxy of the network; none where the file does not say.
    pub way_out: Option<WayOut>,
    /// What a Portal signature covers, how old it may be, names and ports.
    pub profile: Profile,
    /// Limits on what comes in.
    pub limits: Limits,
}

/// The kinds of key that an identity can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum KeyChoice {
    /// Ed25519.
    #[default]
    #[serde(rename = "ed25519")]
    Ed25519,
    /// RSA-PSS with SHA-512, 4096 bits.
    #[serde(rename = "rsa-pss-sha512")]
    RsaPssSha512,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    identity: IdentityTable,
    tls: TlsTable,
    doors: DoorsTable,
    outgoing: OutgoingTable,
    profile: Profile,
    limits: LimitsTable,
    timeouts: TimeoutsTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IdentityTable {
    name: Option<Spanned<String>>,
    description: Option<Spanned<String>>,
    email: Option<Spanned<String>>,
    key: KeyChoice,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsTable {
    ca_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DoorsTable {
    address: Option<Spanned<IpAddr>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OutgoingTable {
    proxy: Option<Spanned<String>>,
    no_proxy: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    header_bytes: Option<Spanned<u64>>,
    header_fields: Option<Spanned<u64>>,
    connections: Option<Spanned<u64>>,
    spool_folder: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimeoutsTable {
    connect_seconds: Option<Spanned<u64>>,
    handshake_seconds: Option<Spanned<u64>>,
    stream_idle_seconds: Option<Spanned<u64>>,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it can't be read, is no TOML, or holds unknown keys or impossible values.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: None,
            key: None,
            what: format!("can't be read: {error}; give another file with --config, or leave the option out"),
        })?;
        Self::parse(&text, file)
    }

    /// Checks the text of a file; paths in it are relative to the file's folder.
    ///
    /// # Errors
    /// As for [`Config::read`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let source = Source { text, file };
        let parsed: File = toml::from_str(text).map_err(|error| source.syntax(&error))?;
        source.check_profile(&parsed.profile)?;
        let folder = file.parent().unwrap_or_else(|| Path::new("."));
        let ca_file = parsed.tls.ca_file.map(|path| source.existing(path, folder, false)).transpose()?;
        let table = parsed.limits;
        let spool_folder = table.spool_folder.map(|path| source.existing(path, folder, true)).transpose()?;
        let defaults = Limits::default();
        let timeouts = Timeouts::default();
        let seconds = |given: Option<Spanned<u64>>, default: Duration| match given {
            Some(given) => source.within(given, 1..86_401, "seconds").map(Duration::from_secs),
            None => Ok(default),
        };
        let number = |given: Option<Spanned<u64>>, range: Range<u64>, unit: &str, default: usize| match given {
            Some(given) => {
                source.within(given, range, unit).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            }
            None => Ok(default),
        };
        Ok(Config {
            name: parsed.identity.name.map(|text| source.one_line(text)).transpose()?,
            description: parsed.identity.description.map(|text| source.one_line(text)).transpose()?,
            email: parsed.identity.email.map(|text| source.one_line(text)).transpose()?,
            key: parsed.identity.key,
            ca_file,
            doors: parsed.doors.address.map(Spanned::into_inner),
            way_out: source.way_out(parsed.outgoing)?,
            limits: Limits {
                header_bytes: number(table.header_bytes, 8_192..1_048_577, "bytes", defaults.header_bytes)?,
                header_fields: number(table.header_fields, 32..4_097, "fields", defaults.header_fields)?,
                connections: number(table.connections, 8..1_000_001, "connections", defaults.connections)?,
                spool: SpoolLimits { folder: spool_folder, ..defaults.spool.clone() },
                timeouts: Timeouts {
                    connect: seconds(parsed.timeouts.connect_seconds, timeouts.connect)?,
                    handshake: seconds(parsed.timeouts.handshake_seconds, timeouts.handshake)?,
                    stream_idle: seconds(parsed.timeouts.stream_idle_seconds, timeouts.stream_idle)?,
                    ..timeouts
                },
                ..defaults
            },
            profile: parsed.profile,
        })
    }
}

/// Names the place of a mistake.
struct Source<'a> {
    text: &'a str,
    file: &'a Path,
}

impl Source<'_> {
    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let what = error.message().trim_end().replace('\n', "; ");
        match error.span() {
            Some(span) => self.at(span, what),
            None => ConfigError { file: self.file.to_owned(), line: None, key: None, what },
        }
    }

    fn at(&self, span: Range<usize>, what: String) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count();
        let section = before.lines().rev().find_map(|text| text.trim().strip_prefix('[')?.split(']').next());
        let text = self.text.lines().nth(line).unwrap_or_default();
        let key = text.split_once('=').map(|(key, _)| match section {
            Some(section) => format!("{section}.{}", key.trim()),
            None => key.trim().to_owned(),
        });
        ConfigError { file: self.file.to_owned(), line: Some(line + 1), key, what }
    }

    fn check_profile(&self, profile: &Profile) -> Result<(), ConfigError> {
        let wrong = |key: &str, what: String| Err(self.at_key("profile", key, what));
        if let Err(error) = profile.signature_policy() {
            return wrong("algorithms", format!("{error}; give `ed25519` or `rsa-pss-sha512`"));
        }
        let is_name = |name: &str| {
            let fits = |label: &str| {
                !label.is_empty()
                    && label.len() < 64
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            name.len() < 200 && name.split('.').all(fits)
        };
        if !is_name(&profile.zone) {
            return wrong("zone", format!("`{}` is no DNS name; give one such as p.getportal.org", profile.zone));
        }
        if profile.public_port == 0 {
            return wrong(
                "public_port",
                "0 is no port; give the one under which Portals are reached, mostly 443".into(),
            );
        }
        Ok(())
    }

    fn way_out(&self, table: OutgoingTable) -> Result<Option<WayOut>, ConfigError> {
        let except = table.no_proxy.as_ref().map(|text| text.get_ref().as_str()).unwrap_or_default();
        match (&table.proxy, &table.no_proxy) {
            (None, None) => Ok(None),
            (None, Some(alone)) => {
                Err(self.at(alone.span(), "there is no proxy to except anyone from; give `proxy` as well".into()))
            }
            (Some(proxy), _) if proxy.get_ref() == "none" => Ok(Some(WayOut::straight())),
            (Some(proxy), _) => match WayOut::through(proxy.get_ref(), except) {
                Ok(way_out) => Ok(Some(way_out)),
                Err(error) => Err(self.at(proxy.span(), format!("{error}, or `none` for no proxy"))),
            },
        }
    }

    /// The line of a key that was read, for mistakes that show only afterwards.
    fn at_key(&self, section: &str, key: &str, what: String) -> ConfigError {
        let mut inside = false;
        let line = self.text.lines().position(|line| {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                inside = header.split(']').next().is_some_and(|name| name.trim() == section);
            }
            inside && line.split('=').next().is_some_and(|found| found.trim() == key)
        });
        let line = line.map(|line| line + 1);
        ConfigError { file: self.file.to_owned(), line, key: Some(format!("{section}.{key}")), what }
    }

    fn within(&self, given: Spanned<u64>, range: Range<u64>, unit: &str) -> Result<u64, ConfigError> {
        if range.contains(given.get_ref()) {
            return Ok(given.into_inner());
        }
        let what =
            format!("{} is out of range; give between {} and {} {unit}", given.get_ref(), range.start, range.end - 1);
        Err(self.at(given.span(), what))
    }

    fn one_line(&self, given: Spanned<String>) -> Result<String, ConfigError> {
        let text = given.get_ref();
        if text.len() > 1_000 || text.chars().any(char::is_control) {
            return Err(self.at(given.span(), "give one line of at most 1000 bytes".into()));
        }
        Ok(given.into_inner())
    }

    fn existing(&self, given: Spanned<PathBuf>, folder: &Path, is_folder: bool) -> Result<PathBuf, ConfigError> {
        let path = folder.join(given.get_ref());
        let (fits, kind) = if is_folder { (path.is_dir(), "folder") } else { (path.is_file(), "file") };
        if fits {
            return Ok(path);
        }
        Err(self.at(given.span(), format!("there is no {kind} at {}; make it or correct the path", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("conf/core.toml"))
    }

    fn refused(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.key, KeyChoice::Ed25519);
        assert_eq!(config.limits.header_bytes, Limits::default().header_bytes);
    }

    #[test]
    fn values_are_taken() {
        let text = "[identity]\nname = \"home\"\nkey = \"rsa-pss-sha512\"\n[limits]\nheader_fields = 64\n[timeouts]\nconnect_seconds = 7\n";
        let config = parse(text).unwrap();
        assert_eq!(config.name.as_deref(), Some("home"));
        assert_eq!(config.key, KeyChoice::RsaPssSha512);
        assert_eq!(config.limits.header_fields, 64);
        assert_eq!(config.limits.timeouts.connect, Duration::from_secs(7));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = refused("[identity]\nname = \"home\"\nnmae = \"x\"\n");
        assert!(message.starts_with("conf/core.toml:3: `identity.nmae`: unknown field"), "{message}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line() {
        let message = refused("\n\n[timeouts]\nconnect_seconds = \"ten\"\n");
        assert!(message.starts_with("conf/core.toml:4: `timeouts.connect_seconds`: invalid type"), "{message}");
    }

    #[test]
    fn an_impossible_number_says_what_is_possible() {
        let message = refused("[limits]\nheader_bytes = 100\n");
        assert_eq!(
            message,
            "conf/core.toml:2: `limits.header_bytes`: 100 is out of range; give between 8192 and 1048576 bytes"
        );
    }

    #[test]
    fn a_profile_that_can_not_be_used_is_named_with_its_line() {
        let message = refused("[profile]\nwindow_seconds = 5\nalgorithms = [\"moon-sign\"]\n");
        assert!(
            message.starts_with("conf/core.toml:3: `profile.algorithms`: `moon-sign` is no algorithm"),
            "{message}"
        );
        let message = refused("[identity]\n\n[profile]\nzone = \"a..b\"\n");
        assert!(message.starts_with("conf/core.toml:4: `profile.zone`: `a..b` is no DNS name"), "{message}");
        let message = refused("[profile]\npublic_port = 0\n");
        assert!(message.starts_with("conf/core.toml:2: `profile.public_port`: 0 is no port"), "{message}");
    }

    #[test]
    fn the_way_out_is_that_of_the_file_or_nobody_says() {
        assert_eq!(parse("").unwrap().way_out, None);
        assert_eq!(parse("[outgoing]\nproxy = \"none\"\n").unwrap().way_out, Some(WayOut::straight()));
        let config = parse("[outgoing]\nproxy = \"http://10.0.0.1:3128\"\nno_proxy = \"localhost\"\n").unwrap();
        assert_eq!(config.way_out, Some(WayOut::through("10.0.0.1:3128", "localhost").unwrap()));
        let message = refused("[outgoing]\nproxy = \"socks5://a:1\"\n");
        assert!(message.starts_with("conf/core.toml:2: `outgoing.proxy`: proxies of the kind `socks5`"), "{message}");
        let message = refused("[outgoing]\nno_proxy = \"a\"\n");
        assert!(message.starts_with("conf/core.toml:2: `outgoing.no_proxy`: there is no proxy"), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = refused("[tls]\nca_file = \"nowhere.pem\"\n");
        assert!(
            message.starts_with("conf/core.toml:2: `tls.ca_file`: there is no file at conf/nowhere.pem"),
            "{message}"
        );
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        let message = refused("[identity]\nname = \"home\n");
        assert!(message.starts_with("conf/core.toml:2: `identity.name`: "), "{message}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let message = Config::read(Path::new("no-such-folder/core.toml")).unwrap_err().to_string();
        assert!(message.starts_with("no-such-folder/core.toml: can't be read"), "{message}");
    }
}
