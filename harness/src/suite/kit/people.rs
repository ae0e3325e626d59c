//! Who is who: what is known of a Portal, a peer, a terminal.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior};

use super::names::Receiver;
use super::placeholders::Placeholder;
use super::scene::{Paired, Scene};
use crate::attack::{self, ReceivedSignature};
use crate::suite::expect;
use crate::suite::failure::{StepFailure, StepResult};
use crate::testbed::names::Target;
use crate::testbed::{OutsideClient, Received, Terminal};
use crate::wire::Call;

/// How long a Core may take to learn a key that it asked for.
pub(crate) const LEARNING: Duration = Duration::from_secs(2);
/// How often it is asked meanwhile.
pub(crate) const AGAIN: Duration = Duration::from_millis(20);

/// What is known of a Portal, whether it has a Core or the harness plays it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    id: String,
    domain: String,
    /// The public key, SPKI in PEM.
    pub(crate) public_key_pem: String,
}

impl Person {
    /// With all that is known.
    #[cfg(test)]
    pub(crate) fn new(id: &str, domain: &str, public_key_pem: &str) -> Person {
        Person { id: id.into(), domain: domain.into(), public_key_pem: public_key_pem.into() }
    }

    /// All 103 characters.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The first six.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..6).unwrap_or(&self.id)
    }

    /// `<short id>.<zone>`, without a port.
    pub(crate) fn host(&self) -> &str {
        &self.domain
    }
}

/// An entry of a Core's list of peers.
#[derive(Debug, Clone)]
pub(crate) struct ListedPeer {
    /// The `id` in the list.
    pub(crate) id: String,
    /// The `name`, empty where there is none.
    pub(crate) name: String,
    /// Whether the Core reached it when it last asked for its key.
    pub(crate) is_reachable: bool,
    /// The `public_bytes_b64`, empty where there is none.
    pub(crate) public_bytes_b64: String,
}

impl ListedPeer {
    /// Whether it stands for the Portal with this ID.
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id.len() >= 6 && id.starts_with(&self.id)
    }
}

impl Scene {
    /// What is known of a Portal.
    pub(crate) fn person(&self, name: &str) -> StepResult<Person> {
        if let Some(portal) = self.portals.get(name) {
            let (id, domain, public_key_pem) = (portal.id(), portal.domain(), portal.public_key_pem());
            return Ok(Person { id: id.into(), domain: domain.into(), public_key_pem: public_key_pem.into() });
        }
        let fake = self.fakes.get(name).ok_or_else(|| StepFailure::mistake(format!("no Portal {name} was started")))?;
        let public_key_pem = fake.identity().public_key_pem().to_owned();
        Ok(Person { id: fake.id().into(), domain: fake.domain().into(), public_key_pem })
    }

    /// Whether the Portal has a Core.
    pub(crate) fn is_real(&self, name: &str) -> bool {
        self.portals.contains_key(name)
    }

    /// The app of that name on the Portal that `peer`, an ID or its beginning, stands for.
    pub(crate) fn called(&self, app: &str, peer: &str) -> Option<Receiver> {
        let means = |id: &str| peer.len() >= 6 && id.starts_with(peer);
        if let Some(portal) = self.portals.values().find(|portal| means(portal.id())) {
            return Some(Receiver::app(portal.name(), app));
        }
        self.fakes.values().find(|fake| means(fake.id())).map(|fake| Receiver::Fake(fake.name().to_owned()))
    }

    /// The peers that a Core lists.
    pub(crate) async fn listed_peers(&self, portal: &str) -> StepResult<Vec<ListedPeer>> {
        let reply = self.portal(portal)?.ask_core(Call::get("/protected/peers")).await?;
        let list: Option<Vec<Value>> = serde_json::from_slice(&reply.body).ok();
        let list = list.filter(|_| reply.status == 200);
        let list = list.ok_or_else(|| {
            StepFailure::fail(format!("{portal}'s Core lists its peers"), format!("{}: {}", reply.status, reply.text()))
        })?;
        let text = |peer: &Value, member: &str| peer[member].as_str().unwrap_or_default().to_owned();
        let peers = list.iter().map(|peer| ListedPeer {
            id: text(peer, "id"),
            name: text(peer, "name"),
            is_reachable: peer["is_reachable"] == true,
            public_bytes_b64: text(peer, "public_bytes_b64"),
        });
        Ok(peers.collect())
    }

