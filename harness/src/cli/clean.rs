//! `countersign clean`

use std::io::Write;

use clap::Args;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::containers::Engine;
use crate::containers::clean::{self, Leftover};

/// Options of `countersign clean`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Clean {
    /// Also what belongs to runs that go on, or of which nobody knows here whether they do
    #[arg(long)]
    all: bool,
}

const HELP: &str = "\
Takes away the containers, networks and volumes of runs whose process is gone, killed for example. All that runs make has the
label countersign.run; nothing else is touched. So volumes of apps that `countersign up --data DIR` keeps stay; they have the
label countersign.kept, with what DIR/apps/volumes says: docker volume ls --filter label=countersign.kept

Exit codes:
  0  nothing is left
  3  there is no Docker engine, or it refuses";

impl Clean {
    /// Takes away.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (taken, kept) = runtime.block_on(self.clean()).map_err(CommandFailure::harness)?;
        let said = tell(out, &taken, &kept);
        ignoring_closed_pipe(said)?;
        Ok(Exit::Conforms)
    }

    async fn clean(&self) -> Result<(Vec<Leftover>, Vec<Leftover>), crate::containers::EngineError> {
        let engine = Engine::connect().await?;
        let (mut taken, mut kept) = (Vec::new(), Vec::new());
        for leftover in clean::leftovers(&engine).await? {
            if self.all || leftover.lives == Some(false) {
                clean::run(&engine, &leftover.run).await?;
                // It may have been killed just now.
                clean::latecomers(&engine, &leftover.run).await?;
                taken.push(leftover);
            } else {
                kept.push(leftover);
            }
        }
        Ok((taken, kept))
    }
}

fn tell(out: &mut dyn Write, taken: &[Leftover], kept: &[Leftover]) -> std::io::Result<()> {
    for Leftover { run, left, .. } in taken {
        writeln!(out, "run {run}: {left} taken away")?;
    }
    for Leftover { run, lives, left, .. } in kept {
        match lives {
            Some(true) => writeln!(out, "run {run} goes on: {left}")?,
            _ => writeln!(out, "run {run} was of another machine or boot: {left}; --all takes it away, too")?,
        }
    }
    if taken.is_empty() && kept.is_empty() {
        writeln!(out, "nothing was left")?;
    }
    Ok(())
}
