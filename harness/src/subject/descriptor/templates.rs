//! Texts with `{{ }}`: what may stand in them, and what they become.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use portal_core::profile::Profile;
use regex::Regex;
use serde_json::{Value, json};

use crate::mistakes::did_you_mean;

/// A text with `{{ }}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

/// Where a template stands: it says which values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The start of the Core, and hooks about its state.
    Core,
    /// Hooks about an app.
    App,
    /// The hook that sets the clock.
    Clock,
    /// The hook that brings a key.
    Identity,
    /// The command that pairs a terminal.
    Terminal,
    /// The proxy under test.
    Proxy,
}

/// The values for templates, by group and name.
#[derive(Debug, Clone, Default)]
pub struct Values(BTreeMap<&'static str, Value>);

/// A template that can't be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {why}")]
pub struct TemplateError {
    text: String,
    why: String,
}

const CORE: [&str; 5] = ["address", "host", "port", "data_dir", "portal"];

impl Place {
    /// The groups of values and their names.
    pub fn variables(self) -> Vec<(&'static str, Vec<String>)> {
        if self == Place::Proxy {
            return super::proxy::variables();
        }
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let identity = ("identity", owned(&["private_key_pem", "private_key_file"]));
        let mut groups = vec![
            ("core", owned(&CORE)),
            ("names", owned(&["connect_proxy"])),
            ("pki", owned(&["ca_file"])),
            ("profile", PROFILE_KEYS.clone()),
        ];
        match self {
            Place::Core | Place::Identity => groups.push(identity),
            Place::App => groups.push(("app", owned(&["name", "manifest", "address", "echo_address"]))),
            Place::Clock => groups.push(("clock", owned(&["unix", "offset"]))),
            Place::Terminal => groups.push(("terminal", owned(&["name"]))),
            Place::Proxy => {}
        }
        groups
    }
}

pub(super) static PROFILE_KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| match serde_json::to_value(Profile::default()) {
        Ok(Value::Object(profile)) => profile.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    });

impl Template {
    /// A template of the harness's own.
    pub fn new(text: impl Into<String>) -> Template {
        Template(text.into())
    }

