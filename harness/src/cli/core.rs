//! `countersign core`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::doctor;
use crate::subject::Subject;
use crate::subject::descriptor::Descriptor;
use crate::testbed::until_interrupted;

/// Options of `countersign core`.
#[derive(Debug, Args)]
pub struct Core {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Walk through what a descriptor says, hook by hook: what was done, what was expected, what came
    #[command(after_help = DOCTOR_HELP)]
    Doctor(Doctor),
}

const DOCTOR_HELP: &str = "\
Exit codes:
  0  all fine
  1  something is wrong
  2  wrong usage or a bad input file
  3  the testbed is at fault
  4  the Core did not start";

#[derive(Debug, Args)]
struct Doctor {
    /// The file that describes the Core
    file: PathBuf,
}

impl Core {
    /// Does what was asked for.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let What::Doctor(Doctor { file }) = &self.what;
        let descriptor = Descriptor::read(file).map_err(CommandFailure::usage)?;
        let subject = Subject::described(descriptor.clone());
        crate::logged::listen();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let headline = format!("{} ({}, {})", descriptor.name, descriptor.profile_name, descriptor.kind());
        ignoring_closed_pipe(writeln!(out, "{headline}\n"))?;
        let mut written = Ok(());
        let checkup = runtime.block_on(until_interrupted(doctor::examine(&subject, &descriptor, |step| {
            if written.is_ok() {
                written = write!(out, "{step}").and_then(|()| out.flush());
            }
        })));
        let checkup = checkup.map_err(CommandFailure::interrupted)?;
        ignoring_closed_pipe(written.and_then(|()| writeln!(out, "\n{}", checkup.last_line())))?;
        Ok(match () {
            () if !checkup.started() => Exit::Subject,
            () if checkup.harness.is_some() => Exit::Harness,
            () if !checkup.is_fine() => Exit::DoesNotConform,
            () => Exit::Conforms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doctor(text: &str) -> (Exit, String) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("core.toml");
        std::fs::write(&file, text).unwrap();
        let mut out = Vec::new();
        let core = Core { what: What::Doctor(Doctor { file }) };
        match core.run(&mut out) {
            Ok(exit) => (exit, String::from_utf8(out).unwrap()),
            Err(failure) => (failure.exit, failure.text),
        }
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let (exit, text) = doctor("name = \"x\"\n[start]\ncomand = [\"x\"]\n");
        assert_eq!(exit, Exit::Usage);
        assert!(text.contains("core.toml:3"), "{text}");
    }

    #[test]
    fn a_core_that_does_not_start_is_said_to_and_the_rest_is_left_out() {
        let (exit, text) =
            doctor("name = \"x\"\n[start]\ncommand = [\"sh\", \"-c\", \"echo not today >&2; exit 7\"]\n");
        assert_eq!(exit, Exit::Subject, "{text}");
        assert!(text.contains("WRONG  start") && text.contains("not today"), "{text}");
        assert!(text.contains("-      install: left out: `start` went wrong"), "{text}");
    }
}
