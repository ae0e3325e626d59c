//! `countersign init`: files to begin with.

mod project;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;

/// The descriptor that is written: every key, those that are optional commented out.
pub(crate) const CORE: &str = include_str!("init/core.toml");

/// Options of `countersign init`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Init {
    #[command(subcommand)]
    what: Option<What>,

    /// The folder of the app: it has an app.json or an app_meta.json
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the description of a Core, for `countersign check --core`, with every key explained
    Core(NewFile),
}

#[derive(Debug, Args)]
struct NewFile {
    /// Where to write it; `-` for standard output. A file that is there is left as it is
    #[arg(default_value = "core.toml")]
    file: PathBuf,
}

impl Init {
    /// Writes the files.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        match &self.what {
            None => project::write(&self.dir, out),
            Some(What::Core(new)) => new.write(out),
        }
    }
}

impl NewFile {
    fn write(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let NewFile { file } = self;
        if file == Path::new("-") {
            ignoring_closed_pipe(out.write_all(CORE.as_bytes()).and_then(|()| out.flush()))?;
            return Ok(Exit::Conforms);
        }
        write_new(file, CORE)?;
        let shown = file.display();
        let told = writeln!(
            out,
            "{shown} describes a Core. Put its command and how it installs apps in, then:\n\n  \
             countersign core doctor {shown}     # does the testbed find its way with it?\n  \
             countersign check --core {shown}    # does it keep the contract?"
        );
        ignoring_closed_pipe(told)?;
        Ok(Exit::Conforms)
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), CommandFailure> {
    let created = File::create_new(file).and_then(|mut created| created.write_all(text.as_bytes()));
    created.map_err(|error| {
        let shown = file.display();
        CommandFailure::usage(match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{shown} is there already and stays as it is: give another name, or move it away")
            }
            _ => format!("{shown} can't be written: {error}"),
        })
    })
}

#[cfg(test)]
mod tests;
