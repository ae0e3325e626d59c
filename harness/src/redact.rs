//! Keeps secrets out of what people hand on: reports, logs, bundles.
//!
//! Blanked are the values of `cookie`, `set-cookie`, `authorization` and `proxy-authorization`, wherever a message shows
//! them and wherever the same value turns up again in the scenario; private keys as PEM, bare Base64 or JWK; and tokens
//! (JWT); all of that in bodies, too. What tells what went wrong stays: the names of cookies, their attributes, the scheme of an authorization.

mod body;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::record::Record;
use crate::trace::{Entry, What};
use crate::verdict::{Failure, ScenarioResult};

/// Stands where a secret was.
pub const BLANK: &str = "[blanked]";

/// A value shorter than this is blanked in its field, but not looked for elsewhere: it would be found in everything.
const SHORTEST: usize = 8;

/// Attributes of a cookie that are no secret.
const ATTRIBUTES: [&str; 7] = ["domain", "path", "expires", "max-age", "samesite", "secure", "httponly"];

/// What looks like a secret, and what is left of it.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        // A pair in JSON that is a secret field.
        (
            r#"(?i)(\[\s*"(?:set-cookie|cookie|authorization|proxy-authorization)"\s*,\s*")(?:[^"\\]|\\.)*(?:"|\z)"#,
            "${1}[blanked]\"",
        ),
        // PEM; without an end up to where the text ends. Spaces may be encoded as in a query.
        (
            r"(?s)-----BEGIN(?:[A-Z0-9 +]|%20)*PRIVATE(?: |\+|%20)KEY-----.*?(?:-----END(?:[A-Z0-9 +]|%20)*PRIVATE(?: |\+|%20)KEY-----|\z)",
            "[private key blanked]",
        ),
        // The DER of a private key in Base64, by how it begins: PKCS#8 of Ed25519, RSA and ECDSA; RSA and SEC1 of old.
        (
            r"(?:M[A-Za-z0-9+/]{2}CAQ[AE]wBQYDK2VwBC|MII[A-Za-z0-9+/]{3}IBA(?:DAN|AKC)|MIG[A-Za-z0-9+/]AgE[AB]MB|MHcCAQEE)(?:[A-Za-z0-9+/=]|\r?\n|\\[nr])*",
            "[private key blanked]",
        ),
        // The private members of a JWK.
        (r#"(\\*"(?:d|p|q|dp|dq|qi|k)\\*"\s*:\s*\\*")[A-Za-z0-9_-]{20,}"#, "${1}[blanked]"),
        // A token in three parts.
        (r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", BLANK),
        // A member of JSON with the name of a secret field, then a line with one, then a Portal's cookie.
        (
            r#"(?i)("(?:set-cookie|cookie|authorization|proxy-authorization)"\s*:\s*")(?:[^"\\]|\\.)*""#,
            "${1}[blanked]\"",
        ),
        (
            r#"(?im)\b((?:set-cookie|cookie|authorization|proxy-authorization)(?:\\*")?:[ \t]*)[^\s"\[][^\r\n]*"#,
            "${1}[blanked]",
        ),
        (r#"(?i)\b(authorization=)[^\s;,"'\[]+"#, "${1}[blanked]"),
    ];
    let compiled = patterns.map(|(pattern, instead)| Regex::new(pattern).map(|regex| (regex, instead)));
    // They are constants: a test compiles them all.
    compiled.into_iter().filter_map(Result::ok).collect()
});

/// The value of a field, without secrets.
pub fn field<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    match secret_parts(name, value) {
        Some(parts) => parts.into_iter().map(|part| part.shown).collect::<Vec<_>>().join("; ").into(),
        None => text(value),
    }
}

/// A text, without what looks like a secret.
pub fn text(text: &str) -> Cow<'_, str> {
    // Most texts have nothing: this is quicker than the patterns.
    const HINTS: [&str; 8] = ["eyJ", "PRIVATE", "MI", "MC", "MF", "MH", "\"", "\\"];
    let lower_case = |word: &str| contains_ignoring_case(text, word);
    if !HINTS.iter().any(|hint| text.contains(hint)) && !lower_case("cookie") && !lower_case("authorization") {
        return Cow::Borrowed(text);
    }
    PATTERNS.iter().fold(Cow::Borrowed(text), |text, (pattern, instead)| match pattern.replace_all(&text, *instead) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    })
}

/// Blanks the secrets in what came out of a scenario.
pub fn result(result: &mut ScenarioResult) {
    let secrets = Secrets::of(&result.record.entries);
    if let Some(failure) = &mut result.failure {
        secrets.failure(failure);
    }
    secrets.record(std::sync::Arc::make_mut(&mut result.record));
}

