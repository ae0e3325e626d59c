//! The parameters of a signature.

use super::super::prelude::*;
use super::{latest, told};

/// How far a time may be from the one named, in seconds.
const TOLERANCE: u64 = 5;
/// What 128 bits need in Base64.
const CHARACTERS_OF_128_BITS: usize = 22;

pub(super) fn register(steps: &mut Steps) {
    steps.then("^({portal})'s signature has the parameters$", has_parameters);
}

async fn has_parameters(world: &mut World, args: Args) -> StepResult {
    let signature = latest(world, args.text(0))?;
    let now = world.scene().now()?;
    for row in args.table()?.rows() {
        let (name, cell) = (row.cell("parameter")?, row.cell("value")?);
        let got = signature.parameter(name);
        let expected = format!("the parameter {name} is {cell}");
        expect::holds(fits(cell, got, now)?, expected, || told(&signature))?;
    }
    Ok(())
}

fn fits(cell: &str, got: Option<&str>, now: u64) -> StepResult<bool> {
    if let Some(value) = cell.strip_suffix(" or absent") {
        return Ok(got.is_none_or(|got| got == value));
    }
    let Some(got) = got else { return Ok(cell.is_empty()) };
    Ok(match cell {
        "any" => !got.is_empty(),
        "at least 128 bits" => got.chars().count() >= CHARACTERS_OF_128_BITS,
        time if is_time(time) => {
            let wanted = times::point(time, now)?;
            got.parse::<u64>().is_ok_and(|got| got.abs_diff(wanted) <= TOLERANCE)
        }
        cell => fields::cell_matches(cell, got)?,
    })
}

fn is_time(cell: &str) -> bool {
    cell == "now" || cell.starts_with("in ") || cell.ends_with(" ago")
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_fit_what_they_say() {
        let fits = |cell: &str, got: Option<&str>| super::fits(cell, got, 10_000).unwrap();
        assert!(fits("abcdef", Some("abcdef")) && !fits("abcdef", Some("abcdefg")) && !fits("abcdef", None));
        assert!(fits("now", Some("10005")) && !fits("now", Some("10006")) && !fits("now", Some("now")));
        assert!(fits("in 1 minutes", Some("10055")) && !fits("in 1 minutes", Some("10000")));
        assert!(fits("any", Some("x")) && !fits("any", Some("")) && !fits("any", None));
        let long = "a".repeat(22);
        assert!(fits("at least 128 bits", Some(&long)) && !fits("at least 128 bits", Some(&long[1..])));
        assert!(fits("ed25519 or absent", None) && fits("ed25519 or absent", Some("ed25519")));
        assert!(!fits("ed25519 or absent", Some("none")));
        assert!(fits("", None) && !fits("", Some("x")));
    }
}
