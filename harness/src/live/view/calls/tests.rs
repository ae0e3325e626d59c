use axum::http::{HeaderMap, HeaderName};

use super::*;
use crate::live::view::{Client, End};
use crate::trace::{Hop, Party, SignatureEvent, SignatureOutcome, TRACE_FIELD};

fn fields(id: &str, more: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in [(TRACE_FIELD, id)].iter().chain(more) {
        fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    fields
}

fn end(portal: &str, app: Option<&str>) -> End {
    End { portal: Some(portal.to_owned()), app: app.map(str::to_owned) }
}

/// A call of chat on alice to chat on bob, as the testbed notes it.
struct Noted<'a> {
    trace: &'a Trace,
    id: &'a str,
}

impl Noted<'_> {
    fn hop(&self, from: Party, to: Party, target: &str, more: &[(&str, &str)]) -> Hop {
        let hop = Hop::request(from, to, "POST", target, &fields(self.id, more));
        self.trace.record(hop.clone());
        hop
    }

    fn answered(&self, hop: &Hop, status: u16, more: &[(&str, &str)], note: Option<&str>) {
        let answer = hop.answer(status, &fields(self.id, more));
        self.trace.record(Hop { note: note.map(str::to_owned), ..answer });
    }

    fn asked(&self) -> Hop {
        self.hop(Party::app("alice", "chat"), Party::core("alice"), "/internal/call_peer/bobbob/peers/x?a=1", &[])
    }

    fn sent(&self) -> Hop {
        self.hop(Party::core("alice"), Party::proxy("bob"), "/peers/x?a=1", &[("host", "chat.bobbob.p")])
    }

    fn question(&self) -> Hop {
        let forwarded = [("x-forwarded-host", "chat.bobbob.p"), ("x-forwarded-uri", "/peers/x?a=1")];
        self.hop(Party::proxy("bob"), Party::core("bob"), "/internal/auth", &forwarded)
    }

    fn signature(&self, portal: &str, outcome: SignatureOutcome) {
        let event = SignatureEvent {
            trace_id: Some(self.id.to_owned()),
            portal: portal.to_owned(),
            label: Some("portal".to_owned()),
            signature_input: None,
            base: None,
            outcome,
        };
        self.trace.record_signature(event);
    }
}

fn only(trace: &Trace) -> Summary {
    let mut calls = Calls::default();
    calls.catch_up(trace);
    let news = calls.news(0, 10);
    assert_eq!(news.calls.len(), 1);
    news.calls[0].clone()
}

#[test]
fn a_call_that_is_let_in() {
    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    let asked = noted.asked();
    let summary = only(&trace);
    assert_eq!(
        (summary.from, summary.to.app.as_deref(), summary.status),
        (end("alice", Some("chat")), Some("chat"), None)
    );
    assert_eq!((summary.target.as_str(), summary.peer.as_deref()), ("/peers/x?a=1", Some("bobbob")));

    noted.signature("alice", SignatureOutcome::Made);
    let sent = noted.sent();
    let question = noted.question();
    noted.signature("bob", SignatureOutcome::Verified);
    let peer = Client { kind: "peer".to_owned(), name: Some("alice".to_owned()) };
    assert_eq!(only(&trace).client, Some(peer), "where nothing is declared, the signature tells");
    noted.answered(&question, 200, &[("X-Ptl-Client-Type", "peer")], None);
    let peer = Client { kind: "peer".to_owned(), name: Some("alice".to_owned()) };
    assert_eq!(only(&trace).client, Some(peer), "where no name is declared, the signature tells it");
    let declared = [("X-Ptl-Client-Type", "peer"), ("X-Ptl-Client-Name", "Al%20ice")];
    noted.answered(&question, 200, &declared, None);
    let received = noted.hop(Party::proxy("bob"), Party::app("bob", "chat"), "/peers/x?a=1", &[]);
    noted.answered(&received, 201, &[], None);
    noted.answered(&sent, 201, &[], None);
    assert_eq!(only(&trace).status, None, "alice's app has no answer yet");
    noted.answered(&asked, 201, &[], None);

    let summary = only(&trace);
    assert_eq!((summary.to, summary.status, summary.refused), (end("bob", Some("chat")), Some(201), false));
    assert_eq!(summary.client, Some(Client { kind: "peer".to_owned(), name: Some("Al ice".to_owned()) }));
    assert_eq!((summary.number, summary.entries), (1, 11));
    assert!(summary.took.is_some());
}

#[test]
fn a_call_that_is_refused_says_why() {
    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    let asked = noted.asked();
    let sent = noted.sent();
    let question = noted.question();
    noted.signature("bob", SignatureOutcome::Rejected { step: "crypto".to_owned(), code: "bad_signature".to_owned() });
    assert_eq!(only(&trace).refusal.as_deref(), Some("signature refused at crypto: bad_signature"));
    noted.answered(&question, 401, &[], Some("access_denied: not open to you"));
    noted.answered(&sent, 401, &[], None);
    noted.answered(&asked, 401, &[], None);
    let summary = only(&trace);
    assert_eq!((summary.refused, summary.status, summary.client), (true, Some(401), None));
    assert_eq!(summary.refusal.as_deref(), Some("access_denied: not open to you"));
}

