//! Reads the corpus, from this program or from a folder, and takes nothing on trust: a vector that can't be right is an
//! error with file and line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::corpus::{Expected, Key, Op, Vector, VectorFile};
use super::crypto::Algorithm;

/// All files of `fixtures/vectors`: name and text.
pub(super) const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/vectors.rs"));

/// The steps that refuse, in the order of RFC 9421 §3.2.
pub const STAGES: [&str; 9] = ["parse", "select", "policy", "time", "key", "base", "crypto", "digest", "replay"];

/// All vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Corpus {
    /// Its files, by section.
    pub files: Vec<VectorFile>,
}

/// What is wrong with a corpus, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder can't be read.
    #[error("{path}: {error}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// There is nothing in it.
    #[error("{}: no vectors here; the folder must hold files like 2.1.json", .0.display())]
    Empty(PathBuf),
    /// Something in a file is not as it must be.
    #[error("{file}:{line}: {what}")]
    Wrong {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong and what to do.
        what: String,
    },
}

impl Corpus {
    /// The one in this program.
    ///
    /// # Errors
    /// It is broken.
    pub fn embedded() -> Result<Corpus, LoadError> {
        Corpus::of_texts(EMBEDDED.iter().filter(|(name, _)| is_vectors(name)).copied())
    }

    /// All `*.json` in a folder, but its `schema.json`.
    ///
    /// # Errors
    /// The folder can't be read or holds no vectors; the first thing that is wrong in one of the files.
    pub fn folder(folder: &Path) -> Result<Corpus, LoadError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| LoadError::Unreadable { path, error }
        };
        let mut texts = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if path.file_name().is_some_and(|name| is_vectors(&name.to_string_lossy())) {
                let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
                texts.push((path.display().to_string(), text));
            }
        }
        texts.sort();
        if texts.is_empty() {
            return Err(LoadError::Empty(folder.to_owned()));
        }
        Corpus::of_texts(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Reads texts, each with its name.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn of_texts<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Corpus, LoadError> {
        let mut sources = Vec::new();
        for (name, text) in texts {
            let file: VectorFile = serde_json::from_str(text).map_err(|error| LoadError::Wrong {
                file: name.to_owned(),
                line: error.line(),
                what: error.to_string(),
            })?;
            sources.push(Source { name, text, file });
        }
        check_all(&sources)?;
        let mut files: Vec<VectorFile> = sources.into_iter().map(|source| source.file).collect();
        files.sort_by_key(|file| section_order(&file.section));
        Ok(Corpus { files })
    }

    /// Every vector with its file.
    pub fn vectors(&self) -> impl Iterator<Item = (&VectorFile, &Vector)> {
        self.files.iter().flat_map(|file| file.vectors.iter().map(move |vector| (file, vector)))
    }

    /// The vector with this id, and its file.
    pub fn get(&self, id: &str) -> Option<(&VectorFile, &Vector)> {
        self.vectors().find(|(_, vector)| vector.id == id)
    }
}

/// `2.2.10` after `2.2.9`, appendices after chapters.
pub fn section_order(section: &str) -> Vec<(u64, String)> {
    section.split('.').map(|part| (part.parse().unwrap_or(u64::MAX), part.to_owned())).collect()
}

fn is_vectors(name: &str) -> bool {
    name.ends_with(".json") && name != "schema.json"
}

struct Source<'t> {
    name: &'t str,
    text: &'t str,
    file: VectorFile,
}

impl Source<'_> {
    /// An error at the first line that holds this.
    fn wrong(&self, at: &str, what: impl Into<String>) -> LoadError {
        let line = self.text.lines().position(|line| line.contains(at)).map_or(1, |line| line + 1);
        LoadError::Wrong { file: self.name.to_owned(), line, what: what.into() }
    }

    fn wrong_vector(&self, vector: &Vector, what: impl AsRef<str>) -> LoadError {
        self.wrong(&format!("\"id\": \"{}\"", vector.id), format!("{}: {}", vector.id, what.as_ref()))
    }
}

