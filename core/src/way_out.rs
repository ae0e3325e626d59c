//! The way out to peers: straight, or through an HTTP proxy of the network that opens tunnels (CONNECT, RFC 9110 §9.3.6).

use std::{fmt, time::Duration};

use bytes::BytesMut;
use http::Uri;
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::connect::Destination;

/// The longest head of a proxy's answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Which peers are reached through a proxy. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WayOut {
    proxy: Option<HttpProxy>,
    except: Vec<Exception>,
}

/// A proxy, by host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HttpProxy {
    host: String,
    port: u16,
}

/// Whom to reach without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everyone,
    /// The host of that name and all below it, on this port or any.
    Below(String, Option<u16>),
}

/// A way out that can't be gone. Does not show what was given: a password may be part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WayOutError {
    /// Not the address of a proxy.
    #[error("not the address of a proxy; give one such as http://127.0.0.1:3128")]
    Malformed,
    /// A kind of proxy that is not supported.
    #[error("proxies of the kind `{scheme}` are not supported; give the address of an http proxy, http://HOST:PORT")]
    Scheme {
        /// The scheme of its address.
        scheme: String,
    },
    /// A proxy that wants to know who asks.
    #[error("user and password for a proxy are not supported; give http://HOST:PORT alone")]
    Credentials,
}

impl WayOut {
    /// Straight to every peer.
    #[must_use]
    pub fn straight() -> Self {
        WayOut::default()
    }

    /// Through the proxy at `address` (`http://HOST:PORT`), but for the hosts in `except`, as in `NO_PROXY`: names with
    /// or without a port, with commas between them; each stands for all names below it, too; `*` for all.
    ///
    /// # Errors
    /// When `address` is none of an HTTP proxy.
    pub fn through(address: &str, except: &str) -> Result<Self, WayOutError> {
        let except = except.split(',').map(str::trim).filter(|text| !text.is_empty()).map(Exception::new).collect();
        Ok(WayOut { proxy: Some(HttpProxy::parse(address.trim())?), except })
    }

    /// As `https_proxy` or `HTTPS_PROXY` and `no_proxy` or `NO_PROXY` say, of which the first wins; `variable` tells them.
    ///
    /// # Errors
    /// The name of the variable that can't be used, and why.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, (&'static str, WayOutError)> {
        let filled = |name: &&str| variable(name).filter(|value| !value.trim().is_empty());
        let Some(name) = ["https_proxy", "HTTPS_PROXY"].into_iter().find(|name| filled(name).is_some()) else {
            return Ok(WayOut::straight());
        };
        let except = ["no_proxy", "NO_PROXY"].iter().find_map(filled).unwrap_or_default();
        WayOut::through(&variable(name).unwrap_or_default(), &except).map_err(|error| (name, error))
    }

    /// A tunnel to `destination`, where it is reached through a proxy; to be given up at `deadline`.
    pub(crate) async fn tunnel(
        &self,
        destination: &Destination,
        deadline: Instant,
        allowed: Duration,
    ) -> Option<Result<TcpStream, String>> {
        let proxy = self.proxy_for(destination)?;
        let opened = timeout_at(deadline, proxy.open(destination)).await;
        Some(opened.unwrap_or_else(|_| Err(format!("{proxy} opened no tunnel within {allowed:?}"))))
    }

    fn proxy_for(&self, destination: &Destination) -> Option<&HttpProxy> {
        let excepted = self.except.iter().any(|exception| exception.holds_for(destination));
        self.proxy.as_ref().filter(|_| !excepted)
    }
}

impl Exception {
    fn new(text: &str) -> Self {
        if text == "*" {
            return Exception::Everyone;
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().ok()),
            None => (text, None),
        };
        Exception::Below(name.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase(), port)
    }

    fn holds_for(&self, destination: &Destination) -> bool {
        let Exception::Below(name, port) = self else { return true };
        let host = destination.host.to_ascii_lowercase();
        let is_below = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        is_below && port.is_none_or(|port| port == destination.port)
    }
}

