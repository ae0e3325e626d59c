//! A library that is asked: a child that is started again after a crash, or one in this process.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::time::timeout;

use crate::vectors::client::{CommandLine, CommandLineError, Fault, Shim};
use crate::vectors::protocol::{Answer, Hello, Request};
use crate::vectors::shim::{self, Subject};

/// What is tested.
#[derive(Clone)]
pub enum Target {
    /// In this process, under its name.
    BuiltIn(String, Arc<dyn Subject>),
    /// A shim.
    Command(CommandLine),
}

/// What was given names nothing that can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(#[from] CommandLineError);

impl Target {
    /// A name of one that is built in (`core`, `httpsig`), or a command.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        match shim::built_in(text.trim()) {
            Some(subject) => Ok(Target::BuiltIn(text.trim().to_owned(), subject)),
            None => Ok(Target::Command(text.parse()?)),
        }
    }

    /// `built-in` or `process`.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::BuiltIn(..) => "built-in",
            Target::Command(_) => "process",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::BuiltIn(name, _) => f.pad(name),
            Target::Command(command) => f.pad(&command.to_string()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Asks a target, one case after the other.
pub(super) struct Session {
    target: Target,
    start_within: Duration,
    /// What it said first: it must say the same each time it is started.
    said: Option<Hello>,
    running: Option<Shim>,
    /// Why it could not be started again: it is not tried for every case that is left.
    lost: Option<Fault>,
}

impl Session {
    pub(super) fn new(target: Target, start_within: Duration, said: Option<Hello>) -> Session {
        Session { target, start_within, said, running: None, lost: None }
    }

    /// Who is it?
    pub(super) async fn hello(&mut self) -> Result<Hello, Fault> {
        let hello = match &self.target {
            Target::BuiltIn(_, subject) => {
                let subject = Arc::clone(subject);
                within(self.start_within, move || subject.hello()).await?
            }
            Target::Command(command) => {
                let mut shim = Shim::start(command)?;
                let hello = shim.hello(self.start_within).await?;
                self.running = Some(shim);
                hello
            }
        };
        self.said = Some(hello.clone());
        Ok(hello)
    }

    pub(super) async fn ask(&mut self, request: &Request, limit: Duration) -> Result<Answer, Fault> {
        let command = match &self.target {
            Target::BuiltIn(_, subject) => {
                let (subject, request) = (Arc::clone(subject), request.clone());
                return within(limit, move || subject.answer(&request)).await;
            }
            Target::Command(command) => command,
        };
        if let Some(fault) = &self.lost {
            return Err(fault.clone());
        }
        let mut shim = match self.running.take() {
            Some(shim) => shim,
            None => match start_again(command, self.start_within, self.said.as_ref()).await {
                Ok(shim) => shim,
                Err(why) => {
                    let fault = Fault::NotStarted { command: command.to_string(), why };
                    self.lost = Some(fault.clone());
                    return Err(fault);
                }
            },
        };
        let answer = shim.ask(request, limit).await;
        // After a fault nobody knows what it will say next: the next case gets a new one.
        if answer.is_ok() {
            self.running = Some(shim);
        }
        answer
    }

    pub(super) async fn end(self) {
        if let Some(shim) = self.running {
            shim.end().await;
        }
    }
}

async fn start_again(command: &CommandLine, limit: Duration, said: Option<&Hello>) -> Result<Shim, String> {
    let mut shim = Shim::start(command).map_err(|fault| fault.to_string())?;
    let hello = shim.hello(limit).await.map_err(|fault| fault.to_string())?;
    if said.is_some_and(|said| *said != hello) {
        return Err("started again, it says something else of itself than the first time".to_owned());
    }
    Ok(shim)
}

/// Calls within a time; a panic is a crash.
async fn within<T: Send + 'static>(limit: Duration, call: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let called = tokio::task::spawn_blocking(move || {
        PANIC.with_borrow_mut(|panic| *panic = Some(String::new()));
        let result = panic::catch_unwind(AssertUnwindSafe(call));
        let place = PANIC.with_borrow_mut(Option::take).unwrap_or_default();
        result.map_err(|panic| format!("{}{place}", message(&*panic)))
    });
    let crashed = |how| Fault::Crashed { how, said: String::new() };
    match timeout(limit, called).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(panic))) => Err(crashed(format!("it panicked: {panic}"))),
        Ok(Err(error)) => Err(crashed(error.to_string())),
        Err(_) => Err(Fault::TooSlow { within: limit, said: String::new() }),
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}

thread_local! {
    /// Within a call of [`within`]: where a panic was.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic of a subject is part of the report, not a message of this program.
pub(super) fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let of_subject = PANIC.with_borrow_mut(|said| {
                let place = info.location().map(|place| format!(" (at {place})")).unwrap_or_default();
                said.as_mut().map(|said| *said = place).is_some()
            });
            if !of_subject {
                before(info);
            }
        }));
    });
}