#[test]
fn a_call_that_an_app_passes_on_is_that_of_who_began() {
    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    noted.asked();
    noted.sent();
    let question = noted.question();
    noted.answered(&question, 200, &[("x-ptl-client-type", "peer")], None);
    noted.hop(Party::app("bob", "chat"), Party::core("bob"), "/internal/call_peer/carol0/y", &[]);
    noted.hop(Party::core("bob"), Party::proxy("carol"), "/y", &[("host", "chat.carol0.p")]);
    let other = noted.hop(Party::proxy("carol"), Party::core("carol"), "/internal/auth", &[]);
    noted.answered(&other, 401, &[], Some("no"));
    let summary = only(&trace);
    assert_eq!((summary.from, summary.to), (end("alice", Some("chat")), end("bob", Some("chat"))));
    assert_eq!((summary.refused, summary.refusal, summary.peer.as_deref()), (false, None, Some("bobbob")));
}

#[test]
fn a_call_from_outside_and_one_of_an_app_that_is_not_seen() {
    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    let sent = noted.hop(Party::Outside, Party::proxy("bob"), "/", &[]);
    noted.question();
    noted.answered(&sent, 200, &[], None);
    let summary = only(&trace);
    assert_eq!((summary.from, summary.to, summary.peer), (End::default(), end("bob", Some("chat")), None));
    assert_eq!(summary.status, Some(200));

    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    noted.sent();
    noted.question();
    assert_eq!((only(&trace).from, only(&trace).to), (end("alice", Some("chat")), end("bob", Some("chat"))));
}

#[test]
fn secrets_of_a_call_don_t_stand_in_its_line() {
    let trace = Trace::new();
    let noted = Noted { trace: &trace, id: "t1" };
    let cookie = [("cookie", "authorization=s3cr3t-s3cr3t")];
    noted.hop(Party::Outside, Party::proxy("bob"), "/?stolen=s3cr3t-s3cr3t", &cookie);
    assert_eq!(only(&trace).target, "/?stolen=[blanked]");
}

#[test]
fn news_come_in_the_order_of_the_changes_and_in_parts() {
    let trace = Trace::new();
    let ids = ["a", "b", "c", "d"];
    let asked = ids.map(|id| Noted { trace: &trace, id }.asked());
    trace.record(asked[1].answer(200, &HeaderMap::new()));
    let mut calls = Calls::default();
    calls.catch_up(&trace);
    let names = |news: &News| news.calls.iter().map(|call| call.id.clone()).collect::<Vec<_>>();
    let first = calls.news(0, 2);
    assert_eq!((names(&first), first.seen), (vec!["a".to_owned(), "c".to_owned()], 3));
    let rest = calls.news(first.seen, 2);
    assert_eq!(names(&rest), ["d", "b"]);
    assert_eq!(names(&calls.news(rest.seen, 2)), Vec::<String>::new());
}

#[test]
fn the_end_of_a_body_is_a_change_of_its_call() {
    let trace = Trace::new();
    let taps: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|id| {
            Noted { trace: &trace, id }.asked();
            trace.tap(trace.entries().last().unwrap().seq)
        })
        .collect();
    let mut calls = Calls::keeping(2);
    calls.catch_up(&trace);
    let seen = calls.news(0, 10).seen;
    let [a, b, _on_its_way] = <[_; 3]>::try_from(taps).unwrap();
    for mut tap in [a, b] {
        tap.take(b"hello");
    }
    calls.catch_up(&trace);
    let news = calls.news(seen, 10);
    let told: Vec<_> = news.calls.iter().map(|call| (call.id.as_str(), call.bodies, call.entries)).collect();
    // That of a call that is gone begins none, and is not missed: its head was not told either.
    assert_eq!((told, news.missed), (vec![("b", 1, 1)], 0));
    assert_eq!(calls.by_change.len(), 2);
}

#[test]
fn what_is_left_of_a_call_that_is_gone_begins_none() {
    let trace = Trace::new();
    let asked: Vec<Hop> = (0..5).map(|n| Noted { trace: &trace, id: &format!("n{n}") }.asked()).collect();
    let mut calls = Calls::keeping(3);
    calls.catch_up(&trace);
    trace.record(asked[0].answer(200, &HeaderMap::new()));
    calls.catch_up(&trace);
    assert_eq!((calls.len(), calls.begun()), (3, 5));
    assert!(calls.find("n0").is_none() && calls.find("n4").is_some());
    assert_eq!(calls.by_change.len(), 3);
    let news = calls.news(1, 10);
    assert_eq!((news.calls.len(), news.missed), (3, 1), "n1 was not told, n0 was");
}