impl HttpProxy {
    fn parse(address: &str) -> Result<Self, WayOutError> {
        let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(WayOutError::Scheme { scheme: scheme.to_owned() });
        }
        if rest.contains('@') {
            return Err(WayOutError::Credentials);
        }
        let uri = Uri::try_from(format!("http://{rest}")).map_err(|_| WayOutError::Malformed)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(WayOutError::Malformed)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(WayOutError::Malformed);
        }
        let after = uri.authority().and_then(|authority| authority.as_str().strip_prefix(host)).unwrap_or_default();
        let port = match after.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| WayOutError::Malformed)?,
            None => 80,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(HttpProxy { host: host.to_owned(), port })
    }

    /// RFC 9110 §9.3.6: any 2xx answer, and what follows its head is the tunnel.
    async fn open(&self, destination: &Destination) -> Result<TcpStream, String> {
        let broke = |error: std::io::Error| format!("{self} broke off: {error}");
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let mut stream = connected.map_err(|error| format!("{self} can't be reached: {error}"))?;
        let Destination { host, port } = destination;
        let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(broke)?;
        let mut read = BytesMut::new();
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if read.len() > MAX_HEAD {
                return Err(format!("{self} answered with a head of more than {MAX_HEAD} bytes"));
            }
            if stream.read_buf(&mut read).await.map_err(broke)? == 0 {
                return Err(format!("{self} closed the connection without opening a tunnel"));
            }
        };
        let line = String::from_utf8_lossy(&read);
        let line: String =
            line.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
        let status =
            line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..)?.split(' ').next()?.parse::<u16>().ok());
        match status {
            // In TLS the client speaks first.
            Some(200..=299) if read.len() > end => Err(format!("{self} speaks before it is spoken to")),
            Some(200..=299) => Ok(stream),
            _ => Err(format!("{self} answered `{line}`")),
        }
    }
}

impl fmt::Display for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the network's proxy at {}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(host: &str, port: u16) -> Destination {
        Destination { host: host.into(), port }
    }

    #[test]
    fn the_lower_case_variable_wins_and_an_empty_one_is_none() {
        let with = |variables: &'static [(&str, &str)]| {
            WayOut::from_variables(|name| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[]), Ok(WayOut::straight()));
        assert_eq!(with(&[("HTTPS_PROXY", "")]), Ok(WayOut::straight()));
        assert_eq!(with(&[("HTTPS_PROXY", "a:1")]), Ok(WayOut::through("http://a:1/", "").unwrap()));
        assert_eq!(with(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:2")]), Ok(WayOut::through("b:2", "").unwrap()));
        assert_eq!(with(&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "x")]), Ok(WayOut::through("a:1", "x").unwrap()));
        assert_eq!(with(&[("HTTPS_PROXY", "socks5://a:1")]).unwrap_err().0, "HTTPS_PROXY");
        // The proxy of plain HTTP is none for HTTPS.
        assert_eq!(with(&[("http_proxy", "a:1")]), Ok(WayOut::straight()));
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_without_showing_a_password() {
        for (address, host, port) in
            [("http://10.0.0.1:3128", "10.0.0.1", 3128), ("proxy", "proxy", 80), ("http://[::1]:9/", "::1", 9)]
        {
            let proxy = HttpProxy { host: host.into(), port };
            assert_eq!(HttpProxy::parse(address), Ok(proxy), "{address}");
        }
        for address in ["", "http://", "http://a b", "http://a:99999", "http://a:1/path", "http://a:1?q"] {
            assert_eq!(HttpProxy::parse(address), Err(WayOutError::Malformed), "{address}");
        }
        assert_eq!(HttpProxy::parse("https://a:1"), Err(WayOutError::Scheme { scheme: "https".into() }));
        let error = HttpProxy::parse("http://me:secret@a:1").unwrap_err();
        assert!(error == WayOutError::Credentials && !error.to_string().contains("secret"));
    }

    #[test]
    fn who_is_excepted_is_reached_straight() {
        let way_out =
            WayOut::through("proxy:3128", " localhost, .corp.example ,*.lab.example,only.example:8443").unwrap();
        for (host, port, straight) in [
            ("localhost", 443, true),
            ("a.localhost", 443, true),
            ("notlocalhost", 443, false),
            ("corp.example", 443, true),
            ("A.CORP.example", 443, true),
            ("x.lab.example", 443, true),
            ("only.example", 8443, true),
            ("only.example", 443, false),
            ("p.getportal.org", 443, false),
        ] {
            assert_eq!(way_out.proxy_for(&to(host, port)).is_none(), straight, "{host}:{port}");
        }
        assert!(WayOut::through("proxy", "*").unwrap().proxy_for(&to("p.getportal.org", 443)).is_none());
    }
}
