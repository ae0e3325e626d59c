//! Finds two keys with the same short ID and prints them. `same-short-id LENGTH` is content with IDs that begin with as
//! many equal characters; a short ID has six.

use std::io::{self, Write as _};
use std::process::ExitCode;

use countersign_tests::short_ids;

/// More would take days.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=8;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let length = match std::env::args().nth(1) {
        None => 6,
        Some(given) => match given.parse() {
            Ok(length) if LENGTHS.contains(&length) => length,
            _ => {
                writeln!(io::stderr(), "`{given}` is no length: write a number from 1 to 8, or nothing for 6")?;
                return Ok(ExitCode::from(2));
            }
        },
    };
    let mut out = io::stdout().lock();
    for identity in short_ids::find(length)? {
        writeln!(out, "# {}\n{}", identity.id(), identity.private_key_pem())?;
    }
    Ok(ExitCode::SUCCESS)
}
