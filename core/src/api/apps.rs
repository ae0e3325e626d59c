//! Apps are installed with their manifest, listed and removed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{InPath, InQuery, Shared, whole};
use crate::{
    core::Running,
    manifest::{Manifest, Warning},
    refusal::Refusal,
};

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new().route("/protected/apps", get(list)).route("/protected/apps/{name}", put(install).delete(remove))
}

#[derive(Serialize)]
struct Installed {
    name: String,
    door: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Options {
    address: Option<String>,
}

/// The body is the manifest, verbatim; `?address=` is that of the app's container, where apps are known by it.
async fn install(
    State(core): Shared,
    InPath(name): InPath<String>,
    InQuery(options): InQuery<Options>,
    body: Body,
) -> Result<Response, Refusal> {
    let manifest = whole(&core, body).await?;
    let malformed = |_| Refusal::BodyMalformed { why: "`address` is no IP address".into() };
    let address = options.address.map(|address| address.parse::<IpAddr>()).transpose().map_err(malformed)?;
    let (state, app_name) = (core.clone(), name.clone());
    let installed = core.blocking(move || {
        let installed = state.apps.install(&app_name, &manifest)?;
        if let Some(address) = address {
            state.places.give_address(&app_name, address)?;
        }
        Ok(installed)
    });
    let (app, is_new) = installed.await?;
    let door = match core.open_door(&name).await {
        Ok(door) => door,
        Err(error) => {
            tracing::error!(app = name, %error, "the door can't be opened");
            return Err(Refusal::Busy);
        }
    };
    let installed = Installed::new(&core, &app, Some(door));
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(installed)).into_response())
}

async fn list(State(core): Shared) -> Json<Vec<Installed>> {
    let apps = core.apps.list();
    Json(apps.iter().map(|app| Installed::new(&core, app, core.doors.address(app.name()))).collect())
}

async fn remove(State(core): Shared, InPath(name): InPath<String>) -> Result<StatusCode, Refusal> {
    let (state, app_name) = (core.clone(), name.clone());
    let removed = core.blocking(move || {
        state.apps.remove(&app_name)?;
        Ok(state.places.forget(&app_name)?)
    });
    removed.await?;
    core.doors.close(&name);
    Ok(StatusCode::NO_CONTENT)
}

impl Installed {
    fn new(core: &Running, app: &Manifest, door: Option<SocketAddr>) -> Self {
        Installed {
            name: app.name().to_owned(),
            door: door.map(|door| format!("http://{door}")),
            address: core.places.find(app.name()).address,
            warnings: app.warnings().to_vec(),
        }
    }
}
