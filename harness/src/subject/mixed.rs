//! Several Cores in one testbed: the Portals of a scenario take them in turn, in each rotation another one first.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use portal_core::profile::Profile;

use super::descriptor::Limits;
use super::places::PlaceError;
use super::{Capabilities, CoreHandle, CoreKind, CorePlan, SubjectError};
use crate::testbed::pki::{Pki, PkiError};

/// Several Cores, by the names that the user gave them.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    members: Arc<Vec<(String, Arc<dyn CoreKind>)>>,
    rotation: usize,
}

/// They can't be in one testbed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// Two have the same name.
    #[error("two Cores are named `{0}`: give them names, --core a=one.toml --core b=two.toml")]
    Twice(String),
    /// One can't be where it shall be.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// One brings its proxy.
    #[error("{0} has a `[proxy]`: a proxy is tested with one Core alone")]
    Proxy(String),
    /// They would not find each other.
    #[error("{one} and {other} differ in {what}: Portals of one testbed have the same")]
    Differ {
        /// The one.
        one: String,
        /// The other.
        other: String,
        /// In what.
        what: &'static str,
    },
}

impl Mixed {
    /// These Cores, at least two.
    pub(super) fn new(members: Vec<(String, Arc<dyn CoreKind>)>) -> Result<Mixed, MixError> {
        let mut names = BTreeSet::new();
        if let Some((name, _)) = members.iter().find(|(name, _)| !names.insert(name.clone())) {
            return Err(MixError::Twice(name.clone()));
        }
        for pair in members.windows(2) {
            let [(one, first), (other, second)] = pair else { continue };
            let (first, second) = (first.profile(), second.profile());
            let differ = |what| MixError::Differ { one: one.clone(), other: other.clone(), what };
            if first.zone != second.zone {
                return Err(differ("`zone`"));
            }
            if first.public_port != second.public_port {
                return Err(differ("`public_port`"));
            }
        }
        Ok(Mixed { members: Arc::new(members), rotation: 0 })
    }

    /// What the scenarios of each rotation are called: `a+b`, `b+a`.
    pub(super) fn rotations(&self) -> Vec<String> {
        (0..self.members.len()).map(|rotation| self.turned(rotation).order().join("+")).collect()
    }

    /// Another one first.
    pub(super) fn turned(&self, rotation: usize) -> Mixed {
        Mixed { members: Arc::clone(&self.members), rotation }
    }

    fn order(&self) -> Vec<&str> {
        (0..self.members.len()).map(|position| self.member(position).0.as_str()).collect()
    }

    /// Whose turn it is.
    fn member(&self, position: usize) -> &(String, Arc<dyn CoreKind>) {
        &self.members[(position + self.rotation) % self.members.len()]
    }

    fn kinds(&self) -> impl Iterator<Item = &Arc<dyn CoreKind>> {
        self.members.iter().map(|(_, kind)| kind)
    }
}

#[async_trait]
impl CoreKind for Mixed {
    fn name(&self) -> String {
        let named = self.members.iter().map(|(name, kind)| match kind.name() {
            own if own == *name => own,
            own => format!("{name} ({own})"),
        });
        named.collect::<Vec<_>>().join(" + ")
    }

    fn version(&self) -> Option<String> {
        let versions = self.kinds().map(|kind| kind.version().unwrap_or_else(|| "?".to_owned()));
        Some(versions.collect::<Vec<_>>().join(" + "))
    }

