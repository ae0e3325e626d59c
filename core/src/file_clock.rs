//! A clock that a file sets, for a Core whose time somebody else decides: a test, above all.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::clock::{Clock, SystemClock};

/// More than any number of seconds needs.
const MAX_BYTES: u64 = 64;

/// Shows the time that stands in a file, in seconds since 1970: that is how late it was when the file was written, and
/// from there the clock goes on, also over restarts. Written anew, the file sets it anew. Without the file it is the
/// machine's clock.
#[derive(Debug)]
pub struct FileClock {
    file: PathBuf,
    known: Mutex<Known>,
}

/// What the file said last.
#[derive(Debug, Default)]
struct Known {
    set: Option<Set>,
    /// What could not be read, so that it is told once.
    complaint: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Set {
    shown: SystemTime,
    /// By the machine's clock.
    at: SystemTime,
}

/// A file that sets no clock.
#[derive(Debug, Error)]
#[error("{}: {why}; write the seconds since 1970 into it, such as 1618884473", file.display())]
pub struct ClockFileError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl FileClock {
    /// Follows a file, which need not be there yet.
    ///
    /// # Errors
    /// When it is there and holds no time.
    pub fn open(file: &Path) -> Result<Self, ClockFileError> {
        let set = read(file).map_err(|why| ClockFileError { file: file.to_owned(), why })?;
        Ok(FileClock { file: file.to_owned(), known: Mutex::new(Known { set, complaint: None }) })
    }
}

impl Clock for FileClock {
    /// A file that holds no time, half written for one, leaves the clock as it is.
    fn now(&self) -> SystemTime {
        let machine = SystemClock.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.file) {
            Ok(set) => *known = Known { set, complaint: None },
            Err(why) if known.complaint.as_ref() == Some(&why) => {}
            Err(why) => {
                tracing::warn!(file = %self.file.display(), %why, "the clock goes on as it was");
                known.complaint = Some(why);
            }
        }
        known.set.map_or(machine, |set| set.now(machine))
    }
}

impl Set {
    fn now(self, machine: SystemTime) -> SystemTime {
        let moved = match machine.duration_since(self.at) {
            Ok(since) => self.shown.checked_add(since),
            // The file was written in the machine's future.
            Err(_) => Some(self.shown),
        };
        moved.unwrap_or(self.shown)
    }
}

fn read(file: &Path) -> Result<Option<Set>, String> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let at = opened.metadata().and_then(|known| known.modified()).map_err(|error| error.to_string())?;
    let mut text = String::new();
    opened.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let text = text.trim();
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| format!("`{text}` is no time since 1970"))?;
    let shown = UNIX_EPOCH.checked_add(since).ok_or_else(|| format!("`{text}` is later than any clock can show"))?;
    Ok(Some(Set { shown, at }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::unix_seconds;

    fn shows(clock: &FileClock, from: u64) {
        let now = unix_seconds(clock);
        assert!((from..from + 60).contains(&now), "{now}, and should be {from}");
    }

    #[test]
    fn the_file_sets_it_each_time_it_is_written_and_it_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        let clock = FileClock::open(&file).unwrap();
        shows(&clock, unix_seconds(&SystemClock));
        std::fs::write(&file, "1618884473\n").unwrap();
        shows(&clock, 1_618_884_473);
        let first = clock.now();
        while clock.now() == first {}
        assert!(clock.now() > first, "it runs");
        std::fs::write(&file, "2500000000.5").unwrap();
        shows(&clock, 2_500_000_000);
        std::fs::remove_file(&file).unwrap();
        shows(&clock, unix_seconds(&SystemClock));
    }

    #[test]
    fn who_opens_it_later_sees_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        std::fs::write(&file, "1000000").unwrap();
        let hour_ago = SystemClock.now() - Duration::from_secs(3_600);
        File::options().write(true).open(&file).unwrap().set_modified(hour_ago).unwrap();
        shows(&FileClock::open(&file).unwrap(), 1_003_600);
    }

    #[test]
    fn what_is_no_time_is_refused_at_first_and_ignored_later() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        for text in ["", "now", "-5", "1e300", "NaN", "inf"] {
            std::fs::write(&file, text).unwrap();
            let error = FileClock::open(&file).unwrap_err().to_string();
            assert!(error.contains("clock: ") && error.contains("seconds since 1970"), "{error}");
        }
        std::fs::write(&file, "1000000").unwrap();
        let clock = FileClock::open(&file).unwrap();
        for text in ["", "soon"] {
            std::fs::write(&file, text).unwrap();
            shows(&clock, 1_000_000);
        }
        std::fs::write(&file, "2000000").unwrap();
        shows(&clock, 2_000_000);
    }
}
