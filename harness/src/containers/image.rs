//! The image of our own parts: one static program, and nothing around it.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder};
use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::elf::{ProgramError, StaticProgram};
use super::engine::{Engine, EngineError};
use crate::subject::command::this_program;

/// Names the image that is used in place of one of our own.
pub const VARIABLE: &str = "COUNTERSIGN_IMAGE";
/// The label with the digest of the program.
const PROGRAM: &str = "countersign.program";
/// The program's place in the image.
const PLACE: &str = "countersign";

/// An image that was built, or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name with tag, or its id.
    pub name: String,
    /// Its size, in bytes.
    pub size: i64,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The program can't be alone.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file can't be read.
    #[error("{}: can't be read: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is none, and this program can't become one.
    #[error(
        "there is no image {name}, and this program is not static, so that it can't be put into one: build a static one \
         (`.ci/static`) and of that the image (`countersign image build --binary target/static/countersign`), or name \
         another image in {VARIABLE}"
    )]
    Missing {
        /// The image that was looked for.
        name: String,
    },
    /// The one that was named is not there.
    #[error(
        "the engine has no image {name}, which {VARIABLE} names: build it with `countersign image build --tag {name}`"
    )]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A name that can't be.
    #[error("`{0}` is no name of an image: give for example countersign:0.1.0")]
    Name(String),
}

/// The name of the image of this version.
pub fn default_name() -> String {
    format!("countersign:{}", env!("CARGO_PKG_VERSION"))
}

/// Builds the image of this program, under that name.
///
/// # Errors
/// When it can't be read, or the engine refuses.
pub async fn build(engine: &Engine, program: &StaticProgram, name: &str) -> Result<Image, ImageError> {
    let bytes = read(program).await?;
    build_of(engine, program, bytes, name).await
}

/// The image of our parts: the one that is named in the environment, or this very program (where it is a library of another
/// one, the `countersign` beside that), or what was built before.
///
/// # Errors
/// When there is none.
pub async fn own(engine: &Engine) -> Result<Image, ImageError> {
    if let Some(name) = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()) {
        return found(engine, &name).await?.ok_or(ImageError::Unknown { name });
    }
    let name = default_name();
    let Ok(program) = StaticProgram::read(&this_program()) else {
        return found(engine, &name).await?.ok_or(ImageError::Missing { name });
    };
    let bytes = read(&program).await?;
    let filters = HashMap::from([("label", vec![format!("{PROGRAM}={}", sha256(&bytes))])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let same = engine.docker().list_images(Some(options)).await.map_err(EngineError::of("listing images"))?;
    match same.into_iter().next() {
        Some(image) => Ok(Image { name: image.id, size: image.size }),
        None => build_of(engine, &program, bytes, &name).await,
    }
}

async fn found(engine: &Engine, name: &str) -> Result<Option<Image>, EngineError> {
    use bollard::errors::Error::DockerResponseServerError;
    match engine.docker().inspect_image(name).await {
        Ok(image) => Ok(Some(Image { name: name.to_owned(), size: image.size.unwrap_or_default() })),
        Err(DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(EngineError::of(format!("asking for the image {name}"))(error)),
    }
}

async fn build_of(engine: &Engine, program: &StaticProgram, bytes: Vec<u8>, name: &str) -> Result<Image, ImageError> {
    let (repository, tag) = split(name).ok_or_else(|| ImageError::Name(name.to_owned()))?;
    let failed = |source| ImageError::Read { file: program.file().to_owned(), source };
    let changes = vec![
        format!("ENTRYPOINT [\"/{PLACE}\"]"),
        "CMD [\"check\"]".to_owned(),
        // For the throw-away files of a run: the CA, the state of Cores.
        "WORKDIR /tmp".to_owned(),
        format!("LABEL {PROGRAM}={}", sha256(&bytes)),
    ];
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .platform(&format!("linux/{}", program.architecture()))
        .changes(changes)
        .build();
    let root = tokio::task::spawn_blocking(move || files(&bytes)).await;
    let root = root.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)?;
    let making = engine.docker().create_image(Some(options), Some(bollard::body_full(Bytes::from(root))), None);
    let what = format!("building the image {name}");
    let _said: Vec<_> = making.try_collect().await.map_err(EngineError::of(&*what))?;
    let lost = || EngineError::Failed { what, why: "the engine took it and has none".to_owned() };
    Ok(found(engine, name).await?.ok_or_else(lost)?)
}

async fn read(program: &StaticProgram) -> Result<Vec<u8>, ImageError> {
    let read = tokio::fs::read(program.file()).await;
    read.map_err(|source| ImageError::Read { file: program.file().to_owned(), source })
}

/// All files of the image.
fn files(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::with_capacity(program.len() + 8192));
    // Everybody may write here, as anywhere.
    for (folder, mode) in [("tmp/", 0o1777), ("data/", 0o1777)] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(mode);
        header.set_size(0);
        archive.append_data(&mut header, folder, std::io::empty())?;
    }
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(program.len() as u64);
    archive.append_data(&mut header, PLACE, Cursor::new(program))?;
    archive.into_inner()
}

/// `registry:5000/name:tag` → (`registry:5000/name`, `tag`).
fn split(name: &str) -> Option<(&str, &str)> {
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    };
    let fits = |text: &str, more: &str| {
        !text.is_empty() && text.len() < 256 && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let no_upper = repository.rsplit('/').next().is_some_and(|name| !name.contains(|c: char| c.is_ascii_uppercase()));
    (fits(repository, "._-/:") && no_upper && fits(tag, "._-")).then_some((repository, tag))
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_tag_or_get_one() {
        assert_eq!(split("countersign:0.1.0"), Some(("countersign", "0.1.0")));
        assert_eq!(split("registry:5000/our/countersign"), Some(("registry:5000/our/countersign", "latest")));
        assert_eq!(split("registry:5000/countersign:a"), Some(("registry:5000/countersign", "a")));
        for wrong in ["", "a b", "Upper:1", "name:", ":tag", "name:ta g"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_image_holds_the_program_and_room_to_write() {
        let packed = files(b"program").unwrap();
        let mut archive = tar::Archive::new(packed.as_slice());
        let found = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
        });
        let found: Vec<(String, u32)> = found.collect();
        assert_eq!(found, [("tmp/".into(), 0o1777), ("data/".into(), 0o1777), ("countersign".into(), 0o755)]);
    }
}
