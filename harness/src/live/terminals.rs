//! Paired devices of the owners, and a way to make a browser one: an address that is good once, on a host under the
//! Portal's domain, whose answer sets the cookie for that domain.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::Live;
use super::run_file::token;
use crate::testbed::pki::Pki;
use crate::testbed::{Testbed, TestbedError};
use crate::wire::Reader;

/// The first label of the host on which a browser logs in. An app of that name would not be found by browsers.
const LABEL: &str = "countersign-login";
/// How long such an address is good.
const GOOD: Duration = Duration::from_secs(300);
/// How many there may be at a time.
const MOST: usize = 256;
/// How long a request may take to come.
const REQUEST: Duration = Duration::from_secs(10);

/// A terminal that was paired for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// The Portal.
    pub portal: String,
    /// The domain for which the cookie is good.
    pub domain: String,
    /// What is sent as Cookie.
    pub cookie: String,
    /// An address that logs a browser in, once.
    pub login_url: String,
}

impl Live {
    /// Pairs one more terminal with a Portal. The browser that follows the address then stands before `app`, or before the
    /// first of the Portal.
    ///
    /// # Errors
    /// When there is no such Portal or app, or its Core does not pair it.
    pub async fn pair(&self, portal: &str, app: Option<&str>) -> Result<Paired, TestbedError> {
        let portal = self.testbed.portal(portal)?;
        let first = portal.all_apps().first().map(|app| app.name().to_owned());
        let host = match app {
            Some(app) => format!("{}.{}", portal.app(app)?.name(), portal.public_domain()),
            None => first.map_or(portal.public_domain(), |app| format!("{app}.{}", portal.public_domain())),
        };
        let terminal = portal.pair("countersign terminal").await?;
        // Without Domain it would be for the host of this page alone.
        let set_cookie =
            format!("{}; Domain={}; Path=/; Secure; HttpOnly; SameSite=Lax", terminal.cookie, portal.domain());
        let login = Login {
            set_cookie,
            domain: portal.domain().to_owned(),
            to: format!("https://{host}/"),
            until: Instant::now() + GOOD,
        };
        let path = self.logins.add(login)?;
        Ok(Paired {
            portal: portal.name().to_owned(),
            domain: portal.domain().to_owned(),
            cookie: terminal.cookie,
            login_url: format!("https://{LABEL}.{}{path}", portal.public_domain()),
        })
    }
}

/// The addresses that are still good.
#[derive(Debug)]
pub(super) struct Logins {
    pki: Pki,
    clock: portal_core::clock::SettableClock,
    port: u16,
    pending: Mutex<HashMap<String, Login>>,
}

#[derive(Clone)]
struct Login {
    set_cookie: String,
    domain: String,
    to: String,
    until: Instant,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("to", &self.to).finish_non_exhaustive()
    }
}

impl Logins {
    pub(super) fn new(testbed: &Testbed, port: u16) -> Logins {
        let (pki, clock) = (testbed.pki().clone(), testbed.clock().clone());
        Logins { pki, clock, port, pending: Mutex::default() }
    }

    fn add(&self, login: Login) -> Result<String, TestbedError> {
        let path = format!("/{}", token()?);
        let mut pending = self.pending();
        pending.retain(|_, login| login.until > Instant::now());
        if pending.len() >= MOST {
            let oldest = pending.iter().min_by_key(|(_, login)| login.until).map(|(path, _)| path.clone());
            oldest.into_iter().for_each(|path| drop(pending.remove(&path)));
        }
        pending.insert(path.clone(), login);
        Ok(path)
    }

    /// Whether it is a host on which browsers log in.
    pub(super) fn is_for(&self, host: &str) -> bool {
        host.split_once('.').is_some_and(|(label, _)| label == LABEL)
    }

    /// Serves one request of a browser that logs in.
    pub(super) async fn serve(&self, host: &str, stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let domain = host.split_once('.').map_or(host, |(_, domain)| domain);
        let tls = self.pki.http1_config(domain, std::sync::Arc::new(self.clock.clone())).map_err(io::Error::other)?;
        let answering = async {
            let mut stream = TlsAcceptor::from(tls).accept(stream).await?;
            let mut buffer = BytesMut::new();
            let head = Reader::new(&mut stream, &mut buffer).head().await.map_err(io::Error::other)?;
            let line = head.and_then(|head| head.request_line().ok());
            let path = line.filter(|(method, ..)| method == "GET").map(|(_, target, _)| target);
            let login = path.and_then(|path| self.take(&path, domain));
            stream.write_all(self.answer(login).as_bytes()).await?;
            stream.shutdown().await
        };
        timeout(REQUEST, answering).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    fn take(&self, path: &str, domain: &str) -> Option<Login> {
        let mut pending = self.pending();
        pending.get(path).filter(|login| login.domain == domain && login.until > Instant::now())?;
        pending.remove(path)
    }

    fn answer(&self, login: Option<Login>) -> String {
        match login {
            Some(Login { set_cookie, to, .. }) => format!(
                "HTTP/1.1 303 See Other\r\nLocation: {to}\r\nSet-Cookie: {set_cookie}\r\nCache-Control: no-store\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            None => {
                let text = format!(
                    "This address was good once, or is too old: `countersign terminal` prints another one (port {}).\n",
                    self.port
                );
                format!(
                    "HTTP/1.1 410 Gone\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                )
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<String, Login>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