fn check_all(sources: &[Source<'_>]) -> Result<(), LoadError> {
    let mut by_id: HashMap<&str, (&Source<'_>, &Vector)> = HashMap::new();
    for source in sources {
        for (name, key) in &source.file.keys {
            let at = format!("\"{name}\"");
            check_key(name, key).map_err(|what| source.wrong(&at, format!("the key {name}: {what}")))?;
        }
        if source.file.vectors.is_empty() {
            return Err(source.wrong("\"vectors\"", "there is no vector in it; add one, or delete the file"));
        }
        for vector in &source.file.vectors {
            if let Some((there, _)) = by_id.insert(&vector.id, (source, vector)) {
                let what = format!("this id is used in {} already; ids are never used again", there.name);
                return Err(source.wrong_vector(vector, what));
            }
            check(&source.file, vector).map_err(|what| source.wrong_vector(vector, what))?;
        }
    }
    for (source, vector) in by_id.values() {
        let Some(twin) = &vector.twin_of else { continue };
        let what = match by_id.get(twin.as_str()) {
            None => format!("its twin {twin} is nowhere; name a vector that is accepted"),
            Some((_, twin)) if twin.verdict == Expected::Invalid => {
                format!("its twin {} is itself refused; name one that is accepted", twin.id)
            }
            Some((_, twin)) if twin.op != vector.op => format!("its twin {} is for another `op`", twin.id),
            Some(_) => continue,
        };
        return Err(source.wrong_vector(vector, what));
    }
    Ok(())
}

/// What must hold for a vector by itself.
fn check(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    for name in &vector.keys {
        if !file.keys.contains_key(name) {
            let known: Vec<_> = file.keys.keys().map(String::as_str).collect();
            return Err(format!("there is no key `{name}` in this file's `keys`; there are {}", known.join(", ")));
        }
    }
    for flag in &vector.flags {
        if !file.notes.contains_key(flag) {
            return Err(format!("the flag `{flag}` is not explained in this file's `notes`"));
        }
    }
    for (name, text) in [
        ("message_b64", Some(&vector.message_b64)),
        ("related_request_b64", vector.related_request_b64.as_ref()),
        ("expected_base_b64", vector.expected_base_b64.as_ref()),
        ("signed_base_b64", vector.signed_base_b64.as_ref()),
        ("expected_signature_b64", vector.expected_signature_b64.as_ref()),
    ] {
        if let Some(error) = text.and_then(|text| STANDARD.decode(text).err()) {
            return Err(format!("`{name}` is no base64: {error}"));
        }
    }
    if vector.scheme != "http" && vector.scheme != "https" {
        return Err(format!("`scheme` is http or https, not `{}`", vector.scheme));
    }
    if vector.twin_of.is_some() != vector.defect.is_some() {
        return Err("`twin_of` and `defect` go together: give both or none".to_owned());
    }
    match (vector.verdict, &vector.acceptable_because) {
        (Expected::Acceptable, None) => return Err("`acceptable_because` is missing".to_owned()),
        (Expected::Valid | Expected::Invalid, Some(_)) => {
            return Err("`acceptable_because` goes with the verdict acceptable only".to_owned());
        }
        _ => {}
    }
    if let Some(stage) = vector.reject_stage.as_ref().filter(|stage| !STAGES.contains(&stage.as_str())) {
        return Err(format!("`{stage}` is no stage; there are {}", STAGES.join(", ")));
    }
    check_op(vector)
}

fn check_op(vector: &Vector) -> Result<(), String> {
    let valid = vector.verdict == Expected::Valid;
    let needs = |what: &str, there: bool| if there { Ok(()) } else { Err(format!("`{what}` is missing")) };
    if vector.op != Op::Digest {
        needs("label", vector.label.is_some())?;
    }
    match vector.op {
        Op::Verify => needs("now", vector.now.is_some())?,
        Op::Base => needs("signature_input", vector.signature_input.is_some())?,
        Op::Sign => {
            needs("signature_input", vector.signature_input.is_some())?;
            needs("keys", !vector.keys.is_empty())?;
        }
        Op::Accept => {
            needs("keys", !vector.keys.is_empty())?;
            needs("expected_signature_input", !valid || vector.expected_signature_input.is_some())?;
        }
        Op::Digest => {}
    }
    if valid && matches!(vector.op, Op::Verify | Op::Base | Op::Sign) {
        needs("expected_base_b64", vector.expected_base_b64.is_some())?;
    }
    Ok(())
}

/// Whether a key is one, and one for its algorithm.
fn check_key(name: &str, key: &Key) -> Result<(), String> {
    let member = |name: &str| key.jwk.get(name).and_then(|value| value.as_str());
    let fitting: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.fits(&key.jwk)).collect();
    let members: &[&str] = match member("kty") {
        _ if fitting.is_empty() => {
            return Err("its JWK is for no algorithm of RFC 9421: see `kty` and `crv`".to_owned());
        }
        Some("OKP") => &["x"],
        Some("EC") => &["x", "y"],
        Some("RSA") => &["n", "e"],
        _ => &["k"],
    };
    if member("kid") != Some(name) {
        return Err("the JWK's `kid` must be the key's name".to_owned());
    }
    let coordinate = match member("crv") {
        Some("Ed25519" | "P-256") => Some(32),
        Some("P-384") => Some(48),
        _ => None,
    };
    for part in members {
        let text = member(part).ok_or_else(|| format!("the JWK has no `{part}`"))?;
        let bytes =
            URL_SAFE_NO_PAD.decode(text).map_err(|error| format!("`{part}` of the JWK is no base64url: {error}"))?;
        if let Some(length) = coordinate.filter(|length| *length != bytes.len()) {
            return Err(format!("`{part}` of the JWK has {} bytes; its curve asks for {length}", bytes.len()));
        }
        if bytes.is_empty() {
            return Err(format!("`{part}` of the JWK is empty"));
        }
    }
    let Some(alg) = key.alg.as_deref() else { return Ok(()) };
    if !fitting.iter().any(|algorithm| algorithm.name() == alg) {
        let names: Vec<_> = fitting.iter().map(|algorithm| algorithm.name()).collect();
        return Err(format!("its `alg` is {alg}, but its JWK is for {}", names.join(" or ")));
    }
    let meant = member("alg").and_then(|jws| JWS.iter().find(|(name, _)| *name == jws));
    match meant {
        Some((jws, of)) if *of != alg => Err(format!("its `alg` is {alg}, but its JWK says {jws}, which is {of}")),
        _ => Ok(()),
    }
}

/// JWS names of the algorithms that RFC 9421 has names for, too.
const JWS: [(&str, &str); 6] = [
    ("EdDSA", "ed25519"),
    ("ES256", "ecdsa-p256-sha256"),
    ("ES384", "ecdsa-p384-sha384"),
    ("PS512", "rsa-pss-sha512"),
    ("RS256", "rsa-v1_5-sha256"),
    ("HS256", "hmac-sha256"),
];

#[cfg(test)]
mod tests;
