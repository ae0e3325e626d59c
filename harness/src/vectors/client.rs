//! A shim as a child process: started, asked one case after the other, killed with all that it started.
//!
//! One case at a time is on its way to a child, so that it is clear whose a crash is. For more at a time there are more
//! children.

mod command;
mod lines;

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::protocol::{Answer, Hello, Request, VERSION};
pub use command::{CommandLine, CommandLineError};
use lines::{LineError, LineReader, Tail};

/// A line longer than this is no answer.
const LINE_LIMIT: usize = 16 << 20;
/// How long a shim whose output has ended may take to end itself.
const ENDING: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The command can't be run at all.
    #[error("`{command}` can't be started: {why}")]
    NotStarted {
        /// The command.
        command: String,
        /// What the system says.
        why: String,
    },
    /// It ended, or panicked, instead of answering.
    #[error("it crashed: {how}{}", standard_error(.said))]
    Crashed {
        /// How it ended.
        how: String,
        /// The end of its standard error.
        said: String,
    },
    /// It did not answer in time.
    #[error("no answer within {} s{}", .within.as_secs_f64(), standard_error(.said))]
    TooSlow {
        /// The limit.
        within: Duration,
        /// The end of its standard error.
        said: String,
    },
    /// It wrote something that is no answer to what was asked.
    #[error("{why}\nit wrote: {line}{}", standard_error(.said))]
    Garbage {
        /// What is wrong with it.
        why: String,
        /// The line, shortened.
        line: String,
        /// The end of its standard error.
        said: String,
    },
}

fn standard_error(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!("\nstandard error ends with:\n{said}") }
}

/// A shim that runs.
///
/// It has a process group of its own, which is killed when this is dropped.
#[derive(Debug)]
pub struct Shim {
    child: Child,
    group: Option<u32>,
    // Before it is waited for, standard input is closed.
    input: Option<ChildStdin>,
    output: LineReader<BufReader<ChildStdout>>,
    said: Arc<Tail>,
    listens: tokio::task::JoinHandle<()>,
}

