//! What an app declares: `app.json` 0.0 to 4.0 and `app_meta.json` 1.0 to 1.3, reduced to name, port and paths (APP-1).

mod error;
mod format;
mod read;

pub use error::{ManifestError, Problem};
pub use format::{Format, SUPPORTED};

use serde::Serialize;

use crate::acl::Access;
use crate::headers::HeaderTemplate;

/// The most that is read of a manifest, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;
/// The most path prefixes that a manifest may declare.
pub const MAX_PATHS: usize = 1_000;
/// The most headers that a prefix may declare.
pub const MAX_HEADERS: usize = 64;

/// A manifest that was accepted. Whatever it can't say is refused when it is read.
#[derive(Clone, Debug)]
pub struct Manifest {
    name: String,
    format: Format,
    http_port: Option<u16>,
    rules: Vec<Rule>,
    warnings: Vec<Warning>,
}

impl Manifest {
    /// Reads a manifest of any supported format.
    pub fn parse(source: &[u8]) -> Result<Self, ManifestError> {
        read::manifest(source)
    }

    /// The app's name: a DNS label in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format in which it was written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The port on which the app serves HTTP; none where it serves MQTT alone.
    pub fn http_port(&self) -> Option<u16> {
        self.http_port
    }

    /// The rules, longest prefix first; the last is that of `""`.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// What holds for the paths that begin with a prefix.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) prefix: String,
    pub(crate) normalised: Vec<u8>,
    pub(crate) access: Access,
    pub(crate) headers: Vec<HeaderTemplate>,
}

impl Rule {
    /// The prefix, as declared.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The normal form of the prefix, as bytes.
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    /// Who may come.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The headers that the app asked for, in the order of the manifest.
    pub fn headers(&self) -> &[HeaderTemplate] {
        &self.headers
    }
}

/// Something in a manifest that works and is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Stable.
    pub code: &'static str,
    /// Where: `$.paths["/public"]`.
    pub path: String,
    /// What happens, and what to write instead.
    pub reason: String,
}

#[cfg(test)]
mod tests;
