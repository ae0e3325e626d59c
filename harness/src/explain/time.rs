//! Times as people read them.

/// Seconds since 1970 as `2021-04-20T02:07:53Z`; the bare number where no calendar has it.
pub(super) fn date(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Beyond the year 9999 it is no date any more, but perhaps milliseconds.
    if days > 2_932_896 {
        return format!("{seconds}, which is no date");
    }
    // Years begin in March, so that the leap day is the last; eras of 400 years have equal length.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// A span in the unit that fits.
pub(super) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        172_800..63_072_000 => (seconds / 86_400, "day"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How long before or after the present something is.
pub(super) fn distance(then: u64, now: u64) -> String {
    if then <= now { format!("{} ago", span(now - then)) } else { format!("{} ahead", span(then - now)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_618_884_473, "2021-04-20T02:07:53Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
            (253_402_300_800, "253402300800, which is no date"),
            (1_618_884_473_000, "1618884473000, which is no date"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }

    #[test]
    fn spans_have_the_unit_that_fits() {
        let spans = [1, 119, 120, 7199, 7200, 172_800, 63_072_000].map(span);
        assert_eq!(spans, ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "2 days", "2 years"]);
        assert_eq!((distance(5, 6), distance(6, 5)), ("1 second ago".into(), "1 second ahead".into()));
    }
}
