use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::testbed::Options;
use crate::topology::project::Project;
use crate::trace::{BodyEnd, HopKind, Party};
use crate::wire::{Call, Gate, generated_sha256};

const WITHIN: Duration = Duration::from_secs(20);

/// Says what it knows, calls peers, streams, and dies when it is asked to.
const APP: &str = r#"
import hashlib, json, os, sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/env":
            self.answer(200, json.dumps(dict(os.environ)).encode())
        elif self.path.startswith("/peers/hello"):
            who = {name: self.headers.get(name) for name in ("X-Ptl-Client-Type", "X-Ptl-Client-Id", "Host")}
            self.answer(200, json.dumps(who).encode())
        elif self.path.startswith("/call/"):
            # As apps have it today: the name is hard-coded, the proxy makes it work.
            url = "http://portal_core/internal/call_peer/" + self.path.removeprefix("/call/")
            with urllib.request.urlopen(url) as answer:
                self.answer(answer.status, answer.read())
        elif self.path == "/die":
            print("somebody asked me to die", flush=True)
            os._exit(7)
        elif self.path == "/elsewhere":
            try:
                urllib.request.urlopen("http://example.com/")
            except urllib.error.HTTPError as refused:
                self.answer(200, refused.read())
        else:
            self.answer(404, b"{}")

    def do_POST(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left:
            piece = self.rfile.read(min(left, 65536))
            digest.update(piece)
            left -= len(piece)
        self.answer(200, digest.hexdigest().encode(), "text/plain")

    def log_message(self, *args):
        pass

print("I listen on", os.environ["PORT"], flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"#;

const MANIFEST: &str = r#"{"v": "3.2", "name": "guestbook", "port": 80, "paths": {
    "": {"access": "public"},
    "/peers/": {"access": "peer", "headers": {"X-Ptl-Client-Type": "{{ auth.client_type }}", "X-Ptl-Client-Id": "{{ auth.client_id }}"}}
}}"#;

fn has_python() -> bool {
    let there = std::process::Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success());
    if !there {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"skipped: there is no python3\n");
    }
    there
}

fn project(folder: &Path, app: &str, way: &str) -> Project {
    std::fs::write(folder.join("app.json"), MANIFEST).unwrap();
    std::fs::write(folder.join("main.py"), app).unwrap();
    let text = format!("[[portal]]\nname = \"alice\"\n[[portal]]\nname = \"bob\"\n[[app]]\n{way}\n");
    Project::parse(&text, &folder.join("countersign.toml")).unwrap()
}

async fn started(project: &Project) -> (Testbed, Result<RealApps, RealAppError>, Feed) {
    let feed = Feed::new();
    let testbed = Testbed::start_with(project.topology(8443), Options::default()).await.unwrap();
    let apps = RealApps::start(&testbed, project, None, &feed).await;
    (testbed, apps, feed)
}

async fn get(testbed: &Testbed, portal: &str, path: &str) -> Value {
    let host = testbed.portal(portal).unwrap().host_of("guestbook");
    let reply = testbed.outside().send(&host, Call::get(path)).await.unwrap();
    reply.json().unwrap_or_else(|| panic!("{path}: {} {}", reply.status, reply.text()))
}

