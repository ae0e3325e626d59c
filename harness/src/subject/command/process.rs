//! A Core as a child process: in a process group of its own, listened to, stopped, killed, reaped.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::log::{Finder, Log, listen};
use crate::subject::descriptor::Signal;

/// How long the last words of a dead process may take to arrive: a child of its own may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a killed process may take to be gone.
const GONE: Duration = Duration::from_secs(10);

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) argv: Vec<String>,
    pub(crate) directory: PathBuf,
    pub(crate) env: Vec<(String, String)>,
}

/// A process that was started. Dropped, it is killed with all that it started.
#[derive(Debug)]
pub(crate) struct Process {
    group: Option<Group>,
    ended: watch::Receiver<Option<String>>,
}

/// A task that ends with its handle.
fn spawned(work: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(work))
}

/// The process group of a child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group(#[cfg(unix)] rustix::process::Pid);

/// The child itself, kept by the task that waits for it. If that task is gone before the child, so is the child.
struct Kept {
    child: Child,
    group: Option<Group>,
    _keeper: Option<Keeper>,
}

/// Leads the process group of a child and kills it as soon as this program is gone, be it by SIGKILL: it reads from a pipe
/// that ends with this program, however that ends. Where there is no shell, children outlive a SIGKILL.
struct Keeper {
    // Killed before its pipe is closed: nobody is left then whom it could kill.
    _child: Child,
    group: Group,
}

impl Process {
    /// Starts it. To be called within a runtime.
    pub(crate) fn spawn(launch: &Launch, log: &Log, finder: &Finder) -> io::Result<Process> {
        let (program, args) =
            launch.argv.split_first().ok_or_else(|| io::Error::other("there is no program to start"))?;
        let mut command = Command::new(program);
        command.args(args).current_dir(&launch.directory).envs(launch.env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let keeper = Keeper::start();
        #[cfg(unix)]
        command.process_group(keeper.as_ref().map_or(0, |keeper| keeper.group.0.as_raw_nonzero().get()));
        let mut child = command.spawn()?;
        let group = keeper.as_ref().map(|keeper| keeper.group).or_else(|| Group::of(&child));
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let (log, finder) = (log.clone(), finder.clone());
        let (sender, ended) = watch::channel(None);
        let mut kept = Kept { child, group, _keeper: keeper };
        tokio::spawn(async move {
            let outputs = output.map(|from| spawned(listen(from, log.clone(), finder.clone())));
            let errors = errors.map(|from| spawned(listen(from, log.clone(), finder.clone())));
            let status = kept.child.wait().await;
            // What it leaves behind belongs to it.
            kept.group.take().into_iter().for_each(Group::kill);
            for words in outputs.into_iter().chain(errors) {
                let _ = timeout(LAST_WORDS, words).await;
            }
            sender.send_replace(Some(status.map_or_else(|error| error.to_string(), |status| status.to_string())));
        });
        Ok(Process { group, ended })
    }

    /// Where signals go.
    pub(crate) fn group(&self) -> Option<Group> {
        self.group
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }

    /// Waits until it has ended.
    pub(crate) async fn end(&self) -> String {
        let mut ended = self.ended.clone();
        // The sender is gone only with the runtime.
        let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
        how.unwrap_or_else(|| "ended with the testbed".to_owned())
    }

    /// SIGTERM to it and its children, and SIGKILL after that time. Whether it went by itself.
    pub(crate) async fn stop(self, within: Duration) -> bool {
        if self.ended().is_none() {
            self.group.into_iter().for_each(|group| group.tell(Signal::Term));
        }
        if timeout(within, self.end()).await.is_ok() {
            return true;
        }
        self.kill().await;
        false
    }

    /// SIGKILL to it and its children; it is gone when this returns.
    pub(crate) async fn kill(self) {
        if self.ended().is_none() {
            self.group.into_iter().for_each(Group::kill);
        }
        let _ = timeout(GONE, self.end()).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After its end the number may be another's.
        if self.ended.borrow().is_none() {
            self.group.into_iter().for_each(Group::kill);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.group.take().into_iter().for_each(Group::kill);
    }
}

impl Keeper {
    #[cfg(unix)]
    fn start() -> Option<Keeper> {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP INT TERM USR1 USR2; read -r _; kill -KILL 0"]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().ok()?;
        Some(Keeper { group: Group::of(&child)?, _child: child })
    }

    #[cfg(not(unix))]
    fn start() -> Option<Keeper> {
        None
    }
}

impl Group {
    /// That of a child which was started as the leader of one.
    #[cfg(unix)]
    pub(crate) fn of(child: &Child) -> Option<Group> {
        rustix::process::Pid::from_raw(child.id()?.cast_signed()).map(Group)
    }

    /// There are none here.
    #[cfg(not(unix))]
    pub(crate) fn of(_child: &Child) -> Option<Group> {
        None
    }

    /// Sends a signal to all of them. That there is nobody left is as good.
    #[cfg(unix)]
    pub(crate) fn tell(self, signal: Signal) {
        use rustix::process::Signal as Sent;
        let signal = match signal {
            Signal::Hup => Sent::HUP,
            Signal::Int => Sent::INT,
            Signal::Usr1 => Sent::USR1,
            Signal::Usr2 => Sent::USR2,
            Signal::Term => Sent::TERM,
        };
        let _ = rustix::process::kill_process_group(self.0, signal);
    }

    /// Nobody to tell here.
    #[cfg(not(unix))]
    pub(crate) fn tell(self, _signal: Signal) {}

    /// All of them stand still until [`Group::thaw`].
    pub(crate) fn freeze(self) {
        #[cfg(unix)]
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::STOP);
    }

    /// All of them go on.
    pub(crate) fn thaw(self) {
        #[cfg(unix)]
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::CONT);
    }

