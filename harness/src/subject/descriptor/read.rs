//! From the file as it is written to a description in which everything can be done.

mod hooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portal_core::profile::Profile;
use regex::Regex;
use serde::Deserialize as _;
use toml::Spanned;

use super::format::{
    AppsFile, File, LimitsFile, ReadyFile, StartFile, StateFile, TerminalsFile, Text, Texts, WordOrHook,
};
use super::templates::{Place, Template};
use super::{
    Apps, Command, Descriptor, DescriptorError, Endpoints, Image, Limits, NamesBy, Pairing, Portals, Ready,
    RecognisedBy, Recognition, Running, Start, proxy,
};
use crate::mistakes::{Source, did_you_mean, duration};

/// How long a Core may take to stop unless its descriptor says otherwise.
const STOP_WITHIN: Duration = Duration::from_secs(5);
const PROFILE: &str = "portal";
/// Where a Core that comes as an image listens, and keeps its state, unless its descriptor says otherwise.
const IMAGE_PORT: u16 = 80;
const IMAGE_DATA: &str = "/data";

/// Reads and checks.
pub(super) fn descriptor(text: &str, file: &Path) -> Result<Descriptor, DescriptorError> {
    let source = Source::new(text, file);
    let written: File = match toml::from_str(text) {
        Ok(written) => written,
        Err(error) => return Err(DescriptorError::Mistakes(vec![source.syntax(&error)])),
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut reader = Reader { source, folder: folder.to_owned(), runs_already: false };
    let described = reader.descriptor(written);
    match described {
        Some(descriptor) if reader.source.mistakes.is_empty() => Ok(descriptor),
        _ => Err(DescriptorError::Mistakes(reader.source.into_mistakes())),
    }
}

/// Goes through what was written and notes all mistakes.
pub(super) struct Reader<'a> {
    source: Source<'a>,
    folder: PathBuf,
    /// The testbed starts no process: there is no folder, no signal, no start of it.
    runs_already: bool,
}

