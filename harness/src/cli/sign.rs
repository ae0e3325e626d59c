//! `countersign sign`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use portal_core::clock::{SystemClock, unix_seconds};
use portal_core::digest::DigestAlgorithm;
use portal_core::rfc9421::{Algorithm, FieldTypes, SignatureInput, SigningKey};

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::explain::{MessageArgs, Opened, algorithm};
use crate::explain::keys::{self, NamedKey};
use crate::explain::read::{self, Found, Input, Located};
use crate::explain::signing::{self, CannotSign, SignedMessage, Wanted};

const HELP: &str = "\
The message, with the fields added, goes to standard output:
  countersign sign message.http --key private.pem --covers '@method @target-uri content-digest' --digest sha-256

Exit codes:
  0  signed
  2  wrong usage, a file that can't be read, or a message that can't be signed so";

/// Options of `countersign sign`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Sign {
    #[command(flatten)]
    message: MessageArgs,

    /// The private key: PEM, DER or JWK; a shared secret as JWK
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// What to cover, with spaces between: '@method content-digest "x";key="a"'
    #[arg(long, value_name = "COMPONENTS", required_unless_present_any = ["input", "for_accept_signature"])]
    covers: Option<String>,

    /// What to cover and the parameters, as behind the label: '("@method");created=1'
    #[arg(long, value_name = "INPUT", conflicts_with_all = ["covers", "created", "expires", "keyid", "alg", "nonce", "tag"])]
    input: Option<String>,

    /// Sign as Accept-Signature asks, in FILE or in the other message of the transcript
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with_all = ["covers", "input", "keyid", "alg", "nonce", "tag"])]
    for_accept_signature: Option<Option<PathBuf>>,

    /// The label [default: sig1, or the one that is asked for]
    #[arg(long, short)]
    label: Option<String>,

    /// The time of signing: now, none, or seconds since 1970
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = time)]
    created: Time,

    /// When it expires: seconds since 1970, or +SECONDS from created
    #[arg(long, value_name = "TIME", value_parser = expiry)]
    expires: Option<Expiry>,

    /// The parameter keyid [default: the kid of a JWK]
    #[arg(long)]
    keyid: Option<String>,

    /// State the algorithm, and use it: of an RSA key, rsa-pss-sha512 or rsa-v1_5-sha256
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    alg: Option<Algorithm>,

    /// The parameter nonce
    #[arg(long)]
    nonce: Option<String>,

    /// The parameter tag
    #[arg(long)]
    tag: Option<String>,

    /// Add a Content-Digest of the content; cover it with content-digest
    #[arg(long, value_name = "sha-256|sha-512", value_parser = digest)]
    digest: Option<DigestAlgorithm>,

    /// Print only the fields that are added
    #[arg(long)]
    fields_only: bool,

    /// Show the signature base, on standard error
    #[arg(long)]
    show_base: bool,
}

#[derive(Debug, Clone, Copy)]
enum Time {
    Now,
    None,
    At(u64),
}

