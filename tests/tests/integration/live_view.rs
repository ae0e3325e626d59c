//! The live view, in a browser: a headless Chromium, where there is one.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

mod browser;

use axum::http::{HeaderMap, HeaderName};
use axum::routing::get;
use axum::{Json, Router};
use countersign::live::view::{KEPT, View};
use countersign::trace::{Hop, Party, SignatureEvent, SignatureOutcome, TRACE_FIELD, Trace};
use serde_json::json;
use tokio::net::TcpListener;

use super::html::chromium;
use browser::Browser;

/// How long the page may take to read and draw all calls that are kept, in milliseconds; some hundreds is what it takes.
const LONGEST: f64 = 5000.0;
/// How long it may take to find one of them, in milliseconds.
const LONGEST_SEARCH: f64 = 500.0;
/// How many elements the page may have, however many calls there are.
const ELEMENTS: u64 = 1500;

/// A call with all that belongs to it.
fn call(trace: &Trace, n: usize) {
    let fields = |more: &[(&str, &str)]| {
        let mut fields = HeaderMap::new();
        for (name, value) in [(TRACE_FIELD, format!("t{n}").as_str())].iter().chain(more) {
            fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        fields
    };
    let signature = |portal: &str, outcome| SignatureEvent {
        trace_id: Some(format!("t{n}")),
        portal: portal.to_owned(),
        label: Some("portal".to_owned()),
        signature_input: None,
        base: Some(format!("\"@path\": /peers/{n}")),
        outcome,
    };
    let (alice, bob) = (Party::core("alice"), Party::proxy("bob"));
    let target = format!("/peers/{n}");
    let asked = Hop::request(
        Party::app("alice", "chat"),
        alice.clone(),
        "GET",
        format!("/internal/call_peer/bobbob{target}"),
        &fields(&[]),
    );
    trace.record(asked.clone());
    trace.record_signature(signature("alice", SignatureOutcome::Made));
    let sent = Hop::request(alice, bob.clone(), "GET", &target, &fields(&[("host", "chat.bobbob.p")]));
    trace.record(sent.clone());
    let forwarded = fields(&[("x-forwarded-host", "chat.bobbob.p")]);
    let question = Hop::request(bob.clone(), Party::core("bob"), "GET", "/internal/auth", &forwarded);
    trace.record(question.clone());
    trace.record_signature(signature("bob", SignatureOutcome::Verified));
    trace.record(question.answer(200, &fields(&[("x-ptl-client-type", "peer")])));
    let received = Hop::request(bob, Party::app("bob", "chat"), "GET", &target, &fields(&[]));
    trace.record(received.clone());
    for hop in [received, sent, asked] {
        trace.record(hop.answer(if n % 10 == 0 { 500 } else { 200 }, &fields(&[])));
    }
}

/// Serves the view of a trace, with two Portals of which nothing else is known.
async fn served(trace: &Trace) -> (String, View) {
    let view = View::new(trace.clone(), "run");
    let portal =
        |name: &str| json!({ "name": name, "id": name, "short_id": format!("{name}0"), "apps": [], "peers": [] });
    let state = json!({ "zone": "p", "portals": [portal("alice"), portal("bob")] });
    let faults = json!({ "on": [], "kinds": [] });
    let router = Router::new()
        .route("/api/state", get(async || Json(state)))
        .route("/api/faults", get(async || Json(faults)))
        .merge(view.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/#token=none", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, view)
}

/// What is done in a browser waits for it: that must not hold up the server.
async fn in_browser<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_are_drawn_at_once_and_found_with_few_elements() {
    let Some(chromium) = chromium() else { return };
    let trace = Trace::new();
    (0..KEPT).for_each(|n| call(&trace, n));
    let (url, _view) = served(&trace).await;
    let mut browser = in_browser(move || {
        let mut browser = Browser::open(&chromium, &url);
        browser.wait("known.size === 10000 && document.querySelectorAll('#calls .row').length > 5");
        let ms: f64 = browser.text("document.documentElement.dataset.ms").parse().unwrap();
        let elements = browser.eval("document.querySelectorAll('*').length").as_u64().unwrap();
        println!("{KEPT} calls were drawn in {ms} ms, with {elements} elements");
        assert!(ms < LONGEST, "{ms} ms");
        assert!(elements < ELEMENTS, "{elements} elements");
        browser.wait("document.getElementById('count').textContent === '10,000 calls'");

        // From the newest to the oldest, by keyboard alone.
        browser.eval("list.box.focus()");
        browser.press("End");
        browser.wait("document.querySelector('#calls .row.active')?.textContent.includes('/peers/0')");
        let elements = browser.eval("document.querySelectorAll('*').length").as_u64().unwrap();
        assert!(elements < ELEMENTS, "{elements} elements at the end");

        // A search, and one status alone.
        let searched = browser.eval(
            "(() => { const began = performance.now(); go({ q: '/peers/7777' }); list.box.offsetHeight; return performance.now() - began; })()",
        );
        println!("one of them was found in {searched} ms");
        assert!(searched.as_f64().unwrap() < LONGEST_SEARCH, "{searched} ms");
        browser.wait("document.getElementById('count').textContent === '1 of 10,000 calls'");
        browser.eval("go({ q: '', status: '5' })");
        browser.wait("document.getElementById('count').textContent === '1,000 of 10,000 calls'");
        browser.eval("go({ status: '' })");
        browser
    })
    .await;

    // The page keeps as many as the program, and says that there were more.
    (KEPT..KEPT + 40).for_each(|n| call(&trace, n));
    in_browser(move || {
        browser.wait("begun === 10040 && known.size === 10000 && !known.has('t0')");
        browser.wait("document.getElementById('beside').textContent.includes('the latest 10,000 of 10,040 are kept')");
        // What was being read did not move: the oldest that is left.
        browser.eval("go({ call: 't10020' }, true)");
        browser.wait("document.querySelectorAll('#flow .hop').length === 10");
        assert_eq!(browser.errors(), &[] as &[String]);
    })
    .await;
}
