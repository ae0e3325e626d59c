//! `countersign down`

use std::io::Write;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{UpArgs, runtime};
use crate::live::client::ClientError;
use crate::live::run_file::RunFile;

/// How long the end may take.
const WITHIN: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(20);

/// Options of `countersign down`.
#[derive(Debug, Args)]
pub struct Down {
    #[command(flatten)]
    up: UpArgs,
}

impl Down {
    /// Ends what is up, and waits until it is gone. That nothing is up is as good.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let told = runtime()?.block_on(self.end())?;
        ignoring_closed_pipe(writeln!(out, "{told}"))?;
        Ok(Exit::Conforms)
    }

    async fn end(&self) -> Result<String, CommandFailure> {
        let client = match self.up.find().await {
            Ok(client) => client,
            Err(ClientError::NotUp(folder)) => return Ok(format!("nothing is up in {}", folder.display())),
            Err(error) => return Err(error.into()),
        };
        let run = RunFile::read(client.folder())?;
        client.down().await?;
        let mut tick = interval(TICK);
        let gone = async {
            loop {
                tick.tick().await;
                let there = match &run {
                    Some(run) => TcpStream::connect(run.control).await.is_ok(),
                    None => false,
                };
                if !there && RunFile::read(client.folder()).is_ok_and(|now| now != run) {
                    return;
                }
            }
        };
        let slow = || CommandFailure::harness(format!("process {} is not gone after {WITHIN:?}", client.pid()));
        timeout(WITHIN, gone).await.map_err(|_| slow())?;
        Ok("it is down".to_owned())
    }
}
