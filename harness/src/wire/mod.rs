//! HTTP/1.1 as bytes: what is sent is what was written, what is read is what arrived.
//!
//! HTTP libraries lower-case names, join lines, drop fragments and refuse odd targets, all of which a suite has to send
//! and to see. So apps and clients of the testbed speak through this module. It is lenient on purpose: it records, it
//! does not judge.

mod body;
mod client;
mod gate;
pub(crate) mod relay;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

pub(crate) use body::Outgoing;
pub use body::{Arrived, Content, Framing, generated_sha256};
pub use client::{Call, Channel, Reply};
pub use gate::Gate;

/// A head longer than this is refused.
const HEAD_LIMIT: usize = 1 << 20;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No connection came about.
    #[error("no connection to {to}: {source}")]
    Connect {
        /// Where to.
        to: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The TLS handshake failed.
    #[error("TLS handshake with {host} failed: {source}")]
    Tls {
        /// The name asked for.
        host: String,
        /// What the TLS library said.
        source: std::io::Error,
    },
    /// No proxy stands there, and this can't be done without one.
    #[error("the Core is asked directly, and this takes a proxy: {0}")]
    NeedsProxy(&'static str),
    /// The name is not one of the testbed's.
    #[error("no such host: {0}")]
    NoSuchHost(String),
    /// Reading or writing failed.
    #[error("connection broke: {0}")]
    Io(#[from] std::io::Error),
    /// The other side closed before it answered.
    #[error("closed without an answer")]
    Closed,
    /// What came is not HTTP/1.1.
    #[error("not HTTP/1.1: {0}")]
    Malformed(String),
    /// HTTP/2 failed.
    #[error("HTTP/2: {0}")]
    Http2(String),
    /// An answer began, but its body never ended.
    #[error("answer {} cut off after {} bytes of its body: {cause}", .reply.status, .reply.length)]
    Cut {
        /// The answer as far as it came.
        reply: Box<Reply>,
        /// Why it did not go on.
        cause: String,
    },
    /// It took too long.
    #[error("{what}: nothing within {within:?}")]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
    },
}

/// Field lines in order, names in the case in which they came, repeated ones kept apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// No fields.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Adds a line at the end. Nothing is checked.
    pub fn push(&mut self, name: impl Into<String>, value: impl AsRef<[u8]>) {
        self.0.push((name.into(), value.as_ref().to_vec()));
    }

    /// Adds a line at the beginning.
    pub fn push_front(&mut self, name: impl Into<String>, value: impl AsRef<[u8]>) {
        self.0.insert(0, (name.into(), value.as_ref().to_vec()));
    }

    /// The value of the first line of that name, in any case.
    pub fn get(&self, name: &str) -> Option<String> {
        self.values(name).next()
    }

    /// The values of all lines of that name, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| readable(value))
    }

    /// Whether there is a line of that name, in any case.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// Removes all lines of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// All lines.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// All lines, the values made readable.
    pub fn to_readable(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), readable(value))).collect()
    }

    /// As a header map, for those who need one; lines that don't fit into one are left out.
    pub fn to_header_map(&self) -> http::HeaderMap {
        let mut map = http::HeaderMap::new();
        for (name, value) in self.iter() {
            if let (Ok(name), Ok(value)) =
                (http::HeaderName::from_bytes(name.as_bytes()), http::HeaderValue::from_bytes(value))
            {
                map.append(name, value);
            }
        }
        map
    }

    /// From a header map.
    pub fn from_header_map(map: &http::HeaderMap) -> Fields {
        Fields(map.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect())
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl<N: Into<String>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(lines: I) -> Fields {
        Fields(lines.into_iter().map(|(name, value)| (name.into(), value.as_ref().to_vec())).collect())
    }
}

/// The bytes as text: UTF-8 where they are, else one character a byte, so that nothing is lost.
pub fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// A start line and fields, as they arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The request or status line without its line end.
    pub start_line: String,
    /// The field lines.
    pub fields: Fields,
}

impl Head {
    fn parse(bytes: &[u8]) -> Head {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let start_line = readable(lines.next().unwrap_or_default());
        let mut fields = Fields::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            // Not a field line at all: kept as a name, so that nothing arrives unseen.
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            fields.push(readable(&line[..colon]), line.get(colon + 1..).unwrap_or_default().trim_ascii());
        }
        Head { start_line, fields }
    }

    /// The parts of a request line: method, target, version.
    pub fn request_line(&self) -> Result<(String, String, String), WireError> {
        let mut parts = self.start_line.splitn(2, ' ');
        let (method, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match rest.rsplit_once(' ') {
            Some((target, version)) if !method.is_empty() && version.starts_with("HTTP/") => {
                Ok((method.to_owned(), target.to_owned(), version.to_owned()))
            }
            _ => Err(WireError::Malformed(format!("request line: {}", self.start_line))),
        }
    }

    /// The parts of a status line: version, status, reason.
    pub fn status_line(&self) -> Result<(String, u16, String), WireError> {
        let mut parts = self.start_line.splitn(3, ' ');
        let (version, status) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match status.parse() {
            Ok(status) if version.starts_with("HTTP/1.") => {
                Ok((version.to_owned(), status, parts.next().unwrap_or_default().to_owned()))
            }
            _ => Err(WireError::Malformed(format!("status line: {}", self.start_line))),
        }
    }
}

/// Reads heads and bodies one after the other from one connection.
#[derive(Debug)]
pub struct Reader<'a, R> {
    io: &'a mut R,
    buffer: &'a mut BytesMut,
}

impl<'a, R: AsyncRead + Unpin> Reader<'a, R> {
    /// Reads from `io`, after what is already in `buffer`; what is read too much stays there.
    pub fn new(io: &'a mut R, buffer: &'a mut BytesMut) -> Reader<'a, R> {
        Reader { io, buffer }
    }

    /// The next head; none where the connection ends before its first byte.
    pub async fn head(&mut self) -> Result<Option<Head>, WireError> {
        let mut searched = 0;
        loop {
            let from = usize::saturating_sub(searched, 3);
            if let Some(at) = self.buffer[from..].windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.buffer.split_to(from + at + 4);
                return Ok(Some(Head::parse(&head)));
            }
            searched = self.buffer.len();
            if searched > HEAD_LIMIT {
                return Err(WireError::Malformed(format!("head of more than {HEAD_LIMIT} bytes")));
            }
            match self.fill().await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && self.buffer.is_empty() => {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A line up to its line end, which is dropped.
    async fn line(&mut self) -> Result<Bytes, WireError> {
        loop {
            if let Some(at) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(at + 1).freeze();
                return Ok(line.slice(..line.len() - if line.ends_with(b"\r\n") { 2 } else { 1 }));
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Err(WireError::Malformed("endless line".to_owned()));
            }
            self.fill().await?;
        }
    }

    /// Between one and `most` bytes.
    async fn some(&mut self, most: u64) -> Result<Bytes, WireError> {
        if !self.buffer.has_remaining() {
            self.fill().await?;
        }
        let count = usize::try_from(most).unwrap_or(usize::MAX).min(self.buffer.len());
        Ok(self.buffer.split_to(count).freeze())
    }

    async fn fill(&mut self) -> std::io::Result<()> {
        self.buffer.reserve(64 << 10);
        match self.io.read_buf(self.buffer).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
