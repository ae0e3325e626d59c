//! `countersign up`

mod detached;
pub(super) mod table;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{ProjectArgs, runtime};
use super::signals::Signals;
use crate::live::client::Client;
use crate::live::control::Control;
use crate::live::run_file::RunFile;
use crate::live::{Live, LiveOptions};
use crate::subject::Place;
use crate::testbed::real_app::{Feed, News};

const HELP: &str = "\
Exit codes:
  0  it was up, and was ended: by Ctrl-C, a signal, or `countersign down`
  2  wrong usage, a mistake in countersign.toml or a manifest, or a port that is taken
  3  the testbed is at fault
  4  an app or a Core did not start
  130  ended by Ctrl-C before it was up";

/// Options of `countersign up`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Up {
    #[command(flatten)]
    project: ProjectArgs,

    /// The port under which browsers reach all Portals [default: that of countersign.toml, or 8443, or one that is free]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// Keep identities, peers, terminals and what apps in containers write in this folder, and take them from it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Where the Cores are
    #[arg(long = "in", value_name = "PLACE", value_enum, default_value_t)]
    place: Place,

    /// Give the shell back once it is up; `countersign down` ends it
    #[arg(long, short)]
    detach: bool,
}

impl Up {
    /// Starts all, and waits for its end.
    pub(super) fn run(&self) -> Result<Exit, CommandFailure> {
        let project = self.project.read()?.in_place(self.place);
        let runtime = runtime()?;
        if let Ok(client) = runtime.block_on(Client::find(self.project.folder())) {
            return Err(CommandFailure::usage(format!(
                "it is up already (process {}): `countersign status` shows it, `countersign down` ends it",
                client.pid()
            )));
        }
        if self.detach {
            return runtime.block_on(detached::start(self.project.folder(), &mut io::stdout()));
        }
        super::check::log(0);
        runtime.block_on(self.stay(project))
    }

    async fn stay(&self, project: crate::topology::project::Project) -> Result<Exit, CommandFailure> {
        let mut signals = Signals::listen()?;
        let feed = Feed::new();
        let mut news = feed.listen();
        let options = LiveOptions { port: self.port, data: self.data.clone() };
        let live = {
            let mut starting = std::pin::pin!(Live::start(project, options, feed));
            loop {
                tokio::select! {
                    biased;
                    live = &mut starting => break live?,
                    signal = signals.next() => {
                        return Err(CommandFailure::interrupted(format!("ended by {signal} before it was up")));
                    }
                    Ok(one) = news.recv() => tell(&one)?,
                }
            }
        };
        let live = Arc::new(live);
        let control = Control::start(Arc::clone(&live)).await?;
        let run = RunFile { pid: std::process::id(), control: control.address(), token: control.token().to_owned() };
        let written = run.write(self.project.folder());
        let written = written.map_err(|error| CommandFailure::usage(format!("{}: {error}", crate::live::FOLDER)))?;
        let state = live.state().await;
        ignoring_closed_pipe(table::write(&mut io::stdout(), &state, &control.page()).and_then(|()| {
            let ends = "Ctrl-C ends it, and all that it started.";
            writeln!(io::stdout(), "\n{ends}")?;
            io::stdout().flush()
        }))?;
        let why = wait(&live, &mut signals, &mut news).await?;
        // With standard error gone, it ends all the same.
        let _ = writeln!(io::stderr(), "{why}: ending the apps, then the Portals");
        let ended = tokio::select! {
            ended = live.shutdown() => ended,
            _ = signals.next() => return Err(CommandFailure::interrupted("ended at once")),
        };
        drop((control, written));
        ended.map_err(CommandFailure::harness)?;
        Ok(Exit::Conforms)
    }
}

/// Tells what happens until somebody wants the end: who.
async fn wait(live: &Live, signals: &mut Signals, news: &mut Receiver<News>) -> Result<&'static str, CommandFailure> {
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => return Ok(signal),
            () = live.ending() => return Ok("countersign down"),
            one = news.recv() => match one {
                Ok(one) => tell(&one)?,
                Err(RecvError::Lagged(lost)) => ignoring_closed_pipe(writeln!(io::stderr(), "({lost} lines left out)"))?,
                Err(RecvError::Closed) => {}
            },
        }
    }
}

/// One line of news, on standard error: standard output is for the table.
fn tell(news: &News) -> io::Result<()> {
    ignoring_closed_pipe(writeln!(io::stderr(), "{}", table::told(news)))
}