    /// Kills all of them.
    pub(crate) fn kill(self) {
        #[cfg(unix)]
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

#[cfg(unix)]
#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn shell(script: &str) -> (Process, Log) {
        let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
        let launch = Launch { argv, directory: ".".into(), env: vec![("WORD".into(), "hello".into())] };
        let log = Log::default();
        (Process::spawn(&launch, &log, &Finder::new(None)).unwrap(), log)
    }

    fn runs(pid: &str) -> bool {
        // A zombie is no longer running, it only waits for whoever started it.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// The first line of its output.
    async fn first_line(log: &Log) -> String {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        let first = async {
            loop {
                tick.tick().await;
                if let Some(line) = log.lines().first() {
                    return line.clone();
                }
            }
        };
        timeout(GONE, first).await.unwrap()
    }

    #[tokio::test]
    async fn how_it_ends_and_what_it_said_is_known() {
        let (process, log) = shell("echo $WORD; echo bad >&2; exit 3");
        assert_eq!(process.end().await, "exit status: 3");
        let mut lines = log.lines();
        lines.sort();
        assert_eq!(lines, ["bad", "hello"]);
        assert_eq!(process.ended().as_deref(), Some("exit status: 3"));
    }

    #[tokio::test]
    async fn one_that_does_not_listen_to_sigterm_is_killed() {
        let (process, log) = shell("trap '' TERM; echo $$; while :; do sleep 0.05; done");
        let pid = first_line(&log).await;
        assert!(runs(&pid));
        assert!(!process.stop(Duration::from_millis(200)).await);
        assert!(!runs(&pid));
        let (process, log) = shell("trap 'echo bye; exit 0' TERM; echo $$; while :; do sleep 0.05; done");
        first_line(&log).await;
        assert!(process.stop(GONE).await);
        assert_eq!(log.lines().last().map(String::as_str), Some("bye"));
    }

    #[tokio::test]
    async fn children_that_it_leaves_behind_go_with_it() {
        let (process, log) = shell("sleep 600 & echo $!; exit 0");
        let pid = first_line(&log).await;
        assert_eq!(process.end().await, "exit status: 0");
        gone(&pid).await;
        let (process, log) = shell("sleep 600 & echo $!; wait");
        let pid = first_line(&log).await;
        drop(process);
        gone(&pid).await;
    }

    /// Whoever adopts an orphan reaps it at some time.
    pub(crate) async fn gone(pid: &str) {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        let gone = async {
            while runs(pid) {
                tick.tick().await;
            }
        };
        timeout(GONE, gone).await.unwrap();
    }

    #[test]
    fn it_goes_with_its_runtime() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (process, pid) = runtime.block_on(async {
            let (process, log) = shell("echo $$; while :; do sleep 0.05; done");
            (process, first_line(&log).await)
        });
        runtime.shutdown_timeout(GONE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(gone(&pid));
        drop(process);
    }
}
