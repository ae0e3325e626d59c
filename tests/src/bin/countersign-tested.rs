//! The command `countersign`, where the tests find it: cargo tells a package only of its own programs.

use std::process::ExitCode;

fn main() -> ExitCode {
    countersign::cli::main()
}
