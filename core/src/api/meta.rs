//! Who this Portal is (ID-4).

use std::sync::Arc;

use axum::{Json, Router, routing::get};

use super::Shared;
use crate::{core::Running, identity::WhoAreYou};

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new().route("/public/meta/whoareyou", get(who_are_you))
}

async fn who_are_you(core: Shared) -> Json<WhoAreYou> {
    Json(core.identity.who_are_you(&core.parts.profile))
}
