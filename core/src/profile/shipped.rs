//! The profiles that ship: files in `core/profiles`, part of the program.

use std::collections::BTreeMap;

use super::Profile;

const FILES: [(&str, &str); 3] = [
    ("portal", include_str!("../../profiles/portal.toml")),
    ("portal-2022", include_str!("../../profiles/portal-2022.toml")),
    ("freeshard", include_str!("../../profiles/freeshard.toml")),
];

/// A profile with its name, and what it leaves out of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Profile,
    /// The requirements that its values contradict, by id, each with the reason.
    pub off: BTreeMap<String, String>,
}

impl Shipped {
    /// The names, the default first.
    pub const NAMES: [&str; 3] = [FILES[0].0, FILES[1].0, FILES[2].0];

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        let (name, text) = FILES.into_iter().find(|(known, _)| *known == name)?;
        // That each can be read is what the tests say.
        Self::parse(name, text).ok()
    }

    fn parse(name: &'static str, text: &str) -> Result<Self, toml::de::Error> {
        let mut table: toml::Table = toml::from_str(text)?;
        let off = table.remove("off").map(toml::Value::try_into).transpose()?.unwrap_or_default();
        let mut values: Profile = toml::Value::Table(table).try_into()?;
        // TOML has no word for none.
        values.tag = values.tag.filter(|tag| !tag.is_empty());
        Ok(Shipped { name, values, off })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IdForm, TargetForm};

    #[test]
    fn each_can_be_read_and_its_values_can_be_used() {
        for (name, text) in FILES {
            let shipped = Shipped::parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            shipped.values.signature_policy().unwrap();
            assert_eq!(Shipped::named(name), Some(shipped));
        }
        assert_eq!(Shipped::named("other"), None);
    }

    #[test]
    fn portal_says_every_value_and_they_are_the_default_and_nothing_is_off() {
        let text: toml::Table = toml::from_str(FILES[0].1).unwrap();
        let default = toml::Table::try_from(Profile::default()).unwrap();
        assert_eq!(text, default);
        assert_eq!(Shipped::named("portal").unwrap().off, BTreeMap::new());
    }

    #[test]
    fn deployed_cores_sign_as_they_were_seen_to() {
        let shipped = Shipped::named("portal-2022").unwrap();
        assert_eq!(shipped.values.covered(true), ["@method", "@authority", "@target-uri", "date"]);
        assert_eq!((shipped.values.window_seconds, shipped.values.tag.clone()), (24 * 3_600, None));
        assert_eq!(
            (shipped.values.client_id, shipped.values.target),
            (IdForm::AsTyped, TargetForm::AuthorityAndTargetUri)
        );
        let freeshard = Shipped::named("freeshard").unwrap();
        assert_eq!(freeshard.values, Profile { zone: "freeshard.cloud".into(), ..shipped.values });
        assert!(freeshard.off.keys().eq(shipped.off.keys()));
    }
}