fn time(text: &str) -> Result<Time, String> {
    match text {
        "now" => Ok(Time::Now),
        "none" => Ok(Time::None),
        _ => text.parse().map(Time::At).map_err(|_| "write now, none, or seconds since 1970".to_owned()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Expiry {
    At(u64),
    In(u64),
}

fn expiry(text: &str) -> Result<Expiry, String> {
    let parsed = match text.strip_prefix('+') {
        Some(seconds) => seconds.parse().map(Expiry::In),
        None => text.parse().map(Expiry::At),
    };
    parsed.map_err(|_| "write seconds since 1970, or +SECONDS".to_owned())
}

fn digest(text: &str) -> Result<DigestAlgorithm, String> {
    match text {
        "sha-256" => Ok(DigestAlgorithm::Sha256),
        "sha-512" => Ok(DigestAlgorithm::Sha512),
        _ => Err("there are: sha-256, sha-512".to_owned()),
    }
}

impl Sign {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let key = self.key()?;
        let Opened { input, mut subject, counterpart } = self.message.open(false)?;
        let (label, what) = self.what(&key, counterpart.as_ref())?;
        let types: FieldTypes = self.message.field_types();
        let made = signing::sign(&mut subject, &label, &what, &key.key, self.digest, &types);
        let made = made.map_err(|error| cannot(&input.name, &error))?;
        if self.show_base {
            // With standard error gone, the message still is what counts.
            let _ = writeln!(io::stderr(), "{}", made.signed.base);
        }
        self.warn(&made, &what);
        let fields = made.fields();
        ignoring_closed_pipe(if self.fields_only {
            fields.iter().try_for_each(|(name, value)| writeln!(out, "{name}: {value}"))
        } else {
            out.write_all(&signing::with_fields(&subject.message, &input.bytes, &fields))
        })?;
        Ok(Exit::Conforms)
    }

    fn key(&self) -> Result<NamedKey<SigningKey>, CommandFailure> {
        let input = Input::open(&self.key).map_err(CommandFailure::usage)?;
        let key = keys::signing(&input).map_err(CommandFailure::usage)?;
        let Some(algorithm) = self.alg else { return Ok(key) };
        let own = key.key.algorithm();
        let bound = key.key.clone().with_algorithm(algorithm).map_err(|_| {
            CommandFailure::usage(format!(
                "{}: is a key for {own}, not for {algorithm}\n  Leave out --alg, or give another key.",
                input.name
            ))
        })?;
        Ok(NamedKey { key: bound, ..key })
    }

    /// The label and the input.
    fn what(
        &self,
        key: &NamedKey<SigningKey>,
        counterpart: Option<&Located>,
    ) -> Result<(String, SignatureInput), CommandFailure> {
        let wanted = self.wanted(key);
        let label = || self.label.clone().unwrap_or_else(|| "sig1".to_owned());
        if let Some(file) = &self.for_accept_signature {
            let from_file = file.as_deref().map(asking).transpose()?;
            let asking = from_file.as_ref().or(counterpart).ok_or_else(|| {
                CommandFailure::usage("there is no message beside this one that could ask for a signature\n  Name the file that has Accept-Signature: --for-accept-signature=FILE.")
            })?;
            return signing::asked_for(asking, self.label.as_deref(), &wanted, &key.key)
                .map_err(|error| cannot(&asking.file, &error));
        }
        let input = match (&self.input, &self.covers) {
            (Some(input), _) => input.parse().map_err(CannotSign::Input),
            (None, covers) => signing::input(covers.as_deref().unwrap_or_default(), &wanted, &key.key),
        };
        input.map(|input| (label(), input)).map_err(CommandFailure::usage)
    }

    fn wanted(&self, key: &NamedKey<SigningKey>) -> Wanted {
        let now = unix_seconds(&SystemClock);
        let created = match self.created {
            Time::Now => Some(now),
            Time::None => None,
            Time::At(at) => Some(at),
        };
        Wanted {
            created,
            expires: self.expires.map(|expires| match expires {
                Expiry::At(at) => at,
                Expiry::In(seconds) => created.unwrap_or(now).saturating_add(seconds),
            }),
            keyid: self.keyid.clone().or_else(|| key.key.kid().map(str::to_owned)),
            alg: self.alg.is_some(),
            nonce: self.nonce.clone(),
            tag: self.tag.clone(),
        }
    }

    /// A digest that isn't covered is seldom what was meant.
    fn warn(&self, made: &SignedMessage, what: &SignatureInput) {
        if made.digest.is_some() && !what.covers("content-digest") {
            // As above.
            let _ = writeln!(
                io::stderr(),
                "Content-Digest was added, but the signature does not cover it; add content-digest to --covers."
            );
        }
    }
}

/// The message that asks: of a transcript, the last that does.
fn asking(path: &Path) -> Result<Located, CommandFailure> {
    let input = Input::open(path).map_err(CommandFailure::usage)?;
    match read::read(&input, None).map_err(CommandFailure::usage)? {
        Found::Raw(message) => Ok(*message),
        Found::Transcript(transcript) => {
            let all = transcript.exchanges.into_iter().flat_map(|exchange| [exchange.request, exchange.response]);
            all.flatten()
                .rfind(|message| message.fields().contains("accept-signature"))
                .ok_or_else(|| cannot(&input.name, &CannotSign::NothingAsked("no message in it".to_owned())))
        }
    }
}

fn cannot(file: &str, error: &CannotSign) -> CommandFailure {
    CommandFailure::usage(format!("{file}: {error}"))
}
