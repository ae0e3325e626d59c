//! Reading one message from a file or a pipe: HTTP/1.1 as it is on the wire or in an editor, or what `curl -v` prints.
//!
//! Lenient where an editor or a terminal has changed the bytes (line ends, a missing empty line), with a note of it;
//! strict where two readings are possible.

mod curl;
mod head;
mod raw;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use portal_core::rfc9421::{Fields, Message, Request, Response, Scheme};

pub use curl::{Exchange, Transcript};
pub(in crate::explain) use raw::with_crlf;

/// The largest input, in bytes.
pub const MAX_INPUT: usize = 16 << 20;

/// What can't be read: where, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {what}\n  {advice}", line.map_or(String::new(), |line| format!(":{line}")))]
pub struct BadInput {
    /// The file, or `standard input`.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl BadInput {
    /// About a whole file.
    pub fn file(file: &str, what: impl Into<String>, advice: impl Into<String>) -> BadInput {
        BadInput { file: file.to_owned(), line: None, what: what.into(), advice: advice.into() }
    }
}

/// Bytes with the name of where they come from.
#[derive(Debug, Clone)]
pub struct Input {
    /// The file's name as it was given, or `standard input`.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// It can't be read, or is larger than [`MAX_INPUT`].
    pub fn open(path: &Path) -> Result<Input, BadInput> {
        if path.as_os_str() == "-" {
            return Input::from_reader("standard input", io::stdin().lock());
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Input::from_reader(&name, file),
            Err(error) => {
                Err(BadInput::file(&name, format!("can't be opened: {error}"), "Name a file, or - for standard input."))
            }
        }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn from_reader(name: &str, reader: impl Read) -> Result<Input, BadInput> {
        let mut bytes = Vec::new();
        reader.take(MAX_INPUT as u64 + 1).read_to_end(&mut bytes).map_err(|error| {
            BadInput::file(name, format!("can't be read: {error}"), "Name a file, or - for standard input.")
        })?;
        if bytes.len() > MAX_INPUT {
            let what = format!("is larger than {} MiB", MAX_INPUT >> 20);
            return Err(BadInput::file(name, what, "Cut it down to the one message that it is about."));
        }
        Ok(Input { name: name.to_owned(), bytes })
    }
}

/// What was found in an input.
#[derive(Debug, Clone)]
pub enum Found {
    /// One message as on the wire.
    Raw(Box<Located>),
    /// What `curl -v` printed.
    Transcript(Transcript),
}

/// Reads an input. `scheme` is what the caller says; otherwise a transcript tells, and a raw request is taken for https.
///
/// # Errors
/// Neither a message nor a transcript; with the line at which that shows.
pub fn read(input: &Input, scheme: Option<Scheme>) -> Result<Found, BadInput> {
    if curl::looks_like(&input.bytes) {
        return curl::read(input, scheme).map(Found::Transcript);
    }
    raw::read(input, scheme).map(|message| Found::Raw(Box::new(message)))
}

/// A message and where everything in it stands.
#[derive(Debug, Clone)]
pub struct Located {
    /// The file that it stands in.
    pub file: String,
    /// Request or response.
    pub start: Start,
    /// The first line as it stands there.
    pub first_line: String,
    /// Its number, counted from 1.
    pub first_line_at: usize,
    /// The line at which each header field begins, in the order of the fields.
    pub field_lines: Vec<usize>,
    /// The line at which each trailer field begins.
    pub trailer_lines: Vec<usize>,
    /// The content, without its transfer coding.
    pub body: Body,
    /// Where the scheme is known from.
    pub scheme_from: &'static str,
    /// The line of `:authority`, where HTTP/2 or later has it in place of Host.
    pub authority_line: Option<usize>,
    /// What had to be assumed in reading it.
    pub notes: Vec<String>,
    /// How it is written down, where it was read from bytes as on the wire.
    pub layout: Option<Layout>,
}

/// Request or response.
#[derive(Debug, Clone)]
pub enum Start {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// These bytes.
    Known(Vec<u8>),
    /// Not in the input, for this reason.
    Unknown(String),
}

/// Where in the input a further field line would stand, and how lines end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The offset of the empty line that ends the head (the end, where there is none).
    pub head_end: usize,
    /// Whether lines end in CR LF.
    pub crlf: bool,
    /// Whether the head ends in an empty line.
    pub closed: bool,
}

