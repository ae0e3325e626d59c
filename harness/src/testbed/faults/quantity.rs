//! Times and sizes as people write them: `200ms`, `3h`, `64KiB`.

use std::fmt;
use std::time::Duration;

/// Milliseconds in each unit, the largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
/// Bytes in each unit, the largest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A time to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(pub(super) Duration);

/// A number of bytes to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) u64);

/// `200ms`, `2s`, `5m`, `3h`, `1d`.
pub(super) fn time(text: &str) -> Option<Duration> {
    count(text, &TIMES).map(Duration::from_millis)
}

/// `100B`, `64KiB`, `1MiB`, `1GiB`.
pub(super) fn size(text: &str) -> Option<u64> {
    count(text, &SIZES)
}

fn count(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let (_, each) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*each)
}

fn write(f: &mut fmt::Formatter<'_>, amount: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fits = |(_, each): &&(&str, u64)| amount >= *each && amount.is_multiple_of(*each);
    match units.iter().find(fits).or(units.last()) {
        Some((name, each)) => write!(f, "{}{name}", amount / each),
        None => Ok(()),
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &TIMES)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, &SIZES)
    }
}
