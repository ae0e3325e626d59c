//! The textual form of a fault, read.

use std::time::Duration;

use super::quantity::{self, Time};
use super::{CertificateKind, Cut, Fault, LinkFault, Pace, Part, ProcessFault, ProxyFault};

/// Nobody waits longer for a byte.
const LONGEST_DELAY: Duration = Duration::from_secs(600);
const SHORTEST_FLAP: Duration = Duration::from_millis(5);
const LONGEST_FLAP: Duration = Duration::from_secs(3600);
/// Clocks and certificates reach no further.
const LONGEST_SHIFT: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// There is nothing.
    #[error(
        "a fault is missing: such as `alice -> bob latency 200ms` or `bob core frozen` (`countersign fault --list` shows all)"
    )]
    Empty,
    /// Something else should stand there.
    #[error("in the fault `{text}`: {found}, where {expected} should be")]
    Unexpected {
        /// The whole.
        text: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
    /// A number that can't be.
    #[error("in the fault `{text}`: `{word}` is {why}")]
    Value {
        /// The whole.
        text: String,
        /// The number.
        word: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something stands twice.
    #[error("in the fault `{text}`: `{word}` stands twice")]
    Twice {
        /// The whole.
        text: String,
        /// What.
        word: String,
    },
}

/// Reads a fault.
pub(super) fn fault(text: &str) -> Result<Fault, FaultError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut reader = Reader { text: words.join(" "), words: &words, at: 0 };
    let fault = reader.fault()?;
    match reader.next() {
        None => Ok(fault),
        Some(word) => Err(reader.unexpected(Some(word), "the end")),
    }
}