    fn kind(&self) -> &'static str {
        "mixed"
    }

    /// What all of them can do.
    fn capabilities(&self) -> Capabilities {
        let mut all = self.kinds().map(|kind| kind.capabilities());
        let first = all.next().unwrap_or_default();
        all.fold(first, Capabilities::and)
    }

    fn profile(&self) -> Profile {
        self.members.first().map(|(_, kind)| kind.profile()).unwrap_or_default()
    }

    fn limits(&self) -> Limits {
        let longest = |one: Option<_>, other: Option<_>| one.max(other);
        self.kinds().map(|kind| kind.limits()).fold(Limits::default(), |all, one| Limits {
            answer: longest(all.answer, one.answer),
            step: longest(all.step, one.step),
            parallel: [all.parallel, one.parallel].into_iter().flatten().min(),
        })
    }

    fn brings_proxy(&self) -> bool {
        self.kinds().all(|kind| kind.brings_proxy())
    }

    fn authority(&self) -> Result<Option<Pki>, PkiError> {
        let mut shared: Option<Pki> = None;
        for kind in self.kinds() {
            match &shared {
                None => shared = kind.authority()?,
                Some(pki) => kind.trust(pki),
            }
        }
        // Those before the first that has one make do with it as well.
        if let Some(pki) = &shared {
            self.kinds().for_each(|kind| kind.trust(pki));
        }
        Ok(shared)
    }

    async fn prepare(&self, profile: Profile) -> Result<(), SubjectError> {
        if let Err(error) = self.authority() {
            return Err(SubjectError::Start { portal: self.name(), why: error.to_string() });
        }
        for kind in self.kinds() {
            let own = Profile {
                body_limit: profile.body_limit,
                body_memory: profile.body_memory,
                answer_seconds: profile.answer_seconds,
                ..kind.profile()
            };
            kind.prepare(own).await?;
        }
        Ok(())
    }

    async fn start(&self, plan: CorePlan) -> Result<Box<dyn CoreHandle>, SubjectError> {
        let (_, kind) = self.member(plan.position);
        let profile = Profile {
            body_limit: plan.profile.body_limit,
            body_memory: plan.profile.body_memory,
            answer_seconds: plan.profile.answer_seconds,
            ..kind.profile()
        };
        kind.start(CorePlan { profile, ..plan }).await
    }

    async fn finish(&self) {
        for kind in self.kinds() {
            kind.finish().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::builtin::Builtin;
    use crate::subject::command::CommandKind;
    use crate::subject::descriptor::{Descriptor, Start};

    fn described(more: &str) -> Arc<dyn CoreKind> {
        let text = format!("name = \"x\"\n[start]\ncommand = [\"x\"]\n{more}");
        let descriptor = Descriptor::parse(&text, std::path::Path::new("x.toml")).unwrap();
        let Start::Command(command) = descriptor.start.clone() else { panic!("no command") };
        Arc::new(CommandKind::new(descriptor, *command))
    }

    fn built_in() -> Arc<dyn CoreKind> {
        Arc::new(Builtin::new(|builder| builder))
    }

    #[test]
    fn each_is_first_once_and_the_others_follow_in_turn() {
        let members = ["a", "b", "c"].map(|name| (name.to_owned(), built_in()));
        let mixed = Mixed::new(members.to_vec()).unwrap();
        assert_eq!(mixed.rotations(), ["a+b+c", "b+c+a", "c+a+b"]);
        let turned = mixed.turned(1);
        let portals: Vec<_> = (0..5).map(|position| turned.member(position).0.as_str()).collect();
        assert_eq!(portals, ["b", "c", "a", "b", "c"]);
    }

    #[test]
    fn what_one_can_t_do_is_not_asked_of_any() {
        let mixed =
            Mixed::new(vec![("a".into(), built_in()), ("b".into(), described("[limits]\nparallel = 2\n"))]).unwrap();
        assert_eq!(mixed.name(), "a (portal-core) + b (x)");
        let all = mixed.capabilities();
        assert!(all.names && all.doors && !all.clock && !all.signature_bases);
        assert_eq!(mixed.limits().parallel, Some(2));
        assert!(!mixed.brings_proxy());
    }

    #[test]
    fn those_that_would_not_find_each_other_are_not_mixed() {
        let twice = Mixed::new(vec![("a".into(), built_in()), ("a".into(), built_in())]).unwrap_err();
        assert_eq!(twice, MixError::Twice("a".into()));
        let members =
            vec![("a".into(), built_in()), ("b".into(), described("[overrides]\nzone = \"other.example\"\n"))];
        let differ = Mixed::new(members).unwrap_err();
        assert_eq!(differ.to_string(), "a and b differ in `zone`: Portals of one testbed have the same");
    }

    #[test]
    fn all_trust_one_authority() {
        let (one, other) = (described(""), described(""));
        let members = vec![("a".into(), built_in()), ("b".into(), Arc::clone(&one)), ("c".into(), Arc::clone(&other))];
        let shared = Mixed::new(members).unwrap().authority().unwrap().unwrap();
        for kind in [one, other] {
            assert_eq!(kind.authority().unwrap().unwrap().ca_pem(), shared.ca_pem());
        }
    }
}
