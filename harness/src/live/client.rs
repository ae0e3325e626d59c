//! How commands speak to the testbed that is up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use super::faults::{FaultOrder, FaultOutcome};
use super::run_file::RunFile;
use super::terminals::Paired;
use super::{CallOrder, CallOutcome, State};
use crate::wire::{Call, Channel, WireError};

/// How long an answer may take: a call may wait for a peer that is slow.
const WITHIN: Duration = Duration::from_secs(120);

/// A testbed that is up.
#[derive(Debug, Clone)]
pub struct Client {
    run: RunFile,
    folder: PathBuf,
}

/// Why it does not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is none.
    #[error("nothing is up in {folder}: start it with `countersign up`", folder = .0.display())]
    NotUp(PathBuf),
    /// What is known about it can't be read.
    #[error("{path}: {source}; if nothing is up, remove it", path = .path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is there and does not answer.
    #[error("the testbed (process {pid}) does not answer: {source}")]
    Silent {
        /// The process.
        pid: u32,
        /// What came of it.
        source: WireError,
    },
    /// It said no.
    #[error("{reason}")]
    Refused {
        /// The status.
        status: u16,
        /// Why.
        reason: String,
    },
}

impl Client {
    /// The testbed of the project in this folder. One that has gone without a word is noticed, and its file removed.
    ///
    /// # Errors
    /// When nothing is up.
    pub async fn find(folder: &Path) -> Result<Client, ClientError> {
        let unreadable = |source| ClientError::RunFile { path: RunFile::path(folder), source };
        let Some(run) = RunFile::read(folder).map_err(unreadable)? else {
            return Err(ClientError::NotUp(folder.to_owned()));
        };
        let client = Client { run, folder: folder.to_owned() };
        match TcpStream::connect(client.run.control).await {
            Ok(_) => Ok(client),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                client.run.forget(folder);
                Err(ClientError::NotUp(folder.to_owned()))
            }
            Err(error) => {
                let source = WireError::Connect { to: client.run.control, source: error };
                Err(ClientError::Silent { pid: client.run.pid, source })
            }
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.run.pid
    }

    /// The folder of its project.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of its page, with what that needs to know.
    pub fn page(&self) -> String {
        format!("http://{}/#token={}", self.run.control, self.run.token)
    }

    /// How it is.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn state(&self) -> Result<State, ClientError> {
        self.ask(Call::get("/api/state")).await
    }

    /// Lets an app call a peer.
    ///
    /// # Errors
    /// When it can't, or no whole answer came.
    pub async fn call(&self, order: &CallOrder) -> Result<CallOutcome, ClientError> {
        self.post("/api/call", order).await
    }

    /// The faults that are on.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn faults(&self) -> Result<Vec<String>, ClientError> {
        Ok(self.state().await?.faults)
    }

    /// Puts a fault on, or takes some off.
    ///
    /// # Errors
    /// When it can't, or does not answer.
    pub async fn fault(&self, order: &FaultOrder) -> Result<FaultOutcome, ClientError> {
        self.post("/api/fault", order).await
    }

    /// Pairs a terminal.
    ///
    /// # Errors
    /// When there is no such Portal or app, or its Core does not pair it.
    pub async fn terminal(&self, portal: &str, app: Option<&str>) -> Result<Paired, ClientError> {
        let app = app.map(|app| format!("?app={app}")).unwrap_or_default();
        self.ask(Call::get(format!("/api/terminal/{portal}{app}"))).await
    }

    /// Asks for its end.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn down(&self) -> Result<(), ClientError> {
        self.reply(Call::new("POST", "/api/down")).await.map(drop)
    }

    /// Posts something as JSON, and reads JSON.
    ///
    /// # Errors
    /// When it does not answer, or says no.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, what: &impl Serialize) -> Result<T, ClientError> {
        let body = serde_json::to_value(what).map_err(|error| self.malformed(error))?;
        self.ask(Call::new("POST", path).json(&body)).await
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let body = self.reply(call).await?;
        serde_json::from_slice(&body).map_err(|error| self.malformed(error))
    }

    async fn reply(&self, call: Call) -> Result<bytes::Bytes, ClientError> {
        let silent = |source| ClientError::Silent { pid: self.run.pid, source };
        let control = self.run.control;
        let stream = TcpStream::connect(control).await;
        let stream = stream.map_err(|source| silent(WireError::Connect { to: control, source }))?;
        let call = call.field("Authorization", format!("Bearer {}", self.run.token)).within(WITHIN);
        let reply = Channel::new(stream).exchange(&call, &control.to_string()).await.map_err(silent)?;
        if (200..300).contains(&reply.status) {
            return Ok(reply.body);
        }
        let reason = reply.json().and_then(|body| Some(body["reason"].as_str()?.to_owned()));
        Err(ClientError::Refused { status: reply.status, reason: reason.unwrap_or_else(|| reply.text()) })
    }

    fn malformed(&self, error: serde_json::Error) -> ClientError {
        ClientError::Silent { pid: self.run.pid, source: WireError::Malformed(error.to_string()) }
    }
}
