//! `portal-core`: a Core as a server of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    portal_core::program::main(std::env::args_os())
}
