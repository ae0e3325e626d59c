//! Points in time, as cells name them.

use std::time::Duration;

use crate::suite::failure::{StepFailure, StepResult};

/// `now`, `10 minutes ago`, `in 60 seconds`, or bare seconds since 1970, given the present in such seconds.
pub(crate) fn point(said: &str, now: u64) -> StepResult<u64> {
    let words: Vec<&str> = said.split_whitespace().collect();
    match words.as_slice() {
        ["now"] => Ok(now),
        [count, unit, "ago"] => Ok(now.saturating_sub(duration(count, unit)?.as_secs())),
        ["in", count, unit] => Ok(now + duration(count, unit)?.as_secs()),
        [seconds] => seconds.parse().map_err(|_| no_time(said)),
        _ => Err(no_time(said)),
    }
}

/// `10` and `minutes`.
pub(crate) fn duration(count: &str, unit: &str) -> StepResult<Duration> {
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        _ => return Err(no_time(unit)),
    };
    let count: u64 = count.parse().map_err(|_| no_time(count))?;
    Ok(Duration::from_secs(count * seconds))
}

fn no_time(said: &str) -> StepFailure {
    StepFailure::mistake(format!("`{said}` is no time: `now`, `5 minutes ago`, `in 5 seconds` or seconds since 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_to_the_present() {
        assert_eq!(point("now", 1000).unwrap(), 1000);
        assert_eq!(point("10 minutes ago", 1000).unwrap(), 400);
        assert_eq!(point("1 seconds ago", 1000).unwrap(), 999);
        assert_eq!(point("in 2 hours", 1000).unwrap(), 8200);
        assert_eq!(point("1700000000", 1000).unwrap(), 1_700_000_000);
        assert!(point("soon", 1000).is_err());
        assert!(point("5 years ago", 1000).is_err());
    }
}
