//! From the start of a Core to its first call of a peer.

use std::time::{Duration, Instant};

use portal_core::clock::SettableClock;

use super::text::shown;
use super::{Checkup, Outcome, STEPS, STOP, Seen, Step};
use crate::subject::descriptor::{Descriptor, NamesBy, Pairing, Ready, Recognition, Start};
use crate::subject::{CorePlan, Storage, Subject, SubjectError};
use crate::testbed::fake_portal::WHO_ARE_YOU;
use crate::testbed::identity::portal_id;
use crate::testbed::pki::Pki;
use crate::testbed::{App, FakePortal, Options, Portal, Testbed, TestbedError};
use crate::topology::{AppPlan, KeyPlan, PortalPlan, Topology};
use crate::wire::{Call, Reply};

/// The app that is installed.
pub(super) const APP: &str = "doctor";
/// How long the Core may take to ask a peer for its key.
const ASKED: Duration = Duration::from_secs(10);
/// So much of an answer is shown.
const SHOWN: usize = 300;

/// Goes from step to step and notes what came of each.
pub(super) struct Walk<'a> {
    pub(super) subject: &'a Subject,
    pub(super) descriptor: &'a Descriptor,
    told: &'a mut dyn FnMut(&Step),
    checkup: Checkup,
}

/// A step that is being taken.
#[derive(Debug, Clone)]
pub(super) struct Task {
    name: &'static str,
    did: String,
    expected: String,
}

/// What came instead, and what to do.
pub(super) struct Wrong {
    pub(super) got: String,
    pub(super) advice: String,
}

pub(super) fn wrong(got: impl ToString, advice: impl ToString) -> Wrong {
    Wrong { got: got.to_string(), advice: advice.to_string() }
}

pub(super) fn task(name: &'static str, did: impl ToString, expected: impl ToString) -> Task {
    Task { name, did: did.to_string(), expected: expected.to_string() }
}