#[tokio::test]
async fn a_real_app_is_called_knows_where_it_is_and_calls_its_peer() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), APP, "run = [\"python3\", \"main.py\"]\nenv = { COLOUR = \"green\" }");
    let (testbed, apps, _feed) = started(&project).await;
    let apps = apps.unwrap();
    let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());

    let env = get(&testbed, "alice", "/env").await;
    assert_eq!(env["PORTAL_ID"], alice.id());
    assert_eq!(env["PORTAL_DOMAIN"], format!("{}.localhost:8443", alice.short_id()));
    assert_eq!(env["COLOUR"], "green");
    let door = format!("http://{}", apps.app("alice", "guestbook").unwrap().door());
    for name in ["PORTAL_CORE_URL", "HTTP_PROXY", "http_proxy"] {
        assert_eq!(env[name], door, "{name}");
    }

    // The app on alice calls the app on bob, in the way that apps have it today.
    let hello = get(&testbed, "alice", &format!("/call/{}/peers/hello?a=%2F", bob.short_id())).await;
    assert_eq!(hello["X-Ptl-Client-Type"], "peer");
    assert_eq!(hello["X-Ptl-Client-Id"], alice.id());
    assert_eq!(hello["Host"], format!("guestbook.{}.localhost:8443", bob.short_id()));
    let received = bob.app("guestbook").unwrap().echo().last_received().unwrap();
    assert_eq!((received.method.as_str(), received.target.as_str()), ("GET", "/peers/hello?a=%2F"));

    // Each hop is in the trace, once; the app's own among them.
    let hops = testbed.trace().hops(received.trace_id().unwrap());
    let requests: Vec<_> =
        hops.iter().filter(|hop| hop.kind == HopKind::Request).map(|hop| (&hop.from, &hop.to)).collect();
    let (guestbook, core) = (|portal| Party::app(portal, "guestbook"), Party::core);
    assert_eq!(
        requests,
        [
            (&guestbook("alice"), &core("alice")),
            (&core("alice"), &Party::proxy("bob")),
            (&Party::proxy("bob"), &core("bob")),
            (&Party::proxy("bob"), &guestbook("bob")),
        ]
    );
    assert_eq!(hops.len(), 8, "{hops:#?}");
    let bodies: Vec<_> =
        hops.iter().map(|hop| hop.body.as_ref().map(|body| (body.end, body.text.as_deref()))).collect();
    let given = bodies[5];
    assert!(given.is_some_and(|(_, text)| text.unwrap().contains("X-Ptl-Client-Type")), "{bodies:#?}");
    let complete = given.map(|(_, text)| (BodyEnd::Complete, text));
    assert_eq!(bodies, [None, None, None, None, None, complete, complete, complete]);

    // A large body goes through as it is.
    let host = bob.host_of("guestbook");
    let reply = testbed.outside().send(&host, Call::new("POST", "/upload").generated(5 << 20)).await.unwrap();
    assert_eq!(reply.text(), generated_sha256(5 << 20));
    let reply = testbed.outside().send(&host, Call::new("POST", "/upload").generated(100_000).expect_continue()).await;
    assert_eq!(reply.unwrap().text(), generated_sha256(100_000));

    // Its proxy leads to its Core alone.
    let refused = get(&testbed, "alice", "/elsewhere").await;
    assert!(refused["reason"].as_str().unwrap().contains("NO_PROXY"), "{refused}");

    apps.stop().await;
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_that_dies_is_started_again_and_it_is_said_why() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), APP, "run = \"exec python3 main.py\"");
    let (testbed, apps, feed) = started(&project).await;
    let apps = apps.unwrap();
    let mut news = feed.listen();
    let bob = apps.app("bob", "guestbook").unwrap();
    let host = testbed.portal("bob").unwrap().host_of("guestbook");
    let reply = testbed.outside().send(&host, Call::get("/die")).await.unwrap();
    assert_eq!(reply.status, 502, "{}", reply.text());
    let died = async {
        loop {
            if let News::Died { portal, why, .. } = news.recv().await.unwrap() {
                return (portal, why);
            }
        }
    };
    let (portal, why) = tokio::time::timeout(WITHIN, died).await.unwrap();
    assert_eq!(portal, "bob");
    assert!(why.contains("exit status: 7") && why.contains("  | somebody asked me to die"), "{why}");
    bob.reaches(|state| matches!(state, AppState::Ready { .. }), WITHIN).await.unwrap();
    assert_eq!(get(&testbed, "bob", "/env").await["PORTAL_ID"], testbed.portal("bob").unwrap().id());

    // Killed, it says so; frozen, it does not answer; thawed, it does.
    assert!(bob.kill());
    bob.reaches(|state| matches!(state, AppState::Died { .. }), WITHIN).await.unwrap();
    bob.reaches(|state| matches!(state, AppState::Ready { .. }), WITHIN).await.unwrap();
    assert!(bob.freeze());
    bob.reaches(|state| *state == AppState::Frozen, WITHIN).await.unwrap();
    let silent = testbed.outside().send(&host, Call::get("/env").within(Duration::from_millis(300))).await;
    assert!(silent.is_err(), "{silent:?}");
    assert!(bob.thaw());
    bob.reaches(|state| matches!(state, AppState::Ready { .. }), WITHIN).await.unwrap();
    assert_eq!(testbed.outside().send(&host, Call::get("/env")).await.unwrap().status, 200);
    apps.stop().await;
}

