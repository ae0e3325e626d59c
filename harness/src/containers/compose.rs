//! Docker Compose, which starts what consists of several containers.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use bollard::query_parameters::ListContainersOptionsBuilder;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::container::{Container, Started};
use super::engine::EngineError;
use super::run::Run;
use crate::subject::command::{Group, Log};

/// The ways to call it: as a plugin, or as a program of its own.
const PROGRAMS: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
/// So much of what it says is told when it fails, in bytes.
const TOLD: usize = 2000;

/// What is started.
pub(super) struct Order<'a> {
    /// The Compose file.
    pub(super) file: Value,
    pub(super) project: &'a str,
    /// To which paths refer.
    pub(super) folder: &'a Path,
    /// The service that comes first in what is returned.
    pub(super) first: &'a str,
}

/// Starts all services of a Compose file, and keeps what they say.
pub(super) async fn up(run: &Arc<Run>, order: Order<'_>, log: &Log) -> Result<Vec<Started>, EngineError> {
    let failed =
        |why: String| EngineError::Failed { what: format!("docker compose up in {}", order.folder.display()), why };
    let program = program().await.ok_or_else(|| failed("there is no Docker Compose: install it".to_owned()))?;
    let folder = order.folder.display().to_string();
    let words = ["--project-name", order.project, "--project-directory", &folder, "--file", "-", "up", "--detach"];
    let output = run.asked(said(program, &words, &order.file)).await.map_err(|error| failed(error.to_string()))?;
    // What was started is known to the run by its labels, also where not all was.
    let containers = containers(run, order.project).await?;
    if !output.status.success() {
        for container in containers {
            drop(container.container.remove().await);
        }
        return Err(failed(end_of(&output.stderr)));
    }
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for Service { name, container } in containers {
        let started = container.follow(log).await?;
        if name == order.first { first.push(started) } else { others.push(started) }
    }
    first.append(&mut others);
    match first.is_empty() {
        true => Err(failed("no container was made".to_owned())),
        false => Ok(first),
    }
}

struct Service {
    name: String,
    container: Arc<Container>,
}

/// The containers of a project.
async fn containers(run: &Arc<Run>, project: &str) -> Result<Vec<Service>, EngineError> {
    let label = format!("com.docker.compose.project={project}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = run.engine().docker().list_containers(Some(options)).await;
    let found = found.map_err(EngineError::of(format!("listing the containers of {project}")))?;
    let services = found.into_iter().filter_map(|found| {
        let name = found.labels?.remove("com.docker.compose.service")?;
        let container = Container::made(run, found.id?, format!("{project}, {name}"));
        Some(Service { name, container: Arc::new(container) })
    });
    Ok(services.collect())
}

/// The first that is there.
async fn program() -> Option<&'static [&'static str]> {
    for program in PROGRAMS {
        let asked = Command::new(program[0])
            .args(&program[1..])
            .arg("version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if asked.await.is_ok_and(|status| status.success()) {
            return Some(program);
        }
    }
    None
}

/// Runs it with the Compose file as its input. Dropped before it has ended, it is killed with all that it started: it may be
/// about to fetch images for a long time.
async fn said(program: &[&str], words: &[&str], file: &Value) -> std::io::Result<Output> {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(words).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut running = Running(Group::of(&child));
    if let Some(mut input) = child.stdin.take() {
        // Where it does not read to the end, it says why.
        drop(input.write_all(file.to_string().as_bytes()).await);
    }
    let output = child.wait_with_output().await;
    // Its number may be another's from now on.
    running.0 = None;
    output
}

/// The processes of a command that has not ended.
struct Running(Option<Group>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Group::kill);
    }
}

fn end_of(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let text = text.trim();
    let from = (text.len().saturating_sub(TOLD)..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    if text.is_empty() { "it said nothing".to_owned() } else { text[from..].to_owned() }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::Poll;

    use super::said;
    use crate::subject::command::gone;

    #[tokio::test]
    async fn dropped_before_it_has_ended_it_is_gone_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let told = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! >{0}.new; mv {0}.new {0}; wait", told.display());
        let child = {
            let program = ["sh", "-c", &script];
            let mut running = pin!(said(&program, &[], &serde_json::Value::Null));
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
            loop {
                std::future::poll_fn(|context| {
                    assert!(running.as_mut().poll(context).is_pending(), "it ended");
                    Poll::Ready(())
                })
                .await;
                if let Ok(pid) = std::fs::read_to_string(&told) {
                    break pid;
                }
                tick.tick().await;
            }
        };
        gone(child.trim()).await;
    }
}
