//! One call in a line: who called whom, for whom it was taken, and what came of it.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::page::clipped;
use crate::redact::Secrets;
use crate::trace::{CALL_PEER, Entry, Hop, HopKind, Party, SignatureEvent, SignatureOutcome, Timed, What};

/// What a proxy asks its Core.
const QUESTION: &str = "/internal/auth";

/// A call: all that one request set off.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its trace id.
    pub id: String,
    /// How many began before it, and itself.
    pub number: u64,
    /// When it began, in milliseconds since the trace did.
    pub began: u64,
    /// How long it took until whoever began it had the answer's head, in microseconds.
    pub took: Option<u64>,
    /// Its method.
    pub method: String,
    /// Its target, as the called app sees it.
    pub target: String,
    /// Where it comes from.
    pub from: End,
    /// Where it goes.
    pub to: End,
    /// The peer, as the calling app named it.
    pub peer: Option<String>,
    /// Status of the answer.
    pub status: Option<u16>,
    /// For whom it was taken, where that can be told.
    pub client: Option<Client>,
    /// Whether a Core said that it must not pass.
    pub refused: bool,
    /// Why, as far as that was said.
    pub refusal: Option<String>,
    /// How many hops and signatures it has.
    pub entries: usize,
    /// How many bodies ended after their heads were there.
    pub bodies: usize,
    /// The place of its latest change.
    #[serde(skip)]
    pub(super) changed: Option<u64>,
    #[serde(skip)]
    origin: Party,
    #[serde(skip)]
    secrets: Secrets,
}

/// One end of a call. Outside is neither a Portal nor an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct End {
    /// The Portal.
    pub portal: Option<String>,
    /// The app.
    pub app: Option<String>,
}

/// For whom a Core took the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// `peer`, `terminal`, `public`, …
    pub kind: String,
    /// Its name, or else its ID.
    pub name: Option<String>,
}

impl Client {
    /// With the name that is known of it from elsewhere, where it has none.
    fn named_as(self, known: Option<Client>) -> Client {
        let name = || known.filter(|known| known.kind == self.kind).and_then(|known| known.name);
        Client { name: self.name.clone().or_else(name), ..self }
    }
}

impl Summary {
    /// A call that begins with this request.
    pub(super) fn begin(id: &str, number: u64, began: u64, hop: &Hop) -> Summary {
        Summary {
            id: id.to_owned(),
            number,
            began,
            took: None,
            method: hop.method.clone(),
            target: clipped(&hop.target),
            from: end(&hop.from),
            to: End::default(),
            peer: None,
            status: None,
            client: None,
            refused: false,
            refusal: None,
            entries: 0,
            bodies: 0,
            changed: None,
            origin: hop.from.clone(),
            secrets: Secrets::default(),
        }
    }

    /// What it is after one more entry.
    pub(super) fn take(&mut self, timed: &Timed, since_began: u64) {
        self.entries += 1;
        self.secrets.learn(&timed.entry);
        match &timed.entry.what {
            What::Hop(hop) if hop.kind == HopKind::Request => self.request(hop),
            What::Hop(hop) => self.answer(hop, since_began),
            What::Signature(event) => self.signature(event),
        }
        self.secrets.blank(&mut self.target);
        self.refusal.iter_mut().for_each(|text| self.secrets.blank(text));
    }

    fn request(&mut self, hop: &Hop) {
        match (&hop.from, &hop.to) {
            (Party::App { .. }, Party::Core { portal }) if hop.from == self.origin && self.entries == 1 => {
                match hop.target.strip_prefix(CALL_PEER) {
                    Some(rest) => {
                        let (peer, rest) = rest.split_once('/').unwrap_or((rest, ""));
                        self.peer = Some(clipped(peer));
                        self.target = clipped(&format!("/{rest}"));
                        self.to.app = self.from.app.clone();
                    }
                    None => self.to.portal = Some(portal.clone()),
                }
            }
            (from, Party::Proxy { portal }) if self.to.portal.is_none() => {
                self.to.portal = Some(portal.clone());
                if let Party::Core { portal } = from
                    && self.from == End::default()
                {
                    self.from.portal = Some(portal.clone());
                }
            }
            (Party::Proxy { portal }, Party::Core { .. }) if hop.target == QUESTION && self.goes_to(portal) => {
                let app = hop.field("x-forwarded-host").and_then(|host| host.split('.').next());
                self.to.app = app.map(str::to_owned).or(self.to.app.take());
                // A Core calls the app of the same name.
                if self.from.portal.is_some() && self.from.app.is_none() {
                    self.from.app = self.to.app.clone();
                }
            }
            (Party::Proxy { portal }, Party::App { app, .. }) if self.goes_to(portal) => {
                self.to.app = Some(app.clone());
            }
            _ => {}
        }
    }

    fn answer(&mut self, hop: &Hop, since_began: u64) {
        if hop.to == self.origin {
            self.status = hop.status;
            self.took = Some(since_began);
        }
        if hop.target == QUESTION
            && let Party::Core { portal } = &hop.from
            && self.goes_to(portal)
        {
            self.refused = hop.status != Some(200);
            let known = self.client.take();
            self.client = match declared(hop) {
                Some(client) => Some(client.named_as(known)),
                None => known,
            };
            if self.refused {
                self.refusal = hop.note.clone().or(self.refusal.take());
            }
        }
    }

    fn signature(&mut self, event: &SignatureEvent) {
        match &event.outcome {
            // What the Core declares to the app goes before it.
            SignatureOutcome::Verified if self.goes_to(&event.portal) => {
                self.client = Some(Client { kind: "peer".to_owned(), name: self.from.portal.clone() });
            }
            SignatureOutcome::Rejected { step, code } if self.goes_to(&event.portal) => {
                self.refusal = Some(format!("signature refused at {step}: {code}"));
            }
            _ => {}
        }
    }

    /// Whether this is the Portal that was called first. An app there may call on: that does not count here.
    fn goes_to(&self, portal: &str) -> bool {
        self.to.portal.as_deref() == Some(portal)
    }
}

/// The entry that begins a call: only a request can.
pub(super) fn beginning(entry: &Entry) -> Option<&Hop> {
    match &entry.what {
        What::Hop(hop) if hop.kind == HopKind::Request => Some(hop),
        _ => None,
    }
}

/// Whether this is what a Core says to its proxy's question.
pub(super) fn is_decision(hop: &Hop) -> bool {
    hop.kind == HopKind::Answer && hop.target == QUESTION && matches!(hop.from, Party::Core { .. })
}

fn end(party: &Party) -> End {
    match party {
        Party::App { portal, app } => End { portal: Some(portal.clone()), app: Some(app.clone()) },
        Party::Core { portal } | Party::Proxy { portal } => End { portal: Some(portal.clone()), app: None },
        Party::Outside => End::default(),
    }
}

/// What a Core declares of the client, where the app's manifest asks for it.
fn declared(hop: &Hop) -> Option<Client> {
    let value = |name: &str| {
        let decoded = percent_decode_str(hop.field(name)?).decode_utf8_lossy().into_owned();
        (!decoded.is_empty()).then_some(decoded)
    };
    let name = value("x-ptl-client-name").or_else(|| value("x-ptl-client-id"));
    Some(Client { kind: value("x-ptl-client-type")?, name })
}
