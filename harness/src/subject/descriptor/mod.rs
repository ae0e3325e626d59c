//! The file that describes a Core: how it is started, and how it differs from what the contract leaves open (§11).
//!
//! ```toml
//! name = "my-core"
//! [start]
//! command = ["my-core", "--listen", "{{ core.address }}", "--data", "{{ core.data_dir }}"]
//! [apps]
//! install = { put = "/protected/apps/{{ app.name }}", body = "{{ app.manifest }}" }
//! ```

mod format;
pub mod proxy;
pub(crate) mod read;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portal_core::profile::Profile;
use regex::Regex;
use serde::Deserialize;

use crate::mistakes;
pub use crate::mistakes::Mistake;
pub use proxy::ProxyTable;
pub use templates::{Place, Template, TemplateError, Values};

/// A descriptor that can't be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// It can't be read.
    #[error("{path}: can't be read: {source}; give the file that describes the Core", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error("{}", mistakes::lines(.0))]
    Mistakes(Vec<Mistake>),
}

/// A Core as its file describes it. Everything in it can be done, as far as that can be told without doing it.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// The file.
    pub file: PathBuf,
    /// What it is called in reports.
    pub name: String,
    /// Its version, for reports.
    pub version: Option<String>,
    /// The name of its profile.
    pub profile_name: String,
    /// The values of its profile, those of `[overrides]` among them.
    pub profile: Profile,
    /// How it finds peers.
    pub names: NamesBy,
    /// What becomes of a connection after an answer.
    pub connections: Connections,
    /// How it comes to run.
    pub start: Start,
    /// How apps are installed and recognised.
    pub apps: Apps,
    /// How terminals are paired.
    pub pairing: Pairing,
    /// How long things may take.
    pub limits: Limits,
    /// What can be done with its state.
    pub state: State,
    /// Where it serves what only a proxy asks for.
    pub endpoints: Endpoints,
    /// A proxy that is tested too.
    pub proxy: Option<ProxyTable>,
}

/// How a Core finds peers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamesBy {
    /// Through a CONNECT proxy of the testbed.
    #[default]
    Proxy,
    /// In a network of its own, where names and port 443 are the testbed's: a namespace, or that of its container.
    Namespace,
    /// It doesn't.
    None,
}

/// What becomes of a connection after an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connections {
    /// It may be used again.
    #[default]
    KeepAlive,
    /// The testbed asks for its end.
    Close,
}

/// Whether Portals outlive a scenario.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Portals {
    /// They are cleaned and used again.
    #[default]
    Pooled,
    /// Each scenario gets its own.
    Fresh,
}

/// How a Core tells which app calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecognisedBy {
    /// Each app has a listener of its own.
    #[default]
    Door,
    /// Each app calls from an address of its own.
    SourceAddress,
    /// The app says so itself.
    Header,
}

/// How a Core comes to run.
#[derive(Debug, Clone)]
pub enum Start {
    /// It is the one that is built in: the file is about the proxy before it.
    BuiltIn,
    /// The testbed starts it, once for each Portal.
    Command(Box<Command>),
    /// It runs already.
    Running(Running),
}

/// A command that starts a Core.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments. Those that come out empty are left out.
    pub argv: Vec<Template>,
    /// Its working folder.
    pub directory: PathBuf,
    /// Variables of its environment, beside those of the testbed.
    pub env: BTreeMap<String, Template>,
    /// Files that are written before each start, by their path below `core.data_dir`.
    pub files: BTreeMap<String, Template>,
    /// Finds in its output where it listens: the first group of the expression.
    pub address_from: Option<Regex>,
    /// How one sees that it is ready.
    pub ready: Ready,
    /// How long it may take to stop before it is killed.
    pub stop_within: Duration,
    /// Whether its Portals outlive a scenario.
    pub portals: Portals,
    /// The image that it comes as; none where the command runs on this machine.
    pub image: Option<Image>,
}

/// An image that holds a Core. The command, if there is one, takes the place of the image's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name with tag; none for the image of our own parts.
    pub name: Option<String>,
    /// The port on which the Core listens within.
    pub port: u16,
    /// Where it keeps its state within.
    pub data: String,
    /// Who it runs as, in place of the image's user.
    pub user: Option<String>,
}

/// Cores that run already.
#[derive(Debug, Clone)]
pub struct Running {
    /// `host:port` of each; one Portal each.
    pub authorities: Vec<String>,
    /// Where the testbed's CONNECT proxy shall listen: they were started with it as `HTTPS_PROXY`.
    pub connect_proxy: Option<SocketAddr>,
    /// The authority that they were started with: a certificate, which is made with its key the first time.
    pub ca_file: Option<PathBuf>,
    /// How one sees that it is ready.
    pub ready: Ready,
}

/// How one sees that something is ready: it answers with 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The path.
    pub path: String,
    /// How long it may take.
    pub within: Duration,
}

/// How apps are installed and recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Apps {
    /// Brings an app, or another manifest of it.
    pub install: Hook,
    /// Takes it away; none where that can't be done.
    pub uninstall: Option<Hook>,
    /// How the Core tells which app calls.
    pub recognition: Recognition,
}