impl Located {
    /// The header fields.
    pub fn fields(&self) -> &Fields {
        match &self.start {
            Start::Request(request) => request.fields(),
            Start::Response(response) => response.fields(),
        }
    }

    /// The header fields, to add to.
    pub fn fields_mut(&mut self) -> &mut Fields {
        match &mut self.start {
            Start::Request(request) => request.fields_mut(),
            Start::Response(response) => response.fields_mut(),
        }
    }

    /// The trailer fields.
    pub fn trailers(&self) -> &Fields {
        match &self.start {
            Start::Request(request) => request.trailers(),
            Start::Response(response) => response.trailers(),
        }
    }

    /// The request, where it is one.
    pub fn request(&self) -> Option<&Request> {
        match &self.start {
            Start::Request(request) => Some(request),
            Start::Response(_) => None,
        }
    }

    /// `request` or `response`.
    pub fn kind(&self) -> &'static str {
        match self.start {
            Start::Request(_) => "request",
            Start::Response(_) => "response",
        }
    }

    /// Whether it has one of the signature fields.
    pub fn is_signed(&self) -> bool {
        let has = |fields: &Fields| fields.contains("signature-input") || fields.contains("signature");
        has(self.fields()) || has(self.trailers())
    }

    /// The lines at which the fields of that name begin.
    pub fn lines_of(&self, name: &str, trailers: bool) -> Vec<usize> {
        let (fields, lines) =
            if trailers { (self.trailers(), &self.trailer_lines) } else { (self.fields(), &self.field_lines) };
        let named = fields.iter().zip(lines).filter(|((known, _), _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, line)| *line).collect()
    }
}

/// The message that it is about, with the request that it answers.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The message.
    pub message: Located,
    /// Of a response: the request, where it is known.
    pub related: Option<Located>,
}

impl Subject {
    /// As the engine takes it.
    pub fn as_message(&self) -> Message<'_> {
        match &self.message.start {
            Start::Request(request) => Message::Request(request),
            Start::Response(response) => {
                Message::Response { response, request: self.related.as_ref().and_then(Located::request) }
            }
        }
    }

    /// The message that a component is taken from: the related request for `req`.
    pub fn source(&self, from_request: bool) -> Option<&Located> {
        if from_request { self.related.as_ref() } else { Some(&self.message) }
    }
}

/// A side of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request.
    Request,
    /// The response.
    Response,
}

/// What the caller says about which message of a transcript it is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice {
    /// The side.
    pub side: Option<Side>,
    /// The exchange, counted from 1.
    pub exchange: Option<usize>,
    /// Whether only a message with a signature will do, if there is one.
    pub signed: bool,
}

impl Found {
    /// The message of a transcript that may ask for a signature of the other: the last with Accept-Signature.
    pub fn counterpart(&self, exchange: Option<usize>) -> Option<Located> {
        let Found::Transcript(transcript) = self else { return None };
        let chosen =
            transcript.exchanges.iter().enumerate().filter(|(at, _)| exchange.is_none_or(|number| at + 1 == number));
        let mut all = chosen.flat_map(|(_, exchange)| [&exchange.request, &exchange.response]).flatten();
        all.rfind(|message| message.fields().contains("accept-signature")).cloned()
    }

    /// Chooses the message that it is about. `related` is the request that the caller gives for a response.
    ///
    /// # Errors
    /// It can't be told which message is meant, or there is no such message.
    pub fn choose(self, file: &str, choice: Choice, related: Option<Located>) -> Result<Subject, BadInput> {
        let subject = match self {
            Found::Raw(message) => {
                let asked = choice.side.map(|side| if side == Side::Request { "request" } else { "response" });
                if asked.is_some_and(|asked| asked != message.kind()) {
                    let what = format!("holds one {}, nothing else", message.kind());
                    return Err(BadInput::file(
                        file,
                        what,
                        "Leave out --request-side and --response: they are for what curl -v prints.",
                    ));
                }
                Subject { message: *message, related: None }
            }
            Found::Transcript(transcript) => transcript.choose(file, choice)?,
        };
        match (&subject.message.start, related) {
            (_, None) => Ok(subject),
            (Start::Response(_), Some(request)) => Ok(Subject { related: Some(request), ..subject }),
            (Start::Request(_), Some(_)) => Err(BadInput::file(
                file,
                "is a request; --request names the request that a response answers",
                "Leave out --request.",
            )),
        }
    }
}
