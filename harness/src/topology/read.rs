//! From `countersign.toml` as it is written to a plan in which everything can be done. All mistakes are told at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use toml::Spanned;

use super::format::{AppFile, File, PortalFile, Text, WordOrList, WordOrTable};
use super::project::{
    AppSource, AppSpec, ClockSpec, CoreSpec, FaultLine, MANIFESTS, MOST_PORTALS, PortalSpec, Project, ProjectError,
    ZONE,
};
use super::{KeyPlan, is_portal_name};
use crate::containers::template::{Known, Stack};
use crate::mistakes::{Source, did_you_mean, duration};
use crate::subject::descriptor::read::{authority, is_zone};
use crate::subject::descriptor::{Descriptor, DescriptorError};
use crate::testbed::Fault;

/// In the place of a file: the compact Core of this project.
const BUILT_IN: &str = "built-in";
/// In the place of a list of peers.
const ALL: &str = "all";
const NONE: &str = "none";
/// What the testbed tells each app.
pub(crate) const TOLD: [&str; 5] = ["PORT", "PORTAL_CORE_URL", "HTTP_PROXY", "PORTAL_ID", "PORTAL_DOMAIN"];

/// Reads and checks.
pub(super) fn project(text: &str, file: &Path) -> Result<Project, ProjectError> {
    let source = Source::new(text, file);
    let written: File = match toml::from_str(text) {
        Ok(written) => written,
        Err(error) => return Err(ProjectError::Mistakes(vec![source.syntax(&error)])),
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut reader = Reader { source, folder: folder.to_owned() };
    let project = reader.project(written);
    if !reader.source.mistakes.is_empty() {
        return Err(ProjectError::Mistakes(reader.source.into_mistakes()));
    }
    project.subject()?;
    Ok(project)
}

/// Goes through what was written and notes all mistakes.
struct Reader<'a> {
    source: Source<'a>,
    folder: PathBuf,
}

