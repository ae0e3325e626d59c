//! Which scenarios run.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use cucumber::tag::Ext as _;
use gherkin::tagexpr::TagOperation;
use regex::Regex;

use crate::verdict::ScenarioInfo;

/// Which scenarios run: all that every given condition takes.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    tags: Option<TagExpression>,
    name: Option<Name>,
    requirement: Option<String>,
    id: Option<String>,
    shard: Option<Shard>,
}

/// One part of several into which all scenarios are divided, each of them into exactly one: by a hash of its id, so that
/// neither order nor machine nor the other conditions matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    number: u64,
    count: u64,
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    regex: Regex,
}

impl Selection {
    /// All.
    pub fn all() -> Selection {
        Selection::default()
    }

    /// Only those whose tags match.
    #[must_use]
    pub fn tags(mut self, expression: TagExpression) -> Selection {
        self.tags = Some(expression);
        self
    }

    /// Only the one with this id; or else those in whose id or name the expression is found.
    #[must_use]
    pub fn name(mut self, regex: Regex) -> Selection {
        self.name = Some(Name { text: regex.as_str().to_owned(), regex });
        self
    }

    /// Only those of this requirement.
    #[must_use]
    pub fn requirement(mut self, id: impl Into<String>) -> Selection {
        self.requirement = Some(id.into());
        self
    }

    /// Only the one with this id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Selection {
        self.id = Some(id.into());
        self
    }

    /// Only those in this part.
    #[must_use]
    pub fn shard(mut self, shard: Shard) -> Selection {
        self.shard = Some(shard);
        self
    }

    /// Those that every condition takes.
    pub(crate) fn filter<'a, T>(&self, all: &'a [T], info: impl Fn(&T) -> &ScenarioInfo) -> Vec<&'a T> {
        let exact = self.name.as_ref().filter(|name| all.iter().any(|one| info(one).id == name.text));
        let named = |one: &ScenarioInfo| match (&self.name, exact) {
            (_, Some(name)) => one.id == name.text,
            (Some(name), None) => name.regex.is_match(&one.id) || name.regex.is_match(&one.name),
            (None, None) => true,
        };
        let tagged = |one: &ScenarioInfo| self.tags.as_ref().is_none_or(|tags| tags.matches(&one.tags));
        let required = |one: &ScenarioInfo| self.requirement.as_ref().is_none_or(|id| one.requirements.contains(id));
        let here = |one: &ScenarioInfo| {
            self.id.as_ref().is_none_or(|id| one.id == *id) && self.shard.is_none_or(|shard| shard.holds(&one.id))
        };
        let taken = |one: &ScenarioInfo| named(one) && tagged(one) && required(one) && here(one);
        all.iter().filter(|one| taken(info(one))).collect()
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.tags.as_ref().map(|tags| format!("the tags `{}`", tags.text)));
        parts.extend(self.name.as_ref().map(|name| format!("the name `{}`", name.text)));
        parts.extend(self.requirement.as_ref().map(|id| format!("the requirement {id}")));
        parts.extend(self.id.as_ref().map(|id| format!("the id `{id}`")));
        parts.extend(self.shard.map(|shard| format!("the shard {shard}")));
        f.write_str(&parts.join(" and "))
    }
}

impl Shard {
    /// Whether the scenario with this id belongs to it.
    pub fn holds(self, id: &str) -> bool {
        let hash = digest(&SHA256, id.as_bytes());
        let start = hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
        start % self.count == self.number - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok())?;
        match text.split_once('/').map(|(one, all)| (number(one), number(all))) {
            Some((Some(one), Some(all))) if (1..=all).contains(&one) => {
                Ok(Shard { number: one.into(), count: all.into() })
            }
            _ => Err("write 2/5 for the second of five parts".to_owned()),
        }
    }
}

/// A tag expression of Cucumber: `@CALL-3 and not @slow`.
#[derive(Debug, Clone)]
pub struct TagExpression {
    text: String,
    operation: TagOperation,
}

