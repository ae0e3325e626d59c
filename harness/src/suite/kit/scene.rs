//! The Portals of a scenario, with their apps and terminals, by the names that sentences give them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portal_core::clock::{SystemClock, unix_seconds};
use tokio::sync::broadcast;

use super::body::Fingerprint;
use super::names::Receiver;
use crate::record::Staged;
use crate::suite::failure::{StepFailure, StepResult};
use crate::testbed::fake_portal::WHO_ARE_YOU;
use crate::testbed::real_app::{News, RealApps};
use crate::testbed::{Answer, App, EchoApp, FakePortal, Portal, Received, Terminal, Testbed, TestbedError};
use crate::trace::{Party, TRACE_FIELD, Trace};
use crate::wire::{Call, Content, Gate};

/// The Portals of a scenario and what belongs to them.
#[derive(Default)]
pub(crate) struct Scene {
    pub(super) testbed: Option<Testbed>,
    /// When it began: on the testbed's clock, and on the machine's.
    began: Option<(u64, u64)>,
    pub(super) portals: BTreeMap<String, Portal>,
    pub(super) fakes: BTreeMap<String, FakePortal>,
    pub(super) terminals: BTreeMap<String, Paired>,
    pub(super) owners: BTreeMap<String, Paired>,
    /// The manifests that were installed, as text.
    pub(super) manifests: BTreeMap<Receiver, String>,
    /// Apps of a project that are not played by the testbed: what they answer is their affair.
    pub(super) own_apps: BTreeSet<Receiver>,
    /// What runs of a project, and what happens to it.
    pub(super) real: Option<(RealApps, broadcast::Receiver<News>)>,
    inboxes: BTreeMap<Receiver, EchoApp>,
    given: BTreeMap<Receiver, Given>,
    before: BTreeMap<Receiver, Mark>,
    lookups_before: BTreeMap<String, usize>,
    /// Private keys of Portals with Cores, PKCS#8 PEM, that the suite made.
    pub(super) private_keys: BTreeMap<String, String>,
    /// The last pairing code.
    pub(crate) code: Option<String>,
    /// Opened as soon as the body of an answer begins to arrive at who asked.
    pub(crate) opened_by_answers: Option<Gate>,
}

/// A paired terminal.
#[derive(Debug, Clone)]
pub(crate) struct Paired {
    /// The Portal that it belongs to.
    pub(crate) portal: String,
    /// The id under which its Core lists it.
    pub(crate) id: String,
    /// Name and cookie.
    pub(crate) terminal: Terminal,
}

/// What an app was told to answer.
#[derive(Debug)]
struct Given {
    status: u16,
    body: Option<Fingerprint>,
}

/// What a receiver had got when the latest sending step began.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    arrivals: usize,
    kept: usize,
}

impl Scene {
    /// The testbed.
    pub(crate) fn testbed(&self) -> StepResult<&Testbed> {
        self.testbed.as_ref().ok_or_else(|| StepFailure::mistake("no Portal was started: a `Given` is missing"))
    }

    /// Every hop of every request.
    pub(crate) fn trace(&self) -> StepResult<&Trace> {
        Ok(self.testbed()?.trace())
    }

    /// A Portal with a Core.
    pub(crate) fn portal(&self, name: &str) -> StepResult<&Portal> {
        self.portals.get(name).ok_or_else(|| StepFailure::mistake(format!("no Portal {name} was started")))
    }

    /// A Portal that the harness plays.
    pub(crate) fn fake(&self, name: &str) -> StepResult<&FakePortal> {
        self.fakes.get(name).ok_or_else(|| StepFailure::mistake(format!("no fake Portal {name} was started")))
    }

    /// The Portals that the harness plays.
    pub(crate) fn fakes(&self) -> impl Iterator<Item = &FakePortal> {
        self.fakes.values()
    }

    /// The names of the Portals with Cores.
    pub(crate) fn real_names(&self) -> Vec<String> {
        self.portals.keys().cloned().collect()
    }

    /// An app of a Portal with a Core.
    pub(crate) fn app(&self, portal: &str, app: &str) -> StepResult<App> {
        Ok(self.portal(portal)?.app(app)?)
    }

    /// The present, in seconds since 1970. Portals' clocks show the same unless a step said otherwise.
    pub(crate) fn now(&self) -> StepResult<u64> {
        Ok(unix_seconds(self.testbed()?.clock()))
    }

