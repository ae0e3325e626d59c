//! The list of peers (contract §2).

use std::sync::Arc;

use axum::{Json, Router, body::Body, extract::State, routing::get};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{InPath, InQuery, Shared, json};
use crate::{
    core::Running,
    peers::{Peer, PeerRef},
    profile::IdForm,
    refusal::Refusal,
};

const ALL: &str = "/protected/peers";
const ONE: &str = "/protected/peers/{id}";

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new().route(ALL, get(list).put(add)).route(ONE, get(one).delete(remove))
}

/// What an app sees of them (PEER-16): it can't change them.
pub(super) fn routes_for_apps() -> Router<Arc<Running>> {
    Router::new().route(ALL, get(list)).route(ONE, get(one))
}

#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    public_bytes_b64: Option<String>,
    is_reachable: bool,
}

impl Listed {
    /// The ID stands in the form in which apps get it with a request (PEER-17).
    fn new(peer: &Peer, form: IdForm) -> Self {
        Listed {
            id: peer.id(form).to_owned(),
            name: peer.name().to_owned(),
            public_bytes_b64: peer.public_key_pem().map(|pem| STANDARD.encode(pem)),
            is_reachable: peer.is_reachable(),
        }
    }
}

#[derive(Deserialize)]
struct Filter {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Add {
    id: String,
    name: Option<String>,
}

async fn list(State(core): Shared, InQuery(filter): InQuery<Filter>) -> Json<Vec<Listed>> {
    let form = core.parts.profile.client_id;
    Json(core.peers.list(filter.name.as_deref()).iter().map(|peer| Listed::new(peer, form)).collect())
}

async fn one(State(core): Shared, InPath(id): InPath<String>) -> Result<Json<Listed>, Refusal> {
    let peer = find(&core, &id)?;
    Ok(Json(Listed::new(&peer, core.parts.profile.client_id)))
}

/// PEER-2; then the key is asked for (PEER-6), and whether that works is told by `is_reachable`, not by the status.
async fn add(State(core): Shared, body: Body) -> Result<Json<Listed>, Refusal> {
    let add: Add = json(&core, body).await?;
    let id = PeerRef::parse(&add.id)?;
    let peers = core.peers.clone();
    let (peer, is_new) = core.blocking(move || peers.put(&id, add.name.as_deref())).await?;
    let peer = match is_new || peer.public_key_pem().is_none() {
        true => core.keys.ask(&core, &peer).await.unwrap_or(peer),
        false => peer,
    };
    Ok(Json(Listed::new(&peer, core.parts.profile.client_id)))
}

async fn remove(State(core): Shared, InPath(id): InPath<String>) -> Result<StatusCode, Refusal> {
    let id = reference(&id)?;
    let peers = core.peers.clone();
    let removed = core.blocking(move || peers.remove(&id)).await?;
    core.keys.forget(&removed);
    Ok(StatusCode::NO_CONTENT)
}

fn find(core: &Running, id: &str) -> Result<Arc<Peer>, Refusal> {
    let id = reference(id)?;
    core.peers.find(&id).one(&id)
}

/// What can't be an ID is nobody's: 404 here, where it stands in the path (PEER-4, PEER-10).
fn reference(id: &str) -> Result<PeerRef, Refusal> {
    PeerRef::parse(id).map_err(|_| Refusal::PeerUnknown { given: id.chars().take(128).collect() })
}
