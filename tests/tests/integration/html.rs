//! The report for people, in a browser: a headless Chromium, where there is one.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so, and what it measured")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countersign::report::html::page;
use countersign::suite::{RunOptions, Suite};
use countersign::trace::What;
use countersign::verdict::{Event, Summary, Verdict};

use super::live_view::browser::Browser;
use super::report::{given, steps};

/// How many scenarios the page has to bear.
const SCENARIOS: usize = 1000;
/// How long it may take to read and draw them, in milliseconds. Some tens is what it takes on an idle machine.
const LONGEST: u64 = 3000;

/// Where a Chromium is; nothing, with the reason printed, where there is none.
pub(super) fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let found =
        names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|it| it.is_file());
    if found.is_none() {
        println!("skipped: there is no Chromium ({})", names.join(", "));
    }
    found
}

/// A run with as many scenarios, made of one in which everything happens that can.
fn large() -> Summary {
    let contract = countersign::contract::Contract::embedded().unwrap();
    let suite = Suite::load_with(&given(), steps(), contract).unwrap();
    let mut summary = suite.run(&RunOptions::default(), &mut |_: &Event| {}).unwrap();
    let some = summary.scenarios.clone();
    summary.scenarios = (0..SCENARIOS)
        .map(|n| {
            let mut result = some[n % some.len()].clone();
            result.scenario.id = format!("{}-{n}", result.scenario.id);
            result.scenario.line = n + 1;
            result
        })
        .collect();
    for requirement in &mut summary.requirements {
        let of = summary.scenarios.iter().filter(|result| result.scenario.requirements.contains(&requirement.id));
        requirement.scenarios = of.map(|result| result.scenario.id.clone()).collect();
    }
    summary
}

/// The page at an address, as the browser has drawn it.
struct Drawn {
    html: String,
    errors: Vec<String>,
}

impl Drawn {
    fn at(chromium: &Path, file: &Path, hash: &str) -> Drawn {
        let profile = tempfile::tempdir().unwrap();
        let output = Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"])
            .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("file://{}{hash}", file.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let errors = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Drawn { html: String::from_utf8_lossy(&output.stdout).into_owned(), errors }
    }

    /// What stands behind `from`, up to `to`.
    fn between(&self, from: &str, to: &str) -> &str {
        let start = self.html.find(from).unwrap_or_else(|| panic!("no `{from}` in {}", self.body())) + from.len();
        &self.html[start..start + self.html[start..].find(to).unwrap()]
    }

    fn count(&self, what: &str) -> usize {
        self.body().matches(what).count()
    }

    /// What is drawn, without the data and the script.
    fn body(&self) -> &str {
        let body = self.html.split("<body").nth(1).unwrap_or_default();
        body.split("<script").next().unwrap_or_default()
    }
}

#[test]
fn a_browser_draws_a_thousand_scenarios_and_finds_what_is_looked_for() {
    let Some(chromium) = chromium() else { return };
    let summary = large();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, page(&summary).unwrap()).unwrap();
    let at = |hash: &str| {
        let drawn = Drawn::at(&chromium, &file, hash);
        assert_eq!(drawn.errors, Vec::<String>::new(), "{hash}");
        drawn
    };

    let overview = at("");
    let ms: u64 = overview.between("data-ms=\"", "\"").parse().unwrap();
    println!("{SCENARIOS} scenarios were drawn in {ms} ms");
    assert!(ms < LONGEST, "{ms} ms");
    assert_eq!(overview.count("class=\"req "), summary.requirements.len());
    assert!(overview.between("<h1>", "</h1>").ends_with(": does not conform"));

    let all = at("#view=scenarios");
    assert_eq!(all.between("id=\"count\" role=\"status\">", "<"), "1,000 of 1,000 scenarios");
    let rows = all.count("class=\"row ");
    assert!((100..500).contains(&rows), "{rows} rows at once");

    let failing = summary.count(Verdict::Fail);
    let failed = at("#verdict=fail");
    assert_eq!(failed.between("id=\"count\" role=\"status\">", "<"), format!("{failing} of 1,000 scenarios"));
    assert_eq!(failed.count("class=\"row v-fail\""), failed.count("class=\"row "));
    let nothing = at("#q=there-is-no-such-thing");
    assert_eq!(nothing.between("id=\"count\" role=\"status\">", "<"), "0 of 1,000 scenarios");