impl<'a> Walk<'a> {
    pub(super) fn new(subject: &'a Subject, descriptor: &'a Descriptor, told: &'a mut dyn FnMut(&Step)) -> Walk<'a> {
        Walk { subject, descriptor, told, checkup: Checkup::default() }
    }

    pub(super) fn into_checkup(self) -> Checkup {
        self.checkup
    }

    /// Takes all steps but the last.
    pub(super) async fn go(&mut self) {
        if let Err(error) = self.walk().await {
            self.checkup.harness = Some(error.to_string());
        }
        let because = match self.checkup.steps.iter().rev().find(|step| matches!(step.outcome, Outcome::Wrong(..))) {
            Some(step) => format!("`{}` went wrong", step.name),
            None => "the testbed could not go on".to_owned(),
        };
        for name in STEPS {
            if !self.checkup.steps.iter().any(|step| step.name == name) {
                self.leave_out(name, &because);
            }
        }
    }

    async fn walk(&mut self) -> Result<(), TestbedError> {
        if !self.first_start().await? {
            return Ok(());
        }
        let profile = self.subject.profile();
        let topology = Topology::new().zone(profile.zone.clone()).public_port(profile.public_port);
        let options = Options { subject: self.subject.clone(), profile, storage: Storage::Disk, ..Options::default() };
        let testbed = Testbed::start_with(topology, options).await?;
        if let Some(portal) = self.portal(&testbed).await? {
            let app = self.install(&portal).await?;
            self.pair(&portal, app.as_ref()).await?;
            let peer = self.peer(&testbed, &portal).await?;
            self.call(app.as_ref(), peer.as_ref()).await;
            self.again(&testbed, &portal).await?;
        }
        testbed.shutdown().await.map_err(|error| TestbedError::Task(error.to_string()))
    }

    /// Notes what came of a step.
    pub(super) fn note<T>(&mut self, task: Task, came: Result<(T, String), Wrong>) -> Option<T> {
        let Task { name, did, expected } = task;
        let (thing, outcome) = match came {
            Ok((thing, got)) => (Some(thing), Outcome::Fine(Seen { did, expected, got })),
            Err(Wrong { got, advice }) => (None, Outcome::Wrong(Seen { did, expected, got }, advice)),
        };
        self.step(name, outcome);
        thing
    }

    pub(super) fn leave_out(&mut self, name: &'static str, why: impl ToString) {
        self.step(name, Outcome::LeftOut(why.to_string()));
    }

    fn step(&mut self, name: &'static str, outcome: Outcome) {
        let step = Step { name, outcome };
        (self.told)(&step);
        self.checkup.steps.push(step);
    }

    /// A Core for itself: does it start, is it ready, who is it?
    async fn first_start(&mut self) -> Result<bool, TestbedError> {
        let pki = match self.subject.authority()? {
            Some(pki) => pki,
            None => Pki::new(&SettableClock::running())?,
        };
        let plan = CorePlan::trial("alice", self.subject.profile(), &pki)?;
        let (did, ready) = match &self.descriptor.start {
            Start::Command(command) => {
                let argv: Vec<String> = command.argv.iter().map(ToString::to_string).collect();
                (format!("ran `{}` in {}", argv.join(" "), command.directory.display()), &command.ready)
            }
            Start::Running(running) => {
                (format!("looked for a Core at {}", running.authorities.join(", ")), &running.ready)
            }
            Start::BuiltIn => ("started the built-in Core".to_owned(), &Ready::default()),
        };
        let (path, within) = (ready.path.clone(), ready.within);
        let began = Instant::now();
        // What runs already is looked for before anything is started.
        let found = match self.descriptor.start {
            Start::Running(_) => self.subject.prepare(plan.profile.clone()).await,
            Start::Command(_) | Start::BuiltIn => Ok(()),
        };
        let came = match found {
            Ok(()) => self.subject.start(plan).await,
            Err(error) => Err(error),
        };
        let came = match came {
            Ok(core) => {
                let got = format!("it listens at {}", core.address());
                Ok((core, got))
            }
            Err(error @ SubjectError::NoRoom { .. }) => return Err(error.into()),
            Err(error) => Err(wrong(error, self.about_start())),
        };
        let started = task("start", did, format!("it runs, and answers GET {path} with 2xx within {within:?}"));
        let Some(mut core) = self.note(started, came) else { return Ok(false) };

        let asked = task("ready", format!("GET {path}"), "2xx");
        let came = match core.hands().exchange(Call::get(&*path), core.address()).await {
            Ok(reply) if (200..300).contains(&reply.status) => {
                let slow = began.elapsed() > within / 2;
                let note = if slow { "; more than half of what ready.within allows had gone" } else { "" };
                Ok(((), format!("{}{note}", reply.status)))
            }
            Ok(reply) => {
                Err(wrong(answer(&reply), "answer 2xx from the first time on, or name another path in start.ready"))
            }
            Err(error) => Err(wrong(error, "the Core answered before; see in its log why it does not any more")),
        };
        self.note(asked, came);
        let asked = task(
            "whoareyou",
            "GET /public/meta/whoareyou",
            format!("200 with the ID that belongs to its key, and a domain under {}", self.subject.profile().zone),
        );
        let came = match core.hands().exchange(Call::get("/public/meta/whoareyou"), core.address()).await {
            Ok(reply) => self.introduction(&reply).map(|got| ((), got)),
            Err(error) => Err(wrong(error, "this is how everybody learns a Portal's ID and key (ID-4)")),
        };
        let known = self.note(asked, came).is_some();
        // Back to where it came from, for the steps that follow.
        if let Err(error) = core.end(true).await {
            tracing::debug!(%error, "the first Core");
        }
        Ok(known)
    }

    fn about_start(&self) -> String {
        match &self.descriptor.start {
            Start::Command(command) => {
                let listen = match &command.address_from {
                    Some(_) => "address_from finds where it listens in what it writes",
                    None => "it listens on {{ core.address }}",
                };
                format!("run the command by hand; see that {listen}, and that start.ready names a path that it answers")
            }
            Start::Running(_) => "start it first, and see that start.urls say where it listens".to_owned(),
            Start::BuiltIn => "this is a fault of Countersign, not of the descriptor".to_owned(),
        }
    }

    fn introduction(&self, reply: &Reply) -> Result<String, Wrong> {
        if reply.status != 200 {
            return Err(wrong(answer(reply), "answer anyone who asks, without a cookie (ID-4)"));
        }
        let json = reply.json().ok_or_else(|| wrong(answer(reply), "answer with JSON (ID-4)"))?;
        let text = |key: &str| json.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let missing = |key: &str| wrong(answer(reply), format!("there is no text `{key}` in it (ID-4)"));
        let id = text("id").ok_or_else(|| missing("id"))?;
        let pem = text("public_key_pem").ok_or_else(|| missing("public_key_pem"))?;
        let domain = text("domain").ok_or_else(|| missing("domain"))?;
        let of_key = portal_id(&pem);
        if id != of_key {
            let advice =
                format!("the ID of this key is {of_key}: SHA-512 over its PEM text, in groups of five bits (ID-2)");
            return Err(wrong(format!("id {id}"), advice));
        }
        let expected = self.subject.profile().authority(&id[..6]);
        if domain != expected {
            let advice = format!(
                "it should be {expected}; give the Core the zone {{{{ profile.zone }}}}, or set zone under [overrides]"
            );
            return Err(wrong(format!("domain {domain}"), advice));
        }
        Ok(format!("it is {}, {domain}", &id[..6]))
    }

    /// A Portal: the Core behind the testbed's proxy.
    async fn portal(&mut self, testbed: &Testbed) -> Result<Option<Portal>, TestbedError> {
        let asked =
            task("portal", "put a Core behind the testbed's proxy and asked for it from outside", "200 over TLS");
        let portal = match testbed.add_portal(PortalPlan::new("alice")).await {
            Ok(portal) => portal,
            Err(error) => {
                let error = of_the_core(error)?;
                return Ok(
                    self.note(asked, Err(wrong(error, "start it as often as is asked for: each Portal has a Core")))
                );
            }
        };
        let reply = testbed.outside().send(portal.domain(), Call::get(WHO_ARE_YOU)).await;
        let came = match reply {
            Ok(reply) if reply.status == 200 => Ok((portal.clone(), format!("200 at https://{}", portal.domain()))),
            Ok(reply) => Err(wrong(answer(&reply), "the proxy hands /core/public/… on to the Core as /public/…")),
            Err(error) => Err(wrong(error, "the Core has to answer its proxy on the address where it is ready")),
        };
        Ok(self.note(asked, came))
    }

    async fn install(&mut self, portal: &Portal) -> Result<Option<App>, TestbedError> {
        let manifest = AppPlan::with_paths(APP, [("", "private"), ("/public/", "public"), ("/peers/", "peer")]);
        let did = format!("{} for the app `{APP}`", shown(&self.descriptor.apps.install));
        let expected = "it is taken; then /public/ of the app is open to anyone, and the rest to terminals";
        let came = match portal.install(&manifest).await {
            Err(error) => {
                let advice = "see [apps] install: the manifest is {{ app.manifest }}, the name {{ app.name }}";
                Err(wrong(of_the_core(error)?, advice))
            }
            Ok(app) => opened(portal).await.map(|got| (app, got)),
        };
        let Some(app) = self.note(task("install", did, expected), came) else {
            self.leave_out("recognise", "no app is installed");
            return Ok(None);
        };
        let how = match &self.descriptor.apps.recognition {
            Recognition::Door { from, .. } => {
                format!("the app asked at its door, which `{from}` in the answer to install gives")
            }
            Recognition::SourceAddress => "the app asked from an address of its own".to_owned(),
            Recognition::Header { name, .. } => format!("the app asked with the field {name}"),
        };
        let asked =
            task("recognise", format!("{how}: GET /protected/peers"), "200 with the peers, without a cookie (PEER-16)");
        let came = match app.ask(Call::get("/protected/peers")).await {
            Ok(reply) if reply.status == 200 => Ok(((), answer(&reply))),
            Ok(reply) => {
                Err(wrong(answer(&reply), "the Core has to know the app by how it calls: see apps.recognised_by"))
            }
            Err(error) => {
                let advice = "see apps.recognised_by; for doors, door_from is a JSON pointer such as /door";
                Err(wrong(error, advice))
            }
        };
        Ok(self.note(asked, came).map(|()| app))
    }

    async fn pair(&mut self, portal: &Portal, app: Option<&App>) -> Result<(), TestbedError> {
        let did = match &self.descriptor.pairing {
            Pairing::Contract => "asked for a pairing code and gave it from outside (TERM-1, TERM-2)".to_owned(),
            Pairing::Hook(hook) => shown(hook),
        };
        let asked = task("pair", did, "a cookie, with which the owner is let in");
        let came = match portal.pair("doctor").await {
            Err(error) => {
                Err(wrong(of_the_core(error)?, "see [terminals] pair: `contract`, or a command that prints the cookie"))
            }
            Ok(_) if app.is_none() => Ok(((), "a cookie; no app is there to try it on".to_owned())),
            Ok(terminal) => match terminal.client.send(&portal.host_of(APP), Call::get("/")).await {
                Ok(reply) if reply.status == 200 => Ok(((), "a cookie, and 200 with it".to_owned())),
                Ok(reply) => Err(wrong(
                    format!("a cookie, but with it GET / of a private app: {}", answer(&reply)),
                    "the cookie has to be that of the profile (`cookie`), and endpoints.auth has to know it",
                )),
                Err(error) => Err(wrong(error, "the Core has to answer what its proxy asks at endpoints.auth")),
            },
        };
        self.note(asked, came);
        Ok(())
    }

    /// Adds a peer that the testbed plays: does the Core find it, and trust it?
    async fn peer(&mut self, testbed: &Testbed, portal: &Portal) -> Result<Option<FakePortal>, TestbedError> {
        if self.descriptor.names == NamesBy::None {
            for name in ["names", "trust"] {
                self.leave_out(name, "names = \"none\": what needs other Portals is unsupported");
            }
            return Ok(None);
        }
        let peer = testbed.fake_portal("bob", &KeyPlan::Ed25519).await?;
        let did = format!("added the peer {}: PUT /protected/peers", peer.short_id());
        let names = task("names", &did, format!("the Core looks for {}", peer.domain()));
        let trust = task("trust", &did, format!("GET https://{}{WHO_ARE_YOU} within {ASKED:?}", peer.domain()));
        let added = portal.put_peer(peer.id(), None).await;
        let refused = match added {
            Ok(reply) if (200..300).contains(&reply.status) => None,
            Ok(reply) => Some(answer(&reply)),
            Err(error) => Some(error.to_string()),
        };
        if let Some(got) = refused {
            self.note::<()>(names, Err(wrong(got, "take the peer with 200 (PEER-2), reachable or not")));
            self.leave_out("trust", "no peer was added");
            return Ok(None);
        }
        let arrived =
            tokio::time::timeout(ASKED, peer.front().wait_for_arrivals(1)).await.is_ok_and(|came| came.is_ok());
        let looked_up = portal.lookups().await;
        let looked_for = looked_up.as_ref().is_some_and(|hosts| hosts.iter().any(|host| host == peer.domain()));
        if arrived || looked_for {
            self.note(names, Ok(((), format!("it asked for {}", peer.domain()))));
        } else {
            let got = match looked_up {
                Some(hosts) if hosts.is_empty() => "it asked the testbed for no name at all".to_owned(),
                Some(hosts) => format!("it asked for {} only", hosts.join(", ")),
                None => "nothing came to the peer".to_owned(),
            };
            self.note::<()>(names, Err(wrong(got, self.about_names())));
            self.leave_out("trust", "it did not look for the peer");
            return Ok(None);
        }
        let came = match arrived {
            true => Ok((peer.clone(), "it came, over TLS".to_owned())),
            false => Err(wrong(
                "it connected, but no request came",
                "trust the testbed's authority: {{ pki.ca_file }}, which is also in SSL_CERT_FILE, REQUESTS_CA_BUNDLE, \
                 CURL_CA_BUNDLE and NODE_EXTRA_CA_CERTS; and fetch the peer's key when it is added (PEER-6)",
            )),
        };
        Ok(self.note(trust, came))
    }

    fn about_names(&self) -> &'static str {
        match self.descriptor.names {
            NamesBy::Proxy => {
                "connect to peers through the proxy in HTTPS_PROXY ({{ names.connect_proxy }}), and ask for a peer's key \
                 when it is added (PEER-6); a Core that ignores proxies: names = \"namespace\""
            }
            NamesBy::Namespace | NamesBy::None => {
                "look names up as the system does (hosts file), and ask for a peer's key when it is added (PEER-6)"
            }
        }
    }

