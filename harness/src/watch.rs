//! Files that change: what `test --watch` and `up` wait for.
//!
//! The times and lengths of files are looked at again and again: that needs nothing of the system, and works on network
//! drives and in containers too. What editors and compilers leave beside the files that people write is left out.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::{MissedTickBehavior, interval};

/// How often files are looked at.
const TICK: Duration = Duration::from_millis(200);
/// More than this belongs to no app's source: the rest of a tree is not looked at.
const MOST_FILES: usize = 20_000;
/// Folders that are made, not written.
const MADE: [&str; 7] = ["target", "node_modules", "__pycache__", "venv", "dist", "build", "vendor"];

/// Files and folders that are watched, and what they were like when they were last looked at.
#[derive(Debug)]
pub struct Watch {
    roots: Vec<PathBuf>,
    seen: Seen,
}

/// What is known of each file.
type Seen = BTreeMap<PathBuf, Look>;

/// What of a file changes with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    length: u64,
}

impl Watch {
    /// Watches these files, and folders with all that is below, whether they are there yet or not. What changes from now on
    /// counts.
    pub fn new<P: Into<PathBuf>>(roots: impl IntoIterator<Item = P>) -> Watch {
        let roots: Vec<PathBuf> = roots.into_iter().map(Into::into).collect();
        let seen = look(&roots);
        Watch { roots, seen }
    }

    /// Waits until files appear, change or go, and then until they are left alone; says which, in order of their names.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = self.seen.clone();
        loop {
            ticks.tick().await;
            let now = look(&self.roots);
            // An editor may write a file in several strokes, a tool many files one after the other.
            let settled = now == before;
            before = now;
            if settled && before != self.seen {
                let changed = differences(&self.seen, &before);
                self.seen = before;
                return changed;
            }
        }
    }
}

fn differences(before: &Seen, now: &Seen) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    let new = now.iter().filter(|(path, look)| before.get(*path) != Some(look)).map(|(path, _)| path);
    let mut paths: Vec<PathBuf> = gone.chain(new).cloned().collect();
    paths.sort();
    paths
}

fn look(roots: &[PathBuf]) -> Seen {
    let mut seen = Seen::new();
    for root in roots {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => look_into(root, &mut seen),
            Ok(metadata) => note(root, &metadata, &mut seen),
            Err(_) => {}
        }
    }
    seen
}

/// What can't be read is as if it were not there: it may be gone by now.
fn look_into(folder: &Path, seen: &mut Seen) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // A link is not followed, so that none can lead in a circle.
        let Ok(metadata) = entry.metadata() else { continue };
        if is_by_the_way(&name) || seen.len() >= MOST_FILES {
            continue;
        }
        match metadata.is_dir() {
            true if MADE.contains(&&*name) => {}
            true => look_into(&path, seen),
            false => note(&path, &metadata, seen),
        }
    }
}

/// Hidden files, and what editors and Python leave.
fn is_by_the_way(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.ends_with(".pyc") || name == "4913"
}

fn note(path: &Path, metadata: &Metadata, seen: &mut Seen) {
    seen.insert(path.to_owned(), Look { modified: metadata.modified().ok(), length: metadata.len() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().filter_map(|path| path.file_name()?.to_str()).collect()
    }

    #[tokio::test]
    async fn what_appears_changes_or_goes_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/kept.py"), "1").unwrap();
        fs::write(at("gone.py"), "1").unwrap();
        let mut watch = Watch::new([folder.path().to_owned(), at("not-there-yet.toml")]);

        fs::write(at("sub/kept.py"), "12").unwrap();
        fs::write(at("new.py"), "1").unwrap();
        fs::remove_file(at("gone.py")).unwrap();
        assert_eq!(names(&watch.changed().await), ["gone.py", "new.py", "kept.py"]);

        fs::write(at("not-there-yet.toml"), "").unwrap();
        assert_eq!(names(&watch.changed().await), ["not-there-yet.toml"]);
    }

    #[tokio::test]
    async fn what_tools_leave_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut watch = Watch::new([folder.path()]);
        fs::create_dir(at("__pycache__")).unwrap();
        fs::write(at("__pycache__/app.cpython.pyc"), "1").unwrap();
        fs::write(at(".app.py.swp"), "1").unwrap();
        fs::write(at("app.py~"), "1").unwrap();
        let waiting = tokio::time::timeout(3 * TICK, watch.changed());
        assert_eq!(waiting.await.ok(), None);
        fs::write(at("app.py"), "1").unwrap();
        assert_eq!(names(&watch.changed().await), ["app.py"]);
    }
}