#[tokio::test]
async fn one_that_does_not_come_up_is_told_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let dead = project(folder.path(), "", "run = \"echo no such module >&2; exit 3\"");
    let (_testbed, apps, _) = started(&dead).await;
    let error = apps.unwrap_err().to_string();
    assert!(error.starts_with("guestbook on alice did not start: exit status: 3; its output ends with"), "{error}");
    assert!(error.contains("  | no such module"), "{error}");

    let deaf = project(folder.path(), "", "run = \"exec sleep 600\"\nready_within = \"300ms\"");
    let (_testbed, apps, _) = started(&deaf).await;
    let error = apps.unwrap_err().to_string();
    assert!(error.contains("nobody listens on its PORT"), "{error}");

    let none = project(folder.path(), "", "run = [\"no-such-program\"]");
    let (_testbed, apps, _) = started(&none).await;
    let error = apps.unwrap_err().to_string();
    assert!(error.contains("`no-such-program`"), "{error}");
}

#[tokio::test]
async fn one_that_runs_already_is_passed_to_streaming() {
    use crate::testbed::EchoApp;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = EchoApp::start("nobody", "own", listener, crate::trace::Trace::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), "", &format!("url = \"http://{}\"", own.address()));
    let (testbed, apps, _) = started(&project).await;
    let apps = apps.unwrap();
    let host = testbed.portal("bob").unwrap().host_of("guestbook");

    // The answer begins before the request has ended, and chunks and trailers go both ways.
    let (begun, gate) = (Gate::new(), Gate::new());
    own.answer_once(Answer::generated(300_000).before_body().pause_after(1000, &gate));
    let call = Call::new("POST", "/a").generated(200_000).opens_with_answer(&begun);
    let (reply, ()) = tokio::join!(testbed.outside().send(&host, call), async {
        begun.passed().await;
        gate.open();
    });
    assert_eq!(reply.unwrap().sha256, generated_sha256(300_000));
    own.answer_once(Answer::status(200).body("x").trailer("X-End", "1"));
    let reply = testbed
        .outside()
        .send(&host, Call::post("/b", "hello").field("TE", "trailers").trailer("X-Sum", "2"))
        .await
        .unwrap();
    assert_eq!((reply.text().as_str(), reply.trailers.get("x-end").as_deref()), ("x", Some("1")));
    assert_eq!(own.last_received().unwrap().trailers, [("x-sum".to_owned(), "2".to_owned())]);
    let noted = testbed.portal("bob").unwrap().app("guestbook").unwrap().echo().last_received().unwrap();
    assert_eq!(noted.body().unwrap(), b"hello");

    // An answer that breaks off does so for the caller too.
    own.answer_once(Answer::generated(10_000).cut_after(5000));
    assert!(testbed.outside().send(&host, Call::get("/c")).await.is_err());

    // WebSockets go through.
    use futures_util::{SinkExt as _, StreamExt as _};
    let mut socket = testbed.outside().websocket(&host, "/ws", &[]).await.unwrap();
    socket.send("hi".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "hi");

    own.stop().await;
    let reply = testbed.outside().send(&host, Call::get("/d")).await.unwrap();
    assert_eq!(reply.status, 502);
    assert!(reply.text().contains("guestbook on bob does not answer at"), "{}", reply.text());
    drop(apps);
}