    /// Time passes for everybody.
    pub(crate) async fn advance(&self, by: Duration) -> StepResult {
        self.testbed()?.clock().advance(by);
        self.fakes.values().for_each(|fake| fake.clock().advance(by));
        for portal in self.portals.values() {
            portal.clock().advance(by);
            portal.clock_changed().await?;
        }
        Ok(())
    }

    /// How a Core ended that nobody had told to end. It may take that long to be seen.
    pub(crate) async fn death(&self, patience: Duration) -> Option<String> {
        for portal in self.portals.values() {
            if let Some(death) = portal.death(patience).await {
                return Some(death);
            }
        }
        None
    }

    /// How an app of the project ended that no step had told to end. It may take that long to be seen.
    pub(crate) async fn app_death(&mut self, patience: Duration) -> Option<String> {
        let (_, news) = self.real.as_mut()?;
        let death = async {
            loop {
                match news.recv().await {
                    Ok(News::Died { portal, app, why, .. }) => return Some(format!("{portal}'s {app} died: {why}")),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        };
        tokio::time::timeout(patience, death).await.ok().flatten()
    }

    /// Whether what the app answers is its own affair.
    pub(crate) fn is_own_app(&self, receiver: &Receiver) -> bool {
        self.own_apps.contains(receiver)
    }

    /// Everybody who can receive requests.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &Receiver> {
        self.inboxes.keys()
    }

    /// What a receiver got since the latest sending step began.
    pub(crate) fn received(&self, receiver: &Receiver) -> StepResult<Vec<Received>> {
        let mut received = self.ever_received(receiver)?;
        Ok(received.split_off(self.mark_of(receiver).kept.min(received.len())))
    }

    /// What a receiver got since the beginning of the scenario.
    pub(crate) fn ever_received(&self, receiver: &Receiver) -> StepResult<Vec<Received>> {
        Ok(calls(self.inbox(receiver)?))
    }

    /// How many requests began to reach a receiver since the latest sending step began.
    pub(crate) fn arrivals(&self, receiver: &Receiver) -> StepResult<usize> {
        Ok(arrivals(self.inbox(receiver)?) - self.mark_of(receiver).arrivals)
    }

    /// From now on the receiver gives this answer, with this status, and with this body where that can be told.
    pub(crate) fn answer_with(
        &mut self,
        receiver: &Receiver,
        answer: Answer,
        status: u16,
        body: Option<&Content>,
    ) -> StepResult {
        self.inbox(receiver)?.answer_with(answer);
        self.given.insert(receiver.clone(), Given { status, body: body.map(Fingerprint::of) });
        Ok(())
    }

    /// The gate opens as soon as the body of the next request begins to reach the receiver.
    pub(crate) fn opens_with_body(&self, receiver: &Receiver, gate: &Gate) -> StepResult {
        self.inbox(receiver)?.opens_with_body(gate);
        Ok(())
    }

    /// Waits until a request begins to reach the receiver, since the latest sending step began. Bounded.
    pub(crate) async fn arrival(&self, receiver: &Receiver) -> StepResult {
        let wanted = self.mark_of(receiver).arrivals + 1;
        let inbox = self.inbox(receiver)?;
        // Those who ask who a fake Portal is don't count.
        let others = inbox.arrivals() - arrivals(inbox);
        Ok(inbox.wait_for_arrivals(wanted + others).await?)
    }

    /// Waits until all that began to reach the receiver has come to its end, a whole request or not.
    pub(crate) async fn settled(&self, receiver: &Receiver) -> StepResult {
        let inbox = self.inbox(receiver)?;
        let waiting = inbox.wait_for(inbox.arrivals()).await;
        waiting
            .map(|_| ())
            .map_err(|last| StepFailure::timeout(format!("each request to {receiver} comes to an end"), last))
    }

    /// The status that the receiver gives.
    pub(crate) fn status_of(&self, receiver: &Receiver) -> u16 {
        self.given.get(receiver).map_or(200, |given| given.status)
    }

    /// The body that the receiver was told to give.
    pub(crate) fn given(&self, receiver: &Receiver) -> StepResult<&Fingerprint> {
        let given = self.given.get(receiver).and_then(|given| given.body.as_ref());
        given.ok_or_else(|| StepFailure::mistake(format!("{receiver} was not told what to answer")))
    }

    /// The call as it goes out: with the id under which `origin` makes it, and the gate that its answer opens.
    pub(crate) fn prepared(&self, mut call: Call, origin: Party) -> StepResult<Call> {
        if !call.fields().contains(TRACE_FIELD) {
            call = call.field(TRACE_FIELD, self.trace()?.begin(origin));
        }
        Ok(match &self.opened_by_answers {
            Some(gate) => call.opens_with_answer(gate),
            None => call,
        })
    }

    /// Notes what there is, so that `received` and `connected` are about what comes from now on.
    pub(crate) async fn mark(&mut self) {
        let mark = |app: &EchoApp| Mark { arrivals: arrivals(app), kept: calls(app).len() };
        self.before = self.inboxes.iter().map(|(receiver, app)| (receiver.clone(), mark(app))).collect();
        for (name, portal) in &self.portals {
            let lookups = portal.lookups().await.unwrap_or_default().len();
            self.lookups_before.insert(name.clone(), lookups);
        }
    }

    /// The hosts that a Core looked up since the latest sending step began; unsupported where that can't be told.
    pub(crate) async fn connected(&self, portal: &str) -> StepResult<Vec<String>> {
        let lookups = self.portal(portal)?.lookups().await;
        let mut lookups =
            lookups.ok_or_else(|| StepFailure::unsupported("this Core does not tell whom it connects to"))?;
        let before = self.lookups_before.get(portal).copied().unwrap_or_default();
        Ok(lookups.split_off(before.min(lookups.len())))
    }

    /// What it takes to play the scenario again: the keys that the harness made, and the time.
    pub(crate) fn staged(&self) -> Staged {
        let mut keys = self.private_keys.clone();
        let fakes = self.fakes.iter();
        keys.extend(fakes.map(|(name, fake)| (name.clone(), fake.identity().private_key_pem().to_owned())));
        let (Some(testbed), Some((began, machine))) = (&self.testbed, self.began) else {
            return Staged { keys, ..Staged::default() };
        };
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let shown = seconds(unix_seconds(testbed.clock())) - seconds(began);
        let passed = seconds(unix_seconds(&SystemClock)) - seconds(machine);
        Staged { keys, began, moved: shown - passed }
    }

    /// The testbed that all of it stands on. Its clock begins now.
    pub(super) fn stand_on(&mut self, testbed: Testbed) {
        self.began = Some((unix_seconds(testbed.clock()), unix_seconds(&SystemClock)));
        self.testbed = Some(testbed);
    }

    /// Ends everything that the scenario started. What a Core did wrong about it.
    pub(crate) async fn end(&mut self) -> Option<String> {
        let mut ended = None;
        if let Some(gate) = self.opened_by_answers.take() {
            gate.open();
        }
        if let Some((apps, _)) = self.real.take() {
            apps.stop().await;
        }
        if let Some(testbed) = self.testbed.take() {
            // What does not stop in its own time is ended with the last handle.
            if let Err(TestbedError::Subject(error)) = testbed.shutdown().await {
                ended = Some(error.to_string());
            }
        }
        *self = Scene::default();
        ended
    }

    pub(super) fn add_portal(&mut self, portal: Portal) {
        self.portals.insert(portal.name().to_owned(), portal);
    }

    pub(super) fn add_fake(&mut self, fake: FakePortal) {
        self.inboxes.insert(Receiver::Fake(fake.name().to_owned()), fake.front().clone());
        self.fakes.insert(fake.name().to_owned(), fake);
    }

    pub(super) fn add_app(&mut self, app: &App) {
        self.inboxes.insert(Receiver::app(app.portal(), app.name()), app.echo().clone());
    }

    fn inbox(&self, receiver: &Receiver) -> StepResult<&EchoApp> {
        let inbox = self.inboxes.get(receiver);
        inbox.ok_or_else(|| StepFailure::mistake(format!("there is no {receiver}: a step before this one is missing")))
    }

    fn mark_of(&self, receiver: &Receiver) -> Mark {
        self.before.get(receiver).copied().unwrap_or_default()
    }
}

/// All that arrived but for questions who a fake Portal is.
fn calls(app: &EchoApp) -> Vec<Received> {
    app.received().into_iter().filter(|request| request.target != WHO_ARE_YOU).collect()
}

/// How many of those began to arrive.
fn arrivals(app: &EchoApp) -> usize {
    app.arrivals() - app.received().iter().filter(|request| request.target == WHO_ARE_YOU).count()
}
