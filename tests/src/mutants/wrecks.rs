//! Wrecks: Cores and proxies that do one thing wrong for everybody. No scenario proves anything by failing on one of them in
//! its preparations; one that fails in a `Then` can fail.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::response::IntoResponse as _;
use countersign::subject::Subject;
use countersign::suite::{RunError, RunOptions, Selection, Suite};
use countersign::testbed::faults::{Faults, ProxyFault};
use countersign::verdict::{Event, ScenarioResult};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use portal_core::CoreBuilder;
use portal_core::spool::Spooled;
use portal_core::transport::Outgoing;
use regex::Regex;

use super::surface::{answers, around_surface, around_transport};

/// A Portal with which next to nothing works.
#[derive(Debug, Clone, Copy)]
pub struct Wreck {
    /// Its name.
    pub name: &'static str,
    change: fn(CoreBuilder) -> CoreBuilder,
    faults: fn() -> Faults,
}

/// All of them.
pub const WRECKS: &[Wreck] = &[
    core("lets-everybody-in", |it| instead(it, asks, || StatusCode::OK.into_response())),
    core("refuses-everybody", |it| instead(it, asks, || refusal(StatusCode::UNAUTHORIZED))),
    core("forbids-everything", |it| instead(it, asks, || refusal(StatusCode::FORBIDDEN))),
    core("says-of-nobody-who-it-is", |it| {
        answers(it, "/internal/", |mut answer| {
            answer.headers_mut().clear();
            answer
        })
    }),
    core("calls-elsewhere", |it| {
        around_transport(it, |sent| Outgoing { target: "/elsewhere?no=1".to_owned(), ..sent })
    }),
    core("calls-without-a-body", |it| around_transport(it, |sent| Outgoing { body: Spooled::empty(), ..sent })),
    core("gives-nothing-back", |it| answers(it, CALLS, |_| StatusCode::OK.into_response())),
    core("shows-nothing", |it| {
        answered(it, |asked| is_own(asked) && asked.method() == Method::GET, || "{}".into_response())
    }),
    core("changes-nothing", |it| {
        instead(it, |asked| is_own(asked) && asked.method() != Method::GET, || "{}".into_response())
    }),
    Wreck {
        name: "serves-all-of-its-core",
        change: |it| {
            instead(it, |asked| asked.uri().path().starts_with("/internal/"), || StatusCode::OK.into_response())
        },
        faults: || ProxyFault::ServesCoreInternal.into(),
    },
    Wreck {
        name: "adds-an-app-as-a-peer",
        change: |it| {
            around_surface(it, |request, within| {
                let adds = request.uri().path() == "/protected/peers" && request.method() == Method::PUT;
                Box::pin(async move {
                    let (head, body) = request.into_parts();
                    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                    match adds && bytes.windows(11).any(|part| part == b"entrypoints") {
                        true => "{}".into_response(),
                        false => within.answer(Request::from_parts(head, Body::from(bytes))).await,
                    }
                })
            })
        },
        faults: || ProxyFault::FollowsDetours.into(),
    },
    Wreck { name: "a-proxy-with-every-fault", change: |it| it, faults: || ProxyFault::ALL.iter().copied().collect() },
];

const CALLS: &str = "/internal/call_peer/";

impl Wreck {
    /// Which of these scenarios fail on it with something that they expect.
    ///
    /// # Errors
    /// The run could not begin.
    pub fn fails(&self, suite: &Suite, scenarios: &BTreeSet<String>) -> Result<BTreeSet<String>, RunError> {
        let ids: Vec<String> = scenarios.iter().map(|id| regex::escape(id)).collect();
        let Ok(ids) = Regex::new(&format!("^(?:{})$", ids.join("|"))) else { return Ok(BTreeSet::new()) };
        let subject = Subject::builtin_with(self.change, (self.faults)());
        let options = RunOptions { subject, selection: Selection::all().name(ids), ..RunOptions::default() };
        let summary = suite.run(&options, &mut |_: &Event| {})?;
        let failed = summary.scenarios.into_iter().filter(fails_as_expected);
        Ok(failed.map(|result| result.scenario.id).collect())
    }
}

/// Whether it failed in a `Then`, or what follows one.
pub(super) fn fails_as_expected(result: &ScenarioResult) -> bool {
    let mut keywords = result.record.steps.iter().filter_map(|step| step.text.split(' ').next());
    let last = keywords.rfind(|word| matches!(*word, "Given" | "When" | "Then"));
    result.verdict.breaks() && last == Some("Then")
}

const fn core(name: &'static str, change: fn(CoreBuilder) -> CoreBuilder) -> Wreck {
    Wreck { name, change, faults: || Faults::NONE }
}

fn asks(asked: &Request<Body>) -> bool {
    matches!(asked.uri().path(), "/internal/auth" | "/internal/authenticate_terminal")
}

/// The Core's own surface, but for what the testbed needs to know it.
fn is_own(asked: &Request<Body>) -> bool {
    let path = asked.uri().path();
    path.starts_with("/protected/") || path.starts_with("/public/pair/")
}

fn refusal(status: StatusCode) -> Response<Body> {
    (status, r#"{"reason":"it is a wreck"}"#).into_response()
}

/// Answers so, and does nothing.
fn instead(it: CoreBuilder, at: fn(&Request<Body>) -> bool, answer: fn() -> Response<Body>) -> CoreBuilder {
    around_surface(it, move |request, within| {
        Box::pin(async move { if at(&request) { answer() } else { within.answer(request).await } })
    })
}

/// Answers so, after it has done what was asked.
fn answered(it: CoreBuilder, at: fn(&Request<Body>) -> bool, answer: fn() -> Response<Body>) -> CoreBuilder {
    around_surface(it, move |request, within| {
        let is_it = at(&request);
        Box::pin(async move {
            let real = within.answer(request).await;
            if is_it { answer() } else { real }
        })
    })
}