impl TagExpression {
    /// Whether these tags match.
    pub fn matches(&self, tags: &[String]) -> bool {
        self.operation.eval(tags)
    }
}

impl FromStr for TagExpression {
    type Err = String;

    fn from_str(text: &str) -> Result<TagExpression, String> {
        match text.parse() {
            Ok(operation) => Ok(TagExpression { text: text.to_owned(), operation }),
            Err(_) => {
                Err("not a tag expression; write for example `@CALL-3`, `@CALL-3 or @CALL-4`, `not @slow`".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    fn scenario(id: &str, name: &str, requirements: &[&str]) -> ScenarioInfo {
        ScenarioInfo {
            id: id.into(),
            name: name.into(),
            feature: "f.feature".into(),
            line: 1,
            tags: tags(requirements),
            requirements: tags(requirements),
            level: None,
        }
    }

    #[test]
    fn tag_expressions_are_cucumber_s() {
        let matches =
            |expression: &str, given: &[&str]| expression.parse::<TagExpression>().unwrap().matches(&tags(given));
        assert!(matches("@A-1", &["A-1", "slow"]));
        assert!(!matches("@A-1", &["A-10"]));
        assert!(!matches("@A-1 and not @slow", &["A-1", "slow"]));
        assert!(matches("@A-1 and @B-1 or @C-1", &["C-1"]));
        assert!(!matches("@A-1 and (@B-1 or @C-1)", &["C-1"]));
        assert!(matches("not (@A-1 or @B-1)", &[]));
        for broken in ["A-1", "@A-1 @B-1", "@A-1 and", ""] {
            assert!(broken.parse::<TagExpression>().is_err(), "{broken}");
        }
    }

    #[test]
    fn a_shard_is_written_as_part_of_all() {
        assert_eq!("2/5".parse::<Shard>().unwrap().to_string(), "2/5");
        for bad in ["", "2", "0/5", "6/5", "1/0", "+1/5", "1/5/2", "a/b", "1/", "1/70000"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }

    #[test]
    fn where_a_scenario_goes_never_changes() {
        // These must hold for ever, on every machine.
        let part = |id: &str| (1..=5).find(|n| format!("{n}/5").parse::<Shard>().unwrap().holds(id)).unwrap();
        assert_eq!(["call_peer/a", "call_peer/b", "access/c", "ünï/d"].map(part), PARTS);
        assert!("1/1".parse::<Shard>().unwrap().holds("call_peer/a"));
    }

    const PARTS: [u16; 4] = [1, 5, 4, 5];

    proptest::proptest! {
        #[test]
        fn every_id_is_in_exactly_one_shard(id in ".{0,40}", count in 1_u16..60) {
            let shards = (1..=count).map(|n| format!("{n}/{count}").parse::<Shard>().unwrap());
            proptest::prop_assert_eq!(shards.filter(|shard| shard.holds(&id)).count(), 1);
        }
    }

    #[test]
    fn a_name_is_an_id_or_an_expression() {
        let all = [scenario("f/a", "One", &["A-1"]), scenario("f/a-b", "Two", &["A-1", "B-1"])];
        let ids = |selection: Selection| {
            selection.filter(&all, |one| one).iter().map(|one| one.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(Selection::all()).len(), 2);
        assert_eq!(ids(Selection::all().name(Regex::new("f/a").unwrap())), ["f/a"]);
        assert_eq!(ids(Selection::all().name(Regex::new("^f/a").unwrap())).len(), 2);
        assert_eq!(ids(Selection::all().name(Regex::new("T.o").unwrap())), ["f/a-b"]);
        assert_eq!(ids(Selection::all().requirement("B-1")), ["f/a-b"]);
        assert_eq!(ids(Selection::all().requirement("B-1").tags("not @A-1".parse().unwrap())), [""; 0]);
    }
}