impl Reader<'_> {
    fn descriptor(&mut self, written: File) -> Option<Descriptor> {
        let File { name, version, profile, names, connections, start, .. } = written;
        let StateFile { profile: takes_profile, .. } = &written.state;
        let takes_profile = takes_profile.clone();
        let name = self.one_line("name", name);
        let (profile_name, profile) = self.profile(profile, written.overrides);
        let start = match start {
            Some(start) => self.start(start),
            None => self.built_in(written.proxy.is_some()),
        };
        let (state, apps) = (self.state(written.state), self.apps(written.apps));
        let pairing = self.pairing(written.terminals);
        let limits = self.limits(written.limits);
        let endpoints = Endpoints::default();
        let endpoints = Endpoints {
            auth: self.path("endpoints.auth", written.endpoints.auth).unwrap_or(endpoints.auth),
            authenticate_terminal: self
                .path("endpoints.authenticate_terminal", written.endpoints.authenticate_terminal)
                .unwrap_or(endpoints.authenticate_terminal),
        };
        let proxy = written.proxy.map(|written| proxy::read(written, self));
        let start = start?;
        if let (Start::Command(command), Some(takes)) = (&start, &takes_profile)
            && *takes.get_ref()
            && !takes_values(command)
        {
            let what = "no template of `start` asks for a value of `profile.*`: use one, or leave this out";
            self.source.wrong(takes.span(), "state.profile", what);
        }
        if let (Start::Running(_), Some(names)) = (&start, &names)
            && *names.get_ref() == NamesBy::Namespace
        {
            let what = "a Core that runs already can't be put into a namespace: use `proxy` or `none`";
            self.source.wrong(names.span(), "names", what);
        }
        if let (Start::Running(running), Some(names)) = (&start, &names)
            && *names.get_ref() == NamesBy::Proxy
            && running.connect_proxy.is_none()
        {
            let what = "say with `start.connect_proxy` at which address these Cores look for their proxy";
            self.source.wrong(names.span(), "names", what);
        }
        Some(Descriptor {
            file: self.source.file.to_owned(),
            name,
            version,
            profile_name,
            profile,
            names: match (&start, names.map(Spanned::into_inner)) {
                (Start::Running(running), _) if running.connect_proxy.is_none() => NamesBy::None,
                (_, names) => names.unwrap_or_default(),
            },
            connections,
            start,
            apps,
            pairing,
            limits,
            state,
            endpoints,
            proxy,
        })
    }

    fn profile(&mut self, name: Option<Text>, overrides: BTreeMap<Text, Spanned<toml::Value>>) -> (String, Profile) {
        let given = name.as_ref().map_or(PROFILE, |name| name.get_ref().as_str());
        let base = Profile::named(given).unwrap_or_else(|| {
            let near = did_you_mean(given, Profile::NAMES);
            let what = format!("there is no profile `{given}`{near}; there are {}", Profile::NAMES.join(", "));
            self.source.wrong(name.as_ref().map_or(0..0, Spanned::span), "profile", what);
            Profile::default()
        });
        let given = given.to_owned();
        let mut profile = base;
        for (key, value) in overrides {
            let path = format!("overrides.{}", key.get_ref());
            match overridden(&profile, key.get_ref(), value.get_ref()) {
                Ok(changed) => profile = changed,
                Err(what) => self.source.wrong(key.span(), &path, what),
            }
        }
        (given, profile)
    }

    /// A file about a proxy alone: the built-in Core stands behind it.
    fn built_in(&mut self, has_proxy: bool) -> Option<Start> {
        if !has_proxy {
            let what = "is missing: give a `command` or `urls`; only a file about a `[proxy]` does without, which tests the proxy before the built-in Core";
            self.source.wrong(0..0, "start", what);
            return None;
        }
        let written: toml::Table = self.source.text.parse().unwrap_or_default();
        for key in written.keys().filter(|key| !OF_A_PROXY.contains(&key.as_str())) {
            let at = self.source.text.find(&format!("[{key}")).or_else(|| self.source.text.find(key)).unwrap_or(0);
            let what = "is about a Core that is started, and there is no `[start]`: give one, or leave this out";
            self.source.wrong(at..at, key, what);
        }
        Some(Start::BuiltIn)
    }

    /// Notes a mistake at a place.
    pub(super) fn wrong(&mut self, span: std::ops::Range<usize>, key: &str, what: &str) {
        self.source.wrong(span, key, what);
    }

    fn start(&mut self, start: Spanned<StartFile>) -> Option<Start> {
        let span = start.span();
        let start = start.into_inner();
        let urls = match (&start.url, &start.urls) {
            (Some(url), None) => Some((url.span(), vec![url.clone()])),
            (None, Some(urls)) => Some((urls.span(), urls.get_ref().clone())),
            (Some(url), Some(_)) => {
                self.source.wrong(url.span(), "start.url", "there is `urls` too: give one of them");
                return None;
            }
            (None, None) => None,
        };
        if let (Some(image), Some(_)) = (&start.image, &urls) {
            self.source.wrong(image.span(), "start.image", "there are `urls` too: give one of them");
            return None;
        }
        match (&start.command, urls) {
            (_, None) if start.image.is_some() => self.command(start),
            (Some(_), None) => self.command(start),
            (None, Some((span, urls))) => self.running(span, &urls, start),
            (Some(command), Some(_)) => {
                self.source.wrong(command.span(), "start.command", "there are `urls` too: give one of them");
                None
            }
            (None, None) => {
                let what = "give a `command` that starts the Core, an `image` that holds it, or `urls` where Cores run already";
                self.source.wrong(span, "start", what);
                None
            }
        }
    }

    fn command(&mut self, start: StartFile) -> Option<Start> {
        for (given, key) in [(&start.connect_proxy, "start.connect_proxy"), (&start.ca_file, "start.ca_file")] {
            if let Some(given) = given {
                let what = "this goes with `urls` only: a command gets {{ names.connect_proxy }} and {{ pki.ca_file }}";
                self.source.wrong(given.span(), key, what);
            }
        }
        let image = self.image(&start);
        let written = start.command.unwrap_or_else(|| Spanned::new(0..0, Vec::new()));
        let span = written.span();
        let argv = self.templates("start.command", written.into_inner(), Place::Core);
        if argv.is_empty() && image.is_none() {
            self.source.wrong(
                span,
                "start.command",
                "give a program and its arguments: [\"my-core\", \"--listen\", …]",
            );
        }
        if let (Some(written), true) = (&start.address_from, image.is_some()) {
            let what = "a container has an address of its own: say with `start.port` on which port the Core listens";
            self.source.wrong(written.span(), "start.address_from", what);
        }
        let directory = match start.directory {
            Some(directory) => {
                let path = self.folder.join(directory.get_ref());
                if !path.is_dir() {
                    let what = format!("there is no folder {}: make it or correct the path", path.display());
                    self.source.wrong(directory.span(), "start.directory", what);
                }
                path
            }
            None => self.folder.clone(),
        };
        let address_from = start.address_from.and_then(|written| match Regex::new(written.get_ref()) {
            Ok(regex) if regex.captures_len() == 2 => Some(regex),
            Ok(_) => {
                let what = "put the address into one group: 'listening on ([0-9.:]+)'";
                self.source.wrong(written.span(), "start.address_from", what);
                None
            }
            Err(error) => {
                self.source.wrong(written.span(), "start.address_from", last_line(&error.to_string()));
                None
            }
        });
        for (path, text) in &start.files {
            if path.is_empty()
                || Path::new(path).components().any(|part| !matches!(part, std::path::Component::Normal(_)))
            {
                let what = format!("`{path}` is not below the Core's folder: give a relative path without `..`");
                self.source.wrong(text.span(), "start.files", what);
            }
        }
        let stop_within = start.stop_within.and_then(|text| self.duration("start.stop_within", text));
        Some(Start::Command(Box::new(Command {
            argv,
            directory,
            env: self.template_map("start.env", start.env, Place::Core),
            files: self.template_map("start.files", start.files, Place::Core),
            address_from,
            ready: start.ready.map(|ready| self.ready("start.ready", ready)).unwrap_or_default(),
            stop_within: stop_within.unwrap_or(STOP_WITHIN),
            portals: start.portals.map(Spanned::into_inner).unwrap_or_default(),
            image,
        })))
    }

    /// What goes with an image alone, and the image, if there is one.
    fn image(&mut self, start: &StartFile) -> Option<Image> {
        let Some(name) = &start.image else {
            let only = "this goes with `image` only";
            for (given, key) in [
                (start.port.as_ref().map(Spanned::span), "start.port"),
                (start.data.as_ref().map(Spanned::span), "start.data"),
                (start.user.as_ref().map(Spanned::span), "start.user"),
            ] {
                given.into_iter().for_each(|span| self.source.wrong(span, key, only));
            }
            return None;
        };
        if name.get_ref().is_empty() || name.get_ref().contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.source.wrong(name.span(), "start.image", "give the name of an image, with its tag: \"my-core:1.2\"");
        }
        let port = start.port.as_ref().map_or(IMAGE_PORT, |port| *port.get_ref());
        if let (0, Some(written)) = (port, &start.port) {
            self.source.wrong(written.span(), "start.port", "give the port on which the Core listens in its container");
        }
        let data = start.data.as_ref().map_or(IMAGE_DATA, |data| data.get_ref().as_str());
        if let Some(written) = &start.data
            && (!data.starts_with('/') || data == "/" || data.contains([':', ',']))
        {
            let what = "give the folder in the container in which the Core keeps its state: \"/data\"";
            self.source.wrong(written.span(), "start.data", what);
        }
        let user = start.user.as_ref().map(|user| user.get_ref().clone());
        Some(Image { name: Some(name.get_ref().clone()), port, data: data.to_owned(), user })
    }

    fn running(&mut self, span: Range<usize>, urls: &[Text], start: StartFile) -> Option<Start> {
        self.runs_already = true;
        let mut authorities = Vec::new();
        for url in urls {
            match authority(url.get_ref()) {
                Ok(authority) if authorities.contains(&authority) => {
                    let what = format!("`{}` stands there twice: each Portal has a Core of its own", url.get_ref());
                    self.source.wrong(url.span(), "start.urls", what);
                }
                Ok(authority) => authorities.push(authority),
                Err(what) => self.source.wrong(url.span(), "start.urls", what),
            }
        }
        if urls.is_empty() {
            self.source.wrong(span, "start.urls", "give one URL for each Portal: [\"http://127.0.0.1:8001\", …]");
        }
        let mut only_command = |given: Option<Range<usize>>, key: &str| {
            if let Some(span) = given {
                self.source.wrong(
                    span,
                    key,
                    "this goes with `command` or `image` only: a Core at a URL is started by others",
                );
            }
        };
        only_command(start.port.map(|port| port.span()), "start.port");
        only_command(start.data.map(|data| data.span()), "start.data");
        only_command(start.user.map(|user| user.span()), "start.user");
        only_command(start.directory.map(|text| text.span()), "start.directory");
        only_command(start.address_from.map(|text| text.span()), "start.address_from");
        only_command(start.stop_within.map(|text| text.span()), "start.stop_within");
        only_command(start.env.values().next().map(Spanned::span), "start.env");
        only_command(start.files.values().next().map(Spanned::span), "start.files");
        let fresh = start.portals.filter(|portals| *portals.get_ref() == Portals::Fresh);
        only_command(fresh.map(|portals| portals.span()), "start.portals");
        let ready = start.ready.map(|ready| self.ready("start.ready", ready)).unwrap_or_default();
        let connect_proxy = start.connect_proxy.and_then(|written| match written.get_ref().parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Some(address),
            _ => {
                let what = "give the address at which the Cores look for their proxy: \"127.0.0.1:3128\"";
                self.source.wrong(written.span(), "start.connect_proxy", what);
                None
            }
        });
        let ca_file = start.ca_file.map(|file| self.folder.join(file.into_inner()));
        Some(Start::Running(Running { authorities, connect_proxy, ca_file, ready }))
    }

    fn apps(&mut self, apps: AppsFile) -> Apps {
        let AppsFile { install, uninstall, recognised_by, door_from, doors, header } = apps;
        let default = Apps::default();
        let own = install.is_some();
        let install = self.hook("apps.install", install, Place::App).unwrap_or(default.install);
        let uninstall = match self.hook("apps.uninstall", uninstall, Place::App) {
            None if !own => default.uninstall,
            given => given,
        };
        let by = recognised_by.map(Spanned::into_inner).unwrap_or_default();
        let mut only = |given: Option<Range<usize>>, key: &str, with: RecognisedBy, word: &str| {
            if let (Some(span), true) = (given, by != with) {
                self.source.wrong(span, key, format!("this goes with recognised_by = \"{word}\" only"));
            }
        };
        only(door_from.as_ref().map(Spanned::span), "apps.door_from", RecognisedBy::Door, "door");
        only(doors.as_ref().map(Spanned::span), "apps.doors", RecognisedBy::Door, "door");
        only(header.as_ref().map(Spanned::span), "apps.header", RecognisedBy::Header, "header");
        let recognition = match by {
            RecognisedBy::Door => {
                let from = door_from.map(|pointer| {
                    if !pointer.get_ref().is_empty() && !pointer.get_ref().starts_with('/') {
                        let what = "give a JSON pointer into the answer to install, such as \"/door\"";
                        self.source.wrong(pointer.span(), "apps.door_from", what);
                    }
                    pointer.into_inner()
                });
                let list = self.hook("apps.doors", doors, Place::App);
                match default.recognition {
                    Recognition::Door { from: default, list: listed } => {
                        Recognition::Door { from: from.unwrap_or(default), list: list.or(listed.filter(|_| !own)) }
                    }
                    other => other,
                }
            }
            RecognisedBy::SourceAddress => Recognition::SourceAddress,
            RecognisedBy::Header => self.header(header),
        };
        Apps { install, uninstall, recognition }
    }

    fn header(&mut self, header: Option<Text>) -> Recognition {
        let example = "give the field with which apps say who they are: header = \"X-App: {{ app.name }}\"";
        let nothing = Recognition::Header { name: String::new(), value: Template::new("") };
        let Some(header) = header else {
            self.source.wrong(0..0, "apps.header", example);
            return nothing;
        };
        match header.get_ref().split_once(':') {
            Some((name, value)) if http::HeaderName::from_bytes(name.trim().as_bytes()).is_ok() => {
                let value = self.template("apps.header", value.trim(), header.span(), Place::App);
                Recognition::Header { name: name.trim().to_owned(), value }
            }
            _ => {
                self.source.wrong(header.span(), "apps.header", example);
                nothing
            }
        }
    }

    fn pairing(&mut self, terminals: TerminalsFile) -> Pairing {
        let Some(pair) = terminals.pair else { return Pairing::Contract };
        let span = pair.span();
        match pair.into_inner() {
            WordOrHook::Word(word) if word == "contract" => Pairing::Contract,
            WordOrHook::Word(word) => {
                let what = format!(
                    "`{word}` is no way to pair: give \"contract\", or {{ command = [\"…\"] }} that prints the cookie"
                );
                self.source.wrong(span, "terminals.pair", what);
                Pairing::Contract
            }
            WordOrHook::Hook(hook) => {
                let hook = Spanned::new(span, *hook);
                let hook = self.hook("terminals.pair", Some(hook), Place::Terminal);
                hook.map_or(Pairing::Contract, Pairing::Hook)
            }
        }
    }

    fn limits(&mut self, limits: LimitsFile) -> Limits {
        let parallel = limits.parallel.and_then(|parallel| {
            if *parallel.get_ref() == 0 {
                self.source.wrong(parallel.span(), "limits.parallel", "at least 1 scenario runs at a time");
                return None;
            }
            Some(usize::from(parallel.into_inner()))
        });
        Limits {
            answer: limits.answer.and_then(|text| self.duration("limits.answer", text)),
            step: limits.step.and_then(|text| self.duration("limits.step", text)),
            parallel,
        }
    }

    pub(super) fn ready(&mut self, key: &str, ready: ReadyFile) -> Ready {
        let default = Ready::default();
        Ready {
            path: self.path(&format!("{key}.get"), ready.get).unwrap_or(default.path),
            within: ready
                .within
                .and_then(|text| self.duration(&format!("{key}.within"), text))
                .unwrap_or(default.within),
        }
    }

    fn template(&mut self, key: &str, text: &str, span: Range<usize>, place: Place) -> Template {
        match Template::checked(text, place) {
            Ok(template) => {
                if self.runs_already && template.asks_for("core", "data_dir") {
                    let what = "there is no `core.data_dir` for a Core that others start: give the path itself";
                    self.source.wrong(span, key, what);
                }
                template
            }
            Err(what) => {
                self.source.wrong(span, key, what);
                Template::new("")
            }
        }
    }

    pub(super) fn templates(&mut self, key: &str, texts: Vec<Text>, place: Place) -> Vec<Template> {
        texts.into_iter().map(|text| self.template(key, text.get_ref(), text.span(), place)).collect()
    }

    pub(super) fn template_map(&mut self, key: &str, texts: Texts, place: Place) -> BTreeMap<String, Template> {
        let each = texts.into_iter().map(|(name, text)| {
            let template = self.template(&format!("{key}.{name}"), text.get_ref(), text.span(), place);
            (name, template)
        });
        each.collect()
    }

    fn one_line(&mut self, key: &str, text: Text) -> String {
        let given = text.get_ref();
        if given.trim().is_empty() || given.len() > 100 || given.chars().any(char::is_control) {
            self.source.wrong(text.span(), key, "give one line of 1 to 100 characters");
        }
        text.into_inner()
    }

    pub(super) fn path(&mut self, key: &str, text: Option<Text>) -> Option<String> {
        let text = text?;
        let given = text.get_ref();
        if !given.starts_with('/') || given.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.source.wrong(text.span(), key, "give a path on the Core, which begins with `/`");
        }
        Some(text.into_inner())
    }

    pub(super) fn duration(&mut self, key: &str, text: Text) -> Option<Duration> {
        let parsed = duration(text.get_ref());
        if parsed.is_none() {
            let what = format!("`{}` is no time: give for example \"500ms\", \"30s\" or \"2m\"", text.get_ref());
            self.source.wrong(text.span(), key, what);
        }
        parsed
    }
}

