//! Where the Cores of a testbed are: within this process, as processes, in containers.

use std::path::Path;

use clap::ValueEnum;
use portal_core::profile::Shipped;

use super::Subject;
use super::command::this_program;
use super::descriptor::{Descriptor, Image, Start, Template};

/// The built-in Core as a process, and as a container.
const AS_PROCESS: (&str, &str) =
    ("fixtures/cores/portal-core.toml", include_str!("../../../fixtures/cores/portal-core.toml"));
const AS_CONTAINER: (&str, &str) =
    ("fixtures/cores/portal-core-image.toml", include_str!("../../../fixtures/cores/portal-core-image.toml"));

/// Where the Cores of a testbed are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// All within this process: the quickest
    #[default]
    Process,
    /// Each Core a process
    Processes,
    /// Each Core a container in a network of its Portal, where its name is portal_core and apps are known by their address
    Containers,
}

/// Why a Core can't be there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The built-in Core goes by that profile only within this process.
    #[error("the built-in Core goes by the profile {0} only with --in process: leave one of them out")]
    Profile(&'static str),
    /// It comes in another way.
    #[error(
        "{file} describes a Core that comes as {kind}, and --in containers takes those that come as an image: give `image` \
         in [start]"
    )]
    NoImage {
        /// The descriptor.
        file: String,
        /// What it describes.
        kind: &'static str,
    },
    /// Our own descriptor.
    #[error("{0}")]
    Descriptor(String),
}

impl Place {
    /// As it is given on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Place::Process => "process",
            Place::Processes => "processes",
            Place::Containers => "containers",
        }
    }

    /// Whether a Core that is described can be there.
    ///
    /// # Errors
    /// When it can't.
    pub fn takes(self, descriptor: &Descriptor) -> Result<(), PlaceError> {
        match (self, &descriptor.start) {
            (Place::Containers, Start::Command(command)) if command.image.is_some() => Ok(()),
            (Place::Containers, _) => {
                Err(PlaceError::NoImage { file: descriptor.file.display().to_string(), kind: descriptor.kind() })
            }
            (Place::Process | Place::Processes, _) => Ok(()),
        }
    }
}

impl Subject {
    /// The compact Core of this project, there.
    ///
    /// # Errors
    /// When it can't be there by this profile.
    pub fn builtin_in(place: Place, profile: Shipped) -> Result<Subject, PlaceError> {
        match place {
            Place::Process => Ok(Subject::builtin_by(profile)),
            _ if profile.name != Shipped::NAMES[0] => Err(PlaceError::Profile(profile.name)),
            _ => Subject::usual_in(place),
        }
    }

    /// The compact Core of this project by its usual profile, there.
    ///
    /// # Errors
    /// When our own descriptor of it has mistakes.
    pub fn usual_in(place: Place) -> Result<Subject, PlaceError> {
        let (file, text) = match place {
            Place::Process => return Ok(Subject::builtin()),
            Place::Processes => AS_PROCESS,
            Place::Containers => AS_CONTAINER,
        };
        let parsed = Descriptor::parse(text, Path::new(file));
        let mut descriptor = parsed.map_err(|error| PlaceError::Descriptor(error.to_string()))?;
        if let Start::Command(command) = &mut descriptor.start {
            command.directory = std::env::temp_dir();
            match &mut command.image {
                Some(image) => *image = Image { name: None, user: own_user(), ..image.clone() },
                None => {
                    // This very program is a Core, too.
                    let own = [this_program().display().to_string(), "part".to_owned(), "core".to_owned()];
                    command.argv.splice(0..1, own.map(Template::new));
                }
            }
        }
        Ok(Subject::described(descriptor))
    }
}

/// Whoever runs this: files that a container writes are then theirs.
fn own_user() -> Option<String> {
    #[cfg(unix)]
    return Some(format!("{}:{}", rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()));
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_core_can_be_everywhere_by_the_usual_profile() {
        let kind = |place| Subject::builtin_in(place, Shipped::named("portal").unwrap()).unwrap().kind();
        assert_eq!([Place::Process, Place::Processes, Place::Containers].map(kind), ["built-in", "command", "image"]);
        let other = Shipped::named("freeshard").unwrap();
        assert!(Subject::builtin_in(Place::Process, other.clone()).is_ok());
        let error = Subject::builtin_in(Place::Containers, other).unwrap_err().to_string();
        assert!(error.contains("the profile freeshard only with --in process"), "{error}");
    }

    #[test]
    fn containers_take_images_alone() {
        let described = |start: &str| {
            let text = format!("name = \"x\"\n[start]\n{start}\n");
            Descriptor::parse(&text, Path::new("x.toml")).unwrap()
        };
        assert!(Place::Containers.takes(&described("image = \"x:1\"")).is_ok());
        let error = Place::Containers.takes(&described("command = [\"x\"]")).unwrap_err().to_string();
        assert!(error.starts_with("x.toml describes a Core that comes as command"), "{error}");
        assert!(Place::Processes.takes(&described("command = [\"x\"]")).is_ok());
    }
}
