//! `--watch`: the same again, whenever something changes.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Test;
use crate::cli::CommandFailure;
use crate::cli::exit::Exit;
use crate::cli::signals::Signals;
use crate::topology::project::{AppSource, FILE, Project};
use crate::watch::Watch;

/// How many files are named that changed.
const NAMED: usize = 5;

/// Until Ctrl-C. A mistake in a file ends nothing: it is there to be mended.
pub(super) fn run(test: &Test) -> Result<Exit, CommandFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    loop {
        // What people write counts from before the run on. An app may write into its own folder while it runs, which must
        // not start it again: of that folder, what changes afterwards counts.
        let places = Places::of(&test.folder);
        let mut written = Watch::new(places.written);
        match test.once() {
            Ok(Exit::Interrupted) => return Ok(Exit::Interrupted),
            Ok(_) => {}
            Err(failure) => _ = failure.tell(),
        }
        let mut sources = Watch::new(places.sources);
        say(&format!("\nWaiting for a change below {} (Ctrl-C ends)", test.folder.display()));
        let changed = runtime.block_on(async {
            tokio::select! {
                changed = written.changed() => Some(changed),
                changed = sources.changed() => Some(changed),
                _ = signals.next() => None,
            }
        });
        let Some(changed) = changed else { return Ok(Exit::Interrupted) };
        say(&format!("\nChanged: {}", named(&changed, &test.folder)));
    }
}

/// What is looked at.
struct Places {
    /// What people write, and no app does.
    written: Vec<PathBuf>,
    /// Where the source of apps lies.
    sources: Vec<PathBuf>,
}

impl Places {
    fn of(folder: &Path) -> Places {
        let mut places = Places { written: vec![folder.join(FILE), folder.join("features")], sources: Vec::new() };
        // With a mistake in it, what it names may be what has to be mended.
        let Ok(project) = Project::read(folder) else {
            places.sources.push(folder.to_owned());
            return places;
        };
        for app in &project.apps {
            places.written.push(app.manifest_file.clone());
            match &app.source {
                AppSource::Run { directory, .. } => places.sources.push(directory.clone()),
                AppSource::Compose(file) => places.written.push(file.clone()),
                AppSource::Echo | AppSource::Url(_) | AppSource::Image(_) => {}
            }
        }
        places
    }
}

fn named(changed: &[PathBuf], folder: &Path) -> String {
    let name = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let names: Vec<String> = changed.iter().take(NAMED).map(name).collect();
    match changed.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// What can't be said is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