impl Shim {
    /// Starts the command. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`Fault::NotStarted`].
    pub fn start(line: &CommandLine) -> Result<Shim, Fault> {
        let not_started = |why: String| Fault::NotStarted { command: line.to_string(), why };
        let mut command = Command::new(line.program());
        command.args(line.args()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| not_started(error.to_string()))?;
        let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(not_started("it has no standard input and output".to_owned()));
        };
        let said = Arc::new(Tail::default());
        let listens = tokio::spawn(lines::keep_tail(errors, Arc::clone(&said)));
        let output = LineReader::new(BufReader::new(output), LINE_LIMIT);
        Ok(Shim { group: child.id(), child, input: Some(input), output, said, listens })
    }

    /// Asks who it is.
    ///
    /// # Errors
    /// Whatever keeps it from a proper answer.
    pub async fn hello(&mut self, limit: Duration) -> Result<Hello, Fault> {
        let request = Request::Hello { v: VERSION, id: 0, suite: env!("CARGO_PKG_VERSION").to_owned() };
        let line = self.exchange(&to_line(&request)?, limit).await?;
        let hello: Hello = self.read(&line, "hello")?;
        if hello.id != 0 {
            return Err(self.garbage(&line, format!("hello has the id 0, its answer the id {}", hello.id)));
        }
        Ok(hello)
    }

    /// Asks for anything else.
    ///
    /// # Errors
    /// Whatever keeps it from a proper answer. The shim is of no use after that.
    pub async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Answer, Fault> {
        let line = self.exchange(&to_line(request)?, limit).await?;
        let answer: Answer = self.read(&line, "the case")?;
        let id = request.id();
        if answer.id != id {
            return Err(self.garbage(&line, format!("the case has the id {id}, the answer the id {}", answer.id)));
        }
        Ok(answer)
    }

    /// Sends a line as it is and takes the next one that comes.
    ///
    /// # Errors
    /// [`Fault::Crashed`], [`Fault::TooSlow`], or [`Fault::Garbage`] for an endless line.
    pub async fn exchange(&mut self, line: &str, limit: Duration) -> Result<Vec<u8>, Fault> {
        // Writing counts too: one that does not read fills the pipe.
        let came = timeout(limit, async {
            if let Some(input) = &mut self.input {
                // One that is gone is noticed when its answer is read.
                let _ = input.write_all(format!("{line}\n").as_bytes()).await;
                let _ = input.flush().await;
            }
            self.output.next().await
        });
        let came = came.await;
        self.came(came, limit).await
    }

    /// Takes the next line that comes, without sending one.
    ///
    /// # Errors
    /// As for [`Shim::exchange`].
    pub async fn next_line(&mut self, limit: Duration) -> Result<Vec<u8>, Fault> {
        let came = timeout(limit, self.output.next()).await;
        self.came(came, limit).await
    }

    async fn came(
        &mut self,
        came: Result<Result<Vec<u8>, LineError>, tokio::time::error::Elapsed>,
        limit: Duration,
    ) -> Result<Vec<u8>, Fault> {
        match came {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(LineError::End { rest })) => Err(self.crashed(&rest).await),
            Ok(Err(LineError::TooLong { beginning })) => {
                Err(self.garbage(&beginning, format!("a line of more than {LINE_LIMIT} bytes")))
            }
            Err(_) => Err(self.too_slow(limit)),
        }
    }

    /// Closes its standard input and waits until it has ended; kills it if it does not.
    pub async fn end(mut self) {
        self.input = None;
        let _ = timeout(ENDING, self.child.wait()).await;
    }

    /// Closes its standard input: how does it end?
    ///
    /// # Errors
    /// It does not end in time, or still writes something.
    pub async fn finish(mut self, limit: Duration) -> Result<ExitStatus, Fault> {
        self.input = None;
        match timeout(limit, self.output.next()).await {
            Ok(Err(LineError::End { rest })) if rest.is_empty() => {}
            Ok(Ok(line) | Err(LineError::End { rest: line } | LineError::TooLong { beginning: line })) => {
                return Err(self.garbage(&line, "it wrote a line that nobody has asked for".to_owned()));
            }
            Err(_) => return Err(self.too_slow(limit)),
        }
        match timeout(limit, self.child.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(Fault::Crashed { how: error.to_string(), said: self.said.text() }),
            Err(_) => Err(self.too_slow(limit)),
        }
    }

    /// The end of what it has said on standard error so far.
    pub fn said(&self) -> String {
        self.said.text()
    }

    fn read<T: serde::de::DeserializeOwned>(&self, line: &[u8], what: &str) -> Result<T, Fault> {
        serde_json::from_slice(line).map_err(|error| {
            let why = match error.classify() {
                serde_json::error::Category::Data => {
                    format!("its answer to {what} does not keep to the protocol: {error}")
                }
                _ => format!("its answer to {what} is no line of JSON: {error}"),
            };
            self.garbage(line, why)
        })
    }

    fn too_slow(&mut self, limit: Duration) -> Fault {
        self.kill();
        Fault::TooSlow { within: limit, said: self.said.text() }
    }

    fn garbage(&self, line: &[u8], why: String) -> Fault {
        Fault::Garbage { why, line: shortened(line), said: self.said.text() }
    }

    /// Its output has ended.
    async fn crashed(&mut self, rest: &[u8]) -> Fault {
        self.input = None;
        let how = match timeout(ENDING, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "its standard output is closed, but it still runs".to_owned(),
        };
        self.kill();
        // What it said last may still be on its way.
        let _ = timeout(ENDING, &mut self.listens).await;
        let how = match rest {
            [] => how,
            rest => format!("{how}, in the middle of a line: {}", shortened(rest)),
        };
        Fault::Crashed { how, said: self.said.text() }
    }

    /// The whole group, also what it has started itself.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            use rustix::process::{Signal, WaitOptions, kill_process_group, waitpid};
            // That there is nobody left is what was wanted.
            let _ = kill_process_group(group, Signal::KILL);
            // Reaped here, not only when the runtime gets to it; already reaped is as good.
            if self.child.id().is_some() {
                let _ = waitpid(Some(group), WaitOptions::empty());
            }
        }
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        self.kill();
        self.listens.abort();
    }
}

impl Request {
    /// Comes back in the answer.
    pub fn id(&self) -> u64 {
        match self {
            Request::Hello { id, .. } => *id,
            Request::Base(case)
            | Request::Sign(case)
            | Request::Verify(case)
            | Request::Digest(case)
            | Request::Accept(case) => case.id,
        }
    }
}

fn to_line(request: &Request) -> Result<String, Fault> {
    serde_json::to_string(request).map_err(|error| Fault::Garbage {
        why: format!("the request can't be written: {error}"),
        line: String::new(),
        said: String::new(),
    })
}

/// The beginning of a line, readable.
fn shortened(line: &[u8]) -> String {
    const MOST: usize = 200;
    let text = line[..line.len().min(MOST)].escape_ascii().to_string().replace("\\\"", "\"").replace("\\\\", "\\");
    if line.len() > MOST { format!("{text}… ({} bytes)", line.len()) } else { text }
}

#[cfg(test)]
mod tests;