struct Reader<'a> {
    text: String,
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Reader<'a> {
    fn fault(&mut self) -> Result<Fault, FaultError> {
        if self.words.is_empty() {
            return Err(FaultError::Empty);
        }
        let portal = self.name("the name of a Portal")?;
        let expected = "`->`, `<->`, core, app, clock, key, name, certificate or proxy";
        let word = self.next();
        Ok(match word {
            Some("->" | "<->") => self.link(portal, word == Some("<->"))?,
            Some("core") => Fault::Core { portal, fault: self.process()? },
            Some("app") => Fault::App { portal, app: self.name("the name of an app")?, fault: self.process()? },
            Some("clock") => self.clock(portal)?,
            Some("key") => {
                self.one_of(&["rotated"])?;
                Fault::Key { portal }
            }
            Some("name") => {
                self.one_of(&["gone"])?;
                Fault::Name { portal }
            }
            Some("certificate") => {
                let at = self.one_of(&CertificateKind::BAD.map(CertificateKind::word))?;
                Fault::Certificate { portal, kind: CertificateKind::BAD[at] }
            }
            Some("proxy") => {
                let expected =
                    "a wrong behaviour, such as reencodes-query or drops-body (`countersign fault --list` shows more)";
                let word = self.next();
                let fault = ProxyFault::ALL.iter().find(|fault| Some(fault.name()) == word);
                Fault::Proxy { portal, fault: *fault.ok_or_else(|| self.unexpected(word, expected))? }
            }
            other => return Err(self.unexpected(other, expected)),
        })
    }

    fn link(&mut self, from: String, both: bool) -> Result<Fault, FaultError> {
        let to = self.name("the name of another Portal")?;
        if from == to {
            return Err(self.unexpected(Some(&to), "the name of another Portal"));
        }
        let expected = "latency, jitter, bandwidth, refused, reset, black-hole, `cut after` or flapping";
        let fault = match self.peek() {
            Some("latency" | "jitter" | "bandwidth") => LinkFault::Slow(self.pace()?),
            Some("refused") => self.taken(LinkFault::Refused),
            Some("reset") => self.taken(LinkFault::Reset),
            Some("black-hole") => self.taken(LinkFault::BlackHole),
            Some("cut") if self.words.len() == self.at + 1 => self.taken(LinkFault::Refused),
            Some("cut") => LinkFault::Cut(self.cut()?),
            Some("flapping") => {
                self.at += 1;
                let every = self.time(SHORTEST_FLAP, LONGEST_FLAP)?;
                LinkFault::Flapping(every)
            }
            other => return Err(self.unexpected(other, expected)),
        };
        Ok(Fault::Link { from, to, both, fault })
    }

    fn pace(&mut self) -> Result<Pace, FaultError> {
        let mut pace = Pace::default();
        let mut seen = Vec::new();
        while let Some(word) = self.next() {
            if seen.contains(&word) {
                return Err(FaultError::Twice { text: self.text.clone(), word: word.to_owned() });
            }
            match word {
                "latency" => pace.latency = self.time(Duration::ZERO, LONGEST_DELAY)?,
                "jitter" => pace.jitter = self.time(Duration::ZERO, LONGEST_DELAY)?,
                "bandwidth" => pace.bandwidth = Some(self.bandwidth()?),
                other => return Err(self.unexpected(Some(other), "latency, jitter, bandwidth or the end")),
            }
            seen.push(word);
        }
        Ok(pace)
    }

    fn cut(&mut self) -> Result<Cut, FaultError> {
        self.at += 1;
        self.one_of(&["after"])?;
        let bytes = self.size("of the answer")?;
        if self.peek().is_none() {
            return Ok(Cut { bytes, of: Part::Answer });
        }
        self.one_of(&["of"])?;
        self.one_of(&["the"])?;
        let parts = [Part::Answer, Part::Request];
        let at = self.one_of(&parts.map(Part::word))?;
        Ok(Cut { bytes, of: parts[at] })
    }

    fn clock(&mut self, portal: String) -> Result<Fault, FaultError> {
        let expected = "how far it is off, such as +3h or -90s";
        let word = self.next();
        let Some((sign, rest)) =
            word.and_then(|word| word.split_at_checked(1)).filter(|(sign, _)| matches!(*sign, "+" | "-"))
        else {
            return Err(self.unexpected(word, expected));
        };
        let by = quantity::time(rest).ok_or_else(|| self.unexpected(word, expected))?;
        self.within(word.unwrap_or_default(), by, Duration::from_millis(1), LONGEST_SHIFT)?;
        Ok(Fault::Clock { portal, ahead: sign == "+", by })
    }

    fn process(&mut self) -> Result<ProcessFault, FaultError> {
        Ok(ProcessFault::ALL[self.one_of(&ProcessFault::ALL.map(ProcessFault::word))?])
    }

    fn time(&mut self, least: Duration, most: Duration) -> Result<Duration, FaultError> {
        let word = self.next();
        let time = word.and_then(quantity::time);
        let time = time.ok_or_else(|| self.unexpected(word, "a time such as 200ms, 2s or 5m"))?;
        self.within(word.unwrap_or_default(), time, least, most)?;
        Ok(time)
    }

    fn bandwidth(&mut self) -> Result<u64, FaultError> {
        let word = self.next();
        let size = word.and_then(|word| quantity::size(word.strip_suffix("/s")?));
        let size = size.ok_or_else(|| self.unexpected(word, "bytes in a second such as 64KiB/s"))?;
        match size {
            0 => Err(self.value(word.unwrap_or_default(), "nothing at all: that is `black-hole`".to_owned())),
            size => Ok(size),
        }
    }

    fn size(&mut self, what: &str) -> Result<u64, FaultError> {
        let word = self.next();
        let size = word.and_then(quantity::size);
        size.ok_or_else(|| self.unexpected(word, &format!("how much {what}, such as 10KiB or 100B")))
    }

    fn within(&self, word: &str, time: Duration, least: Duration, most: Duration) -> Result<(), FaultError> {
        if time < least {
            return Err(self.value(word, format!("less than {}", Time(least))));
        }
        if time > most {
            return Err(self.value(word, format!("more than {}", Time(most))));
        }
        Ok(())
    }

    fn name(&mut self, expected: &str) -> Result<String, FaultError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_name = |word: &&str| {
            word.len() <= 63 && word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(fits)
        };
        let word = self.next();
        word.filter(is_name).map(str::to_owned).ok_or_else(|| self.unexpected(word, expected))
    }

    /// Which of these comes next.
    fn one_of(&mut self, words: &[&str]) -> Result<usize, FaultError> {
        let word = self.next();
        let found = words.iter().position(|known| Some(*known) == word);
        found.ok_or_else(|| self.unexpected(word, &listed(words)))
    }

    fn taken<T>(&mut self, it: T) -> T {
        self.at += 1;
        it
    }

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.at += 1;
        Some(word)
    }

    fn unexpected(&self, found: Option<&str>, expected: &str) -> FaultError {
        let found = found.map_or_else(|| "it ends".to_owned(), |word| format!("`{word}`"));
        FaultError::Unexpected { text: self.text.clone(), found, expected: expected.to_owned() }
    }

    fn value(&self, word: &str, why: String) -> FaultError {
        FaultError::Value { text: self.text.clone(), word: word.to_owned(), why }
    }
}

/// `a, b or c`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