/// Values that messages show to be secret.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those in these entries.
    pub(crate) fn of(entries: &[Entry]) -> Secrets {
        let mut secrets = Secrets::default();
        entries.iter().for_each(|entry| secrets.learn(entry));
        secrets
    }

    /// Those in this entry, too.
    pub(crate) fn learn(&mut self, entry: &Entry) {
        let What::Hop(hop) = &entry.what else { return };
        let parts = hop.fields.iter().filter_map(|(name, value)| secret_parts(name, value)).flatten();
        let secrets = parts.filter_map(|part| part.secret).filter(|secret| secret.len() >= SHORTEST);
        for secret in secrets {
            // A value that holds another one goes first.
            let order = |known: &String| secret.len().cmp(&known.len()).then_with(|| known.as_str().cmp(secret));
            if let Err(place) = self.0.binary_search_by(order) {
                self.0.insert(place, secret.to_owned());
            }
        }
    }

    /// Blanks them in a text, and what looks like a secret.
    pub(crate) fn blank(&self, text: &mut String) {
        if let Cow::Owned(changed) = self::text(text) {
            *text = changed;
        }
        for secret in self.0.iter().filter(|secret| !BLANK.contains(secret.as_str())) {
            if text.contains(secret) {
                *text = text.replace(secret, BLANK);
            }
        }
    }

    /// Blanks them in an entry.
    pub(crate) fn entry(&self, entry: &mut Entry) {
        match &mut entry.what {
            What::Hop(hop) => {
                for (name, value) in &mut hop.fields {
                    if let Cow::Owned(changed) = field(name, value) {
                        *value = changed;
                    }
                    self.blank(value);
                }
                self.blank(&mut hop.target);
                hop.note.iter_mut().for_each(|note| self.blank(note));
                hop.body.iter_mut().for_each(|body| self.body(body));
            }
            What::Signature(event) => {
                event.base.iter_mut().chain(&mut event.signature_input).for_each(|text| self.blank(text));
            }
        }
    }

    fn failure(&self, failure: &mut Failure) {
        self.blank(&mut failure.step);
        self.blank(&mut failure.expected);
        self.blank(&mut failure.got);
        failure.hop.iter_mut().for_each(|text| self.blank(text));
        // Short bodies stand there.
        failure.trace.iter_mut().for_each(|text| self.blank_content(text, false));
        if let Some(bases) = &mut failure.bases {
            self.blank(&mut bases.made);
            self.blank(&mut bases.rebuilt);
        }
    }

    fn record(&self, record: &mut Record) {
        record.steps.iter_mut().for_each(|step| self.blank(&mut step.text));
        record.exhibits.iter_mut().for_each(|exhibit| self.blank(&mut exhibit.text));
        record.entries.iter_mut().for_each(|entry| self.entry(entry));
    }
}

/// A part of a secret field: how it is shown, and what is secret in it.
struct Part<'a> {
    shown: String,
    secret: Option<&'a str>,
}

/// The parts of a field whose value is secret; nothing for other fields.
fn secret_parts<'a>(name: &str, value: &'a str) -> Option<Vec<Part<'a>>> {
    let pairs = |is_attribute: fn(usize, &str) -> bool| {
        let part = |(n, pair): (usize, &'a str)| {
            let pair = pair.trim();
            match pair.split_once('=') {
                _ if is_attribute(n, pair) => Part { shown: pair.to_owned(), secret: None },
                Some((name, value)) => Part { shown: format!("{name}={BLANK}"), secret: Some(value.trim_matches('"')) },
                None => Part { shown: BLANK.to_owned(), secret: Some(pair) },
            }
        };
        value.split(';').enumerate().map(part).collect()
    };
    if value.is_empty() {
        None
    } else if name.eq_ignore_ascii_case("cookie") {
        Some(pairs(|_, _| false))
    } else if name.eq_ignore_ascii_case("set-cookie") {
        Some(pairs(|n, pair| {
            let name = pair.split('=').next().unwrap_or_default().trim();
            n > 0 && ATTRIBUTES.iter().any(|known| name.eq_ignore_ascii_case(known))
        }))
    } else if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization") {
        Some(vec![match value.trim().split_once(' ') {
            Some((scheme, credentials)) => {
                Part { shown: format!("{scheme} {BLANK}"), secret: Some(credentials.trim()) }
            }
            None => Part { shown: BLANK.to_owned(), secret: Some(value.trim()) },
        }])
    } else {
        None
    }
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests;
