//! What a Core says on standard output and standard error: the latest of it, line by line.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex::Regex;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;

/// So much is kept, in bytes.
const KEPT: usize = 1 << 20;
/// A longer line is taken for several.
const LINE: usize = 16 << 10;
/// So many lines are shown when it dies.
const SHOWN: usize = 20;

/// The latest lines. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Lines>>, Option<Listener>);

/// Hears each line as it is said.
#[derive(Clone)]
struct Listener(Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<String>,
    bytes: usize,
}

impl Log {
    /// Keeps lines, and hands each on as it is said.
    pub(crate) fn heard_by(listener: impl Fn(&str) + Send + Sync + 'static) -> Log {
        Log(Arc::default(), Some(Listener(Arc::new(listener))))
    }

    fn add(&self, line: String) {
        if let Some(Listener(heard)) = &self.1 {
            heard(&line);
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.bytes += line.len() + 1;
        lines.kept.push_back(line);
        while lines.bytes > KEPT {
            let Some(oldest) = lines.kept.pop_front() else { break };
            lines.bytes -= oldest.len() + 1;
        }
    }

    /// All that is kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.iter().cloned().collect()
    }

    /// How it ends, for people.
    pub(crate) fn end(&self) -> String {
        let lines = self.lines();
        if lines.is_empty() {
            return "it said nothing".to_owned();
        }
        let last = &lines[lines.len().saturating_sub(SHOWN)..];
        let shown: Vec<String> = last.iter().map(|line| format!("  | {line}")).collect();
        format!("its output ends with\n{}", shown.join("\n"))
    }
}

/// Finds in the output where a Core listens.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    regex: Option<Regex>,
    found: watch::Sender<Option<String>>,
}

impl Finder {
    /// Looks for the first group of the expression, where there is one.
    pub(crate) fn new(regex: Option<Regex>) -> Finder {
        Finder { regex, found: watch::Sender::new(None) }
    }

    /// What is found first.
    pub(crate) fn found(&self) -> watch::Receiver<Option<String>> {
        self.found.subscribe()
    }

    fn look(&self, line: &str) {
        let found = self.regex.as_ref().and_then(|regex| regex.captures(line)?.get(1));
        if let Some(found) = found {
            self.found.send_if_modified(|known| known.is_none() && known.replace(found.as_str().to_owned()).is_none());
        }
    }
}

/// Keeps what is said until nothing more comes.
pub(crate) async fn listen(mut from: impl AsyncRead + Unpin, log: Log, finder: Finder) {
    let mut piece = [0; 8192];
    let mut line = Vec::new();
    let say = |line: &mut Vec<u8>| {
        let text = readable(line);
        line.clear();
        finder.look(&text);
        log.add(text);
    };
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        for byte in &piece[..count] {
            match byte {
                b'\n' => say(&mut line),
                byte => line.push(*byte),
            }
            if line.len() == LINE {
                say(&mut line);
            }
        }
    }
    if !line.is_empty() {
        say(&mut line);
    }
}

/// Without colours and whatever else a terminal would heed.
fn readable(line: &[u8]) -> String {
    static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;?]*[A-Za-z]").ok());
    let text = String::from_utf8_lossy(line);
    let text = ESCAPE.as_ref().map_or(text.clone(), |escape| escape.replace_all(&text, "").into_owned().into());
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(bytes: &[u8]) -> (Log, Finder) {
        let (log, finder) = (Log::default(), Finder::new(Regex::new("at ([0-9.:]+)").ok()));
        listen(bytes, log.clone(), finder.clone()).await;
        (log, finder)
    }

    #[tokio::test]
    async fn lines_are_kept_and_the_first_address_is_found() {
        let (log, finder) = said(b"one\r\nlistens at 127.0.0.1:7\nat 127.0.0.1:8\nrest").await;
        assert_eq!(log.lines(), ["one", "listens at 127.0.0.1:7", "at 127.0.0.1:8", "rest"]);
        assert_eq!(finder.found().borrow().as_deref(), Some("127.0.0.1:7"));
        assert_eq!(Log::default().end(), "it said nothing");
        let (log, _) = said(b"\x1b[2m12:00\x1b[0m \x1b[33mWARN\x1b[0m a\tb\x07\n").await;
        assert_eq!(log.lines(), ["12:00 WARN a b"]);
    }

    #[tokio::test]
    async fn only_the_end_is_kept_and_shown() {
        let many: String = (0..200_000).map(|n| format!("line {n}\n")).collect();
        let (log, _) = said(many.as_bytes()).await;
        let kept: usize = log.lines().iter().map(|line| line.len() + 1).sum();
        assert!(kept <= KEPT && kept > KEPT - 100, "{kept}");
        let end = log.end();
        assert!(end.contains("  | line 199980\n") && end.ends_with("  | line 199999"), "{end}");
        assert!(!end.contains("line 199979"));
        let (log, _) = said(&vec![b'x'; 3 * LINE + 1]).await;
        assert_eq!(log.lines().iter().map(String::len).collect::<Vec<_>>(), [LINE, LINE, LINE, 1]);
    }
}