    async fn call(&mut self, app: Option<&App>, peer: Option<&FakePortal>) {
        let (Some(app), Some(peer)) = (app, peer) else {
            let why = if app.is_none() { "no app is recognised" } else { "no peer is reached" };
            return self.leave_out("call", why);
        };
        let asked = task(
            "call",
            format!("the app called GET /internal/call_peer/{}/peers/x", peer.short_id()),
            format!("a signed GET /peers/x at {APP}.{}, and its answer back", peer.domain()),
        );
        let came = match app.call_peer(peer.short_id(), Call::get("/peers/x")).await {
            Ok(reply) => match peer.received().last() {
                None => Err(wrong(
                    format!("no request came to the peer; the answer: {}", answer(&reply)),
                    "send calls at the app's door to https://<app>.<short id>.<zone>/… (CALL-1)",
                )),
                Some(received) => {
                    let has = |name: &str| received.fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
                    let what = format!("{} {} at {}", received.method, received.target, received.host);
                    match (has("signature-input") && has("signature"), reply.status) {
                        (true, 200) => Ok(((), format!("{what}, with a signature; 200 came back"))),
                        (true, _) => Err(wrong(
                            format!("{what}, but back came {}", answer(&reply)),
                            "hand answers back as they are (CALL-4)",
                        )),
                        (false, _) => Err(wrong(format!("{what}, without a signature"), "sign the request (SIG-1)")),
                    }
                }
            },
            Err(error) => Err(wrong(error, "answer at the app's door under /internal/call_peer/ (CALL-1)")),
        };
        self.note(asked, came);
    }