impl Reader<'_> {
    fn project(&mut self, written: File) -> Project {
        let File { zone, port, core, peers, portals, apps, faults } = written;
        let zone = zone.map_or(ZONE.to_owned(), |zone| self.zone(zone));
        let port = port.and_then(|port| self.port(&port));
        let core = core.map_or(CoreSpec::BuiltIn, |core| self.core("core", core));
        if portals.is_empty() {
            self.source.wrong(0..0, "portal", "give at least one Portal: [[portal]] and below it name = \"alice\"");
        } else if let Some(one) = portals.get(MOST_PORTALS) {
            self.source.wrong(one.span(), "portal", format!("these are more than {MOST_PORTALS} Portals"));
        }
        let names = self.names(&portals);
        let apps = self.apps(apps, &names);
        let defaults = Defaults { names: &names, apps: &apps, core: &core, peers: self.peers("peers", peers, &names) };
        let portals = portals.into_iter().map(|portal| self.portal(portal.into_inner(), &defaults)).collect();
        let faults = faults.into_iter().map(|fault| self.fault(fault, &names, &apps)).collect();
        Project {
            place: crate::subject::Place::default(),
            file: Some(self.source.file.to_owned()),
            folder: self.folder.clone(),
            zone,
            port,
            faults,
            portals,
            apps,
        }
    }

    /// A fault, of Portals and apps that there are.
    fn fault(&mut self, written: Text, names: &[String], apps: &[AppSpec]) -> FaultLine {
        let at = written.span();
        let line = self.source.line(at.start);
        match Fault::parse(written.get_ref()) {
            Err(error) => self.source.wrong(at, "faults", error.to_string()),
            Ok(fault) => {
                for portal in fault.portals().into_iter().filter(|portal| !names.iter().any(|name| name == portal)) {
                    let like = did_you_mean(portal, names.iter().map(String::as_str));
                    self.source.wrong(at.clone(), "faults", format!("there is no Portal named `{portal}`{like}"));
                }
                if let Fault::App { app, .. } = &fault
                    && !apps.iter().any(|known| known.name == *app)
                {
                    let like = did_you_mean(app, apps.iter().map(|app| app.name.as_str()));
                    self.source.wrong(at, "faults", format!("there is no app named `{app}`{like}"));
                }
            }
        }
        FaultLine { line, text: written.into_inner() }
    }

    fn zone(&mut self, zone: Text) -> String {
        if !is_zone(zone.get_ref()) {
            let what = format!("`{}` is no DNS name; give one such as localhost", zone.get_ref());
            self.source.wrong(zone.span(), "zone", what);
        }
        zone.into_inner().to_ascii_lowercase()
    }

    fn port(&mut self, port: &Spanned<i64>) -> Option<u16> {
        let fits = u16::try_from(*port.get_ref()).ok().filter(|port| *port != 0);
        if fits.is_none() {
            let what = format!("{} is no port: give one from 1 to 65535, or leave it out for any", port.get_ref());
            self.source.wrong(port.span(), "port", what);
        }
        fits
    }

    fn core(&mut self, key: &str, core: Text) -> CoreSpec {
        if core.get_ref() == BUILT_IN {
            return CoreSpec::BuiltIn;
        }
        match Descriptor::read(&self.folder.join(core.get_ref())) {
            Ok(descriptor) => return CoreSpec::Described(Box::new(descriptor)),
            // They name a file and a line of their own.
            Err(DescriptorError::Mistakes(mistakes)) => self.source.mistakes.extend(mistakes),
            Err(error) => {
                self.source.wrong(core.span(), key, format!("{error}, or \"{BUILT_IN}\" for the one of Countersign"));
            }
        }
        CoreSpec::BuiltIn
    }

    /// The names of the Portals.
    fn names(&mut self, portals: &[Spanned<PortalFile>]) -> Vec<String> {
        let mut names = Vec::new();
        for portal in portals {
            let (name, span) = (portal.get_ref().name.get_ref(), portal.get_ref().name.span());
            if !is_portal_name(name) {
                let what = format!("`{name}` is no name: a letter, then letters, digits and `-`, all in lower case");
                self.source.wrong(span, "portal.name", what);
            } else if names.contains(name) {
                self.source.wrong(span, "portal.name", format!("there are two Portals named `{name}`"));
            }
            names.push(name.clone());
        }
        names
    }

    fn portal(&mut self, written: PortalFile, defaults: &Defaults<'_>) -> PortalSpec {
        let PortalFile { name, peers, clock, core, key, apps } = written;
        let name = name.into_inner();
        let named = peers.is_some();
        let mut added = match peers {
            Some(peers) => self.peers("portal.peers", Some(peers), defaults.names),
            None => defaults.peers.clone(),
        };
        if !named {
            added.retain(|peer| peer.name != name);
        }
        if let Some(itself) = added.iter().find(|peer| peer.name == name && !peer.by_all) {
            self.source.wrong(itself.at.clone(), "portal.peers", format!("`{name}` can't be a peer of itself"));
        }
        added.retain(|peer| peer.name != name);
        PortalSpec {
            peers: added.into_iter().map(|peer| peer.name).collect(),
            clock: clock.map_or(ClockSpec::Right, |clock| self.clock(clock)),
            core: core.map_or_else(|| defaults.core.clone(), |core| self.core("portal.core", core)),
            key: key.map_or(KeyPlan::default(), |key| self.key(key)),
            apps: match apps {
                None => defaults.apps.iter().map(|app| app.name.clone()).collect(),
                Some(apps) => apps.into_iter().filter_map(|app| self.known_app(app, defaults.apps)).collect(),
            },
            name,
        }
    }

    /// The Portals of a list, of which there must be each; `all` or `none` of them.
    fn peers(&mut self, key: &str, peers: Option<Spanned<WordOrList>>, names: &[String]) -> Vec<Peer> {
        let (at, peers) = match peers {
            None => (0..0, WordOrList::Word(ALL.to_owned())),
            Some(peers) => (peers.span(), peers.into_inner()),
        };
        let listed = match peers {
            WordOrList::Word(word) if word == ALL => {
                return names.iter().map(|name| Peer { name: name.clone(), at: at.clone(), by_all: true }).collect();
            }
            WordOrList::Word(word) if word == NONE => return Vec::new(),
            WordOrList::Word(word) => vec![Spanned::new(at, word)],
            WordOrList::List(list) => list,
        };
        let mut found = Vec::new();
        for peer in listed {
            let name = peer.get_ref();
            if names.contains(name) {
                found.push(Peer { name: name.clone(), at: peer.span(), by_all: false });
            } else {
                let near = did_you_mean(name, names.iter().map(String::as_str).chain([ALL, NONE]));
                self.source.wrong(peer.span(), key, format!("there is no Portal `{name}`{near}"));
            }
        }
        found
    }

    fn known_app(&mut self, app: Text, apps: &[AppSpec]) -> Option<String> {
        let name = app.get_ref();
        if !apps.iter().any(|app| app.name == *name) {
            let near = did_you_mean(name, apps.iter().map(|app| app.name.as_str()));
            let what = format!("there is no [[app]] whose manifest names it `{name}`{near}");
            self.source.wrong(app.span(), "portal.apps", what);
            return None;
        }
        Some(app.into_inner())
    }

    fn key(&mut self, key: Text) -> KeyPlan {
        key.get_ref().parse().unwrap_or_else(|error: super::TopologyError| {
            self.source.wrong(key.span(), "portal.key", error.to_string());
            KeyPlan::default()
        })
    }

    fn clock(&mut self, clock: Text) -> ClockSpec {
        self::clock(clock.get_ref()).unwrap_or_else(|| {
            let what = format!(
                "`{}` is no time: give \"+2h\" or \"-5m\" for a clock that is wrong by so much, or \"2026-01-31T12:00:00Z\"",
                clock.get_ref()
            );
            self.source.wrong(clock.span(), "portal.clock", what);
            ClockSpec::Right
        })
    }

    fn apps(&mut self, written: Vec<Spanned<AppFile>>, portals: &[String]) -> Vec<AppSpec> {
        let (mut apps, mut names) = (Vec::new(), BTreeSet::new());
        for app in written {
            let at = app.span();
            let Some(app) = self.app(app.into_inner(), at.clone(), portals) else { continue };
            if !names.insert(app.name.clone()) {
                self.source.wrong(at, "app.manifest", format!("there are two apps named `{}`", app.name));
            }
            apps.push(app);
        }
        apps
    }

    fn app(&mut self, written: AppFile, at: Range<usize>, portals: &[String]) -> Option<AppSpec> {
        let AppFile { manifest, run, url, image, compose, echo, directory, env, ready_within } = written;
        let (given, file) = match manifest {
            Some(manifest) => (manifest.span(), Some(self.folder.join(manifest.get_ref()))),
            None => (at.clone(), MANIFESTS.iter().map(|name| self.folder.join(name)).find(|file| file.is_file())),
        };
        let Some(file) = file else {
            let what = format!("there is no {} here: say where the app's manifest is", MANIFESTS.join(" and no "));
            self.source.wrong(given, "app.manifest", what);
            return None;
        };
        let read = AppSpec::read(&file).map_err(|why| {
            self.source.wrong(given, "app.manifest", format!("{}: {why}", file.display()));
        });
        let ways = [
            ("run", run.as_ref().map(Spanned::span)),
            ("url", url.as_ref().map(Spanned::span)),
            ("image", image.as_ref().map(Spanned::span)),
            ("compose", compose.as_ref().map(Spanned::span)),
            ("echo", echo.as_ref().filter(|echo| *echo.get_ref()).map(Spanned::span)),
        ];
        let mut ways = ways.into_iter().filter_map(|(key, span)| Some((key, span?)));
        let first = ways.next();
        if let (Some((one, _)), Some((other, span))) = (&first, ways.next()) {
            let what = format!("`{one}` says already where the app comes from: give one of them");
            self.source.wrong(span, &format!("app.{other}"), what);
        }
        let runs = run.is_some();
        let within = directory.as_ref().map(|directory| (directory.span(), self.folder.join(directory.get_ref())));
        if let Some((span, _)) = within.as_ref().filter(|_| !runs) {
            self.source.wrong(span.clone(), "app.directory", "only an app with `run` is started in a folder");
        }
        if let Some((span, folder)) = within.as_ref().filter(|(_, folder)| !folder.is_dir()) {
            self.source.wrong(span.clone(), "app.directory", format!("{} is no folder", folder.display()));
        }
        let beside = file.parent().map_or_else(|| self.folder.clone(), Path::to_owned);
        let source = match (run, url, image, compose) {
            (Some(run), ..) => self.run(run, within.map_or(beside, |(_, folder)| folder)),
            (_, Some(url), ..) => self.url(url, portals),
            (_, _, Some(image), _) => self.image(image),
            (.., Some(compose)) => self.compose(&compose, read.as_ref().ok()),
            _ => Some(AppSource::Echo),
        };
        let env = self.env(env, first.as_ref().map(|(key, _)| *key));
        let ready_within = ready_within.map(|text| {
            duration(text.get_ref()).unwrap_or_else(|| {
                let what = format!("`{}` is no time: give for example \"500ms\", \"30s\" or \"2m\"", text.get_ref());
                self.source.wrong(text.span(), "app.ready_within", what);
                AppSpec::READY_WITHIN
            })
        });
        let mut app = read.ok()?;
        (app.source, app.env) = (source?, env);
        app.ready_within = ready_within.unwrap_or(app.ready_within);
        Some(app)
    }

    fn run(&mut self, run: Spanned<WordOrList>, directory: PathBuf) -> Option<AppSource> {
        let span = run.span();
        let argv: Vec<String> = match run.into_inner() {
            // As it would be typed.
            WordOrList::Word(line) if !line.trim().is_empty() => ["sh", "-c", &line].map(str::to_owned).to_vec(),
            WordOrList::Word(_) => Vec::new(),
            WordOrList::List(words) => words.into_iter().map(Spanned::into_inner).collect(),
        };
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            self.source.wrong(span, "app.run", "give the command that starts the app, such as \"python3 main.py\"");
            return None;
        }
        Some(AppSource::Run { argv, directory })
    }

    fn url(&mut self, url: Spanned<WordOrTable>, portals: &[String]) -> Option<AppSource> {
        let span = url.span();
        let mut found = BTreeMap::new();
        match url.into_inner() {
            WordOrTable::Word(url) => {
                let authority = self.authority(span, &url)?;
                found.extend(portals.iter().map(|portal| (portal.clone(), authority.clone())));
            }
            WordOrTable::Table(urls) => {
                for (portal, url) in urls {
                    let name = portal.get_ref();
                    if !portals.contains(name) {
                        let near = did_you_mean(name, portals.iter().map(String::as_str));
                        self.source.wrong(portal.span(), "app.url", format!("there is no Portal `{name}`{near}"));
                    } else if let Some(authority) = self.authority(url.span(), url.get_ref()) {
                        found.insert(name.clone(), authority);
                    }
                }
            }
        }
        Some(AppSource::Url(found))
    }

    fn authority(&mut self, span: Range<usize>, url: &str) -> Option<String> {
        authority(url).map_err(|what| self.source.wrong(span, "app.url", what)).ok()
    }

    fn image(&mut self, image: Text) -> Option<AppSource> {
        let name = image.get_ref();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            self.source.wrong(image.span(), "app.image", "give the name of an image, such as \"guestbook:latest\"");
            return None;
        }
        Some(AppSource::Image(image.into_inner()))
    }

    fn compose(&mut self, compose: &Text, app: Option<&AppSpec>) -> Option<AppSource> {
        let file = self.folder.join(compose.get_ref());
        if !file.is_file() {
            let what = format!("{} is not there: give the app's docker-compose.yml.template", file.display());
            self.source.wrong(compose.span(), "app.compose", what);
            return None;
        }
        if let Err(why) = Stack::read(&file, &app?.manifest, &Known::sample()) {
            self.source.wrong(compose.span(), "app.compose", format!("{}: {why}", file.display()));
            return None;
        }
        Some(AppSource::Compose(file))
    }

    fn env(&mut self, env: BTreeMap<Text, Text>, way: Option<&str>) -> BTreeMap<String, String> {
        let mut taken = BTreeMap::new();
        for (name, value) in env {
            let (span, key) = (name.span(), format!("app.env.{}", name.get_ref()));
            if matches!(way, None | Some("url" | "echo")) {
                self.source.wrong(span, &key, "only an app that is started has an environment: give `run`");
            } else if TOLD.contains(&name.get_ref().as_str()) {
                self.source.wrong(span, &key, "the testbed says what this is, for each Portal another value");
            } else if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) {
                self.source.wrong(span, &key, "this is no name of a variable");
            } else if value.get_ref().contains('\0') {
                self.source.wrong(span, &key, "a variable can't hold a NUL");
            } else {
                taken.insert(name.into_inner(), value.into_inner());
            }
        }
        taken
    }
}

