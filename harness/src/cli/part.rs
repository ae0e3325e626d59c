//! `countersign part`: what runs in containers of our own image. Not for people.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::CommandFailure;
use super::exit::Exit;
use crate::parts::portal::{self, PortalError, Ports};
use crate::parts::relay::{Lead, carry};
use crate::parts::{READY_PORT, ask, echo, healthy};

/// Options of `countersign part`.
#[derive(Debug, Args)]
pub struct Part {
    #[command(subcommand)]
    part: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Be a Core: all that `portal-core` takes
    #[command(disable_help_flag = true)]
    Core {
        /// Its options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Carry connections on
    Relay {
        /// From where to where
        #[arg(long, required = true, value_name = "ADDRESS=HOST:PORT")]
        lead: Vec<Lead>,
    },
    /// Know the names of the testbed, and lead there
    Guide {
        /// Where the socket of the testbed is
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// The port for DNS
        #[arg(long, default_value_t = 53)]
        dns_port: u16,
        /// The port for HTTPS
        #[arg(long, default_value_t = 443)]
        port: u16,
    },
    /// Be an app that answers with what arrives
    Echo {
        /// Name of its Portal
        #[arg(long)]
        portal: String,
        /// Its name
        #[arg(long)]
        app: String,
        /// The port to listen on
        #[arg(long, default_value_t = 80)]
        port: u16,
    },
    /// Be the proxy of a Portal, and set the Portal up
    Proxy {
        /// What it is told, as JSON
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The port for HTTPS
        #[arg(long, default_value_t = 443)]
        port: u16,
        /// The port for plain HTTP
        #[arg(long, default_value_t = 80)]
        plain_port: u16,
        /// The port that opens when the Portal is set up
        #[arg(long, default_value_t = READY_PORT)]
        ready_port: u16,
    },
    /// Make one request from here, and print the answer
    Ask {
        /// The method
        method: String,
        /// The URL, plain HTTP
        url: String,
        /// The body
        #[arg(long, short)]
        data: Option<String>,
    },
    /// Ask whether somebody serves here, and say with the exit code
    Healthy {
        /// Its port
        #[arg(long, default_value_t = 80)]
        port: u16,
        /// What is asked for; without it, a connection is enough
        #[arg(long, value_name = "PATH")]
        get: Option<String>,
    },
}

impl Part {
    /// Is the part until it is told to stop.
    pub(super) fn run(self) -> Result<Exit, CommandFailure> {
        let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
        match self.part {
            Which::Core { options } => {
                let code = portal_core::program::main(std::iter::once("portal-core".into()).chain(options));
                if code == ExitCode::SUCCESS { Ok(Exit::Conforms) } else { Err(CommandFailure::subject("")) }
            }
            Which::Relay { lead } => runtime()?.block_on(until_told(async {
                carry(&lead).await.map_err(|error| CommandFailure::harness(format!("relay: {error}")))
            })),
            #[cfg(target_os = "linux")]
            Which::Guide { folder, dns_port: dns, port } => {
                use crate::subject::namespace::guide::{Guide, serve};
                runtime()?.block_on(until_told(async {
                    let served = serve(Guide { folder, dns, port }).await;
                    served.map_err(|error| CommandFailure::harness(format!("guide: {error}")))
                }))
            }
            #[cfg(not(target_os = "linux"))]
            Which::Guide { .. } => Err(CommandFailure::usage("containers are Linux's")),
            Which::Echo { portal, app, port } => runtime()?.block_on(until_told(async {
                echo::serve(&portal, &app, port)
                    .await
                    .map_err(|error| CommandFailure::harness(format!("{app}: {error}")))
            })),
            Which::Proxy { config, port, plain_port, ready_port } => {
                let ports = Ports { tls: port, plain: plain_port, ready: ready_port };
                runtime()?.block_on(until_told(async {
                    portal::serve(&config, ports).await.map_err(|error| match error {
                        PortalError::File { .. } => CommandFailure::usage(error),
                        PortalError::Port(_) => CommandFailure::harness(error),
                    })
                }))
            }
            Which::Ask { method, url, data } => runtime()?.block_on(async {
                let reply = ask::ask(&method, &url, data.as_deref()).await.map_err(CommandFailure::harness)?;
                let mut out = std::io::stdout().lock();
                writeln!(out, "{}\n{}", reply.status, reply.text())?;
                Ok(if (200..300).contains(&reply.status) { Exit::Conforms } else { Exit::DoesNotConform })
            }),
            Which::Healthy { port, get } => runtime()?.block_on(async {
                let asked = match &get {
                    Some(path) => healthy::ask(port, path).await,
                    None => healthy::connects(port).await,
                };
                match asked {
                    Ok(()) => Ok(Exit::Conforms),
                    Err(why) => {
                        // The engine keeps what is said: `docker inspect` shows it.
                        let _ = writeln!(std::io::stderr(), "{why}");
                        Ok(Exit::DoesNotConform)
                    }
                }
            }),
        }
    }
}

/// As the first process of a container it gets no signal that it has not asked for.
async fn until_told(work: impl Future<Output = Result<(), CommandFailure>>) -> Result<Exit, CommandFailure> {
    tokio::select! {
        done = work => done?,
        () = told() => {}
    }
    Ok(Exit::Conforms)
}

#[cfg(unix)]
async fn told() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn told() {
    let _ = tokio::signal::ctrl_c().await;
}
