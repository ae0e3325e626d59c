//! Which Core is tested.

use std::path::PathBuf;

use clap::Args;
use portal_core::profile::Shipped;

use crate::bundle;
use crate::cli::CommandFailure;
use crate::subject::descriptor::Descriptor;
use crate::subject::{Place, Receive, Subject};

/// In the place of a file: the compact Core of this project.
const BUILT_IN: &str = "built-in";

/// Which Core is tested.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which Core")]
pub(in crate::cli) struct CoreArgs {
    /// The file that describes the Core [default: the built-in one]. Several Cores, given as NAME=FILE, share each testbed:
    /// every scenario runs once with each of them first. `built-in` stands for the one that is
    #[arg(long, value_name = "[NAME=]FILE", value_parser = chosen)]
    core: Vec<Chosen>,

    /// The profile by which the built-in Core goes; a descriptor names its own
    #[arg(long, value_name = "NAME", default_value = Shipped::NAMES[0], value_parser = profile, conflicts_with = "core")]
    profile: Shipped,

    /// Where the Cores are
    #[arg(long = "in", value_name = "PLACE", value_enum, default_value_t)]
    place: Place,

    /// How requests from outside come to the Core [default: edge]
    #[arg(long, value_name = "HOW", value_enum)]
    receive: Option<Receive>,
}

fn profile(name: &str) -> Result<Shipped, String> {
    Shipped::named(name).ok_or_else(|| format!("there is no such profile; there are {}", Shipped::NAMES.join(", ")))
}

/// A Core, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    given: String,
    name: Option<String>,
    /// None for the built-in one.
    file: Option<PathBuf>,
}

/// `FILE`, or `NAME=FILE`.
fn chosen(given: &str) -> Result<Chosen, String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let (name, file) = match given.split_once('=') {
        Some((name, file)) if is_name(name) => (Some(name.to_owned()), file),
        Some((name, _)) if !name.contains(['/', '.']) => {
            return Err(format!("`{name}` is no name: lower-case letters, digits and `-`"));
        }
        _ => (None, given),
    };
    let file = Some(file).filter(|file| *file != BUILT_IN).map(PathBuf::from);
    Ok(Chosen { given: given.to_owned(), name, file })
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+,@:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

impl CoreArgs {
    /// The Core under test, or several.
    pub(in crate::cli) fn subject(&self) -> Result<Subject, CommandFailure> {
        self.subject_received(Receive::Edge)
    }

    /// The same, whose receiving side is tested in this way unless it is said how.
    pub(in crate::cli) fn subject_received(&self, usual: Receive) -> Result<Subject, CommandFailure> {
        let receive = self.receive.unwrap_or(usual);
        let mut members = Vec::new();
        for chosen in &self.core {
            let subject = match &chosen.file {
                Some(file) => {
                    let descriptor = Descriptor::read(file).map_err(CommandFailure::usage)?;
                    self.place.takes(&descriptor).map_err(CommandFailure::usage)?;
                    Subject::described(descriptor)
                }
                None => self.built_in()?,
            };
            members.push((chosen.name.clone().unwrap_or_else(|| subject.name()), subject));
        }
        let subject = match members.len() {
            0 => self.built_in()?,
            1 => members.remove(0).1,
            _ => Subject::mixed(members).map_err(CommandFailure::usage)?,
        };
        if receive == Receive::Direct && subject.proxy().is_some() {
            return Err(CommandFailure::usage(format!(
                "{} describes a proxy (`[proxy]`), and with --receive direct there is none: leave one of them out",
                self.core.iter().map(|chosen| chosen.given.as_str()).collect::<Vec<_>>().join(", "),
            )));
        }
        Ok(subject.received(receive).given_as(&self.given_as(receive)))
    }

    /// Whether it was said which Core, be it the built-in one.
    pub(in crate::cli) fn is_named(&self) -> bool {
        !self.core.is_empty()
    }

    /// These options, as they are typed; with a space behind each.
    pub(in crate::cli) fn given(&self) -> String {
        self.given_as(self.receive.unwrap_or_default())
    }

    fn given_as(&self, receive: Receive) -> String {
        let cores = self.core.iter().map(|chosen| format!("--core {} ", quoted(&chosen.given)));
        let profile = Some(self.profile.name).filter(|name| *name != Shipped::NAMES[0]);
        let profile = profile.map(|name| format!("--profile {name} "));
        let place = Some(self.place).filter(|place| *place != Place::default());
        let place = place.map(|place| format!("--in {} ", place.name()));
        let directly = (receive == Receive::Direct).then(|| "--receive direct ".to_owned());
        cores.chain(profile).chain(place).chain(directly).collect()
    }

    fn built_in(&self) -> Result<Subject, CommandFailure> {
        Subject::builtin_in(self.place, self.profile.clone()).map_err(CommandFailure::usage)
    }

    /// The descriptors, as they were given.
    pub(in crate::cli) fn descriptors(&self) -> Result<Vec<bundle::Descriptor>, CommandFailure> {
        let mut descriptors = Vec::new();
        for chosen in &self.core {
            let Some(file) = &chosen.file else { continue };
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))?;
            descriptors.push(bundle::Descriptor { given: chosen.given.clone(), text });
        }
        Ok(descriptors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_a_file_perhaps_with_a_name() {
        let parts = |given: &str| chosen(given).map(|chosen| (chosen.name, chosen.file));
        let file = |file: &str| Some(PathBuf::from(file));
        assert_eq!(parts("my/core.toml").unwrap(), (None, file("my/core.toml")));
        assert_eq!(parts("a=one.toml").unwrap(), (Some("a".into()), file("one.toml")));
        assert_eq!(parts("b=built-in").unwrap(), (Some("b".into()), None));
        assert_eq!(parts("built-in").unwrap(), (None, None));
        assert_eq!(parts("dir/x=y/core.toml").unwrap(), (None, file("dir/x=y/core.toml")));
        assert_eq!(quoted("a=my/core.toml"), "a=my/core.toml");
        assert_eq!(quoted("it's.toml"), r"'it'\''s.toml'");
        assert!(parts("A B=one.toml").unwrap_err().contains("is no name"));
    }
}
