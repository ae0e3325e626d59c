//! The shim of `http-message-signatures` from PyPI, where there is a Python that has the library.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::path::Path;
use std::time::Duration;

use countersign::vectors::client::{CommandLine, Shim};
use countersign::vectors::protocol::{Answer, Request};
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(60);

/// A running shim.
pub(super) struct Python {
    runtime: Runtime,
    shim: Shim,
}

impl Python {
    /// Nothing, with a word about it, where there is no such Python: `COUNTERSIGN_PYTHON`, or `target/python`.
    pub(super) fn start() -> Option<Python> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let python = std::env::var_os("COUNTERSIGN_PYTHON").map_or(root.join("target/python/bin/python"), Into::into);
        let shim = root.join("fixtures/subjects/py-http-message-signatures/shim.py");
        let command: CommandLine = format!("{} {}", python.display(), shim.display()).parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = runtime.block_on(async {
            let mut shim = Shim::start(&command)?;
            shim.hello(LIMIT).await.map(|_| shim)
        });
        match started {
            Ok(shim) => Some(Python { runtime, shim }),
            Err(fault) => {
                println!("skipped: {} has no http-message-signatures ({fault})", python.display());
                None
            }
        }
    }

    /// What the library makes of a request.
    pub(super) fn ask(&mut self, request: &Request) -> Answer {
        self.runtime.block_on(self.shim.ask(request, LIMIT)).unwrap()
    }
}