/// What a Portal has that says nothing else.
struct Defaults<'a> {
    names: &'a [String],
    apps: &'a [AppSpec],
    core: &'a CoreSpec,
    peers: Vec<Peer>,
}

/// A peer, and where it stands.
#[derive(Clone)]
struct Peer {
    name: String,
    at: Range<usize>,
    by_all: bool,
}

/// `+90s`, `-5m`, `+2h`, `-1d`, or a moment in UTC.
fn clock(text: &str) -> Option<ClockSpec> {
    if let Some(ahead) = text.strip_prefix('+') {
        return span(ahead).map(ClockSpec::Ahead);
    }
    if let Some(behind) = text.strip_prefix('-') {
        return span(behind).map(ClockSpec::Behind);
    }
    moment(text).map(ClockSpec::At)
}

fn span(text: &str) -> Option<Duration> {
    /// Certificates of a testbed are good for ten years either way.
    const MOST: u64 = 9 * 365 * 86_400;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds <= MOST).then(|| Duration::from_secs(seconds))
}

/// `2026-01-31T12:00:00Z`; `2026-01-31` is its first second.
fn moment(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u16>().ok())?
    };
    let small = |text: &str| u8::try_from(number(text, 2)?).ok();
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, small(date.next()?)?, small(date.next()?)?);
    let mut time = time.strip_suffix('Z')?.split(':');
    let (hour, minute, second) = (small(time.next()?)?, small(time.next()?)?, small(time.next()?)?);
    if date.next().is_some() || time.next().is_some() {
        return None;
    }
    let date = time::Date::from_calendar_date(year.into(), time::Month::try_from(month).ok()?, day).ok()?;
    let moment = date.with_hms(hour, minute, second).ok()?.assume_utc();
    Some(moment.into())
}