/// How a Core tells which app calls, with what that takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Recognition {
    /// Each app has a listener of its own.
    Door {
        /// JSON pointer to the door in the answer to install.
        from: String,
        /// Lists the apps with their doors, after a restart.
        list: Option<Hook>,
    },
    /// Each app calls from an address of its own.
    SourceAddress,
    /// The app says so itself, in this field.
    Header {
        /// The field.
        name: String,
        /// Its value.
        value: Template,
    },
}

/// How a terminal is paired.
#[derive(Debug, Clone, PartialEq)]
pub enum Pairing {
    /// With a code from the Core, as TERM-1 and TERM-2 have it.
    Contract,
    /// By something that gives the cookie.
    Hook(Hook),
}

/// How long things may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// One answer.
    pub answer: Option<Duration>,
    /// One step.
    pub step: Option<Duration>,
    /// How many scenarios at a time.
    pub parallel: Option<usize>,
}

/// What can be done with a Core's state. What can't makes scenarios *unsupported*.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Forgets everything but its key.
    pub reset: Option<Hook>,
    /// Stops it and starts it again.
    pub restart: Option<Again>,
    /// Ends it at once and starts it again.
    pub kill: Option<Again>,
    /// Sets its clock.
    pub set_clock: Option<Hook>,
    /// Gives it a key, before it starts: its first one, or another in place of that.
    pub import_identity: Option<Hook>,
    /// Its templates take the values of the profile.
    pub profile: bool,
}

/// How a Core is stopped and started again.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// Its process ends, and another one is started on the same data.
    Process,
    /// It does so itself.
    Hook(Hook),
}

/// Where a Core serves what only a proxy asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The question about a request (AUTH-1).
    pub auth: String,
    /// The question about a terminal (TERM-5).
    pub authenticate_terminal: String,
}

/// Something that is done to a Core.
#[derive(Debug, Clone, PartialEq)]
pub enum Hook {
    /// A request to it.
    Http {
        /// The method.
        method: &'static str,
        /// Path and query.
        target: Template,
        /// The body, which is sent as JSON.
        body: Option<Template>,
    },
    /// A command that ends with 0.
    Command(Vec<Template>),
    /// A file that is written. A path that is not absolute is below `core.data_dir`.
    File {
        /// Where.
        path: Template,
        /// What.
        text: Template,
    },
    /// A signal to its process.
    Signal(Signal),
}

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Signal {
    Hup,
    Int,
    Usr1,
    Usr2,
    Term,
}

impl Descriptor {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// It can't be read, or has mistakes: each with file, line and key.
    pub fn read(file: &Path) -> Result<Descriptor, DescriptorError> {
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|source| DescriptorError::Read { path: file.to_owned(), source })?;
        Descriptor::parse(&text, file)
    }

    /// The same from a text that was read already; paths in it are relative to the file's folder.
    ///
    /// # Errors
    /// It has mistakes.
    pub fn parse(text: &str, file: &Path) -> Result<Descriptor, DescriptorError> {
        read::descriptor(text, file)
    }

    /// How it is started, for reports.
    pub fn kind(&self) -> &'static str {
        match &self.start {
            Start::BuiltIn => "built-in",
            Start::Command(command) if command.image.is_some() => "image",
            Start::Command(_) => "command",
            Start::Running(_) => "url",
        }
    }
}

impl Default for Endpoints {
    fn default() -> Endpoints {
        Endpoints { auth: "/internal/auth".into(), authenticate_terminal: "/internal/authenticate_terminal".into() }
    }
}

impl Default for Ready {
    fn default() -> Ready {
        Ready { path: "/public/meta/whoareyou".into(), within: Duration::from_secs(30) }
    }
}

impl Default for Apps {
    /// As the compact Core does it.
    fn default() -> Apps {
        let app = "/protected/apps/{{ app.name }}";
        let query = "{% if app.address %}?address={{ app.address }}{% endif %}";
        Apps {
            install: Hook::Http {
                method: "PUT",
                target: Template::new(format!("{app}{query}")),
                body: Some(Template::new("{{ app.manifest }}")),
            },
            uninstall: Some(Hook::Http { method: "DELETE", target: Template::new(app), body: None }),
            recognition: Recognition::Door {
                from: "/door".into(),
                list: Some(Hook::Http { method: "GET", target: Template::new("/protected/apps"), body: None }),
            },
        }
    }
}

impl Hook {
    /// Whether it asks for this value.
    pub fn asks_for(&self, group: &str, name: &str) -> bool {
        self.templates().any(|template| template.asks_for(group, name))
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let (one, other, many): (Option<&Template>, Option<&Template>, &[Template]) = match self {
            Hook::Http { target, body, .. } => (Some(target), body.as_ref(), &[]),
            Hook::Command(argv) => (None, None, argv),
            Hook::File { path, text } => (Some(path), Some(text), &[]),
            Hook::Signal(_) => (None, None, &[]),
        };
        one.into_iter().chain(other).chain(many)
    }
}

impl Signal {
    /// All of them, by name.
    pub const ALL: [(&'static str, Signal); 5] = [
        ("SIGHUP", Signal::Hup),
        ("SIGINT", Signal::Int),
        ("SIGUSR1", Signal::Usr1),
        ("SIGUSR2", Signal::Usr2),
        ("SIGTERM", Signal::Term),
    ];
}
