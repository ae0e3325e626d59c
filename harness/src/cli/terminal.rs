//! `countersign terminal`

use std::io::Write;
use std::process::{Command, Stdio};

use clap::Args;

use super::CommandFailure;
use super::check::ignoring_closed_pipe;
use super::exit::Exit;
use super::project::{UpArgs, runtime};

const HELP: &str = "\
  countersign terminal alice --open
  curl -H \"Cookie: $(countersign terminal alice --cookie)\" …";

/// Options of `countersign terminal`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Terminal {
    /// The Portal
    portal: String,

    /// The app that the browser stands before once it is logged in [default: the first]
    #[arg(long, value_name = "APP")]
    app: Option<String>,

    /// Open it in the browser
    #[arg(long, conflicts_with = "cookie")]
    open: bool,

    /// Print the cookie alone, as it is sent
    #[arg(long)]
    cookie: bool,

    #[command(flatten)]
    up: UpArgs,
}

impl Terminal {
    /// Pairs one and prints what it takes to be it.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
        let paired =
            runtime()?.block_on(async { self.up.find().await?.terminal(&self.portal, self.app.as_deref()).await })?;
        if self.open {
            browse(&paired.login_url)?;
            ignoring_closed_pipe(writeln!(out, "opened in the browser"))?;
            return Ok(Exit::Conforms);
        }
        let told = match self.cookie {
            true => writeln!(out, "{}", paired.cookie),
            false => writeln!(
                out,
                "A terminal is paired with {}.\n\n  in a browser   {}\n                 (good once, for five minutes; the \
                 browser has to trust the certificate that `countersign up` names)\n  elsewhere      Cookie: {}\n  \
                 {:14} on {} and the names under it",
                paired.portal, paired.login_url, paired.cookie, "", paired.domain
            ),
        };
        ignoring_closed_pipe(told)?;
        Ok(Exit::Conforms)
    }
}

/// Hands an address to whatever shows pages here.
fn browse(url: &str) -> Result<(), CommandFailure> {
    let (program, first): (_, &[&str]) = match () {
        () if cfg!(target_os = "macos") => ("open", &[]),
        () if cfg!(windows) => ("rundll32", &["url.dll,FileProtocolHandler"]),
        () => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(first).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let opened = command.status().is_ok_and(|status| status.success());
    match opened {
        true => Ok(()),
        false => {
            Err(CommandFailure::usage(format!("`{program}` opens no browser here: open this one yourself\n{url}")))
        }
    }
}
