//! Talking to the shim, and judging what it says.

use std::time::Duration;

use serde_json::Value;

use super::{Findings, State, Step, brief, shape};
use crate::vectors::client::{CommandLine, Fault, Shim};
use crate::vectors::protocol::{Request, VERSION};

const START: &str = "Give the command as in a terminal, in one argument: \"python3 shim.py\". No shell is asked: for pipes and \
    variables write sh -c '…'.";
pub(super) const STAY: &str = "Read line by line until standard input ends, and answer each line; do nothing else on standard output. What your \
    library throws belongs into an answer with the outcome rejected (or error, if it is the shim's own fault).";
const FLUSH: &str =
    "Read line by line (not to the end of the input), end each answer with a line feed, and flush after each.";
const ONE_LINE: &str = "An answer is one JSON object in one line. Anything else, such as what your library logs, belongs on standard error.";

pub(super) struct Checker<'a> {
    command: &'a CommandLine,
    pub(super) limit: Duration,
    told: &'a mut dyn FnMut(&Step),
    pub(super) findings: Findings,
    pub(super) shim: Option<Shim>,
    id: u64,
}

/// Why there is no answer.
pub(super) struct Trouble {
    pub(super) came: String,
    pub(super) state: State,
}

/// One request and what should come of it.
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) request: Request,
    pub(super) outcome: &'static str,
    pub(super) advice: &'static str,
}

impl<'a> Checker<'a> {
    pub(super) fn new(command: &'a CommandLine, limit: Duration, told: &'a mut dyn FnMut(&Step)) -> Checker<'a> {
        Checker { command, limit, told, findings: Findings::default(), shim: None, id: 0 }
    }

    /// Asks, and compares the answer with what is wanted of it.
    pub(super) async fn case(
        &mut self,
        wanted: Wanted,
        also: impl FnOnce(&Value) -> Result<(), String>,
    ) -> Option<Value> {
        let Wanted { name, request, outcome, advice } = wanted;
        let id = request.id();
        let line = to_line(&request);
        let value: Value = serde_json::from_str(&line).unwrap_or_default();
        let op = value["op"].as_str().unwrap_or_default();
        let sent = brief(&value);
        let expected = format!("the id {id}, the outcome {outcome}");
        match self.answer(&line).await {
            Ok(answer) => {
                let mut wrong = shape::answer(&answer, op);
                wrong.extend(differs(&answer, id, outcome));
                if wrong.is_empty() {
                    wrong.extend(also(&answer).err());
                }
                if answer["id"] != id {
                    self.shim = None;
                }
                self.judged(name, sent, expected, &answer, &wrong, advice);
                Some(answer)
            }
            Err(Trouble { came, state }) => {
                self.tell(Step { name, sent, expected, came, state });
                None
            }
        }
    }

    pub(super) fn judged(
        &mut self,
        name: &'static str,
        sent: String,
        expected: String,
        answer: &Value,
        wrong: &[String],
        advice: &'static str,
    ) {
        let state = if wrong.is_empty() { State::Fine } else { State::Wrong { advice } };
        let came = [&[brief(answer)], wrong].concat().join("\n");
        self.tell(Step { name, sent, expected, came, state });
    }

    pub(super) fn skip(&mut self, name: &'static str, why: &str) {
        let empty = String::new;
        let state = State::Skipped { why: why.to_owned() };
        self.tell(Step { name, sent: empty(), expected: empty(), came: empty(), state });
    }

    pub(super) fn tell(&mut self, step: Step) {
        (self.told)(&step);
        self.findings.steps.push(step);
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.id += 1;
        self.id
    }

    pub(super) async fn answer(&mut self, line: &str) -> Result<Value, Trouble> {
        let came = self.exchange(line).await?;
        parsed(&came)
    }

    pub(super) async fn exchange(&mut self, line: &str) -> Result<Vec<u8>, Trouble> {
        let limit = self.limit;
        let came = match self.running_for(line).await {
            Ok(shim) => shim.exchange(line, limit).await,
            Err(fault) => Err(fault),
        };
        self.kept(came)
    }

    pub(super) async fn next_line(&mut self) -> Result<Vec<u8>, Trouble> {
        let limit = self.limit;
        let came = match self.running().await {
            Ok(shim) => shim.next_line(limit).await,
            Err(fault) => Err(fault),
        };
        self.kept(came)
    }

    /// After a fault, the next step gets another shim.
    fn kept(&mut self, came: Result<Vec<u8>, Fault>) -> Result<Vec<u8>, Trouble> {
        came.map_err(|fault| {
            self.shim = None;
            Trouble::from(fault)
        })
    }

    /// Hello itself must not be said twice.
    async fn running_for(&mut self, line: &str) -> Result<&mut Shim, Fault> {
        if self.shim.is_none() && line == hello_line() {
            return Ok(self.shim.insert(Shim::start(self.command)?));
        }
        self.running().await
    }

    /// The shim; started again and greeted, if the last one is gone.
    pub(super) async fn running(&mut self) -> Result<&mut Shim, Fault> {
        let shim = match self.shim.take() {
            Some(shim) => shim,
            None => {
                let mut shim = Shim::start(self.command)?;
                shim.exchange(&hello_line(), self.limit).await?;
                shim
            }
        };
        Ok(self.shim.insert(shim))
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Trouble {
        let state = match &fault {
            Fault::NotStarted { .. } => State::Died { advice: START },
            Fault::Crashed { .. } => State::Died { advice: STAY },
            Fault::TooSlow { .. } => State::Wrong { advice: FLUSH },
            Fault::Garbage { .. } => State::Wrong { advice: ONE_LINE },
        };
        Trouble { came: fault.to_string(), state }
    }
}

pub(super) fn parsed(line: &[u8]) -> Result<Value, Trouble> {
    serde_json::from_slice(line).map_err(|error| Trouble {
        came: format!("{}\nthat is no JSON: {error}", brief(&String::from_utf8_lossy(line).into_owned().into())),
        state: State::Wrong { advice: ONE_LINE },
    })
}

pub(super) fn hello_line() -> String {
    to_line(&Request::Hello { v: VERSION, id: 0, suite: env!("CARGO_PKG_VERSION").to_owned() })
}

pub(super) fn to_line(request: &Request) -> String {
    // Strings, numbers and maps with strings as names: it can always be written.
    serde_json::to_string(request).unwrap_or_default()
}

pub(super) fn differs(answer: &Value, id: u64, outcome: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer["id"].is_u64() && answer["id"] != id {
        wrong.push(format!("`id` is {}, the request's was {id}", answer["id"]));
    }
    if answer["outcome"].is_string() && answer["outcome"] != outcome {
        wrong.push(format!("`outcome` is {}, expected is {outcome}", answer["outcome"]));
    }
    wrong
}
