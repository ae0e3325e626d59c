//! The files that come of it, as text, and how they differ from those that are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use countersign::vectors::catalogue::{Catalogue, Outside, Sentence};
use countersign::vectors::corpus::VectorFile;

use super::read::{Definitions, folded};

/// The files by their path.
pub type Output = BTreeMap<PathBuf, String>;

/// The text of a file of vectors.
///
/// # Errors
/// It can't be serialised.
pub fn vectors(file: &VectorFile) -> Result<String, String> {
    let text = serde_json::to_string_pretty(file).map_err(|error| error.to_string())?;
    Ok(format!("{text}\n"))
}

/// The text of the catalogue.
///
/// # Errors
/// It can't be serialised.
pub fn catalogue(definitions: &Definitions, files: &[&VectorFile]) -> Result<String, String> {
    let text = toml::to_string(&catalogue_of(definitions, files)).map_err(|error| error.to_string())?;
    Ok(format!("# Made by `cargo run -p countersign-tests --bin corpus` from tests/corpus/*.toml.\n\n{text}"))
}

/// The catalogue: every sentence, with the vectors that check it.
pub fn catalogue_of(definitions: &Definitions, files: &[&VectorFile]) -> Catalogue {
    let mut checked_by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for vector in files.iter().flat_map(|file| &file.vectors) {
        for reference in &vector.rfc_refs {
            checked_by.entry(&reference.id).or_default().push(vector.id.clone());
        }
    }
    let mut catalogue = Catalogue::default();
    for definition in &definitions.files {
        let section = &definition.file.section;
        catalogue.requirement.extend(definition.file.requirement.iter().map(|requirement| Sentence {
            id: requirement.id.get_ref().clone(),
            section: section.clone(),
            level: requirement.level,
            binds: requirement.binds,
            quote: folded(&requirement.quote),
            vectors: checked_by.remove(requirement.id.get_ref().as_str()).unwrap_or_default(),
        }));
        catalogue.outside.extend(definition.file.outside.iter().map(|outside| Outside {
            section: section.clone(),
            quote: folded(outside.quote.get_ref()),
            why: folded(&outside.why),
        }));
    }
    catalogue
}

/// What differs from the files that are there, one line each; `whole`: a file of vectors that nothing makes is one, too.
///
/// # Errors
/// The folder can't be read.
pub fn differences(output: &Output, folder: &Path, whole: bool) -> io::Result<Vec<String>> {
    let mut differences = Vec::new();
    for (path, text) in output {
        let shown = path.display();
        match fs::read_to_string(path) {
            Ok(there) if there == *text => {}
            Ok(there) => {
                let line = there.lines().zip(text.lines()).take_while(|(old, new)| old == new).count();
                let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").trim().to_owned();
                let (old, new) = (at(&there), at(text));
                differences.push(format!("{shown}:{}: is `{old}`, must be `{new}`", line + 1));
            }
            Err(error) => differences.push(format!("{shown}: {error}")),
        }
    }
    if whole && folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let is_vectors = path.extension().is_some_and(|extension| extension == "json")
                && path.file_name().is_some_and(|name| name != "schema.json");
            if is_vectors && !output.contains_key(&path) {
                differences.push(format!("{}: nothing makes this file", path.display()));
            }
        }
    }
    differences.sort();
    Ok(differences)
}
