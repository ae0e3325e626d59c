//! Which scenarios run.

use std::fmt;
use std::str::FromStr;

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
        all.iter().filter(|one| named(info(one)) && tagged(info(one)) && required(info(one))).collect()
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.tags.as_ref().map(|tags| format!("the tags `{}`", tags.text)));
        parts.extend(self.name.as_ref().map(|name| format!("the name `{}`", name.text)));
        parts.extend(self.requirement.as_ref().map(|id| format!("the requirement {id}")));
        f.write_str(&parts.join(" and "))
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