    /// Waits, bounded, until a Core has learnt who a new peer is, where the peer is there and tells the truth: a Core may ask
    /// after it has answered (PEER-6). Whether it did learn it is for a later sentence to say.
    pub(crate) async fn learns(&self, portal: &str, peer: &str) -> StepResult {
        let person = self.person(peer)?;
        let names = self.testbed()?.names();
        let is_found = match (self.portals.get(peer), self.fakes.get(peer)) {
            (Some(_), _) => matches!(names.view_of(portal).target(person.host()), Some(Target::Address(_))),
            (None, Some(fake)) => fake.is_honest() && names.address(person.host()) == Some(fake.address()),
            (None, None) => false,
        };
        if !is_found {
            return Ok(());
        }
        let until = Instant::now() + LEARNING;
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < until {
            again.tick().await;
            let Ok(listed) = self.listed_peers(portal).await else { return Ok(()) };
            if listed.iter().any(|listed| listed.is(person.id()) && listed.is_reachable) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The id under which a Core lists a peer.
    pub(crate) async fn listed_as(&self, portal: &str, peer: &str) -> StepResult<String> {
        let person = self.person(peer)?;
        let listed = self.listed_peers(portal).await?.into_iter().find(|listed| listed.is(person.id()));
        Ok(expect::some(listed, format!("{peer} among the peers that {portal}'s Core lists"))?.id)
    }

    /// Pairs a terminal, which sentences then call by this name.
    pub(crate) async fn pair(&mut self, portal: &str, name: &str) -> StepResult {
        let paired = self.paired(portal, name).await?;
        self.terminals.insert(name.to_owned(), paired);
        Ok(())
    }

    /// A terminal that sentences call by this name.
    pub(crate) fn terminal(&self, name: &str) -> StepResult<&Paired> {
        self.terminals.get(name).ok_or_else(|| StepFailure::mistake(format!("no terminal {name} was paired")))
    }

    /// Keeps a terminal that a step paired in its own way.
    pub(crate) fn keep_terminal(&mut self, name: &str, paired: Paired) {
        self.terminals.insert(name.to_owned(), paired);
    }

    /// The owner of a Portal, at a terminal of that name, which is paired on first use.
    pub(crate) async fn owner(&mut self, portal: &str) -> StepResult<OutsideClient> {
        if !self.owners.contains_key(portal) {
            let paired = self.paired(portal, "owner").await?;
            self.owners.insert(portal.to_owned(), paired);
        }
        Ok(self.owner_of(portal)?.terminal.client.clone())
    }

    /// The terminal of a Portal's owner, where it was used.
    pub(crate) fn owner_of(&self, portal: &str) -> StepResult<&Paired> {
        self.owners.get(portal).ok_or_else(|| StepFailure::mistake(format!("{portal}'s owner did nothing yet")))
    }

    async fn paired(&self, portal: &str, name: &str) -> StepResult<Paired> {
        let terminal = self.portal(portal)?.pair(name).await?;
        self.identified(portal, terminal).await
    }

    /// A terminal that was just paired, with the id under which the Core lists it.
    pub(crate) async fn identified(&self, portal: &str, terminal: Terminal) -> StepResult<Paired> {
        let name = terminal.name.as_str();
        let reply = self.portal(portal)?.ask_core(Call::get("/protected/terminals")).await?;
        let list = reply.json().unwrap_or_default();
        // A name may be used twice, and a list is in no certain order.
        let known = |id: &Value| self.terminals.values().chain(self.owners.values()).any(|one| *id == *one.id);
        let entry = list.as_array().into_iter().flatten();
        let entry = entry.filter(|entry| !known(&entry["id"])).find(|entry| entry["name"] == name);
        let id = entry.and_then(|entry| entry["id"].as_str());
        let id = expect::some(id, format!("the terminal {name} among those that {portal}'s Core lists"))?.to_owned();
        Ok(Paired { portal: portal.to_owned(), id, terminal })
    }

    /// What a placeholder names.
    pub(crate) async fn fact(&self, placeholder: &Placeholder) -> StepResult<String> {
        let who = placeholder.who.as_str();
        let what: Vec<&str> = placeholder.what.iter().map(String::as_str).collect();
        if let ("code", ["value"]) = (who, what.as_slice()) {
            return self.code.clone().ok_or_else(|| placeholder.unknown());
        }
        if let Some(terminal) = self.terminals.get(who) {
            return match what.as_slice() {
                ["id"] => Ok(terminal.id.clone()),
                ["cookie"] => Ok(terminal.cookie_value().to_owned()),
                _ => Err(placeholder.unknown()),
            };
        }
        let person = self.person(who).map_err(|_| placeholder.unknown())?;
        match what.as_slice() {
            ["id"] => Ok(person.id),
            ["short_id"] => Ok(person.short_id().to_owned()),
            ["domain"] => Ok(self.testbed()?.outside().authority(&person.domain)),
            ["public_key_pem"] => Ok(person.public_key_pem),
            ["listed", peer] => self.listed_as(who, peer).await,
            ["name"] => self.own_name(who).await,
            ["label"] => self.own_label(who, &person),
            _ => Err(placeholder.unknown()),
        }
    }

    /// The name that a Portal gives itself.
    async fn own_name(&self, name: &str) -> StepResult<String> {
        let Some(portal) = self.portals.get(name) else {
            let introduction = self.fake(name)?.introduction();
            return Ok(introduction["name"].as_str().unwrap_or_default().to_owned());
        };
        let reply = portal.ask_core(Call::get("/public/meta/whoareyou")).await?;
        let own = reply.json().and_then(|json| Some(json["name"].as_str()?.to_owned()));
        expect::some(own, format!("the name that {name} gives itself"))
    }

    /// The label of a Portal's own signature on the latest request that carries one.
    fn own_label(&self, name: &str, person: &Person) -> StepResult<String> {
        for receiver in self.receivers().cloned().collect::<Vec<_>>() {
            for received in self.ever_received(&receiver)?.iter().rev() {
                if let [own, ..] = self.signatures_of(person, received)?.as_slice() {
                    return Ok(own.label.clone());
                }
            }
        }
        Err(StepFailure::fail(format!("a request with a signature of {name}"), "none"))
    }

    /// The signatures on a request that verify with a Portal's key. Fields that can't be read hold none.
    pub(crate) fn signatures_of(&self, person: &Person, received: &Received) -> StepResult<Vec<ReceivedSignature>> {
        Ok(attack::own_signature(&attack::Received::of(received), &person.public_key_pem).unwrap_or_default())
    }
}

impl Paired {
    /// The value of its cookie, without the cookie's name.
    pub(crate) fn cookie_value(&self) -> &str {
        let cookie = &self.terminal.cookie;
        cookie.split_once('=').map_or(cookie, |(_, value)| value)
    }
}
