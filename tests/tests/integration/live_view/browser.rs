//! A headless Chromium that is told what to do: its DevTools protocol, over the two pipes that it takes for that.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take; the page itself gives up before.
const ANSWER: Duration = Duration::from_secs(60);
/// How long the browser may take to end.
const ENDING: Duration = Duration::from_secs(10);
/// How long the page may take to become what is waited for, in milliseconds.
const PATIENCE: u32 = 30_000;

/// A browser with one page. Gone when dropped.
pub(crate) struct Browser {
    child: Child,
    /// Without it the browser ends.
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    session: Option<String>,
    next: u64,
    errors: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a page.
    pub(crate) fn open(chromium: &Path, url: &str) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        // It reads commands from the descriptor 3 and writes to 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 1>&2"])
            .arg(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, from) = sync_channel(1024);
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                let Some(message) = message.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Browser { child, to: Some(to), from, session: None, next: 0, errors: Vec::new(), _profile: profile };
        let targets = browser.command("Target.getTargets", json!({}));
        let page = targets["targetInfos"].as_array().unwrap().iter().find(|target| target["type"] == "page").unwrap();
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.command("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        browser.session = Some(session);
        browser.command("Runtime.enable", json!({}));
        browser.command("Log.enable", json!({}));
        browser.command("Page.enable", json!({}));
        browser.go(url);
        browser
    }

    /// Goes to a page. What is asked from now on is asked there.
    pub(crate) fn go(&mut self, url: &str) {
        self.command("Page.navigate", json!({ "url": url }));
    }

    /// What an expression is on the page.
    pub(crate) fn eval(&mut self, script: &str) -> Value {
        let order = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let came = self.command("Runtime.evaluate", order);
        assert!(came["exceptionDetails"].is_null(), "{script}: {}", came["exceptionDetails"]);
        came["result"]["value"].clone()
    }

    /// The text that an expression is on the page.
    pub(crate) fn text(&mut self, script: &str) -> String {
        self.eval(script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression holds on the page.
    pub(crate) fn wait(&mut self, condition: &str) {
        let script = format!(
            "new Promise((done) => {{
               const began = performance.now();
               const look = () => {{
                 let holds = false;
                 try {{ holds = Boolean({condition}); }} catch {{ /* Not yet. */ }}
                 if (holds || performance.now() - began > {PATIENCE}) done(holds);
                 else setTimeout(look, 20);
               }};
               look();
             }})"
        );
        if self.eval(&script) != json!(true) {
            let page = self.text("document.body.innerText");
            panic!("waited for {condition}; errors: {:?}; the page: {page}", self.errors);
        }
    }

    /// Presses a key, as someone who sits there does.
    pub(crate) fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        let down = json!({ "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key, "code": key, "text": text });
        self.command("Input.dispatchKeyEvent", down);
        self.command("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key, "code": key }));
    }

    /// What went wrong in the page's script, or was against its policy.
    pub(crate) fn errors(&self) -> &[String] {
        &self.errors
    }

    fn command(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut order = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            order["sessionId"] = json!(session);
        }
        self.to.as_mut().unwrap().write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let came = self.from.recv_timeout(ANSWER).unwrap_or_else(|error| panic!("{method}: {error}"));
            if came["id"] == self.next {
                assert!(came["error"].is_null(), "{method}: {}", came["error"]);
                return came["result"].clone();
            }
            let entry = &came["params"]["entry"];
            // What the browser notes of an answer like 422 is no fault of the page.
            let is_fault = entry["level"] == "error" && entry["source"] != "network";
            if came["method"] == "Runtime.exceptionThrown" || is_fault {
                self.errors.push(came["params"].to_string());
            }
        }
    }
}

/// It ends by itself, with all its processes, when nobody tells it anything any more.
impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.to.take());
        while self.from.recv_timeout(ENDING).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
