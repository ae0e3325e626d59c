//! The owner's devices: paired with a code, listed, revoked (contract §3).

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::{StatusCode, header};
use serde::Deserialize;

use super::{InPath, InQuery, Shared, json};
use crate::{
    core::Running,
    refusal::Refusal,
    terminals::{PairingCode, Terminal},
};

/// How long a pairing code counts where nothing is said, in seconds.
const DEADLINE: u64 = 600;

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new()
        .route("/protected/terminals/pairing-code", get(pairing_code))
        .route("/public/pair/terminal", post(pair))
        .route("/protected/terminals", get(list))
        .route("/protected/terminals/{id}", delete(revoke))
}

#[derive(Deserialize)]
struct Deadline {
    deadline: Option<u64>,
}

#[derive(Deserialize)]
struct Code {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Device {
    name: String,
}

async fn pairing_code(
    State(core): Shared,
    InQuery(Deadline { deadline }): InQuery<Deadline>,
) -> Result<(StatusCode, Json<PairingCode>), Refusal> {
    Ok((StatusCode::CREATED, Json(core.terminals.pairing_code(deadline.unwrap_or(DEADLINE))?)))
}

async fn pair(State(core): Shared, InQuery(Code { code }): InQuery<Code>, body: Body) -> Result<Response, Refusal> {
    let device: Device = json(&core, body).await?;
    let terminals = core.terminals.clone();
    let paired = core.blocking(move || terminals.pair(&code.unwrap_or_default(), &device.name)).await?;
    let profile = &core.parts.profile;
    let cookie = format!(
        "{}={}; Domain={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Lax",
        profile.cookie,
        paired.jwt,
        profile.domain(core.identity.id().short()),
        profile.cookie_seconds
    );
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(paired.terminal)).into_response())
}

async fn list(State(core): Shared) -> Json<Vec<Terminal>> {
    Json(core.terminals.list())
}

async fn revoke(State(core): Shared, InPath(id): InPath<String>) -> Result<StatusCode, Refusal> {
    let terminals = core.terminals.clone();
    core.blocking(move || terminals.revoke(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
