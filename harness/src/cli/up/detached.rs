//! A testbed that stays up without its shell.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::interval;

use super::table;
use crate::cli::CommandFailure;
use crate::cli::check::ignoring_closed_pipe;
use crate::cli::exit::Exit;
use crate::live::client::Client;
use crate::live::run_file::RunFile;

/// What it says goes here.
const LOG: &str = "up.log";
const TICK: Duration = Duration::from_millis(20);

/// Starts this very command again, in the background, and waits until it is up.
pub(super) async fn start(folder: &Path, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
    let kept = folder.join(crate::live::FOLDER);
    let log = kept.join(LOG);
    let unusable = |error| CommandFailure::usage(format!("{}: {error}", log.display()));
    std::fs::create_dir_all(&kept).map_err(unusable)?;
    let file = File::create(&log).map_err(unusable)?;
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1).filter(|argument| argument != "--detach" && argument != "-d"));
    command.stdin(Stdio::null()).stdout(file.try_clone().map_err(unusable)?).stderr(file);
    // What is typed in this terminal is not for it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let pid = child.id();
    let mut tick = interval(TICK);
    loop {
        tokio::select! {
            biased;
            ended = child.wait() => {
                let code = ended?.code().unwrap_or_default();
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let exit = match code {
                    2 => Exit::Usage,
                    4 => Exit::Subject,
                    130 => Exit::Interrupted,
                    _ => Exit::Harness,
                };
                return Err(CommandFailure { exit, text: said.trim_end().to_owned() });
            }
            _ = tick.tick() => {
                let run = RunFile::read(folder).ok().flatten();
                if run.is_some_and(|run| Some(run.pid) == pid) {
                    break;
                }
            }
        }
    }
    let client = Client::find(folder).await?;
    let state = client.state().await?;
    let told = table::write(out, &state, &client.page()).and_then(|()| {
        writeln!(out, "\n`countersign down` ends it; what it says is in {}", log.display())?;
        out.flush()
    });
    ignoring_closed_pipe(told)?;
    Ok(Exit::Conforms)
}
