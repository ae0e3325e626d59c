//! How many files, sockets among them, this process may have open. Where they run out, a Core looks as if it were wrong.

/// With fewer, a scenario that keeps many connections open can't be run.
pub(crate) const LEAST: u64 = 256;
/// One scenario needs so many at the most, but for those that keep many connections open.
const OF_A_SCENARIO: u64 = 128;
/// More are never needed, and some programs look at each that there could be.
const ENOUGH: u64 = 1 << 16;

/// Allows as many as the system lets a process allow itself: what is usual is often far less.
pub(crate) fn raise() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
        if limit.current.is_some_and(|current| current < wanted) {
            limit.current = Some(wanted);
            // Where it is refused, it stays as it was, and whoever needs more says so.
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
}

/// How many are allowed now.
pub(crate) fn limit() -> u64 {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    #[cfg(not(unix))]
    u64::MAX
}

/// For how many scenarios at a time that is enough.
pub(crate) fn enough_for(limit: u64) -> usize {
    usize::try_from(limit / OF_A_SCENARIO).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::enough_for;

    #[test]
    fn fewer_files_mean_fewer_scenarios_at_a_time() {
        let at_a_time = [1, 256, 1024, u64::MAX].map(enough_for);
        assert_eq!(at_a_time, [1, 2, 8, usize::try_from(u64::MAX / 128).unwrap()]);
    }
}
