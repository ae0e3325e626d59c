//! Doing to a Core what its descriptor says: a request, a command, a file, a signal.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use super::command::process::Group;
use super::descriptor::{Connections, Hook, Signal, Template, TemplateError, Values};
use super::namespace::{Namespace, NamespaceError};
use super::surface::Surface;
use crate::containers::Container;
use crate::testbed::client::connect;
use crate::wire::{Call, Channel, Reply, WireError};

/// How long a command may take unless the descriptor says otherwise.
const COMMAND: Duration = Duration::from_secs(30);
/// So much of what a command says is shown.
const SHOWN: usize = 2000;

/// What it takes to do something to a Core. Cheap to clone; good until the Core is started again.
#[derive(Debug, Clone)]
pub struct Hands {
    pub(super) surface: Surface,
    pub(super) values: Values,
    /// Where commands run.
    pub(super) directory: Option<PathBuf>,
    /// Where signals go, where the testbed started it.
    pub(super) body: Option<Body>,
    /// The address of the container in which it is.
    pub(super) inside: Option<IpAddr>,
    /// Where it lives, if that is not here.
    pub(super) namespace: Option<Arc<Namespace>>,
}

/// What a Core is that the testbed started.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// Processes of this machine.
    Processes(Group),
    /// A container.
    Container(Arc<Container>),
}

/// What came of it.
#[derive(Debug)]
pub enum Done {
    /// The Core answered.
    Reply(Box<Reply>),
    /// A command ended.
    Ended {
        /// With 0.
        well: bool,
        /// What it wrote to standard output.
        output: String,
        /// What it wrote to standard error.
        errors: String,
    },
    /// It is done; nobody says more.
    Silently,
}

/// It could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// No answer.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A template can't be filled in.
    #[error("template {0}")]
    Template(#[from] TemplateError),
    /// A command can't be run, or does not come to its end.
    #[error("`{command}`: {why}")]
    Command {
        /// The command.
        command: String,
        /// What is known.
        why: String,
    },
    /// A file can't be written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

impl Hands {
    /// Those of a Core that others run, or that runs within this process.
    pub fn at(surface: Surface, values: Values) -> Hands {
        Hands { surface, values, directory: None, body: None, inside: None, namespace: None }
    }

    /// How the Core is spoken to.
    pub fn surface(&self) -> &Surface {
        &self.surface
    }

    /// The values of this Core.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Where an address that the Core tells is reached from here.
    ///
    /// # Errors
    /// When there is no socket to lead there.
    pub async fn reach(&self, told: SocketAddr) -> Result<SocketAddr, NamespaceError> {
        match (&self.namespace, self.inside) {
            (Some(namespace), _) => namespace.reach(told).await,
            (None, Some(inside)) => Ok(SocketAddr::new(inside, told.port())),
            (None, None) => Ok(told),
        }
    }

    /// Does it. The Core listens at `core`.
    ///
    /// # Errors
    /// When it can't be done; that the Core or a command refuses is no error.
    pub async fn perform(&self, hook: &Hook, values: &Values, core: SocketAddr) -> Result<Done, HookError> {
        match hook {
            Hook::Http { method, target, body } => {
                let mut call = Call::new(*method, target.render(values)?);
                if let Some(body) = body {
                    call = call.field("content-type", "application/json").body(body.render(values)?);
                }
                let reply = self.exchange(call, core).await?;
                Ok(Done::Reply(Box::new(reply)))
            }
            Hook::Command(argv) => self.command(argv, values).await,
            Hook::File { path, text } => {
                let (path, text) = (PathBuf::from(path.render(values)?), text.render(values)?);
                let path = match values.text("core", "data_dir") {
                    Some(folder) => Path::new(folder).join(path),
                    None => path,
                };
                write(&path, &text).map_err(|source| HookError::File { path, source })?;
                Ok(Done::Silently)
            }
            Hook::Signal(signal) => {
                self.tell(*signal).await?;
                Ok(Done::Silently)
            }
        }
    }

    async fn tell(&self, signal: Signal) -> Result<(), HookError> {
        match &self.body {
            Some(Body::Processes(group)) => group.tell(signal),
            Some(Body::Container(container)) => {
                let name = Signal::ALL.iter().find(|(_, known)| *known == signal).map_or("SIGTERM", |(name, _)| name);
                container.tell(name).await.map_err(|error| HookError::Refused(error.to_string()))?;
            }
            None => {}
        }
        Ok(())
    }

    /// The same; that the Core or a command refuses is an error too.
    ///
    /// # Errors
    /// When it is not done.
    pub async fn insist(&self, hook: &Hook, values: &Values, core: SocketAddr) -> Result<(), HookError> {
        match self.perform(hook, values, core).await? {
            Done::Reply(reply) if !(200..300).contains(&reply.status) => {
                let body: String = reply.text().chars().take(SHOWN).collect();
                Err(HookError::Refused(format!("the Core answered {} {body}", reply.status)))
            }
            Done::Ended { well: false, errors, output } => {
                let said = if errors.trim().is_empty() { output } else { errors };
                Err(HookError::Refused(format!("the command failed: {}", said.trim())))
            }
            _ => Ok(()),
        }
    }

    /// One request to the Core, as it wants to be spoken to.
    pub(crate) async fn exchange(&self, mut call: Call, core: SocketAddr) -> Result<Reply, WireError> {
        if self.surface.connections == Connections::Close && !call.fields().contains("connection") {
            call = call.field("Connection", "close");
        }
        let target = self.surface.target(call.target());
        let call = call.with_target(target).patient(self.surface.answer);
        Channel::new(connect(core).await?).exchange(&call, &self.surface.internal_host).await
    }

    async fn command(&self, argv: &[Template], values: &Values) -> Result<Done, HookError> {
        let argv: Vec<String> = argv.iter().map(|part| part.render(values)).collect::<Result<_, _>>()?;
        let shown = argv.join(" ");
        let failed = |why: String| HookError::Command { command: shown.clone(), why };
        let (program, args) = argv.split_first().ok_or_else(|| failed("it is empty".to_owned()))?;
        let mut command = tokio::process::Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let group = Group::of(&child);
        let within = self.surface.answer.unwrap_or(COMMAND);
        let ended = tokio::time::timeout(within, child.wait_with_output()).await;
        let Ok(ended) = ended else {
            group.into_iter().for_each(Group::kill);
            return Err(failed(format!("it did not end within {within:?}")));
        };
        let ended = ended.map_err(|error| failed(error.to_string()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Done::Ended { well: ended.status.success(), output: text(&ended.stdout), errors: text(&ended.stderr) })
    }
}

/// Writes a file so that nobody sees half of it.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    // Whoever a container runs as may read it; others don't get into the folder for temporary files.
    #[cfg(unix)]
    file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
