//! Time is a parameter: whatever depends on the present asks a [`Clock`], so that a scenario can set it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the present.
pub trait Clock: Send + Sync + Debug {
    /// The present moment.
    fn now(&self) -> SystemTime;
}

/// Seconds since 1970-01-01T00:00Z, as `created` and `expires` count them; zero for anything earlier.
pub fn unix_seconds(clock: &dyn Clock) -> u64 {
    clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that can be set, stopped and moved. Clones are handles to the same clock.
#[derive(Clone, Debug)]
pub struct SettableClock(Arc<Mutex<Setting>>);

#[derive(Clone, Copy, Debug)]
enum Setting {
    Frozen(SystemTime),
    Ahead(Duration),
    Behind(Duration),
}

impl SettableClock {
    /// Runs with the machine's clock until told otherwise.
    pub fn running() -> Self {
        Self(Arc::new(Mutex::new(Setting::Ahead(Duration::ZERO))))
    }

    /// Stands still at `moment`.
    pub fn frozen_at(moment: SystemTime) -> Self {
        Self(Arc::new(Mutex::new(Setting::Frozen(moment))))
    }

    /// Shows `moment` now; a running clock goes on from there, a frozen one stays there.
    pub fn set(&self, moment: SystemTime) {
        self.change(|setting| match setting {
            Setting::Frozen(_) => Setting::Frozen(moment),
            Setting::Ahead(_) | Setting::Behind(_) => shifted_to(moment),
        });
    }

    /// Stops at the moment that it shows.
    pub fn freeze(&self) {
        self.change(|setting| Setting::Frozen(setting.shown()));
    }

    /// Goes on from the moment that it shows.
    pub fn resume(&self) {
        self.change(|setting| shifted_to(setting.shown()));
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.set_relative(|shown| shown.checked_add(by));
    }

    /// Moves back.
    pub fn rewind(&self, by: Duration) {
        self.set_relative(|shown| shown.checked_sub(by));
    }

    /// Moves to `moved(shown)`, and stays where it is if that can't be expressed.
    fn set_relative(&self, moved: impl FnOnce(SystemTime) -> Option<SystemTime>) {
        self.change(|setting| {
            let moment = moved(setting.shown()).unwrap_or(setting.shown());
            match setting {
                Setting::Frozen(_) => Setting::Frozen(moment),
                Setting::Ahead(_) | Setting::Behind(_) => shifted_to(moment),
            }
        });
    }

    fn change(&self, to: impl FnOnce(Setting) -> Setting) {
        let mut setting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *setting = to(*setting);
    }
}

impl Default for SettableClock {
    fn default() -> Self {
        Self::running()
    }
}

impl Clock for SettableClock {
    fn now(&self) -> SystemTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).shown()
    }
}

impl Setting {
    fn shown(self) -> SystemTime {
        let machine = SystemClock.now();
        match self {
            Setting::Frozen(moment) => moment,
            Setting::Ahead(by) => machine.checked_add(by).unwrap_or(machine),
            Setting::Behind(by) => machine.checked_sub(by).unwrap_or(UNIX_EPOCH),
        }
    }
}

fn shifted_to(moment: SystemTime) -> Setting {
    let machine = SystemClock.now();
    match moment.duration_since(machine) {
        Ok(ahead) => Setting::Ahead(ahead),
        Err(earlier) => Setting::Behind(earlier.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = SettableClock::frozen_at(at(1_618_884_473));
        assert_eq!(unix_seconds(&clock), 1_618_884_473);
        let handle = clock.clone();
        handle.advance(Duration::from_secs(300));
        assert_eq!(unix_seconds(&clock), 1_618_884_773);
        handle.rewind(Duration::from_secs(400));
        assert_eq!(unix_seconds(&clock), 1_618_884_373);
        handle.set(at(5));
        assert_eq!(unix_seconds(&clock), 5);
    }

    #[test]
    fn a_running_clock_goes_on_from_where_it_was_set() {
        let clock = SettableClock::running();
        clock.set(at(1_000_000));
        let first = clock.now();
        assert!(first >= at(1_000_000) && first < at(1_000_060), "{first:?}");
        clock.advance(Duration::from_secs(3_600));
        let later = clock.now();
        assert!(later >= at(1_003_600) && later < at(1_003_660), "{later:?}");
        clock.freeze();
        assert_eq!(clock.now(), clock.now());
        clock.resume();
        assert!(clock.now() >= later);
    }

    #[test]
    fn a_move_that_no_time_can_express_changes_nothing() {
        let clock = SettableClock::frozen_at(at(7));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), at(7));
    }

    #[test]
    fn before_1970_counts_as_zero() {
        let clock = SettableClock::frozen_at(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(unix_seconds(&clock), 0);
    }
}