    let diverges =
        summary.scenarios.iter().rfind(|result| result.failure.as_ref().is_some_and(|it| it.bases.is_some()));
    let id = &diverges.unwrap().scenario.id;
    let opened = at(&format!("#scenario={}", id.replace('/', "%2F")));
    assert_eq!(opened.between("<p class=\"place mono\">", "</p>"), id);
    let line = opened.between("<tr class=\"first\">", "</tr>");
    assert!(line.contains("the first line that differs") && line.contains("a<mark>:443</mark>"), "{line}");
    assert!(opened.body().contains("the default port is kept") || opened.count("class=\"guess\"") == 1);
    assert!(opened.body().contains(&format!("countersign check --name '{}'", id.rsplit_once('-').unwrap().0)));
}

/// What is asserted above would be worth nothing if a page that is broken looked the same.
#[test]
fn a_script_that_is_broken_is_seen() {
    let Some(chromium) = chromium() else { return };
    let contract = countersign::contract::Contract::embedded().unwrap();
    let suite = Suite::load_with(&given(), steps(), contract).unwrap();
    let whole = page(&suite.run(&RunOptions::default(), &mut |_: &Event| {}).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let drawn = |page: &str| {
        fs::write(&file, page).unwrap();
        Drawn::at(&chromium, &file, "")
    };
    let changed = |page: &str, part: &str, other: &str| {
        assert!(page.contains(part), "{part}");
        page.replace(part, other)
    };
    let other = changed(&whole, "function head()", "function heed()");
    let unguarded = changed(&other, "http-equiv=\"Content-Security-Policy\"", "name=\"no-policy\"");
    let (sound, guarded, broken) = (drawn(&whole), drawn(&other), drawn(&unguarded));
    assert_eq!(sound.errors, Vec::<String>::new());
    assert!(sound.count("class=\"req ") > 0 && sound.html.contains("data-ms"));
    assert!(broken.errors.iter().any(|error| error.contains("head is not defined")), "{:?}", broken.errors);
    assert_eq!(broken.count("class=\"req "), 0);
    // The page lets no script run but its own, so what was changed later does nothing.
    assert!(guarded.errors.iter().any(|error| error.contains("Content Security Policy")), "{:?}", guarded.errors);
}

/// A scenario of the real features: its picture is made of what really went over the wire.
#[test]
fn the_diagram_shows_the_hops_that_happened() {
    let Some(chromium) = chromium() else { return };
    let selection = countersign::suite::Selection::all().tags("@CALL-9".parse().unwrap());
    let options = RunOptions { selection, ..RunOptions::default() };
    let summary = countersign::suite::run(&options, &mut |_: &Event| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, page(&summary).unwrap()).unwrap();
    let result = &summary.scenarios[0];
    let drawn = Drawn::at(&chromium, &file, &format!("#scenario={}", result.scenario.id.replace('/', "%2F")));
    assert_eq!(drawn.errors, Vec::<String>::new());
    assert_eq!(drawn.count("class=\"hop"), result.record.entries.len() + drawn.count("class=\"hops\""));
    assert!(drawn.body().contains("aria-label=\"Core on alice to proxy on bob: "), "{}", drawn.body());
    assert!(drawn.count("<svg") > result.record.entries.len());

    // A click shows the message: what the app on bob answered, as it came.
    let url = format!("file://{}#scenario={}", file.display(), result.scenario.id.replace('/', "%2F"));
    let mut browser = Browser::open(&chromium, &url);
    browser.wait("document.querySelectorAll('.hop').length > 5");
    browser.eval("[...document.querySelectorAll('.hop')].at(-1).click()");
    let shown = browser.text("document.querySelector('.message').innerText");
    let body = result.record.entries.iter().rev().find_map(|entry| match &entry.what {
        What::Hop(hop) => hop.body.clone(),
        What::Signature(_) => None,
    });
    let (text, length) = body.map(|body| (body.text.unwrap(), body.length)).unwrap();
    assert_eq!(browser.text("document.querySelector('.message pre.body').textContent"), text);
    assert!(shown.replace(',', "").contains(&format!("Body {length} byte")), "{shown}");
    assert_eq!(browser.errors(), &[] as &[String]);
}
