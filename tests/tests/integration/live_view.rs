//! The live view, in a browser: a headless Chromium, where there is one.

#![expect(clippy::print_stdout, reason = "a test says what it measured")]

pub(crate) mod browser;

use axum::http::{HeaderMap, HeaderName};
use axum::routing::get;
use axum::{Json, Router};
use countersign::live::view::{KEPT, View};
use countersign::testbed::{Answer, Testbed};
use countersign::topology::{AppPlan, Topology};
use countersign::trace::{Hop, Party, SignatureEvent, SignatureOutcome, TRACE_FIELD, Trace};
use countersign::wire::{Call, Gate};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::html::chromium;
use super::up::{self, Up};
use browser::Browser;

/// How long the page may take to read and draw all calls that are kept, in milliseconds. It takes some hundreds, and ten
/// times that on a machine that does much else; a list that draws every row takes minutes.
const LONGEST: f64 = 20_000.0;
/// How long it may take to find one of them, in milliseconds.
const LONGEST_SEARCH: f64 = 5000.0;
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
        trace.record(hop.answer(if n.is_multiple_of(10) { 500 } else { 200 }, &fields(&[])));
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

        let newest = "document.querySelector('#calls .row.active')?.ariaPosInSet";
        for (key, place) in [("Home", 1), ("ArrowDown", 2), ("ArrowDown", 3), ("ArrowUp", 2)] {
            browser.press(key);
            browser.wait(&format!("{newest} === '{place}'"));
        }

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_shows_the_message_and_its_body_goes_on_as_it_does() {
    let Some(chromium) = chromium() else { return };
    let chat = AppPlan::with_paths("chat", [("", "public")]);
    let testbed = Testbed::start(Topology::new().portals(["bob"]).app_on_all(&chat)).await.unwrap();
    let bob = testbed.portal("bob").unwrap();
    let (begun, held) = (Gate::new(), Gate::new());
    let answer = Answer::status(200).body("hello world").chunked().pause_after(5, &held);
    bob.app("chat").unwrap().echo().answer_with(answer);
    let call = Call::post("/x", "{\"ask\":  1}").field(TRACE_FIELD, "mine").opens_with_answer(&begun);
    let (client, host) = (testbed.outside().clone(), bob.host_of("chat"));
    let asking = tokio::spawn(async move { client.send(&host, call).await });
    begun.passed().await;

    let (url, _view) = served(testbed.trace()).await;
    let mut browser = in_browser(move || {
        let mut browser = Browser::open(&chromium, &url);
        browser.wait("known.has('mine')");
        browser.eval("go({ call: 'mine' }, true)");
        browser.wait("document.querySelectorAll('#flow .hop').length === 6");
        browser.eval("for (const n of [0, 5]) document.querySelectorAll('#flow .hop')[n].click()");
        let bodies = "[...document.querySelectorAll('.message pre.body')].map((body) => body.textContent).join('|')";
        assert_eq!(browser.text(bodies), "{\"ask\":  1}|hello");
        let shown = browser.text("document.getElementById('flow').innerText");
        assert!(shown.contains("Body, 11 bytes:") && shown.contains("Body, 5 bytes so far:"), "{shown}");
        browser
    })
    .await;

    // No hop comes after it: that the body ended is all there is to tell.
    held.open();
    assert_eq!(asking.await.unwrap().unwrap().text(), "hello world");
    in_browser(move || {
        browser.wait("[...document.querySelectorAll('.message pre.body')][1]?.textContent === 'hello world'");
        assert!(!browser.text("document.getElementById('flow').innerText").contains("so far"));
        assert_eq!(browser.errors(), &[] as &[String]);
    })
    .await;
    testbed.shutdown().await.unwrap();
}

/// A testbed that is up as a program, and its page.
struct Shown {
    folder: tempfile::TempDir,
    up: Up,
    browser: Browser,
}

