//! `countersign export`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::export::{self, Export, ExportError, ExportOptions};
use crate::topology::project::Project;

/// Options of `countersign export`.
#[derive(Debug, Args)]
pub struct ExportCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the Portals of countersign.toml as a Compose file, for docker compose and for a Swarm
    #[command(after_help = HELP)]
    Compose(Compose),
}

const HELP: &str = "\
Beside the Compose file there will be a folder secrets/ with new keys and certificates, good for tests alone. Each Portal
is real: its proxy, its Core and its apps are containers, in a network of its own.

  docker compose -f FILE up -d                 on this machine
  docker stack deploy -c FILE testbed          on all machines of a Swarm; give the image's place with --registry

Exit codes:
  0  written
  2  the project can't be a Compose file, or a file can't be written";

#[derive(Debug, Args)]
struct Compose {
    /// The folder with countersign.toml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// The Compose file [default: DIR/compose/docker-compose.yml]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The registry from which several machines take the image of our own parts
    #[arg(long, value_name = "HOST:PORT")]
    registry: Option<String>,

    /// The image of our own parts [default: countersign:VERSION]
    #[arg(long, value_name = "NAME:TAG")]
    image: Option<String>,

    /// Publish the proxies at this port of the machine and those after it
    #[arg(long, value_name = "PORT")]
    publish: Option<u16>,
}

impl ExportCommand {
    /// Writes.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let What::Compose(Compose { folder, out: file, registry, image, publish }) = &self.what;
        let project = Project::read(folder).map_err(CommandFailure::usage)?;
        let options = ExportOptions { registry: registry.clone(), image: image.clone(), publish: *publish };
        let file = file.clone().unwrap_or_else(|| folder.join("compose").join("docker-compose.yml"));
        let export = written(&project, &options, &file).map_err(CommandFailure::usage)?;
        ignoring_closed_pipe(tell(out, &export, &file, registry.is_some()))?;
        Ok(Exit::Conforms)
    }
}

fn written(project: &Project, options: &ExportOptions, file: &Path) -> Result<Export, ExportError> {
    let export = export::compose(project, options)?;
    export.write(file)?;
    Ok(export)
}

fn tell(out: &mut dyn Write, export: &Export, file: &Path, pushed: bool) -> std::io::Result<()> {
    writeln!(out, "{}", file.display())?;
    for (name, domain) in &export.portals {
        writeln!(out, "  {name}  {domain}")?;
    }
    writeln!(out, "\nIt needs the image {0}: countersign image build --tag {0}", export.image)?;
    if pushed {
        writeln!(out, "                      docker push {}", export.image)?;
    }
    let file = file.display();
    writeln!(out, "Then: docker compose -f {file} up -d\n  or: docker stack deploy -c {file} testbed")
}
