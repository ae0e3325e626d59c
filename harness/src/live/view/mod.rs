//! The live view: one page that shows the Portals, every call as it happens, and why it came out as it did.
//!
//! The page is one file without network; what it shows comes from here:
//!
//! | path | what it gives |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /api/events` | the calls, as server-sent events (see [`events`]) |
//! | `GET /api/calls/{id}` | one call with its hops, decisions and signature bases |
//!
//! State, calls and faults are the control API's, which also asks for the token and checks `Host` and `Origin` before
//! any of this is reached.

mod calls;
mod detail;
mod events;
mod kept_bodies;
mod summary;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::page::{base_script, base_style, hash, in_script};
use crate::trace::Trace;
use calls::Calls;
pub use calls::KEPT;
use kept_bodies::KeptBodies;
pub use summary::{Client, End, Summary};

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = concat!(base_style!(), include_str!("page/style.css"));
const SCRIPT: &str = concat!(
    base_script!(),
    include_str!("page/server.js"),
    include_str!("page/calls.js"),
    include_str!("page/list.js"),
    include_str!("page/picture.js"),
    include_str!("page/detail.js"),
    include_str!("page/forms.js"),
    include_str!("page/main.js"),
);

/// How many pages may look at the same time.
const READERS: usize = 32;

/// What the page shows. Cheap to clone: all clones are the same view.
#[derive(Debug, Clone)]
pub struct View {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    trace: Trace,
    calls: Mutex<Calls>,
    bodies: Mutex<KeptBodies>,
    /// Tells this program from one that ran before at the same address.
    run: String,
    readers: Arc<Semaphore>,
    closing: CancellationToken,
}

impl View {
    /// The view of what is traced there; `run` is a name of this run of the program.
    pub fn new(trace: Trace, run: impl Into<String>) -> View {
        let inner = Inner {
            trace,
            calls: Mutex::default(),
            bodies: Mutex::default(),
            run: run.into(),
            readers: Arc::new(Semaphore::new(READERS)),
            closing: CancellationToken::new(),
        };
        View { inner: Arc::new(inner) }
    }

    /// What it answers. Nothing here changes anything.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(page))
            .route("/api/events", get(events))
            .route("/api/calls/{id}", get(call))
            .with_state(Arc::clone(&self.inner))
    }

    /// Keeps the body of a call so that it can be made again: the trace has but its beginning.
    pub fn keep_body(&self, trace_id: &str, body: &[u8]) {
        self.inner.bodies().keep(trace_id, body);
    }

    /// Ends the events of everybody who looks: a server that waits for its answers to end would wait for ever.
    pub fn close(&self) {
        self.inner.closing.cancel();
    }
}

impl Inner {
    /// The calls, up to now.
    fn calls(&self) -> MutexGuard<'_, Calls> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.catch_up(&self.trace);
        calls
    }

    fn bodies(&self) -> MutexGuard<'_, KeptBodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of an event after which a reader has seen the changes before `seen`.
    fn id_of(&self, seen: u64) -> String {
        format!("{}-{seen}", self.run)
    }

    /// The other way round; an id of another run is none.
    fn place(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok()
    }
}

async fn page(State(view): State<Arc<Inner>>) -> Response {
    let policy = format!(
        "default-src 'none'; connect-src 'self'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    match rendered(&view) {
        Ok(page) => {
            let fields = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
                (header::CONTENT_SECURITY_POLICY, policy),
                (header::CACHE_CONTROL, "no-store".to_owned()),
                (header::REFERRER_POLICY, "no-referrer".to_owned()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
                (HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()),
                (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
            ];
            (fields, page).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the page can't be made: {error}\n")).into_response(),
    }
}

fn rendered(view: &Inner) -> Result<String, minijinja::Error> {
    let data = in_script(&json!({ "run": view.run, "version": env!("CARGO_PKG_VERSION") }).to_string());
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.render_str(PAGE, context! { style => STYLE, script => SCRIPT, data => data })
}

async fn events(State(view): State<Arc<Inner>>, fields: HeaderMap) -> Response {
    let Ok(place) = Arc::clone(&view.readers).try_acquire_owned() else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, format!("{READERS} pages look already: close one"));
    };
    let last = fields.get("last-event-id").and_then(|id| id.to_str().ok());
    let stream = events::stream(view, last, place);
    ([(header::CACHE_CONTROL, "no-store")], stream).into_response()
}

async fn call(State(view): State<Arc<Inner>>, Path(id): Path<String>) -> Response {
    let Some(summary) = view.calls().find(&id).cloned() else {
        return problem(
            StatusCode::NOT_FOUND,
            format!("there is no such call, or it is one of those before the latest {KEPT}"),
        );
    };
    let body = view.bodies().of(&id);
    Json(detail::of(summary, view.trace.timed_entries_of(&id), body)).into_response()
}

fn problem(status: StatusCode, message: String) -> Response {
    (status, Json(json!({ "reason": message }))).into_response()
}

#[cfg(test)]
mod tests;
