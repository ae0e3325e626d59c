//! Reads the definitions: strict, with file and line.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::{fs, io};

use countersign::vectors::corpus::{Key, RfcRef};
use countersign::vectors::load::section_order;
use toml::Spanned;

use super::Problem;
use super::format::File;

/// All that was read.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The files, by section.
    pub files: Vec<Definition>,
    /// The keys, by name.
    pub keys: BTreeMap<String, Key>,
    /// The requirements, by id.
    pub requirements: BTreeMap<String, RfcRef>,
}

/// A file with its text.
#[derive(Debug)]
pub struct Definition {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub file: File,
    text: String,
}

impl Definition {
    /// A problem at a spanned value.
    pub fn problem<T>(&self, at: &Spanned<T>, what: impl std::fmt::Display) -> Problem {
        Problem::new(&self.path, self.line(at), what)
    }

    /// The file as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a spanned value.
    pub fn line<T>(&self, at: &Spanned<T>) -> usize {
        line_of(&self.text, at.span().start)
    }
}

/// Reads the folder; what is wrong comes beside what is right.
///
/// # Errors
/// The folder itself can't be read.
pub fn read(folder: &Path) -> io::Result<(Definitions, Vec<Problem>)> {
    let mut definitions = Definitions::default();
    let mut problems = Vec::new();
    for path in files(&folder.join("keys"), "json")? {
        match key(&path) {
            Ok((name, key)) => drop(definitions.keys.insert(name, key)),
            Err(problem) => problems.push(problem),
        }
    }
    for path in files(folder, "toml")? {
        let text = fs::read_to_string(&path)?;
        match toml::from_str::<File>(&text) {
            Ok(file) => definitions.files.push(Definition { path, file, text }),
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(&text, span.start));
                problems.push(Problem::new(&path, line, error.message()));
            }
        }
    }
    definitions.files.sort_by_key(|definition| section_order(&definition.file.section));
    problems.extend(definitions.check());
    Ok((definitions, problems))
}

fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn key(path: &Path) -> Result<(String, Key), Problem> {
    let problem = |line, what: String| Problem::new(path, line, what);
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).map_err(|error| problem(1, error.to_string()))?;
    let key: Key = serde_json::from_str(&text).map_err(|error| problem(error.line(), error.to_string()))?;
    if key.jwk.get("kid").and_then(|kid| kid.as_str()) != Some(&name) {
        return Err(problem(1, format!("the JWK's `kid` is not the file's name, {name}")));
    }
    Ok((name, key))
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

impl Definitions {
    /// What holds between cases: ids are unique and well-formed, and what is named is there.
    fn check(&mut self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut seen: HashMap<String, String> = HashMap::new();
        for definition in &self.files {
            let section = &definition.file.section;
            let stem = definition.path.file_stem().unwrap_or_default().to_string_lossy();
            if stem != section.as_str() {
                problems.push(Problem::new(
                    &definition.path,
                    1,
                    format!("the file is called {stem}, its section is {section}"),
                ));
            }
            for requirement in &definition.file.requirement {
                let id = requirement.id.get_ref();
                let prefix = id.split_once('-').is_some_and(|(rfc, rest)| match section.as_str() {
                    // A file for the whole of another RFC; its ids have that RFC's sections.
                    "9530" => rfc == "R9530" && rest.starts_with(|first: char| first.is_ascii_digit()),
                    _ => rfc == "R9421" && is_in(rest, section),
                });
                if !prefix || !is_slug(id) {
                    problems.push(definition.problem(
                        &requirement.id,
                        format!("the requirement `{id}` must be called R9421-{section}-some-words"),
                    ));
                }
                note_id(&mut seen, definition, &requirement.id, &mut problems);
                let reference = RfcRef {
                    id: id.clone(),
                    section: section.clone(),
                    quote: folded(&requirement.quote),
                    level: requirement.level,
                };
                self.requirements.insert(id.clone(), reference);
            }
        }
        for definition in &self.files {
            let section = &definition.file.section;
            for case in &definition.file.case {
                let ids = std::iter::once((&case.id, Some(&case.refs), &case.flags));
                let invalid = case.invalid.iter().map(|invalid| (&invalid.id, invalid.refs.as_ref(), &invalid.flags));
                for (id, refs, flags) in ids.chain(invalid) {
                    if !is_in(id.get_ref(), section) || !is_slug(id.get_ref()) {
                        let what = format!("the id `{}` must begin with {section}- or {section}.", id.get_ref());
                        problems.push(definition.problem(id, what));
                    }
                    note_id(&mut seen, definition, id, &mut problems);
                    for wanted in refs.into_iter().flatten() {
                        if !self.requirements.contains_key(wanted) {
                            let what = format!(
                                "{}: no file has a requirement `{wanted}`{}",
                                id.get_ref(),
                                self.similar(wanted)
                            );
                            problems.push(definition.problem(id, what));
                        }
                    }
                    if refs.is_some_and(Vec::is_empty) {
                        problems.push(definition.problem(id, format!("{}: `refs` is empty", id.get_ref())));
                    }
                    for flag in flags {
                        if !definition.file.notes.contains_key(flag) {
                            let what = format!("{}: the flag `{flag}` is not explained in [notes]", id.get_ref());
                            problems.push(definition.problem(id, what));
                        }
                    }
                }
            }
        }
        problems
    }

    fn similar(&self, wanted: &str) -> String {
        let section = wanted.splitn(3, '-').take(2).collect::<Vec<_>>().join("-");
        let near: Vec<_> = self.requirements.keys().filter(|id| id.starts_with(&section)).map(String::as_str).collect();
        if near.is_empty() { String::new() } else { format!("; there are {}", near.join(", ")) }
    }
}

fn note_id(
    seen: &mut HashMap<String, String>,
    definition: &Definition,
    id: &Spanned<String>,
    problems: &mut Vec<Problem>,
) {
    let here = format!("{}:{}", definition.path.display(), definition.line(id));
    if let Some(there) = seen.insert(id.get_ref().clone(), here) {
        problems.push(definition.problem(id, format!("the id `{}` is used at {there} already", id.get_ref())));
    }
}

/// Whether an id belongs to a section or to a section of it.
fn is_in(id: &str, section: &str) -> bool {
    id.strip_prefix(section).is_some_and(|rest| rest.starts_with(['-', '.']))
}

fn is_slug(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) && !id.ends_with('-')
}

/// On one line.
pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