    /// The end of the last Core.
    pub(super) fn stopped(&mut self, took: Duration) {
        let Start::Command(command) = &self.descriptor.start else {
            return self.leave_out(STOP, "the testbed did not start it");
        };
        if !self.checkup.started() {
            return self.leave_out(STOP, "it did not start");
        }
        let within = command.stop_within;
        let asked = task(STOP, "SIGTERM", format!("it ends within {within:?}"));
        let came = match took < within {
            true => Ok(((), "it did".to_owned())),
            false => Err(wrong("it did not, and was killed", "end on SIGTERM, or raise start.stop_within")),
        };
        self.note(asked, came);
    }
}

/// From outside: is what is public open, and what is private shut?
async fn opened(portal: &Portal) -> Result<String, Wrong> {
    let auth = "the proxy asks the Core at endpoints.auth about each request: is that where it answers (AUTH-1)?";
    let mut got = Vec::new();
    for (path, expected) in [("/public/x", 200), ("/x", 401)] {
        match portal.send_to(APP, Call::get(path)).await {
            Ok(reply) if reply.status == expected => got.push(format!("GET {path}: {expected}")),
            Ok(reply) => {
                let came = format!("GET {path} of the app from outside: {}; and should be {expected}", answer(&reply));
                return Err(wrong(came, auth));
            }
            Err(error) => return Err(wrong(error, auth)),
        }
    }
    Ok(got.join(", "))
}

/// An answer in short.
pub(super) fn answer(reply: &Reply) -> String {
    let body: String = reply.text().chars().take(SHOWN).collect();
    format!("{} {body}", reply.status).trim_end().to_owned()
}

/// What the Core did not do; or that the testbed failed.
pub(super) fn of_the_core(error: TestbedError) -> Result<String, TestbedError> {
    match error {
        TestbedError::Subject(SubjectError::TooFew(_) | SubjectError::NoRoom { .. })
        | TestbedError::Io(_)
        | TestbedError::Pki(_)
        | TestbedError::Key(_)
        | TestbedError::Topology(_)
        | TestbedError::Task(_) => Err(error),
        other => Ok(other.to_string()),
    }
}
