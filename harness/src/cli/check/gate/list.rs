//! `--write-known-failures`

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portal_core::clock::{SystemClock, unix_seconds};

use super::ignoring_closed_pipe;
use crate::cli::CommandFailure;
use crate::expectations::{Case, day, first_list};
use crate::shell::quoted;
use crate::verdict::Summary;

/// A month.
const AHEAD: time::Duration = time::Duration::days(30);

/// A list of known failures that will be written.
#[derive(Debug)]
pub(in crate::cli::check) struct NewList(PathBuf);

impl NewList {
    /// In this file, which must not be there unless that was said.
    pub(super) fn at(path: &Path, overwrite: bool) -> Result<NewList, CommandFailure> {
        if path.exists() && !overwrite {
            let path = path.display();
            return Err(CommandFailure::usage(format!("{path} is there: --overwrite replaces it")));
        }
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
                Err(CommandFailure::usage(format!("{}: there is no such folder", folder.display())))
            }
            _ => Ok(NewList(path.to_owned())),
        }
    }

    /// Writes what failed, among all scenarios that there are.
    pub(in crate::cli::check) fn write<C: Case>(
        self,
        all: &[C],
        summary: &Summary,
        out: &mut dyn Write,
    ) -> Result<(), CommandFailure> {
        let today = day(unix_seconds(&SystemClock));
        let list = first_list(all, &summary.scenarios, &owner(), today.checked_add(AHEAD).unwrap_or(today));
        let shown = self.0.display().to_string();
        fs::write(&self.0, list.text).map_err(|error| CommandFailure::usage(format!("{shown}: {error}")))?;
        let told = writeln!(
            out,
            "{shown}: {} on {}. Say why, and who cares until when; then: --known-failures {}",
            counted(list.entries, "entry", "entries"),
            counted(list.failures, "failure", "failures"),
            quoted(&shown)
        );
        Ok(ignoring_closed_pipe(told)?)
    }
}

fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
}

/// Who is at work here.
fn owner() -> String {
    let git = Command::new("git").args(["config", "user.name"]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let name = git.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let name = name.map(|name| String::from_utf8_lossy(&name).trim().to_owned());
    let of = |variable: &str| env::var(variable).ok();
    let names = [name, of("USER"), of("USERNAME")];
    let name = names.into_iter().flatten().find(|name| !name.is_empty());
    name.unwrap_or_else(|| "nobody yet: say who".to_owned())
}
