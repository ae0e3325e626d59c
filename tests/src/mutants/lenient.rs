//! Cores that let in, beside whom they should, those whose request becomes right by one thing that they overlook.
//!
//! Such a Core asks twice: first as it should; and where that lets in a stranger at most, once more about the request as it
//! reads it. Nothing else differs, so that a scenario which catches it tests for just that thing.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::attack;
use http::Request;
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use portal_core::acl::{Client, Decide, LongestPrefix, Permit};
use portal_core::clock::unix_seconds;
use portal_core::manifest::Manifest;
use portal_core::refusal::Refusal;
use portal_core::rfc9421::{self, Limits, Message, Policy, Scheme, Signatures, VerifyingKey};
use serde_json::Value;

use super::surface::{Within, around_surface};

const AUTH: &str = "/internal/auth";
const PEERS: &str = "/protected/peers";

tokio::task_local! {
    /// Who is let in by mistake.
    static MISTAKEN_FOR: Option<Known>;
}

/// What a Core overlooks. Each part of the default overlooks nothing.
#[derive(Clone, Copy)]
pub(super) struct Leniency {
    /// What it takes the request for.
    pub(super) reads: Reads,
    /// Whether a `keyid` means a peer.
    pub(super) means: fn(Option<&str>, &Known) -> bool,
    /// What it asks of a signature.
    pub(super) asks: fn(&mut Policy),
    /// Whether it takes this for a peer's signature, whatever the engine says of it.
    pub(super) takes: fn(&Proof<'_>) -> bool,
}

/// Overlooks nothing.
pub(super) const STRICT: Leniency = Leniency {
    reads: Reads::Request(|_| ()),
    means: |keyid, peer| keyid == Some(peer.short_id()),
    asks: |_| (),
    takes: |_| false,
};

/// What a Core takes for something else.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// Any of it.
    Request(fn(&mut Asked)),
    /// The path.
    Path(fn(&str) -> String),
    /// The query.
    Query(fn(&str) -> String),
    /// Each line of this field.
    Field(&'static str, fn(&str) -> String),
    /// The lines of this field together.
    Lines(&'static str, fn(&mut Vec<String>)),
    /// The parameters of each signature, as they stand there: `created=1`.
    Parameters(fn(&mut Vec<String>)),
    /// The lines of Signature-Input and of Signature.
    Both(fn(&str) -> String),
    /// The bytes of each signature.
    Signature(fn(&mut Vec<u8>)),
}

/// The request that the proxy asks about.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) fields: Vec<(String, String)>,
}

/// A peer with its key.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    name: String,
    pub(super) public_key_pem: String,
}

/// A signature as it stands there, over the base as it stands there.
pub(super) struct Proof<'a> {
    pub(super) signature: &'a attack::ReceivedSignature,
    pub(super) base: &'a str,
    pub(super) peer: &'a Known,
    /// The present.
    pub(super) now: u64,
}

/// A Core with this leniency.
pub(super) fn lenient(it: CoreBuilder, leniency: Leniency) -> CoreBuilder {
    let mut clock = None;
    let mut policy = None;
    let it = it.replace(|parts| {
        clock = Some(parts.clock.clone());
        policy = parts.profile.signature_policy().ok();
        parts.decide = Arc::new(Mistakes);
    });
    let (Some(clock), Some(mut policy)) = (clock, policy) else { return it };
    (leniency.asks)(&mut policy);
    let policy = Arc::new(policy);
    around_surface(it, move |request, within| {
        let (clock, policy) = (clock.clone(), policy.clone());
        Box::pin(async move {
            let asked = Asked::of(&request).filter(|_| request.uri().path() == AUTH);
            let Some(asked) = asked else { return within.answer(request).await };
            let now = unix_seconds(&*clock);
            let mistaken_for = leniency.finds(asked, known(&within).await, &policy, now);
            MISTAKEN_FOR.scope(mistaken_for, within.answer(request)).await
        })
    })
}

impl Leniency {
    fn finds(&self, mut asked: Asked, peers: Vec<Known>, policy: &Policy, now: u64) -> Option<Known> {
        self.reads.apply(&mut asked);
        peers.into_iter().find(|peer| self.is_by(&asked, peer, policy, now))
    }

    fn is_by(&self, asked: &Asked, peer: &Known, policy: &Policy, now: u64) -> bool {
        self.engine_says(asked, peer, policy, now).unwrap_or(false) || self.says_itself(asked, peer, now)
    }

    /// The engine, on the request as it was read.
    fn engine_says(&self, asked: &Asked, peer: &Known, policy: &Policy, now: u64) -> Option<bool> {
        let mut request = rfc9421::Request::new(&asked.method, &asked.target(), Scheme::Https).ok()?;
        for (name, value) in &asked.fields {
            request.fields_mut().push(name, value).ok()?;
        }
        request.fields_mut().push("host", &asked.host).ok()?;
        let message = Message::from(&request);
        let signatures = Signatures::parse(&message, &Limits::default()).ok()?;
        let key = VerifyingKey::from_pem(&peer.public_key_pem).ok()?;
        let by_peer = signatures.labels().any(|label| {
            let keyid = signatures.get(label).and_then(|found| found.input.keyid());
            (self.means)(keyid, peer) && rfc9421::verify(&message, label, &signatures, &key, policy, now).is_ok()
        });
        Some(by_peer)
    }