    /// A template of a descriptor, if all that it asks for is there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn checked(text: &str, place: Place) -> Result<Template, String> {
        let groups = place.variables();
        for (group, name) in asked(text) {
            let listed =
                || groups.iter().flat_map(|(group, names)| names.iter().map(move |name| format!("{group}.{name}")));
            let Some((_, names)) = groups.iter().find(|(known, _)| *known == group) else {
                let all: Vec<_> = listed().collect();
                let near = did_you_mean(&format!("{group}.{name}"), all.iter().map(String::as_str));
                let known: Vec<_> = groups.iter().map(|(group, _)| format!("{group}.*")).collect();
                return Err(format!("there is no `{group}.{name}` here{near}; there are {}", known.join(", ")));
            };
            if !names.contains(&name) {
                let near = did_you_mean(&name, names.iter().map(String::as_str));
                return Err(format!("there is no `{group}.{name}`{near}; `{group}` has {}", names.join(", ")));
            }
        }
        let mut sample = Values::default();
        for (group, names) in &groups {
            names.iter().for_each(|name| sample.set(group, name, ""));
        }
        let template = Template::new(text);
        template.render(&sample).map_err(|error| error.why)?;
        Ok(template)
    }

    /// Whether it asks for this value, `app.address` for example.
    pub fn asks_for(&self, group: &str, name: &str) -> bool {
        asked(&self.0).iter().any(|(known, asked)| known == group && asked == name)
    }

    /// Whether it asks for any value of this group.
    pub fn asks_for_any(&self, group: &str) -> bool {
        asked(&self.0).iter().any(|(known, _)| known == group)
    }

    /// The text with its values.
    ///
    /// # Errors
    /// A value is not there, or the template is none.
    pub fn render(&self, values: &Values) -> Result<String, TemplateError> {
        if !self.0.contains('{') {
            return Ok(self.0.clone());
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Of a newline at the end nothing is taken away.
        let end = if self.0.ends_with('\n') { "\n" } else { "" };
        let rendered = environment.render_str(&self.0, minijinja::Value::from(Serde(&values.0)));
        rendered.map(|text| text + end).map_err(|error| {
            let why = match error.kind() {
                minijinja::ErrorKind::UndefinedError => {
                    "a value is not defined; values are written `core.address`".to_owned()
                }
                _ => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
            };
            TemplateError { text: self.0.clone(), why }
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Values {
    /// Sets one.
    pub fn set(&mut self, group: &'static str, name: &str, value: impl Into<Value>) {
        let group = self.0.entry(group).or_insert_with(|| json!({}));
        group[name] = value.into();
    }

    /// Sets a whole group.
    pub fn set_group(&mut self, group: &'static str, values: Value) {
        self.0.insert(group, values);
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, group: &'static str, name: &str, value: impl Into<Value>) -> Values {
        self.set(group, name, value);
        self
    }

    /// One of them, as text.
    pub fn text(&self, group: &str, name: &str) -> Option<&str> {
        self.0.get(group)?.get(name)?.as_str()
    }
}

/// The `group.name` pairs within the tags of a template.
fn asked(text: &str) -> Vec<(String, String)> {
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)\{\{(.*?)\}\}|\{%(.*?)%\}").ok());
    static TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""[^"]*"|'[^']*'"#).ok());
    static PAIR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[^.\w])([A-Za-z_]\w*)\.([A-Za-z_]\w*)").ok());
    let (Some(tag), Some(literal), Some(pair)) = (&*TAG, &*TEXT, &*PAIR) else { return Vec::new() };
    let mut pairs = Vec::new();
    for tag in tag.captures_iter(text) {
        let inner = tag.get(1).or_else(|| tag.get(2)).map_or("", |inner| inner.as_str());
        let bare = literal.replace_all(inner, "''");
        pairs.extend(pair.captures_iter(&bare).map(|pair| (pair[1].to_owned(), pair[2].to_owned())));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_filled_in_as_it_is() {
        let values =
            Values::default().with("core", "address", "127.0.0.1:1").with("app", "manifest", "{\"a\": \"<&>\"}\n");
        let render = |text: &str| Template::new(text).render(&values).unwrap();
        assert_eq!(render("--listen={{ core.address }}"), "--listen=127.0.0.1:1");
        assert_eq!(render("{{ app.manifest }}"), "{\"a\": \"<&>\"}\n");
        assert_eq!(render("plain\n"), "plain\n");
        assert_eq!(render("{% if core.address %}x{% endif %}\n"), "x\n");
        let error = Template::new("{{ core.nothing }}").render(&values).unwrap_err();
        assert!(error.to_string().contains("not defined"), "{error}");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_near() {
        let wrong = |text: &str, place| Template::checked(text, place).unwrap_err();
        assert_eq!(
            wrong("{{ core.adress }}", Place::Core),
            "there is no `core.adress`; did you mean `address`?; `core` has address, host, port, data_dir, portal"
        );
        assert!(wrong("{{ app.name }}", Place::Core).starts_with("there is no `app.name` here"), "groups are by place");
        assert!(wrong("{{ cores.address }}", Place::Core).contains("did you mean `core.address`?"));
        assert!(wrong("{{ core.address", Place::Core).contains("unexpected end"));
        assert!(wrong("{{ core }} {{ x }}", Place::Core).contains("not defined"));
        assert!(wrong("{{ profile.zome }}", Place::Core).contains("did you mean `zone`?"));
        Template::checked("{{ 'app.name' }} {{ core.host | upper }}", Place::Core).unwrap();
        Template::checked("{% if identity.private_key_file %}--key{% endif %}", Place::Core).unwrap();
        Template::checked("{{ app.name }}{{ app.address }}", Place::App).unwrap();
    }

    #[test]
    fn a_template_knows_what_it_asks_for() {
        let template = Template::new("/apps/{{ app.name }}?{{app.address|upper}}");
        assert!(template.asks_for("app", "address") && !template.asks_for("app", "manifest"));
        assert!(template.asks_for_any("app") && !template.asks_for_any("core"));
    }
}
