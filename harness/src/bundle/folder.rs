//! Where bundles are left.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use super::{Bundle, Descriptor};
use crate::redact;
use crate::shell::quoted;

/// How much of a scenario's id goes into the name of its file.
const NAME: usize = 100;

/// A folder that takes a bundle for each failure of a run.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    descriptors: Vec<Descriptor>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    written: HashSet<String>,
    failed: Option<BundleError>,
}

/// A bundle can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct BundleError {
    path: String,
    source: io::Error,
}

impl Folder {
    /// This folder, which is made where it is not there. The Core under test is described by these.
    ///
    /// # Errors
    /// It can't be made or written to.
    pub fn create(path: &Path, descriptors: Vec<Descriptor>) -> Result<Folder, BundleError> {
        let failed = |source| BundleError { path: path.display().to_string(), source };
        fs::create_dir_all(path).map_err(failed)?;
        // Not only after an hour: whether it can be written to.
        tempfile::tempfile_in(path).map_err(failed)?;
        let descriptors = descriptors
            .into_iter()
            .map(|descriptor| Descriptor { text: redact::text(&descriptor.text).into_owned(), ..descriptor });
        Ok(Folder { path: path.to_owned(), descriptors: descriptors.collect(), state: Mutex::default() })
    }

    pub(crate) fn descriptors(&self) -> Vec<Descriptor> {
        self.descriptors.clone()
    }

    /// Writes a bundle and answers the command that runs it again. Of a scenario that fails in several runs the first one
    /// stays. Where it can't be written, [`Folder::finish`] tells.
    pub(crate) fn keep(&self, bundle: &Bundle) -> Option<String> {
        let id = &bundle.scenario.id;
        let path = self.path.join(file_name(id));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.written.contains(id) {
            if let Err(source) = write(&self.path, &path, bundle) {
                state.failed.get_or_insert(BundleError { path: path.display().to_string(), source });
                return None;
            }
            state.written.insert(id.clone());
        }
        let mut command = format!("countersign replay {}", quoted(&path.display().to_string()));
        for Descriptor { given, .. } in &self.descriptors {
            let option = if bundle.subject.kind == "app" { "--project" } else { "--core" };
            command.push_str(&format!(" {option} {}", quoted(given)));
        }
        Some(command)
    }

    /// Whether all bundles were written; how many.
    ///
    /// # Errors
    /// One was not.
    pub fn finish(&self) -> Result<usize, BundleError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.failed.take() {
            Some(error) => Err(error),
            None => Ok(state.written.len()),
        }
    }
}

/// Whole or not at all: a file that is there can be read.
fn write(folder: &Path, path: &Path, bundle: &Bundle) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".bundle-").tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, bundle)?;
    file.write_all(b"\n")?;
    file.flush()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// The id as any file system takes it, with a part of its hash, which tells ids apart that look the same then.
fn file_name(id: &str) -> String {
    let safe = |c: char| match c {
        '/' => '.',
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') => c.to_ascii_lowercase(),
        _ => '-',
    };
    let name: String = id.chars().take(NAME).map(safe).collect();
    let hash = digest(&SHA256, id.as_bytes());
    let hash: String = hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}.json", name.trim_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe_and_tell_ids_apart() {
        let name = file_name("call_peer/the-path-is-kept/a-2f-row-1");
        assert!(name.starts_with("call_peer.the-path-is-kept.a-2f-row-1-") && name.ends_with(".json"), "{name}");
        for id in ["../../etc/passwd", "/abs", "a\\b:c*?", "ünï", ".", "", "con"] {
            let name = file_name(id);
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name}");
            assert!(!name.starts_with('.') && !name.contains('/'), "{name}");
        }
        let long = |end: &str| file_name(&format!("{}{end}", "x".repeat(300)));
        assert!(long("a").len() < 130);
        assert_ne!(long("a"), long("b"));
        assert_ne!(file_name("f/ü"), file_name("f/ö"));
    }

    #[test]
    fn a_folder_that_can_t_be_is_named_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let error = Folder::create(&file, Vec::new()).unwrap_err().to_string();
        assert!(error.starts_with(&file.display().to_string()), "{error}");
    }

    #[test]
    fn what_can_t_be_written_is_told_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let bundles = Folder::create(&folder.path().join("b"), Vec::new()).unwrap();
        fs::remove_dir(folder.path().join("b")).unwrap();
        assert_eq!(bundles.keep(&super::super::tests::bundle()), None);
        assert!(bundles.finish().is_err());
    }

    #[test]
    fn the_command_names_the_file_and_the_core() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two words");
        let core = Descriptor { given: "my core.toml".into(), text: "name = \"x\"".into() };
        let bundles = Folder::create(&path, vec![core]).unwrap();
        let command = bundles.keep(&super::super::tests::bundle()).unwrap();
        assert!(
            command.starts_with("countersign replay '") && command.ends_with("' --core 'my core.toml'"),
            "{command}"
        );
        assert_eq!(bundles.finish().unwrap(), 1);
        assert_eq!(fs::read_dir(path).unwrap().count(), 1);
    }
}
