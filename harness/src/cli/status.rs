//! `countersign status`

use std::io::{self, Write};

use clap::Args;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{UpArgs, runtime};
use super::up::table;
use crate::live::State;

/// Options of `countersign status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    up: UpArgs,

    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Shows it.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let (state, page) = runtime()?.block_on(async {
            let client = self.up.find().await?;
            client.state().await.map(|state| (state, client.page()))
        })?;
        let written = match self.json {
            true => {
                serde_json::to_string_pretty(&state).map_err(io::Error::from).and_then(|json| writeln!(out, "{json}"))
            }
            false => write(out, &state, &page),
        };
        ignoring_closed_pipe(written)?;
        Ok(Exit::Conforms)
    }
}

fn write(out: &mut dyn Write, state: &State, page: &str) -> io::Result<()> {
    writeln!(out, "{} is up, as process {}\n", state.folder.display(), state.pid)?;
    table::write(out, state, page)?;
    writeln!(out, "Peers:")?;
    for portal in &state.portals {
        let peers = portal.peers.iter().map(|peer| {
            let name = peer.portal.clone().unwrap_or_else(|| format!("{} ({})", peer.name, peer.id));
            if peer.is_reachable { name } else { format!("{name} (its key is not known)") }
        });
        let peers: Vec<String> = peers.collect();
        let peers = if peers.is_empty() { "nobody".to_owned() } else { peers.join(", ") };
        writeln!(out, "  {:<9} has added {peers}", portal.name)?;
    }
    Ok(())
}
