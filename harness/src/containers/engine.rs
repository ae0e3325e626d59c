//! The Docker engine.

use std::fmt;

use bollard::Docker;

/// An engine that answers. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    version: String,
}

/// Why something can't be done with containers.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers.
    #[error(
        "there is no Docker engine that answers ({0}): start one, or say with DOCKER_HOST where it is \
         (unix:///var/run/docker.sock, tcp://127.0.0.1:2375)"
    )]
    Absent(String),
    /// It refused, or failed.
    #[error("{what}: {why}")]
    Failed {
        /// What was tried.
        what: String,
        /// What is known.
        why: String,
    },
}

impl Engine {
    /// Connects to the engine that `DOCKER_HOST` names, or else the one of this machine, in a version that both speak.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn connect() -> Result<Engine, EngineError> {
        let absent = |error: bollard::errors::Error| EngineError::Absent(said(&error));
        let docker = Docker::connect_with_defaults().map_err(absent)?;
        let docker = docker.negotiate_version().await.map_err(absent)?;
        let version = docker.version().await.map_err(absent)?.version.unwrap_or_default();
        Ok(Engine { docker, version })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn docker(&self) -> &Docker {
        &self.docker
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("version", &self.version).finish_non_exhaustive()
    }
}

impl EngineError {
    /// For what was tried, what the engine said.
    pub(super) fn of(what: impl Into<String>) -> impl FnOnce(bollard::errors::Error) -> EngineError {
        let what = what.into();
        move |error| EngineError::Failed { what, why: said(&error) }
    }
}

/// That it is not there, or goes already.
pub(super) fn is_gone(error: &bollard::errors::Error) -> bool {
    use bollard::errors::Error::DockerResponseServerError;
    match error {
        DockerResponseServerError { status_code: 404, .. } => true,
        DockerResponseServerError { status_code: 409, message } => message.contains("already in progress"),
        _ => false,
    }
}

/// That it is paused, or not, as it shall be.
pub(super) fn is_so_already(error: &bollard::errors::Error) -> bool {
    use bollard::errors::Error::DockerResponseServerError;
    matches!(error, DockerResponseServerError { message, .. }
        if message.contains("already paused") || message.contains("is not paused"))
}

/// What the engine says, without what the client says about it.
fn said(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error::DockerResponseServerError;
    let mut text = match error {
        DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    if text.contains("non-overlapping IPv4 address pool") {
        text.push_str(
            "; the engine has no room for more networks: run `countersign clean`, take fewer --jobs, or give it more \
             with `default-address-pools`",
        );
    }
    text
}

/// Whether a test that needs containers can go on. Without an engine it can't, and says so; where `COUNTERSIGN_REQUIRE_DOCKER` is
/// set that is an error.
///
/// # Errors
/// There is none, and there must be one.
pub async fn for_test(what: &str) -> Result<Option<Engine>, EngineError> {
    let required =
        std::env::var_os("COUNTERSIGN_REQUIRE_DOCKER").is_some_and(|value| !value.is_empty() && value != "0");
    match Engine::connect().await {
        Ok(engine) => Ok(Some(engine)),
        Err(error) if required => Err(error),
        Err(error) => {
            use std::io::Write as _;
            // The test's own output is all there is to tell it to.
            let _ = writeln!(std::io::stderr(), "skipped: {what}: {error}");
            Ok(None)
        }
    }
}
