//! Reading a bundle.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{Bundle, FORMAT, VERSION};
use crate::testbed::identity::TestIdentity;

/// A larger file is none of ours.
const LIMIT: u64 = 32 << 20;

/// A bundle can't be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It can't be read.
    #[error("{path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {what}", path = .path.display())]
    Content {
        /// The file, with the line where that is known.
        path: PathBuf,
        /// What is wrong, and what to do.
        what: String,
    },
}

/// Reads a bundle.
///
/// # Errors
/// It can't be read, or is none.
pub fn load(path: &Path) -> Result<Bundle, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(content(path, format!("this is no bundle: those stay under {} MiB", LIMIT >> 20)));
    }
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Bundle, LoadError> {
    let any: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| content(path, format!("line {}: this is no JSON: {error}", error.line())))?;
    if any["format"] != FORMAT {
        return Err(content(path, "this is no bundle: `check --bundles DIR` makes them".to_owned()));
    }
    match any["version"].as_u64() {
        Some(version) if version == u64::from(VERSION) => {}
        other => {
            let found = other.map_or("none".to_owned(), |version| version.to_string());
            let what = format!(
                "version {found} of the format; this program knows version {VERSION}: use the one that wrote it"
            );
            return Err(content(path, what));
        }
    }
    let bundle: Bundle =
        serde_json::from_slice(bytes).map_err(|error| content(path, format!("line {}: {error}", error.line())))?;
    for (portal, pem) in &bundle.keys {
        TestIdentity::from_private_key_pem(pem)
            .map_err(|error| content(path, format!("the key of {portal}: {error}")))?;
    }
    Ok(bundle)
}

fn content(path: &Path, what: String) -> LoadError {
    LoadError::Content { path: path.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        serde_json::to_string_pretty(&super::super::tests::bundle()).unwrap()
    }

    fn refused(text: &str) -> String {
        parse(Path::new("b.json"), text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_read() {
        let read = parse(Path::new("b.json"), text().as_bytes()).unwrap();
        assert_eq!(read, super::super::tests::bundle());
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        assert!(load(Path::new("no/such.json")).unwrap_err().to_string().starts_with("no/such.json: "));
        assert!(refused("").starts_with("b.json: line 1: this is no JSON: "));
        assert!(refused(&text()[..200]).contains("this is no JSON"));
        assert_eq!(refused("{}"), "b.json: this is no bundle: `check --bundles DIR` makes them");
        assert!(refused(&text().replace("\"version\": 1", "\"version\": 2")).contains("version 2 of the format"));
        let without = refused(&text().replace("\"seed\"", "\"sead\""));
        assert!(without.starts_with("b.json: line ") && without.contains("unknown field `sead`"), "{without}");
        assert!(refused(&text().replace("00000000000000ff", "ff")).contains("16 hexadecimal digits"));
        let key = refused(&text().replace("BEGIN PRIVATE", "BEGUN PRIVATE"));
        assert!(key.starts_with("b.json: the key of mallory: "), "{key}");
    }
}
