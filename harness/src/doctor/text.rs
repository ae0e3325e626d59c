//! The steps as people read them.

use std::fmt;

use super::{Checkup, Outcome, Seen, Step};
use crate::printable::printable;
use crate::subject::descriptor::Hook;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match &self.outcome {
            Outcome::Fine(_) => "ok",
            Outcome::Wrong(..) => "WRONG",
            Outcome::LeftOut(_) => "-",
        };
        match &self.outcome {
            Outcome::LeftOut(why) => writeln!(f, "{mark:<6} {}: left out: {why}", self.name),
            Outcome::Fine(seen) => {
                writeln!(f, "{mark:<6} {}", self.name)?;
                seen.write(f)
            }
            Outcome::Wrong(seen, advice) => {
                writeln!(f, "{mark:<6} {}", self.name)?;
                seen.write(f)?;
                entry(f, "to do", advice)
            }
        }
    }
}

impl Seen {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entry(f, "did", &self.did)?;
        entry(f, "expected", &self.expected)?;
        entry(f, "got", &self.got)
    }
}

/// What a Core says must not reach a terminal as it is.
fn entry(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    let text = printable(text);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    writeln!(f, "         {name:<9} {}", lines.next().unwrap_or("nothing"))?;
    lines.try_for_each(|line| writeln!(f, "         {:<9} {line}", ""))
}

impl Checkup {
    /// The end of it, in one line.
    pub fn last_line(&self) -> String {
        let names = |wanted: fn(&Outcome) -> bool| {
            let steps = self.steps.iter().filter(|step| wanted(&step.outcome));
            steps.map(|step| step.name).collect::<Vec<_>>().join(", ")
        };
        if let Some(why) = &self.harness {
            return format!("Not known: the testbed could not go on: {why}");
        }
        if !self.started() {
            return "The Core did not start, so nothing else could be tried.".to_owned();
        }
        let wrong = names(|outcome| matches!(outcome, Outcome::Wrong(..)));
        let left_out = names(|outcome| matches!(outcome, Outcome::LeftOut(_)));
        let rest = if left_out.is_empty() { String::new() } else { format!("; left out: {left_out}") };
        match wrong.is_empty() {
            true => format!("All fine{rest}."),
            false => format!("Something is wrong with: {wrong}{rest}."),
        }
    }
}

/// A hook as it stands in the descriptor.
pub(super) fn shown(hook: &Hook) -> String {
    match hook {
        Hook::Http { method, target, body: Some(_) } => format!("{method} {target}, with a body"),
        Hook::Http { method, target, body: None } => format!("{method} {target}"),
        Hook::Command(argv) => {
            let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
            format!("ran `{}`", argv.join(" "))
        }
        Hook::File { path, .. } => format!("wrote the file {path}"),
        Hook::Signal(signal) => format!("sent the signal {signal:?}"),
    }
}
