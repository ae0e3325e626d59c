//! `.countersign/run.json`: how commands find the testbed that is up. It holds a secret, so its owner alone reads it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use super::FOLDER;

/// The name of the file.
pub const FILE: &str = "run.json";

/// What commands have to know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// The process.
    pub pid: u32,
    /// Where its HTTP API is.
    pub control: SocketAddr,
    /// What has to be said there.
    pub token: String,
}

impl std::fmt::Debug for RunFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunFile").field("pid", &self.pid).field("control", &self.control).finish_non_exhaustive()
    }
}

/// The file, which goes when this is dropped.
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    run: RunFile,
}

impl RunFile {
    /// Where it is for the project in this folder.
    pub fn path(project: &Path) -> PathBuf {
        project.join(FOLDER).join(FILE)
    }

    /// That of the project in this folder; none where there is none.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(project: &Path) -> io::Result<Option<RunFile>> {
        match std::fs::read(RunFile::path(project)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it. Nobody sees half of it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(self, project: &Path) -> io::Result<Written> {
        let path = RunFile::path(project);
        let folder = path.parent().unwrap_or(project);
        std::fs::create_dir_all(folder)?;
        // Made for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &self)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(Written { path, run: self })
    }

    /// Removes it where its testbed is not up any more.
    pub fn forget(&self, project: &Path) {
        if RunFile::read(project).is_ok_and(|found| found.as_ref() == Some(self)) {
            // Where it can't be removed, the next one says so.
            let _ = std::fs::remove_file(RunFile::path(project));
        }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if let Some(project) = self.path.parent().and_then(Path::parent) {
            self.run.forget(project);
        }
    }
}

/// 128 bits that nobody guesses, in hex.
pub(crate) fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("this machine has no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
