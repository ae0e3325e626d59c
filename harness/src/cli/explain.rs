//! `countersign explain`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use portal_core::clock::{SystemClock, unix_seconds};
use portal_core::rfc9421::{Algorithm, FieldType, FieldTypes, Scheme, VerifyingKey};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use crate::explain::keys::{self, NamedKey};
use crate::explain::read::{self, Body, Choice, Found, Input, Located, Side, Subject};
use crate::explain::{Judging, Required, Verdict, explain, text};

const HELP: &str = "\
The message is HTTP/1.1 as on the wire (lines may end in LF), or what curl -v prints:
  curl -sv https://example.com/ 2>&1 | countersign explain - --key public.pem

Exit codes:
  0  the signature verifies; without a key: nothing wrong was found
  1  it is refused; of several signatures (see --label): one of them
  2  wrong usage, or a file that can't be read";

/// Options of `countersign explain`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Explain {
    #[command(flatten)]
    message: MessageArgs,

    /// A key to verify with: PEM, DER, JWK or JWK Set; NAME is the keyid it stands for (repeatable)
    #[arg(long, value_name = "[NAME=]FILE")]
    key: Vec<String>,

    /// Only the signature of this label
    #[arg(long, short)]
    label: Option<String>,

    /// Judge as of this time, in seconds since 1970 [default: the present]
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,

    /// A component that must be covered: @method, content-digest, '"x";key="a"' (repeatable)
    #[arg(long, value_name = "COMPONENT")]
    require: Vec<String>,

    /// The longest time since created, in seconds
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,

    /// How far the clocks may be apart, in seconds, with --max-age
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    skew: u64,

    /// The tag that the signature must have
    #[arg(long)]
    tag: Option<String>,

    /// An algorithm that is allowed, such as ed25519; others are not then (repeatable)
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    alg: Vec<Algorithm>,

    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Which message it is, and what is known beside it; the same for `explain` and `sign`.
#[derive(Debug, Args)]
pub(super) struct MessageArgs {
    /// The file with the message; - is standard input
    #[arg(value_name = "MESSAGE")]
    message: PathBuf,

    /// How the message was sent; a request target or transcript that says so needs none of it [default: https]
    #[arg(long, value_name = "http|https", value_parser = scheme)]
    scheme: Option<Scheme>,

    /// Of a response: the file with the request that it answers
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,

    /// The file with the content, where the message has none (curl -v doesn't print what it sends)
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// The type of a structured field: list, dictionary or item (repeatable)
    #[arg(long, value_name = "NAME=TYPE", value_parser = field_type)]
    field_type: Vec<(String, FieldType)>,

    /// Of what curl -v printed: the request
    #[arg(long, conflicts_with = "response")]
    request_side: bool,

    /// Of what curl -v printed: the response
    #[arg(long)]
    response: bool,

    /// Of what curl -v printed: the exchange of this number, counted from 1
    #[arg(long, value_name = "N")]
    exchange: Option<usize>,
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    text.parse().map_err(|_| {
        let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        format!("there are: {}", names.join(", "))
    })
}

fn scheme(text: &str) -> Result<Scheme, String> {
    match text {
        "http" => Ok(Scheme::Http),
        "https" => Ok(Scheme::Https),
        _ => Err("there are: http, https".to_owned()),
    }
}

fn field_type(text: &str) -> Result<(String, FieldType), String> {
    let (name, kind) = text.split_once('=').ok_or("write it as NAME=list, NAME=dictionary or NAME=item")?;
    let kind = match kind {
        "list" => FieldType::List,
        "dictionary" => FieldType::Dictionary,
        "item" => FieldType::Item,
        _ => return Err(format!("`{kind}` is no type; there are: list, dictionary, item")),
    };
    Ok((name.to_owned(), kind))
}

/// A message with the bytes that it was read from.
pub(super) struct Opened {
    pub(super) input: Input,
    pub(super) subject: Subject,
    /// The other message of the transcript that it comes from.
    pub(super) counterpart: Option<Located>,
}

impl MessageArgs {
    /// Reads the message. `signed`: rather one with a signature, where there are several.
    pub(super) fn open(&self, signed: bool) -> Result<Opened, CommandFailure> {
        let input = Input::open(&self.message).map_err(CommandFailure::usage)?;
        let related = self.request.as_deref().map(|path| self.related(path)).transpose()?;
        let side = match (self.request_side, self.response) {
            (true, _) => Some(Side::Request),
            (_, true) => Some(Side::Response),
            _ => None,
        };
        let choice = Choice { side, exchange: self.exchange, signed };
        let found = read::read(&input, self.scheme).map_err(CommandFailure::usage)?;
        let counterpart = found.counterpart(self.exchange);
        let mut subject = found.choose(&input.name, choice, related).map_err(CommandFailure::usage)?;
        if let Some(path) = &self.body {
            subject.message.body = Body::Known(Input::open(path).map_err(CommandFailure::usage)?.bytes);
        }
        Ok(Opened { input, subject, counterpart })
    }

    fn related(&self, path: &Path) -> Result<Located, CommandFailure> {
        let input = Input::open(path).map_err(CommandFailure::usage)?;
        let found = read::read(&input, self.scheme).map_err(CommandFailure::usage)?;
        let request = match found {
            Found::Raw(message) => Some(*message).filter(|message| message.request().is_some()),
            Found::Transcript(transcript) => {
                transcript.exchanges.into_iter().rev().find_map(|exchange| exchange.request)
            }
        };
        request.ok_or_else(|| {
            CommandFailure::usage(format!(
                "{}: holds no request\n  --request names the request that the response answers.",
                input.name
            ))
        })
    }

    pub(super) fn field_types(&self) -> FieldTypes {
        self.field_type.iter().fold(FieldTypes::default(), |types, (name, kind)| types.with(name, *kind))
    }
}

impl Explain {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let mut judging = Judging {
            keys: Vec::new(),
            label: self.label.clone(),
            now: self.now.unwrap_or_else(|| unix_seconds(&SystemClock)),
            required: Required {
                algorithms: self.alg.clone(),
                max_age: self.max_age,
                skew: self.skew,
                tag: self.tag.clone(),
                ..Required::default()
            },
            field_types: self.message.field_types(),
        };
        for id in &self.require {
            judging.required.component(id).map_err(|error| {
                CommandFailure::usage(format!(
                    "--require {id}: {error}\n  Write it as @method, content-digest or '\"x\";key=\"a\"'."
                ))
            })?;
        }
        for key in &self.key {
            judging.keys.extend(open_key(key)?);
        }
        let opened = self.message.open(true)?;
        let explanation = explain(&opened.subject, &judging);
        ignoring_closed_pipe(if self.json {
            serde_json::to_writer_pretty(&mut *out, &explanation).map_err(io::Error::from).and_then(|()| writeln!(out))
        } else {
            text::write(&explanation, out)
        })?;
        Ok(match explanation.verdict {
            Verdict::Verified | Verdict::NothingWrongFound => Exit::Conforms,
            Verdict::Refused => Exit::DoesNotConform,
        })
    }
}

/// `FILE` or `NAME=FILE`.
fn open_key(text: &str) -> Result<Vec<NamedKey<VerifyingKey>>, CommandFailure> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) if !Path::new(text).exists() => (Some(name), path),
        _ => (None, text),
    };
    let input = Input::open(Path::new(path)).map_err(CommandFailure::usage)?;
    keys::verifying(&input, name).map_err(CommandFailure::usage)
}

#[cfg(test)]
mod tests;
