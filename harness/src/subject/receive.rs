//! The two ways to test what a Core does with a request from outside.

use serde::{Deserialize, Serialize};

/// How a request from outside comes to the Core under test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Receive {
    /// Over TLS to a proxy, which asks the Core: what people outside see
    #[default]
    Edge,
    /// No proxy in between: the suite asks the Core (`/internal/auth`) itself, and hands what may go on to the app
    Direct,
}

impl Receive {
    /// What stands behind the kind of a Core: `command, asked directly`.
    pub fn beside(self) -> &'static str {
        match self {
            Receive::Edge => "",
            Receive::Direct => ", asked directly: no proxy in between",
        }
    }
}
