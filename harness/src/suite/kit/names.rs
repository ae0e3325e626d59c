//! Names in sentences.

use std::fmt;

/// Who gets requests: `bob's chat` is an app of a Portal, `carol` a Portal that the harness plays.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Receiver {
    /// An app of a Portal.
    App {
        /// Name of the Portal.
        portal: String,
        /// Name of the app.
        app: String,
    },
    /// A fake Portal, whatever the app.
    Fake(String),
}

impl Receiver {
    /// `bob's chat` or `carol`.
    pub(crate) fn parse(text: &str) -> Receiver {
        match text.split_once("'s ") {
            Some((portal, app)) => Receiver::app(portal, app),
            None => Receiver::Fake(text.to_owned()),
        }
    }

    /// The app `app` of `portal`.
    pub(crate) fn app(portal: &str, app: &str) -> Receiver {
        Receiver::App { portal: portal.to_owned(), app: app.to_owned() }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Receiver::App { portal, app } => write!(f, "{portal}'s {app}"),
            Receiver::Fake(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_read_as_they_are_written() {
        assert_eq!(Receiver::parse("bob's chat"), Receiver::app("bob", "chat"));
        assert_eq!(Receiver::parse("carol"), Receiver::Fake("carol".into()));
        assert_eq!(Receiver::parse("bob's chat").to_string(), "bob's chat");
        assert_eq!(Receiver::parse("carol").to_string(), "carol");
    }
}
