//! What the proxy asks (AUTH-1, TERM-5); never reachable from outside.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};

use super::Shared;
use crate::{auth, core::Running};

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new()
        .route("/internal/auth", get(auth))
        .route("/internal/authenticate_terminal", get(authenticate_terminal))
}

async fn auth(State(core): Shared, question: Request) -> Response {
    let (head, _) = question.into_parts();
    match auth::authorize(&core, &head).await {
        Ok(fields) => (fields, ()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn authenticate_terminal(State(core): Shared, question: Request) -> Response {
    let (head, _) = question.into_parts();
    match auth::authenticate_terminal(&core, &head.headers) {
        Ok(fields) => (fields, ()).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}
