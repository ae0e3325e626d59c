//! `countersign image`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::containers::elf::StaticProgram;
use crate::containers::image::{self, ImageError};
use crate::containers::{Engine, EngineError};

/// Options of `countersign image`.
#[derive(Debug, Args)]
pub struct ImageCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build the image of our own parts: this program, and nothing around it
    #[command(after_help = BUILD_HELP)]
    Build(Build),
}

const BUILD_HELP: &str = "\
The program must be static: it is alone in the image. `.ci/static` builds one. No registry is needed.

Exit codes:
  0  built
  2  the program is not static, or can't be read
  3  there is no Docker engine, or it refuses";

#[derive(Debug, Args)]
struct Build {
    /// The name of the image, with its tag [default: countersign:VERSION]
    #[arg(long, short, value_name = "NAME:TAG")]
    tag: Option<String>,

    /// The program [default: this one]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

impl ImageCommand {
    /// Builds.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let What::Build(Build { tag, binary }) = &self.what;
        let program = match binary {
            Some(file) => StaticProgram::read(file),
            None => StaticProgram::own(),
        };
        let program = program.map_err(CommandFailure::usage)?;
        let name = tag.clone().unwrap_or_else(image::default_name);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let built = runtime.block_on(async {
            let engine = Engine::connect().await?;
            image::build(&engine, &program, &name).await
        });
        let built = built.map_err(failure)?;
        ignoring_closed_pipe(writeln!(out, "{}: {} bytes", built.name, built.size))?;
        Ok(Exit::Conforms)
    }
}

/// Whose fault it is.
fn failure(error: ImageError) -> CommandFailure {
    match error {
        ImageError::Engine(EngineError::Absent(_) | EngineError::Failed { .. }) => CommandFailure::harness(error),
        _ => CommandFailure::usage(error),
    }
}
