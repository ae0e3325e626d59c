//! What apps in containers write: it goes with the testbed, or stays in a folder for the next one.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use tempfile::TempDir;

/// In a folder that is kept: what the volumes that belong to it are known by.
const ID_FILE: &str = "volumes";

/// Where it is.
#[derive(Debug, Default)]
pub(super) enum Data {
    /// Nothing was written yet.
    #[default]
    None,
    /// It goes with the testbed.
    Gone(TempDir),
    /// It stays.
    Kept(PathBuf),
}

impl Data {
    /// In this folder, if it is to stay.
    pub(super) fn new(kept: Option<&Path>) -> Data {
        kept.map_or(Data::None, |folder| Data::Kept(folder.to_owned()))
    }

    /// The folder in which apps on this Portal keep what they write, with one for this app and one for all.
    pub(super) fn folder(&mut self, portal: &str, app: &str) -> io::Result<PathBuf> {
        let folder = self.root()?.join(portal);
        for inner in [folder.join("app_data").join(app), folder.join("shared")] {
            std::fs::create_dir_all(inner)?;
        }
        Ok(folder)
    }

    /// What volumes that stay are known by: it is in the folder, so that they go on with it wherever it is, and a new folder
    /// begins with new ones. None where they go.
    pub(super) fn id(&self) -> io::Result<Option<String>> {
        let Data::Kept(folder) = self else { return Ok(None) };
        std::fs::create_dir_all(folder)?;
        let file = folder.join(ID_FILE);
        match std::fs::read_to_string(&file) {
            Ok(id) => return Ok(Some(id.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut random = [0; 5];
        let drawn = SystemRandom::new().fill(&mut random);
        drawn.map_err(|_| io::Error::other("this machine has no randomness"))?;
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(&file, format!("{id}\n"))?;
        Ok(Some(id))
    }

    fn root(&mut self) -> io::Result<&Path> {
        if let Data::None = self {
            *self = Data::Gone(tempfile::Builder::new().prefix("countersign-apps-").tempdir()?);
        }
        Ok(match self {
            Data::Gone(folder) => folder.path(),
            Data::Kept(folder) => folder,
            Data::None => Path::new(""),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_with_its_volumes_and_all_else_goes() {
        let kept = tempfile::tempdir().unwrap();
        let apps = kept.path().join("apps");
        let data = || Data::new(Some(&apps));
        let folder = data().folder("alice", "box").unwrap();
        assert_eq!(folder, apps.join("alice"));
        std::fs::write(folder.join("app_data/box/note"), "hello").unwrap();
        assert_eq!(data().folder("alice", "box").unwrap(), folder);
        assert!(folder.join("app_data/box/note").is_file() && folder.join("shared").is_dir());
        let id = data().id().unwrap();
        assert_eq!(id.as_ref().map(String::len), Some(10));
        assert_eq!(data().id().unwrap(), id);
        std::fs::remove_dir_all(&apps).unwrap();
        assert_ne!(data().id().unwrap(), id, "who takes the folder away begins anew");

        let mut gone = Data::new(None);
        assert_eq!(gone.id().unwrap(), None);
        let folder = gone.folder("alice", "box").unwrap();
        drop(gone);
        assert!(!folder.exists());
    }
}
