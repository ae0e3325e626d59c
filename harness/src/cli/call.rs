//! `countersign call`

mod told;

use std::io::{self, Write};
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{UpArgs, runtime};
use crate::live::client::ClientError;
use crate::live::{CallError, CallOrder, CallOutcome, Live, LiveOptions, State};
use crate::printable::printable;
use crate::testbed::real_app::Feed;
use crate::testbed::until_interrupted;

const HELP: &str = "\
  countersign call alice guestbook bob /peers/entries
  countersign call alice guestbook bob /peers/entries -d '{\"text\": \"hello\"}' -H 'Content-Type: application/json'

If nothing is up, the Portals and apps of countersign.toml are started for this call.

Exit codes:
  0  there was an answer, be it a refusal
  2  wrong usage, or no such Portal or app
  3  the testbed is at fault, or no whole answer came
  4  an app or a Core did not start";

/// Options of `countersign call`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct CallCommand {
    /// The Portal whose app calls
    portal: String,

    /// The app that calls
    app: String,

    /// Who is called: the name of a Portal, or an ID as it goes to the Core
    peer: String,

    /// Path and query there
    path: String,

    /// The method [default: GET, or POST with --data]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<String>,

    /// The body; @FILE for the content of a file
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,

    /// A field, as often as wanted: 'Name: value'
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = field)]
    fields: Vec<(String, String)>,

    /// All of it as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    up: UpArgs,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl CallCommand {
    /// Makes the call and shows what happened.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let order = self.order()?;
        let runtime = runtime()?;
        let called = runtime.block_on(until_interrupted(async {
            match self.up.find().await {
                Ok(client) => {
                    let state = client.state().await?;
                    Ok((client.call(&order).await?, state))
                }
                Err(ClientError::NotUp(_)) => self.alone(&order).await,
                Err(error) => Err(error.into()),
            }
        }));
        let (outcome, state) = called.map_err(CommandFailure::interrupted)??;
        let written = match self.json {
            true => {
                serde_json::to_string_pretty(&outcome).map_err(io::Error::from).and_then(|json| writeln!(out, "{json}"))
            }
            false => {
                let mut shown = Vec::new();
                let told = told::write(&mut shown, &outcome, &state).and_then(|()| body(&mut shown, &outcome));
                told.and_then(|()| out.write_all(printable(&String::from_utf8_lossy(&shown)).as_bytes()))
            }
        };
        ignoring_closed_pipe(written.and_then(|()| out.flush()))?;
        Ok(Exit::Conforms)
    }

    /// Starts all of the project for this one call.
    async fn alone(&self, order: &CallOrder) -> Result<(CallOutcome, State), CommandFailure> {
        let project = self.up.read()?;
        ignoring_closed_pipe(writeln!(io::stderr(), "nothing is up: all is started for this call alone"))?;
        // A port of its own: an `up` that comes meanwhile shall have the usual one.
        let live = Live::start(project, LiveOptions { port: Some(0), data: None }, Feed::new()).await?;
        let called = live.call(order).await;
        let state = live.state().await;
        live.shutdown().await.map_err(CommandFailure::harness)?;
        match called {
            Ok(outcome) => Ok((outcome, state)),
            Err(error @ (CallError::Unknown(_) | CallError::Bad(_))) => Err(CommandFailure::usage(error)),
            Err(error @ CallError::Wire(_)) => Err(CommandFailure::harness(error)),
        }
    }

    fn order(&self) -> Result<CallOrder, CommandFailure> {
        let body = match &self.data {
            None => None,
            Some(data) => Some(match data.strip_prefix('@').map(PathBuf::from) {
                Some(file) => std::fs::read(&file)
                    .map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))?,
                None => data.clone().into_bytes(),
            }),
        };
        let usual = if body.is_some() { "POST" } else { "GET" };
        Ok(CallOrder {
            portal: self.portal.clone(),
            app: self.app.clone(),
            peer: self.peer.clone(),
            path: self.path.clone(),
            method: self.method.clone().unwrap_or_else(|| usual.to_owned()),
            fields: self.fields.clone(),
            body_b64: body.map(|body| BASE64_STANDARD.encode(body)),
        })
    }
}

/// The body of the answer, where it is text.
fn body(out: &mut dyn Write, outcome: &CallOutcome) -> io::Result<()> {
    let body = BASE64_STANDARD.decode(&outcome.body_b64).unwrap_or_default();
    match String::from_utf8(body) {
        Ok(text) if text.is_empty() => Ok(()),
        Ok(text) => writeln!(out, "\n{}", text.trim_end()),
        Err(_) => writeln!(out, "\n({} bytes that are no text)", outcome.length),
    }
}