    fn says_itself(&self, asked: &Asked, peer: &Known, now: u64) -> bool {
        let query = asked.query.as_deref();
        let Asked { method, host, path, fields, .. } = asked;
        let view = attack::Received { method, scheme: "https", host, path, query, fields };
        let signatures = attack::signatures(&view).unwrap_or_default();
        signatures.iter().any(|signature| {
            let Ok(base) = signature.base(&view) else { return false };
            (self.means)(signature.parameter("keyid"), peer)
                && (self.takes)(&Proof { signature, base: &base, peer, now })
        })
    }
}

impl Asked {
    fn of(question: &Request<Body>) -> Option<Asked> {
        let fields = question.headers();
        let text = |name: &str| Some(fields.get(name)?.to_str().ok()?.to_owned());
        if !fields.contains_key("signature-input") && !fields.contains_key("signature") {
            return None;
        }
        let target = text("x-forwarded-uri")?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (target, None),
        };
        let own = |name: &str| name.starts_with("x-forwarded-") || name == "host";
        let fields = fields.iter().filter(|(name, _)| !own(name.as_str()));
        let fields = fields
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Some(Asked {
            method: text("x-forwarded-method")?,
            host: text("x-forwarded-host")?,
            path,
            query,
            fields: fields.collect(),
        })
    }

    fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

impl Reads {
    fn apply(self, asked: &mut Asked) {
        match self {
            Reads::Request(change) => change(asked),
            Reads::Path(change) => asked.path = change(&asked.path),
            Reads::Query(change) => asked.query = asked.query.as_deref().map(change),
            Reads::Field(name, change) => asked.change(name, change),
            Reads::Both(change) => {
                asked.change("signature-input", change);
                asked.change("signature", change);
            }
            Reads::Lines(name, change) => {
                let all = asked.fields.iter().filter(|(known, _)| known == name);
                let mut lines: Vec<String> = all.map(|(_, value)| value.clone()).collect();
                change(&mut lines);
                asked.fields.retain(|(known, _)| known != name);
                asked.fields.extend(lines.into_iter().map(|line| (name.to_owned(), line)));
            }
            Reads::Parameters(change) => asked.change_each_input(change),
            Reads::Signature(change) => asked.change_each_signature(change),
        }
    }
}

impl Asked {
    fn change(&mut self, name: &str, change: fn(&str) -> String) {
        for (_, value) in self.fields.iter_mut().filter(|(known, _)| known == name) {
            *value = change(value);
        }
    }

    fn change_each_signature(&mut self, change: fn(&mut Vec<u8>)) {
        for (_, value) in self.fields.iter_mut().filter(|(known, _)| known == "signature") {
            let members = value.split(',').map(|member| {
                let (label, bytes) = member.split_once('=')?;
                let mut bytes = STANDARD.decode(bytes.trim().trim_matches(':')).ok()?;
                change(&mut bytes);
                Some(format!("{label}=:{}:", STANDARD.encode(bytes)))
            });
            if let Some(members) = members.collect::<Option<Vec<String>>>() {
                *value = members.join(",");
            }
        }
    }

    fn change_each_input(&mut self, change: fn(&mut Vec<String>)) {
        for (_, value) in self.fields.iter_mut().filter(|(known, _)| known == "signature-input") {
            let Some((list, parameters)) = value.rsplit_once(')') else { continue };
            let mut parameters: Vec<String> =
                parameters.split(';').filter(|one| !one.is_empty()).map(str::to_owned).collect();
            change(&mut parameters);
            let parameters: String = parameters.iter().map(|one| format!(";{one}")).collect();
            *value = format!("{list}){parameters}");
        }
    }
}

impl Known {
    pub(super) fn short_id(&self) -> &str {
        self.id.get(..6).unwrap_or(&self.id)
    }
}

impl Proof<'_> {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.signature.parameter(name)
    }

    /// Whether the peer's key made the signature over the base.
    pub(super) fn is_genuine(&self) -> bool {
        attack::keys::verifies(&self.peer.public_key_pem, self.base.as_bytes(), &self.signature.signature)
            .unwrap_or(false)
    }

    /// Whether method and target are covered.
    pub(super) fn covers_the_request(&self) -> bool {
        let covers = |name: &str| self.signature.covered.iter().any(|item| *item == format!("\"{name}\""));
        covers("@method") && (covers("@target-uri") || ["@authority", "@path", "@query"].into_iter().all(covers))
    }
}

async fn known(within: &Within) -> Vec<Known> {
    let request = Request::builder().uri(PEERS).body(Body::empty()).unwrap_or_default();
    let answer = within.answer(request).await.into_body().collect().await;
    let listed: Vec<Value> =
        answer.ok().and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default();
    let peer = |peer: &Value| {
        let text = |member: &str| Some(peer[member].as_str()?.to_owned());
        let public_key_pem = STANDARD.decode(text("public_bytes_b64")?).ok()?;
        Some(Known { id: text("id")?, name: text("name")?, public_key_pem: String::from_utf8(public_key_pem).ok()? })
    };
    listed.iter().filter_map(peer).collect()
}

/// Decides for who was mistaken for a peer as for that peer.
struct Mistakes;

impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mistakes")
    }
}

impl Decide for Mistakes {
    fn decide(&self, client: &Client, manifest: &Manifest, raw_path: &str) -> Result<Permit, Refusal> {
        let mistaken_for = MISTAKEN_FOR.try_with(Clone::clone).ok().flatten();
        match (client, mistaken_for) {
            (Client::Anonymous, Some(Known { id, name, .. })) => {
                LongestPrefix.decide(&Client::Peer { id, name }, manifest, raw_path)
            }
            _ => LongestPrefix.decide(client, manifest, raw_path),
        }
    }
}