impl Shown {
    /// Nothing where there is no Chromium.
    async fn start() -> Option<Shown> {
        let chromium = chromium()?;
        let folder = up::folder(Some(up::TWO));
        let up = Up::start(folder.path(), &[]).await;
        let run = std::fs::read(folder.path().join(".countersign/run.json")).unwrap();
        let run: Value = serde_json::from_slice(&run).unwrap();
        let of = |key: &str| run[key].as_str().unwrap().to_owned();
        let url = format!("http://{}/#token={}", of("control"), of("token"));
        let mut browser = in_browser(move || Browser::open(&chromium, &url)).await;
        let browser = in_browser(move || {
            browser.wait("document.getElementById('connection').textContent === 'live'");
            browser.wait("document.querySelectorAll('#map .portal').length === 2");
            browser
        })
        .await;
        Some(Shown { folder, up, browser })
    }

    /// Does something in the browser, in which nothing may go wrong.
    async fn act(self, act: impl FnOnce(&mut Browser) + Send + 'static) -> Shown {
        let Shown { folder, up, mut browser } = self;
        let browser = in_browser(move || {
            act(&mut browser);
            assert_eq!(browser.errors(), &[] as &[String]);
            browser
        })
        .await;
        Shown { folder, up, browser }
    }

    async fn end(self) {
        let Shown { folder, up, browser } = self;
        in_browser(move || drop(browser)).await;
        assert_eq!(up.end("INT").await, Some(0), "a page that is open does not hold it up");
        drop(folder);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_shows_as_it_happens_hop_by_hop_with_the_decision_and_why() {
    let Some(shown) = Shown::start().await else { return };
    let shown = shown
        .act(|browser| {
            assert_eq!(browser.eval("document.querySelectorAll('#map .link:not(.half):not(.strange)').length"), 1);
            assert!(!browser.text("location.href").contains("token"), "it does not stay in the address");
        })
        .await;
    let called = up::run(shown.folder.path(), &["call", "alice", "guestbook", "bob", "/peers/first?a=1"]).await;
    assert_eq!(called.0, 0, "{called:?}");
    let shown = shown
        .act(|browser| {
            // Cores look each other's keys up meanwhile: these are calls, too.
            browser.wait("known.size > 0");
            browser.press("/");
            browser.eval("search.value = 'first'; search.dispatchEvent(new Event('input'))");
            browser.wait("document.querySelector('#calls .row')?.textContent.includes('/peers/first?a=1')");
            browser.wait("document.querySelector('#calls .row .code').textContent === '200'");
            let row = browser.text("document.querySelector('#calls .row').innerText");
            assert!(row.contains("guestbook on alice → guestbook on bob") && row.contains("as peer alice"), "{row}");

            // By keyboard alone.
            browser.eval("document.getElementById('skip').click()");
            browser.press("ArrowDown");
            browser.press("Enter");
            browser.wait("document.activeElement.id === 'detail-name'");
            let facts = browser.text("document.querySelector('.facts').innerText");
            for words in ["The Core on bob let it in", "peer alice", "x-ptl-client-type: peer"] {
                assert!(facts.to_lowercase().contains(&words.to_lowercase()), "{words} in {facts}");
            }
            let hops =
                browser.text("[...document.querySelectorAll('#flow .hop')].map((hop) => hop.ariaLabel).join('\\n')");
            let hops: Vec<&str> = hops.lines().collect();
            assert_eq!(hops.len(), 10, "{hops:?}");
            assert_eq!(hops[1], "Core on alice made the signature portal");
            assert_eq!(hops[2], "Core on alice to proxy on bob: GET /peers/first?a=1");
            assert_eq!(hops[4], "Core on bob verified the signature portal");
            browser.eval("document.querySelectorAll('#flow .hop')[2].click()");
            browser.wait("document.querySelector('#flow .message')?.innerText.includes('signature-input')");
            browser.eval("document.querySelector('.same summary').click()");
            browser.wait("document.querySelector('.same .bases').innerText.includes('/peers/first?a=1')");
            browser.press("Escape");
            browser.wait("document.activeElement.id === 'calls' && state.call === null");
        })
        .await;

    let refused = up::run(shown.folder.path(), &["call", "alice", "guestbook", "bob", "/secret"]).await;
    assert_eq!(refused.0, 0, "a refusal is an answer: {refused:?}");
    let shown = shown
        .act(|browser| {
            browser.eval("go({ q: '' })");
            browser.eval("document.getElementById('refused').click()");
            browser.wait("document.querySelector('#calls .row .code')?.textContent === '401'");
            browser.wait("document.getElementById('count').textContent.startsWith('1 of ')");
            browser.eval("document.querySelector('#calls .row').click()");
            browser.wait("document.querySelector('.facts')?.innerText.includes('access_denied')");
        })
        .await;
    shown.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_switched_on_shows_in_the_bases_and_is_switched_off_again() {
    let Some(shown) = Shown::start().await else { return };
    let shown = shown
        .act(|browser| {
            browser.press("f");
            browser.wait("!document.getElementById('fault-form').hidden && document.querySelector('#fault-form [name=kind]').options.length > 20");
            let fault = "bob proxy hides-query-from-core";
            browser.eval(&format!("document.querySelector('#fault-form [name=fault]').value = '{fault}'; document.getElementById('put').click()"));
            browser.wait(&format!("document.querySelector('.switch[aria-checked=true]')?.textContent === '{fault}'"));
            browser.wait("document.querySelector('#map .tag')?.textContent === 'proxy hides-query-from-core'");

            browser.press("Escape");
            browser.eval("document.activeElement.blur()");
            browser.press("c");
            browser.wait("document.activeElement.name === 'portal'");
            browser.eval(
                "document.querySelector('#call-form [name=path]').value = '/peers/list?page=2';
                 document.querySelector('#call-form [name=method]').value = 'POST';
                 document.querySelector('#call-form [name=headers]').value = 'X-Mine: 1';
                 document.querySelector('#call-form [name=body]').value = 'Grüße';
                 document.getElementById('send').click()",
            );
            browser.wait("document.querySelector('#call-form .said').textContent === 'status 401'");
            browser.wait("document.querySelector('#detail .bases tr.first')");
            let line = browser.text("document.querySelector('#detail .bases tr.first').innerText");
            assert!(line.contains("the first line that differs") && line.contains("/peers/list?page=2"), "{line}");
            assert_eq!(browser.text("document.querySelector('#detail .bases tr.first mark').textContent"), "?page=2");
            assert_eq!(browser.text("document.querySelector('.guess').innerText").split(": ").nth(1), Some("the query is dropped by one side"));
            assert_eq!(
                browser.text("document.querySelector('#flow .culprit').ariaLabel"),
                "proxy on bob to Core on bob: GET /internal/auth. Here it was changed"
            );

            browser.eval("showSide('fault'); document.querySelector('.switch').click()");
            browser.wait("document.querySelector('.switch').ariaChecked === 'false' && !document.querySelector('#map .tag')");
            let before = browser.text("state.call");
            browser.eval("document.getElementById('again').click()");
            browser.wait(&format!("state.call !== '{before}' && document.querySelector('#detail .badge')?.textContent.includes('status 200')"));
            let order = browser.text("askCall(state.call).then((seen) => JSON.stringify([seen.again.method, seen.again.path, seen.again.body, seen.again.fields.flat().includes('X-Mine') || seen.again.fields.flat().includes('x-mine')]))");
            assert_eq!(order, "[\"POST\",\"/peers/list?page=2\",\"Grüße\",true]", "the same call, body and all");

            // A fault that can't be says why.
            browser.eval("document.querySelector('#fault-form [name=fault]').value = 'bob core sleepy'; document.getElementById('put').click()");
            browser.wait("document.querySelector('#fault-form .said').textContent.includes('sleepy')");
        })
        .await;
    shown.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_token_the_page_says_where_it_is() {
    let Some(shown) = Shown::start().await else { return };
    let shown = shown
        .act(|browser| {
            browser.eval("sessionStorage.clear()");
            let page = browser.text("location.origin");
            browser.go(&page);
            browser.wait("document.getElementById('about').textContent.startsWith('Open the address that')");
            browser.wait("document.getElementById('connection').textContent === 'not connected'");
        })
        .await;
    shown.end().await;
}
