//! The HTTP API of a testbed that is up: JSON, on loopback, for those who know the token.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /api/state` | [`State`](super::State) |
//! | `POST /api/call` | [`CallOrder`] → [`CallOutcome`](super::CallOutcome) |
//! | `GET /api/terminal/{portal}?app=` | pairs a terminal: [`Paired`](super::terminals::Paired) |
//! | `GET /api/faults` | [`Faults`](super::faults::Faults): those that are on, and those that there are |
//! | `POST /api/fault` | [`FaultOrder`] → [`FaultOutcome`](super::faults::FaultOutcome) |
//! | `POST /api/down` | asks for the end; 202 |
//! | `GET /`, `/api/events`, `/api/calls/{id}` | the live view: see [`view`](super::view) |
//!
//! Everything under `/api/` wants the token: as `Authorization: Bearer …`, or, where a page can't set fields, as the query
//! parameter `token`. The page itself is served to anybody; it gets the token in the fragment of the address that `up`
//! prints (`/#token=…`), which no server and no other page sees. Host has to be this listener's own address (or `localhost`),
//! so that no name of a stranger's leads here, and Origin, where there is one, likewise.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::faults::{FaultOrder, FaultRefused};
use super::{CallError, CallOrder, Live};
use crate::subject::SubjectError;
use crate::testbed::TestbedError;

/// The API, being served. Gone when dropped.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    token: String,
    _task: AbortOnDropHandle<()>,
}

impl Control {
    /// Serves it on a free port of loopback.
    ///
    /// # Errors
    /// When there is none, or no randomness.
    pub async fn start(live: Arc<Live>) -> std::io::Result<Control> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let token = super::run_file::token()?;
        let guard = Guard { port: address.port(), token: Arc::from(token.as_str()) };
        let router = router(live, guard);
        let task = tokio::spawn(async move {
            // It ends with its handle.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Control { address, token, _task: AbortOnDropHandle::new(task) })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has to be said there.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The address of the page, with what it needs to know.
    pub fn page(&self) -> String {
        format!("http://{}/#token={}", self.address, self.token)
    }
}

/// What is served. Whatever else is to be, is merged here: under `/api/` it is guarded by the token.
fn router(live: Arc<Live>, guard: Guard) -> Router {
    let api = Router::new()
        .route("/api/state", get(state))
        .route("/api/call", post(call))
        .route("/api/terminal/{portal}", get(terminal))
        .route("/api/faults", get(faults))
        .route("/api/fault", post(fault))
        .route("/api/down", post(down));
    let page = live.view().router();
    api.with_state(live).merge(page).layer(middleware::from_fn_with_state(guard, guarded))
}

async fn state(State(live): State<Arc<Live>>) -> Response {
    Json(live.state().await).into_response()
}

async fn call(State(live): State<Arc<Live>>, Json(order): Json<CallOrder>) -> Result<Response, Refused> {
    Ok(Json(live.call(&order).await?).into_response())
}

#[derive(Deserialize)]
struct Wanted {
    app: Option<String>,
}

async fn terminal(
    State(live): State<Arc<Live>>,
    Path(portal): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refused> {
    Ok(Json(live.pair(&portal, wanted.app.as_deref()).await?).into_response())
}

async fn faults(State(live): State<Arc<Live>>) -> Response {
    Json(live.faults()).into_response()
}

async fn fault(State(live): State<Arc<Live>>, Json(order): Json<FaultOrder>) -> Result<Response, Refused> {
    Ok(Json(live.fault(&order).await?).into_response())
}

async fn down(State(live): State<Arc<Live>>) -> StatusCode {
    live.end();
    StatusCode::ACCEPTED
}

/// Why something was not done, as the API says it: `{"reason": "…"}`.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    /// With this status, for this reason.
    pub fn new(status: StatusCode, reason: impl ToString) -> Refused {
        Refused { status, reason: reason.to_string() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "reason": self.reason }))).into_response()
    }
}

