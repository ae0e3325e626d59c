//! Where the features come from: this program itself, or a folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::digest;

const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// Where the features come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// This program carries them.
    #[default]
    Embedded,
    /// All `*.feature` files in this folder and below.
    Folder(PathBuf),
    /// These: name and text.
    Given(Vec<(String, String)>),
}

/// A feature file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureFile {
    /// Relative to the folder, with `/`: `call_peer.feature`.
    pub name: String,
    /// As it is shown with a line number.
    pub shown: String,
    /// The text.
    pub text: String,
}

/// A file or folder of features can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct SourceError {
    path: String,
    source: io::Error,
}

impl Source {
    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Source::Folder(folder) => Some(folder),
            Source::Embedded | Source::Given(_) => None,
        }
    }

    /// The files, by name.
    pub fn files(&self) -> Result<Vec<FeatureFile>, SourceError> {
        let mut files = match self {
            Source::Embedded => EMBEDDED.iter().map(|(name, text)| file(name, "features/", text)).collect(),
            Source::Given(files) => files.iter().map(|(name, text)| file(name, "", text)).collect(),
            Source::Folder(folder) => {
                let mut files = Vec::new();
                collect(folder, folder, &mut files)?;
                files
            }
        };
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }
}

/// SHA-256 over the names and the contents, in hexadecimal. Each is preceded by its length, so that no two sets of files
/// give the same bytes.
pub fn sha256(files: &[FeatureFile]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in files.iter().flat_map(|file| [&file.name, &file.text]) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn file(name: &str, prefix: &str, text: &str) -> FeatureFile {
    FeatureFile { name: name.to_owned(), shown: format!("{prefix}{name}"), text: text.to_owned() }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<FeatureFile>) -> Result<(), SourceError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| SourceError { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "feature") {
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(FeatureFile { name, shown: path.display().to_string(), text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(files: &[(&str, &str)]) -> Vec<FeatureFile> {
        Source::Given(files.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()).files().unwrap()
    }

    #[test]
    fn the_hash_depends_on_names_and_contents_and_not_on_their_order() {
        let hash = sha256(&given(&[("a", "1"), ("b", "2")]));
        assert_eq!(hash.len(), 64);
        assert_eq!(hash, sha256(&given(&[("b", "2"), ("a", "1")])));
        assert_ne!(hash, sha256(&given(&[("a", "2"), ("b", "1")])));
        assert_ne!(sha256(&given(&[("a", "bc")])), sha256(&given(&[("ab", "c")])));
    }

    #[test]
    fn a_folder_is_read_with_what_is_below_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/x.feature"), "X").unwrap();
        fs::write(folder.path().join("a.feature"), "A").unwrap();
        fs::write(folder.path().join("notes.txt"), "N").unwrap();
        let names: Vec<_> = Source::Folder(folder.path().into()).files().unwrap().into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a.feature", "b/x.feature"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Source::Folder("no/such/folder".into()).files().unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder: "));
    }
}
