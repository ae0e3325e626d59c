//! The corpus as files, for those who use it without this program.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::load::EMBEDDED;

/// The corpus could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A folder with other things in it.
    #[error("{}: there are other files in it ({other}); name an empty or a new folder, or FILE.tar.gz", .folder.display())]
    NotEmpty {
        /// Which.
        folder: PathBuf,
        /// The first of them.
        other: String,
    },
    /// It can't be written.
    #[error("{path}: {error}", path = path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Writes the corpus with its schema, README, licence and loaders into a folder, or into an archive if the name ends with
/// `.tar.gz` or `.tgz`; the number of files.
///
/// # Errors
/// The folder holds other files, or something can't be written.
pub fn export(to: &Path) -> Result<usize, ExportError> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        archive(to).map_err(|error| ExportError::Unwritable { path: to.to_owned(), error })?;
    } else {
        folder(to)?;
    }
    Ok(EMBEDDED.len())
}

/// The version of the corpus in this program.
pub fn version() -> &'static str {
    EMBEDDED.iter().find(|(name, _)| *name == "VERSION").map_or("", |(_, text)| text.trim())
}

fn folder(folder: &Path) -> Result<(), ExportError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |error| ExportError::Unwritable { path, error }
    };
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    for entry in fs::read_dir(folder).map_err(unwritable(folder))? {
        let other = entry.map_err(unwritable(folder))?.file_name().to_string_lossy().into_owned();
        // An export before this one is overwritten.
        if EMBEDDED.iter().all(|(name, _)| *name != other) {
            return Err(ExportError::NotEmpty { folder: folder.to_owned(), other });
        }
    }
    for (name, text) in EMBEDDED {
        let path = folder.join(name);
        fs::write(&path, text).map_err(unwritable(&path))?;
    }
    Ok(())
}

/// The same bytes each time: no times, no owners.
fn archive(path: &Path) -> io::Result<()> {
    let gzip = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (name, text) in EMBEDDED {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("countersign-vectors-{}/{name}", version()), text.as_bytes())?;
    }
    tar.into_inner()?.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::load::Corpus;
    use super::*;

    #[test]
    fn a_folder_is_a_corpus_again() {
        let parent = tempfile::tempdir().unwrap();
        let to = parent.path().join("new/vectors");
        let files = export(&to).unwrap();
        assert_eq!(fs::read_dir(&to).unwrap().count(), files);
        assert_eq!(Corpus::folder(&to).unwrap(), Corpus::embedded().unwrap());
        for name in ["README.md", "LICENSE", "VERSION", "schema.json", "test_vectors.py", "vectors_test.go"] {
            assert!(to.join(name).is_file(), "{name}");
        }
        export(&to).unwrap();
        fs::write(to.join("mine.txt"), "").unwrap();
        let error = export(&to).unwrap_err().to_string();
        assert!(error.contains("there are other files in it (mine.txt)"), "{error}");
    }

    #[test]
    fn an_archive_holds_the_same_and_is_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one.tar.gz"), folder.path().join("other.tgz"));
        assert_eq!(export(&one).unwrap(), EMBEDDED.len());
        export(&other).unwrap();
        assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(File::open(&one).unwrap()));
        let mut found = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((name, text));
        }
        assert!(found.iter().map(|(name, text)| (name.as_str(), text.as_str())).eq(EMBEDDED.iter().copied()));
    }

    #[test]
    fn where_nothing_can_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("none/vectors.tar.gz");
        let error = export(&to).unwrap_err().to_string();
        assert!(error.starts_with(&to.display().to_string()), "{error}");
    }
}