impl From<TestbedError> for Refused {
    fn from(error: TestbedError) -> Refused {
        let status = match error {
            TestbedError::Unknown { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_GATEWAY,
        };
        Refused::new(status, error)
    }
}

impl From<FaultRefused> for Refused {
    fn from(error: FaultRefused) -> Refused {
        let status = match &error {
            FaultRefused::Malformed(_) => StatusCode::UNPROCESSABLE_ENTITY,
            FaultRefused::NotOn { .. } => StatusCode::NOT_FOUND,
            FaultRefused::Undone { source, .. } => match source {
                TestbedError::Unknown { .. } => StatusCode::NOT_FOUND,
                TestbedError::Subject(SubjectError::Unsupported(_)) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_GATEWAY,
            },
        };
        Refused::new(status, error)
    }
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Refused {
        match error {
            CallError::Unknown(error) => error.into(),
            CallError::Bad(reason) => Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason),
            CallError::Wire(_) => Refused::new(StatusCode::BAD_GATEWAY, error),
        }
    }
}

/// Who may come.
#[derive(Debug, Clone)]
struct Guard {
    port: u16,
    token: Arc<str>,
}

async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.judge(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

impl Guard {
    fn judge(&self, uri: &http::Uri, fields: &HeaderMap) -> Result<(), Refused> {
        let text = |name| fields.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        if !text(header::HOST).is_some_and(|host| self.is_own(host)) {
            return Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, "this is not the host of this testbed"));
        }
        if fields.contains_key(header::ORIGIN)
            && text(header::ORIGIN)
                .and_then(|origin| origin.strip_prefix("http://"))
                .is_none_or(|host| !self.is_own(host))
        {
            return Err(Refused::new(StatusCode::FORBIDDEN, "a page of another origin has no business here"));
        }
        let query = uri.query().unwrap_or_default();
        let in_query = || query.split('&').find_map(|pair| pair.strip_prefix("token="));
        let given = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).or_else(in_query);
        let same =
            |given: &str| aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), self.token.as_bytes());
        if uri.path().starts_with("/api/") && given.is_none_or(|given| same(given).is_err()) {
            let reason =
                format!("the token is missing or wrong; it stands in {}/{}", super::FOLDER, super::run_file::FILE);
            return Err(Refused::new(StatusCode::UNAUTHORIZED, reason));
        }
        Ok(())
    }

    fn is_own(&self, authority: &str) -> bool {
        ["127.0.0.1", "localhost"].iter().any(|host| authority == format!("{host}:{}", self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(path: &str, fields: &[(&'static str, &str)]) -> Option<u16> {
        let guard = Guard { port: 7, token: Arc::from("secret") };
        let fields = fields.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let judged = guard.judge(&path.parse().unwrap(), &fields.collect());
        judged.err().map(|refused| refused.status.as_u16())
    }

    #[test]
    fn only_who_knows_the_token_and_comes_straight_is_let_in() {
        let (host, token) = (("host", "127.0.0.1:7"), ("authorization", "Bearer secret"));
        assert_eq!(judged("/api/state", &[host, token]), None);
        assert_eq!(judged("/api/state?x=1&token=secret", &[("host", "localhost:7")]), None);
        assert_eq!(judged("/", &[host]), None);
        assert_eq!(judged("/api/state", &[host]), Some(401));
        assert_eq!(judged("/api/state", &[host, ("authorization", "Bearer Secret")]), Some(401));
        assert_eq!(judged("/api/state?token=", &[host]), Some(401));
        // A name of a stranger's that leads here, and a page of another origin.
        assert_eq!(judged("/", &[("host", "evil.example:7"), token]), Some(421));
        assert_eq!(judged("/", &[("host", "127.0.0.1:8"), token]), Some(421));
        assert_eq!(judged("/", &[token]), Some(421));
        assert_eq!(judged("/api/down", &[host, token, ("origin", "http://evil.example")]), Some(403));
        assert_eq!(judged("/api/down", &[host, token, ("origin", "null")]), Some(403));
        assert_eq!(judged("/api/down", &[host, token, ("origin", "http://127.0.0.1:7")]), None);
    }
}
