//! What the connections from one Portal to another are like.

use std::fmt;
use std::time::Duration;

use super::quantity::{Size, Time};

/// What is wrong with the connections from one Portal to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// They are slow.
    Slow(Pace),
    /// Connections are refused, and those that were open are broken off.
    Refused,
    /// Connections are taken, and nothing comes through.
    BlackHole,
    /// By turns refused for that long and open for as long. It begins with refusing.
    Flapping(Duration),
    /// Each is broken off after so many bytes.
    Cut(Cut),
    /// Those that are open are broken off, once.
    Reset,
}

/// How quickly things come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// So long everything is on its way, in each direction.
    pub latency: Duration,
    /// And up to so long beside, drawn anew for each piece.
    pub jitter: Duration,
    /// So many bytes in a second and no more, in each direction.
    pub bandwidth: Option<u64>,
}

/// Where a connection is broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// After so many bytes on the wire, TLS and all; of a connection that was open before, after so many more.
    pub bytes: u64,
    /// Of what.
    pub of: Part,
}

/// A direction on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What whoever opened the connection sends.
    Request,
    /// What comes back.
    Answer,
}

/// All that is wrong with the connections from one Portal to another, put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Way {
    /// How quickly things come through.
    pub pace: Pace,
    /// Whether they come through at all.
    pub passage: Passage,
    /// Where connections are broken off.
    pub cut: Option<Cut>,
}

/// Whether things come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passage {
    /// Yes.
    #[default]
    Open,
    /// Connections are refused.
    Refused,
    /// Connections are taken, and nothing comes through.
    BlackHole,
    /// Refused and open by turns.
    Flapping(Duration),
}

impl Way {
    /// All of these at once.
    pub fn of(faults: impl IntoIterator<Item = LinkFault>) -> Way {
        let mut way = Way::default();
        for fault in faults {
            match fault {
                LinkFault::Slow(pace) => way.pace = pace,
                LinkFault::Refused => way.passage = Passage::Refused,
                LinkFault::BlackHole => way.passage = Passage::BlackHole,
                LinkFault::Flapping(every) => way.passage = Passage::Flapping(every),
                LinkFault::Cut(cut) => way.cut = Some(cut),
                LinkFault::Reset => {}
            }
        }
        way
    }
}

impl LinkFault {
    /// Whether they can't be at once.
    pub(super) fn replaces(self, other: LinkFault) -> bool {
        let blocks = |fault| matches!(fault, LinkFault::Refused | LinkFault::BlackHole | LinkFault::Flapping(_));
        match (self, other) {
            (LinkFault::Slow(_), LinkFault::Slow(_)) | (LinkFault::Cut(_), LinkFault::Cut(_)) => true,
            (one, other) => blocks(one) && blocks(other),
        }
    }
}

impl Pace {
    /// As if there were nothing between.
    pub(super) fn is_instant(self) -> bool {
        self == Pace::default()
    }
}

impl Part {
    pub(super) fn word(self) -> &'static str {
        match self {
            Part::Request => "request",
            Part::Answer => "answer",
        }
    }
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkFault::Slow(pace) => pace.fmt(f),
            LinkFault::Refused => f.write_str("refused"),
            LinkFault::BlackHole => f.write_str("black-hole"),
            LinkFault::Reset => f.write_str("reset"),
            LinkFault::Flapping(every) => write!(f, "flapping {}", Time(*every)),
            LinkFault::Cut(cut) => write!(f, "cut after {} of the {}", Size(cut.bytes), cut.of.word()),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.latency.is_zero() || self.is_instant() {
            parts.push(format!("latency {}", Time(self.latency)));
        }
        if !self.jitter.is_zero() {
            parts.push(format!("jitter {}", Time(self.jitter)));
        }
        if let Some(bandwidth) = self.bandwidth {
            parts.push(format!("bandwidth {}/s", Size(bandwidth)));
        }
        f.write_str(&parts.join(" "))
    }
}
