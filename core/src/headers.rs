//! The headers that an app asks for: templates over who comes and who we are, rendered so that no value can break a header (APP-3, APP-4).

use std::fmt::{self, Write as _};

use http::{HeaderName, HeaderValue};
use minijinja::{Environment, UndefinedBehavior, context};

use crate::acl::{Client, Permit};
use crate::manifest::Problem;

mod methods;

/// The variables that exist.
pub const VARIABLES: &str = "auth.client_type, auth.client_id, auth.client_name, portal.domain, portal.id, portal.short_id, portal.public_key_pem";
/// The longest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 4_096;
/// The longest rendered value, in bytes: proxies refuse headers much longer.
pub const MAX_VALUE_BYTES: usize = 8_192;
/// The work that one template may cost. A loop ends with it, and so does whatever makes its own value large.
const FUEL: u64 = 20_000;

/// What templates may know of the Portal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortalFacts {
    /// `<short id>.<zone>`, with the public port where it is not 443.
    pub domain: String,
    /// The Portal's ID.
    pub id: String,
    /// Its first six characters.
    pub short_id: String,
    /// The public key, as SPKI PEM.
    pub public_key_pem: String,
}

/// Renders the headers that the matched rule declares. A value that can't be rendered is empty: it is never the request's fault.
pub fn render(permit: &Permit, portal: &PortalFacts) -> Vec<(HeaderName, HeaderValue)> {
    permit
        .headers()
        .iter()
        .map(|template| {
            let value = template.render(permit.client(), portal).unwrap_or_else(|why| {
                tracing::warn!(header = %template.name, why, "a declared header can't be rendered and stays empty");
                HeaderValue::from_static("")
            });
            (template.name.clone(), value)
        })
        .collect()
}

/// A declared header whose template was tried out.
#[derive(Clone)]
pub struct HeaderTemplate {
    name: HeaderName,
    source: String,
}

impl HeaderTemplate {
    /// Checks the name (APP-5) and tries the template on every kind of client (APP-3).
    pub fn parse(name: &str, source: &str) -> Result<Self, Problem> {
        let header = HeaderTemplate { name: header_name(name)?, source: source.to_owned() };
        header.check()?;
        Ok(header)
    }

    /// The header's name, in lower case.
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The template as declared.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn check(&self) -> Result<(), Problem> {
        let refused = |why: String| Problem::TemplateRefused { why };
        if self.source.len() > MAX_TEMPLATE_BYTES {
            return Err(refused(format!("it has {} bytes; at most {MAX_TEMPLATE_BYTES} are read", self.source.len())));
        }
        let environment = environment(UndefinedBehavior::SemiStrict);
        let template = environment.template_from_str(&self.source).map_err(|error| refused(message(&error)))?;
        for variable in template.undeclared_variables(true) {
            if !is_known(&variable, &environment) {
                return Err(Problem::VariableUnknown { name: variable, known: VARIABLES });
            }
        }
        for client in samples() {
            self.render_with(&environment, &client, &sample_portal()).map_err(refused)?;
        }
        // A filter may make nothing of a stranger's empty name; that is empty, and no mistake.
        self.render(&Client::Anonymous, &sample_portal()).map_err(refused)?;
        Ok(())
    }

    fn render(&self, client: &Client, portal: &PortalFacts) -> Result<HeaderValue, String> {
        // What is missing renders empty: the template was tried, and a request is no occasion to fail.
        self.render_with(&environment(UndefinedBehavior::Chainable), client, portal)
    }

    fn render_with(
        &self,
        environment: &Environment<'_>,
        client: &Client,
        portal: &PortalFacts,
    ) -> Result<HeaderValue, String> {
        let context = context! {
            auth => context! {
                client_type => client.client_type(),
                client_id => client.id(),
                client_name => client.name(),
            },
            portal => context! {
                domain => portal.domain.as_str(),
                id => portal.id.as_str(),
                short_id => portal.short_id.as_str(),
                public_key_pem => portal.public_key_pem.as_str(),
            },
        };
        let rendered = environment.render_str(&self.source, context).map_err(|error| message(&error))?;
        let encoded = percent_encode(&rendered);
        if encoded.len() > MAX_VALUE_BYTES {
            return Err(format!("it renders to {} bytes; at most {MAX_VALUE_BYTES} are passed on", encoded.len()));
        }
        HeaderValue::from_str(&encoded).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for HeaderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.source)
    }
}

/// A text of printable ASCII as it is. In any other, every byte outside of that is `%XX`, and so is the `%` beside it, so
/// that decoding gives the text back (APP-3).
pub fn percent_encode(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => {
                // Writing to a String does not fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

fn header_name(name: &str) -> Result<HeaderName, Problem> {
    let prefix_len = "x-ptl-".len();
    let fits = name.get(..prefix_len).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-ptl-"))
        && (prefix_len + 1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) if fits => Ok(name),
        _ => Err(Problem::HeaderNameRefused),
    }
}

/// Templates know no other templates, no files and no functions of ours: there is nothing to run.
fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_undefined_behavior(undefined);
    environment.set_unknown_method_callback(methods::call);
    environment
}

fn is_known(variable: &str, environment: &Environment<'_>) -> bool {
    let mut steps = variable.splitn(3, '.');
    match (steps.next(), steps.next()) {
        (Some("auth"), None | Some("client_type" | "client_id" | "client_name"))
        | (Some("portal"), None | Some("domain" | "id" | "short_id" | "public_key_pem")) => true,
        (Some(other), _) => environment.globals().any(|(name, _)| name == other),
        (None, _) => false,
    }
}

fn message(error: &minijinja::Error) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match error.line() {
        Some(line) if line > 1 => format!("{what} (line {line})"),
        _ => what,
    }
}

fn samples() -> [Client; 2] {
    [
        Client::Terminal { id: "eie767".into(), name: "my notebook".into() },
        Client::Peer { id: "b8rk3f".repeat(17) + "b", name: "Zoë {{ x }} 100 %".into() },
    ]
}

fn sample_portal() -> PortalFacts {
    PortalFacts {
        domain: "c0p3x5.p.getportal.org".into(),
        id: "c0p3x5".repeat(17) + "c",
        short_id: "c0p3x5".into(),
        public_key_pem: "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n".into(),
    }
}

#[cfg(test)]
mod tests;