/// What a file may say that is about a proxy before the built-in Core.
const OF_A_PROXY: [&str; 5] = ["name", "version", "profile", "overrides", "proxy"];

/// A profile with one other value.
fn overridden(profile: &Profile, key: &str, value: &toml::Value) -> Result<Profile, String> {
    let mut values = toml::Table::try_from(profile).map_err(|error| error.to_string())?;
    let known = serde_json::to_value(profile).map_err(|error| error.to_string())?;
    let known: Vec<_> = known.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    if !known.contains(&key) {
        return Err(format!(
            "a profile has no such value{}; it has {}",
            did_you_mean(key, known.iter().copied()),
            known.join(", ")
        ));
    }
    values.insert(key.to_owned(), value.clone());
    // TOML has no word for nothing.
    if key == "tag" && value.as_str() == Some("") {
        values.remove(key);
    }
    let mut changed = Profile::deserialize(values).map_err(|error| error.message().trim().replace('\n', "; "))?;
    if key == "tag" && value.as_str() == Some("") || profile.tag.is_none() && key != "tag" {
        changed.tag = None;
    }
    changed.signature_policy().map_err(|error| format!("{error}; give `ed25519` or `rsa-pss-sha512`"))?;
    if !is_zone(&changed.zone) {
        return Err(format!("`{}` is no DNS name; give one such as p.getportal.org", changed.zone));
    }
    if changed.public_port == 0 {
        return Err("0 is no port; give the one under which Portals are reached, mostly 443".into());
    }
    if changed.internal_hosts.is_empty() {
        return Err("give the name under which apps know their own Core, mostly portal_core".into());
    }
    Ok(changed)
}

/// Whether Portals can be named under it.
pub(crate) fn is_zone(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.len() < 64 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 200 && name.split('.').all(is_label)
}

/// Whether anything of the start depends on the profile.
fn takes_values(command: &Command) -> bool {
    let templates = command.argv.iter().chain(command.env.values()).chain(command.files.values());
    templates.into_iter().any(|template| template.asks_for_any("profile"))
}

/// `http://127.0.0.1:8001` → `127.0.0.1:8001`.
pub(crate) fn authority(url: &str) -> Result<String, String> {
    let wrong = |what: &str| format!("`{url}` {what}: give for example \"http://127.0.0.1:8001\"");
    let uri: http::Uri = url.parse().map_err(|_| wrong("is no URL"))?;
    if uri.scheme_str() != Some("http") {
        return Err(wrong("is not plain HTTP, which is what a proxy speaks to whoever is behind it"));
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err(wrong("has a path, and paths begin at the root"));
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
        return Err(wrong("has no host"));
    };
    Ok(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)))
}

/// Regular expressions explain themselves over several lines; the last says it.
fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim().to_owned()
}
